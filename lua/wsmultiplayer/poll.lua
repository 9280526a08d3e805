--- What the poll methods of all classes share: the check of their argument, and errors of the program's functions.

local log = require "wsmultiplayer.log"
local tasks = require "wsmultiplayer.tasks"

local poll = {}

--- Checks the argument of a poll method, and returns how long to wait: not longer than tasks sleep.
function poll.check_timeout(timeout)
  if timeout == nil then return end
  tasks.check_timeout(timeout, 1, "poll", 4)
  local left = timeout > 0 and tasks.time_left()
  return left and left < timeout and left or timeout
end

local function traceback(err)
  if type(err) == "string" then return debug.traceback(err, 2) end
  return err
end

-- Lua 5.1 has no arguments for xpcall's function.
local call = xpcall
if not select(2, xpcall(function(...) return select("#", ...) > 0 end, traceback, true)) then
  function call(fn, handler, argument) return xpcall(function() fn(argument) end, handler) end
end

--- Calls deliver(object), which calls functions of the program, gives tasks their turn, and calls finish(object) in any
-- case; then an error of the program's goes on to the caller, with its traceback.
function poll.protected(deliver, finish, object)
  local ok, err = call(deliver, traceback, object)
  tasks.turn()
  finish(object)
  if not ok then error(err, 0) end
  tasks.raise_failure()
  log.deliver()
end

--- Gives tasks their turn; an error in one of them goes on to the caller.
function poll.turn()
  tasks.turn()
  tasks.raise_failure()
  log.deliver()
end

return poll
