-- How players look: a glowing disc with eyes, a trail, a name, what was said last; and rings where somebody came or
-- went.
local Client = require "client"
local paint = require "paint"

local Discs = {}
Discs.__index = Discs

local graphics = love.graphics
local atan2 = rawget(math, "atan2") or math.atan -- the name since Lua 5.3
local RADIUS = Client.RADIUS
local TRAIL, TRAIL_STEP = 26, 1 / 60 -- points, and seconds between them
local RING_TIME, BUBBLE_TIME = 0.7, 4

function Discs.new(client)
  return setmetatable({ client = client, looks = {}, rings = {}, time = 0, trail_at = 0 }, Discs)
end

-- What is known of a player for drawing only.
function Discs:look(player)
  local look = self.looks[player.id]
  if not look then
    look = {
      color = paint.hue(player.hue), light = paint.hue(player.hue, 0.8), trail = {},
      born = self.time, gaze_x = 0, gaze_y = 0, blink = math.random() * 4,
    }
    self.looks[player.id] = look
  end
  return look
end

function Discs:say(id, text)
  local player = self.client.players[id]
  if not player then return end
  local look = self:look(player)
  look.bubble, look.bubble_until = text, self.time + BUBBLE_TIME
end

function Discs:ring(x, y, color)
  table.insert(self.rings, { x = x, y = y, color = color, at = self.time })
end

function Discs:gone(player)
  if player.x then self:ring(player.x, player.y, self:look(player).color) end
  self.looks[player.id] = nil
end

-- So many points more, in front, up to (x, y): one in most frames, several in a slow one.
local function lengthen(trail, x, y, points)
  local from = trail[1] or { x, y }
  for i = 1, points do
    table.insert(trail, 1, { from[1] + (x - from[1]) * i / points, from[2] + (y - from[2]) * i / points })
    trail[TRAIL + 1] = nil
  end
end

function Discs:update(dt)
  self.time = self.time + dt
  while self.rings[1] and self.time - self.rings[1].at > RING_TIME do table.remove(self.rings, 1) end
  local steps = math.max(0, math.floor((self.time - self.trail_at) / TRAIL_STEP))
  self.trail_at = self.trail_at + steps * TRAIL_STEP
  local part = 1 - math.exp(-10 * dt)
  for _, player in pairs(self.client.players) do
    if player.x then
      local look = self:look(player)
      if not look.seen then
        look.seen = true
        self:ring(player.x, player.y, look.color)
      end
      lengthen(look.trail, player.x, player.y, math.min(steps, TRAIL))
      -- Eyes follow the movement, slowly enough not to tremble.
      look.gaze_x = look.gaze_x + (player.vx / self.client.speed - look.gaze_x) * part
      look.gaze_y = look.gaze_y + (player.vy / self.client.speed - look.gaze_y) * part
    end
  end
end

-- ---- Drawing

function Discs:draw_trail(look)
  for i = #look.trail, 2, -1 do
    local point, fade = look.trail[i], 1 - i / (TRAIL + 1)
    paint.glow(point[1], point[2], RADIUS * (0.5 + 0.6 * fade), look.color, 0.26 * fade)
  end
end

local function draw_eye(x, y, look, open)
  graphics.setColor(1, 1, 1, 0.95)
  graphics.ellipse("fill", x, y, 4.6, 4.6 * open, 20)
  graphics.setColor(0.05, 0.06, 0.12)
  graphics.ellipse("fill", x + 2.2 * look.gaze_x, y + 2.2 * look.gaze_y, 2.3, 2.3 * open, 16)
end

function Discs:draw_body(player, look, is_self)
  local age = math.min(1, (self.time - look.born) / 0.25)
  local radius = RADIUS * (0.4 + 0.6 * age)
  paint.glow(player.x, player.y, 3.4 * RADIUS, look.color, 0.5)

  -- Speed stretches a disc a little in its direction.
  local speed = math.min(1, math.sqrt(look.gaze_x ^ 2 + look.gaze_y ^ 2))
    graphics.push()
  graphics.translate(player.x, player.y)
  graphics.rotate(atan2(look.gaze_y, look.gaze_x))
  graphics.scale(1 + 0.1 * speed, 1 - 0.1 * speed)
  paint.set_color(look.color)
  graphics.circle("fill", 0, 0, radius, 48)
  graphics.setLineWidth(is_self and 2.5 or 1.5)
  if is_self then graphics.setColor(1, 1, 1, 0.9) else paint.set_color(look.light, 0.8) end
  graphics.circle("line", 0, 0, radius, 48)
  graphics.pop()

  paint.glow(player.x - 6, player.y - 9, 9, { 1, 1, 1 }, 0.3)
  local open = (self.time + look.blink) % 4 < 0.12 and 0.15 or 1
  local x, y = player.x + 5 * look.gaze_x, player.y - 3 + 5 * look.gaze_y
  draw_eye(x - 6, y, look, open)
  draw_eye(x + 6, y, look, open)
end

function Discs:draw_bubble(player, look)
  local left = (look.bubble_until or 0) - self.time
  if left <= 0 then return end
  local alpha = math.min(1, left / 0.5)
  local width = math.min(190, paint.font(12):getWidth(look.bubble) + 2)
  local height = paint.paragraph_height(12, look.bubble, width)
  local x = math.max(4, math.min(paint.WIDTH - width - 20, player.x - width / 2 - 8))
  local y = player.y - RADIUS - 32 - height
  if y < 4 then y = player.y + RADIUS + 26 end
  paint.pane(x, y, width + 16, height + 8, look.color, alpha)
  paint.paragraph(12, look.bubble, x + 8, y + 4, width, paint.TEXT, alpha, "center")
end

function Discs:draw()
  local client, there = self.client, {}
  for _, player in pairs(client.players) do
    if player.x then table.insert(there, player) end
  end
  table.sort(there, function(a, b) return a.id < b.id end) -- who is above whom does not change

  for _, player in ipairs(there) do self:draw_trail(self:look(player)) end
  for _, ring in ipairs(self.rings) do
    local part = (self.time - ring.at) / RING_TIME
    graphics.setLineWidth(3 * (1 - part))
    paint.set_color(ring.color, 0.8 * (1 - part))
    graphics.circle("line", ring.x, ring.y, RADIUS + 50 * part, 64)
  end
  for _, player in ipairs(there) do self:draw_body(player, self:look(player), player.id == client.id) end
  for _, player in ipairs(there) do
    local y = player.y - RADIUS - 22
    if y < 2 then y = player.y + RADIUS + 6 end -- below, where there is no room above
    local is_self = player.id == client.id
    paint.text(13, player.name, player.x, y, is_self and paint.TEXT or self:look(player).light, 0.95, "center")
  end
  for _, player in ipairs(there) do self:draw_bubble(player, self:look(player)) end
end

return Discs
