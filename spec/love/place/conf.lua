-- No window: only the module is loaded.
function love.conf(t)
  t.identity = os.getenv "PLACE_IDENTITY"
  t.window = false
  for name in pairs(t.modules) do t.modules[name] = false end
  t.modules.data, t.modules.event, t.modules.filesystem = true, true, true
  t.modules.thread, t.modules.timer = true, true
end
