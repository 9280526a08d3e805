-- No window: only the network is measured.
function love.conf(t)
  t.window = false
  for name in pairs(t.modules) do t.modules[name] = false end
  t.modules.event, t.modules.filesystem, t.modules.timer = true, true, true
end
