-- A player without eyes and hands: walks about, and answers in chat who says its name or "hello".
--   lua bot.lua [URL [NAME]]      ws://127.0.0.1:9080 and a name like Bot-42 if not given
-- Ends with status 1 when it could not join, with 0 when the server went away later.
local arg = rawget(_G, "arg")
package.path = ((arg[0] or ""):match "^(.*[/\\])" or "") .. "?.lua;" .. package.path

local ws = require "wsmultiplayer"
local now = require "clock"
local Client = require "client"

io.stdout:setvbuf "line"
math.randomseed(os.time())
local atan2 = rawget(math, "atan2") or math.atan -- math.atan takes two arguments since Lua 5.3
local client = Client.new()

local url = arg[1] or "ws://127.0.0.1:9080"
-- Godot's way of drawing a number that differs between processes started in the same second.
local name = arg[2] or ("Bot-%d"):format(ws.WebSocketMultiplayerPeer.new():generate_unique_id() % 100)
local MARK = "*beep* " -- what bots say begins so: they do not answer each other for ever
local joined = false

local function log(text, ...) print(("%-8s "):format(name) .. text:format(...)) end

function client.on_player(player)
  if player.id == client.id then
    joined = true
    log("is in as peer %d", player.id)
  else
    log("sees %s", player.name)
  end
end

function client.on_gone(player) log("does not see %s any more", player.name) end

function client.on_chat(speaker, text, id)
  if id ~= 0 then log("hears %s: %s", speaker, text) end
  if id == 0 or id == client.id or text:sub(1, #MARK) == MARK then return end
  local heard = text:lower()
  if heard:find(name:lower(), 1, true) then
    client:say(MARK .. ("You called, %s?"):format(speaker))
  elseif heard:find "hello" then
    client:say(MARK .. ("Hello, %s!"):format(speaker))
  end
end

function client.on_out(why)
  log("is out: %s", why)
  os.exit(joined and 0 or 1)
end

local function play()
  local me = client.players[client.id]
  local turn_at, angle = 0, math.random() * 2 * math.pi
  while client.status ~= "out" do
    client:update(0.05)
    me = client.players[client.id] or me
    if now() >= turn_at and me and me.x then
      turn_at = now() + 0.4 + math.random() * 1.2
      -- Mostly a small turn; near a wall back to the middle; now and then a rest.
      angle = angle + (math.random() - 0.5) * 2
      local dx, dy = client.width / 2 - me.x, client.height / 2 - me.y
      if math.abs(dx) > client.width * 0.38 or math.abs(dy) > client.height * 0.34 then angle = atan2(dy, dx) end
      local speed = math.random() < 0.15 and 0 or 0.7
      client:steer(speed * math.cos(angle), speed * math.sin(angle))
    end
  end
end

local ok, why = client:join(url, name)
if not ok then client.on_out(why) end
play()
