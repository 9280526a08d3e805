--- What becomes of a packet that came in. Where it comes from is what the connection says, or for relayed packets what
-- the server says.

local constants = require "wsmultiplayer.constants"
local auth = require "wsmultiplayer.multiplayer_api.auth"
local due = require "wsmultiplayer.multiplayer_api.due"
local path_cache = require "wsmultiplayer.multiplayer_api.path_cache"
local peers = require "wsmultiplayer.multiplayer_api.peers"
local protocol = require "wsmultiplayer.multiplayer_api.protocol"
local rpc = require "wsmultiplayer.multiplayer_api.rpc"
local transport = require "wsmultiplayer.multiplayer_api.transport"

local SERVER = constants.MultiplayerPeer.TARGET_PEER_SERVER

-- ---- packets between admitted peers, direct or relayed

local between_peers = {
  remote_call = rpc.receive,
  simplify_path = path_cache.receive_path,
  confirm_path = path_cache.receive_confirmation,
}

function between_peers.raw(self, from, fields)
  due.emit_from(self, from, "peer_packet", from, fields.bytes)
end

function between_peers.replication(self, from, fields)
  due.emit_from(self, from, "replication_packet", from, fields.what, fields.bytes)
end

local function receive_inner(self, from, packet)
  local fields, why = protocol.read(packet)
  local handle = fields and between_peers[fields.kind]
  if handle then return handle(self, from, fields, packet) end
  due.refuse(self, from, "%s", why or "a system packet inside of a relay packet")
end

-- ---- system packets

local system = {}

function system.auth(self, from, fields)
  -- Without data it may be the notice that authentication is complete, which comes after the admission here.
  if fields.data ~= "" then due.refuse(self, from, "authentication data of a peer that was admitted") end
end

function system.add_peer(self, from, fields) peers.receive_add(self, from, fields.peer) end

function system.del_peer(self, from, fields) peers.receive_del(self, from, fields.peer) end

local function pass_on(self, from, fields, mode, channel)
  local target = fields.peer
  local packet = protocol.relay(from, fields.packet)
  transport.set_mode(self, mode, channel)
  if target > 0 then
    if self.connected.get[target] then transport.send(self, target, packet) end -- else it has just left
    return
  end
  for _, id in ipairs(self.connected.list) do
    if id ~= from and id ~= -target then transport.send(self, id, packet) end
  end
  if target ~= -SERVER then receive_inner(self, from, fields.packet) end
end

function system.relay(self, from, fields, mode, channel)
  if not transport.relays(self) then
    due.refuse(self, from, "a relay packet, and server_relay is off")
  elseif transport.is_server(self) then
    pass_on(self, from, fields, mode, channel)
  elseif from ~= SERVER then
    due.refuse(self, from, "a relay packet, which only the server may send to a client")
  elseif fields.peer <= 0 then
    due.refuse(self, from, "a relay packet of peer %d, which can't be", fields.peer)
  else
    receive_inner(self, fields.peer, fields.packet)
  end
end

--- Takes a packet. `mode` and `channel` are how it came.
local function receive(self, from, packet, mode, channel)
  local admitted = self.connected.get[from]
  if not admitted and not self.pending.get[from] then
    return due.refuse(self, from, "a packet of a peer that is not connected")
  end
  local fields, why = protocol.read(packet)
  if not admitted then
    if fields and fields.kind == "auth" then return auth.receive(self, from, fields.data) end
    return due.refuse(self, from, "a packet of a peer that is not authenticated")
  end
  if not fields then return due.refuse(self, from, "%s", why) end
  local handle = system[fields.kind]
  if handle then return handle(self, from, fields, mode, channel) end
  between_peers[fields.kind](self, from, fields, packet)
end

return receive
