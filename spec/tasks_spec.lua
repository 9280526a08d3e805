-- Tasks, and waiting in them and in the main program.
local socket = require "socket"
local ws = require "wsmultiplayer"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"

-- Polls everything until condition() holds.
local function until_(condition, seconds)
  local deadline = socket.gettime() + (seconds or wait.DEADLINE)
  repeat
    local result = condition()
    if result then return result end
    ws.poll(0.01)
  until socket.gettime() > deadline
  error("waited in vain", 2)
end

local function is_done(task)
  return function() return task:is_done() end
end

-- What pcall(fn) raised, which must be an error.
local function raised(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

-- Polls until a poll raises, and returns the error.
local function raised_by_poll()
  local deadline = socket.gettime() + wait.DEADLINE
  repeat
    local ok, err = pcall(ws.poll, 0.01)
    if not ok then return err end
  until socket.gettime() > deadline
  error("no poll raised anything", 2)
end

describe("tasks", function()
  after_each(function()
    session.close()
    -- What one test left behind must not reach the next.
    while not pcall(ws.poll) do end -- luacheck: ignore 542
  end)

  describe("ws.spawn", function()
    it("runs the function at once, with its arguments", function()
      local got
      local task = ws.spawn(function(...) got = { ... } end, 1, "two")
      assert.same({ 1, "two" }, got)
      assert.is_true(task:is_done())
    end)

    it("raises unless it is given a function", function()
      assert.matches("bad argument #1 to 'spawn' %(function expected, got nil%)", raised(ws.spawn))
      assert.matches("bad argument #1 to 'spawn' %(function expected, got table%)", raised(ws.spawn, {}))
    end)

    it("goes on in polls only", function()
      local steps = 0
      local task = ws.spawn(function()
        steps = 1
        ws.sleep(0)
        steps = 2
      end)
      assert.equal(1, steps)
      assert.is_false(task:is_done())
      until_(is_done(task))
      assert.equal(2, steps)
    end)

    it("lets a task that yields nothing go on in the next poll", function()
      local turns = 0
      local task = ws.spawn(function()
        for _ = 1, 3 do
          turns = turns + 1
          coroutine.yield()
        end
      end)
      assert.equal(1, turns)
      ws.poll()
      assert.equal(2, turns)
      ws.poll()
      assert.equal(3, turns)
      ws.poll()
      assert.is_true(task:is_done())
    end)

    it("ends a task that yields something to nobody, with an error that says so", function()
      local task = ws.spawn(function() coroutine.yield("for whom?") end)
      assert.is_true(task:is_done())
      assert.matches("a task yielded values that nobody waits for", raised(ws.poll))
      ws.poll()
    end)

    it("can be used in tasks", function()
      local order = {}
      local outer = ws.spawn(function()
        local inner = ws.spawn(function()
          ws.sleep(0.01)
          order[#order + 1] = "inner"
          return "result"
        end)
        order[#order + 1] = "outer"
        return inner:wait()
      end)
      assert.equal("result", outer:wait(5))
      assert.same({ "outer", "inner" }, order)
    end)

    it("names the task's state in its text", function()
      local task = ws.spawn(function() ws.sleep(0) end)
      assert.matches("^Task: .*%(running%)$", tostring(task))
      until_(is_done(task))
      assert.matches("%(done%)$", tostring(task))
      task = ws.spawn(function() ws.sleep(60) end)
      task:cancel()
      assert.matches("%(failed%)$", tostring(task))
    end)
  end)

  describe("errors in tasks", function()
    it("reach the caller of a poll with their traceback, once", function()
      local function deep() error("it broke") end
      ws.spawn(function()
        ws.sleep(0)
        deep()
      end)
      local err = raised_by_poll()
      assert.matches("it broke", err)
      assert.matches("stack traceback:", err)
      assert.matches("in .*deep", err)
      ws.poll()
    end)

    it("reach it also when they happened before the first wait", function()
      ws.spawn(function() error("at once") end)
      assert.matches("at once", raised(ws.poll))
    end)

    it("that are no strings reach it as they are", function()
      local err = { code = 7 }
      ws.spawn(function() error(err) end)
      assert.equal(err, raised(ws.poll))
    end)

    it("are all told, one in a poll, in their order", function()
      for i = 1, 3 do
        ws.spawn(function() error("number " .. i, 0) end)
      end
      for i = 1, 3 do assert.matches("^number " .. i, raised(ws.poll)) end
      ws.poll()
    end)

    it("reach the poll of any peer", function()
      local server = session.server()
      ws.spawn(function() error("told by the server's poll") end)
      assert.matches("told by the server's poll", raised(server.poll, server))
      server:poll()
    end)

    it("go to whoever waits for the task, and to no poll then", function()
      local task = ws.spawn(function()
        ws.sleep(0.01)
        error("for the one who waits", 0)
      end)
      local value, err = task:wait(5)
      assert.is_nil(value)
      assert.matches("^for the one who waits", err)
      ws.poll()
    end)

    it("do not keep other tasks from running", function()
      local ran = 0
      for i = 1, 5 do
        ws.spawn(function()
          ws.sleep(0)
          if i % 2 == 1 then error("odd") end
          ran = ran + 1
        end)
      end
      for _ = 1, 3 do raised_by_poll() end
      assert.equal(2, ran)
    end)
  end)

  describe("Task:wait", function()
    it("returns what the function returned, or true for nothing", function()
      assert.same({ 1, nil, 3 }, { ws.spawn(function() return 1, nil, 3 end):wait() })
      assert.is_true(ws.spawn(function() end):wait())
      assert.same({ "late" }, { ws.spawn(function() ws.sleep(0) return "late" end):wait(5) })
    end)

    it("gives up after its time-out, and can be called again", function()
      local task = ws.spawn(function()
        ws.sleep(0.1)
        return "here"
      end)
      assert.same({ nil, "timeout" }, { task:wait(0.01) })
      assert.same({ "here" }, { task:wait(5) })
      assert.same({ "here" }, { task:wait(5) })
    end)

    it("wakes everybody who waits", function()
      local task = ws.spawn(function()
        ws.sleep(0.01)
        return "all"
      end)
      local got = {}
      local watchers = {}
      for i = 1, 3 do
        watchers[i] = ws.spawn(function() got[i] = task:wait() end)
      end
      until_(is_done(watchers[3]))
      assert.same({ "all", "all", "all" }, got)
    end)

    it("raises for the task itself, and for a bad time-out", function()
      local task
      task = ws.spawn(function()
        ws.sleep(0)
        task:wait()
      end)
      assert.matches("cannot wait for itself", raised_by_poll())
      assert.matches("bad argument #1 to 'wait' %(number expected, got string%)", raised(task.wait, task, "1"))
    end)

    it("raises where nothing can end the wait any more", function()
      local a, b
      a = ws.spawn(function()
        ws.sleep(0)
        return b:wait()
      end)
      b = ws.spawn(function() return a:wait() end)
      assert.matches("can no longer happen", raised(a.wait, a))
      a:cancel()
    end)
  end)

  describe("Task:cancel", function()
    it("ends a task where it waits", function()
      local reached = false
      local task = ws.spawn(function()
        ws.sleep(0)
        reached = true
      end)
      assert.is_true(task:cancel())
      assert.is_true(task:is_done())
      ws.poll()
      assert.is_false(reached)
      assert.is_false(task:cancel())
      assert.same({ nil, "cancelled" }, { task:wait() })
    end)

    it("tells those who wait for it", function()
      local task = ws.spawn(function() ws.sleep(60) end)
      local value, why
      ws.spawn(function() value, why = task:wait() end)
      task:cancel()
      assert.is_nil(value)
      assert.equal("cancelled", why)
    end)

    it("of a running task takes effect when it waits next", function()
      local reached = {}
      local task
      task = ws.spawn(function()
        ws.sleep(0)
        reached[1] = true
        assert(task:cancel())
        reached[2] = true
        ws.sleep(0)
        reached[3] = true
      end)
      until_(is_done(task))
      ws.poll()
      assert.same({ true, true }, reached)
    end)

    it("of a task that waits for a packet leaves the packet to others", function()
      local server, client = session.pair()
      local first, second = {}, {}
      local task = ws.spawn(function() first = { server:receive() } end)
      local other = ws.spawn(function() second = { server:receive() } end)
      task:cancel()
      client:put_packet("for the other")
      until_(is_done(other))
      assert.same({}, first)
      assert.equal("for the other", second[1])
    end)

    it("takes the task's function off the signal that it waits for", function()
      local server = session.server()
      local task = ws.spawn(function() server:wait("peer_connected") end)
      assert.is_true(server.peer_connected:has_connections())
      task:cancel()
      assert.is_false(server.peer_connected:has_connections())
    end)

    if coroutine.close then -- luacheck: ignore 143
      it("closes the variables of the task", function()
        local closed = false
        local run = assert(load [[
          local ws, on_close = ...
          local guard <close> = setmetatable({}, { __close = on_close })
          ws.sleep(60)
        ]])
        local task = ws.spawn(run, ws, function() closed = true end)
        task:cancel()
        assert.is_true(closed)
      end)
    end
  end)

  describe("ws.sleep", function()
    it("waits that long, in a task and in the main program", function()
      local start = socket.gettime()
      local slept
      local task = ws.spawn(function()
        ws.sleep(0.05)
        slept = socket.gettime() - start
      end)
      until_(is_done(task))
      assert.is_true(slept >= 0.049 and slept < 2)
      start = socket.gettime()
      ws.sleep(0.05)
      assert.is_true(socket.gettime() - start >= 0.049)
    end)

    it("wakes many in the order of their times", function()
      local order, last = {}, nil
      for _, ms in ipairs { 30, 10, 20, 10, 0, 40 } do
        local task = ws.spawn(function()
          ws.sleep(ms / 1000)
          order[#order + 1] = ms
        end)
        if ms == 40 then last = task end
      end
      until_(is_done(last))
      assert.same({ 0, 10, 10, 20, 30, 40 }, order)
    end)

    it("takes zero and less as: until the next poll", function()
      local task = ws.spawn(function() ws.sleep(-1) end)
      assert.is_false(task:is_done())
      ws.poll()
      assert.is_true(task:is_done())
    end)

    it("raises unless it is given a number", function()
      assert.matches("bad argument #1 to 'sleep' %(number expected, got nil%)", raised(ws.sleep))
    end)

    it("shortens what polls wait", function()
      local server = session.server()
      local task = ws.spawn(function() ws.sleep(0.02) end)
      local start = socket.gettime()
      while not task:is_done() do server:poll(5) end
      assert.is_true(socket.gettime() - start < 2)
      task = ws.spawn(function() ws.sleep(0.02) end)
      while not task:is_done() do ws.poll(5) end
      assert.is_true(socket.gettime() - start < 2)
    end)
  end)

  describe("peer:wait", function()
    it("returns the arguments of the signal", function()
      local server = session.server()
      local joined, left
      local task = ws.spawn(function()
        joined = { server:wait("peer_connected", 5) }
        left = { server:wait("peer_disconnected", 5) }
      end)
      local client = session.join(server)
      local id = client:get_unique_id()
      client:close()
      until_(is_done(task))
      assert.same({ id }, joined)
      assert.same({ id, 1000, "", true }, left)
    end)

    it("is resumed inside the emission, in the order of connecting", function()
      local server = session.server()
      local order = {}
      server.peer_connected:connect(function() order[#order + 1] = "first" end)
      ws.spawn(function()
        server:wait("peer_connected")
        order[#order + 1] = "task"
      end)
      server.peer_connected:connect(function() order[#order + 1] = "last" end)
      session.join(server)
      assert.same({ "first", "task", "last" }, order)
    end)

    it("works for several tasks at once", function()
      local server = session.server()
      local got = {}
      for i = 1, 4 do
        ws.spawn(function() got[i] = server:wait("peer_connected") end)
      end
      local _, id = session.join(server)
      assert.same({ id, id, id, id }, got)
    end)

    it("works in the main program, which polls everything meanwhile", function()
      local server = session.server()
      local client = session.client(server:get_bound_port())
      local id = assert(server:wait("peer_connected", 5))
      until_(function() return session.is_connected(client) end)
      assert.equal(client:get_unique_id(), id)
    end)

    it("works in a coroutine of the program's own, resumed by the peer's poll", function()
      local server = session.server()
      local id
      local co = coroutine.wrap(function() id = server:wait("peer_connected") end)
      co()
      local _, client_id = session.join(server)
      assert.equal(client_id, id)
    end)

    it("leaves a coroutine alone that yields to its owner", function()
      local server = session.server()
      local co = coroutine.create(function()
        server:wait("peer_connected")
        coroutine.yield("for its owner")
        return "end"
      end)
      coroutine.resume(co)
      session.join(server)
      wait.quiet({ server }, 0.02)
      assert.equal("suspended", coroutine.status(co))
      assert.same({ true, "end" }, { coroutine.resume(co) })
    end)

    it("goes on waiting when somebody else resumes the coroutine", function()
      local server = session.server()
      local id
      local co = coroutine.create(function() id = server:wait("peer_connected") end)
      for _ = 1, 3 do assert(coroutine.resume(co)) end
      assert.is_nil(id)
      local _, client_id = session.join(server)
      assert.equal(client_id, id)
    end)

    it("gives up after its time-out, and takes its function off the signal", function()
      local server = session.server()
      assert.same({ nil, "timeout" }, { server:wait("peer_connected", 0.01) })
      assert.is_false(server.peer_connected:has_connections())
    end)

    it("ends with the reason when the peer is closed while waited for", function()
      local server = session.server()
      local result
      local task = ws.spawn(function() result = { server:wait("peer_connected") } end)
      server:close()
      until_(is_done(task))
      assert.same({ nil, "closed" }, result)
    end)

    it("ends at once on a peer that is closed", function()
      assert.same({ nil, "closed" }, { session.peer():wait("peer_connected") })
    end)

    it("tells why a connection failed", function()
      local listener = assert(raw.listen())
      local port = listener.port
      listener:close()
      local client = session.client(port)
      local value, what, why = client:wait("peer_connected", 5)
      assert.is_nil(value)
      assert.equal("closed", what)
      assert.matches("refused", why)
    end)

    it("raises for signals that there are not, and for bad time-outs", function()
      local server = session.server()
      assert.matches("bad argument #1 to 'wait' %(there is no signal 'joined'%)", raised(server.wait, server, "joined"))
      assert.matches("bad argument #1 to 'wait' %(string expected, got nil%)", raised(server.wait, server))
      assert.matches("bad argument #2 to 'wait' %(must not be negative%)",
        raised(server.wait, server, "peer_connected", -1))
    end)

    it("in the main program lets errors of handlers through, and is over then", function()
      local server = session.server()
      server.peer_connected:connect(function() error("a handler's") end)
      session.client(server:get_bound_port())
      assert.matches("a handler's", raised(server.wait, server, "peer_disconnected", 5))
      assert.is_false(server.peer_disconnected:has_connections())
    end)
  end)

  describe("peer:receive", function()
    it("returns a packet and its sender, in a task and in the main program", function()
      local server, client, id = session.pair()
      client:put_packet("one")
      assert.same({ "one", id }, { server:receive(5) })
      local got
      local task = ws.spawn(function() got = { server:receive() } end)
      client:put_packet("two")
      until_(is_done(task))
      assert.same({ "two", id }, got)
      server:set_target_peer(id)
      server:put_packet("three")
      assert.same({ "three", 1 }, { client:receive(5) })
    end)

    it("takes what is there without letting others go first", function()
      local server, client = session.pair()
      for i = 1, 10 do client:put_packet(tostring(i)) end
      until_(function() return server:get_available_packet_count() == 10 end)
      local got = {}
      ws.spawn(function()
        for i = 1, 10 do got[i] = server:receive() end
      end)
      assert.equal("1 2 3 4 5 6 7 8 9 10", table.concat(got, " "))
    end)

    it("serves several tasks of one peer in their order, each packet once", function()
      local server, client = session.pair()
      local got = {}
      for i = 1, 3 do
        ws.spawn(function()
          for _ = 1, 4 do
            local packet = server:receive()
            got[#got + 1] = i .. packet
          end
        end)
      end
      for i = 1, 12 do client:put_packet(string.char(96 + i)) end
      until_(function() return #got == 12 end)
      local seen = {}
      for i, item in ipairs(got) do
        assert.equal(string.char(96 + i), item:sub(2))
        seen[item:sub(1, 1)] = (seen[item:sub(1, 1)] or 0) + 1
      end
      assert.same({ ["1"] = 4, ["2"] = 4, ["3"] = 4 }, seen)
    end)

    it("gives up after its time-out", function()
      local server = session.pair()
      assert.same({ nil, "timeout" }, { server:receive(0.01) })
      local result
      local task = ws.spawn(function() result = { server:receive(0.01) } end)
      until_(is_done(task))
      assert.same({ nil, "timeout" }, result)
    end)

    it("ends with the reason when the other side leaves, after what it sent", function()
      local server, client, id = session.pair()
      local got = {}
      local task = ws.spawn(function()
        repeat
          local packet, what, why = client:receive()
          got[#got + 1] = packet or what .. ": " .. why
        until not packet
      end)
      server:set_target_peer(id)
      server:put_packet("last words")
      server:disconnect_peer(id)
      until_(is_done(task))
      assert.same({ "last words", "closed: closed by the other side with code 1000" }, got)
    end)

    it("answers leave in the same poll", function()
      local server, client = session.pair()
      ws.spawn(function()
        while true do
          local packet, from = server:receive()
          if not packet then return end
          server:set_target_peer(from)
          server:put_packet(packet:upper())
        end
      end)
      for _ = 1, 20 do
        client:put_packet("echo")
        until_(function()
          server:poll()
          client:poll()
          return client:get_available_packet_count() > 0
        end)
        assert.equal("ECHO", client:get_packet())
      end
    end)

    it("survives a collection at every step", function()
      local server, client = session.pair()
      local got
      local task = ws.spawn(function() got = server:receive() end)
      collectgarbage()
      client:put_packet("kept")
      until_(function()
        collectgarbage()
        return task:is_done()
      end)
      assert.equal("kept", got)
    end)
  end)

  describe("WebSocketPeer and WebSocketServer", function()
    local server, client

    before_each(function()
      server = ws.WebSocketServer.new()
      assert.equal(ws.OK, (server:listen(0, "127.0.0.1")))
      client = ws.WebSocketPeer.new()
      assert.equal(ws.OK, (client:connect_to_url("ws://127.0.0.1:" .. server:get_local_port())))
    end)

    after_each(function()
      client:close()
      server:stop()
    end)

    it("accept, wait_open and receive wait", function()
      local got
      local task = ws.spawn(function()
        local peer = assert(server:accept(5))
        local text, is_text = peer:receive(5)
        peer:send(text .. "!", ws.WebSocketPeer.WRITE_MODE_BINARY)
        got = { text, is_text }
        return peer
      end)
      assert.is_true(client:wait_open(5))
      client:send_text("hello")
      assert.same({ "hello!", false }, { client:receive(5) })
      assert.same({ "hello", true }, got)
      local peer = task:wait(5)
      peer:close(4001, "bye")
      local value, what, why = client:receive(5)
      assert.is_nil(value)
      assert.equal("closed", what)
      assert.matches("4001: bye", why)
    end)

    it("time out", function()
      local accepted = assert(server:accept(5)) -- a peer that nothing holds would be collected, and closed
      assert.same({ nil, "timeout" }, { server:accept(0.01) })
      assert.same({ nil, "timeout" }, { client:receive(0.01) })
      accepted:close(-1)
      local silent = assert(raw.listen())
      local waiting = ws.WebSocketPeer.new()
      waiting:connect_to_url("ws://127.0.0.1:" .. silent.port)
      assert.same({ nil, "timeout" }, { waiting:wait_open(0.05) })
      waiting:close(-1)
    end)

    it("end when they are closed", function()
      local accepted, result
      local task = ws.spawn(function()
        accepted = server:accept()
        result = { server:accept() }
      end)
      until_(function() return accepted and client:get_ready_state() == ws.WebSocketPeer.STATE_OPEN end)
      server:stop()
      until_(is_done(task))
      assert.same({ nil, "closed" }, result)
      assert.same({ nil, "closed" }, { ws.WebSocketPeer.new():receive() })
    end)

    it("refuse to wait for a multiplayer peer's connection", function()
      local multiplayer, _, id = session.pair()
      local borrowed = multiplayer:get_peer(id)
      assert.matches("belongs to a WebSocketMultiplayerPeer", raised(borrowed.receive, borrowed))
      assert.matches("belongs to a WebSocketMultiplayerPeer", raised(borrowed.wait_open, borrowed))
    end)
  end)

  describe("MultiplayerAPI", function()
    -- An API with a server, and one with its client.
    local function apis()
      local server, client = ws.MultiplayerAPI.new(), ws.MultiplayerAPI.new()
      server.multiplayer_peer = session.server()
      client.multiplayer_peer = session.client(server.multiplayer_peer:get_bound_port())
      return server, client
    end

    it("is waited for by its signals, and polled with everything else", function()
      local server, client = apis()
      server.peer_packet:connect(function(id, bytes) server:send_bytes("re: " .. bytes, id) end)
      ws.run(function()
        assert.is_true(client:wait("connected_to_server", 5))
        client:send_bytes("hello", 1)
        assert.same({ 1, "re: hello" }, { client:wait("peer_packet", 5) })
        assert.same({ nil, "timeout" }, { client:wait("peer_packet", 0.01) })
      end)
    end)

    it("tells of the server's end before waits for anything else end", function()
      local server, client = apis()
      assert.is_true(client:wait("connected_to_server", 5))
      local order = {}
      local told = ws.spawn(function() order[#order + 1] = client:wait("server_disconnected") and "told" end)
      local ended = ws.spawn(function()
        local packet, what, why = client:wait("peer_packet")
        assert(packet == nil and what == "closed", why)
        order[#order + 1] = "ended"
      end)
      server.multiplayer_peer:close()
      until_(function() return told:is_done() and ended:is_done() end)
      assert.same({ "told", "ended" }, order)
      assert.same({ nil, "closed", "closed by the other side with code 1001" }, { client:wait("peer_packet") })
    end)

    it("ends waits when its peer cannot be connected", function()
      local listener = assert(raw.listen())
      local port = listener.port
      listener:close()
      local api = ws.MultiplayerAPI.new()
      api.multiplayer_peer = session.client(port)
      assert.is_true(api:wait("connection_failed", 5))
      api.multiplayer_peer = session.client(port)
      local value, what, why = api:wait("connected_to_server", 5)
      assert.is_nil(value)
      assert.equal("closed", what)
      assert.matches("refused", why)
    end)

    it("is let go when nobody holds it, and its peer with it", function()
      local gone = setmetatable({}, { __mode = "v" })
      do
        local server = apis()
        gone.api = server
      end
      ws.poll()
      collectgarbage()
      collectgarbage()
      assert.is_nil(gone.api)
    end)

    it("raises for signals that there are not", function()
      local api = ws.MultiplayerAPI.new()
      assert.matches("bad argument #1 to 'wait' %(there is no signal 'joined'%)", raised(api.wait, api, "joined"))
    end)

    it("has the protocol of cqueues", function()
      local server = apis()
      assert.is_number(server:pollfd() or 0)
      assert.equal("r", server:events())
      assert.is_number(server:timeout())
      local offline = ws.MultiplayerAPI.new()
      assert.is_nil(offline:pollfd())
      assert.is_nil(offline:timeout())
      assert.is_false(offline:is_active())
    end)
  end)

  describe("ws.poll and ws.update", function()
    it("poll all objects of the program", function()
      local server = session.server()
      local clients = {}
      for i = 1, 5 do clients[i] = session.client(server:get_bound_port()) end
      until_(function()
        for _, client in ipairs(clients) do
          if not session.is_connected(client) then return false end
        end
        return #server:get_peers() == 5
      end)
    end)

    it("wait for all of them at once, and wake for any", function()
      local server, client = session.pair()
      local other = session.server()
      until_(function()
        local start = socket.gettime()
        ws.poll(0.02)
        return socket.gettime() - start > 0.015
      end)
      client:put_packet("wakes")
      local start = socket.gettime()
      until_(function()
        ws.poll(5)
        return server:get_available_packet_count() > 0
      end)
      assert.is_true(socket.gettime() - start < 2)
      session.client(other:get_bound_port())
      until_(function()
        ws.poll(5)
        return #other:get_peers() == 1
      end)
      assert.is_true(socket.gettime() - start < 4)
    end)

    it("do hardly anything while nothing happens", function()
      local server = session.server()
      for _ = 1, 10 do session.join(server) end
      ws.poll(0.05)
      local polls, cpu, start = 0, os.clock(), socket.gettime()
      repeat
        ws.poll(5)
        polls = polls + 1
      until socket.gettime() - start > 0.6
      assert.is_true(polls <= 5, polls .. " polls")
      assert.is_true(os.clock() - cpu < 0.05)
    end)

    it("do not wait without a time-out", function()
      session.server()
      local start = socket.gettime()
      for _ = 1, 10 do
        ws.poll()
        ws.update()
      end
      assert.is_true(socket.gettime() - start < 1)
    end)

    it("poll everybody although a handler fails, and tell each error", function()
      local servers, told = {}, {}
      for i = 1, 3 do
        servers[i] = session.server()
        servers[i].peer_connected:connect(function() error("server " .. i, 0) end)
        session.client(servers[i]:get_bound_port())
      end
      for _ = 1, 3 do told[raised_by_poll():match("^server %d")] = true end
      assert.same({ ["server 1"] = true, ["server 2"] = true, ["server 3"] = true }, told)
    end)

    it("deliver what is due after an error, also when the peer has ended", function()
      local server, client, id = session.pair()
      local told = false
      client.peer_disconnected:connect(function() error("first") end)
      client.peer_disconnected:connect(function() told = true end)
      server:disconnect_peer(id)
      assert.matches("first", raised_by_poll())
      until_(function() return told end)
    end)

    it("leave no descriptor with objects that are closed, though somebody holds them", function()
      local system = require "wsmultiplayer_system"
      local server = session.server()
      local held = {}
      local function rounds(count)
        for i = 1, count do
          held[i] = session.client(server:get_bound_port())
          until_(function() return session.is_connected(held[i]) end)
          held[i]:close()
          until_(function() return #server:get_peers() == 0 end)
        end
      end
      rounds(1)
      local before = system.descriptors()
      rounds(10)
      assert.equal(before, system.descriptors())
    end)

    it("let go of objects that nobody holds", function()
      local is_gone
      do
        local server = ws.WebSocketMultiplayerPeer.new()
        server:create_server(0, "127.0.0.1")
        is_gone = setmetatable({ server }, { __mode = "v" })
      end
      ws.poll()
      collectgarbage()
      collectgarbage()
      assert.is_nil(is_gone[1])
    end)

    it("raise for bad time-outs", function()
      assert.matches("bad argument #1 to 'poll' %(number expected, got string%)", raised(ws.poll, "1"))
      assert.matches("bad argument #1 to 'poll' %(must not be negative%)", raised(ws.poll, -1))
    end)

    it("may be called inside a task and inside a handler", function()
      local server = session.server()
      server.peer_connected:connect(function() ws.poll() end)
      local task = ws.spawn(function()
        for _ = 1, 3 do
          ws.poll()
          ws.sleep(0)
        end
      end)
      session.join(server)
      until_(is_done(task))
    end)
  end)

  describe("ws.run", function()
    it("returns what the function returned", function()
      assert.same({ 1, nil, "x" }, { ws.run(function(...)
        ws.sleep(0.01)
        return ...
      end, 1, nil, "x") })
    end)

    it("raises the function's error with its traceback", function()
      local err = raised(ws.run, function()
        ws.sleep(0)
        error("in run")
      end)
      assert.matches("in run", err)
      assert.matches("stack traceback:", err)
      err = raised(ws.run, function() error("at once") end)
      assert.matches("at once", err)
    end)

    it("raises the error of any task meanwhile", function()
      assert.matches("of another", raised(ws.run, function()
        ws.spawn(function()
          ws.sleep(0)
          error("of another")
        end)
        ws.sleep(0.1)
      end))
    end)

    it("without a function goes on until nothing is alive", function()
      local server = session.server()
      local steps = {}
      ws.spawn(function()
        ws.sleep(0.01)
        steps[1] = true
        server:close()
      end)
      ws.spawn(function()
        ws.sleep(0.03)
        steps[2] = true
      end)
      ws.run()
      assert.same({ true, true }, steps)
    end)

    it("ends by ws.stop, from a task and from a handler", function()
      local server = session.server()
      server.peer_connected:connect(function() ws.stop() end)
      session.client(server:get_bound_port())
      assert.is_nil(ws.run(function() server:receive() end))
      assert.is_nil(ws.run(function()
        ws.stop()
        server:receive()
      end))
    end)

    it("raises where every task waits for ever", function()
      local a, b
      assert.matches("can no longer happen", raised(ws.run, function()
        a = ws.spawn(function()
          ws.sleep(0)
          b:wait()
        end)
        b = ws.spawn(function() a:wait() end)
        b:wait()
      end))
    end)

    it("raises in a task, and for what is no function", function()
      assert.matches("ws.run is for the main program", raised(ws.run, function() ws.run() end))
      assert.matches("bad argument #1 to 'run' %(function expected, got number%)", raised(ws.run, 1))
    end)

    it("starves nobody while one connection is flooded", function()
      local server, client = session.pair()
      local ticks, packets = 0, 0
      ws.run(function()
        local ticking = ws.spawn(function()
          while true do
            ws.sleep(0.001)
            ticks = ticks + 1
          end
        end)
        local reading = ws.spawn(function()
          while server:receive() do packets = packets + 1 end
        end)
        local deadline = socket.gettime() + 0.2
        repeat
          for _ = 1, 100 do client:put_packet("flood") end
          ws.sleep(0)
        until socket.gettime() > deadline
        ticking:cancel()
        reading:cancel()
      end)
      assert.is_true(ticks >= 10, ticks .. " ticks")
      assert.is_true(packets >= 1000, packets .. " packets")
    end)
  end)

  if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") then
    it("may wait inside pcall", function()
      local result
      local task = ws.spawn(function()
        result = { pcall(function()
          ws.sleep(0.01)
          error("caught", 0)
        end) }
      end)
      until_(is_done(task))
      assert.same({ false, "caught" }, result)
    end)
  else
    it("cannot wait inside pcall on Lua 5.1, and say so", function()
      local ok, err
      ws.spawn(function()
        ok, err = pcall(ws.sleep, 0)
      end)
      assert.is_false(ok)
      assert.matches("attempt to yield across", err)
    end)
  end
end)
