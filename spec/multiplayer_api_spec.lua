-- MultiplayerAPI: its class, its peer, its signals, and its life.
local ws = require "wsmultiplayer"
local apis = require "support.api"
local call = require "support.call"
local collector = require "support.collector"
local raw = require "support.raw"
local session = require "support.session"

local OK = ws.OK

-- What calling a method, reading or setting a field raises.
local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return tostring(message)
end

describe("the class MultiplayerAPI", function()
  it("makes objects by new() and by a call", function()
    local api = ws.MultiplayerAPI.new()
    assert.matches("^MultiplayerAPI: .+ %(offline%)$", tostring(api))
    assert.matches("^MultiplayerAPI", tostring(ws.MultiplayerAPI()))
    assert.equals("class MultiplayerAPI", tostring(ws.MultiplayerAPI))
    assert.equals("MultiplayerAPI", getmetatable(api))
  end)

  it("has Godot's constants, which its objects have, too", function()
    for name, value in pairs { RPC_MODE_DISABLED = 0, RPC_MODE_ANY_PEER = 1, RPC_MODE_AUTHORITY = 2 } do
      assert.equals(value, ws.MultiplayerAPI[name])
      assert.equals(value, ws.MultiplayerAPI.new()[name])
    end
  end)

  it("has properties with Godot's defaults and accessors", function()
    local api = ws.MultiplayerAPI.new()
    for name, default in pairs {
      auth_timeout = 3.0, root_path = "", max_sync_packet_size = 1350, max_delta_packet_size = 65535,
      max_cached_paths = 1024,
    } do
      assert.equals(default, api[name], name)
      assert.equals(default, api["get_" .. name](api), name)
    end
    assert.is_nil(api.auth_callback)
    assert.is_nil(api:get_auth_callback())
    assert.is_true(api.server_relay)
    assert.is_true(api:is_server_relay_enabled())
    assert.is_false(api.refuse_new_connections)
    assert.is_false(api:is_refusing_new_connections())
    assert.is_false(api.allow_object_decoding)
    assert.is_false(api:is_object_decoding_allowed())
  end)

  it("takes values by field and by setter", function()
    local api = ws.MultiplayerAPI.new()
    local function callback() end
    for name, value in pairs {
      auth_timeout = 0.5, root_path = "/root", max_sync_packet_size = 128, max_delta_packet_size = 5000,
      max_cached_paths = 0, auth_callback = callback,
    } do
      api[name] = value
      assert.equals(value, api[name])
    end
    api:set_auth_timeout(0)
    assert.equals(0, api.auth_timeout)
    api:set_auth_callback(nil)
    assert.is_nil(api.auth_callback)
    api:set_root_path ""
    assert.equals("", api.root_path)
    api:set_server_relay_enabled(false)
    assert.is_false(api.server_relay)
    api:set_allow_object_decoding(false)
    local callable = setmetatable({}, { __call = function() end })
    api.auth_callback = callable
    assert.equals(callable, api.auth_callback)
  end)

  it("refuses values that can't be, and names the field or the argument", function()
    local api = ws.MultiplayerAPI.new()
    local values = {
      { "auth_timeout", -1 }, { "auth_timeout", 0 / 0 }, { "auth_timeout", "3" }, { "auth_callback", "name" },
      { "root_path", "root" }, { "root_path", 5 }, { "server_relay", 1 }, { "allow_object_decoding", true },
      { "allow_object_decoding", 0 }, { "max_sync_packet_size", 127 }, { "max_delta_packet_size", 200.5 },
      { "max_cached_paths", -1 }, { "refuse_new_connections", 1 }, { "multiplayer_peer", 5 },
      { "multiplayer_peer", {} }, { "multiplayer_peer", ws.WebSocketPeer.new() },
    }
    for _, each in ipairs(values) do
      local name, value = each[1], each[2]
      local before = api[name]
      assert.matches(("bad value for field '%s'"):format(name), raised(function() api[name] = value end), 1, true)
      local setter = name == "server_relay" and "set_server_relay_enabled" or "set_" .. name
      assert.matches(("bad argument #1 to '%s'"):format(setter), raised(api[setter], api, value), 1, true)
      assert.equals(before, api[name])
    end
    assert.matches("this table has no 'poll'", raised(function() api.multiplayer_peer = {} end), 1, true)
  end)

  it("raises for fields it does not have, and names them", function()
    local api = ws.MultiplayerAPI.new()
    assert.matches("multiplayer_api_spec.lua:%d+: MultiplayerAPI has no field 'polls'",
      raised(function() api.polls() end))
    assert.matches("multiplayer_api_spec.lua:%d+: MultiplayerAPI has no field 'x' that can be set",
      raised(function() api.x = 1 end))
    assert.matches("has no field 'peer_connected' that can be set", raised(function() api.peer_connected = 1 end))
    assert.matches("has no field '1'", raised(function() return api[1] end))
  end)

  it("raises for misuse of methods, with the argument's position", function()
    local api = ws.MultiplayerAPI.new()
    for text, args in pairs {
      ["bad argument #1 to 'poll' (number expected, got string)"] = { "poll", "1" },
      ["bad argument #1 to 'poll' (must not be negative)"] = { "poll", -1 },
      ["bad argument #1 to 'send_bytes' (string expected, got nil)"] = { "send_bytes" },
      ["bad argument #2 to 'send_bytes' (number expected, got string)"] = { "send_bytes", "x", "1" },
      ["bad argument #2 to 'send_bytes' (not a 32-bit integer)"] = { "send_bytes", "x", 1.5 },
      ["bad argument #1 to 'send_auth' (number expected, got nil)"] = { "send_auth" },
      ["bad argument #2 to 'send_auth' (string expected, got nil)"] = { "send_auth", 1 },
      ["bad argument #1 to 'complete_auth' (number expected, got nil)"] = { "complete_auth" },
      ["bad argument #1 to 'disconnect_peer' (not a 32-bit integer)"] = { "disconnect_peer", 2 ^ 31 },
      ["bad argument #1 to 'rpc' (number expected, got nil)"] = { "rpc" },
      ["bad argument #3 to 'rpc' (string expected, got nil)"] = { "rpc", 1, {} },
      ["bad argument #4 to 'rpc' (table expected, got string)"] = { "rpc", 1, {}, "say", "x" },
      ["bad argument #1 to 'connect' (there is no signal 'peer_joined')"] = { "connect", "peer_joined", print },
      ["bad argument #1 to 'on' (string expected, got nil)"] = { "on" },
    } do
      local ok, message = call(api, (table.unpack or unpack)(args))
      assert.is_false(ok)
      assert.matches(text, message, 1, true)
      assert.matches("^call:", message)
    end
    assert.matches("bad argument #0 to 'poll' (MultiplayerAPI expected, got table)", raised(api.poll, {}), 1, true)
    assert.matches("bad argument #0 to 'get_peers' (MultiplayerAPI expected, got nil)", raised(api.get_peers), 1, true)
  end)
end)

describe("a MultiplayerAPI", function()
  after_each(apis.close)

  it("without a peer of its own is a server that nobody can reach", function()
    local party = apis.new()
    local api = party.api
    assert.is_true(api:has_multiplayer_peer())
    assert.equals("OfflineMultiplayerPeer", tostring(api.multiplayer_peer))
    assert.same({ 1, true, {} }, { api:get_unique_id(), api:is_server(), api:get_peers() })
    assert.equals(OK, (api:send_bytes "x"))
    assert.equals(ws.ERR_BUG, (api:send_bytes("x", 2)))
    assert.equals(ws.ERR_INVALID_DATA, (api:send_bytes ""))
    assert.equals(ws.ERR_INVALID_PARAMETER, (api:send_auth(2, "x")))
    assert.equals(ws.ERR_INVALID_PARAMETER, (api:complete_auth(2)))
    api:disconnect_peer(2)
    api.refuse_new_connections = true
    assert.equals(OK, (api:poll()))
    assert.equals(OK, (api:poll(0.001)))
    apis.expect_silence(party)
  end)

  it("whose peer is nil is not connected", function()
    local party = apis.new()
    local api = party.api
    api.multiplayer_peer = nil
    assert.is_false(api:has_multiplayer_peer())
    assert.is_nil(api.multiplayer_peer)
    assert.same({ 0, false, {} }, { api:get_unique_id(), api:is_server(), api:get_peers() })
    for _, results in ipairs {
      { api:send_bytes "x" }, { api:send_auth(1, "x") }, { api:complete_auth(1) }, { api:rpc(0, {}, "say") },
    } do
      assert.equals(ws.ERR_UNCONFIGURED, results[1])
      assert.is_string(results[2])
    end
    assert.equals(OK, (api:poll(1)))
    assert.is_false(api.refuse_new_connections)
    assert.matches("there is no multiplayer peer", raised(function() api.refuse_new_connections = true end), 1, true)
    assert.matches("%(without peer%)$", tostring(api))
    apis.expect_silence(party)
  end)

  it("takes a peer that connects or is connected, and no other", function()
    local api = apis.new().api
    local peer = session.peer()
    assert.matches("must be connecting or connected", raised(function() api.multiplayer_peer = peer end), 1, true)
    assert.equals(1, api:get_unique_id())
    local server, port = session.server()
    api.multiplayer_peer = server
    assert.equals(server, api.multiplayer_peer)
    assert.equals(server, api:get_multiplayer_peer())
    assert.matches("%(server%)$", tostring(api))
    local client = session.client(port)
    api:set_multiplayer_peer(client)
    assert.equals(client, api.multiplayer_peer)
    assert.matches("%(connecting%)$", tostring(api))
    api.multiplayer_peer = client
    client:close()
    api.multiplayer_peer = client -- the same again: nothing to do
    assert.matches("%(disconnected%)$", tostring(api))
  end)

  it("passes refuse_new_connections on to its peer", function()
    local server = apis.server()
    server.api.refuse_new_connections = true
    assert.is_true(server.peer.refuse_new_connections)
    server.peer.refuse_new_connections = false
    assert.is_false(server.api:is_refusing_new_connections())
  end)

  it("does not change server_relay while its peer is active", function()
    local server = apis.server()
    local message = raised(function() server.api.server_relay = false end)
    assert.matches("while the multiplayer peer is active", message, 1, true)
    server.peer:close()
    server.api.server_relay = false
  end)

  it("tells of connection and end, in Godot's order", function()
    local server = apis.server()
    local order = {}
    local client = apis.client(server)
    client.peer.peer_connected:connect(function(id) order[#order + 1] = "peer's connected " .. id end)
    client.peer.peer_disconnected:connect(function(id) order[#order + 1] = "peer's disconnected " .. id end)
    for _, name in ipairs { "connected_to_server", "peer_connected", "peer_disconnected", "server_disconnected" } do
      client.api:connect(name, function(id) order[#order + 1] = name .. (id and " " .. id or "") end)
    end
    client:expect "connected_to_server"
    client:expect("peer_connected", 1)
    local id = client.api:get_unique_id()
    server:expect("peer_connected", id)
    assert.same({ 1 }, client.api:get_peers())
    assert.same({ id }, server.api:get_peers())
    server.peer:close()
    server:expect "server_disconnected"
    client:expect("peer_disconnected", 1)
    client:expect "server_disconnected"
    assert.same({ 0, false, {} }, { client.api:get_unique_id(), client.api:is_server(), client.api:get_peers() })
    assert.same({}, server.api:get_peers())
    assert.same({
      "peer's connected 1", "connected_to_server", "peer_connected 1",
      "peer's disconnected 1", "peer_disconnected 1", "server_disconnected",
    }, order)
    apis.expect_silence(server, client)
  end)

  it("tells when there is no connection", function()
    local client = apis.new():use(session.client(raw.free_port()))
    client:expect "connection_failed"
    local late = apis.new():use(session.client(raw.free_port()))
    late.peer:close()
    late:expect "connection_failed"
    apis.expect_silence(client, late)
  end)

  it("can be used again and again with the same peer", function()
    local server = apis.server()
    local client = apis.enter(server)
    server:expect("peer_connected", client.id)
    for _ = 1, 3 do
      client.peer:close()
      client:expect "server_disconnected"
      server:expect("peer_disconnected", client.id)
      assert.equals(OK, (client.peer:create_client("ws://127.0.0.1:" .. server.port)))
      client:expect "connected_to_server"
      client:expect("peer_connected", 1)
      client.id = client.api:get_unique_id()
      server:expect("peer_connected", client.id)
    end
    apis.expect_silence(server, client)
  end)

  it("notices a client that was closed and connected anew between two polls", function()
    local server = apis.server()
    local a, b = apis.enter(server), apis.enter(server)
    for _ = 1, 2 do server:expect "peer_connected" end
    a:expect("peer_connected", b.id)
    b:expect("peer_connected", a.id)
    a.peer:close()
    assert.equals(OK, (a.peer:create_client("ws://127.0.0.1:" .. server.port)))
    a:expect "connected_to_server"
    a:expect("peer_connected", 1)
    a:expect("peer_connected", b.id)
    assert.same({ 1, b.id }, a.api:get_peers())
  end)

  it("does not know those who joined before it had the peer", function()
    local peer, port = session.server()
    local stranger = apis.poll(session.client(port))
    apis.poll(peer)
    apis.wait(function() return session.is_connected(stranger) end)
    local server = apis.new():use(peer)
    stranger:put_packet "\3hello"
    server:expect_refusal(stranger:get_unique_id(), "not connected")
    assert.same({}, server.api:get_peers())
  end)

  it("clear() forgets all without telling", function()
    local server, a = apis.gather(1)
    server.api:clear()
    assert.same({}, server.api:get_peers())
    assert.equals(ws.ERR_BUG, (server.api:send_bytes("x", a.id)))
    a.api:send_bytes("x", 1)
    server:expect_refusal(a.id, "not connected")
    local b = apis.enter(server)
    server:expect("peer_connected", b.id)
    apis.expect_silence(server, a, b)
  end)

  it("polls as long as it may, and not longer than it must", function()
    local server, client = apis.gather(1)
    local start = os.clock()
    local from = require("socket").gettime()
    server.api:poll(0.05)
    local waited = require("socket").gettime() - from
    assert.is_true(waited > 0.03 and waited < 2, waited)
    assert.is_true(os.clock() - start < 0.04, "it waits without working")
    client.api:send_bytes("x", 1)
    from = require("socket").gettime()
    while not server.events[1] do server.api:poll(10) end
    assert.is_true(require("socket").gettime() - from < 5)
  end)
end)

describe("a handler of a MultiplayerAPI", function()
  after_each(apis.close)

  it("is connected as those of peers", function()
    local api = apis.new().api
    local function fn() end
    assert.equals(OK, (api:connect("peer_packet", fn)))
    assert.equals(ws.ERR_INVALID_PARAMETER, (api:on("peer_packet", fn)))
    assert.is_true(api:is_connected("peer_packet", fn))
    assert.is_true(api.peer_packet:is_connected(fn))
    assert.equals(OK, (api:disconnect("peer_packet", fn)))
    assert.is_false(api.peer_packet:is_connected(fn))
    assert.equals("Signal: server_disconnected", tostring(api.server_disconnected))
  end)

  it("that fails reaches the caller of poll with its traceback, and nothing is lost", function()
    local server = apis.server()
    local client = apis.client(server)
    client.api.connected_to_server:connect(function() error("the first is broken") end)
    client.api.connected_to_server:connect(function() client:note "second" end)
    client.api.peer_connected:connect(function() error("the third is broken") end)
    local message = client:poll_error()
    assert.matches("the first is broken", message, 1, true)
    assert.matches("multiplayer_api_spec.lua", message, 1, true)
    local _, tracebacks = message:gsub("stack traceback", "")
    assert.equals(1, tracebacks)
    assert.same({ 1 }, client.api:get_peers())
    assert.is_true(client.peer.autoflush)
    client:expect "connected_to_server"
    client:expect_nothing()
    assert.matches("the third is broken", client:poll_error(), 1, true)
    client:expect "second"
    client:expect("peer_connected", 1)
    assert.equals(OK, (client.api:poll()))
    client:expect_nothing()
  end)

  it("that fails at each packet still gets each of them once", function()
    local server, client = apis.gather(1)
    local packets = {}
    server.api.peer_packet:connect(function(id, bytes)
      assert(server.api:get_remote_sender_id() == id)
      packets[#packets + 1] = bytes
      error("broken " .. bytes)
    end)
    for i = 1, 5 do client.api:send_bytes(tostring(i), 1) end
    client.peer:close()
    for i = 1, 5 do
      assert.matches("broken " .. i, server:poll_error(), 1, true)
      assert.equals(0, server.api:get_remote_sender_id())
    end
    assert.same({ "1", "2", "3", "4", "5" }, packets)
    for i = 1, 5 do server:expect("peer_packet", client.id, tostring(i)) end
    server:expect("peer_disconnected", client.id)
  end)

  it("may raise any value", function()
    local server, client = apis.gather(1)
    local thing = {}
    server.api.peer_packet:connect(function() error(thing) end)
    client.api:send_bytes("x", 1)
    assert.equals(thing, server:poll_error())
  end)

  it("of the peer that fails does not take the API's turn", function()
    local server = apis.server()
    server.peer.peer_connected:connect(function() error("the peer's is broken") end)
    local client = apis.client(server)
    assert.matches("the peer's is broken", server:poll_error(), 1, true)
    client:expect "connected_to_server"
    server:expect("peer_connected", client.api:get_unique_id())
  end)

  it("may close the peer", function()
    local server, a, b = apis.gather(2)
    server.api.peer_packet:connect(function() server.peer:close() end)
    a.api:send_bytes("first", 1)
    a.api:send_bytes("never read", 1)
    server:expect("peer_packet", a.id, "first")
    server:expect "server_disconnected"
    for _, client in ipairs { a, b } do
      client:expect("peer_disconnected", 1)
      client:expect "server_disconnected"
    end
    assert.same({}, server.api:get_peers())
    apis.expect_silence(server, a, b)
  end)

  it("may close the peer while it is told of the connection", function()
    local server = apis.server()
    local client = apis.client(server)
    client.api.connected_to_server:connect(function() client.peer:close() end)
    client:expect "connected_to_server"
    client:expect("peer_connected", 1) -- as in Godot
    client:expect "server_disconnected"
    server:expect "peer_connected"
    server:expect "peer_disconnected"
    apis.expect_silence(server, client)
  end)

  it("may give the API another peer", function()
    local first, second = apis.server(), apis.server()
    local client = apis.client(first)
    client.api.peer_packet:connect(function(_, bytes)
      if bytes == "move" then client:use(session.client(second.port)) end
    end)
    client:expect "connected_to_server"
    client:expect("peer_connected", 1)
    first:expect "peer_connected"
    first.api:send_bytes "move"
    first.api:send_bytes "not for the new one"
    client:expect("peer_packet", 1, "move")
    client:expect "connected_to_server"
    client:expect("peer_connected", 1)
    second:expect("peer_connected", client.api:get_unique_id())
    assert.same({ 1 }, client.api:get_peers())
    apis.expect_silence(client, second)
  end)

  it("may give the API no peer, and a peer when it lost one", function()
    local server = apis.server()
    local client = apis.client(server)
    client.api.peer_packet:connect(function() client.api.multiplayer_peer = nil end)
    client:expect "connected_to_server"
    client:expect("peer_connected", 1)
    server:expect "peer_connected"
    server.api:send_bytes "x"
    client:expect("peer_packet", 1, "x")
    assert.is_false(client.api:has_multiplayer_peer())
    client:use(client.peer)
    server.api:send_bytes "y"
    client:expect_refusal(1, "not connected") -- joined before
    local rounds = 0
    client.api.server_disconnected:connect(function()
      rounds = rounds + 1
      if rounds == 1 then client:use(session.client(server.port)) end
    end)
    client.peer:close()
    client:expect "server_disconnected"
    client:expect "connected_to_server"
    client:expect("peer_connected", 1)
    assert.equals(1, rounds)
  end)

  it("may call clear()", function()
    local server, a = apis.gather(1)
    server.api.peer_packet:connect(function() server.api:clear() end)
    a.api:send_bytes("x", 1)
    a.api:send_bytes("y", 1)
    server:expect("peer_packet", a.id, "x")
    server:expect_refusal(a.id, "not connected")
    assert.same({}, server.api:get_peers())
  end)

  it("may throw peers out, the one it is told of, too", function()
    local server = apis.server()
    server.api.peer_connected:connect(function(id) server.api:disconnect_peer(id) end)
    local client = apis.client(server)
    client:expect "connected_to_server"
    client:expect("peer_connected", 1)
    client:expect("peer_disconnected", 1)
    client:expect "server_disconnected"
    server:expect "peer_connected"
    assert.same({}, server.api:get_peers())
    apis.expect_silence(server, client)
  end)

  it("may poll, which tells nothing twice", function()
    local server, client = apis.gather(1)
    local senders = {}
    server.api.peer_packet:connect(function()
      senders[#senders + 1] = server.api:get_remote_sender_id()
      server.api:poll()
      senders[#senders + 1] = server.api:get_remote_sender_id()
    end)
    for i = 1, 4 do client.api:send_bytes(tostring(i), 1) end
    for i = 1, 4 do server:expect("peer_packet", client.id, tostring(i)) end
    for _, sender in ipairs(senders) do assert.equals(client.id, sender) end
    assert.equals(0, server.api:get_remote_sender_id())
    apis.expect_silence(server, client)
  end)
end)

describe("two MultiplayerAPIs", function()
  after_each(apis.close)

  it("on one peer: the second takes it from the first", function()
    local first = apis.server()
    local a = apis.enter(first)
    first:expect("peer_connected", a.id)
    local second = apis.new():use(first.peer)
    assert.is_nil(first.api.multiplayer_peer)
    assert.same({}, first.api:get_peers())
    local b = apis.client(first)
    second:expect("peer_connected")
    b:expect "connected_to_server"
    b:expect("peer_connected", 1)
    a.api:send_bytes("x", 1)
    second:expect_refusal(a.id, "not connected")
    apis.expect_silence(first, second, b)
  end)
end)

describe("the collector", function()
  after_each(apis.close)

  local collect = collector.collect

  it("takes an API whose peer lives, and the peer lets go of it", function()
    local server = session.server()
    local watch = setmetatable({}, { __mode = "k" })
    local function use()
      local api = ws.MultiplayerAPI.new()
      api.multiplayer_peer = server
      api:add_node("Main", {}, { say = {} })
      api.peer_connected:connect(function() api:get_peers() end)
      api:poll()
      watch[api] = true
    end
    for _ = 1, 3 do use() end
    collect()
    assert.is_nil(next(watch))
    -- Of the last one; and of one that was collected before the next one came.
    assert.is_true(#server.peer_connected:get_connections() >= 1)
    apis.poll(server)
    local client = apis.poll(session.client(server:get_bound_port()))
    apis.wait(function() return session.is_connected(client) end)
    assert.equals(0, #server.peer_connected:get_connections())
  end)

  it("leaves a peer that only its API holds, and takes both together", function()
    local watch = setmetatable({}, { __mode = "k" })
    local port
    local function use()
      local api = ws.MultiplayerAPI.new()
      local function make()
        local peer = ws.WebSocketMultiplayerPeer.new()
        assert(peer:create_server(0, "127.0.0.1") == OK)
        port = peer:get_bound_port()
        watch[peer] = true
        api.multiplayer_peer = peer
      end
      make()
      collect()
      assert.is_true(next(watch) ~= nil)
      apis.poll(api)
      local client = apis.poll(session.client(port))
      apis.wait(function() return session.is_connected(client) end)
      assert.equals(1, #api:get_peers())
    end
    use()
    apis.close()
    collect()
    assert.is_nil(next(watch))
    assert.is_false((raw.reachable(port, "127.0.0.1")))
  end)

  it("takes nodes that were removed, and what belongs to them", function()
    local server, client = apis.gather(1)
    local watch = setmetatable({}, { __mode = "k" })
    local function use()
      for _ = 1, 3 do
        local node, object = server:add_node("Main", { say = { "any_peer", "call_local" } })
        client:add_node("Main", { say = { "any_peer" } }):rpc_id(1, "say")
        server:expect("call", "say", client.id)
        node:rpc "say"
        server:expect("call", "say", 1)
        client:expect("call", "say", 1)
        watch[node], watch[object] = true, true
        node:remove()
        client.api:get_node("Main"):remove()
      end
    end
    use()
    collect()
    assert.is_nil(next(watch))
  end)

  it("may run in every handler", function()
    local restore = collector.tune(0, 400)
    local server, a = apis.gather(2)
    server.api.peer_packet:connect(collect)
    a.api.peer_packet:connect(collect)
    local node = server:add_node("Main", { say = { "any_peer" } })
    a:add_node("Main", { say = { "any_peer" } })
    for i = 1, 5 do
      a.api:send_bytes("x" .. i, 0)
      node:rpc("say", i, { i })
      server:expect("peer_packet", a.id, "x" .. i)
      a:expect("call", "say", 1, i)
    end
    restore()
  end)
end)

-- A peer without any network, to show what an API needs of one: packets of others are put into its inbox by hand.
local function hand_made_peer(id)
  local peer = {
    inbox = {}, sent = {}, status = 2, handlers = { peer_connected = {}, peer_disconnected = {} }, target = 0,
  }
  function peer:tell(name, other) for fn in pairs(self.handlers[name]) do fn(other) end end
  function peer:poll() self.polls = (self.polls or 0) + 1 end
  function peer:connect(name, fn) self.handlers[name][fn] = true return OK end
  function peer:disconnect(name, fn) self.handlers[name][fn] = nil return OK end
  function peer:disconnect_peer(other) self.thrown_out = other end
  function peer:get_connection_status() return self.status end
  function peer:get_unique_id() return id end
  function peer:set_target_peer(target) self.target = target end
  function peer:set_transfer_mode(mode) self.mode = mode end
  function peer:set_transfer_channel(channel) self.channel = channel end
  function peer:put_packet(packet)
    table.insert(self.sent, { self.target, packet, self.mode, self.channel })
    return OK
  end
  function peer:get_available_packet_count() return #self.inbox end
  function peer:get_packet_peer() return self.inbox[1][1] end
  function peer:get_packet_mode() return self.inbox[1][3] or 2 end
  function peer:get_packet_channel() return self.inbox[1][4] or 0 end
  function peer:get_packet() return table.remove(self.inbox, 1)[2] end
  function peer.is_server_relay_supported() return true end
  function peer.is_refusing_new_connections() return false end
  function peer.set_refuse_new_connections() end
  return peer
end

describe("any object with the methods of MultiplayerPeer", function()
  after_each(apis.close)

  it("will do", function()
    local peer = hand_made_peer(1)
    local party = apis.new():use(peer)
    peer:tell("peer_connected", 5)
    peer:tell("peer_connected", 6)
    party:expect("peer_connected", 5)
    party:expect("peer_connected", 6)
    assert.same({ { 5, "\7\1\6\0\0\0", 2, 0 }, { 6, "\7\1\5\0\0\0", 2, 0 } }, peer.sent)
    peer.sent = {}
    peer.inbox = { { 5, "\3hi" }, { 5, "\7\3\6\0\0\0\3to 6", 0, 3 } }
    party:expect("peer_packet", 5, "hi")
    assert.same({ { 6, "\7\3\5\0\0\0\3to 6", 0, 3 } }, peer.sent) -- mode and channel as it came
    peer.sent = {}
    assert.equals(OK, (party.api:send_bytes("x", 6, 1, 7)))
    assert.same({ { 6, "\3x", 1, 7 } }, peer.sent)
    local polls = peer.polls
    party.api:poll()
    assert.equals(polls + 1, peer.polls)
  end)

  it("tells the end of a connection behind what came before it", function()
    local peer = hand_made_peer(1)
    local party = apis.new():use(peer)
    peer:tell("peer_connected", 5)
    party:expect("peer_connected", 5)
    peer.inbox = { { 5, "\3a" }, { 5, "\3b" } }
    peer:tell("peer_disconnected", 5)
    party:expect("peer_packet", 5, "a")
    party:expect("peer_packet", 5, "b")
    party:expect("peer_disconnected", 5)
    -- Also where the program takes packets itself.
    peer:tell("peer_connected", 6)
    party:expect("peer_connected", 6)
    peer.inbox = { { 6, "\3a" } }
    peer:tell("peer_disconnected", 6)
    peer.inbox = {}
    party:expect("peer_disconnected", 6)
    party:expect_nothing()
  end)

  it("may fail to give a packet", function()
    local peer = hand_made_peer(1)
    local party = apis.new():use(peer)
    peer.inbox = { { 5, "x" } }
    function peer.get_packet() return nil, ws.FAILED, "broken" end
    assert.same({ ws.FAILED, "broken" }, { party.api:poll() })
    peer.inbox = {}
    assert.equals(OK, (party.api:poll()))
  end)

  it("is not heard any more when the API has another", function()
    local peer = hand_made_peer(1)
    local party = apis.new():use(peer)
    party.api.multiplayer_peer = nil
    assert.is_nil(next(peer.handlers.peer_connected))
    assert.is_nil(next(peer.handlers.peer_disconnected))
  end)
end)
