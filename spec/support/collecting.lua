-- For busted's --helper, in place of helper.lua: the specs under a full collection at every step (see collecting.c).
local here = debug.getinfo(1, "S").source:match("^@(.*)[/\\]collecting%.lua$") or "./spec/support"
dofile(here .. "/helper.lua")
local collecting = require "wsmultiplayer_collecting"

require("busted").subscribe({ "suite", "end" }, function()
  local boundaries, refusals = collecting.counts()
  io.stderr:write(("collections: %d at calls and returns, %d at allocations\n"):format(boundaries, refusals))
  if boundaries == 0 or (_VERSION ~= "Lua 5.1" and refusals == 0) then error "nothing was collected" end
  return nil, true
end)
