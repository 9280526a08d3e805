local certificates = require "support.certificates"
local frames = require "support.frames"
local process = require "support.process"
local raw = require "support.raw"
local session = require "support.session"
local system = require "wsmultiplayer_system"
local tls = require "support.tls"
local wait = require "support.wait"
local websocket = require "support.websocket"
local ws = require "wsmultiplayer"

local here = debug.getinfo(1, "S").source:match "^@(.*)faults_network_spec%.lua$"

local function clean_up()
  session.close()
  websocket.close()
  process.close()
  certificates.remove_files()
end

-- ---- resets

describe("a server whose client resets the connection", function()
  local server, port, other

  before_each(function()
    server, port = session.server()
    other = raw.join(port, { server })
  end)
  after_each(clean_up)

  -- Each brings a connection into a state; its id if it has joined.
  local STATES = {
    { "before it was accepted", function() return raw.connect(port) end },
    { "after it was accepted", function()
      local connection = raw.connect(port)
      server:poll(0.01)
      return connection
    end },
    { "in the middle of its request", function()
      local connection = raw.connect(port):send "GET / HTTP/1.1\r\nHost"
      server:poll(0.01)
      return connection
    end },
    { "behind its request, unread", function() return raw.connect(port):send(raw.request()) end },
    { "with its request being judged", function()
      local connection = raw.connect(port):send(raw.request())
      server.on_request = function()
        connection:reset()
        return true
      end
      wait.quiet({ server }, 0.02)
      return connection
    end },
    { "after a refused request", function()
      local connection = raw.connect(port):send "GET / HTTP/1.0\r\n\r\n"
      server:poll(0.01)
      return connection
    end },
    { "when it is in", function() return raw.join(port, { server }) end },
    { "in the handler that announces it", function()
      local connection = raw.connect(port):send(raw.request())
      server.peer_connected:connect(function() connection:reset() end, ws.CONNECT_ONE_SHOT)
      wait.quiet({ server }, 0.02)
      return connection
    end },
    { "in the middle of a frame", function()
      local connection = raw.join(port, { server })
      connection:send(connection:frame_bytes({ opcode = frames.BINARY, payload = ("x"):rep(1000) }):sub(1, 500))
      server:poll(0.01)
      return connection
    end },
    { "in the middle of a fragmented message", function()
      local connection = raw.join(port, { server })
      connection:send_frame { opcode = frames.TEXT, fin = false, payload = "half" }
      server:poll(0.01)
      return connection
    end },
    { "while it is not read, for its unread packets", function()
      server.max_queued_packets = 2
      local connection = raw.join(port, { server })
      for _ = 1, 10 do connection:send_binary "unread" end
      wait.until_(function() return server:get_available_packet_count() >= 2 end, { server })
      server.max_queued_packets = 2048
      return connection
    end },
    { "with much for it under way", function()
      local connection = raw.join(port, { server })
      server:set_target_peer(connection.id)
      for _ = 1, 300 do
        if server:put_packet(("x"):rep(60000)) ~= ws.OK then break end
      end
      server:poll()
      return connection
    end },
    { "after our close frame", function()
      local connection = raw.join(port, { server })
      server:disconnect_peer(connection.id)
      server:poll()
      return connection
    end },
    { "after its close frame, unread", function()
      local connection = raw.join(port, { server })
      connection:send_close(1000)
      return connection
    end },
    { "after its close frame was answered", function()
      local connection = raw.join(port, { server })
      connection:send_close(1000)
      server:poll(0.01)
      return connection
    end },
    { "after it was thrown out", function()
      local connection = raw.join(port, { server })
      server:disconnect_peer(connection.id, true)
      return connection
    end },
  }
  for _, row in ipairs(STATES) do
    it(row[1] .. " forgets it, and goes on", function()
      local before = system.descriptors()
      local connection = row[2]()
      connection:reset()
      wait.until_(function()
        while server:get_available_packet_count() > 0 do server:get_packet() end
        return #server:get_peers() == 1
      end, { server })
      server.on_request = nil
      other:send_binary "still here"
      wait.until_(function()
        local packet = server:get_packet()
        return packet == "still here"
      end, { server })
      assert.is_truthy(raw.join(port, { server }):close() == nil)
      wait.until_(function() return #server:get_peers() == 1 and system.descriptors() == before end, { server })
    end)
  end
end)

describe("a server that is behind with a client", function()
  after_each(clean_up)

  -- Once its loop over those that close had no end: the connection had gone while it caught up.
  it("survives the reset that it meets when it catches up", function()
    local server, port = session.server { inbound_buffer_size = 1000 }
    local events = session.record(server)
    local connection = raw.join(port, { server })
    for _ = 1, 3 do connection:send_binary(("x"):rep(400)) end
    wait.until_(function() return server:get_available_packet_count() == 2 end, { server })
    connection:reset()
    wait.quiet({ server }, 0.05)
    wait.until_(function()
      session.drain(server)
      return events[2]
    end, { server })
    wait.quiet({ server }, 3.3) -- more than the closing of a connection may take
    assert.equal(1, server:timeout())
  end)
end)

describe("a client whose server resets the connection", function()
  after_each(clean_up)

  local STATES = {
    { "before its request", function(listener, client) return listener:accept { client } end },
    { "after its request", function(listener, client) return listener:accept_request { client } end },
    { "in the middle of the answer", function(listener, client)
      return listener:accept_request({ client }):send "HTTP/1.1 101 Swit"
    end },
    { "before the id", function(listener, client) return listener:welcome({ client }, false) end },
    { "behind the id, unread", function(listener, client) return listener:welcome { client } end },
    { "in the middle of a message", function(listener, client)
      local connection = listener:welcome { client }
      wait.until_(function() return session.is_connected(client) end, { client })
      connection:send_frame { opcode = frames.BINARY, fin = false, payload = "half" }
      client:poll(0.01)
      return connection
    end },
    { "with much for it under way", function(listener, client)
      local connection = listener:welcome { client }
      wait.until_(function() return session.is_connected(client) end, { client })
      for _ = 1, 300 do
        if client:put_packet(("x"):rep(60000)) ~= ws.OK then break end
      end
      return connection
    end },
    { "after its close frame", function(listener, client)
      local connection = listener:welcome { client }
      wait.until_(function() return session.is_connected(client) end, { client })
      client:disconnect_peer(1)
      client:poll()
      return connection
    end },
    { "after the server's close frame", function(listener, client)
      local connection = listener:welcome { client }
      wait.until_(function() return session.is_connected(client) end, { client })
      connection:send_close(1000)
      return connection
    end },
  }
  for _, row in ipairs(STATES) do
    it(row[1] .. " notices, and can be used again", function()
      local listener = assert(raw.listen())
      local client = session.client(listener.port)
      row[2](listener, client):reset()
      wait.until_(function() return session.is_disconnected(client) end, { client }, 3)
      assert.is_true(#client:get_last_error() > 5)
      assert.equals(ws.OK, (client:create_client("ws://127.0.0.1:" .. listener.port)))
      listener:welcome { client }
      wait.until_(function() return session.is_connected(client) end, { client })
    end)
  end
end)

describe("a reset over TLS", function()
  after_each(clean_up)

  it("at any point of the handshake leaves the server as it was", function()
    local server = tls.start_server "good"
    local hello = tls.client_hello()
    for size = 0, #hello, 12 do
      local connection = raw.connect(server:get_bound_port())
      connection:send(hello:sub(1, size))
      if size % 24 == 0 then server:poll(0.002) end
      connection:reset()
    end
    tls.join(server, tls.trusting(), "localhost")
    assert.equals(1, #server:get_peers())
  end)
end)

-- ---- slowness

describe("a peer that reads nothing", function()
  after_each(clean_up)

  it("costs a server no more than its limits, and others nothing", function()
    local server, port = session.server()
    local stuck, other = raw.join(port, { server }), raw.join(port, { server })
    system.small_buffer(stuck.socket:getfd())
    local id = stuck.id
    local refused, heard = 0, 0
    for i = 1, 400 do
      server:set_target_peer(id)
      if server:put_packet(("x"):rep(20000)) == ws.ERR_OUT_OF_MEMORY then refused = refused + 1 end
      server:set_target_peer(other.id)
      assert.equals(ws.OK, (server:put_packet("packet " .. i)))
      server:poll()
      if other:take_frame() then heard = heard + 1 end
    end
    assert.is_true(refused > 100)
    assert.equals(refused, server:get_dropped_packet_count(id))
    assert.is_true(server:get_peer(id):get_current_outbound_buffered_amount() <= 65535)
    wait.until_(function()
      if other:take_frame() then heard = heard + 1 end
      return heard == 400
    end, { server })
    server.heartbeat_interval = 0.05 -- it does not answer pings either
    wait.until_(function() return server:get_peer(id) == nil end, { server })
  end)

  it("does not hold up a client, whose heartbeat ends it", function()
    local client, connection = session.by_hand { heartbeat_interval = 0.05 }
    system.small_buffer(connection.socket:getfd())
    local err
    repeat err = client:put_packet(("x"):rep(20000)) until err ~= ws.OK
    assert.equals(ws.ERR_OUT_OF_MEMORY, err)
    wait.until_(function() return session.is_disconnected(client) end, { client })
    assert.matches("heartbeat", client:get_last_error())
  end)
end)

describe("a peer that sends and reads one byte at a time", function()
  after_each(clean_up)

  it("gets all through a server, byte by byte, while others are served", function()
    local server, port = session.server()
    local other = raw.join(port, { server })
    local slow = raw.connect(port)
    slow:trickle(raw.request(), { server })
    slow:join({ server }, "")
    slow:trickle(slow:frame_bytes { opcode = frames.BINARY, payload = "slowly but surely" }, { server })
    assert.equals("slowly but surely", session.receive(server, 1, { server })[1])
    system.small_buffer(slow.socket:getfd())
    server:set_target_peer(slow.id)
    assert.equals(ws.OK, (server:put_packet(("y"):rep(3000))))
    local got = {}
    while #got < 3004 do
      local byte = slow.socket:receive(1)
      if byte then got[#got + 1] = byte end
      server:poll()
      if #got % 500 == 0 then
        other:send_binary "quick"
        assert.equals("quick", session.receive(server, 1, { server })[1])
      end
    end
    assert.equals(("y"):rep(3000), table.concat(got):sub(5))
  end)

  it("is too slow for a handshake at one byte a second, as scaled down", function()
    local server, port = session.server { handshake_timeout = 0.2 }
    local slow = raw.connect(port)
    local request, sent = raw.request(), 0
    local started, next_at = wait.now(), 0
    wait.until_(function()
      if wait.now() - started > next_at then
        sent, next_at = sent + 1, next_at + 0.02
        slow:send(request:sub(sent, sent))
      end
      return slow:pump().ended
    end, { server })
    assert.is_true(sent < 30)
  end)

  it("gets all through to a client", function()
    local listener = assert(raw.listen())
    local client = session.client(listener.port)
    local connection = listener:accept_request { client }
    connection:trickle(raw.response(connection.request), { client })
    connection:trickle(connection:frame_bytes { opcode = frames.BINARY, payload = raw.id(77) }, { client })
    wait.until_(function() return session.is_connected(client) end, { client })
    connection:trickle(connection:frame_bytes { opcode = frames.BINARY, payload = "drip" }, { client })
    assert.equals("drip", session.receive(client, 1, { client })[1])
  end)
end)

-- ---- half-open links

-- It is the core that notices: on one Lua.
local describe_once = _VERSION == "Lua 5.4" and describe or function() end

describe_once("a link that goes down without a word", function()
  local namespace = ("wsm%d"):format(math.floor(wait.now() * 1000) % 100000)
  local ip = 'PATH="$PATH:/usr/sbin:/sbin" ip '

  local function run(command)
    local result = os.execute(("unset LD_PRELOAD; { %s\n} >/dev/null 2>&1"):format(command))
    return result == true or result == 0
  end

  -- A network of two machines: this one is 10.213.x.1, the far one 10.213.x.2.
  local net = ("10.213.%d."):format(math.floor(wait.now() * 7) % 250)
  local function make_network()
    local made = run(([[
      IP netns add NS && IP link add NSa type veth peer name NSb && IP link set NSb netns NS &&
      IP addr add NET1/24 dev NSa && IP link set NSa up &&
      IP netns exec NS ip addr add NET2/24 dev NSb && IP netns exec NS ip link set NSb up
    ]]):gsub("IP ", ip):gsub("NS", namespace):gsub("NET", net))
    return made
  end

  local function far(...)
    local own, at = _G.arg, 0
    while own[at - 1] do at = at - 1 end
    local paths = ("package.path, package.cpath = %q, %q"):format(package.path, package.cpath)
    return process.start({ "ip", "netns", "exec", namespace, own[at], "-e", paths, here .. "support/far.lua", ... },
      { PATH = (os.getenv "PATH" or "") .. ":/usr/sbin:/sbin" })
  end

  local function cut() assert(run(ip .. "link set " .. namespace .. "a down")) end

  after_each(function()
    clean_up()
    run(ip .. "netns del " .. namespace)
    run(ip .. "link del " .. namespace .. "a")
  end)

  local function networked(name, body)
    it(name, function()
      if not make_network() then return pending "no network namespaces here (they need root and iproute2)" end
      body()
    end)
  end

  networked("is noticed by a server's heartbeat", function()
    local server = session.peer { heartbeat_interval = 0.2 }
    assert.equals(ws.OK, (server:create_server(0, net .. "1")))
    local events = session.record(server)
    far("join", net .. "1", tostring(server:get_bound_port())):expect("joined", { server })
    assert.equals("connected", session.event(events, 1, { server }).name)
    wait.quiet({ server }, 0.5)
    assert.equals(1, #events)
    cut()
    local started = wait.now()
    local event = session.event(events, 2, { server }, 3)
    assert.is_true(wait.now() - started < 1)
    assert.same({ "disconnected", -1, false }, { event.name, event.code, event.clean })
    assert.matches("heartbeat", server:get_last_error())
  end)

  networked("is noticed by a client's heartbeat", function()
    local port = far("serve", net .. "2"):expect "port (%d+)"
    local client = session.peer { heartbeat_interval = 0.2 }
    assert.equals(ws.OK, (client:create_client(("ws://%s2:%s"):format(net, port))))
    wait.until_(function() return session.is_connected(client) end, { client })
    cut()
    local started = wait.now()
    wait.until_(function() return session.is_disconnected(client) end, { client }, 3)
    assert.is_true(wait.now() - started < 1)
    assert.matches("heartbeat", client:get_last_error())
  end)

  networked("lets a closing handshake end in time, and a connecting client give up", function()
    local port = far("serve", net .. "2"):expect "port (%d+)"
    local client, late = session.peer(), session.peer { handshake_timeout = 0.3 }
    assert.equals(ws.OK, (client:create_client(("ws://%s2:%s"):format(net, port))))
    wait.until_(function() return session.is_connected(client) end, { client })
    cut()
    client:disconnect_peer(1)
    local started = wait.now()
    late:create_client(("ws://%s2:%s"):format(net, port))
    wait.until_(function() return session.is_disconnected(late) end, { client, late }, 2)
    wait.until_(function() return session.is_disconnected(client) end, { client }, 5)
    assert.is_true(wait.now() - started < 4)
  end)
end)
