--- The numbers that stand for paths of nodes in calls: ours, which other peers confirm, and theirs.

local due = require "wsmultiplayer.multiplayer_api.due"
local protocol = require "wsmultiplayer.multiplayer_api.protocol"
local transport = require "wsmultiplayer.multiplayer_api.transport"

local path_cache = {}

function path_cache.reset(self)
  if self.cache then
    for _, node in pairs(self.cache.nodes) do node.cache_id = nil end
  end
  -- Of each peer: which nodes it was told of, and whether it has confirmed; and the paths that it told of.
  self.cache = { next_id = 1, nodes = {}, peers = {} }
end

function path_cache.add_peer(self, id) self.cache.peers[id] = { told = {}, paths = {}, count = 0 } end

function path_cache.remove_peer(self, id) self.cache.peers[id] = nil end

--- The node is no more; one that comes to its path gets a new number.
function path_cache.remove_node(self, node)
  if not node.cache_id then return end
  self.cache.nodes[node.cache_id] = nil
  node.cache_id = nil
  for _, peer in pairs(self.cache.peers) do peer.told[node] = nil end
end

--- Whether a peer has confirmed our number of a node. It is told of the node if it was not yet.
function path_cache.announce(self, node, id)
  local cache = self.cache
  if not node.cache_id then
    node.cache_id = cache.next_id
    cache.nodes[node.cache_id] = node
    cache.next_id = cache.next_id + 1
  end
  local told = cache.peers[id].told
  if told[node] == nil then
    transport.set_mode(self)
    local err = transport.send_command(self, id, protocol.simplify_path(node.checksum, node.cache_id, node.path))
    if err == 0 then told[node] = false end
  end
  return told[node] == true
end

--- The path for which a peer has this number.
function path_cache.find(self, from, number)
  local peer = self.cache.peers[from]
  return peer and peer.paths[number]
end

function path_cache.receive_path(self, from, fields)
  local peer = self.cache.peers[from]
  local node = self.nodes[fields.path]
  if not peer then
    return due.refuse(self, from, "the path '%s' of a peer that is not known", fields.path)
  elseif peer.paths[fields.id] then
    return due.refuse(self, from, "a second path with the number %d, '%s'", fields.id, fields.path)
  elseif not node then
    return due.refuse(self, from, "the path '%s', where no node is", fields.path)
  elseif peer.count >= self.max_cached_paths then
    local limit = self.max_cached_paths
    return due.refuse(self, from, "the path '%s', one more than max_cached_paths (%d)", fields.path, limit)
  end
  local same_methods = node.checksum == fields.checksum
  if not same_methods then
    due.refuse(self, from, "a wrong checksum: it has other remote methods than node '%s' here", fields.path)
  end
  peer.paths[fields.id] = node.path
  peer.count = peer.count + 1
  transport.set_mode(self)
  transport.send_command(self, from, protocol.confirm_path(fields.id, same_methods))
end

function path_cache.receive_confirmation(self, from, fields)
  local node = self.cache.nodes[fields.id]
  if not node then return end -- it may have been removed meanwhile
  local peer = self.cache.peers[from]
  if not peer or peer.told[node] == nil then
    return due.refuse(self, from, "the confirmation of a path that it was not told, '%s'", node.path)
  end
  if not fields.same_methods then
    due.refuse(self, from, "a wrong checksum: it has other remote methods than node '%s' here", node.path)
  end
  peer.told[node] = true
end

return path_cache
