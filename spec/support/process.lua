-- Programs in the background: what they write, and how they end.
local wait = require "support.wait"

local process = {}

local Process = {}
Process.__index = Process

local running = {}

function process.quote(text)
  return "'" .. text:gsub("'", [['\'']]) .. "'"
end

-- The path of a command, also of one in /usr/sbin, where the PATH of users does not always lead; or nil.
function process.find(command)
  local pipe = io.popen(("command -v %s || command -v /usr/sbin/%s"):format(command, command))
  local path = pipe:read "*l"
  pipe:close()
  return path
end

-- All of a file; "" if it cannot be read.
function process.read_file(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read "*a"
  file:close()
  return text
end

-- Starts a program; `words` are its name and arguments, `environment` is added to this program's.
function process.start(words, environment)
  local quoted = {}
  for name, value in pairs(environment or {}) do table.insert(quoted, process.quote(name .. "=" .. value)) end
  for _, word in ipairs(words) do table.insert(quoted, process.quote(word)) end
  local path = os.tmpname()
  local self = setmetatable({ name = words[1], output_file = path, id_file = path .. ".pid" }, Process)
  -- The shell that writes its id becomes the program.
  os.execute(("{ sh -c 'echo $$ >%s; exec env \"$@\"' sh %s; echo \"status $?\"; } >%s 2>&1 </dev/null &"):format(
    self.id_file, table.concat(quoted, " "), path))
  running[#running + 1] = self
  return self
end

-- The same for a program that is not ours: the library of a sanitizer is not for it.
function process.start_stranger(words, environment)
  local command = process.find(words[1])
  local self = process.start({ "env", "-u", "LD_PRELOAD", command, (table.unpack or unpack)(words, 2) }, environment)
  self.name = words[1]
  return self
end

-- The Lua that runs this, with the same module, runs a script.
function process.lua(script, ...)
  local own = _G.arg -- in Lua 5.1 `arg` is something else in a function with ...
  local at = 0
  while own[at - 1] do at = at - 1 end
  local paths = ("package.path, package.cpath = %q, %q"):format(package.path, package.cpath)
  local self = process.start { own[at], "-e", paths, script, ... }
  self.name = script:match "[^/]*$"
  return self
end

-- What it has written so far, and its status if it has ended.
function Process:output()
  local text = process.read_file(self.output_file)
  local before, status = text:match "^(.-)status (%d+)\n$"
  return before or text, tonumber(status)
end

-- Waits until it has written something that matches, and gives the captures.
function Process:expect(pattern, polled, seconds)
  local found
  local ok, why = pcall(wait.until_, function()
    local text, status = self:output()
    found = { text:match(pattern) }
    if found[1] == nil and status then
      error(("%s ended with status %d without %q"):format(self.name, status, pattern), 0)
    end
    return found[1]
  end, polled or {}, seconds or 20, ("%s to write %q"):format(self.name, pattern))
  if not ok then error(why .. "\nIt wrote:\n" .. self:output(), 2) end
  return (table.unpack or unpack)(found)
end

-- Waits for its end: what it wrote, and its status.
function Process:finish(polled, seconds)
  wait.until_(function() return select(2, self:output()) end, polled or {}, seconds or 20, self.name .. " to end")
  return self:output()
end

-- Its id, as text; empty if it has ended.
function Process:id()
  -- Its shell may not have come to writing the id yet.
  return wait.until_(function()
    return select(2, self:output()) and "" or process.read_file(self.id_file):match "(%d+)\n"
  end, {}, 20, self.name .. " to start")
end

function Process:kill(signal)
  local id = self:id()
  if id ~= "" then os.execute(("kill -%s %s 2>/dev/null"):format(signal or "TERM", id)) end
end

-- For after_each: nothing outlives its test.
function process.close()
  for i = #running, 1, -1 do
    local self = table.remove(running, i)
    self:kill "KILL"
    pcall(self.finish, self)
    os.remove(self.output_file)
    os.remove(self.id_file)
  end
end

return process
