-- The screen on which one plays.
local Chat = require "chat"
local Discs = require "discs"
local paint = require "paint"

local Play = {}
Play.__index = Play

-- `quit` is called when the player wants to leave.
function Play.new(session, options, quit)
  local client = session.client
  local self = setmetatable({
    session = session, client = client, options = options, quit = quit,
    discs = Discs.new(client), steers = false,
  }, Play)
  self.chat = Chat.new(function(text) client:say(text) end)
  return self
end

-- ---- What happens in the arena

function Play:gone(player) self.discs:gone(player) end

function Play:heard(name, text, id)
  local player = self.client.players[id]
  self.chat:add(name, text, player and paint.hue(player.hue, 0.75) or paint.DIM)
  self.discs:say(id, text)
end

-- ---- Keys

local function is_down(scancode, key)
  -- The place on the keyboard counts for WASD, so that it works with other layouts too.
  return love.keyboard.isScancodeDown(scancode) or love.keyboard.isDown(key)
end

function Play:steer()
  local x, y = 0, 0
  if not self.chat:is_open() and love.window.hasFocus() then
    if is_down("a", "left") then x = x - 1 end
    if is_down("d", "right") then x = x + 1 end
    if is_down("w", "up") then y = y - 1 end
    if is_down("s", "down") then y = y + 1 end
  end
  -- An autopilot steers until a key is pressed.
  local wants = x ~= 0 or y ~= 0
  if wants or self.steers then self.client:steer(x, y) end
  self.steers = wants
end

function Play:keypressed(key)
  if not self.chat:keypressed(key) and key == "escape" then self.quit() end
end

function Play:textinput(text) self.chat:textinput(text) end

function Play:mousepressed() end

-- ---- Each frame

function Play:update(dt)
  if not self.options.mute then self:steer() end
  self.chat:update(dt)
  self.discs:update(dt)
end

function Play:draw_status()
  local players = 0
  for _ in pairs(self.client.players) do players = players + 1 end
  local text = players == 1 and "1 player" or players .. " players"
  local rtt = self.client:get_rtt()
  if rtt then text = ("%s · %.0f ms"):format(text, rtt * 1000) end
  paint.text(13, text, paint.WIDTH - 14, 10, paint.DIM, 1, "right")
  local help = "WASD or arrows move · Enter chats · Esc leaves"
  if self.session.server then help = ("hosting on port %d · "):format(self.session.server:get_port()) .. help end
  paint.text(11, help, paint.WIDTH - 14, paint.HEIGHT - 24, paint.DIM, 0.8, "right")
end

function Play:draw()
  paint.floor()
  self.discs:draw()
  self:draw_status()
  self.chat:draw()
end

return Play
