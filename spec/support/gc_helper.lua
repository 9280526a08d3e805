-- Loaded by busted instead of helper.lua: while a function of the C module runs, and all that it calls, everything that
-- is garbage is collected at each step, so that an object which C code forgot to hold on to is gone at once, and
-- finalizers run where they do the most harm.
local here = debug.getinfo(1, "S").source:match "^@(.*)[/\\]gc_helper%.lua$" or "./spec/support"
dofile(here .. "/helper.lua")

-- Functions of the module as it is loaded at the moment: busted loads it anew for each file of specs.
local known, ours = nil, {}

local function collect_functions(value, seen)
  if type(value) == "function" then
    local info = debug.getinfo(value, "S")
    if info.what == "C" then ours[value] = true end
  elseif type(value) == "table" and not seen[value] then
    seen[value] = true
    for _, member in pairs(value) do collect_functions(member, seen) end
    collect_functions(getmetatable(value), seen)
  end
end

local function learn()
  known = package.loaded["wsmultiplayer.core"]
  ours = {}
  if not known then return end
  local seen = { [_G] = true }
  collect_functions(known, seen)
  -- Metatables of objects lie in the registry alone, under their addresses or names.
  for key, value in pairs(debug.getregistry()) do
    if type(value) == "table" and rawget(value, "__gc") and (type(key) == "userdata" or type(key) == "string") then
      collect_functions(value, seen)
    end
  end
  for _, module in pairs { "io", "string", "table", "math", "os", "debug", "coroutine", "_G" } do
    for _, fn in pairs(package.loaded[module] or {}) do ours[fn] = nil end
  end
end

local calls, storming = 0, false

local function storm()
  calls, storming = calls + 1, true
  if _VERSION == "Lua 5.4" then
    collectgarbage("incremental", 0, 1000, 63) -- steps of 2^63 bytes: whole collections
  else
    collectgarbage("setstepmul", 100000000)
  end
  collectgarbage("setpause", 0)
  collectgarbage()
end

local function calm()
  storming = false
  if _VERSION == "Lua 5.4" then collectgarbage("incremental", 0, 100, 13) else collectgarbage("setstepmul", 200) end
  collectgarbage("setpause", 200)
end

local getinfo = debug.getinfo
-- An error leaves functions without "return": whoever catches it does return.
local catchers = { [pcall] = true, [xpcall] = true, [coroutine.resume] = true }

local function hook(event)
  local fn = getinfo(2, "f").func
  if event == "return" then
    if storming and (ours[fn] or catchers[fn]) then calm() end
  else
    if package.loaded["wsmultiplayer.core"] ~= known then learn() end
    if ours[fn] then storm() end
  end
end

local create = coroutine.create
function coroutine.create(fn) -- luacheck: ignore 122
  local co = create(fn)
  debug.sethook(co, hook, "cr")
  return co
end
debug.sethook(hook, "cr")
if os.getenv "GC_TELL" then
  require "busted".subscribe({ "suite", "end" }, function()
    debug.sethook()
    local n = 0
    for _ in pairs(ours) do n = n + 1 end
    print(("%d calls, %d functions, %g KB"):format(calls, n, collectgarbage "count"))
    return nil, true
  end)
end
