local ws = require "wsmultiplayer"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"

-- Polls until a poll raises, and gives the error.
local function poll_error(peer)
  local message
  wait.until_(function()
    local ok, err = pcall(peer.poll, peer, 0.002)
    if not ok then message = err end
    return message ~= nil
  end, {}, 5, "poll to raise")
  return message
end

describe("an error in a handler", function()
  after_each(session.close)

  it("reaches the caller of poll with a traceback", function()
    local server, port = session.server()
    server.peer_connected:connect(function() error("the handler is broken") end)
    raw.connect(port):send(raw.request())
    local message = poll_error(server)
    assert.is_string(message)
    assert.matches("the handler is broken", message, 1, true)
    assert.matches("handlers_spec.lua", message, 1, true)
    assert.matches("stack traceback", message, 1, true)
  end)

  it("leaves the state as if there had been none", function()
    local server, port = session.server()
    server.peer_connected:connect(function() error("broken") end, ws.CONNECT_ONE_SHOT)
    local client = raw.connect(port)
    client:send(raw.request())
    poll_error(server)
    assert.equals(2, server:get_connection_status())
    assert.equals(1, #server:get_peers())
    client:join({ server }, "")
    client:send_binary("still works")
    assert.same({ "still works" }, (session.receive(server, 1, { server })))
  end)

  it("does not take the other handlers' turn, nor that of further events: the next polls deliver them", function()
    local server, port = session.server()
    local calls = {}
    server.peer_connected:connect(function(id) calls[#calls + 1] = "a" .. id error("a is broken") end)
    server.peer_connected:connect(function(id) calls[#calls + 1] = "b" .. id end)
    local clients = {}
    for i = 1, 3 do
      clients[i] = raw.connect(port)
      clients[i]:send(raw.request())
    end
    local errors = 0
    wait.until_(function()
      if not pcall(server.poll, server, 0.002) then errors = errors + 1 end
      return #calls == 6
    end, {}, 5, "all handlers to be called")
    assert.equals(3, errors)
    local expected = {}
    for _, id in ipairs(server:get_peers()) do
      expected["a" .. id], expected["b" .. id] = true, true
    end
    for i, call in ipairs(calls) do
      assert.is_true(expected[call], call)
      expected[call] = nil
      if i % 2 == 0 then assert.equals(calls[i - 1]:sub(2), call:sub(2)) end
    end
    assert.is_nil(next(expected))
    server:poll()
  end)

  it("in peer_disconnected of a client loses nothing either", function()
    local client, connection = session.by_hand()
    local calls = {}
    client.peer_disconnected:connect(function() calls[#calls + 1] = "a" error("broken") end)
    client.peer_disconnected:connect(function(id, code) calls[#calls + 1] = "b" .. id .. "/" .. code end)
    connection:send_close(4000)
    assert.matches("broken", poll_error(client), 1, true)
    wait.until_(function() return #calls == 2 end, { client })
    assert.same({ "a", "b1/4000" }, calls)
    wait.until_(function() return session.is_disconnected(client) end, { client })
  end)

  it("may be any value", function()
    local server, port = session.server()
    local thing = {}
    server.peer_connected:connect(function() error(thing) end)
    raw.connect(port):send(raw.request())
    local err = poll_error(server)
    assert.is_true(err == thing or type(err) == "string")
    session.close()
    server, port = session.server()
    server.peer_connected:connect(function() error() end)
    raw.connect(port):send(raw.request())
    local raised
    wait.until_(function()
      raised = not pcall(server.poll, server, 0.002)
      return raised
    end, {}, 5)
  end)
end)

describe("a handler", function()
  after_each(session.close)

  it("may call every method", function()
    local server, port = session.server()
    local done = false
    local function everything(id)
      assert.is_truthy(server:get_peer(id))
      server:set_target_peer(id)
      assert.is_number((server:put_packet("x")))
      server:flush()
      server:get_packet()
      server:get_packet_peer()
      server:get_packet_error()
      for _ in server:packets() do done = false end
      server:get_peers()
      server:get_peer_address(id)
      server:get_peer_port(id)
      server:generate_unique_id()
      server:get_dropped_packet_count(id)
      server:get_last_error()
      server.refuse_new_connections = true
      server.refuse_new_connections = false
      server.handshake_timeout = 4
      assert.equals(ws.ERR_ALREADY_IN_USE, (server:create_server(0)))
      assert.equals(ws.ERR_ALREADY_IN_USE, (server:create_client("ws://127.0.0.1:1")))
      collectgarbage()
      done = true
    end
    server.peer_connected:connect(everything)
    server.peer_disconnected:connect(everything)
    local client = raw.join(port, { server })
    assert.is_true(done)
    done = false
    client:close()
    wait.until_(function() return done end, { server })
  end)

  it("may close the server in peer_connected while others are joining", function()
    local server, port = session.server()
    local count = 0
    server.peer_connected:connect(function()
      count = count + 1
      server:close()
    end)
    local clients = {}
    for i = 1, 5 do
      clients[i] = raw.connect(port)
      clients[i]:send(raw.request())
    end
    wait.until_(function() return count > 0 end, { server })
    for _ = 1, 5 do server:poll(0.002) end
    assert.equals(1, count)
    assert.equals(0, server:get_connection_status())
    for _, client in ipairs(clients) do client:read_end({ server }) end
  end)

  it("may close the server in peer_disconnected, and begin anew", function()
    local server, port = session.server()
    local clients = {}
    for i = 1, 3 do clients[i] = raw.join(port, { server }) end
    local count = 0
    server.peer_disconnected:connect(function()
      count = count + 1
      server:close()
      assert.equals(ws.OK, (server:create_server(0, "127.0.0.1")))
    end)
    for _, client in ipairs(clients) do client:close() end
    wait.until_(function() return count > 0 end, { server })
    for _ = 1, 5 do server:poll(0.002) end
    assert.equals(1, count)
    local client = raw.join(server:get_bound_port(), { server })
    assert.same({ client.id }, server:get_peers())
  end)

  it("may close the client and connect it again, in either signal", function()
    local listener = raw.listen()
    local client = session.client(listener.port)
    local rounds = 0
    client.peer_connected:connect(function()
      rounds = rounds + 1
      if rounds == 1 then
        client:close()
        assert.equals(0, client:get_connection_status())
        assert.equals(ws.OK, (client:create_client("ws://127.0.0.1:" .. listener.port)))
      end
    end)
    client.peer_disconnected:connect(function()
      client:close()
      assert.equals(ws.OK, (client:create_client("ws://127.0.0.1:" .. listener.port)))
    end, ws.CONNECT_ONE_SHOT)
    listener:welcome({ client }, 11)
    wait.until_(function() return rounds == 1 end, { client })
    local second = listener:welcome({ client }, 12)
    wait.until_(function() return rounds == 2 end, { client })
    assert.equals(12, client:get_unique_id())
    second:close()
    listener:welcome({ client }, 13)
    wait.until_(function() return rounds == 3 end, { client })
    assert.equals(13, client:get_unique_id())
    assert.equals(2, client:get_connection_status())
  end)

  it("may disconnect the peer that it is told of", function()
    local server, port = session.server()
    local events = session.record(server)
    server.peer_connected:connect(function(id) server:disconnect_peer(id) end)
    local client = raw.connect(port)
    client:send(raw.request())
    assert(client:read_head({ server }))
    session.event(events, 2, { server })
    assert.equals(events[1].id, events[2].id)
    assert.equals("disconnected", events[2].name)
    client:read_binary({ server })
    assert.equals(1000, client:read_frame({ server }).code)
  end)

  it("may disconnect any peer by force, without a signal", function()
    local server, port = session.server()
    local first = raw.join(port, { server })
    local events = session.record(server)
    server.peer_connected:connect(function(id)
      server:disconnect_peer(first.id, true)
      server:disconnect_peer(id, true)
    end)
    local client = raw.connect(port)
    client:send(raw.request())
    client:read_end({ server })
    first:read_end({ server })
    assert.equals(1, #events)
    assert.same({}, server:get_peers())
  end)

  it("may poll, which calls no handler twice", function()
    local server, port = session.server()
    local calls = {}
    server.peer_connected:connect(function(id)
      calls[#calls + 1] = id
      server:poll()
      server:poll(0.002)
    end)
    local clients = {}
    for i = 1, 4 do
      clients[i] = raw.connect(port)
      clients[i]:send(raw.request())
    end
    wait.until_(function() return #calls == 4 end, { server })
    for _ = 1, 5 do server:poll(0.002) end
    assert.equals(4, #calls)
    local seen = {}
    for _, id in ipairs(calls) do
      assert.is_nil(seen[id])
      seen[id] = true
    end
  end)

  it("may poll another peer", function()
    local server, client = session.pair()
    local other
    server.peer_connected:connect(function() client:poll() end)
    client.peer_disconnected:connect(function() server:poll() end)
    other = session.join(server)
    assert.equals(2, #server:get_peers())
    server:close()
    wait.until_(function()
      return session.is_disconnected(client) and session.is_disconnected(other)
    end, { client, other })
  end)

  it("may yield nothing: it runs inside a coroutine's poll as outside", function()
    local server, port = session.server()
    local ids = {}
    server.peer_connected:connect(function(id) ids[#ids + 1] = id end)
    raw.connect(port):send(raw.request())
    local task = coroutine.wrap(function()
      while #ids == 0 do
        server:poll(0.002)
        coroutine.yield(false)
      end
      return true
    end)
    wait.until_(task, {}, 5)
    assert.equals(1, #ids)
  end)
end)
