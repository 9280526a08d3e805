-- What all loops of this folder run: a server that sends every packet back to its sender.
local ws = require "wsmultiplayer"

local echo = {}

-- Listens on the port of the command line (9080; 0: a free one).
function echo.start()
  local server = ws.WebSocketMultiplayerPeer.new()
  local port = assert(tonumber(arg[1] or 9080), "the port is no number")
  local err, why = server:create_server(port)
  assert(err == ws.OK, why)
  io.stdout:setvbuf "line"
  print(("listens on port %d"):format(server:get_bound_port()))
  return server
end

-- One turn, which never waits.
function echo.turn(server)
  server:poll()
  for packet, from in server:packets() do
    server:set_target_peer(from)
    server:put_packet(packet)
  end
end

return echo
