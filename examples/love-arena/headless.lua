-- The game without a window, as a server for others or as a player that can only be heard.
local Session = require "session"
local narrate = require "narrator"

local headless = {}

local session

local function fail(why)
  io.stderr:write(why, "\n")
  love.event.quit(1)
end

function headless.load(options)
  io.stdout:setvbuf "line"
  session = Session.new(options, print)
  narrate(session.client)
  session.client:on("out", fail)
  local name = options.name or "LÖVE"
  local ok, why
  if options.host then
    ok, why = session:host(options.host, name)
    if ok then print(("the arena listens on port %d"):format(session.server:get_port())) end
  else
    ok, why = session:join(options.join or "ws://127.0.0.1:9080", name)
  end
  if not ok then fail(why) end
end

function headless.update()
  session:update()
end

function headless.quit()
  session:leave()
end

return headless
