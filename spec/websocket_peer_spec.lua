local ws = require "wsmultiplayer"
local call = require "support.call"
local collector = require "support.collector"
local frames = require "support.frames"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"
local websocket = require "support.websocket"

local loadstring = loadstring or load

local CONNECTING, OPEN, CLOSED = websocket.CONNECTING, websocket.OPEN, websocket.CLOSED
local TEXT, BINARY = ws.WebSocketPeer.WRITE_MODE_TEXT, ws.WebSocketPeer.WRITE_MODE_BINARY

local SIZES = { 0, 1, 2, 125, 126, 127, 128, 1000, 4096, 32768, 65534, 65535 }

local function bytes_of(size)
  local all = {}
  for i = 0, 255 do all[i + 1] = string.char((i * 7 + size) % 256) end
  return table.concat(all):rep(math.ceil(size / 256)):sub(1, size)
end

local function raises(pattern, ...)
  local ok, err = call(...)
  assert.is_false(ok, "should have raised")
  assert.matches(pattern, tostring(err))
end

local function after_each_test()
  session.close()
  websocket.close()
end

describe("a fresh WebSocketPeer", function()
  local peer

  before_each(function() peer = ws.WebSocketPeer() end)

  it("has Godot's constants", function()
    assert.same({ 0, 1, 2, 3 },
      { peer.STATE_CONNECTING, peer.STATE_OPEN, peer.STATE_CLOSING, ws.WebSocketPeer.STATE_CLOSED })
    assert.same({ 0, 1 }, { peer.WRITE_MODE_TEXT, ws.WebSocketPeer.WRITE_MODE_BINARY })
  end)

  it("is closed, and answers as a closed one", function()
    assert.equals(CLOSED, peer:get_ready_state())
    assert.equals(-1, peer:get_close_code())
    assert.equals("", peer:get_close_reason())
    assert.equals("", peer:get_connected_host())
    assert.equals(0, peer:get_connected_port())
    assert.equals("", peer:get_selected_protocol())
    assert.equals("", peer:get_requested_url())
    assert.equals("", peer:get_last_error())
    assert.equals(0, peer:get_current_outbound_buffered_amount())
    assert.equals(0, peer:get_available_packet_count())
    assert.equals(ws.OK, peer:get_packet_error())
    assert.is_false(peer:was_string_packet())
    assert.is_nil(peer:get_rtt())
    assert.matches("^WebSocketPeer: 0x%x+ %(closed%)$", tostring(peer))
  end)

  it("refuses to send and to receive with FAILED and a text", function()
    for _, method in ipairs { "send", "send_text", "put_packet" } do
      local err, why = peer[method](peer, "x")
      assert.equals(ws.FAILED, err)
      assert.is_true(#why > 0)
    end
    local packet, err, why = peer:get_packet()
    assert.is_nil(packet)
    assert.equals(ws.FAILED, err)
    assert.is_true(#why > 0)
    assert.equals(ws.FAILED, peer:get_packet_error())
    for _ in peer:packets() do error "there is no packet" end
    assert.equals(ws.OK, (peer:put_packet("")))
    assert.equals(ws.FAILED, (peer:send("")))
    assert.equals(ws.FAILED, (peer:send_text("")))
  end)

  it("takes close(), poll() and set_no_delay() without harm", function()
    peer:close()
    peer:close(4000, "x")
    peer:close(-1)
    peer:poll()
    peer:poll(0.001)
    peer:set_no_delay(false)
    assert.equals(CLOSED, peer:get_ready_state())
    assert.equals(-1, peer:get_close_code())
  end)

  it("raises for wrong arguments", function()
    for _, wrong in ipairs { 5, true, {} } do
      local kind = type(wrong)
      raises("bad argument #1 to 'connect_to_url' %(string expected, got " .. kind, peer, "connect_to_url", wrong)
      raises("bad argument #1 to 'send' %(string expected, got " .. kind, peer, "send", wrong)
      raises("bad argument #1 to 'send_text' %(string expected, got " .. kind, peer, "send_text", wrong)
      raises("bad argument #1 to 'put_packet' %(string expected, got " .. kind, peer, "put_packet", wrong)
    end
    raises("bad argument #1 to 'connect_to_url'", peer, "connect_to_url")
    raises("bad argument #2 to 'connect_to_url'", peer, "connect_to_url", "ws://127.0.0.1", {})
    raises("bad argument #2 to 'connect_to_url'", peer, "connect_to_url", "ws://127.0.0.1", peer)
    raises("bad argument #1 to 'send'", peer, "send")
    raises("bad argument #2 to 'send'", peer, "send", "x", "text")
    raises("bad argument #2 to 'send'", peer, "send", "x", 2)
    raises("bad argument #1 to 'poll'", peer, "poll", "x")
    raises("bad argument #1 to 'poll'", peer, "poll", -1)
    raises("bad argument #1 to 'poll'", peer, "poll", 0 / 0)
    raises("bad argument #1 to 'set_no_delay' %(boolean expected, got number", peer, "set_no_delay", 1)
    raises("bad argument #1 to 'set_no_delay'", peer, "set_no_delay")
    raises("bad argument #1 to 'close'", peer, "close", "x")
    raises("bad argument #2 to 'close'", peer, "close", 1000, {})
  end)

  it("raises for a wrong self", function()
    assert.is_false(pcall(peer.poll))
    assert.is_false(pcall(peer.poll, ws.WebSocketServer.new()))
    assert.is_false(pcall(peer.get_packet, {}))
    assert.is_false(pcall(peer.send, io.stdout, "x"))
  end)
end)

describe("connect_to_url", function()
  after_each(after_each_test)

  it("is CONNECTING at once, and OPEN when the server has answered", function()
    local listener = raw.listen()
    local client = websocket.peer()
    assert.same({ ws.OK }, { client:connect_to_url("ws://127.0.0.1:" .. listener.port .. "/a?b=c") })
    assert.equals(CONNECTING, client:get_ready_state())
    assert.equals(ws.FAILED, (client:send("early")))
    assert.equals(0, client:get_available_packet_count())
    local connection = listener:accept_request({ client })
    assert.equals(CONNECTING, client:get_ready_state())
    assert.equals("GET /a?b=c HTTP/1.1", connection.request:match("^[^\r]*"))
    connection:send(raw.response(connection.request))
    websocket.reach(client, OPEN)
    assert.equals("127.0.0.1", client:get_connected_host())
    assert.equals(listener.port, client:get_connected_port())
    assert.equals("ws://127.0.0.1:" .. listener.port .. "/a?b=c", client:get_requested_url())
    assert.equals("", client:get_selected_protocol())
    assert.equals("", client:get_last_error())
    assert.matches("%(open%)$", tostring(client))
  end)

  it("does not send the fragment, which get_requested_url() shows", function()
    local listener = raw.listen()
    local client = websocket.connect(listener.port, nil, "/chat?room=1#here")
    local connection = listener:accept_request({ client })
    assert.equals("GET /chat?room=1 HTTP/1.1", connection.request:match("^[^\r]*"))
    assert.equals("ws://127.0.0.1:" .. listener.port .. "/chat?room=1#here", client:get_requested_url())
  end)

  it("answers 31 and a text for bad URLs, and stays closed", function()
    for _, url in ipairs {
      "", "ws://", "http://127.0.0.1", "127.0.0.1:x", "ws://127.0.0.1:0", "ws://127.0.0.1:65536", "ws://::1",
      "ws://[::1", "ws://[x]/", "ws://127.0.0.1/\r\n", "ws://127.0.0.1/\0",
    } do
      local client = websocket.peer()
      local err, why = client:connect_to_url(url)
      assert.equals(ws.ERR_INVALID_PARAMETER, err, url)
      assert.is_true(#why > 0)
      assert.equals(CLOSED, client:get_ready_state())
    end
  end)

  it("answers 31 for headers that are no lines and protocols that are no tokens", function()
    for _, bad in ipairs {
      { handshake_headers = { "X-A: 1\r\nX-B: 2" } }, { handshake_headers = { "no colon" } },
      { supported_protocols = { "two words" } }, { supported_protocols = { "" } },
    } do
      local err, why = websocket.peer(bad):connect_to_url("ws://127.0.0.1:9")
      assert.equals(ws.ERR_INVALID_PARAMETER, err)
      assert.matches("[1]", why, 1, true)
    end
  end)

  it("answers 31 for TLSOptions of a server", function()
    local client = websocket.peer()
    assert.equals(ws.ERR_INVALID_PARAMETER,
      (client:connect_to_url("wss://127.0.0.1:9", ws.TLSOptions.server("key", "certificate"))))
    assert.equals(CLOSED, client:get_ready_state())
    assert.matches("server", client:get_last_error())
  end)

  it("ignores TLSOptions of a client for ws://", function()
    local server = websocket.server()
    local client = websocket.peer()
    assert.equals(ws.OK,
      (client:connect_to_url("ws://127.0.0.1:" .. server:get_local_port(), ws.TLSOptions.client_unsafe())))
    websocket.reach(client, OPEN, { client, server })
  end)

  -- Godot: the empty URL, then the kind of options, then the state, then the rest of the URL.
  it("checks in Godot's order", function()
    local client = websocket.by_hand()
    local wrong = ws.TLSOptions.server("key", "certificate")
    assert.equals(ws.ERR_INVALID_PARAMETER, (client:connect_to_url("")))
    assert.equals(ws.ERR_INVALID_PARAMETER, (client:connect_to_url("ws://127.0.0.1:9", wrong)))
    assert.equals(ws.ERR_ALREADY_IN_USE, (client:connect_to_url("http://bad url:x")))
    assert.equals(OPEN, client:get_ready_state())
  end)

  it("answers 22 while CONNECTING or OPEN, and changes nothing", function()
    local listener = raw.listen()
    local client = websocket.connect(listener.port)
    local err, why = client:connect_to_url("ws://127.0.0.1:" .. listener.port)
    assert.equals(ws.ERR_ALREADY_IN_USE, err)
    assert.is_true(#why > 0)
    local connection = listener:welcome({ client }, false)
    websocket.reach(client, OPEN)
    assert.equals(ws.ERR_ALREADY_IN_USE, (client:connect_to_url("ws://127.0.0.1:" .. listener.port)))
    assert.equals(ws.OK, (client:send("still here")))
    assert.equals("still here", connection:read_binary({ client }))
  end)

  it("cuts the old connection while CLOSING, and resets the close code", function()
    local client, connection, listener = websocket.by_hand()
    client:close(4001, "bye")
    assert.equals(4001, connection:read_frame({ client }).code)
    assert.equals(ws.OK, (client:connect_to_url("ws://127.0.0.1:" .. listener.port)))
    assert.equals(CONNECTING, client:get_ready_state())
    connection:read_end({ client })
    local second = listener:welcome({ client }, false)
    websocket.reach(client, OPEN)
    second:send_close(4002, "two")
    websocket.reach(client, CLOSED)
    assert.equals(4002, client:get_close_code())
    assert.equals(ws.OK, (client:connect_to_url("ws://127.0.0.1:" .. listener.port)))
    assert.equals(-1, client:get_close_code())
    assert.equals("", client:get_close_reason())
    assert.equals("", client:get_last_error())
  end)

  it("can be used again and again, without messages of the connection before", function()
    local server, port = websocket.server()
    local client = websocket.peer()
    for i = 1, 5 do
      assert.equals(ws.OK, (client:connect_to_url("ws://127.0.0.1:" .. port)))
      websocket.reach(client, OPEN, { client, server })
      local peer = websocket.take(server)
      assert.equals(ws.OK, (peer:send("message " .. i)))
      assert.same({ "message " .. i }, (websocket.receive(client, 1, { client, server })))
      assert.equals(ws.OK, (peer:send("unread")))
      wait.until_(function() return client:get_available_packet_count() == 1 end, { client, server })
      client:close()
      websocket.reach(client, CLOSED, { client, server })
      assert.equals(1000, client:get_close_code())
    end
  end)

  it("that fails is CLOSED with -1, and says why", function()
    local client = websocket.connect(raw.free_port())
    websocket.reach(client, CLOSED)
    assert.equals(-1, client:get_close_code())
    assert.equals("", client:get_close_reason())
    assert.matches("refused", client:get_last_error())
  end)

  it("fails when the server is none, or ends", function()
    local listener = raw.listen()
    for _, answer in ipairs { "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "", "nonsense\r\n\r\n" } do
      local client = websocket.connect(listener.port)
      local connection = listener:accept_request({ client })
      connection:send(answer)
      connection:shut_write()
      websocket.reach(client, CLOSED)
      assert.equals(-1, client:get_close_code())
      assert.is_true(#client:get_last_error() > 0)
    end
  end)

  it("tries all addresses of localhost", function()
    local server = websocket.new_server()
    assert.equals(ws.OK, (server:listen(0, "127.0.0.1")))
    local client = websocket.peer()
    assert.equals(ws.OK, (client:connect_to_url("localhost:" .. server:get_local_port())))
    websocket.reach(client, OPEN, { client, server })
    assert.equals("127.0.0.1", client:get_connected_host())
  end)

  if raw.has_ipv6() then
    it("takes an IPv6 literal", function()
      local server, port = websocket.server(nil, "::1")
      local client = websocket.peer()
      assert.equals(ws.OK, (client:connect_to_url(("ws://[::1]:%d/"):format(port))))
      websocket.reach(client, OPEN, { client, server })
      assert.equals("0:0:0:0:0:0:0:1", client:get_connected_host())
      assert.equals("0:0:0:0:0:0:0:1", websocket.take(server):get_connected_host())
    end)
  end

  it("has no time limit of its own while the server is silent", function()
    local listener = raw.listen()
    local client = websocket.connect(listener.port)
    listener:accept_request({ client })
    wait.quiet({ client }, 0.3)
    assert.equals(CONNECTING, client:get_ready_state())
  end)

  it("lets a waiting poll end when the connection opens", function()
    local client = websocket.peer()
    local listener = raw.listen()
    assert.equals(ws.OK, (client:connect_to_url("ws://127.0.0.1:" .. listener.port)))
    local connection = listener:accept_request({ client })
    connection:send(raw.response(connection.request))
    local started = wait.now()
    client:poll(5)
    assert.is_true(wait.now() - started < 2)
    assert.equals(OPEN, client:get_ready_state())
  end)
end)

describe("messages of a WebSocketPeer", function()
  after_each(after_each_test)

  it("are binary by send and put_packet, text by send_text and WRITE_MODE_TEXT, on the wire", function()
    local client, connection = websocket.by_hand()
    local function sends(opcode, payload, method, ...)
      assert.same({ ws.OK }, { client[method](client, payload, ...) })
      local frame = connection:read_frame({ client })
      assert.equals(opcode, frame.opcode)
      assert.equals(payload, frame.payload)
      assert.is_true(frame.fin)
      assert.is_truthy(frame.mask)
    end
    sends(frames.BINARY, "one", "send")
    sends(frames.BINARY, "two\0\255", "send", BINARY)
    sends(frames.TEXT, "three", "send", TEXT)
    sends(frames.TEXT, "f\195\188nf", "send_text")
    sends(frames.BINARY, "six", "put_packet")
    sends(frames.BINARY, "", "send")
    sends(frames.TEXT, "", "send", TEXT)
    sends(frames.TEXT, "", "send_text")
    assert.equals(ws.OK, (client:put_packet("")))
    sends(frames.BINARY, "after the one that was not sent", "put_packet")
  end)

  it("are refused as text when they are not UTF-8", function()
    local client, connection = websocket.by_hand()
    for _, bad in ipairs { "\255", "a\195", "\237\160\128", "\192\128", "\244\144\128\128" } do
      local err, why = client:send_text(bad)
      assert.equals(ws.ERR_INVALID_DATA, err)
      assert.matches("UTF%-8", why)
      assert.equals(ws.ERR_INVALID_DATA, (client:send(bad, TEXT)))
      assert.equals(ws.OK, (client:send(bad, BINARY)))
      assert.equals(bad, connection:read_binary({ client }))
    end
  end)

  it("are told apart by was_string_packet, which speaks of the last one taken", function()
    local client, connection = websocket.by_hand()
    connection:send_frame { opcode = frames.TEXT, payload = "text" }
    connection:send_frame { opcode = frames.BINARY, payload = "binary" }
    connection:send_frame { opcode = frames.TEXT, payload = "" }
    connection:send_frame { opcode = frames.BINARY, payload = "" }
    assert.is_false(client:was_string_packet())
    local messages, texts = websocket.receive(client, 4)
    assert.same({ "text", "binary", "", "" }, messages)
    assert.same({ true, false, true, false }, texts)
    connection:send_frame { opcode = frames.TEXT, payload = "later" }
    wait.until_(function() return client:get_available_packet_count() == 1 end, { client })
    assert.is_false(client:was_string_packet())
    assert.equals("later", client:get_packet())
    assert.equals(ws.OK, client:get_packet_error())
    assert.is_true(client:was_string_packet())
  end)

  it("come in fragments, with control frames in between", function()
    local client, connection = websocket.by_hand()
    connection:send_frame { opcode = frames.TEXT, payload = "gr\195", fin = false }
    connection:send_frame { opcode = frames.PING, payload = "ping" }
    connection:send_frame { opcode = frames.CONTINUATION, payload = "\188", fin = false }
    connection:send_frame { opcode = frames.CONTINUATION, payload = "n" }
    connection:send_frame { opcode = frames.BINARY, payload = "", fin = false }
    connection:send_frame { opcode = frames.CONTINUATION, payload = "" }
    local messages, texts = websocket.receive(client, 2)
    assert.same({ "gr\195\188n", "" }, messages)
    assert.same({ true, false }, texts)
    local pong = connection:read_frame({ client })
    assert.equals(frames.PONG, pong.opcode)
    assert.equals("ping", pong.payload)
  end)

  it("come byte by byte", function()
    local client, connection = websocket.by_hand()
    connection:trickle(frames.build { opcode = frames.TEXT, payload = "slow" } .. frames.build { payload = "er" },
      { client })
    assert.same({ "slow", "er" }, (websocket.receive(client, 2)))
  end)

  it("are taken by packets(), with whether each came as text", function()
    local client, connection = websocket.by_hand()
    connection:send_frame { opcode = frames.TEXT, payload = "a" }
    connection:send_binary("")
    connection:send_binary("b")
    wait.until_(function() return client:get_available_packet_count() == 3 end, { client })
    local got = {}
    for packet, is_text in client:packets() do got[#got + 1] = packet .. tostring(is_text) end
    assert.same({ "atrue", "false", "bfalse" }, got)
    assert.equals(0, client:get_available_packet_count())
  end)

  it("that are not there: get_packet gives ERR_UNAVAILABLE", function()
    local client, connection = websocket.by_hand()
    local packet, err, why = client:get_packet()
    assert.is_nil(packet)
    assert.equals(ws.ERR_UNAVAILABLE, err)
    assert.is_true(#why > 0)
    assert.equals(ws.ERR_UNAVAILABLE, client:get_packet_error())
    connection:send_binary("x")
    wait.until_(function() return client:get_available_packet_count() == 1 end, { client })
    assert.equals(ws.ERR_UNAVAILABLE, client:get_packet_error())
    assert.equals("x", client:get_packet())
    assert.equals(ws.OK, client:get_packet_error())
  end)

  it("of 0 to 65535 bytes travel both ways between our two classes", function()
    local server, client, peer = websocket.pair()
    local both = { server, client }
    for _, size in ipairs(SIZES) do
      local message, text = bytes_of(size), ("a"):rep(size)
      for _, way in ipairs { { client, peer }, { peer, client } } do
        assert.equals(ws.OK, (way[1]:send(message)))
        assert.equals(ws.OK, (way[1]:send_text(text)))
        local messages, texts = websocket.receive(way[2], 2, both)
        assert.is_true(messages[1] == message, "binary " .. size)
        assert.is_true(messages[2] == text, "text " .. size)
        assert.same({ false, true }, texts)
      end
    end
  end)

  it("of 65536 bytes are refused with 6 at the default limit", function()
    local server, client, peer = websocket.pair()
    for _, sender in ipairs { client, peer } do
      local err, why = sender:send(("x"):rep(65536))
      assert.equals(ws.ERR_OUT_OF_MEMORY, err)
      assert.is_true(#why > 0)
      assert.equals(ws.ERR_OUT_OF_MEMORY, (sender:send_text(("x"):rep(65536))))
      assert.equals(ws.ERR_OUT_OF_MEMORY, (sender:put_packet(("x"):rep(65536))))
      assert.equals(OPEN, sender:get_ready_state())
      assert.equals(ws.OK, (sender:send("small")))
    end
    assert.same({ "small" }, (websocket.receive(peer, 1, { server, client })))
    assert.same({ "small" }, (websocket.receive(client, 1, { server, client })))
  end)

  it("in front of one that is too big are delivered", function()
    local client, connection = websocket.by_hand { inbound_buffer_size = 100 }
    connection:send(frames.build { payload = "one" } .. frames.build { payload = "two" } ..
      frames.build { payload = ("x"):rep(101) })
    assert.same({ "one", "two" }, (websocket.receive(client, 2)))
    websocket.reach(client, CLOSED)
    assert.equals(1009, client:get_close_code())
    assert.equals(1009, connection:read_frame({ client }).code)
  end)

  it("that the program does not take hold the sender up, and none is lost", function()
    local client, connection = websocket.by_hand { max_queued_packets = 10 }
    local bytes = {}
    for i = 1, 2000 do bytes[i] = connection:frame_bytes { payload = ("%d "):format(i) .. ("x"):rep(990) } end
    connection:send(table.concat(bytes))
    wait.quiet({ client }, 0.1)
    local waiting = client:get_available_packet_count()
    assert.is_true(waiting >= 10 and waiting < 200, waiting .. " are waiting")
    local taken = 0
    wait.until_(function()
      connection:pump()
      for packet in client:packets() do
        taken = taken + 1
        assert(tonumber(packet:match("^%d+")) == taken)
      end
      return taken == 2000
    end, { client })
  end)
end)

describe("get_current_outbound_buffered_amount", function()
  after_each(after_each_test)

  it("is what a peer that does not read leaves waiting", function()
    local server, client, peer = websocket.pair({ outbound_buffer_size = 0 }, { outbound_buffer_size = 0 })
    local both = { server, client }
    for _, way in ipairs { { client, peer }, { peer, client } } do
      local sender, receiver = way[1], way[2]
      assert.equals(0, sender:get_current_outbound_buffered_amount())
      local sent = 0
      repeat
        assert.equals(ws.OK, (sender:send(("x"):rep(60000))))
        sent = sent + 1
      until sender:get_current_outbound_buffered_amount() >= 200000 or sent == 1000
      local amount = sender:get_current_outbound_buffered_amount()
      assert.is_true(amount >= 200000, "buffered " .. amount)
      assert.equals(0, amount % 60000)
      assert.equals(ws.OK, (sender:send("end")))
      assert.equals(amount + 3, sender:get_current_outbound_buffered_amount())
      local messages = websocket.receive(receiver, sent + 1, both)
      assert.equals("end", messages[sent + 1])
      wait.until_(function() return sender:get_current_outbound_buffered_amount() == 0 end, both)
    end
  end)

  it("makes send answer 6 at the limits, and OK again when the other side reads", function()
    for _, limits in ipairs { { outbound_buffer_size = 65535 },
                              { outbound_buffer_size = 0, max_queued_packets = 5 } } do
      local client, connection = websocket.by_hand(limits)
      local sent, last = 0, nil
      while sent < 1000 and (last or ws.OK) == ws.OK do
        last = client:send(("x"):rep(60000))
        sent = sent + (last == ws.OK and 1 or 0)
      end
      assert.equals(ws.ERR_OUT_OF_MEMORY, last)
      assert.equals(OPEN, client:get_ready_state())
      assert.is_true(client:get_current_outbound_buffered_amount() > 0)
      for _ = 1, sent do assert.equals(60000, #connection:read_binary({ client })) end
      wait.until_(function() return client:get_current_outbound_buffered_amount() == 0 end, { client })
      assert.equals(ws.OK, (client:send("again")))
      assert.equals("again", connection:read_binary({ client }))
    end
  end)

  it("is 0 unless OPEN", function()
    local client = websocket.by_hand { outbound_buffer_size = 0 }
    repeat client:send(("x"):rep(60000)) until client:get_current_outbound_buffered_amount() > 0
    client:close()
    assert.equals(0, client:get_current_outbound_buffered_amount())
    client:close(-1)
    assert.equals(0, client:get_current_outbound_buffered_amount())
  end)
end)

describe("set_no_delay", function()
  after_each(after_each_test)

  it("is taken in every state", function()
    local server, client, peer = websocket.pair()
    for _, each in ipairs { client, peer } do
      each:set_no_delay(false)
      each:set_no_delay(true)
      assert.equals(ws.OK, (each:send("x")))
    end
    client:close()
    client:set_no_delay(false)
    websocket.reach(client, CLOSED, { server, client })
    client:set_no_delay(false)
    local connecting = websocket.connect(server:get_local_port())
    connecting:set_no_delay(false)
    websocket.reach(connecting, OPEN, { server, connecting })
  end)
end)

describe("a WebSocketPeer of a multiplayer peer", function()
  local server, client, id

  before_each(function()
    server, client, id = session.pair()
  end)
  after_each(after_each_test)

  it("is the same object each time", function()
    assert.is_true(rawequal(server:get_peer(id), server:get_peer(id)))
    assert.is_true(rawequal(client:get_peer(1), client:get_peer(1)))
    local key = { [server:get_peer(id)] = true }
    collectgarbage()
    collectgarbage()
    assert.is_true(key[server:get_peer(id)])
    assert.is_false(server:get_peer(id) == server:get_peer((select(2, session.join(server)))))
  end)

  it("refuses to be polled and read, and says why", function()
    for _, peer in ipairs { server:get_peer(id), client:get_peer(1) } do
      for _, method in ipairs { "poll", "get_packet", "packets" } do
        raises("belongs to a WebSocketMultiplayerPeer", peer, method)
      end
    end
  end)

  it("has no packets of its own; those of the multiplayer peer are not touched", function()
    assert.equals(ws.OK, (client:put_packet("for the server")))
    wait.until_(function() return server:get_available_packet_count() == 1 end, { server, client })
    assert.equals(0, server:get_peer(id):get_available_packet_count())
    pcall(function() server:get_peer(id):get_packet() end)
    assert.equals("for the server", server:get_packet())
  end)

  it("sends messages of its own", function()
    assert.equals(ws.OK, (server:get_peer(id):send("binary")))
    assert.equals(ws.OK, (server:get_peer(id):send_text("text")))
    assert.equals(ws.OK, (server:get_peer(id):put_packet("packet")))
    assert.same({ "binary", "text", "packet" }, (session.receive(client, 3, { server, client })))
    assert.equals(ws.OK, (client:get_peer(1):send_text("up")))
    assert.same({ "up" }, (session.receive(server, 1, { server, client })))
  end)

  it("is told about, and closed", function()
    local peer = server:get_peer(id)
    assert.equals(OPEN, peer:get_ready_state())
    assert.equals("127.0.0.1", peer:get_connected_host())
    assert.equals(server:get_peer_port(id), peer:get_connected_port())
    assert.equals(ws.ERR_ALREADY_IN_USE, (peer:connect_to_url("ws://127.0.0.1:9")))
    local events = session.record(client)
    peer:close(4321, "enough")
    local event = session.event(events, 1, { server, client })
    assert.equals(4321, event.code)
    assert.equals("enough", event.reason)
    websocket.reach(peer, CLOSED, { server, client })
    assert.equals(4321, peer:get_close_code())
    assert.equals(ws.FAILED, (peer:send("late")))
    assert.equals(0, peer:get_connected_port())
  end)

  it("may be used by a handler that is told of its end", function()
    local seen
    server.peer_disconnected:connect(function(gone)
      local peer = server:get_peer(gone)
      seen = { peer:get_ready_state(), peer:get_close_code(), peer:get_close_reason(), (peer:send("x")) }
    end)
    client:get_peer(1):close(4000, "done")
    wait.until_(function() return seen end, { server, client })
    assert.same({ CLOSED, 4000, "done", ws.FAILED }, seen)
  end)
end)

describe("dropping the last reference to a WebSocketPeer", function()
  local collect = collector.collect

  after_each(function()
    after_each_test()
    collect()
  end)

  -- As in gc_spec: a call of its own, so that no stack slot keeps the peer.
  local function drop(state)
    for _ = 1, 3 do
      local watch = setmetatable({}, { __mode = "k" })
      local function use()
        local peer = ws.WebSocketPeer.new()
        watch[peer] = true
        state(peer)
      end
      use()
      collect()
      assert.is_nil(next(watch), "the peer was not collected")
    end
  end

  it("fresh", function() drop(function() end) end)

  it("connecting", function()
    drop(function(peer) peer:connect_to_url("ws://127.0.0.1:" .. raw.listen().port) end)
    drop(function(peer)
      local listener = raw.listen()
      peer:connect_to_url("ws://127.0.0.1:" .. listener.port)
      listener:accept_request({ peer }):send("HTTP/1.1 101 Swi")
      peer:poll()
    end)
  end)

  it("looking a name up", function()
    drop(function(peer) peer:connect_to_url("ws://no-such-host.invalid") end)
    drop(function(peer)
      peer:connect_to_url("ws://localhost:9")
      peer:poll()
    end)
  end)

  it("open, with messages unread and unsent: the other side sees the end", function()
    local connections = {}
    drop(function(peer)
      local listener = raw.listen()
      peer.outbound_buffer_size = 0
      peer:connect_to_url("ws://127.0.0.1:" .. listener.port)
      local connection = listener:welcome({ peer }, false)
      connection:send_binary("unread")
      wait.until_(function() return peer:get_available_packet_count() == 1 end, { peer })
      for _ = 1, 100 do peer:send(("x"):rep(60000)) end
      connections[#connections + 1] = connection
    end)
    for _, connection in ipairs(connections) do connection:read_end({}) end
  end)

  it("open and idle: the other side gets a close frame", function()
    local connections = {}
    drop(function(peer)
      local listener = raw.listen()
      peer:connect_to_url("ws://127.0.0.1:" .. listener.port)
      connections[#connections + 1] = listener:welcome({ peer }, false)
      websocket.reach(peer, OPEN)
    end)
    for _, connection in ipairs(connections) do
      assert.equals(frames.CLOSE, connection:read_frame({}).opcode)
      connection:read_end({})
    end
  end)

  it("closing and closed", function()
    drop(function(peer)
      local listener = raw.listen()
      peer:connect_to_url("ws://127.0.0.1:" .. listener.port)
      listener:welcome({ peer }, false)
      websocket.reach(peer, OPEN)
      peer:close(4000, "x")
    end)
    drop(function(peer)
      local listener = raw.listen()
      peer:connect_to_url("ws://127.0.0.1:" .. listener.port)
      listener:welcome({ peer }, false):send_close(4000, "x")
      websocket.reach(peer, CLOSED)
    end)
  end)

  it("inside a loop over its packets", function()
    local listener = raw.listen()
    local holder = { peer = ws.WebSocketPeer.new() }
    holder.peer:connect_to_url("ws://127.0.0.1:" .. listener.port)
    local connection = listener:welcome({ holder.peer }, false)
    for i = 1, 3 do connection:send_binary("m" .. i) end
    wait.until_(function() return holder.peer:get_available_packet_count() == 3 end, { holder.peer })
    local count = 0
    for packet in holder.peer:packets() do
      holder.peer = nil
      collect()
      count = count + 1
      assert.equals("m" .. count, packet)
    end
    assert.equals(3, count)
    collect()
    connection:read_end({})
  end)
end)

-- Only Lua 5.4 can even read this.
local closing = loadstring [[
  local ws, listener = ...
  local peer <close> = ws.WebSocketPeer.new()
  assert(peer:connect_to_url("ws://127.0.0.1:" .. listener.port) == ws.OK)
  local connection = listener:welcome({ peer }, false)
  while peer:get_ready_state() ~= 1 do peer:poll(0.01) end
  return connection, peer
]]

if closing then
  describe("a variable with <close>", function()
    after_each(after_each_test)

    it("closes a WebSocketPeer with 1000 when it goes out of scope", function()
      local connection, peer = closing(ws, raw.listen())
      assert.equals(1000, connection:read_frame({ peer }).code)
      assert.equals(websocket.CLOSING, peer:get_ready_state())
    end)
  end)
end
