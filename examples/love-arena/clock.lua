-- Seconds from some moment on, with fractions. Plain Lua has no such clock: os.time has no fractions, and os.clock
-- counts only the time in which this process was busy.
local ws = require "wsmultiplayer"

local love = rawget(_G, "love")
if love and love.timer then return love.timer.getTime end

if rawget(ws, "clock") then return ws.clock end

local ok, socket = pcall(require, "socket")
assert(ok, "the arena needs a clock outside of LÖVE: please install luasocket (lua-socket on Debian)")
return socket.gettime
