-- A server for others to attack: it tells its port, and answers every packet with the bytes of memory that it has now
-- and the most it had, the descriptors it has, the longest time between two polls, and how many peers it has.
--
--   lua target.lua [property=number...] [certificate=PATH key=PATH]
local ws = require "wsmultiplayer"
local system = require "wsmultiplayer_system"

local server = ws.WebSocketMultiplayerPeer.new()
local paths = {}
for _, word in ipairs(arg) do
  local name, value = word:match "^([^=]+)=(.*)$"
  if tonumber(value) then server[name] = tonumber(value) else paths[name] = value end
end

local tls = paths.key and ws.TLSOptions.server(paths.key, paths.certificate)
assert(server:create_server(0, "*", tls))
if server:get_connection_status() == 0 then error(server:get_last_error()) end
print("port " .. server:get_bound_port())
io.stdout:flush()

local most, longest, before = 0, 0, ws.clock()
while true do
  -- A game's turn: 60 of them a second, and something to do in each.
  server:poll(1 / 60)
  local now = ws.clock()
  longest, before = math.max(longest, now - before), now
  collectgarbage "step"
  most = math.max(most, system.memory() or 0)
  for packet, from in server:packets() do
    server:set_target_peer(from)
    if packet == "all" then
      server:set_target_peer(0)
      server:put_packet(("x"):rep(60000))
    else
      local peers = #server:get_peers()
      server:put_packet(("%d %d %d %.6f %d"):format(system.memory(), most, system.descriptors(), longest, peers))
      longest = 0
    end
  end
end
