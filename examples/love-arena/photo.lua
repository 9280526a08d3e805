-- --screenshot: when enough players are there for long enough, the picture is written, and the program ends (or not).
local photo = {}

local waited, taken = 0, false

local function write(options, image)
  local file = assert(io.open(options.screenshot, "wb"))
  file:write(image:encode("png"):getString())
  file:close()
  print(("picture  %s %d x %d"):format(options.screenshot, image:getDimensions()))
  if not options.stay then love.event.quit() end
end

function photo.update(options, client, dt)
  if not options.screenshot or taken then return end
  local players = 0
  for _, player in pairs(client.players) do
    if player.x then players = players + 1 end
  end
  waited = players >= options.players and waited + dt or 0
  if waited < options.after then return end
  taken = true
  love.graphics.captureScreenshot(function(image) write(options, image) end)
end

return photo
