-- The other side of a network whose link is about to go down: clients, or servers, that go on until they are killed.
--
--   lua far.lua serve ADDRESS           a server, whose port it tells
--   lua far.lua join ADDRESS PORT       a client; it tells when it is in
local ws = require "wsmultiplayer"
local role, address, port = (...), select(2, ...)
local peer = ws.WebSocketMultiplayerPeer.new()
if role == "serve" then
  assert(peer:create_server(0, address))
  print("port " .. peer:get_bound_port())
else
  assert(peer:create_client(("ws://%s:%s"):format(address, port)))
  peer.peer_connected:connect(function() print "joined" io.stdout:flush() end)
end
io.stdout:flush()
while true do peer:poll(0.05) end
