local ws = require "wsmultiplayer"
local call = require "support.call"
local collector = require "support.collector"
local frames = require "support.frames"
local raw = require "support.raw"
local wait = require "support.wait"
local websocket = require "support.websocket"

local loadstring = loadstring or load

local OPEN, CLOSED = websocket.OPEN, websocket.CLOSED

local collect = collector.collect

local function after_each_test()
  websocket.close()
  collect()
end

describe("listen", function()
  after_each(after_each_test)

  it("listens at once, on the port it is given", function()
    local port = raw.free_port()
    local server = websocket.new_server()
    assert.is_false(server:is_listening())
    assert.equals(0, server:get_local_port())
    assert.same({ ws.OK }, { server:listen(port, "127.0.0.1") })
    assert.is_true(server:is_listening())
    assert.equals(port, server:get_local_port())
    assert.is_true(raw.reachable(port, "127.0.0.1"))
    assert.is_false(server:is_connection_available())
    assert.is_nil(server:take_connection())
    assert.equals("", server:get_last_error())
    assert.matches("^WebSocketServer: 0x%x+ %(listening%)$", tostring(server))
  end)

  it("finds a free port for 0", function()
    local _, a = websocket.server()
    local _, b = websocket.server()
    assert.is_true(a > 0 and a < 65536 and a ~= b)
  end)

  it("listens on all addresses without a bind address, and with \"*\"", function()
    for _, address in ipairs { false, "*" } do
      local server = websocket.new_server()
      assert.equals(ws.OK, (server:listen(0, address or nil)))
      assert.is_true(raw.reachable(server:get_local_port(), "127.0.0.1"))
      if raw.has_ipv6() then assert.is_true(raw.reachable(server:get_local_port(), "::1")) end
    end
  end)

  local function fails(expected, server, ...)
    local err, why = server:listen(...)
    assert.equals(expected, err)
    assert.is_true(#why > 0)
    assert.equals(why, server:get_last_error())
    assert.is_false(server:is_listening())
    assert.equals(0, server:get_local_port())
  end

  it("answers 31 for ports out of range", function()
    for _, port in ipairs { -1, 65536, 70000, -65535, 2 ^ 31, 2 ^ 40 } do
      fails(ws.ERR_INVALID_PARAMETER, websocket.new_server(), port)
    end
  end)

  it("answers 31 for bind addresses that are no IP address", function()
    for _, address in ipairs { "", "localhost", "127.0.0.1.1", "[::1]", "**" } do
      fails(ws.ERR_INVALID_PARAMETER, websocket.new_server(), 0, address)
    end
  end)

  it("answers 22 for a port that is taken, and for an address that is not ours", function()
    local _, port = websocket.server()
    fails(ws.ERR_ALREADY_IN_USE, websocket.new_server(), port, "127.0.0.1")
    fails(ws.ERR_ALREADY_IN_USE, websocket.new_server(), 0, "203.0.113.1")
  end)

  it("answers 31 for TLSOptions of a client", function()
    fails(ws.ERR_INVALID_PARAMETER, websocket.new_server(), 0, "127.0.0.1", ws.TLSOptions.client())
  end)

  it("answers 31 for headers and protocols that are none", function()
    fails(ws.ERR_INVALID_PARAMETER, websocket.new_server { handshake_headers = { "X: 1\r\n" } }, 0)
    fails(ws.ERR_INVALID_PARAMETER, websocket.new_server { supported_protocols = { "a b" } }, 0)
  end)

  it("answers 22 while listening, and goes on", function()
    local server, port = websocket.server()
    local err, why = server:listen(0)
    assert.equals(ws.ERR_ALREADY_IN_USE, err)
    assert.is_true(#why > 0)
    assert.equals(port, server:get_local_port())
    websocket.join(server)
  end)

  it("raises for wrong arguments", function()
    local server = websocket.new_server()
    for _, bad in ipairs { { "9080" }, { true }, { {} }, { 1.5 } } do
      local ok, err = call(server, "listen", bad[1])
      assert.is_false(ok)
      assert.matches("bad argument #1 to 'listen'", err)
    end
    assert.matches("bad argument #1 to 'listen'", select(2, call(server, "listen")))
    assert.matches("bad argument #2 to 'listen'", select(2, call(server, "listen", 0, 5)))
    assert.matches("bad argument #3 to 'listen'", select(2, call(server, "listen", 0, "*", {})))
    assert.is_false(pcall(server.listen, {}, 0))
    assert.is_false(pcall(server.poll, ws.WebSocketPeer.new()))
    assert.matches("bad argument #1 to 'poll'", select(2, call(server, "poll", "x")))
    assert.matches("bad argument #1 to 'poll'", select(2, call(server, "poll", -0.5)))
  end)
end)

describe("a WebSocketServer", function()
  local server, port

  before_each(function() server, port = websocket.server() end)
  after_each(after_each_test)

  it("accepts a connection and hands it out once, as an open peer", function()
    local connection = websocket.raw_join(server, raw.request { path = "/room/5?key=x", host = "example.test" })
    assert.is_true(server:is_connection_available())
    local peer = server:take_connection()
    assert.is_false(server:is_connection_available())
    assert.is_nil(server:take_connection())
    assert.equals(OPEN, peer:get_ready_state())
    assert.equals("ws://example.test/room/5?key=x", peer:get_requested_url())
    assert.equals("127.0.0.1", peer:get_connected_host())
    assert.equals(connection:local_port(), peer:get_connected_port())
    assert.equals("", peer:get_selected_protocol())
    assert.equals("", connection:unread()) -- no id: it is no multiplayer server
    peer:send_text("hello")
    local frame = connection:read_frame({ server })
    assert.same({ frames.TEXT, "hello" }, { frame.opcode, frame.payload })
    assert.is_nil(frame.mask)
  end)

  it("hands connections out in the order in which they became open", function()
    local late = raw.connect(port)
    late:send("GET /late HTTP/1.1\r\n")
    server:poll(0.01)
    for i = 1, 20 do websocket.raw_join(server, raw.request { path = "/" .. i }) end
    late:send(raw.request():gsub("^GET / HTTP/1.1\r\n", "", 1))
    assert.equals(101, raw.status(late:read_head({ server })))
    for i = 1, 20 do
      assert.equals("ws://127.0.0.1/" .. i, server:take_connection():get_requested_url())
    end
    assert.equals("ws://127.0.0.1/late", server:take_connection():get_requested_url())
  end)

  it("serves many clients at once, each its own messages", function()
    local clients, peers, polled = {}, {}, { server }
    for i = 1, 40 do
      clients[i] = websocket.connect(port, nil, "/" .. i)
      polled[#polled + 1] = clients[i]
    end
    -- Without waiting for each of so many in turn.
    local function poll_all()
      for _, object in ipairs(polled) do object:poll() end
    end
    wait.until_(function()
      poll_all()
      local peer = server:take_connection()
      if peer then peers[#peers + 1] = peer end
      return #peers == 40
    end, { server })
    for _, peer in ipairs(peers) do peer:send_text(peer:get_requested_url()) end
    for _, client in ipairs(clients) do
      wait.until_(function()
        poll_all()
        return client:get_available_packet_count() > 0
      end, { server })
      assert.equals(client:get_requested_url(), client:get_packet())
    end
  end)

  it("does not lose what comes between accepting and take_connection()", function()
    local connection = raw.connect(port)
    connection:send(raw.request() .. connection:frame_bytes { payload = "with the request" })
    connection:read_head({ server })
    for i = 1, 50 do connection:send_binary("early " .. i) end
    wait.quiet({ server }, 0.02)
    local peer = server:take_connection()
    local messages = websocket.receive(peer, 51, { server })
    assert.equals("with the request", messages[1])
    for i = 1, 50 do assert.equals("early " .. i, messages[i + 1]) end
  end)

  it("hands out a connection that ended before it was taken, with its messages", function()
    for _, ending in ipairs { "close frame", "end of TCP" } do
      local connection = websocket.raw_join(server)
      connection:send_binary("last words")
      if ending == "close frame" then
        connection:send_close(4000, "gone")
      else
        connection:close()
      end
      wait.quiet({ server }, 0.02)
      local peer = assert(server:take_connection())
      assert.same({ "last words" }, (websocket.receive(peer, 1, { server })))
      websocket.reach(peer, CLOSED, { server, peer })
      assert.equals(ending == "close frame" and 4000 or -1, peer:get_close_code())
    end
  end)

  it("loses no empty message in front of the end of TCP when the program has fallen behind", function()
    server.max_queued_packets = 3
    local connection = websocket.raw_join(server)
    local peer = websocket.take(server)
    connection:send(connection:frame_bytes { payload = "" }:rep(4)):flush({ server })
    connection:close()
    wait.quiet({ server }, 0.02)
    assert.same({ "", "", "", "" }, (websocket.receive(peer, 4, { server })))
    websocket.reach(peer, websocket.CLOSED, { server, peer })
  end)

  it("hands out what a client reset before it was taken as a closed peer at last", function()
    local connection = websocket.raw_join(server)
    connection:reset()
    wait.quiet({ server }, 0.02)
    local peer = server:take_connection()
    if peer then websocket.reach(peer, CLOSED, { server, peer }) end
    assert.is_false(server:is_connection_available())
  end)

  it("echoes thousands of messages in order", function()
    local client, peer = websocket.join(server)
    local sent, received = 0, 0
    wait.until_(function()
      while sent < 5000 and sent - received < 500 and client:send(("%d"):format(sent + 1)) == ws.OK do
        sent = sent + 1
      end
      for message, is_text in peer:packets() do
        assert(peer:send(message, is_text and 0 or 1) == ws.OK)
      end
      for message in client:packets() do
        received = received + 1
        assert(tonumber(message) == received)
      end
      return received == 5000
    end, { server, client })
  end)

  it("takes 1,000 messages in bursts of one write", function()
    local connection = websocket.raw_join(server)
    local peer = websocket.take(server)
    local bytes = {}
    for i = 1, 1000 do
      bytes[i] = connection:frame_bytes {
        opcode = i % 3 == 0 and frames.TEXT or frames.BINARY, payload = ("%d"):format(i), mask = "\0\0\0\0",
      }
    end
    connection:send(table.concat(bytes))
    local messages, texts = websocket.receive(peer, 1000, { server })
    for i = 1, 1000 do
      assert(tonumber(messages[i]) == i)
      assert(texts[i] == (i % 3 == 0))
    end
    for i = 1, 1000 do assert(peer:send(messages[i], texts[i] and 0 or 1) == ws.OK) end
    for i = 1, 1000 do
      local frame = connection:read_frame({ server })
      assert(tonumber(frame.payload) == i and frame.opcode == (i % 3 == 0 and frames.TEXT or frames.BINARY))
    end
  end)

  it("stops reading from a client whose messages are not taken; the others are served", function()
    local connection = websocket.raw_join(server)
    local peer = websocket.take(server)
    local other, other_peer = websocket.join(server)
    local bytes = {}
    for i = 1, 3000 do
      bytes[i] = connection:frame_bytes { payload = ("%d "):format(i) .. ("x"):rep(990), mask = "\0\0\0\0" }
    end
    connection:send(table.concat(bytes))
    wait.quiet({ server }, 0.1)
    local waiting = peer:get_available_packet_count()
    assert.is_true(waiting > 10 and waiting < 200, waiting .. " are waiting")
    other:send("meanwhile")
    assert.same({ "meanwhile" }, (websocket.receive(other_peer, 1, { server, other })))
    local taken = 0
    wait.until_(function()
      connection:pump()
      for message in peer:packets() do
        taken = taken + 1
        assert(tonumber(message:match("^%d+")) == taken)
      end
      return taken == 3000
    end, { server })
  end)

  it("refuses requests that are no WebSocket requests with their status", function()
    for _, row in ipairs {
      { 400, raw.request { key = "short" } },
      { 400, "nonsense\r\n\r\n" },
      { 405, raw.request { line = "POST / HTTP/1.1" } },
      { 426, "GET / HTTP/1.1\r\nHost: x\r\n\r\n" },
      { 426, raw.request { version = "8" } },
      { 431, raw.request { lines = { "X: " .. ("y"):rep(5000) } } },
      { 505, raw.request { line = "GET / HTTP/1.0" } },
    } do
      local connection = raw.connect(port)
      connection:send(row[2])
      assert.equals(row[1], raw.status(connection:read_head({ server })))
      connection:read_end({ server })
    end
    assert.is_false(server:is_connection_available())
  end)

  it("ends connections that are silent in the handshake", function()
    server.handshake_timeout = 0.1
    local silent, drip = raw.connect(port), raw.connect(port)
    drip:send("GET / HT")
    silent:read_end({ server }, 2)
    drip:read_end({ server }, 2)
  end)

  for _, row in ipairs {
    { "an unmasked frame", { payload = "x", mask = false }, 1002 },
    { "a reserved bit", { payload = "x", rsv = 1 }, 1002 },
    { "a fragmented ping", { opcode = frames.PING, fin = false }, 1002 },
    { "a ping of 126 bytes", { opcode = frames.PING, payload = ("x"):rep(126) }, 1002 },
    { "a length with its top bit set",
      { form = 64, length = 0, length_bytes = "\128\0\0\0\0\0\0\1", payload = "" }, 1002 },
    { "a message that is too big", { payload = ("x"):rep(65536) }, 1009 },
  } do
    it("ends a taken connection for " .. row[1], function()
      local connection = websocket.raw_join(server)
      local peer = websocket.take(server)
      connection:send_binary("good")
      connection:send_frame(row[2])
      local frame = connection:read_frame({ server })
      assert.equals(row[3], frame.code)
      assert.same({ "good" }, (websocket.receive(peer, 1, { server })))
      websocket.reach(peer, CLOSED, { server, peer })
      assert.equals(row[3], peer:get_close_code())
    end)
  end

  it("lets a waiting poll end when something happens, and wait for the rest", function()
    local connection = raw.connect(port)
    connection:send(raw.request())
    local started = wait.now()
    wait.until_(function() return server:is_connection_available() or server:poll(5) end, {})
    assert.is_true(wait.now() - started < 2)
    local peer = server:take_connection()
    connection:read_head({ server })
    connection:send_binary("wake up")
    started = wait.now()
    wait.until_(function() return peer:get_available_packet_count() > 0 or server:poll(5) end, {})
    assert.is_true(wait.now() - started < 2)
    started = wait.now()
    peer:get_packet()
    server:poll(0.1)
    local took = wait.now() - started
    assert.is_true(took > 0.08 and took < 1, "waited " .. took)
  end)

  it("does not wait in poll() while messages that were held back are there to be taken", function()
    local connection = websocket.raw_join(server)
    local peer = websocket.take(server)
    local bytes = {}
    for i = 1, 40 do bytes[i] = connection:frame_bytes { payload = ("x"):rep(60000) } end
    connection:send(table.concat(bytes))
    local taken, started = 0, wait.now()
    while taken < 40 and wait.now() - started < 2 do
      connection:pump()
      server:poll(5)
      for _ in peer:packets() do taken = taken + 1 end
    end
    local took = wait.now() - started
    assert.is_true(took < 1, ("%d messages took %g s"):format(taken, took))
  end)

  it("returns at once from poll() when it does not listen", function()
    server:stop()
    local started = wait.now()
    server:poll(3)
    assert.is_true(wait.now() - started < 1)
  end)
end)

describe("stop()", function()
  after_each(after_each_test)

  it("sends 1001 to all, taken or not, frees the port, and can listen again", function()
    local server, port = websocket.server()
    local taken, half = websocket.raw_join(server), raw.connect(port)
    local peer = websocket.take(server)
    local waiting = websocket.raw_join(server)
    half:send("GET / HTTP")
    server:poll(0.01)
    server:stop()
    assert.is_false(server:is_listening())
    assert.is_false(server:is_connection_available())
    assert.is_nil(server:take_connection())
    assert.matches("%(stopped%)$", tostring(server))
    for _, connection in ipairs { taken, waiting } do
      local frame = connection:read_frame({})
      assert.same({ frames.CLOSE, 1001 }, { frame.opcode, frame.code })
      connection:read_end({})
    end
    half:read_end({})
    assert.is_false(raw.reachable(port, "127.0.0.1"))
    peer:poll()
    assert.equals(CLOSED, peer:get_ready_state())
    assert.equals(ws.FAILED, (peer:send("x")))
    assert.is_true(#peer:get_last_error() > 0)
    assert.equals(ws.OK, (server:listen(port, "127.0.0.1")))
    websocket.join(server)
  end)

  it("sends what was sent just before", function()
    local server = websocket.server()
    local connection = websocket.raw_join(server)
    local peer = websocket.take(server)
    peer:send("last")
    server:stop()
    assert.equals("last", connection:read_binary({}))
    assert.equals(1001, connection:read_frame({}).code)
  end)

  it("leaves the messages that a taken peer has, while they are taken", function()
    local server = websocket.server()
    local connection = websocket.raw_join(server)
    local peer = websocket.take(server)
    connection:send_binary("one")
    connection:send_binary("two")
    wait.until_(function() return peer:get_available_packet_count() == 2 end, { server })
    server:stop()
    assert.equals("one", peer:get_packet())
    assert.equals("two", peer:get_packet())
    peer:poll()
    assert.equals(CLOSED, peer:get_ready_state())
  end)

  it("does nothing when the server does not listen", function()
    local server = websocket.new_server()
    server:stop()
    server:stop()
    server:poll()
    assert.is_false(server:is_listening())
  end)
end)

describe("a peer that was taken", function()
  after_each(after_each_test)

  it("keeps its connection when the server's variable is dropped, and ends it when it is dropped itself", function()
    local watch = setmetatable({}, { __mode = "k" })
    local function take()
      local server = ws.WebSocketServer.new()
      assert.equals(ws.OK, (server:listen(0, "127.0.0.1")))
      watch[server] = true
      local connection = websocket.raw_join(server)
      return connection, websocket.take(server)
    end
    local connection, peer = take()
    collect()
    assert.equals(OPEN, peer:get_ready_state())
    assert.equals(ws.OK, (peer:send("still here")))
    assert.equals("still here", connection:read_binary({}))
    local function drop() peer = nil end
    drop()
    collect()
    connection:read_end({})
    assert.is_nil(peer)
    assert.is_nil(next(watch), "the server was not collected")
  end)

  it("ends its connection when it is dropped, while the server goes on", function()
    local server = websocket.server()
    local connection = websocket.raw_join(server)
    local function take_and_drop()
      local peer = websocket.take(server)
      connection:send_binary("unread")
      wait.until_(function() return peer:get_available_packet_count() == 1 end, { server })
    end
    take_and_drop()
    collect()
    connection:read_end({ server })
    websocket.join(server)
  end)

  it("may be kept after everything has ended", function()
    local server = websocket.server()
    local client, peer = websocket.join(server)
    client:close(4000, "x")
    websocket.reach(peer, CLOSED, { server, client, peer })
    server:stop()
    server = nil
    collect()
    assert.equals(4000, peer:get_close_code())
    assert.equals("x", peer:get_close_reason())
    peer:poll()
    peer:close()
    assert.equals(ws.FAILED, (peer:send("x")))
    assert.is_nil(server)
  end)

  it("of a server that is dropped with connections waiting ends those", function()
    local connections = {}
    local function drop()
      local server = ws.WebSocketServer.new()
      assert.equals(ws.OK, (server:listen(0, "127.0.0.1")))
      server.on_request = function() return server ~= nil end
      for i = 1, 3 do connections[i] = websocket.raw_join(server) end
    end
    drop()
    collect()
    for _, connection in ipairs(connections) do connection:read_end({}) end
  end)

  it("does not wait in its own poll(), which shows the end only", function()
    local server = websocket.server()
    local connection = websocket.raw_join(server)
    local peer = websocket.take(server)
    connection:send_binary("x")
    local started = wait.now()
    for _ = 1, 10 do peer:poll(0.5) end
    assert.is_true(wait.now() - started < 1)
    assert.equals(0, peer:get_available_packet_count())
    assert.same({ "x" }, (websocket.receive(peer, 1, { server })))
  end)
end)

-- Only Lua 5.4 can even read this.
local closing = loadstring [[
  local ws = ...
  local server <close> = ws.WebSocketServer.new()
  assert(server:listen(0, "127.0.0.1") == ws.OK)
  return server:get_local_port()
]]

if closing then
  describe("a variable with <close>", function()
    it("stops a WebSocketServer when it goes out of scope", function()
      assert.is_false(raw.reachable(closing(ws), "127.0.0.1"))
    end)
  end)
end
