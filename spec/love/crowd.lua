-- Many players in one process, who steer all the time and talk now and then: luajit crowd.lua ARENA_FOLDER URL NUMBER
-- Ends when the server goes away.
package.path = arg[1] .. "?.lua;" .. package.path
local Autopilot = require "autopilot"
local Client = require "client"

local clients, pilots = {}, {}
for i = 1, tonumber(arg[3]) do
  clients[i] = Client.new()
  pilots[i] = Autopilot.new(clients[i])
  assert(clients[i]:join(arg[2], "Player " .. i))
end

local turn = 0
while #clients > 0 do
  turn = turn + 1
  for i = #clients, 1, -1 do
    local client = clients[i]
    -- The first one waits for all: that is often enough for the others.
    client:update(i == 1 and 0.02 or 0)
    pilots[i]:update()
    -- Another direction in nearly every turn.
    client:steer(math.cos(turn / 3 + i), math.sin(turn / 3 + i))
    if turn % 500 == i * 8 then client:say "How do you do?" end
    if client.status == "out" then table.remove(clients, i) table.remove(pilots, i) end
  end
end
