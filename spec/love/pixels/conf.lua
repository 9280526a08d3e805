-- No window: only pictures are decoded.
function love.conf(t)
  t.window = false
  for name in pairs(t.modules) do t.modules[name] = false end
  t.modules.data, t.modules.event, t.modules.image, t.modules.filesystem = true, true, true, true
end
