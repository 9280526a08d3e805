local ws = require "wsmultiplayer"
local collector = require "support.collector"
local finalized = require "support.finalized"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"

local loadstring = loadstring or load

-- Twice, so that what a finalizer lets go of is collected too.
local collect = collector.collect

describe("a finalizer that runs in the middle of a call", function()
  after_each(session.close)

  it("may meet TLSOptions that were collected before it", function()
    local told = {}
    local function make()
      local options = {}
      local first = finalized(function()
        for _, method in ipairs { "is_server", "get_private_key", "get_trusted_ca_chain" } do
          told[#told + 1] = select(2, pcall(options.tls[method], options.tls))
        end
        told[#told + 1] = select(2, pcall(tostring, options.tls))
        told[#told + 1] = select(2, pcall(ws.WebSocketPeer.new().connect_to_url, ws.WebSocketPeer.new(),
          "wss://localhost", options.tls))
      end)
      options.tls = ws.TLSOptions.client_unsafe()
      return first ~= nil -- which lives until here
    end
    assert.is_true(make())
    collect()
    assert.equals(5, #told)
    -- Finalizers run in no certain order, but on all Lua versions the last made comes first.
    for _, text in ipairs(told) do assert.matches("have been collected", text) end
  end)

  it("may set the property that is being read", function()
    local peer, names = ws.WebSocketPeer.new(), {}
    for i = 1, 300 do names[i] = ("protocol-%d-"):format(i):rep(20) end
    local restore = collector.tune(100, 200)
    for _ = 1, 200 do
      peer.supported_protocols = names
      finalized(function() peer.supported_protocols = { "another" } end)
      for _ = 1, 20 do assert.is_true(#peer.supported_protocols >= 1) end
    end
    restore()
  end)

  it("may close the peer whose packets are just being read", function()
    for round = 1, 20 do
      local server, port = session.server()
      local client = raw.join(port, { server })
      for _ = 1, 5 do client:send_binary(("x"):rep(9000)) end
      wait.until_(function() return server:get_available_packet_count() == 5 end, { server })
      local id = server:get_peers()[1]
      collectgarbage()
      for _ = 1, 100 do finalized(function() server:close() end) end
      local restore = collector.tune(0, 100 * round)
      for _ = 1, 40 do
        server:get_packet()
        server:get_peer(id)
        server:get_peers()
        server:get_last_error()
        server:poll()
      end
      restore()
      server:close()
      assert.is_nil((server:get_packet()))
    end
  end)
end)

describe("under an eager collector", function()
  local restore

  before_each(function() restore = collector.tune(0, 400) end)
  after_each(function()
    restore()
    session.close()
    collect()
  end)

  it("a whole session runs with a full collection in every handler and after every poll", function()
    local server = session.server()
    local port = server:get_bound_port()
    local joined, left = 0, 0
    server.peer_connected:connect(function() collect() joined = joined + 1 end)
    server.peer_disconnected:connect(function() collect() left = left + 1 end)
    local clients = {}
    for i = 1, 5 do
      clients[i] = session.client(port)
      clients[i].peer_connected:connect(function()
        collect()
        assert(clients[i]:put_packet("hello " .. i) == ws.OK)
      end)
      clients[i].peer_disconnected:connect(collect)
    end
    local heard = 0
    wait.until_(function()
      collect()
      server:poll()
      collect()
      for packet, sender in server:packets() do
        collect()
        server:set_target_peer(sender)
        assert(server:put_packet(packet) == ws.OK)
      end
      for _, client in ipairs(clients) do
        client:poll()
        collect()
        for packet in client:packets() do
          collect()
          assert(packet:match("^hello %d$"))
          heard = heard + 1
        end
      end
      return heard == 5
    end, {}, 60)
    assert.equals(5, joined)
    for i = 1, 5 do
      if i % 2 == 0 then clients[i]:close() else clients[i]:disconnect_peer(1) end
      collect()
    end
    wait.until_(function()
      for _, client in ipairs(clients) do client:poll() end
      server:poll()
      collect()
      return left == 5
    end, {}, 60)
  end)

  it("properties, their copies and signals survive", function()
    for i = 1, 10 do
      local peer = ws.WebSocketMultiplayerPeer.new()
      peer.supported_protocols = { "a" .. i, "b" }
      peer.handshake_headers = { "X-A: " .. i }
      local signal = peer.peer_connected
      local count = 0
      signal:connect(function() count = count + 1 end)
      collect()
      assert(table.concat(peer.supported_protocols, ",") == "a" .. i .. ",b")
      assert(table.concat(peer.handshake_headers, ",") == "X-A: " .. i)
      signal:emit(i)
      assert(count == 1)
    end
  end)
end)

describe("dropping the last reference", function()
  after_each(function()
    session.close()
    collect()
  end)

  -- Makes a peer in a function of its own and drops it; `state` brings it there.
  local function drop(state)
    for _ = 1, 3 do
      local watch = setmetatable({}, { __mode = "k" })
      -- A call of its own, so that no stack slot keeps the peer.
      local function use()
        local peer = ws.WebSocketMultiplayerPeer.new()
        watch[peer] = true
        state(peer)
      end
      use()
      collect()
      assert.is_nil(next(watch), "the peer was not collected")
    end
  end

  it("of a fresh peer", function() drop(function() end) end)

  it("of a closed peer", function()
    drop(function(peer)
      peer:create_server(0, "127.0.0.1")
      peer:close()
    end)
  end)

  it("of a listening server frees its port", function()
    local port
    drop(function(peer)
      -- Another program may have been given it meanwhile.
      if peer:create_server(port or 0, "127.0.0.1") ~= ws.OK then
        assert(peer:create_server(0, "127.0.0.1") == ws.OK)
      end
      port = peer:get_bound_port()
    end)
    assert.is_false(raw.reachable(port, "127.0.0.1"))
  end)

  it("of a server with clients in every phase ends their connections", function()
    local connections = {}
    drop(function(peer)
      assert(peer:create_server(0, "127.0.0.1") == ws.OK)
      local port = peer:get_bound_port()
      local silent, half = raw.connect(port), raw.connect(port)
      half:send("GET / HTTP")
      local joined = raw.join(port, { peer })
      local unread = raw.join(port, { peer })
      local closing = raw.join(port, { peer })
      unread:send_binary("never taken")
      peer:get_peer(closing.id):close(4000, "x")
      wait.until_(function() return peer:get_available_packet_count() == 1 end, { peer })
      peer:set_target_peer(joined.id)
      for _ = 1, 300 do if peer:put_packet(("x"):rep(60000)) ~= ws.OK then break end end
      for _, connection in ipairs { silent, half, joined, unread, closing } do
        connections[#connections + 1] = connection
      end
    end)
    for _, connection in ipairs(connections) do connection:read_end({}) end
  end)

  it("of a client that is connecting", function()
    local listener = raw.listen()
    drop(function(peer)
      assert(peer:create_client("ws://127.0.0.1:" .. listener.port) == ws.OK)
    end)
    drop(function(peer)
      assert(peer:create_client("ws://127.0.0.1:" .. listener.port) == ws.OK)
      peer:poll()
      peer:poll()
    end)
    drop(function(peer)
      assert(peer:create_client("ws://127.0.0.1:" .. raw.free_port()) == ws.OK)
      peer:poll(0.002)
    end)
  end)

  it("of a client whose name is being looked up", function()
    for _, name in ipairs { "no-such-host.invalid", "no-such-host.example", "localhost" } do
      drop(function(peer) assert(peer:create_client("ws://" .. name .. ":9/") == ws.OK) end)
      drop(function(peer)
        assert(peer:create_client("ws://" .. name .. ":9/") == ws.OK)
        peer:poll()
      end)
    end
  end)

  it("of a connected client, with unread packets, ends its connection", function()
    local connections = {}
    drop(function(peer)
      local listener = raw.listen()
      assert(peer:create_client("ws://127.0.0.1:" .. listener.port) == ws.OK)
      local connection = listener:welcome({ peer })
      connection:send_binary("never taken")
      wait.until_(function() return peer:get_available_packet_count() == 1 end, { peer })
      connections[#connections + 1] = connection
    end)
    for _, connection in ipairs(connections) do connection:read_end({}) end
  end)

  it("of a client that is closing", function()
    drop(function(peer)
      local listener = raw.listen()
      assert(peer:create_client("ws://127.0.0.1:" .. listener.port) == ws.OK)
      listener:welcome({ peer })
      wait.until_(function() return session.is_connected(peer) end, { peer })
      peer:disconnect_peer(1)
      peer:poll()
    end)
  end)

  it("of a peer whose handler refers to it, in a circle", function()
    drop(function(peer)
      peer.peer_connected:connect(function() return peer end)
      local signal = peer.peer_disconnected
      signal:connect(function() return signal, peer end)
      assert(peer:create_server(0, "127.0.0.1") == ws.OK)
    end)
  end)

  it("inside its own handler", function()
    local holder = { server = ws.WebSocketMultiplayerPeer.new() }
    local called = false
    assert.equals(ws.OK, (holder.server:create_server(0, "127.0.0.1")))
    holder.server.peer_connected:connect(function()
      holder.server = nil
      collect()
      called = true
    end)
    local client = raw.connect(holder.server:get_bound_port())
    client:send(raw.request())
    wait.until_(function()
      if holder.server then holder.server:poll(0.002) end
      return called
    end, {})
    collect()
    client:read_end({})
  end)
end)

describe("an object from get_peer()", function()
  after_each(function()
    session.close()
    collect()
  end)

  local function try_everything(peer)
    peer:get_ready_state()
    peer:get_close_code()
    peer:get_close_reason()
    peer:get_connected_host()
    peer:get_connected_port()
    peer:get_selected_protocol()
    peer:get_requested_url()
    peer:get_current_outbound_buffered_amount()
    peer:set_no_delay(true)
    peer:close()
    peer:close(4000, "again")
    tostring(peer)
  end

  it("may outlive the connection, the signal, close() and the server itself", function()
    local held
    do
      local server = ws.WebSocketMultiplayerPeer.new()
      assert.equals(ws.OK, (server:create_server(0, "127.0.0.1")))
      local client = raw.join(server:get_bound_port(), { server })
      held = server:get_peer(client.id)
      collect()
      client:close()
      wait.until_(function() return #server:get_peers() == 0 end, { server })
      assert.equals(3, held:get_ready_state())
      try_everything(held)
      server:close()
      try_everything(held)
    end
    collect()
    try_everything(held)
    assert.equals(3, held:get_ready_state())
  end)

  it("may outlive a server that was dropped while connected", function()
    local held, client
    do
      local server = ws.WebSocketMultiplayerPeer.new()
      assert.equals(ws.OK, (server:create_server(0, "127.0.0.1")))
      client = raw.join(server:get_bound_port(), { server })
      held = server:get_peer(client.id)
    end
    collect()
    try_everything(held)
    held = nil
    collect()
    client:read_end({})
    assert.is_nil(held)
  end)

  it("may outlive a client", function()
    local client, connection = session.by_hand()
    local held = client:get_peer(1)
    client:close()
    collect()
    try_everything(held)
    assert.equals(3, held:get_ready_state())
    connection:read_end({})
  end)

  it("may be closed inside handlers", function()
    local server, port = session.server()
    server.peer_connected:connect(function(id) server:get_peer(id):close(4000, "no") collect() end)
    server.peer_disconnected:connect(function(id) try_everything(server:get_peer(id)) collect() end)
    local client = raw.join(port, { server })
    assert.equals(4000, client:read_frame({ server }).code)
    wait.until_(function() return #server:get_peers() == 0 end, { server })
  end)

  it("may be dropped and asked for again", function()
    local server, port = session.server()
    local client = raw.join(port, { server })
    for _ = 1, 20 do
      assert.equals(1, server:get_peer(client.id):get_ready_state())
      collect()
    end
  end)
end)

-- Only Lua 5.4 can even read this.
local closing = loadstring [[
  local ws = require "wsmultiplayer"
  local server <close> = ws.WebSocketMultiplayerPeer.new()
  assert(server:create_server(0, "127.0.0.1") == ws.OK)
  return server:get_bound_port()
]]

if closing then
  describe("a variable with <close>", function()
    it("closes a server when it goes out of scope", function()
      assert.is_false(raw.reachable(closing(), "127.0.0.1"))
    end)
  end)
end
