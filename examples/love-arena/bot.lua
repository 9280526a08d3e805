-- A player without a screen: walks about, answers in chat, and tells what it sees.
--   lua bot.lua [URL [NAME]]      ws://127.0.0.1:9080 and a name like Bot-42 if not given
-- Ends with status 1 when it could not join, with 0 when the server went away later.
local arg = rawget(_G, "arg")
package.path = ((arg[0] or ""):match "^(.*[/\\])" or "") .. "?.lua;" .. package.path

local ws = require "wsmultiplayer"
local Autopilot = require "autopilot"
local Client = require "client"
local narrate = require "narrator"

io.stdout:setvbuf "line"
-- A seed and a number that differ between processes started in the same second: as good as ids of peers.
local chance = ws.WebSocketMultiplayerPeer.new():generate_unique_id()
math.randomseed(chance)

local client = Client.new()
local autopilot = Autopilot.new(client)
narrate(client)

local joined = false
client:on("player", function() joined = true end)

local ok, why = client:join(arg[1] or "ws://127.0.0.1:9080", arg[2] or ("Bot-%d"):format(chance % 100))
if not ok then client:fail(why) end
while client.status ~= "out" do
  client:update(0.05) -- waits up to 0.05 s for something to happen
  autopilot:update()
end
os.exit(joined and 0 or 1)
