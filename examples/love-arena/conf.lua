-- LÖVE reads this first. With --headless nothing is loaded that needs a screen or a sound card.
function love.conf(t)
  t.identity = "wsmultiplayer-arena"
  t.version = "11.4"
  local window = t.window ---@type table
  window.title = "Arena"
  window.width, window.height = 960, 540
  window.minwidth, window.minheight = 480, 270
  window.resizable = true
  window.msaa = 4
  t.modules.audio, t.modules.sound, t.modules.video = false, false, false
  t.modules.joystick, t.modules.physics, t.modules.touch = false, false, false

  for _, word in ipairs(arg) do
    if word == "--headless" then
      t.window = false
      t.modules.window, t.modules.graphics, t.modules.font, t.modules.image = false, false, false, false
      t.modules.keyboard, t.modules.mouse = false, false
    end
  end
end
