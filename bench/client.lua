-- The client under test: lua client.lua PORT CONNECTIONS. They send every packet back; ends when the server goes away.

local ws = require "wsmultiplayer"

local url, count = "ws://127.0.0.1:" .. arg[1], tonumber(arg[2])
local peers, open = {}, count
for i = 1, count do
  local peer = ws.WebSocketMultiplayerPeer.new()
  peer.inbound_buffer_size, peer.outbound_buffer_size = 4 * 1024 * 1024, 4 * 1024 * 1024
  peer.max_queued_packets = 65536
  peer.handshake_timeout = 30
  local err, why = peer:create_client(url)
  assert(err == ws.OK, why)
  peers[i] = peer
end
while open > 0 do
  ws.poll(1) -- waits on all of them at once
  open = 0
  for i = 1, count do
    local peer = peers[i]
    for packet in peer:packets() do
      peer:set_target_peer(1)
      peer:put_packet(packet)
    end
    if peer:get_connection_status() ~= 0 then open = open + 1 end
  end
end
