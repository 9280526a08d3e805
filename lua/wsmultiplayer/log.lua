--- ws.set_log: what libwebsockets logs, for a function of the program's.

local core = require "wsmultiplayer.core"

local log = {}

local receiver

--- Has `fn(level, line)` called, from within poll, with each line that libwebsockets logs at this level or a worse one:
-- "error", "warning", "notice", "info" or "debug". At most 128 lines wait for the next poll; of more, the oldest are
-- lost, and a line says how many. Without arguments, lines are no longer kept. The log is the whole process's: in each
-- Lua state that listens the lines about the others' connections arrive, too.
-- @tparam[opt] string level
-- @tparam[opt] function fn
function log.set_log(level, fn)
  if level == nil and fn == nil then
    receiver = nil
    core.log.listen()
    return
  end
  if type(fn) ~= "function" then
    error(("bad argument #2 to 'set_log' (function expected, got %s)"):format(type(fn)), 2)
  end
  if type(level) ~= "string" or not core.log.listen(level) then
    error(("bad argument #1 to 'set_log' (error, warning, notice, info or debug expected, got %s)"):format(
      type(level) == "string" and level or type(level)), 2)
  end
  receiver = fn
end

local function next_line()
  local level, line, lost = core.log.take()
  if not level then return false end
  if lost > 0 then receiver("warning", ("%d lines of the log were lost"):format(lost)) end
  if receiver then receiver(level, line) end
  return true
end

--- Hands over the lines that wait; not those that come meanwhile, or a function that causes lines would never return.
function log.deliver()
  if not receiver then return end
  local count = 0
  while receiver and count < 128 and next_line() do count = count + 1 end
end

return log
