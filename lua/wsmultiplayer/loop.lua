--- ws.poll, ws.update and ws.run: all objects and tasks of this Lua state at once.

local core = require "wsmultiplayer.core"
local poll = require "wsmultiplayer.poll"
local tasks = require "wsmultiplayer.tasks"

local loop = {}

-- The set of objects that have sockets to look after, filled by whoever gives them one. It keeps none of them alive.
local active = core.active

-- Where the system has no descriptor that stands for all sockets of an object.
local BLIND_SLICE = 0.005

-- What objects of a class wait for just now, by the name that their metatable shows: a function that gives a descriptor
-- and the events that are wanted of it. Unlike pollfd(), it needs no descriptor of its own.
local wanted_by = {}
for _, name in ipairs { "WebSocketMultiplayerPeer", "WebSocketPeer", "WebSocketServer" } do
  wanted_by[name] = core[name].wanted
end

--- The same for any object, also of a class that is not ours but has pollfd(); nothing if it has no descriptor.
function loop.wanted(object)
  local of_class = wanted_by[getmetatable(object)]
  if of_class then return of_class(object) end
  local found, pollfd = pcall(function() return object.pollfd end)
  if found and pollfd then return pollfd(object), 1 end
end

--- Tells what objects of one more class wait for.
function loop.add_class(name, fn) wanted_by[name] = fn end

--- Adds an object that has poll() to those that are polled; its is_active() tells when that ends.
function loop.add(object) active[object] = true end

local function snapshot()
  local list = {}
  for object in pairs(active) do list[#list + 1] = object end
  return list
end

-- Waits until one of them, or a task, has something to do.
local function wait(list, timeout)
  local wants, count = {}, 0
  local left = math.min(timeout, tasks.time_left() or timeout)
  for i = 1, #list do
    local object = list[i]
    left = math.min(left, object:timeout() or left)
    local descriptor, events = loop.wanted(object)
    if descriptor then
      wants[count + 1], wants[count + 2] = descriptor, events
      count = count + 2
    elseif object:is_active() then
      left = math.min(left, BLIND_SLICE)
    end
  end
  if left > 0 then core.wait(wants, count, left) end
end

local function poll_one(object)
  object:poll()
end

-- An error must not keep the others from being polled: all are noted, the first is raised.
local function poll_all(list)
  for i = 1, #list do
    local ok, err = pcall(poll_one, list[i])
    if not ok then tasks.note_failure(err) end
    if not list[i]:is_active() then active[list[i]] = nil end
  end
  poll.turn()
end

--- Polls everything that is alive: all peers, servers and APIs of this Lua state, and all tasks. Waits at most
-- `timeout` seconds for something to happen to one of them (it may return earlier); without it, not at all. An error
-- in a handler or a task is passed on; further ones come at the next poll.
-- @tparam[opt=0] number timeout seconds
function loop.poll(timeout)
  tasks.check_timeout(timeout, 1, "poll")
  local list = snapshot()
  if timeout and timeout > 0 then wait(list, timeout) end
  poll_all(list)
end

--- The same without waiting, for love.update.
function loop.update() loop.poll() end

local stopped

--- Makes ws.run return. From a handler or a task.
function loop.stop() stopped = true end

-- Whether nothing is left that could wake anybody.
function loop.is_stuck() return next(active) == nil and not tasks.time_left() end

--- The loop of a plain script: polls everything until `fn`, which it runs as a task, has returned, and returns what
-- that returned. Without a function, until there is nothing alive and no task left. ws.stop ends it in any case.
-- @tparam[opt] function fn
-- @param ... its arguments
function loop.run(fn, ...)
  if tasks.running() then error("ws.run is for the main program: ws.spawn starts a task from within another", 2) end
  stopped = false
  local task
  if fn ~= nil then
    if type(fn) ~= "function" then
      error(("bad argument #1 to 'run' (function expected, got %s)"):format(type(fn)), 2)
    end
    task = tasks.spawn(fn, ...)
  end
  while not stopped do
    if task and task:is_done() then break end
    if loop.is_stuck() then
      if not task and tasks.count() == 0 then break end
      error("ws.run: every task waits for something that can no longer happen", 2)
    end
    loop.poll(1)
  end
  stopped = false
  if not task or not task:is_done() then return end
  tasks.raise_failure()
  return task:results()
end

return loop
