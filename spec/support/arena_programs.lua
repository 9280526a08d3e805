-- The programs of the arena, started as users start them: server.lua, bot.lua, the games in LÖVE and in Godot.
local arena = require "support.arena"
local godot = require "support.godot"
local process = require "support.process"
local wait = require "support.wait"

local programs = {}

local here = debug.getinfo(1, "S").source:match "^@(.*)spec[/\\]support[/\\]arena_programs%.lua$"
programs.examples = here .. "examples/"
local folder = programs.examples .. "love-arena/"

-- `lua server.lua` on a free port; gives the process and the URL.
function programs.start_server()
  local server = process.lua(folder .. "server.lua", "0", "127.0.0.1")
  return server, "ws://127.0.0.1:" .. server:expect "listens on port (%d+)\n"
end

-- bot.lua, with the Lua that runs this.
function programs.start_bot(url, name)
  return process.lua(folder .. "bot.lua", url, name)
end

-- examples/godot without a display; `words` are its own options.
-- With -d Godot also prints the warnings that its editor would show.
function programs.start_godot(words)
  local command = godot.command(programs.examples .. "godot", '"$@"')
  local game = process.start { "sh", "-c", command, "godot", "-d", "--", (table.unpack or unpack)(words) }
  game.name = "Godot"
  return game
end

-- ---- LÖVE has LuaJIT inside: the module must be built for that, whatever Lua runs the specs.

local function output_of(command)
  local pipe = io.popen(command)
  local text = pipe:read "*a"
  pipe:close()
  return text:match "^[^\n]*"
end

local function love_command() return os.getenv "LOVE" or output_of "command -v love" end

local function love_paths()
  local top = output_of(("cd %s && pwd"):format(process.quote(here == "" and "." or here)))
  local build = output_of(("cd %s && cd %s && pwd"):format(process.quote(top),
    process.quote(os.getenv "BUILD" or "build")))
  return {
    LUA_PATH = top .. "/lua/?.lua;" .. top .. "/lua/?/init.lua;;",
    LUA_CPATH = build .. "/luajit/?.so;;",
  }, build .. "/luajit/wsmultiplayer/core.so"
end

-- Nil where LÖVE and the module for it are there; else the text that says what is missing.
function programs.love_missing()
  if love_command() == "" then return "no LÖVE found, set LOVE=/path/to/love" end
  if os.getenv "SANITIZED" then return "LÖVE cannot load a module with sanitizers" end
  local _, module = love_paths()
  local file = io.open(module)
  if not file then return "LÖVE needs the module for LuaJIT: make LUA=luajit" end
  file:close()
end

-- The game in LÖVE, without a window if no `display` is named.
function programs.start_love(words, display)
  local environment = love_paths()
  environment.DISPLAY = display or ""
  local game = process.start({ love_command(), folder, display and "--mute" or "--headless",
    (table.unpack or unpack)(words) }, environment)
  game.name = "LÖVE"
  return game
end

-- ---- In this process, for specs that poll everybody themselves

-- A server in this process that polls with the others in support.wait; gives it and the URL.
function programs.serve(port)
  local server = assert(arena.Server.new(port or 0, "127.0.0.1"))
  return {
    poll = function(_, seconds) server:update(seconds) end,
    close = function() server:close() end,
    port = server:get_port(),
  }, "ws://127.0.0.1:" .. server:get_port()
end

local Player = {}
Player.__index = Player

-- The Lua client, in this process, in the arena already. `polled` is what else has to be polled for that.
function programs.join(url, name, polled)
  local client = arena.Client.new()
  local self = setmetatable({ client = client, name = name, lines = {} }, Player)
  client:on("chat", function(who, text) table.insert(self.lines, who .. ": " .. text) end)
  assert(client:join(url, name))
  local all = { self }
  for _, each in ipairs(polled or {}) do all[#all + 1] = each end
  wait.until_(function() return client.status == "in" end, all, 10, name .. " to be let in")
  return self
end

function Player:poll(seconds) self.client:update(seconds) end

function Player:say(text) self.client:say(text) end

function Player:leave() self.client:leave() end

-- The player of this name as it is shown here, or nil.
function Player:sees(name) return arena.seen(self.client, name) end

-- Whether this line was heard.
function Player:heard(line)
  for _, each in ipairs(self.lines) do
    if each == line then return true end
  end
  return false
end

return programs
