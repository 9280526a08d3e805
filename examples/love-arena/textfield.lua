-- A line of text that is being written: letters at its end, backspace, paste.
local utf8 = require "utf8"
local paint = require "paint"

local TextField = {}
TextField.__index = TextField

-- `longest` in characters.
function TextField.new(longest, text)
  return setmetatable({ longest = longest, text = text or "" }, TextField)
end

function TextField:add(text)
  text = text:gsub("%c", " ")
  if not utf8.len(text) then return end
  for _, code in utf8.codes(text) do
    if utf8.len(self.text) < self.longest then self.text = self.text .. utf8.char(code) end
  end
end

-- Gives whether the key meant something here.
function TextField:keypressed(key)
  if key == "backspace" then
    local last = utf8.offset(self.text, -1)
    if last then self.text = self.text:sub(1, last - 1) end
  elseif key == "v" and love.keyboard.isDown("lctrl", "rctrl", "lgui", "rgui") then
    self:add(love.system.getClipboardText())
  else
    return false
  end
  return true
end

-- The end of the text is what fits into `width`, since that is where it is written.
function TextField:draw(size, x, y, width, focused)
  local font, text = paint.font(size), self.text
  while font:getWidth(text) > width do text = text:sub(utf8.offset(text, 2)) end
  paint.text(size, text, x, y, paint.TEXT)
  if focused and love.timer.getTime() % 1 < 0.6 then
    paint.set_color(paint.ACCENT)
    love.graphics.rectangle("fill", x + font:getWidth(text) + 2, y, 1.5, font:getHeight())
  end
end

return TextField
