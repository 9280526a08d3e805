-- The first screen, and the one to which a lost connection leads back.
local TextField = require "textfield"
local paint = require "paint"

local Menu = {}
Menu.__index = Menu

local LEFT, WIDTH = 290, 380

-- actions: join(address, name), host(port, name), cancel(), quit()
function Menu.new(actions, address, name)
  local self = setmetatable({ actions = actions, time = 0, lights = {} }, Menu)
  self.name = TextField.new(16, name)
  self.address = TextField.new(200, address)
  self.items = {
    { label = "Name", field = self.name, y = 190 },
    { label = "Address", field = self.address, y = 242 },
    { label = "Join", y = 302, act = function() actions.join(self.address.text, self.name.text) end },
    { label = "Host and play", y = 346, act = function() actions.host(self:port(), self.name.text) end },
  }
  self.focus = name and 3 or 1
  for i = 1, 9 do
    self.lights[i] = {
      color = paint.hue(i * 0.618034), size = 50 + 12 * (i % 5),
      phase = i * 2.4, pace = 0.05 + 0.02 * (i % 4),
    }
  end
  return self
end

-- What is shown below: `progress` while something is under way, or `alarm`, which went wrong.
function Menu:show(progress, alarm)
  self.progress, self.alarm = progress, alarm
  if alarm then self.focus = 3 end
end

-- Who hosts may name another port than the usual one in the address.
function Menu:port()
  return tonumber(self.address.text:match ":(%d+)/?$") or 9080
end

-- ---- Keys and mouse

function Menu:keypressed(key)
  if self.progress then
    if key == "escape" then self.actions.cancel() end
    return
  end
  local item = self.items[self.focus]
  if key == "escape" then
    self.actions.quit()
  elseif key == "tab" or key == "down" then
    self.focus = self.focus % #self.items + 1
  elseif key == "up" then
    self.focus = (self.focus - 2) % #self.items + 1
  elseif key == "return" or key == "kpenter" then
    -- In a field it means the usual: join.
    if item.act then item.act() else self.items[3].act() end
  elseif item.field then
    item.field:keypressed(key)
  end
end

function Menu:textinput(text)
  local item = self.items[self.focus]
  if item.field and not self.progress then item.field:add(text) end
end

function Menu:mousepressed(x, y)
  if self.progress then return end
  for i, item in ipairs(self.items) do
    if x >= LEFT and x <= LEFT + WIDTH and y >= item.y and y <= item.y + 36 then
      self.focus = i
      if item.act then item.act() end
    end
  end
end

-- ---- Each frame

function Menu:update(dt)
  self.time = self.time + dt
end

function Menu:draw_item(item, focused)
  local color = focused and paint.ACCENT or paint.DIM
  paint.pane(LEFT, item.y, WIDTH, 36, color)
  if item.field then
    paint.text(13, item.label, LEFT - 12, item.y + 10, paint.DIM, 1, "right")
    item.field:draw(15, LEFT + 12, item.y + 9, WIDTH - 26, focused and not self.progress)
    return
  end
  if focused then
    paint.set_color(paint.ACCENT, 0.22)
    love.graphics.rectangle("fill", LEFT, item.y, WIDTH, 36, 8)
  end
  local label = item.label
  if self.alarm and label == "Join" then label = "Try again" end
  paint.text(15, label, LEFT + WIDTH / 2, item.y + 9, focused and paint.TEXT or paint.DIM, 1, "center")
end

function Menu:draw()
  paint.floor()
  for _, light in ipairs(self.lights) do
    local angle = self.time * light.pace + light.phase
    local x, y = 480 + 430 * math.cos(angle), 270 + 220 * math.sin(angle * 1.7)
    paint.glow(x, y, light.size * 2, light.color, 0.16)
    paint.glow(x, y, light.size / 3, light.color, 0.5)
  end
  paint.text(52, "ARENA", 480, 70, paint.TEXT, 1, "center")
  paint.text(14, "one Lua server · LÖVE, Lua, browser and Godot clients", 480, 136, paint.DIM, 1, "center")
  for i, item in ipairs(self.items) do self:draw_item(item, i == self.focus) end

  if self.progress then
    local dots = ("."):rep(math.floor(self.time * 3) % 4)
    paint.text(15, self.progress .. dots, 480, 404, paint.ACCENT, 1, "center")
    paint.text(12, "Esc cancels", 480, 428, paint.DIM, 1, "center")
  elseif self.alarm then
    local height = paint.paragraph_height(15, self.alarm, WIDTH + 120)
    paint.pane(LEFT - 80, 400, WIDTH + 160, height + 24, paint.ALARM)
    paint.paragraph(15, self.alarm, LEFT - 60, 412, WIDTH + 120, paint.ALARM, 1, "center")
  end
  paint.text(11, "Tab or arrows choose · Enter does it · Esc quits", 480, 512, paint.DIM, 0.8, "center")
end

return Menu
