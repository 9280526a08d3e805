-- The colours of a picture: love pixels FILE X Y X Y... prints its size, then "R G B" (0 to 1) for each place.
function love.load(words)
  local file = assert(io.open(words[1], "rb"))
  local image = love.image.newImageData(love.filesystem.newFileData(file:read "*a", "picture.png"))
  file:close()
  print(("%d %d"):format(image:getDimensions()))
  for i = 2, #words, 2 do
    print(("%.3f %.3f %.3f"):format(image:getPixel(tonumber(words[i]), tonumber(words[i + 1]))))
  end
  love.event.quit()
end
