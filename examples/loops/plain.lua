-- No loop but our own: poll waits until something happens, for a tenth of a second at most.
--   lua plain.lua [PORT]
package.path = (arg[0]:match "^.*[/\\]" or "./") .. "?.lua;" .. package.path -- this folder, for echo.lua
local echo = require "echo"

local server = echo.start()
while true do
  echo.turn(server)
  server:poll(0.1)
end
