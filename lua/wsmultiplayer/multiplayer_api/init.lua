--- MultiplayerAPI: Godot's SceneMultiplayer, the protocol that Godot games speak inside of a peer's packets.

local core = require "wsmultiplayer.core"
local constants = require "wsmultiplayer.constants"
local loop = require "wsmultiplayer.loop"
local offline_multiplayer_peer = require "wsmultiplayer.offline_multiplayer_peer"
local poll = require "wsmultiplayer.poll"
local signal = require "wsmultiplayer.signal"
local tasks = require "wsmultiplayer.tasks"
local waiting = require "wsmultiplayer.waiting"
local arguments = require "wsmultiplayer.multiplayer_api.arguments"
local auth = require "wsmultiplayer.multiplayer_api.auth"
local class = require "wsmultiplayer.multiplayer_api.class"
local due = require "wsmultiplayer.multiplayer_api.due"
local nodes = require "wsmultiplayer.multiplayer_api.nodes"
local ordered_set = require "wsmultiplayer.multiplayer_api.ordered_set"
local peers = require "wsmultiplayer.multiplayer_api.peers"
local protocol = require "wsmultiplayer.multiplayer_api.protocol"
local receive = require "wsmultiplayer.multiplayer_api.receive"
local rpc = require "wsmultiplayer.multiplayer_api.rpc"
local transport = require "wsmultiplayer.multiplayer_api.transport"

local errors = core.errors
local DISCONNECTED = constants.MultiplayerPeer.CONNECTION_DISCONNECTED
local CONNECTING = constants.MultiplayerPeer.CONNECTION_CONNECTING
local CONNECTED = constants.MultiplayerPeer.CONNECTION_CONNECTED

local SIGNALS = {
  "peer_connected", "peer_disconnected", "peer_packet", "connected_to_server", "connection_failed",
  "server_disconnected", "peer_authenticating", "peer_authentication_failed",
  "packet_refused", "replication_packet", -- beyond Godot
}

local methods, properties = {}, {}

-- ---- the peer

-- Forgets the connection, without telling.
local function clear(self)
  self.status = DISCONNECTED
  transport.forget_events(self)
  peers.reset(self)
end

-- Which API has a peer: two would take each other's packets.
local owners = setmetatable({}, { __mode = "kv" })

local function set_peer(self, peer)
  if self.peer then transport.detach(self) end
  clear(self)
  if not peer then return end
  local owner = owners[peer]
  if owner and owner ~= self and owner.peer == peer then set_peer(owner, nil) end
  owners[peer] = self
  transport.attach(self, peer)
  self.status = peer:get_connection_status()
end

-- What became of the connection since the last look.
local function update_status(self)
  local status, before = self.peer and self.peer:get_connection_status() or DISCONNECTED, self.status
  if status == before then return end
  if status == DISCONNECTED then
    clear(self)
    due.emit(self, before == CONNECTING and "connection_failed" or "server_disconnected")
  elseif before == CONNECTED then
    clear(self) -- it was closed, and connects anew
  end
  self.status = status
end

-- ---- properties

local function plain(check)
  return function(name)
    return {
      get = function(self) return self[name] end,
      set = function(self, value, complain)
        local problem = check(value)
        if problem then complain(problem) end
        self[name] = value
      end,
    }
  end
end

local function expected(what, value) return ("%s expected, got %s"):format(what, type(value)) end

local function whole_from(least)
  return plain(function(value)
    if type(value) ~= "number" then return expected("number", value) end
    if value % 1 ~= 0 or value < least then return ("a whole number from %d on"):format(least) end
  end)
end

properties.auth_callback = plain(function(value)
  if value ~= nil and not arguments.is_callable(value) then return expected("function", value) end
end) "auth_callback"

properties.auth_timeout = plain(function(value)
  if type(value) ~= "number" then return expected("number", value) end
  if value < 0 or value ~= value then return "must not be negative" end
end) "auth_timeout"

properties.allow_object_decoding = plain(function(value)
  if type(value) ~= "boolean" then return expected("boolean", value) end
  if value then return "objects are never decoded" end
end) "allow_object_decoding"

properties.max_sync_packet_size = whole_from(128) "max_sync_packet_size"
properties.max_delta_packet_size = whole_from(128) "max_delta_packet_size"
properties.max_cached_paths = whole_from(0) "max_cached_paths"

properties.root_path = plain(function(value)
  if type(value) ~= "string" then return expected("string", value) end
  if value ~= "" and value:sub(1, 1) ~= "/" then return "an absolute path expected" end
end) "root_path"

properties.server_relay = plain(function(value)
  if type(value) ~= "boolean" then return expected("boolean", value) end
end) "server_relay"
do
  local set = properties.server_relay.set
  function properties.server_relay.set(self, value, complain)
    if self.peer and self.peer ~= self.offline_peer and self.peer:get_connection_status() ~= DISCONNECTED then
      complain "cannot be changed while the multiplayer peer is active"
    end
    set(self, value, complain)
  end
end

properties.refuse_new_connections = {
  get = function(self) return self.peer ~= nil and self.peer:is_refusing_new_connections() end,
  set = function(self, value, complain)
    if type(value) ~= "boolean" then complain(expected("boolean", value)) end
    if not self.peer then complain "there is no multiplayer peer" end
    self.peer:set_refuse_new_connections(value)
  end,
}

properties.multiplayer_peer = {
  get = function(self) return self.peer end,
  set = function(self, peer, complain)
    if peer == self.peer then return end
    if peer ~= nil then
      local missing = transport.missing_method(peer)
      if missing then complain(("a MultiplayerPeer expected, and this %s has no '%s'"):format(type(peer), missing)) end
      if peer:get_connection_status() == DISCONNECTED then complain "the peer must be connecting or connected" end
    end
    set_peer(self, peer)
    if peer ~= nil and peer ~= self.offline_peer then loop.add(self.handle[1]) end
  end,
}

local function signal_or_nothing(self, name) return self.signals[name] end

local function describe(self)
  local peer = self.peer
  if not peer then return "without peer" end
  if peer == self.offline_peer then return "offline" end
  local status = peer:get_connection_status()
  if status ~= CONNECTED then return status == CONNECTING and "connecting" or "disconnected" end
  return transport.is_server(self) and "server" or "client"
end

local new_object, state_of = class("MultiplayerAPI", methods, properties, signal_or_nothing, describe)

-- Properties are also methods, under Godot's names.
local ACCESSORS = {
  server_relay = { "is_server_relay_enabled", "set_server_relay_enabled" },
  refuse_new_connections = { "is_refusing_new_connections" },
  allow_object_decoding = { "is_object_decoding_allowed" },
}

for name, property in pairs(properties) do
  local names = ACCESSORS[name] or {}
  local getter, setter = names[1] or "get_" .. name, names[2] or "set_" .. name
  methods[getter] = function(api) return property.get(state_of(api, getter)) end
  methods[setter] = function(api, value)
    property.set(state_of(api, setter), value, function(problem)
      error(("bad argument #1 to '%s' (%s)"):format(setter, problem), 3)
    end)
  end
end

local function new()
  local self = {
    auth_timeout = 3.0, root_path = "", server_relay = true, allow_object_decoding = false,
    max_sync_packet_size = 1350, max_delta_packet_size = 65535, max_cached_paths = 1024,
    nodes = {}, nodes_of = {}, offline_peer = offline_multiplayer_peer.new(),
  }
  due.prepare(self, SIGNALS)
  set_peer(self, self.offline_peer)
  local api = new_object(self)
  self.handle = setmetatable({ api }, { __mode = "v" })
  return api
end

-- ---- poll

local function admit_or_authenticate(self, id)
  if id == 1 and (self.connected.get[1] or self.pending.get[1]) then
    peers.reset(self) -- a client that was closed and connected anew
  end
  self.status = CONNECTED
  if self.auth_callback then
    auth.begin(self, id)
  else
    peers.admit(self, id)
  end
end

-- What the peer has told. The program hears of each thing before the next one happens.
local function take_events(self)
  local name, id = transport.next_event(self)
  local told = name ~= nil
  while name do
    if name == "peer_connected" then
      admit_or_authenticate(self, id)
    else
      peers.lose(self, id, true)
    end
    due.deliver(self)
    name, id = transport.next_event(self)
  end
  return told
end

-- Tells what an error left over, what happened meanwhile, and what became of the connection.
local function look(self)
  local told = due.deliver(self)
  told = take_events(self) or told
  update_status(self)
  return due.deliver(self) or told
end

-- Takes a packet; false if there is none.
local function take_packet(self)
  local peer = self.peer
  if peer:get_available_packet_count() == 0 then return false end
  local from, mode, channel = peer:get_packet_peer(), peer:get_packet_mode(), peer:get_packet_channel()
  local packet, err, why = peer:get_packet()
  if not packet then return false, err, why end
  self.taken = self.taken + 1
  receive(self, from, packet, mode, channel)
  look(self)
  return true
end

local function take_packets(self)
  look(self)
  local peer = self.peer
  local taken, err, why = true, nil, nil
  while taken and self.status == CONNECTED and self.peer == peer do taken, err, why = take_packet(self) end
  if err then
    self.failure = { err, why }
    return
  end
  if self.status ~= CONNECTED or self.peer ~= peer then return end
  auth.expire(self)
  look(self)
end

-- Packets that are put meanwhile leave together; this needs more than the methods of a MultiplayerPeer.
local function hold_back(peer)
  local holds = getmetatable(peer) == "WebSocketMultiplayerPeer" and peer.autoflush
  if holds then peer.autoflush = false end
  return holds
end

local function let_go(peer)
  peer.autoflush = true
  peer:flush()
end

-- Runs what calls the program's functions.
-- @param[opt] peer whose packets are held back meanwhile
local function guarded(self, fn, peer)
  local sender, result = self.sender, nil
  local holds = peer and hold_back(peer)
  poll.protected(function() result = fn(self) end, function()
    self.sender = sender
    if holds then let_go(peer) end
  end)
  return result
end

-- How long to wait at most.
local function limit(self, timeout, told)
  if not timeout then return nil end
  if told or transport.has_events(self) or self.peer:get_available_packet_count() > 0 then return 0 end
  return math.min(timeout, auth.time_left(self) or timeout)
end

--- Polls the peer, takes its packets, and calls the handlers of signals and the methods that other peers call. Waits at
-- most `timeout` seconds for something to happen; without it, not at all. An error in one of these functions is passed
-- on with its traceback; what is still to be told comes at the next poll.
-- @tparam[opt=0] number timeout seconds
-- @treturn integer OK, or the peer's error; then a text
function methods.poll(api, timeout)
  local self = state_of(api, "poll")
  timeout = poll.check_timeout(timeout)
  local told = guarded(self, look)
  if self.status == DISCONNECTED then return errors.OK end
  self.peer:poll(limit(self, timeout, told))
  guarded(self, take_packets, self.peer)
  local failure = self.failure
  self.failure = nil
  if failure then return failure[1], failure[2] end
  return errors.OK
end

-- ---- methods

--- Forgets all peers and paths, without signals.
function methods.clear(api) clear(state_of(api, "clear")) end

function methods.has_multiplayer_peer(api) return state_of(api, "has_multiplayer_peer").peer ~= nil end

function methods.get_unique_id(api)
  local peer = state_of(api, "get_unique_id").peer
  return peer and peer:get_unique_id() or 0
end

function methods.is_server(api) return transport.is_server(state_of(api, "is_server")) end

--- Those who were admitted, in the order in which they were.
function methods.get_peers(api) return ordered_set.copy(state_of(api, "get_peers").connected) end

function methods.get_authenticating_peers(api)
  return ordered_set.copy(state_of(api, "get_authenticating_peers").pending)
end

--- Who called the method that runs, or sent the packet of peer_packet; 0 otherwise.
function methods.get_remote_sender_id(api) return state_of(api, "get_remote_sender_id").sender end

--- Sends bytes, which are given to peer_packet there.
-- @tparam string bytes
-- @tparam[opt=0] integer id of a peer; 0: all; negative: all but that one
-- @treturn integer OK or an error; then a text
function methods.send_bytes(api, bytes, id, mode, channel)
  local self = state_of(api, "send_bytes")
  arguments.string(bytes, 1, "send_bytes")
  id = arguments.integer(id, 2, "send_bytes", 0)
  mode = arguments.integer(mode, 3, "send_bytes", constants.MultiplayerPeer.TRANSFER_MODE_RELIABLE)
  channel = arguments.integer(channel, 4, "send_bytes", 0)
  if bytes == "" then return errors.ERR_INVALID_DATA, "there is nothing to send" end
  if not transport.is_connected(self) then return errors.ERR_UNCONFIGURED, "there is no connection" end
  transport.set_mode(self, mode, channel)
  return transport.send_command(self, id, protocol.raw(bytes))
end

--- Sends data to the auth_callback of a peer that is authenticating.
function methods.send_auth(api, id, data)
  local self = state_of(api, "send_auth")
  return auth.send(self, arguments.integer(id, 1, "send_auth"), arguments.string(data, 2, "send_auth"))
end

--- Accepts a peer on this side. It is admitted once the other side has done so, too.
function methods.complete_auth(api, id)
  local self = state_of(api, "complete_auth")
  return auth.complete(self, arguments.integer(id, 1, "complete_auth"))
end

--- Throws a peer out, without a signal on this side.
function methods.disconnect_peer(api, id)
  local self = state_of(api, "disconnect_peer")
  arguments.integer(id, 1, "disconnect_peer")
  if not transport.is_connected(self) then return end
  peers.lose(self, id, false)
  self.peer:disconnect_peer(id)
end

--- MultiplayerAPI.rpc: see node:rpc_id.
-- @tparam integer peer
-- @param object a node, or the object of one
-- @tparam string method
-- @tparam[opt] table args a list; its length is `n`, if it has that
function methods.rpc(api, peer, object, method, args)
  local self = state_of(api, "rpc")
  arguments.integer(peer, 1, "rpc")
  arguments.string(method, 3, "rpc")
  args = args == nil and {} or arguments.table(args, 4, "rpc")
  local count = rawget(args, "n")
  if type(count) ~= "number" or count % 1 ~= 0 or count < 0 then count = #args end
  return rpc.call(self, peer, nodes.find(self, object), method, args, count)
end

--- Makes an object the target of remote calls.
-- @tparam string path relative to the root_path, or below it
-- @param object a table or userdata with the methods
-- @tparam[opt] table rpcs the remote methods: { name = { arguments of @rpc } }
-- @treturn MultiplayerNode
function methods.add_node(api, path, object, rpcs)
  return nodes.add(state_of(api, "add_node"), path, object, rpcs)
end

--- The node at a path, or nil.
function methods.get_node(api, path) return nodes.get(state_of(api, "get_node"), path) end

-- ---- signals, and waiting for them

signal.add_methods(methods, function(api, method) return state_of(api, method, 4).signals end)

--- Waits for a signal, as Godot's await. In a task the others go on meanwhile; the main program polls everything.
-- @tparam string name of the signal
-- @tparam[opt] number timeout seconds
-- @return the signal's arguments (true if it has none); or nil and "timeout"; or nil, "closed" and why
function methods.wait(api, name, timeout)
  local awaited = signal.named(state_of(api, "wait").signals, name, "wait")
  tasks.check_timeout(timeout, 2, "wait")
  return waiting.for_signal(api, awaited, timeout)
end

-- What a peer of another kind may lack.
local function ask(peer, name)
  local found, method = pcall(function() return peer[name] end)
  if found and method then return method(peer) end
end

--- Why the peer's last connection ended or could not be made; "" if it has nothing to say.
function methods.get_last_error(api)
  local peer = state_of(api, "get_last_error").peer
  return ask(peer, "get_last_error") or ""
end

-- Whether the program has something to hear of that needs no packet.
local function has_due(self) return due.is_any(self) or transport.has_events(self) end

--- Whether it has a peer that is connected or connecting, or still has something to tell.
function methods.is_active(api)
  local self = state_of(api, "is_active")
  if self.peer == self.offline_peer then return has_due(self) end
  return self.status ~= DISCONNECTED or has_due(self) or
    (self.peer ~= nil and self.peer:get_connection_status() ~= DISCONNECTED)
end

loop.add_class("MultiplayerAPI", function(api) return loop.wanted(state_of(api, "poll").peer) end)

--- The protocol of cqueues, as of a WebSocketMultiplayerPeer: the peer's descriptor; "r"; seconds until poll is due.
function methods.pollfd(api) return ask(state_of(api, "pollfd").peer, "pollfd") end

function methods.events(api)
  state_of(api, "events")
  return "r"
end

function methods.timeout(api)
  local self = state_of(api, "timeout")
  if has_due(self) then return 0 end
  local left = ask(self.peer, "timeout")
  return left and math.min(left, auth.time_left(self) or left)
end

return { new = new, methods = methods, signals = SIGNALS }
