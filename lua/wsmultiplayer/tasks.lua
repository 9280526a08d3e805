--- Tasks: functions that run as coroutines and can wait. Everything here happens inside the poll of some object, or
-- inside spawn; this file knows neither sockets nor signals, only waiters.

local clock = require("wsmultiplayer.core").clock
local deadlines = require "wsmultiplayer.deadlines"
local schedulers = require "wsmultiplayer.schedulers"

local tasks = {}

local unpack = table.unpack or unpack -- luacheck: ignore 143
local function pack(...) return { n = select("#", ...), ... } end

-- Task objects by their coroutines.
local task_of = setmetatable({}, { __mode = "k" })
-- Tasks that yielded of their own accord, to go on in the next turn.
local ready = {}
-- Waiters by the object that they wait for, as lists in the order of coming; and these objects in a list.
local queues, objects = {}, {}
-- Errors of tasks that no poll has passed on yet, first in, first out.
local failures, first_failure, last_failure = {}, 1, 0
local unfinished = 0

local Task = {}
Task.__index = Task
Task.__name = "Task"

-- The running coroutine; nil in the main one.
local function running()
  local co, is_main = coroutine.running()
  if co and not is_main then return co end
end

tasks.running = running

-- ---- errors

local function note_failure(err)
  last_failure = last_failure + 1
  failures[last_failure] = { err }
end

--- Raises the oldest error that is still due, if there is one.
function tasks.raise_failure()
  local failure = failures[first_failure]
  if not failure then return end
  failures[first_failure] = nil
  first_failure = first_failure + 1
  error(failure[1], 0)
end

tasks.note_failure = note_failure

-- ---- waiters
--
-- A waiter is what a coroutine, or the main program, is waiting for:
--   object    what it waits for, or nil
--   try       function(object): results once it may go on, nothing (or nil) before
--   unhook    called once when the wait is over
--   done, results

local function leave_queue(waiter)
  local queue = waiter.object and queues[waiter.object]
  if not queue then return end
  for i = 1, #queue do
    if queue[i] == waiter then
      table.remove(queue, i)
      break
    end
  end
  if #queue > 0 then return end
  queues[waiter.object] = nil
  for i = 1, #objects do
    if objects[i] == waiter.object then return table.remove(objects, i) end
  end
end

local function end_wait(waiter, ...)
  waiter.done = true
  waiter.results = pack(...)
  leave_queue(waiter)
  deadlines.remove(waiter)
  if waiter.unhook then waiter.unhook() end
end

local resume

--- Ends a wait with these results; whoever waits goes on at once, or when its own scheduler lets it.
local function wake(waiter, ...)
  if waiter.done then return end
  end_wait(waiter, ...)
  if waiter.scheduler then
    waiter.scheduler.wake(waiter)
  elseif waiter.co then
    resume(waiter.co)
  end
end

tasks.wake = wake

-- ---- running tasks

local function finish(task, outcome)
  unfinished = unfinished - 1
  task.outcome = outcome
  local watched = false
  for _, waiter in ipairs(task.watchers) do
    if not waiter.done then
      watched = true
      wake(waiter, task:results())
    end
  end
  task.watchers = {}
  return watched
end

local function fail(task, co, err)
  if type(err) == "string" then err = debug.traceback(co, err) end
  local watched = task and finish(task, { n = 2, false, err })
  if not watched then note_failure(err) end
end

local function drop(task)
  local waiter = task.waiter
  task.waiter = nil
  if waiter and not waiter.done then end_wait(waiter) end
  if coroutine.close then -- luacheck: ignore 143
    local ok, err = coroutine.close(task.co) -- luacheck: ignore 143
    if not ok then note_failure(err) end
  end
  finish(task, { n = 2, false, "cancelled" })
end

local function after_resume(co, ok, ...)
  local task = task_of[co]
  if not ok then return fail(task, co, (...)) end
  if coroutine.status(co) == "dead" then
    if task then finish(task, pack(true, ...)) end
  elseif not task then
    return -- a coroutine of the program's own: it yielded to whom it belongs
  elseif task.cancelled then
    drop(task)
  elseif not task.waiter then
    if select("#", ...) == 0 then
      ready[#ready + 1] = task
    else
      fail(task, co, "a task yielded values that nobody waits for: use ws.sleep and the wait methods in it")
    end
  end
end

function resume(co, ...)
  local task = task_of[co]
  if task then
    if task.outcome then return end
    task.waiter = nil
  end
  after_resume(co, coroutine.resume(co, ...))
end

--- Starts a function as a task: it runs until it waits for the first time. An error in it reaches whoever waits for
-- the task or, if nobody does, the caller of a poll.
-- @tparam function fn
-- @param ... its arguments
-- @treturn Task
function tasks.spawn(fn, ...)
  local kind = type(fn)
  if kind ~= "function" then
    error(("bad argument #1 to 'spawn' (function expected, got %s)"):format(kind), 2)
  end
  local task = setmetatable({ co = coroutine.create(fn), watchers = {} }, Task)
  task_of[task.co] = task
  unfinished = unfinished + 1
  resume(task.co, ...)
  return task
end

-- ---- waiting

-- The main program has nobody to yield to: it does the polling itself.
local function wait_in_main(waiter)
  local loop = require "wsmultiplayer.loop"
  while not waiter.done do
    local ok, err = pcall(loop.poll, 1)
    if not ok or (loop.is_stuck() and not waiter.done) then
      if not waiter.done then end_wait(waiter) end
      error(ok and "this waits for something that can no longer happen" or err, 0)
    end
  end
end

local function wait_in_coroutine(waiter, co)
  local task = task_of[co]
  waiter.scheduler = not task and schedulers.current() or nil
  if waiter.scheduler then return waiter.scheduler.wait(waiter) end
  waiter.co = co
  while not waiter.done do
    if task then task.waiter = waiter end
    coroutine.yield()
  end
end

--- Waits until wake is called for the waiter, its `try` has results, or the time is up: then returns nil, "timeout".
function tasks.wait(waiter, timeout)
  local object = waiter.object
  if object ~= nil then
    if not queues[object] then
      queues[object] = {}
      objects[#objects + 1] = object
    end
    table.insert(queues[object], waiter)
  end
  if timeout then deadlines.add(waiter, clock() + timeout) end
  local co = running()
  if co then wait_in_coroutine(waiter, co) else wait_in_main(waiter) end
  return unpack(waiter.results, 1, waiter.results.n)
end

--- Whether somebody waits for the object already.
function tasks.is_awaited(object) return queues[object] ~= nil end

--- Raises unless it is nil or a number of seconds >= 0; `level` is that of the one to blame.
function tasks.check_timeout(timeout, position, method, level)
  if timeout == nil then return end
  if type(timeout) ~= "number" then
    error(("bad argument #%d to '%s' (number expected, got %s)"):format(position, method, type(timeout)), level or 3)
  elseif timeout < 0 or timeout ~= timeout then
    error(("bad argument #%d to '%s' (must not be negative)"):format(position, method), level or 3)
  end
end

--- Waits: at least this long, and at least until the next poll.
-- @tparam number seconds
function tasks.sleep(seconds)
  if type(seconds) ~= "number" then
    error(("bad argument #1 to 'sleep' (number expected, got %s)"):format(type(seconds)), 2)
  end
  tasks.wait({}, seconds > 0 and seconds or 0)
end

-- ---- the task object

--- Whether it has returned, failed or been cancelled.
function Task:is_done() return self.outcome ~= nil end

--- What it returned (true if that was nothing); nil and the error, or "cancelled".
function Task:results()
  local outcome = self.outcome
  if not outcome[1] then return nil, outcome[2] end
  if outcome.n == 1 then return true end
  return unpack(outcome, 2, outcome.n)
end

--- Waits for its end.
-- @tparam[opt] number timeout seconds
-- @return what the function returned (true if that was nothing), or nil and its error, "cancelled" or "timeout"
function Task:wait(timeout)
  tasks.check_timeout(timeout, 1, "wait")
  if self.outcome then return self:results() end
  if self.co == running() then error("a task cannot wait for itself", 2) end
  local waiter = {}
  self.watchers[#self.watchers + 1] = waiter
  return tasks.wait(waiter, timeout)
end

--- Ends it where it waits; a task that is just running ends when it waits next.
-- @treturn boolean false if it was done already
function Task:cancel()
  if self.outcome then return false end
  if coroutine.status(self.co) == "suspended" then
    drop(self)
  else
    self.cancelled = true
  end
  return true
end

function Task:__tostring()
  local state = not self.outcome and "running" or self.outcome[1] and "done" or "failed"
  return ("Task: %s (%s)"):format(tostring(self.co):match("0x%x+") or "?", state)
end

-- ---- turns

-- Those who wait for this object, in their order, as long as one of them can go on.
local function serve(object)
  local progress = true
  while progress do
    progress = false
    local queue = queues[object]
    if not queue then return end
    for _, waiter in ipairs(queue) do -- which becomes shorter when what is tried ends waits
      if waiter.try then
        local results = pack(waiter.try(object))
        if results.n > 0 then
          progress = true
          wake(waiter, unpack(results, 1, results.n))
          break -- the queue may be another one now
        end
      end
    end
  end
end

local function wake_overdue()
  local now = clock()
  local waiter = deadlines.take_overdue(now)
  while waiter do
    wake(waiter, nil, "timeout")
    waiter = deadlines.take_overdue(now)
  end
end

--- One turn: everybody who can go on does.
function tasks.turn()
  if #objects > 0 then
    local list = {}
    for i = 1, #objects do list[i] = objects[i] end
    for i = 1, #list do serve(list[i]) end
  end
  if deadlines.first() then wake_overdue() end
  if #ready > 0 then
    local list = ready
    ready = {}
    for i = 1, #list do
      if not list[i].outcome then resume(list[i].co) end
    end
  end
end

--- Seconds until a turn has something to do for sure; nil: nobody knows.
function tasks.time_left()
  if #ready > 0 or failures[first_failure] then return 0 end
  local first = deadlines.first()
  return first and math.max(0, first - clock())
end

--- How many tasks have not ended.
function tasks.count() return unfinished end

return tasks
