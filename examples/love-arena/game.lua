-- The game in a window: goes from screen to screen.
local Menu = require "menu"
local Play = require "play"
local Session = require "session"
local paint = require "paint"
local photo = require "photo"

local game = {}

local options, session, menu, play
local screen -- menu or play
local where  -- what is being joined, for people

-- ---- From screen to screen

local function show_menu(progress, alarm)
  screen, play = menu, nil
  menu:show(progress, alarm)
end

local function leave()
  session:leave()
  show_menu()
end

local function begin(ok, why)
  if ok then
    show_menu("Joining " .. where)
  else
    show_menu(nil, "Cannot begin: " .. why)
  end
end

local function join(address, name)
  if not address:find "^%a+://" then address = "ws://" .. address end
  where = address
  begin(session:join(address, name))
end

local function host(port, name)
  where = "the arena hosted here"
  begin(session:host(port, name))
end

local function out(why)
  session:leave()
  show_menu(nil, (play and "The game is over: " or "No way in: ") .. why)
end

local function listen_to(client)
  client:on("player", function(player)
    if player.id == client.id then
      play = Play.new(session, options, leave)
      screen = play
    end
  end)
  client:on("gone", function(player)
    if play then play:gone(player) end
  end)
  client:on("chat", function(name, text, id)
    if play then play:heard(name, text, id) end
  end)
  client:on("out", out)
end

-- ---- What LÖVE calls

function game.load(given)
  options = given
  io.stdout:setvbuf "line"
  love.keyboard.setKeyRepeat(true)
  paint.load()
  session = Session.new(options, print)
  listen_to(session.client)
  menu = Menu.new({
    join = join,
    host = host,
    cancel = leave,
    quit = function() love.event.quit() end,
  }, options.join or "ws://127.0.0.1:9080", options.name)
  show_menu()
  local name = options.name or "LÖVE"
  if options.host then host(options.host, name) elseif options.join then join(options.join, name) end
end

function game.update(dt)
  session:update()
  screen:update(dt)
  photo.update(options, session.client, dt)
end

function game.draw()
  paint.frame(function() screen:draw() end)
end

function game.keypressed(key)
  if not options.mute then screen:keypressed(key) end
end

function game.textinput(text)
  if not options.mute then screen:textinput(text) end
end

function game.mousepressed(x, y, button)
  if button == 1 and not options.mute then screen:mousepressed(paint.from_window(x, y)) end
end

function game.resize(width, height) paint.resize(width, height) end

-- The server learns at once that we go.
function game.quit() session:leave() end

return game
