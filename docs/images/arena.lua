-- Makes docs/images/arena.png: the arena as LÖVE, a browser, Godot and a Lua script see it at the same moment.
--   eval "$(make -s env)"; make LUA=luajit; lua5.4 docs/images/arena.lua [FILE]
-- Needs what spec/arena_together_spec.lua needs, Xvfb with OpenGL in software, and ImageMagick. Godot gets a window:
-- GODOT_WINDOW is the command in front of the project's folder, if it is not simply godot4 or godot. What is missing
-- is left out of the picture.
local folder = arg[0]:match "^(.*[/\\])" or ""
package.path = folder .. "../../spec/?.lua;" .. package.path

local arena = require "support.arena"
local chromium = require "support.chromium"
local process = require "support.process"
local programs = require "support.arena_programs"

local OUTPUT = arg[1] or folder .. "arena.png"
local START = 60
local ROOM = 220 -- units between players, so that no names and bubbles cover each other

local server, url = arena.server()
local polled = { arena.everyone }
local tiles, temporary = {}, {}

-- Runs a program while the arena goes on; gives a function that waits for its end.
local function run(...)
  local program = process.start { ... }
  return function()
    local output, status = program:finish(polled)
    assert(status == 0, ("%s failed: %s"):format(program.name, output))
  end
end

local function output_of(command)
  local pipe = io.popen(command)
  local text = pipe:read "*a"
  pipe:close()
  return text:match "^[^\n]*"
end

-- A part of the picture; shoot(file) makes it, or gives a function that waits until it is made.
local function add_tile(title, shoot)
  local file = os.tmpname()
  temporary[#temporary + 1] = file
  tiles[#tiles + 1] = { title = title, file = "png:" .. file, shoot = shoot }
end

-- A screen of its own for each window; gives the display's name.
local function open_screen(title)
  local screen = process.start { "Xvfb", "-displayfd", "1", "-screen", "0", "960x540x24", "-nolisten", "tcp" }
  local display = ":" .. screen:expect "(%d+)\n"
  add_tile(title, function(file) return run("import", "-display", display, "-window", "root", file) end)
  return display
end

local function note_missing(title, why)
  if why then io.stderr:write(("without %s: %s\n"):format(title, why)) end
  return why
end

local function add_love()
  if note_missing("LÖVE", programs.love_missing()) then return end
  programs.start_love({ "--join", url, "--name", "LÖVE", "--autopilot", "--say", "LuaJIT is here!" },
    open_screen "LÖVE")
end

local function add_godot()
  local command = os.getenv "GODOT_WINDOW"
  if not command then
    local binary = output_of "command -v godot4 || command -v godot"
    if not binary or binary == "" then return note_missing("Godot", "set GODOT_WINDOW") end
    command = process.quote(binary) .. " --path"
  end
  local display = open_screen "Godot"
  process.start({ "sh", "-c", ('exec %s "$@"'):format(command), "godot", programs.examples .. "godot",
    "--audio-driver", "Dummy", "--rendering-driver", "opengl3", "--resolution", "960x540", "--",
    "--join", url, "--name", "Godot", "--bot", "--say", "Greetings from GDScript!", "--seconds", "120" },
    { DISPLAY = display }):expect("(is in as peer)", polled, START)
end

local browser, page
local function add_browser()
  if note_missing("the browser", chromium.missing()) then return end
  browser = chromium.start()
  browser.polled = polled
  page = browser:open((url:gsub("^ws", "http")) .. "/")
  page:command("Emulation.setDeviceMetricsOverride",
    { width = 1120, height = 630, deviceScaleFactor = 1, mobile = false })
  page:type "Browser"
  page:strike "Enter"
  page:wait_for "document.getElementById('status').className === 'in'"
  -- Nobody steers it, so it stands where it can be seen.
  for _, player in pairs(server.world.players) do
    if player.name == "Browser" then player.x, player.y = 520, 230 end
  end
  add_tile("Browser", function(file)
    local out = assert(io.open(file:gsub("^png:", ""), "wb"))
    out:write(page:screenshot())
    out:close()
  end)
end

-- What the bot wrote, as a terminal would show it.
local function add_bot()
  local bot = programs.start_bot(url, "Lua")
  bot:expect("(is in as peer)", polled)
  add_tile("Lua", function(file)
    local text = "$ lua bot.lua " .. url .. " Lua\n" .. bot:output()
    return run("convert", "-size", "960x540", "xc:#0d111a", "-font", "DejaVu-Sans-Mono", "-pointsize", "22",
      "-fill", "#a8e6b0", "-annotate", "+24+44", (text:gsub("[%%\\]", "%%%0")), file)
  end)
end

-- Everybody there, far enough from each other and from the walls, and what was said still to be read.
local function is_pretty(count)
  local players = {}
  for _, player in pairs(server.world.players) do players[#players + 1] = player end
  for i, a in ipairs(players) do
    if a.x < 120 or a.x > 840 or a.y < 80 or a.y > 380 then return false end
    for j = 1, i - 1 do
      local b = players[j]
      if math.abs(a.x - b.x) < ROOM and math.abs(a.y - b.y) < ROOM / 2 then return false end
    end
  end
  return #players == count
end

local function take()
  add_love()
  add_browser()
  add_godot()
  add_bot()
  arena.wait(function() return is_pretty(#tiles) end, "a good moment", START)
  if page then
    page:strike "Enter"
    page:type "And JavaScript, Lua?"
    page:strike "Enter"
  end
  arena.quiet(0.5) -- until the bot's answer is to be seen everywhere
  -- All at once, since everybody moves.
  local waits = {}
  for _, tile in ipairs(tiles) do waits[#waits + 1] = tile.shoot(tile.file) end
  for _, finish in ipairs(waits) do finish() end
  local words = { "montage", "-background", "#05070c", "-fill", "#e6eaf2", "-font", "DejaVu-Sans", "-pointsize", "17" }
  for _, tile in ipairs(tiles) do
    for _, word in ipairs { "-label", tile.title, tile.file } do words[#words + 1] = word end
  end
  local whole = os.tmpname()
  temporary[#temporary + 1] = whole
  for _, word in ipairs { "-tile", "2x", "-geometry", "640x360+5+4", "png:" .. whole } do words[#words + 1] = word end
  run((table.unpack or unpack)(words))()
  run("convert", whole, "-strip", "-dither", "None", "-colors", "255", "png8:" .. OUTPUT)()
end

local ok, why = pcall(take)
if browser then browser:quit() end
process.close()
arena.close()
for _, file in ipairs(temporary) do os.remove(file) end
if not ok then
  io.stderr:write(tostring(why), "\n")
  os.exit(1)
end
print("written: " .. OUTPUT)
