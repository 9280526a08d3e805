local ws = require "wsmultiplayer"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"

describe("a signal", function()
  local peer, signal, calls

  before_each(function()
    peer = session.peer()
    signal = peer.peer_connected
    calls = {}
  end)
  after_each(session.close)

  local function handler(name)
    return function(...) calls[#calls + 1] = name .. ":" .. table.concat({ ... }, ",") end
  end

  local function called()
    return table.concat(calls, " ")
  end

  it("is the same object at each reading, and another for each peer and name", function()
    assert.is_true(peer.peer_connected == peer.peer_connected)
    assert.is_false(peer.peer_connected == peer.peer_disconnected)
    assert.is_false(peer.peer_connected == session.peer().peer_connected)
  end)

  it("calls its handlers in the order of connecting, with what emit() was given", function()
    assert.equals(ws.OK, (signal:connect(handler "a")))
    assert.equals(ws.OK, (signal:connect(handler "b")))
    assert.equals(ws.OK, (signal:connect(handler "c")))
    signal:emit(5)
    assert.equals("a:5 b:5 c:5", called())
    peer.peer_disconnected:emit(6)
    assert.equals("a:5 b:5 c:5", called())
    signal:emit(7, "more")
    assert.equals("a:5 b:5 c:5 a:7,more b:7,more c:7,more", called())
  end)

  it("does nothing when nobody is connected", function()
    signal:emit(1)
    assert.same({}, signal:get_connections())
  end)

  it("refuses a function connected twice with 31 and a text", function()
    local fn = handler "a"
    assert.equals(ws.OK, (signal:connect(fn)))
    local err, why = signal:connect(fn)
    assert.equals(ws.ERR_INVALID_PARAMETER, err)
    assert.is_true(#why > 0)
    signal:emit(1)
    assert.equals("a:1", called())
    assert.equals(ws.OK, (peer.peer_disconnected:connect(fn)))
  end)

  it("knows what is connected", function()
    local a, b = handler "a", handler "b"
    assert.is_false(signal:is_connected(a))
    signal:connect(a)
    assert.is_true(signal:is_connected(a))
    assert.is_false(signal:is_connected(b))
    assert.equals(1, #signal:get_connections())
    signal:connect(b)
    assert.equals(2, #signal:get_connections())
    signal:disconnect(a)
    assert.is_false(signal:is_connected(a))
    assert.is_true(signal:is_connected(b))
    assert.equals(1, #signal:get_connections())
  end)

  it("calls no more what was disconnected, which can be connected again, at the end", function()
    local a = handler "a"
    signal:connect(a)
    signal:connect(handler "b")
    signal:disconnect(a)
    signal:emit(1)
    assert.equals("b:1", called())
    assert.equals(ws.OK, (signal:connect(a)))
    signal:emit(2)
    assert.equals("b:1 b:2 a:2", called())
  end)

  it("calls a one-shot handler once", function()
    local a = handler "a"
    assert.equals(ws.OK, (signal:connect(a, ws.CONNECT_ONE_SHOT)))
    signal:connect(handler "b")
    signal:emit(1)
    signal:emit(2)
    assert.equals("a:1 b:1 b:2", called())
    assert.is_false(signal:is_connected(a))
    assert.equals(ws.OK, (signal:connect(a)))
  end)

  it("calls a one-shot handler once even if it emits again", function()
    local count = 0
    signal:connect(function()
      count = count + 1
      if count < 5 then signal:emit(1) end
    end, ws.CONNECT_ONE_SHOT)
    signal:emit(1)
    assert.equals(1, count)
  end)

  it("calls those who were connected when it was emitted: a handler connected by a handler waits", function()
    local late = handler "late"
    signal:connect(function() signal:connect(late) end, ws.CONNECT_ONE_SHOT)
    signal:connect(handler "b")
    signal:emit(1)
    assert.equals("b:1", called())
    signal:emit(2)
    assert.equals("b:1 b:2 late:2", called())
  end)

  it("lets a handler disconnect itself and others, which is felt from the next emit on", function()
    local a, b, c
    a = function() calls[#calls + 1] = "a" signal:disconnect(a) signal:disconnect(c) end
    b = function() calls[#calls + 1] = "b" end
    c = function() calls[#calls + 1] = "c" end
    signal:connect(a)
    signal:connect(b)
    signal:connect(c)
    signal:emit(1)
    assert.equals("a b c", called())
    calls = {}
    signal:emit(2)
    assert.equals("b", called())
  end)

  it("is connected on the peer too, by connect() and on()", function()
    assert.equals(ws.OK, (peer:connect("peer_connected", handler "a")))
    assert.equals(ws.OK, (peer:on("peer_connected", handler "b")))
    assert.equals(ws.OK, (peer:connect("peer_disconnected", handler "c", ws.CONNECT_ONE_SHOT)))
    signal:emit(1)
    peer.peer_disconnected:emit(2)
    peer.peer_disconnected:emit(3)
    assert.equals("a:1 b:1 c:2", called())
  end)

  it("raises for what is no function, and for a signal that does not exist", function()
    assert.has_error(function() signal:connect() end)
    assert.has_error(function() signal:connect("x") end)
    assert.has_error(function() signal:connect({}) end)
    assert.error_matches(function() peer:connect("no_such_signal", print) end, "no_such_signal")
    assert.error_matches(function() peer:on("no_such_signal", print) end, "no_such_signal")
    assert.has_error(function() peer:connect("peer_connected") end)
    assert.same({}, signal:get_connections())
  end)

  it("keeps its handlers across close()", function()
    signal:connect(handler "a")
    assert.equals(ws.OK, (peer:create_server(0, "127.0.0.1")))
    peer:close()
    assert.equals(ws.OK, (peer:create_server(0, "127.0.0.1")))
    local client = raw.join(peer:get_bound_port(), { peer })
    assert.equals("a:" .. client.id, called())
  end)
end)

describe("signals come", function()
  after_each(session.close)

  it("only from poll, once per client, with its id", function()
    local server, port = session.server()
    local events = session.record(server)
    local client = raw.connect(port)
    client:send(raw.request())
    assert.equals("", events.names())
    server:set_target_peer(0)
    server:put_packet("x")
    server:flush()
    assert.equals("", events.names())
    client:join({ server }, "")
    assert.equals("connected " .. client.id, events.names())
    server:disconnect_peer(client.id)
    assert.equals(1, #events)
    server:poll()
    assert.equals(("connected %d, disconnected %d"):format(client.id, client.id), events.names())
    for _ = 1, 5 do server:poll(0.002) end
    assert.equals(2, #events)
  end)

  it("before the packets of the client that they announce", function()
    local server, port = session.server()
    local order = {}
    server.peer_connected:connect(function(id)
      order[#order + 1] = "connected with " .. server:get_available_packet_count()
      assert.is_truthy(server:get_peer(id))
    end)
    local client = raw.connect(port)
    client:send(raw.request() .. client:frame_bytes { payload = "early" })
    local packets = session.receive(server, 1, { server })
    assert.same({ "early" }, packets)
    assert.same({ "connected with 0" }, order)
  end)

  it("with a peer that is open and can be sent to, on the server", function()
    local server, port = session.server()
    local seen
    server.peer_connected:connect(function(id)
      local peer = server:get_peer(id)
      seen = { server:get_connection_status(), server:get_unique_id(), peer:get_ready_state(),
        server:get_peer_address(id) }
      server:set_target_peer(id)
      seen[5] = server:put_packet("hi")
    end)
    local client = raw.join(port, { server })
    assert.same({ 2, 1, 1, "127.0.0.1", 0 }, seen)
    assert.equals("hi", client:read_binary({ server }))
  end)

  it("with the closed connection still there and its close code, on the server", function()
    local server, port = session.server()
    local client = raw.join(port, { server })
    local seen
    server.peer_disconnected:connect(function(id)
      local peer = server:get_peer(id)
      seen = { id, server:get_connection_status(), peer:get_ready_state(), peer:get_close_code(),
        peer:get_close_reason(), server:get_peer_address(id) }
    end)
    client:send_close(4001, "bye now")
    wait.until_(function() return seen end, { server })
    assert.same({ client.id, 2, 3, 4001, "bye now", "" }, seen)
    assert.is_nil(server:get_peer(client.id))
    assert.equals("", server:get_peer_address(client.id))
    assert.same({}, server:get_peers())
  end)

  it("with status, id and closed connection still there, on the client", function()
    local client, connection = session.by_hand(nil, 4321)
    local seen
    client.peer_disconnected:connect(function(id)
      local peer = client:get_peer(1)
      seen = { id, client:get_connection_status(), client:get_unique_id(), peer:get_ready_state(),
        peer:get_close_code(), peer:get_close_reason() }
    end)
    connection:send_close(4001, "bye now")
    wait.until_(function() return seen end, { client })
    assert.same({ 1, 2, 4321, 3, 4001, "bye now" }, seen)
    assert.equals(0, client:get_connection_status())
    assert.equals(0, client:get_unique_id())
    assert.is_nil(client:get_peer(1))
  end)

  it("in the order of joining", function()
    local server, port = session.server()
    local events = session.record(server)
    local ids = {}
    for i = 1, 5 do ids[i] = "connected " .. raw.join(port, { server }).id end
    assert.equals(table.concat(ids, ", "), events.names())
  end)

  it("not for attempts that fail, on either side", function()
    local server, port = session.server({ supported_protocols = { "a" }, handshake_timeout = 0.2 })
    local events = session.record(server)
    local client = session.client(port)
    local ours = session.record(client)
    raw.connect(port):send("nonsense\r\n\r\n")
    raw.connect(port):close()
    wait.until_(function() return session.is_disconnected(client) end, { server, client })
    wait.quiet({ server }, 0.1)
    assert.equals("", events.names())
    assert.equals("", ours.names())
  end)
end)
