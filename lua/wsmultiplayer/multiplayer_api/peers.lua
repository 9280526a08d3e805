--- Who takes part: peers that are being authenticated and peers that were admitted, and what is told of them.

local due = require "wsmultiplayer.multiplayer_api.due"
local ordered_set = require "wsmultiplayer.multiplayer_api.ordered_set"
local path_cache = require "wsmultiplayer.multiplayer_api.path_cache"
local protocol = require "wsmultiplayer.multiplayer_api.protocol"
local transport = require "wsmultiplayer.multiplayer_api.transport"

local peers = {}

-- Servers do not have that many clients: one that announces more is not honest.
local MAX_RELAYED = 65536

function peers.reset(self)
  self.pending, self.connected = ordered_set.new(), ordered_set.new()
  path_cache.reset(self)
end

local function introduces(self) return transport.is_server(self) and transport.relays(self) end

function peers.admit(self, id)
  if introduces(self) then
    transport.set_mode(self)
    for _, other in ipairs(self.connected.list) do
      transport.send(self, other, protocol.add_peer(id))
      transport.send(self, id, protocol.add_peer(other))
    end
  end
  ordered_set.add(self.connected, id, true)
  path_cache.add_peer(self, id)
  if id == 1 then due.emit(self, "connected_to_server") end
  due.emit(self, "peer_connected", id)
end

--- Forgets a peer. `told` is false where the program itself did it.
function peers.lose(self, id, told)
  if self.pending.get[id] then
    ordered_set.remove(self.pending, id)
    if told then due.emit(self, "peer_authentication_failed", id) end
    return
  elseif not self.connected.get[id] then
    return
  end
  ordered_set.remove(self.connected, id)
  path_cache.remove_peer(self, id)
  if introduces(self) then
    transport.set_mode(self)
    for _, other in ipairs(self.connected.list) do transport.send(self, other, protocol.del_peer(id)) end
  end
  if told then due.emit(self, "peer_disconnected", id) end
end

-- Only the server tells of others, and only clients are told.
local function may_tell(self, from, what)
  if not transport.relays(self) then
    due.refuse(self, from, "a packet that %s a peer, and server_relay is off", what)
  elseif transport.is_server(self) or from ~= 1 then
    due.refuse(self, from, "a packet that %s a peer, which only the server may send to a client", what)
  else
    return true
  end
end

local function is_other_client(self, id) return id > 1 and id ~= self.peer:get_unique_id() end

function peers.receive_add(self, from, id)
  if not may_tell(self, from, "adds") then return end
  if not is_other_client(self, id) or self.connected.get[id] then
    due.refuse(self, from, "a packet that adds peer %d, which can't be", id)
  elseif #self.connected.list > MAX_RELAYED then
    due.refuse(self, from, "a packet that adds one more than %d peers", MAX_RELAYED)
  else
    peers.admit(self, id)
  end
end

function peers.receive_del(self, from, id)
  if not may_tell(self, from, "removes") then return end
  if not is_other_client(self, id) then
    due.refuse(self, from, "a packet that removes peer %d, which can't be", id)
  else
    peers.lose(self, id, true)
  end
end

return peers
