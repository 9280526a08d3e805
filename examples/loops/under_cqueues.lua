-- Under cqueues: a server has the methods pollfd, events and timeout, so cqueues waits for it as for its own objects.
--   lua under_cqueues.lua [PORT]
package.path = (arg[0]:match "^.*[/\\]" or "./") .. "?.lua;" .. package.path -- this folder, for echo.lua
local cqueues = require "cqueues"
local echo = require "echo"

local server = echo.start()
local loop = cqueues.new()

loop:wrap(function()
  while true do
    cqueues.poll(server)
    echo.turn(server)
  end
end)

assert(loop:loop())
