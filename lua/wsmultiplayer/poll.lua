--- What the poll methods of all classes share: the check of their argument, and errors of the program's functions.

local poll = {}

function poll.check_timeout(timeout)
  if timeout == nil then return end
  if type(timeout) ~= "number" then
    error(("bad argument #1 to 'poll' (number expected, got %s)"):format(type(timeout)), 3)
  elseif timeout < 0 or timeout ~= timeout then
    error("bad argument #1 to 'poll' (must not be negative)", 3)
  end
end

local function traceback(err)
  if type(err) == "string" then return debug.traceback(err, 2) end
  return err
end

--- Calls deliver(object), which calls functions of the program, then finish(object) in any case; then an error of the
-- program's goes on to the caller, with its traceback.
function poll.protected(deliver, finish, object)
  local ok, err = xpcall(function() deliver(object) end, traceback)
  finish(object)
  if not ok then error(err, 0) end
end

return poll
