---@meta _

--- A server (id 1) that nobody can reach: what a `MultiplayerAPI` has until it is given another peer. Nothing that it is told changes anything.
---@class ws.OfflineMultiplayerPeer : ws.MultiplayerPeer
---@overload fun(): ws.OfflineMultiplayerPeer
local OfflineMultiplayerPeer = {}

---@return ws.OfflineMultiplayerPeer peer
function OfflineMultiplayerPeer.new() end

function OfflineMultiplayerPeer:poll() end
function OfflineMultiplayerPeer:close() end

---@param id integer
---@param force? boolean
function OfflineMultiplayerPeer:disconnect_peer(id, force) end

---@param id integer
function OfflineMultiplayerPeer:set_target_peer(id) end

---@param packet string
---@return ws.Error error Always `OK`.
function OfflineMultiplayerPeer:put_packet(packet) end

---@return nil packet
function OfflineMultiplayerPeer:get_packet() end

---@return integer count 0
function OfflineMultiplayerPeer:get_available_packet_count() end

---@return integer id 0
function OfflineMultiplayerPeer:get_packet_peer() end

---@return integer channel 0
function OfflineMultiplayerPeer:get_packet_channel() end

---@return integer mode 2
function OfflineMultiplayerPeer:get_packet_mode() end

---@return integer status `CONNECTION_CONNECTED`
function OfflineMultiplayerPeer:get_connection_status() end

---@return integer id 1
function OfflineMultiplayerPeer:get_unique_id() end

---@return boolean server `true`
function OfflineMultiplayerPeer:is_server() end

---@return boolean supported `true`
function OfflineMultiplayerPeer:is_server_relay_supported() end

---@return boolean refusing `false`
function OfflineMultiplayerPeer:is_refusing_new_connections() end

---@param refuse boolean
function OfflineMultiplayerPeer:set_refuse_new_connections(refuse) end

---@return integer mode 2
function OfflineMultiplayerPeer:get_transfer_mode() end

---@param mode integer
function OfflineMultiplayerPeer:set_transfer_mode(mode) end

---@return integer channel 0
function OfflineMultiplayerPeer:get_transfer_channel() end

---@param channel integer
function OfflineMultiplayerPeer:set_transfer_channel(channel) end

---@param name string
---@param fn function
---@return ws.Error error Always `OK`.
function OfflineMultiplayerPeer:connect(name, fn) end

---@param name string
---@param fn function
---@return ws.Error error Always `OK`.
function OfflineMultiplayerPeer:disconnect(name, fn) end
