-- MultiplayerAPIs of both kinds for the specs: ours, and SceneMultiplayers in a real Godot (spec/godot/api.gd).
--
--   local engine = godot.start()  -- or godot.without(): Lua alone
--   local server, client = godot_api.new(engine, "lua"), godot_api.new(engine, "godot")
--   client:join(server:listen())
--   local id = server:expect("peer_connected")[2]
--
-- Both kinds have the same methods, and the same record of what happened: the signals with their arguments (peer_packet
-- also with get_remote_sender_id), {"auth", id, data} from the authentication callback and {"call", path, method,
-- sender, arguments as text} from the nodes' methods. Ours also {"packet_refused", id, why} and {"replication_packet",
-- id, kind, bytes}; what Godot refuses it writes into its log: see expect_refusal.
local godot = require "support.godot"
local variants = require "support.variants"
local ws = require "wsmultiplayer"

local unpack = table.unpack or unpack

local godot_api = {}

-- A value for both kinds where literals of the two differ: Godot's text, and the Lua value.
local Value = {}

function godot_api.value(text, value) return setmetatable({ text = text, value = value }, Value) end

-- Arguments of a call, nil among them.
function godot_api.args(...) return { n = select("#", ...), ... } end

local function lua_values(args)
  local values = {}
  for i = 1, args.n do
    local arg = args[i]
    if getmetatable(arg) == Value then values[i] = arg.value else values[i] = arg end
  end
  return values
end

local function godot_text(args)
  local items = {}
  for i = 1, args.n do
    local arg = args[i]
    items[i] = getmetatable(arg) == Value and arg.text or godot.literal(arg)
  end
  return godot.text("[" .. table.concat(items, ", ") .. "]")
end

-- Arguments as text that shows types.
local function describe(values, count)
  local items = {}
  for i = 1, count do items[i] = variants.describe(values[i]) end
  return table.concat(items, ", ")
end

function godot_api.describe(args) return describe(lua_values(args), args.n) end

-- The remote methods of the kinds of nodes; the same as in spec/godot/puppet.gd and stranger.gd.
local KINDS = {
  puppet = {
    inherited_1 = { "any_peer" }, any_0 = { "any_peer" }, any_1 = { "any_peer" },
    any_3 = { "unreliable", "any_peer", 3 }, optional_1 = { "any_peer" }, authority_1 = {},
    local_1 = { "any_peer", "call_local" }, Upper_1 = { "any_peer" },
  },
  stranger = { any_0 = { "any_peer" }, zeta = { "any_peer" } },
  plain = {},
}

local Party = setmetatable({}, { __index = godot.Peer })

-- Waits for the call of a method, with these arguments.
function Party:expect_call(path, method, sender, ...)
  return self:expect("call", path, method, sender, godot_api.describe(godot_api.args(...)))
end

-- Joins, waits until it is admitted, and gives its id.
function Party:enter(server, url)
  assert(self:join(url or server.url) == ws.OK)
  self:expect "connected_to_server"
  self:expect("peer_connected", 1)
  local id = self:get_unique_id()
  server:expect("peer_connected", id)
  self.id = id
  return id
end

function Party:listen()
  self.url = "ws://127.0.0.1:" .. self:listen_somewhere()
  self.id = 1
  return self.url
end

-- ---- Godot's

local GodotParty = setmetatable({ kind = "godot" }, { __index = Party })
-- Any other method is a verb of api.gd, or one of SceneMultiplayer.
GodotParty.__index = function(_, method)
  return GodotParty[method] or Party[method] or function(self, ...)
    return self.engine:run(self:command(method, ...))
  end
end

function GodotParty.parse_event(line)
  local event = {}
  for word in line:gmatch "%S+" do
    local hex = word:match "^x(%x*)$"
    event[#event + 1] = #event > 1 and (hex and godot.from_hex(hex) or tonumber(word)) or word
  end
  table.remove(event, 1)
  if event[1] == "call" then
    event.bytes = event[5]
    local args = assert(ws.bytes_to_var(event.bytes))
    event[5] = describe(args, #args)
  end
  return event
end

-- How arguments go over the control connection, where not as they are.
local ENCODERS = {}

function ENCODERS.send_bytes(bytes, id) return godot.to_hex(bytes), id or 0 end
function ENCODERS.send_auth(id, data) return id, godot.to_hex(data) end
function ENCODERS.rpc_id(path, id, method, ...) return path, id, method, godot_text(godot_api.args(...)) end

function GodotParty:command(verb, ...)
  local words = ENCODERS[verb] and godot_api.args(ENCODERS[verb](...)) or godot_api.args(...)
  table.insert(words, 1, self.name)
  table.insert(words, 2, verb)
  words.n = words.n + 2
  return words
end

-- Calls several methods, {name, argument...}, within one frame. All must give OK or nothing.
function GodotParty:together(...)
  local commands = { ... }
  for i, call in ipairs(commands) do commands[i] = self:command(unpack(call)) end
  for _, result in pairs { self.engine:run(unpack(commands)) } do assert(result == ws.OK) end
end

function GodotParty:listen_somewhere()
  for _ = 1, 20 do
    local port = godot.free_port()
    if self.engine:run(self:command("listen", port)) == ws.OK then return port end
  end
  error "Godot found no free port"
end

function GodotParty:get_list(method)
  local list = {}
  for number in tostring(self.engine:run(self:command(method))):gmatch "%d+" do list[#list + 1] = tonumber(number) end
  table.sort(list)
  return list
end

function GodotParty:get_peers() return self:get_list "get_peers" end
function GodotParty:get_authenticating_peers() return self:get_list "get_authenticating_peers" end

-- `config` as a list of the words of @rpc, or nil.
function GodotParty:rpc_config(path, method, config)
  local text = "null"
  if config then
    local modes = { any_peer = 1, authority = 2 }
    local mode, call_local = 2, false
    for _, word in ipairs(config) do
      mode = modes[word] or mode
      call_local = call_local or word == "call_local"
    end
    text = ('{"rpc_mode": %d, "call_local": %s, "transfer_mode": 2, "channel": 0}'):format(mode, tostring(call_local))
  end
  return self:node(path, "rpc_config", method, godot.text(text))
end

function GodotParty:set_authority(path, id) return self:node(path, "set_multiplayer_authority", id) end

-- What it refused is in its log.
function GodotParty:expect_refusal(_, _, pattern) self.engine:expect_error(pattern) end

-- ---- Ours

local LuaParty = setmetatable({ kind = "lua" }, { __index = Party })
-- Any other method is one of our MultiplayerAPI.
LuaParty.__index = function(_, method)
  return LuaParty[method] or Party[method] or function(self, ...)
    return (self.api[method](self.api, ...))
  end
end

-- A peer that records what is put into it and taken out of it, in `packets`.
local function tap(peer, packets)
  local tapped = {}
  function tapped.put_packet(_, packet)
    table.insert(packets, packet)
    return peer:put_packet(packet)
  end
  function tapped.get_packet()
    local packet, err, why = peer:get_packet()
    table.insert(packets, packet)
    return packet, err, why
  end
  return setmetatable(tapped, { __index = function(_, name)
    local method = peer[name]
    return function(_, ...) return method(peer, ...) end
  end })
end

function LuaParty:start(method, ...)
  local peer = ws.WebSocketMultiplayerPeer.new()
  if self.packets then peer = tap(peer, self.packets) end
  local err = peer[method](peer, ...)
  if err == ws.OK then
    self.peer = peer
    self.api.multiplayer_peer = peer
  end
  return err
end

function LuaParty:together(...)
  for _, call in ipairs { ... } do assert((self[call[1]](self, unpack(call, 2)) or ws.OK) == ws.OK) end
end

function LuaParty:listen_somewhere()
  assert(self:start("create_server", 0, "127.0.0.1") == ws.OK)
  return self.peer:get_bound_port()
end

function LuaParty:join(url) return self:start("create_client", url) end

function LuaParty:close() self.peer:close() end

function LuaParty:get(property) return self.api[property] end

function LuaParty:set(property, value) self.api[property] = value end

function LuaParty:auth(wanted)
  self.api.auth_callback = wanted and function(id, data) table.insert(self.events, { "auth", id, data }) end or nil
end

function LuaParty:get_peers()
  local list = self.api:get_peers()
  table.sort(list)
  return list
end

function LuaParty:add_node(path, kind)
  local object = setmetatable({}, { __index = function(_, method)
    return function(_, ...)
      table.insert(self.events, {
        "call", path, method, self.api:get_remote_sender_id(), describe({ ... }, select("#", ...)),
      })
    end
  end })
  self.nodes[path] = self.api:add_node(path, object, KINDS[kind])
end

function LuaParty:remove_node(path)
  self.nodes[path]:remove()
  self.nodes[path] = nil
end

function LuaParty:rpc_id(path, id, method, ...)
  local args = godot_api.args(...)
  return (self.nodes[path]:rpc_id(id, method, unpack(lua_values(args), 1, args.n)))
end

function LuaParty:rpc_config(path, method, config) self.nodes[path]:rpc_config(method, config) end

function LuaParty:set_authority(path, id) self.nodes[path]:set_multiplayer_authority(id) end

function LuaParty:expect_refusal(from, pattern)
  local why = self:expect("packet_refused", from)[3]
  if not why:find(pattern) then error(("refused for another reason: %s"):format(why), 2) end
end

function LuaParty:step() self.api:poll(0.001) end

local SIGNALS = {
  "connected_to_server", "connection_failed", "server_disconnected", "peer_connected", "peer_disconnected",
  "peer_authenticating", "peer_authentication_failed", "packet_refused", "replication_packet",
}

local function new_lua(party)
  party.api = ws.MultiplayerAPI.new()
  party.api.root_path = "/root/" .. party.name
  party.peer, party.nodes = { close = function() end }, {}
  for _, name in ipairs(SIGNALS) do
    party.api:connect(name, function(...) table.insert(party.events, { name, ... }) end)
  end
  party.api:connect("peer_packet", function(id, bytes)
    table.insert(party.events, { "peer_packet", id, bytes, party.api:get_remote_sender_id() })
  end)
  return setmetatable(party, LuaParty)
end

-- A new API, "godot" or "lua".
function godot_api.new(engine, kind)
  engine.count = engine.count + 1
  local party = { engine = engine, name = kind .. engine.count, events = {}, id = 0, url = false, packets = false }
  if kind == "lua" then
    new_lua(party)
  else
    setmetatable(party, GodotParty)
    engine:run(party:command "new_api")
  end
  engine.peers[party.name] = party
  return party
end

return godot_api
