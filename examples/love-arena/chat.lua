-- What was said, at the lower left: fades after a while, and stays while one writes.
local TextField = require "textfield"
local paint = require "paint"

local Chat = {}
Chat.__index = Chat

local LINES, STAY, FADE, WIDTH = 7, 9, 2, 420

-- say(text) is called with what was written.
function Chat.new(say)
  return setmetatable({ say = say, lines = {}, time = 0, field = nil }, Chat)
end

function Chat:is_open() return self.field ~= nil end

function Chat:add(name, text, color)
  table.insert(self.lines, { name = name, text = text, color = color, at = self.time })
  if #self.lines > LINES then table.remove(self.lines, 1) end
end

function Chat:update(dt)
  self.time = self.time + dt
end

-- Gives whether the key meant something here.
function Chat:keypressed(key)
  local field = self.field
  if key == "return" or key == "kpenter" then
    if field and field.text:find "%S" then self.say(field.text) end
    self.field = not field and TextField.new(200) or nil
  elseif key == "escape" and field then
    self.field = nil
  else
    return field ~= nil and field:keypressed(key)
  end
  return true
end

function Chat:textinput(text)
  if self.field then self.field:add(text) end
end

function Chat:draw()
  local y = paint.HEIGHT - 16
  if self.field then
    y = y - 28
    paint.pane(12, y, WIDTH + 20, 28, paint.ACCENT)
    self.field:draw(14, 22, y + 6, WIDTH, true)
    y = y - 6
  end
  for i = #self.lines, 1, -1 do
    local line = self.lines[i]
    local alpha = self.field and 1 or math.min(1, (STAY + FADE - (self.time - line.at)) / FADE)
    if alpha > 0 then
      local name_width = paint.font(14):getWidth(line.name) + 8
      local height = paint.paragraph_height(14, line.text, WIDTH - name_width)
      y = y - height - 4
      paint.text(14, line.name, 17, y + 1, paint.BACKGROUND, alpha) -- a shadow, where discs are behind
      paint.text(14, line.name, 16, y, line.color, alpha)
      paint.paragraph(14, line.text, 17 + name_width, y + 1, WIDTH - name_width, paint.BACKGROUND, alpha)
      paint.paragraph(14, line.text, 16 + name_width, y, WIDTH - name_width, paint.TEXT, alpha)
    end
  end
end

return Chat
