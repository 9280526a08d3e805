--- Coroutines that another library resumes: they wait by that library's own means, so that it does not lose them. It is
-- never loaded here: it can only be running if the program has loaded it.

local schedulers = {}

-- cqueues: each waiter gets a condition variable.
local cqueues_scheduler = {}

function cqueues_scheduler.wait(waiter)
  waiter.condition = require("cqueues.condition").new()
  while not waiter.done do waiter.condition:wait() end
end

function cqueues_scheduler.wake(waiter) waiter.condition:signal() end

--- The scheduler that the running coroutine belongs to, as far as it is known: a table with wait(waiter), which returns
-- when the waiter is done, and wake(waiter).
function schedulers.current()
  local cqueues = package.loaded.cqueues
  if type(cqueues) ~= "table" or not cqueues.running then return end
  local controller, inside = cqueues.running()
  if controller and inside then return cqueues_scheduler end
end

return schedulers
