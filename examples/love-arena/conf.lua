-- LÖVE reads this first. With --headless nothing is loaded that needs a screen or a sound card.
function love.conf(t)
  t.identity = "wsmultiplayer-arena"
  t.version = "11.4"
  t.window.title = "Arena"
  t.window.width, t.window.height = 960, 540
  t.window.minwidth, t.window.minheight = 480, 270
  t.window.resizable = true
  t.window.msaa = 4
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
