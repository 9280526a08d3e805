--- The methods by which objects are waited for: in a task they let the others go on, in the main program they poll.

local tasks = require "wsmultiplayer.tasks"

local waiting = {}

-- Results of a waiter's try when what it waits for can no longer come; nothing as long as it can.
local function closed(object)
  if object:is_active() then return end
  local why = object:get_last_error()
  return nil, "closed", why ~= "" and why or nil
end

--- Waits for a signal, as Godot's await.
-- @return the signal's arguments (true if it has none), or nil and "timeout" or "closed"
function waiting.for_signal(object, signal, timeout)
  if not object:is_active() then return closed(object) end
  local waiter = { object = object, try = closed }
  local function handler(...)
    if select("#", ...) == 0 then return tasks.wake(waiter, true) end
    tasks.wake(waiter, ...)
  end
  waiter.unhook = function() signal:disconnect(handler) end
  signal:connect(handler)
  return tasks.wait(waiter, timeout)
end

--- Waits until try(object) returns something, two values at most; also ends when the object is closed.
function waiting.until_(object, try, timeout)
  -- Whoever came first is served first.
  if not tasks.is_awaited(object) then
    local first, second = try(object)
    if first ~= nil then return first, second end
  end
  if not object:is_active() then return closed(object) end
  local function try_or_closed()
    local first, second = try(object)
    if first ~= nil then return first, second end
    return closed(object)
  end
  return tasks.wait({ object = object, try = try_or_closed }, timeout)
end

return waiting
