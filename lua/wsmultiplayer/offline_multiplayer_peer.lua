--- OfflineMultiplayerPeer: a server that nobody can reach. A MultiplayerAPI has one until it is given a real peer, so
-- that a game for one runs as its own server.

local MultiplayerPeer = require("wsmultiplayer.constants").MultiplayerPeer
local OK = require("wsmultiplayer.core").errors.OK

local methods = {}
for name, value in pairs(MultiplayerPeer) do methods[name] = value end

local Offline = {
  __name = "OfflineMultiplayerPeer",
  __metatable = "OfflineMultiplayerPeer",
  __tostring = function() return "OfflineMultiplayerPeer" end,
  __index = function(_, name)
    local method = methods[name]
    if method == nil then error(("OfflineMultiplayerPeer has no field '%s'"):format(tostring(name)), 2) end
    return method
  end,
  __newindex = function(_, name)
    error(("OfflineMultiplayerPeer has no field '%s' that can be set"):format(tostring(name)), 2)
  end,
}

-- What changes nothing, and what has one answer only.
local function nothing() end
local function always(answer) return function() return answer end end

for _, name in ipairs {
  "poll", "close", "disconnect_peer", "set_target_peer", "set_transfer_mode", "set_transfer_channel",
  "set_refuse_new_connections", "get_packet",
} do
  methods[name] = nothing
end

for name, answer in pairs {
  connect = OK, disconnect = OK, put_packet = OK,
  get_connection_status = MultiplayerPeer.CONNECTION_CONNECTED,
  get_unique_id = 1, get_available_packet_count = 0, get_packet_peer = 0, get_packet_channel = 0,
  get_packet_mode = MultiplayerPeer.TRANSFER_MODE_RELIABLE, get_transfer_channel = 0,
  get_transfer_mode = MultiplayerPeer.TRANSFER_MODE_RELIABLE,
  is_server = true, is_server_relay_supported = true, is_refusing_new_connections = false,
} do
  methods[name] = always(answer)
end

local function new() return setmetatable({}, Offline) end

return { new = new, methods = methods }
