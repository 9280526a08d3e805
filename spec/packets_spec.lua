local ws = require "wsmultiplayer"
local raw = require "support.raw"
local frames = require "support.frames"
local session = require "support.session"
local wait = require "support.wait"

-- A server with `count` clients by hand: server, clients.
local function crowd(count, properties)
  local server, port = session.server(properties)
  local clients = {}
  for i = 1, count do clients[i] = raw.join(port, { server }) end
  return server, clients
end

-- What each client has got up to a marker that is sent to all: one string a client.
local function got(server, clients)
  server:set_target_peer(0)
  assert.equals(ws.OK, (server:put_packet("|")))
  local texts = {}
  for i, client in ipairs(clients) do
    local pieces = {}
    repeat
      pieces[#pieces + 1] = client:read_binary({ server })
    until pieces[#pieces] == "|"
    texts[i] = table.concat(pieces, ",", 1, #pieces - 1)
  end
  return texts
end

describe("a packet from the server", function()
  after_each(session.close)

  local function put(server, target, packet)
    server:set_target_peer(target)
    return (server:put_packet(packet))
  end

  it("goes to all for target 0", function()
    local server, clients = crowd(3)
    assert.equals(ws.OK, put(server, 0, "x"))
    assert.same({ "x", "x", "x" }, got(server, clients))
  end)

  it("goes to all at first, without set_target_peer", function()
    local server, clients = crowd(2)
    assert.equals(ws.OK, (server:put_packet("x")))
    assert.same({ "x", "x" }, got(server, clients))
  end)

  it("goes to one for its id", function()
    local server, clients = crowd(3)
    assert.equals(ws.OK, put(server, clients[2].id, "x"))
    assert.same({ "", "x", "" }, got(server, clients))
  end)

  it("goes to all but one for its negative id", function()
    local server, clients = crowd(3)
    assert.equals(ws.OK, put(server, -clients[2].id, "x"))
    assert.same({ "x", "", "x" }, got(server, clients))
  end)

  it("goes to all for a negative id that nobody has, -1 included", function()
    local server, clients = crowd(2)
    local unknown = 2
    while unknown == clients[1].id or unknown == clients[2].id do unknown = unknown + 1 end
    assert.equals(ws.OK, put(server, -unknown, "x"))
    assert.equals(ws.OK, put(server, -1, "y"))
    assert.same({ "x,y", "x,y" }, got(server, clients))
  end)

  it("is refused with 31 and a text for an id that nobody has, 1 included, and nothing is sent", function()
    local server, clients = crowd(2)
    local unknown = 2
    while unknown == clients[1].id or unknown == clients[2].id do unknown = unknown + 1 end
    for _, target in ipairs { unknown, 1 } do
      server:set_target_peer(target)
      local err, why = server:put_packet("x")
      assert.equals(ws.ERR_INVALID_PARAMETER, err)
      assert.is_true(#why > 0)
    end
    assert.same({ "", "" }, got(server, clients))
  end)

  it("is refused with 31 for a peer still in its handshake, which has no id yet", function()
    local server, port = session.server()
    raw.connect(port):send("GET / HTTP/1.1\r\n")
    for _ = 1, 5 do server:poll(0.002) end
    assert.equals(ws.ERR_INVALID_PARAMETER, put(server, 5, "x"))
    assert.equals(ws.OK, put(server, 0, "x"))
  end)

  it("to nobody is OK for a broadcast", function()
    local server = session.server()
    assert.equals(ws.OK, put(server, 0, "x"))
    assert.equals(ws.OK, put(server, -5, "x"))
  end)

  it("keeps its target until another is set, also across close()", function()
    local server, clients = crowd(2)
    server:set_target_peer(clients[1].id)
    assert.equals(ws.OK, (server:put_packet("a")))
    assert.equals(ws.OK, (server:put_packet("b")))
    assert.same({ "a,b", "" }, got(server, clients))
    server:set_target_peer(12345)
    server:close()
    assert.equals(ws.OK, (server:create_server(0, "127.0.0.1")))
    assert.equals(ws.ERR_INVALID_PARAMETER, (server:put_packet("x")))
  end)

  it("is one final binary frame, unmasked, its length in the shortest form", function()
    local server, clients = crowd(1)
    for _, size in ipairs { 1, 125, 126, 65535 } do
      assert.equals(ws.OK, (server:put_packet(("x"):rep(size))))
      local frame = clients[1]:read_frame({ server })
      assert.equals(frames.BINARY, frame.opcode)
      assert.is_true(frame.fin)
      assert.equals(0, frame.rsv)
      assert.is_nil(frame.mask)
      assert.equals(size < 126 and 7 or 16, frame.form)
      assert.equals(size, #frame.payload)
    end
  end)
end)

describe("a packet from a client", function()
  after_each(session.close)

  it("goes to the server whatever the target is", function()
    local client, connection = session.by_hand()
    for _, target in ipairs { 0, 1, 2, 77, -1, -77, client:get_unique_id() } do
      client:set_target_peer(target)
      assert.equals(ws.OK, (client:put_packet("to " .. target)))
      assert.equals("to " .. target, connection:read_binary({ client }))
    end
  end)

  it("is one final binary frame with a new mask each time", function()
    local client, connection = session.by_hand()
    local masks, different = {}, 0
    for i = 1, 8 do
      assert.equals(ws.OK, (client:put_packet("same")))
      local frame = connection:read_frame({ client })
      assert.equals("same", frame.payload)
      assert.is_true(frame.fin)
      assert.equals(frames.BINARY, frame.opcode)
      assert.equals(4, #frame.mask)
      if not masks[frame.mask] then different = different + 1 end
      masks[frame.mask] = i
    end
    assert.equals(8, different)
  end)

  it("may be sent from inside peer_connected", function()
    local listener = raw.listen()
    local client = session.client(listener.port)
    client.peer_connected:connect(function() assert(client:put_packet("hello") == ws.OK) end)
    local connection = listener:welcome({ client })
    assert.equals("hello", connection:read_binary({ client }))
  end)
end)

describe("a received packet", function()
  after_each(session.close)

  it("knows its sender before it is taken, in the order of arrival", function()
    local server, clients = crowd(3)
    for i, client in ipairs(clients) do
      for n = 1, 3 do client:send_binary(i .. "." .. n) end
    end
    local packets, senders = session.receive(server, 9, { server })
    local last = {}
    for i, packet in ipairs(packets) do
      local who, n = packet:match("(%d)%.(%d)")
      assert.equals(clients[tonumber(who)].id, senders[i])
      assert.equals((last[who] or 0) + 1, tonumber(n))
      last[who] = tonumber(n)
    end
  end)

  it("is announced by get_packet_peer, which speaks of the next packet, and is 1 when there is none", function()
    local server, clients = crowd(2)
    clients[1]:send_binary("a")
    wait.until_(function() return server:get_available_packet_count() == 1 end, { server })
    clients[2]:send_binary("b")
    wait.until_(function() return server:get_available_packet_count() == 2 end, { server })
    assert.equals(clients[1].id, server:get_packet_peer())
    assert.equals("a", (server:get_packet()))
    assert.equals(clients[2].id, server:get_packet_peer())
    assert.equals("b", (server:get_packet()))
    assert.equals(1, server:get_packet_peer())
  end)

  it("always has sender 1, channel 0 and mode 2 on a client", function()
    local client, connection = session.by_hand()
    connection:send_binary("x")
    wait.until_(function() return client:get_available_packet_count() == 1 end, { client })
    client.transfer_mode = 0
    client.transfer_channel = 9
    assert.equals(1, client:get_packet_peer())
    assert.equals(0, client:get_packet_channel())
    assert.equals(2, client:get_packet_mode())
  end)

  it("comes with sender, channel and mode from packets()", function()
    local server, clients = crowd(2)
    clients[1]:send_binary("a"):send_binary("b")
    wait.until_(function() return server:get_available_packet_count() == 2 end, { server })
    clients[2]:send_binary("c")
    wait.until_(function() return server:get_available_packet_count() == 3 end, { server })
    local seen = {}
    for packet, sender, channel, mode in server:packets() do
      seen[#seen + 1] = { packet, sender, channel, mode }
    end
    local one, two = clients[1].id, clients[2].id
    assert.same({ { "a", one, 0, 2 }, { "b", one, 0, 2 }, { "c", two, 0, 2 } }, seen)
    for _ in server:packets() do error("there should be none left") end
  end)

  it("stays in the queue when a loop over packets() is left early", function()
    local client, connection = session.by_hand()
    connection:send_binary("a"):send_binary("b"):send_binary("c")
    wait.until_(function() return client:get_available_packet_count() == 3 end, { client })
    local first
    for packet in client:packets() do
      first = packet
      if first then break end
    end
    assert.equals("a", first)
    assert.same({ "b", "c" }, (session.drain(client)))
  end)

  it("is a packet when it came as text, too", function()
    local server, clients = crowd(1)
    clients[1]:send_frame { opcode = frames.TEXT, payload = "gr\195\188n" }
    assert.same({ "gr\195\188n" }, (session.receive(server, 1, { server })))
  end)

  it("is never empty: empty messages are dropped, and what follows is not held up", function()
    local server, clients = crowd(1)
    clients[1]:send(clients[1]:frame_bytes { payload = "a" } .. clients[1]:frame_bytes { payload = "" } ..
      clients[1]:frame_bytes { opcode = frames.TEXT, payload = "" } .. clients[1]:frame_bytes { payload = "b" })
    assert.same({ "a", "b" }, (session.receive(server, 2, { server })))
    assert.equals(0, server:get_available_packet_count())
  end)

  it("is not there: nil, the error and a text, by the state", function()
    local peer = session.peer()
    local packet, err, why = peer:get_packet()
    assert.is_nil(packet)
    assert.equals(ws.ERR_UNCONFIGURED, err)
    assert.is_true(#why > 0)
    assert.equals(ws.ERR_UNCONFIGURED, peer:get_packet_error())
    assert.equals(ws.OK, (peer:create_server(0, "127.0.0.1")))
    packet, err, why = peer:get_packet()
    assert.is_nil(packet)
    assert.equals(ws.ERR_UNAVAILABLE, err)
    assert.is_true(#why > 0)
    assert.equals(ws.ERR_UNAVAILABLE, peer:get_packet_error())
    raw.join(peer:get_bound_port(), { peer }):send_binary("x")
    wait.until_(function() return peer:get_available_packet_count() == 1 end, { peer })
    assert.equals("x", (peer:get_packet()))
    assert.equals(ws.OK, peer:get_packet_error())
  end)

  it("is thrown away by close()", function()
    local server, clients = crowd(1)
    clients[1]:send_binary("x")
    wait.until_(function() return server:get_available_packet_count() == 1 end, { server })
    server:close()
    assert.equals(0, server:get_available_packet_count())
    assert.equals(ws.OK, (server:create_server(0, "127.0.0.1")))
    assert.equals(0, server:get_available_packet_count())
  end)
end)

describe("put_packet", function()
  after_each(session.close)

  it("answers 3 and a text while disconnected", function()
    local err, why = session.peer():put_packet("x")
    assert.equals(ws.ERR_UNCONFIGURED, err)
    assert.is_true(#why > 0)
  end)

  it("of nothing is OK everywhere and sends nothing", function()
    assert.equals(ws.OK, (session.peer():put_packet("")))
    local server, clients = crowd(1)
    assert.equals(ws.OK, (server:put_packet("")))
    server:set_target_peer(3)
    assert.equals(ws.OK, (server:put_packet("")))
    assert.same({ "" }, got(server, clients))
    local client, connection = session.by_hand()
    assert.equals(ws.OK, (client:put_packet("")))
    assert.equals(ws.OK, (client:put_packet("x")))
    assert.equals("x", connection:read_binary({ client }))
  end)
end)

describe("packets between our server and our client", function()
  after_each(session.close)

  it("arrive unchanged whatever bytes they have", function()
    local server, client = session.pair()
    local all = {}
    for i = 0, 255 do all[i + 1] = string.char(i) end
    local bytes = table.concat(all)
    local given = { bytes, bytes:reverse(), "\0", "\0\0\0\0", "\255\254", "a\0b", "\195\40", bytes:rep(200) }
    for _, packet in ipairs(given) do
      assert.equals(ws.OK, (server:put_packet(packet)))
      assert.equals(ws.OK, (client:put_packet(packet)))
    end
    assert.same(given, (session.receive(client, #given, { server, client })))
    assert.same(given, (session.receive(server, #given, { server, client })))
  end)

  it("arrive in every size from 1 to 65535", function()
    local server, client = session.pair()
    local sizes = { 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 255, 256, 1000, 4095, 4096, 4097, 8192, 16383, 16384, 32768,
      65530, 65534, 65535 }
    for _, size in ipairs(sizes) do
      local packet = ("%05d"):format(size):rep(math.ceil(size / 5)):sub(1, size)
      assert.equals(ws.OK, (server:put_packet(packet)), "size " .. size)
      assert.equals(ws.OK, (client:put_packet(packet)), "size " .. size)
      assert.is_true(session.receive(client, 1, { server, client })[1] == packet, "size " .. size)
      assert.is_true(session.receive(server, 1, { server, client })[1] == packet, "size " .. size)
    end
  end)

  it("arrive in order, thousands of them", function()
    local server, client = session.pair()
    for i = 1, 1500 do
      assert.equals(ws.OK, (server:put_packet("s" .. i)))
      assert.equals(ws.OK, (client:put_packet("c" .. i)))
      if i % 100 == 0 then
        server:poll()
        client:poll()
      end
    end
    local down = session.receive(client, 1500, { server, client })
    local up = session.receive(server, 1500, { server, client })
    for i = 1, 1500 do
      assert.equals("s" .. i, down[i])
      assert.equals("c" .. i, up[i])
    end
  end)
end)
