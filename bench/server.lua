-- The server under test: lua server.lua echo|bcast|frames|idle [CONNECTIONS]. Prints its port.
--   echo     sends every packet back            bcast   sends it to all others
--   frames   echo in a game's loop: one poll without waiting each sixtieth of a second
--   idle     echo; once CONNECTIONS are there it prints what a poll() costs that finds nothing to do

local ws = require "wsmultiplayer"
local has_socket, socket = pcall(require, "socket") -- for its clock

local mode, expected = arg[1], tonumber(arg[2])
local FRAME = 1 / 60

local function new_server()
  local peer = ws.WebSocketMultiplayerPeer.new()
  peer.inbound_buffer_size, peer.outbound_buffer_size = 4 * 1024 * 1024, 4 * 1024 * 1024
  peer.max_queued_packets = 65536
  peer.max_pending_handshakes = 65536
  local err, why = peer:create_server(0, "127.0.0.1")
  assert(err == ws.OK, why)
  return peer
end

local server = new_server()
print("port " .. server:get_bound_port())
io.stdout:flush()

local function answer(sign)
  for packet, sender in server:packets() do
    server:set_target_peer(sign * sender)
    server:put_packet(packet)
  end
end

local function measure_poll()
  local calls, best = 1000, math.huge
  for _ = 1, 7 do
    local start = os.clock()
    for _ = 1, calls do server:poll() end
    best = math.min(best, (os.clock() - start) / calls)
  end
  print(("poll_us=%.3f"):format(best * 1e6))
  io.stdout:flush()
end

if mode == "idle" then
  local joined = 0
  server.peer_connected:connect(function()
    joined = joined + 1
    if joined == expected then expected = "now" end
  end)
  while true do
    server:poll(1)
    if expected == "now" then
      expected = nil
      -- What came with the last handshakes is not part of the idle poll.
      for _ = 1, 100 do server:poll(0.001) end
      measure_poll()
    end
  end
elseif mode == "frames" then
  assert(has_socket, "a game's loop needs LuaSocket, for its clock")
  local due = socket.gettime()
  while true do
    server:poll()
    answer(1)
    due = math.max(due + FRAME, socket.gettime())
    socket.sleep(due - socket.gettime())
  end
end

local sign = mode == "bcast" and -1 or 1
while true do
  server:poll(1)
  answer(sign)
end
