-- Under copas: a table with the few methods of a socket that copas needs stands for the server's descriptor, so that
-- its select watches that, too.
--   lua under_copas.lua [PORT]
package.path = (arg[0]:match "^.*[/\\]" or "./") .. "?.lua;" .. package.path -- this folder, for echo.lua
local copas = require "copas"
local echo = require "echo"

local server = echo.start()

local socket = {
  getfd = function() return server:pollfd() end,
  dirty = function() return server:timeout() == 0 end, -- whether not to wait
  settimeout = function() end,
  receive = function()
    echo.turn(server)
    return nil, "timeout" -- copas calls again when it is readable
  end,
}
copas.addthread(function() copas.receive(socket) end)

-- What is due without anybody sending: time-outs, heartbeats.
while true do
  copas.step(0.1)
  echo.turn(server)
end
