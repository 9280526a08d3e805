-- How long the network takes in love.update: love measure ARENA_FOLDER CLIENTS SECONDS
-- Hosts the arena, prints its port, waits until CLIENTS have joined, and plays for SECONDS at 60 frames a second.
-- Prints how many messages came in that time, and a line for each thing measured, in milliseconds: NAME FRAMES, then
-- the median, the 99th percentile and the greatest of the time that passed, and of the CPU time that it took. What
-- passed and took no CPU time was waiting, or another program's turn.
local ffi = require "ffi"

ffi.cdef [[
  struct measure_time { long seconds, nanoseconds; };
  int clock_gettime(int clock, struct measure_time *time);
]]
local CLOCK_THREAD_CPUTIME_ID = 3 -- Linux
local buffer = ffi.new "struct measure_time"

local function cpu_time()
  ffi.C.clock_gettime(CLOCK_THREAD_CPUTIME_ID, buffer)
  return tonumber(buffer.seconds) + tonumber(buffer.nanoseconds) / 1e9
end

local session, others, seconds
local started, due
local messages = 0

-- "joining" is poll too, in the frames before all have joined.
local measures = { joining = {}, poll = {}, update = {} }

-- Calls act(), and notes how long it took under this name.
local function measure(name, act)
  local wall, cpu = love.timer.getTime(), cpu_time()
  act()
  cpu, wall = cpu_time() - cpu, love.timer.getTime() - wall
  if not started then name = name == "poll" and "joining" or nil end
  if name then table.insert(measures[name], { wall = wall * 1000, cpu = cpu * 1000 }) end
end

local function summary(list, kind)
  local values = {}
  for i, entry in ipairs(list) do values[i] = entry[kind] end
  table.sort(values)
  local function at(part) return values[math.max(1, math.ceil(#values * part))] end
  return ("%.3f %.3f %.3f"):format(at(0.5), at(0.99), at(1))
end

function love.load(words)
  package.path = words[1] .. "?.lua;" .. package.path
  others, seconds = tonumber(words[2]), tonumber(words[3])
  io.stdout:setvbuf "line"
  session = require("session").new({ lines = {}, autopilot = true })
  assert(session:host(0, "Host"))
  local receive = session.server.receive
  function session.server.receive(...)
    if started then messages = messages + 1 end
    return receive(...)
  end
  print("port " .. session.server:get_port())
  due = love.timer.getTime()
end

function love.update()
  -- What others have sent is read here; the update that follows finds little more.
  measure("poll", function()
    session.server.peer:poll()
    if session.client.peer then session.client.peer:poll() end
  end)
  measure("update", function() session:update() end)
  local time = love.timer.getTime()
  if not started and #session.server.world.order == others + 1 then started = time end
  if started and time - started > seconds then
    print(("clients %d messages %d"):format(#session.server.world.order - 1, messages))
    for name, list in pairs(measures) do
      print(("%s %d wall %s cpu %s"):format(name, #list, summary(list, "wall"), summary(list, "cpu")))
    end
    love.event.quit()
  end
  due = math.max(due + 1 / 60, time)
  love.timer.sleep(due - time)
end

function love.quit() session:leave() end
