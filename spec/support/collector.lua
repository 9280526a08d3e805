-- The collector, on every Lua.
local collector = {}

-- Lua 5.5 has another name for them.
local function set(parameter, value)
  if pcall(collectgarbage, "param", parameter) then
    return collectgarbage("param", parameter, value)
  end
  return collectgarbage(parameter == "pause" and "setpause" or "setstepmul", value)
end

-- Sets both (percent; nil leaves the multiplier) until the function that it returns is called.
function collector.tune(pause, multiplier)
  local old_pause = set("pause", pause)
  local old_multiplier = multiplier and set("stepmul", multiplier)
  return function()
    set("pause", old_pause)
    if old_multiplier then set("stepmul", old_multiplier) end
  end
end

-- All that nobody holds.
function collector.collect()
  if jit then jit.flush() end -- compiled code keeps the values of upvalues that never change
  collectgarbage()
  collectgarbage()
end

return collector
