-- The arena as a LÖVE game. LÖVE's callbacks are here and nothing else; options.lua says what the command line may be.
-- A fused game finds modules beside the program, too.
if love.filesystem.isFused() then love.filesystem.mount(love.filesystem.getSourceBaseDirectory(), "") end

local ok, why = pcall(require, "wsmultiplayer")
if not ok then error("The module wsmultiplayer cannot be loaded: docs/love.md says where to put it.\n\n" .. why, 0) end

local game

function love.load(words)
  local options = require("options").parse(words)
  game = require(options.headless and "headless" or "game")
  game.load(options)
end

function love.update(dt) game.update(dt) end
function love.draw() game.draw() end
function love.keypressed(key) game.keypressed(key) end
function love.textinput(text) game.textinput(text) end
function love.mousepressed(x, y, button) game.mousepressed(x, y, button) end
function love.resize(width, height) game.resize(width, height) end
function love.quit() game.quit() end
