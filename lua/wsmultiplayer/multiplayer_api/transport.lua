--- The MultiplayerPeer of an API: what it tells, and how packets leave through it.

local core = require "wsmultiplayer.core"
local constants = require "wsmultiplayer.constants"
local protocol = require "wsmultiplayer.multiplayer_api.protocol"

local OK, ERR_BUG = core.errors.OK, core.errors.ERR_BUG
local SERVER = constants.MultiplayerPeer.TARGET_PEER_SERVER
local RELIABLE = constants.MultiplayerPeer.TRANSFER_MODE_RELIABLE

local transport = {}

local METHODS = {
  "poll", "connect", "disconnect", "disconnect_peer", "get_connection_status", "get_unique_id", "set_target_peer",
  "set_transfer_mode", "set_transfer_channel", "put_packet", "get_packet", "get_packet_peer",
  "get_packet_mode", "get_packet_channel", "get_available_packet_count", "is_server_relay_supported",
  "set_refuse_new_connections", "is_refusing_new_connections",
}

local function field(object, name) return object[name] end

--- The name of a method that an object lacks for being a peer; nil if it is one.
function transport.missing_method(object)
  for _, name in ipairs(METHODS) do
    local ok, method = pcall(field, object, name)
    if not ok or method == nil then return name end
  end
end

-- ---- what it tells

local weak = { __mode = "v" }

-- The peer's signal knows the API weakly, so that a peer that lives longer does not keep it alive.
local function listen(self, peer, name)
  local known = setmetatable({ self = self, peer = peer }, weak)
  local function note(id)
    local api, its_peer = known.self, known.peer
    if api and api.peer == its_peer then
      -- What came before the end of a connection is read before the end is told.
      local events, unread = api.events, its_peer:get_available_packet_count()
      events.last = events.last + 1
      events[events.last] = { name = name, id = id, after = api.taken + unread }
    elseif not api and its_peer then
      its_peer:disconnect(name, note)
    end
  end
  peer:connect(name, note)
  return note
end

--- Events are noted only; next_event gives them in their order when it is time.
function transport.forget_events(self)
  self.events, self.taken = { first = 1, last = 0 }, 0
end

function transport.attach(self, peer)
  self.peer = peer
  self.listeners = {}
  for _, name in ipairs { "peer_connected", "peer_disconnected" } do self.listeners[name] = listen(self, peer, name) end
end

function transport.detach(self)
  for name, note in pairs(self.listeners) do self.peer:disconnect(name, note) end
  self.peer, self.listeners = nil, {}
end

--- The next event: its name and the peer's id.
function transport.next_event(self)
  local events = self.events
  local event = events[events.first]
  if not event then return end
  if event.name == "peer_disconnected" and self.taken < event.after and self.peer:get_available_packet_count() > 0 then
    return
  end
  events[events.first] = nil
  events.first = events.first + 1
  return event.name, event.id
end

function transport.has_events(self) return self.events.first <= self.events.last end

-- ---- sending

function transport.is_connected(self)
  return self.peer ~= nil and
    self.peer:get_connection_status() == constants.MultiplayerPeer.CONNECTION_CONNECTED
end

function transport.is_server(self) return self.peer ~= nil and self.peer:get_unique_id() == SERVER end

function transport.relays(self) return self.server_relay and self.peer:is_server_relay_supported() end

--- For the packets that come next.
function transport.set_mode(self, mode, channel)
  self.peer:set_transfer_channel(channel or 0)
  self.peer:set_transfer_mode(mode or RELIABLE)
end

--- To a peer that this one is directly connected to.
function transport.send(self, id, packet)
  self.peer:set_target_peer(id)
  return self.peer:put_packet(packet)
end

--- To peers that were admitted: one, all (0), or all but one; from client to client by way of the server.
function transport.send_command(self, to, packet)
  if to ~= SERVER and not transport.is_server(self) and transport.relays(self) then
    return transport.send(self, SERVER, protocol.relay(to, packet))
  end
  if to > 0 then
    if not self.connected.get[to] then return ERR_BUG, ("there is no peer %d"):format(to) end
    return transport.send(self, to, packet)
  end
  for _, id in ipairs(self.connected.list) do
    if id ~= -to then transport.send(self, id, packet) end
  end
  return OK
end

return transport
