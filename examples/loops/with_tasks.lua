-- The loop of wsmultiplayer with tasks: receive() lets the others go on while it waits.
--   lua with_tasks.lua [PORT]
package.path = (arg[0]:match "^.*[/\\]" or "./") .. "?.lua;" .. package.path -- this folder, for echo.lua
local ws = require "wsmultiplayer"
local echo = require "echo"

local server = echo.start()
ws.run(function()
  while true do
    local packet, from = server:receive()
    if not packet then return end -- the server was closed
    server:set_target_peer(from)
    server:put_packet(packet)
  end
end)
