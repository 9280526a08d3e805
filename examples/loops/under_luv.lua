-- Under luv: libuv watches the descriptor; a timer does what is due without anybody sending (time-outs, heartbeats).
--   lua under_luv.lua [PORT]
package.path = (arg[0]:match "^.*[/\\]" or "./") .. "?.lua;" .. package.path -- this folder, for echo.lua
local uv = require "luv"
local echo = require "echo"

local server = echo.start()

local watcher = uv.new_poll(server:pollfd())
watcher:start("r", function(err)
  assert(not err, err)
  echo.turn(server)
end)

local timer = uv.new_timer()
timer:start(100, 100, function() echo.turn(server) end)

uv.run()
