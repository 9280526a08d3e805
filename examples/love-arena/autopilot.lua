-- Plays by itself: walks about, and answers in chat who says its name or "hello".
local now = require("wsmultiplayer").clock

local Autopilot = {}
Autopilot.__index = Autopilot

local MARK = "*beep* " -- what autopilots say begins so: they do not answer each other for ever
local atan2 = rawget(math, "atan2") or math.atan -- math.atan takes two arguments since Lua 5.3

function Autopilot.new(client)
  local self = setmetatable({ client = client, turn_at = 0, angle = math.random() * 2 * math.pi }, Autopilot)
  client:on("chat", function(...) self:hear(...) end)
  return self
end

function Autopilot:hear(speaker, text, id)
  local client = self.client
  if id == 0 or id == client.id or text:sub(1, #MARK) == MARK then return end
  local heard = text:lower()
  if heard:find(client.name:lower(), 1, true) then
    client:say(MARK .. ("You called, %s?"):format(speaker))
  elseif heard:find "hello" then
    client:say(MARK .. ("Hello, %s!"):format(speaker))
  end
end

-- To be called each turn.
function Autopilot:update()
  local client = self.client
  local me = client.players[client.id]
  if not me or not me.x then return end
  local dx, dy = client.width / 2 - me.x, client.height / 2 - me.y
  local is_near_wall = math.abs(dx) > client.width * 0.38 or math.abs(dy) > client.height * 0.34
  local is_leaving = dx * math.cos(self.angle) + dy * math.sin(self.angle) < 0
  local time = now()
  if time < self.turn_at and not (is_near_wall and is_leaving) then return end
  self.turn_at = time + 0.4 + math.random() * 1.2
  -- Mostly a small turn; near a wall back to about the middle; now and then a rest.
  if is_near_wall then self.angle = atan2(dy, dx) end
  self.angle = self.angle + math.random() - 0.5
  local speed = not is_near_wall and math.random() < 0.1 and 0 or 0.7
  client:steer(speed * math.cos(self.angle), speed * math.sin(self.angle))
end

return Autopilot
