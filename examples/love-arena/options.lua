-- The command line of the game. Without any option it begins with the menu.
local options = {}

local USAGE = [[
love love-arena [OPTION]...
  --join URL         joins this server (ws://127.0.0.1:9080) at once
  --host [PORT]      hosts a game at once, and plays; port 9080, or 0 for a free one
  --name NAME        the player's name
  --autopilot        walks about by itself, and answers in chat
  --say TEXT         says this after joining; may be given several times
  --headless         no window: tells on the standard output what happens
  --screenshot FILE  writes a picture (PNG) and quits, when
  --players N          so many players are there (1)
  --after SECONDS      for so long (1)
  --stay               and does not quit
  --mute             does not listen to keyboard and mouse
]]

local FLAGS = { ["--headless"] = true, ["--autopilot"] = true, ["--mute"] = true, ["--stay"] = true }
local TEXTS = { ["--join"] = true, ["--name"] = true, ["--screenshot"] = true }
local NUMBERS = { ["--players"] = true, ["--after"] = true }

local function refuse(text)
  io.stderr:write(text, "\n\n", USAGE)
  os.exit(2)
end

function options.parse(words)
  local result = { players = 1, after = 1, lines = {} }
  local i = 1
  while words[i] do
    local word, value = words[i], words[i + 1]
    local name = word:gsub("^%-%-", "")
    if FLAGS[word] then
      result[name] = true
    elseif word == "--host" then
      result.host = tonumber(value) or 9080
      if tonumber(value) then i = i + 1 end
    elseif not value then
      refuse(word .. ": unknown, or without a value")
    elseif word == "--say" then
      table.insert(result.lines, value)
      i = i + 1
    elseif TEXTS[word] or NUMBERS[word] then
      result[name] = NUMBERS[word] and (tonumber(value) or refuse(word .. ": not a number")) or value
      i = i + 1
    else
      refuse(word .. ": unknown")
    end
    i = i + 1
  end
  return result
end

return options
