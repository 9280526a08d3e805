local certificates = require "support.certificates"
local child = require "support.child"
local process = require "support.process"
local programs = require "support.programs"
local session = require "support.session"
local system = require "wsmultiplayer_system"
local websocket = require "support.websocket"

local here = debug.getinfo(1, "S").source:match "^@(.*)faults_system_spec%.lua$"
local sanitized = (os.getenv "LD_PRELOAD" or ""):find "asan" ~= nil

-- Lines that programs of the specs begin with.
local PRELUDE = ([[
  package.path = %q .. package.path
  local ws = require "wsmultiplayer"
  local system = require "wsmultiplayer_system"
  local session = require "support.session"
  local raw = require "support.raw"
  local wait = require "support.wait"
  local websocket = require "support.websocket"
  local socket = require "socket"
]]):format(here .. "?.lua;")

-- Runs the program; it must end with this status, and write "fine".
local function succeeds(program, environment, status)
  local output = child.run(PRELUDE .. program, environment)
  if not output:find("fine.*%s+status " .. (status or 0) .. "%s*$") then error("it wrote:\n" .. output, 2) end
end

-- The same with our library loaded first, which these settings are for.
local function succeeds_preloaded(settings, program)
  local environment = programs.preloading(settings)
  if not environment then return pending "no library to preload" end
  succeeds(program, environment)
end

local function has_proc() return system.descriptors() ~= nil end

local function clean_up()
  session.close()
  websocket.close()
  process.close()
  certificates.remove_files()
end

describe("without free descriptors,", function()
  after_each(clean_up)

  it("a server keeps what it has, and takes in who waits as soon as there are some again", function()
    if not has_proc() then return pending "no /proc" end
    succeeds [[
      local server, port = session.server { handshake_timeout = 20 }
      local first = raw.join(port, { server })
      local late = {}
      for i = 1, 10 do
        late[i] = assert(raw.connect(port))
        late[i]:send(raw.request())
      end
      system.take_descriptors(4)
      local taken = os.clock()
      wait.quiet({ server }, 0.15)
      assert(os.clock() - taken < 0.1, "it is busy waiting")
      assert(#server:get_peers() <= 5)
      for _ = 1, 3 do
        first:send_binary "still here"
        assert(session.receive(server, 1, { server })[1] == "still here")
      end
      system.release_descriptors()
      wait.until_(function() return #server:get_peers() == 11 end, { server })
      for i = 1, 10 do assert(late[i]:read_head { server }) end
      print "fine"
    ]]
  end)

  it("whatever needs one fails with an error and a text, and works later", function()
    if not has_proc() then return pending "no /proc" end
    local files = {}
    for i, name in ipairs { "good_key", "good", "root" } do files[i] = certificates.path(certificates[name]) end
    local program = ([[
      local server, port = session.server()
      local tls = ws.TLSOptions.server(%q, %q)
      local client_tls = ws.TLSOptions.client(%q)
      local secure = ws.WebSocketMultiplayerPeer.new()
      assert(secure:create_server(0, "127.0.0.1", tls) == ws.OK) -- what is made once and kept
      local secure_port = secure:get_bound_port()
      local function attempts()
        local one, two, three, four = ws.WebSocketMultiplayerPeer.new(), ws.WebSocketMultiplayerPeer.new(),
          ws.WebSocketServer.new(), ws.WebSocketPeer.new()
        local five = ws.WebSocketMultiplayerPeer.new()
        two.handshake_timeout, five.handshake_timeout = 0.2, 0.2
        return {
          { one, "close", one:create_server(0, "127.0.0.1") },
          { three, "stop", three:listen(0, "127.0.0.1", tls) },
          { two, "close", two:create_client("ws://localhost:" .. port) },
          { four, "close", four:connect_to_url("wss://localhost:" .. secure_port, client_tls) },
          { five, "close", five:create_client("ws://127.0.0.1:" .. port) },
        }
      end
      local failed, base = 0, system.descriptors()
      local function rest()
        system.release_descriptors()
        -- Threads that look names up may have some for a moment.
        wait.until_(function() return system.descriptors() == base end, {}, 5, "descriptors to come back")
      end
      for free = 0, 12 do
        rest()
        system.take_descriptors(free)
        for _, attempt in ipairs(attempts()) do
          local object, close, err, why = attempt[1], attempt[2], attempt[3], attempt[4]
          if err ~= ws.OK then
            failed = failed + 1
            assert(type(why) == "string" and #why > 5)
            assert(object:get_last_error() == why)
          else
            -- The servers have none to accept with, either: WebSocketPeer waits for ever, the others not.
            local has_limit = tostring(object):find "Multiplayer"
            local deadline = ws.clock() + (has_limit and 2 or 0.1)
            while tostring(object):find "connecting" and ws.clock() < deadline do
              object:poll(0.002)
              server:poll()
              secure:poll()
            end
            assert(not has_limit or ws.clock() < deadline, "it hangs")
          end
          assert(not (why or ""):find "private key" or why:find "Too many open files", why)
          object[close](object)
        end
        collectgarbage()
        collectgarbage()
        wait.until_(function() return #server:get_peers() == 0 and #secure:get_peers() == 0 end, { server, secure })
      end
      assert(failed > 10, failed)
      rest()
      for _, attempt in ipairs(attempts()) do
        assert(attempt[3] == ws.OK, attempt[4])
        local object, close = attempt[1], attempt[2]
        object[close](object)
      end
      print "fine"
    ]]):format(files[1], files[2], files[3])
    succeeds(program)
  end)
end)

describe("a process that forks", function()
  after_each(clean_up)

  -- Connections of every class in the parent; the child does what it is told, and the parent goes on.
  local function forks(what, in_child)
    it("keeps its connections when the child " .. what, function()
      succeeds(([[
        local server, port = session.server()
        local listener = websocket.server()
        local client, id = session.join(server)
        local secure = websocket.join(listener)
        local by_hand = raw.join(port, { server })
        local taken = websocket.connect(listener:get_local_port())
        local child = system.fork()
        if child == 0 then
          %s
          system.leave(0)
        end
        assert(system.wait(child) == 0)
        for round = 1, 3 do
          by_hand:send_binary "from by hand"
          client:put_packet "from a client"
          assert(#session.receive(server, 2, { server, client }) == 2)
          server:set_target_peer(0)
          server:put_packet "to all"
          assert(session.receive(client, 1, { server, client })[1] == "to all")
          assert(by_hand:read_binary { server } == "to all")
        end
        assert(session.is_connected(client) and #server:get_peers() == 2)
        websocket.reach(taken, websocket.OPEN, { listener, taken })
        assert(secure:get_ready_state() == websocket.OPEN)
        print "fine"
      ]]):format(in_child), { ASAN_OPTIONS = "detect_leaks=0" }) -- the child leaves alone what is the parent's
    end)
  end

  forks("exits at once", "")
  forks("closes everything", [[
    for _, peer in ipairs { server, client } do peer:close() end
    listener:stop()
    secure:close()
    taken:close()
    server, client, listener, secure, taken = nil, nil, nil, nil, nil
    collectgarbage()
    collectgarbage()
  ]])
  forks("ends its Lua state", [[
    session.close = nil
    if _VERSION ~= "Lua 5.1" then os.exit(0, true) end
    collectgarbage()
  ]])
  forks("drops everything without closing", [[
    server, client, listener, secure, taken, session, websocket = nil, nil, nil, nil, nil, nil, nil
    package.loaded["support.session"], package.loaded["support.websocket"] = nil, nil
    collectgarbage()
    collectgarbage()
  ]])
  forks("makes peers of its own", [[
    local own, own_port = session.server()
    local friend = session.join(own)
    own:set_target_peer(0)
    own:put_packet "hello"
    assert(session.receive(friend, 1, { own, friend })[1] == "hello")
  ]])
end)

describe("SIGPIPE", function()
  it("does not end a program whose peers are gone, TLS or not", function()
    succeeds(([[
      local tls = ws.TLSOptions.server(%q, %q)
      system.default_signal(system.SIGPIPE)
      for _, secure in ipairs { false, true } do
        local server = session.peer()
        assert(server:create_server(0, "127.0.0.1", secure and tls or nil) == ws.OK)
        for round = 1, 5 do
          local client = session.peer()
          assert(client:create_client((secure and "wss://127.0.0.1:" or "ws://127.0.0.1:") .. server:get_bound_port(),
            secure and ws.TLSOptions.client_unsafe() or nil) == ws.OK)
          wait.until_(function()
            return session.is_connected(client) and #server:get_peers() > 0
          end, { server, client })
          server:set_target_peer(0)
          client:disconnect_peer(1, true)
          for _ = 1, 20 do
            server:put_packet(("x"):rep(30000))
            server:flush()
          end
          wait.until_(function() return #server:get_peers() == 0 end, { server })
        end
      end
      print "fine"
    ]]):format(certificates.good_key, certificates.good))
  end)
end)

describe("the time of day", function()
  after_each(clean_up)

  it("may jump about by years: deadlines, heartbeats and waiting go by another clock", function()
    succeeds_preloaded({ FAKE_TIME_OF_DAY = "1" }, [[
      local least, most = math.huge, 0
      for _ = 1, 10 do
        least, most = math.min(least, os.time()), math.max(most, os.time())
      end
      assert(most - least > 1e7, "the clock does not jump")
      local function exactly(seconds, started, what)
        local took = ws.clock() - started
        assert(took > seconds - 0.01 and took < seconds + 0.25, ("%s took %.3f s"):format(what, took))
      end
      local function reach(objects, done)
        local deadline = ws.clock() + 10
        repeat
          for i, object in ipairs(objects) do object:poll(i == #objects and 0.002 or 0) end
          if ws.clock() > deadline then error("hangs", 2) end
        until done()
      end
      local function ended(connection)
        return function() return connection:pump().ended end
      end
      local server, port = session.server { handshake_timeout = 0.3, heartbeat_interval = 0.1 }
      local started = ws.clock()
      local silent = raw.connect(port)
      reach({ server }, ended(silent))
      exactly(0.3, started, "the handshake")

      started = ws.clock()
      server:poll(0.2)
      exactly(0.2, started, "poll")

      local client = session.client(port)
      reach({ server, client }, function() return session.is_connected(client) and #server:get_peers() == 1 end)
      reach({ server, client }, function() return server:get_peer_rtt(server:get_peers()[1]) end)
      local rtt = server:get_peer_rtt(server:get_peers()[1])
      assert(rtt >= 0 and rtt < 1, rtt)
      started = ws.clock()
      reach({ server, client }, function() return ws.clock() - started > 0.5 end)
      assert(#server:get_peers() == 1, "an idle client was lost")

      local frozen = raw.connect(port)
      frozen:send(raw.request())
      reach({ server, client }, function() return #server:get_peers() == 2 end)
      started = ws.clock()
      reach({ server, client }, function() return #server:get_peers() == 1 end)
      assert(ws.clock() - started < 0.5, "a dead link was seen late")

      local listener = raw.listen()
      local lonely = session.peer { handshake_timeout = 0.3 }
      started = ws.clock()
      assert(lonely:create_client("ws://127.0.0.1:" .. listener.port) == ws.OK)
      reach({ lonely }, function() return session.is_disconnected(lonely) end)
      exactly(0.3, started, "a client's handshake")

      started = ws.clock()
      ws.sleep(0.2)
      exactly(0.2, started, "sleep")
      print "fine"
    ]])
  end)
end)

describe("a system that lets nobody be accepted", function()
  after_each(clean_up)

  it("neither hangs the server nor keeps it busy", function()
    succeeds_preloaded({ FAKE_ACCEPT = "forbidden" }, [[
      local server, port = session.server()
      local client = raw.connect(port)
      local started, used = ws.clock(), os.clock()
      for _ = 1, 10 do server:poll(0.1) end
      local took, busy = ws.clock() - started, os.clock() - used
      assert(took > 0.5 and took < 3, took)
      assert(busy < took / 2, busy)
      assert(not client:pump().ended)
      print "fine"
    ]])
  end)
end)

describe("ids and masks", function()
  it("come from the system's generator", function()
    succeeds_preloaded({ FAKE_ENTROPY = "90" }, [[
      local server, port = session.server()
      local client = raw.join(port, { server })
      assert(client.id == 0x5a5a5a5a, client.id)
      local own, connection = session.by_hand()
      connection:pump()
      own:put_packet "masked"
      wait.until_(function() return #connection.inbox > 0 end, { own })
      local bytes = connection:unread()
      assert(bytes:sub(3, 6) == "\90\90\90\90", "the mask is something else")
      assert(bytes:byte(7) == ("m"):byte() + 90 - 2 * 0x48, bytes:byte(7)) -- "m" xor 90
      print "fine"
    ]])
  end)

  it("are not made up when it fails", function()
    succeeds_preloaded({ FAKE_ENTROPY = "none" }, [[
      local server, port = session.server()
      local client = raw.connect(port)
      client:send(raw.request())
      client:read_end { server }
      assert(#server:get_peers() == 0)
      local listener = raw.listen()
      local own = session.client(listener.port)
      wait.until_(function() return session.is_disconnected(own) end, { own })
      assert(own:get_last_error():find "random", own:get_last_error())
      local ok, text = pcall(own.generate_unique_id, own)
      assert(not ok and text:find "random")
      print "fine"
    ]])
  end)
end)

describe("a thousand connects and disconnects", function()
  after_each(clean_up)

  -- `prepare` is the beginning of a program that makes round(count), which connects and disconnects as many. What is
  -- made once and kept has to come to an end: of six times as many, one time nothing may grow. A leak of 200 bytes a
  -- connection would show.
  local function grow_nothing(name, rounds, count, prepare, environment)
    it("leave memory and descriptors as they were: " .. name, function()
      if not has_proc() then return pending "no /proc" end
      succeeds(prepare .. ([[
        local rounds, count, bound = %d, %d, %f
        local function rest()
          if rawget(_G, "jit") then jit.flush() end -- compiled code holds objects
          collectgarbage()
          collectgarbage()
          return system.memory(), system.descriptors()
        end
        round(count)
        local memory, descriptors = rest()
        for time = 1, 6 do
          for _ = 1, rounds do round(count) end
          local memory_after, descriptors_after = rest()
          assert(descriptors == descriptors_after, descriptors_after - descriptors)
          local grown = (memory_after - memory) / 1024
          if time > 1 and grown < bound then
            print "fine"
            return
          end
          memory = memory_after
        end
        print "memory grows and grows"
      ]]):format(rounds, count, sanitized and 1e9 or 100), environment)
    end)
  end

  grow_nothing("of clients by hand", 10, 100, [[
    local server, port = session.server()
    local function round(count)
      local clients = {}
      for i = 1, count do
        clients[i] = socket.tcp()
        clients[i]:settimeout(0)
        clients[i]:connect("127.0.0.1", port)
        clients[i]:send(raw.request())
      end
      wait.until_(function() return #server:get_peers() == count end, { server })
      for _, client in ipairs(clients) do client:close() end
      wait.until_(function() return #server:get_peers() == 0 end, { server })
    end
  ]])

  grow_nothing("of our own", 10, 50, [[
    local function reach(polled, done)
      local deadline = ws.clock() + 10
      while not done() do
        for i, object in ipairs(polled) do object:poll(i == 1 and 0.001 or 0) end
        assert(ws.clock() < deadline)
      end
    end
    local server, port = session.server()
    local listener, listening = websocket.server()
    local function round(count)
      local polled, peers, sockets, taken = { server, listener }, {}, {}, {}
      for i = 1, count / 2 do
        peers[i], sockets[i] = ws.WebSocketMultiplayerPeer.new(), ws.WebSocketPeer.new()
        assert(peers[i]:create_client("ws://127.0.0.1:" .. port) == ws.OK)
        assert(sockets[i]:connect_to_url("ws://127.0.0.1:" .. listening) == ws.OK)
        polled[#polled + 1] = peers[i]
        polled[#polled + 1] = sockets[i]
      end
      reach(polled, function()
        taken[#taken + 1] = listener:take_connection()
        return #server:get_peers() == count / 2 and #taken == count / 2
      end)
      server:set_target_peer(0)
      server:put_packet(("x"):rep(3000))
      reach(polled, function()
        for i = 1, count / 2 do
          if peers[i]:get_available_packet_count() == 0 then return false end
        end
        return true
      end)
      for i = 1, count / 2 do
        if i % 2 == 0 then peers[i]:close() else peers[i]:disconnect_peer(1) end
        sockets[i]:close()
      end
      reach(polled, function()
        for i = 1, count / 2 do
          if taken[i]:get_ready_state() ~= websocket.CLOSED then return false end
        end
        return #server:get_peers() == 0
      end)
      for _, peer in ipairs(peers) do peer:close() end
    end
  ]])

  -- Lua has little to do with what TLS needs.
  local over_tls = _VERSION == "Lua 5.4" and grow_nothing or function() end
  over_tls("over TLS", 10, 20, ([[
    local server = session.peer()
    assert(server:create_server(0, "127.0.0.1", ws.TLSOptions.server(%q, %q)) == ws.OK)
    local url, trusting = "wss://localhost:" .. server:get_bound_port(), ws.TLSOptions.client(%q)
    local function round(count)
      local polled, peers = { server }, {}
      for i = 1, count do
        peers[i] = ws.WebSocketMultiplayerPeer.new()
        assert(peers[i]:create_client(url, trusting) == ws.OK)
        polled[i + 1] = peers[i]
      end
      wait.until_(function() return #server:get_peers() == count end, polled)
      for _, peer in ipairs(peers) do peer:close() end
      wait.until_(function() return #server:get_peers() == 0 end, { server })
    end
  ]]):format(certificates.good_key, certificates.good, certificates.root), { MALLOC_ARENA_MAX = "1" })

  grow_nothing("that fail", 20, 50, [[
    local closed = raw.free_port()
    local server, port = session.server()
    server.on_request = function() return false end
    local function round(count)
      for i = 1, count do
        local peer = ws.WebSocketMultiplayerPeer.new()
        assert(peer:create_client("ws://127.0.0.1:" .. (i % 2 == 0 and closed or port)) == ws.OK)
        wait.until_(function() return session.is_disconnected(peer) end, { server, peer })
      end
    end
  ]])
end)

describe("a Lua state that ends", function()
  -- With living connections of every class; `ending` does it, in a handler or not.
  local function ends(name, ending, status)
    it(name, function()
      succeeds(([[
        local tls = ws.TLSOptions.server(%q, %q)
        local server, port = session.server()
        local client, id = session.join(server)
        local by_hand = raw.join(port, { server })
        local listener = websocket.server()
        local one, other = websocket.join(listener)
        local pending = raw.connect(port)
        pending:send "GET"
        local secure = session.peer()
        assert(secure:create_server(0, "127.0.0.1", tls) == ws.OK)
        local guest = session.peer()
        guest:create_client("wss://127.0.0.1:" .. secure:get_bound_port(), ws.TLSOptions.client_unsafe())
        wait.until_(function() return #secure:get_peers() == 1 end, { secure, guest })
        local looking = session.peer()
        looking:create_client "wss://no-such-host.invalid"
        client:put_packet "unread"
        wait.until_(function() return server:get_available_packet_count() == 1 end, { server })
        local exit = os.exit
        local function finish()
          print "fine"
          io.stdout:flush()
          exit(%d, true)
        end
        %s
      ]]):format(certificates.good_key, certificates.good, status or 0, ending),
        -- A thread may have a look-up in hand.
        { ASAN_OPTIONS = "detect_leaks=0" }, status)
    end)
  end

  ends("by the end of its program", [[print "fine"]])
  ends("by os.exit(3, true)", "finish()", 3)
  ends("in a handler of a signal", [[
    server.peer_disconnected:connect(finish)
    by_hand:close()
    while true do server:poll(0.01) end
  ]], 4)
  ends("in on_request", [[
    listener.on_request = finish
    websocket.connect(listener:get_local_port()):poll()
    while true do listener:poll(0.01) websocket.connect(listener:get_local_port()):poll() end
  ]], 5)
  ends("in a client's handler", [[
    client.peer_disconnected:connect(finish)
    server:disconnect_peer(id)
    while true do server:poll() client:poll(0.01) end
  ]], 6)
  ends("in a task", [[
    ws.spawn(function()
      ws.sleep(0.01)
      finish()
    end)
    while true do ws.poll(0.01) end
  ]], 7)
  ends("by an error that nobody catches", [[
    print "fine"
    server.peer_disconnected:connect(function() error "of a handler" end)
    by_hand:close()
    while true do server:poll(0.01) end
  ]], 1)
end)

describe("several Lua states in one process", function()
  after_each(clean_up)

  it("work at the same time, TLS and names included, and end while others go on", function()
    local host = programs.path "host"
    if not host then return pending "no library of this Lua was found for a program of ours" end
    local script = os.tmpname()
    local file = assert(io.open(script, "w"))
    file:write(("package.path, package.cpath = %q, %q\n"):format(package.path, package.cpath), PRELUDE, ([[
      local number = ...
      local tls, trusting = ws.TLSOptions.server(%q, %q), ws.TLSOptions.client(%q)
      for round = 1, 6 do
        local server = session.peer { heartbeat_interval = 0.05 }
        local secure = (round + number) %% 2 == 0
        assert(server:create_server(0, "127.0.0.1", secure and tls or nil) == ws.OK)
        local clients, polled = {}, { server }
        for i = 1, 5 do
          clients[i] = session.peer()
          assert(clients[i]:create_client((secure and "wss://localhost:" or "ws://localhost:") ..
            server:get_bound_port(), secure and trusting or nil) == ws.OK)
          polled[i + 1] = clients[i]
        end
        wait.until_(function()
          for _, client in ipairs(clients) do
            if session.is_disconnected(client) then error(client:get_last_error()) end
          end
          return #server:get_peers() == 5
        end, polled)
        for i = 1, 20 do
          server:set_target_peer(0)
          assert(server:put_packet(("%%d %%d "):format(number, i):rep(100)) == ws.OK)
        end
        for _, client in ipairs(clients) do
          local packets = session.receive(client, 20, polled)
          for i, packet in ipairs(packets) do assert(packet == ("%%d %%d "):format(number, i):rep(100)) end
        end
        if round %% 2 == 0 then session.close() end
      end
    ]]):format(certificates.good_key, certificates.good, certificates.root))
    file:close()
    local running = process.start({ host, script, "4" }, sanitized and { ASAN_OPTIONS = "detect_leaks=0" } or nil)
    local output, status = running:finish({}, 60)
    os.remove(script)
    assert.equals(0, status, output)
    assert.equals("", output)
  end)
end)
