-- Colours, letters, light: what the screens are drawn with. Everything is measured in units of the arena, 960 x 540,
-- whatever the size of the window.
local paint = { WIDTH = 960, HEIGHT = 540, scale = 1, left = 0, top = 0 }

local graphics = love.graphics

paint.BACKGROUND = { 0.035, 0.045, 0.085 }
paint.FLOOR = { 0.055, 0.07, 0.125 }
paint.TEXT = { 0.9, 0.93, 1 }
paint.DIM = { 0.52, 0.58, 0.72 }
paint.ACCENT = { 0.36, 0.72, 1 }
paint.ALARM = { 1, 0.42, 0.4 }

local fonts = {}
local glow

-- A white spot that fades out softly: tinted and added to the picture it is light.
local function make_glow(size)
  local data = love.image.newImageData(size, size)
  local middle = (size - 1) / 2
  data:mapPixel(function(x, y)
    local distance = math.sqrt((x - middle) ^ 2 + (y - middle) ^ 2) / middle
    return 1, 1, 1, math.max(0, 1 - distance) ^ 2
  end)
  return graphics.newImage(data)
end

function paint.load()
  glow = make_glow(128)
  paint.resize(graphics.getDimensions())
end

-- The arena as large as the window allows, in its middle.
function paint.resize(width, height)
  paint.scale = math.min(width / paint.WIDTH, height / paint.HEIGHT)
  paint.left = (width - paint.WIDTH * paint.scale) / 2
  paint.top = (height - paint.HEIGHT * paint.scale) / 2
  fonts = {} -- letters are drawn anew for the new scale, so that they stay sharp
end

-- From units to pixels of the window, and back.
function paint.to_window(x, y) return paint.left + x * paint.scale, paint.top + y * paint.scale end
function paint.from_window(x, y) return (x - paint.left) / paint.scale, (y - paint.top) / paint.scale end

-- Draws a frame by calling `draw`.
function paint.frame(draw)
  graphics.clear(paint.BACKGROUND)
  graphics.push()
  graphics.translate(paint.left, paint.top)
  graphics.scale(paint.scale)
  draw()
  graphics.pop()
  graphics.setColor(1, 1, 1)
end

function paint.set_color(color, alpha)
  graphics.setColor(color[1], color[2], color[3], alpha or 1)
end

local function channel(low, high, hue)
  hue = hue % 1
  if hue < 1 / 6 then return low + (high - low) * 6 * hue end
  if hue < 1 / 2 then return high end
  if hue < 2 / 3 then return low + (high - low) * (4 - 6 * hue) end
  return low
end

-- The colour of a player: hue from 0 to 1, as the server gives it; HSL with this lightness.
function paint.hue(hue, lightness)
  lightness = lightness or 0.6
  local high = lightness + 0.8 * math.min(lightness, 1 - lightness)
  local low = 2 * lightness - high
  return { channel(low, high, hue + 1 / 3), channel(low, high, hue), channel(low, high, hue - 1 / 3) }
end

function paint.glow(x, y, radius, color, alpha)
  graphics.setBlendMode("add")
  paint.set_color(color, alpha)
  local size = 2 * radius / glow:getWidth()
  graphics.draw(glow, x - radius, y - radius, 0, size, size)
  graphics.setBlendMode("alpha")
end

function paint.font(size)
  fonts[size] = fonts[size] or graphics.newFont(size, "normal", paint.scale)
  return fonts[size]
end

-- One line; `align` is "left", "center" or "right" of x.
function paint.text(size, text, x, y, color, alpha, align)
  local font = paint.font(size)
  if align == "center" then x = x - font:getWidth(text) / 2 end
  if align == "right" then x = x - font:getWidth(text) end
  graphics.setFont(font)
  paint.set_color(color, alpha)
  graphics.print(text, x, y)
end

-- Several lines, at most `width` wide. Gives their height.
function paint.paragraph(size, text, x, y, width, color, alpha, align)
  local font = paint.font(size)
  graphics.setFont(font)
  paint.set_color(color, alpha)
  graphics.printf(text, x, y, width, align or "left")
  return paint.paragraph_height(size, text, width)
end

function paint.paragraph_height(size, text, width)
  local font = paint.font(size)
  local _, lines = font:getWrap(text, width)
  return #lines * font:getHeight()
end

-- A dark pane of glass, with an edge in this colour.
function paint.pane(x, y, width, height, color, alpha)
  graphics.setColor(0.02, 0.03, 0.06, 0.72 * (alpha or 1))
  graphics.rectangle("fill", x, y, width, height, 8)
  graphics.setLineWidth(1)
  paint.set_color(color or paint.DIM, 0.45 * (alpha or 1))
  graphics.rectangle("line", x, y, width, height, 8)
end

-- The floor of the arena, with its grid and its walls.
function paint.floor()
  paint.set_color(paint.FLOOR)
  graphics.rectangle("fill", 0, 0, paint.WIDTH, paint.HEIGHT)
  graphics.setLineWidth(1)
  for x = 60, paint.WIDTH - 60, 60 do
    paint.set_color(paint.ACCENT, x % 240 == 0 and 0.11 or 0.05)
    graphics.line(x, 0, x, paint.HEIGHT)
  end
  for y = 30, paint.HEIGHT - 30, 60 do
    paint.set_color(paint.ACCENT, y == 270 and 0.11 or 0.05)
    graphics.line(0, y, paint.WIDTH, y)
  end
  paint.set_color(paint.ACCENT, 0.35)
  graphics.rectangle("line", 1, 1, paint.WIDTH - 2, paint.HEIGHT - 2, 6)
end

return paint
