local ws = require "wsmultiplayer"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"

local CONNECTED, DISCONNECTED = 2, 0

describe("create_server", function()
  after_each(session.close)

  it("is connected with id 1 at once, without a signal", function()
    local server = session.peer()
    local events = session.record(server)
    assert.equals(ws.OK, (server:create_server(0)))
    assert.equals(CONNECTED, server:get_connection_status())
    assert.equals(1, server:get_unique_id())
    assert.is_true(server:is_server())
    server:poll()
    assert.equals("", events.names())
  end)

  it("returns nothing but OK when it succeeds", function()
    assert.equals(1, select("#", session.peer():create_server(0, "127.0.0.1")))
  end)

  it("takes the given port and tells it", function()
    local port = raw.free_port()
    local server = session.peer()
    assert.equals(ws.OK, (server:create_server(port, "127.0.0.1")))
    assert.equals(port, server:get_bound_port())
    assert.is_true(raw.reachable(port, "127.0.0.1"))
  end)

  it("finds a free port for port 0", function()
    local _, port = session.server()
    assert.is_true(port > 0 and port < 65536)
    local _, other = session.server()
    assert.are_not.equal(port, other)
  end)

  it("refuses ports outside 0 to 65535 and stays disconnected", function()
    local server = session.peer()
    for _, port in ipairs { -1, 65536, 65536 + 8080, 1e9, -2 ^ 31 } do
      local err, why = server:create_server(port, "127.0.0.1")
      assert.equals(ws.ERR_INVALID_PARAMETER, err)
      assert.is_string(why)
      assert.equals(DISCONNECTED, server:get_connection_status())
    end
  end)

  it("answers 22 and a text while it is a server already, and nothing changes", function()
    local server, port = session.server()
    local err, why = server:create_server(0, "127.0.0.1")
    assert.equals(ws.ERR_ALREADY_IN_USE, err)
    assert.is_true(#why > 0)
    assert.equals(ws.ERR_ALREADY_IN_USE, (server:create_client("ws://127.0.0.1:9")))
    assert.equals(ws.ERR_ALREADY_IN_USE, (server:create_server(-1, "nonsense")))
    assert.equals(port, server:get_bound_port())
    assert.equals(1, server:get_unique_id())
    raw.join(port, { server })
  end)

  it("answers 22 while it is a client on its way", function()
    local listener = raw.listen()
    local client = session.client(listener.port)
    assert.equals(ws.ERR_ALREADY_IN_USE, (client:create_server(0)))
    assert.equals(ws.ERR_ALREADY_IN_USE, (client:create_client("ws://127.0.0.1:" .. listener.port)))
    assert.equals(1, client:get_connection_status())
  end)

  it("answers 22 for a port in use, and works when the port is free again", function()
    local first, port = session.server()
    local second = session.peer()
    local err, why = second:create_server(port, "127.0.0.1")
    assert.equals(ws.ERR_ALREADY_IN_USE, err)
    assert.is_true(#why > 0)
    assert.equals(DISCONNECTED, second:get_connection_status())
    assert.equals(0, second:get_bound_port())
    first:close()
    assert.equals(ws.OK, (second:create_server(port, "127.0.0.1")))
  end)

  it("answers 22 for an address that is not this machine's", function()
    local server = session.peer()
    local err, why = server:create_server(0, "203.0.113.77")
    assert.equals(ws.ERR_ALREADY_IN_USE, err)
    assert.is_true(#why > 0)
    assert.equals(DISCONNECTED, server:get_connection_status())
  end)

  it("answers 31 for a bind address that is no IP address", function()
    local server = session.peer()
    for _, address in ipairs {
      "", "localhost", "nonsense", "127.0.0", "256.0.0.1", "127.0.0.1 ", "1.2.3.4.5", "**", "[::1]", ":::",
    } do
      local err, why = server:create_server(0, address)
      assert.equals(ws.ERR_INVALID_PARAMETER, err, address)
      assert.is_true(#why > 0)
      assert.equals(DISCONNECTED, server:get_connection_status())
    end
  end)

  it("answers 31 for headers with line breaks and protocols that are no tokens", function()
    for _, bad in ipairs {
      { handshake_headers = { "X-A: 1\r\nX-B: 2" } }, { handshake_headers = { "X-A: 1\n" } },
      { supported_protocols = { "two words" } }, { supported_protocols = { "a,b" } },
      { supported_protocols = { "" } }, { supported_protocols = { "a\r\nX: y" } },
    } do
      local server = session.peer(bad)
      local err, why = server:create_server(0, "127.0.0.1")
      assert.equals(ws.ERR_INVALID_PARAMETER, err)
      assert.is_true(#why > 0)
      assert.equals(DISCONNECTED, server:get_connection_status())
    end
  end)

  it("answers 31 for a zero byte in the bind address", function()
    local server = session.peer()
    assert.equals(ws.ERR_INVALID_PARAMETER, (server:create_server(0, "127.0.0.1\0x")))
    assert.equals(DISCONNECTED, server:get_connection_status())
  end)

  it("takes no zero bytes in headers and protocols: the property raises or the call answers 31", function()
    for _, bad in ipairs { { handshake_headers = { "X-A: \0" } }, { supported_protocols = { "a\0b" } } } do
      local ok, server = pcall(session.peer, bad)
      if ok then assert.equals(ws.ERR_INVALID_PARAMETER, (server:create_server(0, "127.0.0.1"))) end
    end
  end)

  -- Another program can have the same port at the other address, but not each time.
  local function is_reached(bind_address, address)
    for _ = 1, 5 do
      local _, port = session.server(nil, bind_address)
      if not raw.reachable(port, address) then return false end
    end
    return true
  end

  it("bound to 127.0.0.1 is not reachable by another address", function()
    assert.is_true(is_reached("127.0.0.1", "127.0.0.1"))
    assert.is_false(is_reached("127.0.0.1", "127.0.0.2"))
    if raw.has_ipv6() then assert.is_false(is_reached("127.0.0.1", "::1")) end
  end)

  it("bound to * takes IPv4 and IPv6, and is so by default", function()
    for _, address in ipairs { "*", false } do
      local server = session.peer()
      assert.equals(ws.OK, (server:create_server(0, address or nil)))
      local port = server:get_bound_port()
      raw.join(port, { server })
      if raw.has_ipv6() then assert(raw.connect(port, "::1")):join({ server }) end
      assert.equals(raw.has_ipv6() and 2 or 1, #server:get_peers())
      session.close()
    end
  end)

  it("tells an IPv4 address as such when it came over an IPv6 socket", function()
    local server = session.peer()
    assert.equals(ws.OK, (server:create_server(0, "*")))
    local client = raw.join(server:get_bound_port(), { server })
    assert.equals("127.0.0.1", server:get_peer_address(client.id))
    assert.equals(client:local_port(), server:get_peer_port(client.id))
  end)

  it("binds an IPv6 address, and tells peers' addresses in eight groups", function()
    if not raw.has_ipv6() then return pending("no IPv6 here") end
    local server, port = session.server(nil, "::1")
    local client = assert(raw.connect(port, "::1")):join({ server })
    assert.equals("0:0:0:0:0:0:0:1", server:get_peer_address(client.id))
    assert.equals(client:local_port(), server:get_peer_port(client.id))
    assert.is_false(is_reached("::1", "127.0.0.1"))
  end)

  it("can be used again after close(), also on the same port at once", function()
    local server, port = session.server()
    for _ = 1, 3 do
      local client = raw.join(port, { server })
      assert.equals(1, #server:get_peers())
      server:close()
      assert.equals(DISCONNECTED, server:get_connection_status())
      assert.equals(0, server:get_unique_id())
      assert.equals(0, server:get_bound_port())
      assert.is_false(server:is_server())
      assert.same({}, server:get_peers())
      client:read_end({})
      assert.equals(ws.OK, (server:create_server(port, "127.0.0.1")))
    end
  end)

  it("can be a client after it was a server, and the other way round", function()
    local other, port = session.server()
    local peer = session.server()
    peer:close()
    assert.equals(ws.OK, (peer:create_client("ws://127.0.0.1:" .. port)))
    wait.until_(function() return session.is_connected(peer) end, { peer, other })
    assert.is_false(peer:is_server())
    peer:close()
    assert.equals(ws.OK, (peer:create_server(0, "127.0.0.1")))
    raw.join(peer:get_bound_port(), { peer })
  end)
end)

describe("a server", function()
  after_each(session.close)

  it("connects 200 clients of the same instant within a few polls", function()
    local server, port = session.server()
    local events = session.record(server)
    local clients = {}
    for i = 1, 200 do clients[i] = assert(raw.connect(port)) end
    for _, client in ipairs(clients) do client:send(raw.request()) end
    local polls = 0
    wait.until_(function()
      for _, client in ipairs(clients) do client:pump() end
      polls = polls + 1
      return #server:get_peers() == 200
    end, { server }, 10, "200 clients")
    assert.is_true(polls <= 8, polls .. " polls")
    assert.equals(200, #events)
    local ids = {}
    for _, client in ipairs(clients) do
      assert(client:read_head({ server }))
      local id = client:read_binary({ server })
      assert.equals(4, #id)
      assert.is_nil(ids[id])
      ids[id] = true
    end
  end)

  it("serves a steady game loop beside 1,000 idle connections", function()
    local pipe = io.popen("ulimit -n")
    local limit = pipe and tonumber((pipe:read("*l"))) or math.huge
    if pipe then pipe:close() end
    if limit < 2200 then return pending("not enough descriptors: ulimit -n is " .. limit) end
    local server, port = session.server({ handshake_timeout = 20 })
    local idle = {}
    for group = 1, 10 do
      for i = group * 100 - 99, group * 100 do idle[i] = assert(raw.connect(port)):send(raw.request()) end
      wait.until_(function()
        for i = group * 100 - 99, group * 100 do idle[i]:pump() end
        return #server:get_peers() == group * 100
      end, { server }, 15, group * 100 .. " connections")
    end
    local player = raw.join(port, { server })
    for frame = 1, 60 do
      player:send_binary("frame " .. frame)
      local packets, senders = session.receive(server, 1, { server })
      assert.equals("frame " .. frame, packets[1])
      server:set_target_peer(senders[1])
      assert.equals(ws.OK, (server:put_packet("answer " .. frame)))
      assert.equals("answer " .. frame, player:read_binary({ server }))
    end
    assert.equals(1001, #server:get_peers())
    server:set_target_peer(0)
    assert.equals(ws.OK, (server:put_packet("all")))
    for _, client in ipairs(idle) do
      assert(client:read_head({ server }))
      assert.equals(4, #client:read_binary({ server }))
      assert.equals("all", client:read_binary({ server }))
    end
  end)

  it("gives every client another id from 2 to 2147483647, sent as the first message in 4 bytes", function()
    local server, port = session.server()
    local seen = {}
    for _ = 1, 20 do
      local client = raw.join(port, { server })
      assert.is_true(client.id >= 2 and client.id <= 2147483647)
      assert.is_nil(seen[client.id])
      seen[client.id] = true
      assert.is_truthy(server:get_peer(client.id))
    end
    for _, id in ipairs(server:get_peers()) do assert.is_true(seen[id]) end
  end)

  it("knows no peer that is only in its handshake", function()
    local server, port = session.server()
    local events = session.record(server)
    local client = assert(raw.connect(port))
    client:send("GET / HTTP/1.1\r\nHost: x\r\n")
    for _ = 1, 10 do server:poll(0.002) end
    assert.same({}, server:get_peers())
    assert.equals("", events.names())
  end)

  it("tells of a peer what WebSocketPeer knows", function()
    local server, port = session.server({ supported_protocols = { "chat" } })
    local client = raw.join(port, { server }, raw.request {
      path = "/room?x=1", host = "example.org:1234",
      lines = { "Sec-WebSocket-Protocol: chat", "X-Ticket: 7 ", "x-ticket: 8" },
    })
    local peer = server:get_peer(client.id)
    assert.equals(1, peer:get_ready_state())
    assert.equals("127.0.0.1", peer:get_connected_host())
    assert.equals(client:local_port(), peer:get_connected_port())
    assert.equals("chat", peer:get_selected_protocol())
    assert.equals("ws://example.org:1234/room?x=1", peer:get_requested_url())
    local headers = peer:get_request_headers()
    assert.equals("7, 8", headers["x-ticket"])
    assert.equals("example.org:1234", headers.host)
    assert.equals(-1, peer:get_close_code())
    assert.equals("", peer:get_close_reason())
    assert.equals(0, peer:get_current_outbound_buffered_amount())
    peer:set_no_delay(false)
    peer:set_no_delay(true)
    assert.is_true(server:get_peer(client.id) == server:get_peer(client.id))
  end)

  it("gives nil, an empty address and port 0 for ids that nobody has", function()
    local server = session.server()
    for _, id in ipairs { 0, 1, 2, -1, 2147483647 } do
      assert.is_nil(server:get_peer(id))
      assert.equals("", server:get_peer_address(id))
      assert.equals(0, server:get_peer_port(id))
    end
  end)
end)

describe("refuse_new_connections", function()
  after_each(session.close)

  it("lets nobody in while it is on, and those inside stay", function()
    local server, port = session.server()
    local inside = raw.join(port, { server })
    local events = session.record(server)
    server.refuse_new_connections = true
    local outside = raw.connect(port)
    outside:send(raw.request())
    for _ = 1, 20 do
      server:poll(0.002)
      outside:pump()
    end
    assert.equals(1, #server:get_peers())
    assert.equals("", events.names())
    assert.is_nil(outside:unread():find("\r\n\r\n\130\4", 1, true))
    inside:send_binary("still here")
    assert.same({ "still here" }, (session.receive(server, 1, { server })))
  end)

  it("drops a connection that was in its handshake, without an id", function()
    local server, port = session.server()
    local events = session.record(server)
    local request = raw.request()
    local client = raw.connect(port)
    client:send(request:sub(1, 40))
    for _ = 1, 5 do server:poll(0.002) end
    server:set_refuse_new_connections(true)
    client:send(request:sub(41))
    client:read_end({ server })
    assert.is_nil(client:unread():find("\130\4", 1, true))
    assert.equals("", events.names())
  end)

  it("can be switched off again", function()
    local server, port = session.server({ refuse_new_connections = true })
    for _ = 1, 3 do server:poll() end
    server.refuse_new_connections = false
    raw.join(port, { server })
  end)
end)

describe("handshake_timeout of a server", function()
  after_each(session.close)

  it("drops the silent and the half handshakes while others live on, without a signal", function()
    local server, port = session.server({ handshake_timeout = 0.3 })
    local inside = raw.join(port, { server })
    local events = session.record(server)
    local started = wait.now()
    local silent, half, almost = raw.connect(port), raw.connect(port), raw.connect(port)
    half:send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    almost:send(raw.request():sub(1, -2))
    server:poll()
    silent:read_end({ server })
    half:read_end({ server })
    almost:read_end({ server })
    local took = wait.now() - started
    assert.is_true(took >= 0.25 and took < 3, "took " .. took)
    assert.equals("", events.names())
    inside:send_binary("alive")
    assert.same({ "alive" }, (session.receive(server, 1, { server })))
    assert.equals(1, #server:get_peers())
  end)

  it("drops one that trickles its request", function()
    local server, port = session.server({ handshake_timeout = 0.3 })
    local client = raw.connect(port)
    client:send("GET / HTTP/1.1\r\n")
    local n = 0
    wait.until_(function()
      n = n + 1
      if not client.write_error then client:send("X-" .. n .. ": 1\r\n") end
      return client.ended
    end, { server }, 5, "the slow client to be dropped")
    assert.same({}, server:get_peers())
  end)

  it("is live: connections that wait already are measured by the new value", function()
    local server, port = session.server({ handshake_timeout = 60 })
    local client = raw.connect(port)
    for _ = 1, 5 do server:poll(0.002) end
    server.handshake_timeout = 0.1
    client:read_end({ server }, 5)
  end)

  it("does not touch clients whose handshake is done", function()
    local server, port = session.server({ handshake_timeout = 0.1 })
    local client = raw.join(port, { server })
    wait.quiet({ server }, 0.3)
    client:send_binary("late")
    assert.same({ "late" }, (session.receive(server, 1, { server })))
  end)
end)
