-- Programs in the background, whose output is read while they run. Where waiting takes `polled`, these are polled.
local wait = require "support.wait"

local process = {}
process.__index = process

local started = {}

function process.quote(text)
  return "'" .. text:gsub("'", [['\'']]) .. "'"
end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

-- The Lua that runs this, with the same module, for a script: the shell text in front of the script's arguments.
function process.lua(script)
  local at = 0
  while arg[at - 1] do at = at - 1 end
  local paths = ("package.path, package.cpath = %q, %q"):format(package.path, package.cpath)
  return ("%s -e %s %s"):format(process.quote(arg[at]), process.quote(paths), process.quote(script))
end

-- Starts a program: shell text without quoting of its own, and arguments that are quoted here.
function process.start(command, ...)
  local words = { command }
  for _, word in ipairs { ... } do words[#words + 1] = process.quote(tostring(word)) end
  local self = setmetatable({ out = os.tmpname(), pid = os.tmpname(), name = command }, process)
  -- The inner shell becomes the program, so its process id is known; the outer one tells the status.
  local inner = ("echo $$ >%s; exec %s"):format(process.quote(self.pid), table.concat(words, " "))
  os.execute(("{ sh -c %s </dev/null; echo \"status $?\"; } >%s 2>&1 &"):format(
    process.quote(inner), process.quote(self.out)))
  table.insert(started, self)
  return self
end

-- All that it wrote so far, errors too.
function process:output()
  return (read_file(self.out):gsub("status %d+\n$", ""))
end

-- Gives its status, or nil while it runs.
function process:status()
  return tonumber(read_file(self.out):match "status (%d+)\n$")
end

-- Waits until it has written what matches, after the place `from` if that is given; gives the captures.
function process:wait_for(pattern, polled, seconds, from)
  local captures
  local ok, why = pcall(wait.until_, function()
    captures = { self:output():match(pattern, from) }
    return captures[1]
  end, polled or {}, seconds, ("%s to write %q"):format(self.name, pattern))
  if not ok then error(why .. "; it wrote:\n" .. self:output():sub(-3000), 2) end
  return (table.unpack or unpack)(captures)
end

-- Waits for its end; gives all that it wrote, and its status.
function process:finish(polled, seconds)
  wait.until_(function() return self:status() end, polled or {}, seconds, self.name .. " to end")
  return self:output(), self:status()
end

function process:signal(name)
  if not self:status() then
    os.execute(("kill -%s $(cat %s) 2>/dev/null"):format(name, process.quote(self.pid)))
  end
end

-- Ends whatever still runs, and forgets everything.
function process.end_all()
  for _, signal in ipairs { "TERM", "KILL" } do
    for _, each in ipairs(started) do each:signal(signal) end
    for _, each in ipairs(started) do pcall(each.finish, each, {}, 3) end
  end
  for i = #started, 1, -1 do
    local each = table.remove(started, i)
    os.remove(each.out)
    os.remove(each.pid)
  end
end

return process
