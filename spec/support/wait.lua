-- Waiting without sleeping: our peers are polled until something is true, or a deadline passes.
local socket = require "socket"

local wait = { DEADLINE = 10 }

-- Whether polling this object can wait: one without any socket returns at once.
local function is_active(object)
  local state = tostring(object):match("%((%a+)%)$")
  return state ~= "disconnected" and state ~= "closed" and state ~= "stopped"
end

-- One turn: every peer polled once. The first turns do not wait at all, since on one machine most answers
-- are there at once; later ones wait inside poll, so that a slow machine is not kept busy.
function wait.turn(peers, number)
  local timeout = number > 5 and 0.002 or 0
  local polled = false
  for _, peer in ipairs(peers) do
    peer:poll(timeout)
    polled = polled or is_active(peer)
  end
  if timeout > 0 and not polled then socket.sleep(timeout) end
end

-- Polls `peers` until condition() gives something true, and returns that. An error with `what` after
-- `seconds` (10 if not given).
function wait.until_(condition, peers, seconds, what)
  local limit = seconds or wait.DEADLINE
  local deadline = socket.gettime() + limit
  local number = 0
  repeat
    local result = condition()
    if result then return result end
    number = number + 1
    wait.turn(peers, number)
  until socket.gettime() > deadline
  local result = condition()
  if result then return result end
  error(("waited %g s in vain for %s"):format(limit, what or "a condition"), 2)
end

-- Polls `peers` for a while: only for showing that something does NOT happen.
function wait.quiet(peers, seconds)
  local deadline = socket.gettime() + seconds
  local number = 0
  repeat
    number = number + 1
    wait.turn(peers, number)
  until socket.gettime() > deadline
end

function wait.now()
  return socket.gettime()
end

return wait
