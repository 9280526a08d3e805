-- An echo server for any WebSocket client: sends every message back, text as text and binary as binary.
--   lua echo_server.lua [PORT]
-- Port 0 asks for a free one. Ends with Ctrl-C.
local ws = require "wsmultiplayer"

local TEXT, BINARY = ws.WebSocketPeer.WRITE_MODE_TEXT, ws.WebSocketPeer.WRITE_MODE_BINARY
io.stdout:setvbuf "line"

local server = ws.WebSocketServer.new()
local names = {} -- by peer; this also keeps the peers: one that is dropped is closed

local function welcome(peer)
  names[peer] = ("%s port %d"):format(peer:get_connected_host(), peer:get_connected_port())
  print(names[peer] .. " comes")
end

local function serve(peer)
  peer:poll() -- shows the end
  -- As long as the client takes the answers. One who does not is not read from either.
  while peer:get_available_packet_count() > 0 and peer:get_current_outbound_buffered_amount() == 0 do
    local message = peer:get_packet()
    peer:send(message, peer:was_string_packet() and TEXT or BINARY)
  end
  if peer:get_ready_state() == ws.WebSocketPeer.STATE_CLOSED then
    print(("%s goes: %s"):format(names[peer], peer:get_last_error()))
    names[peer] = nil
  end
end

local port = assert(tonumber(arg[1] or 9080), "the port is no number")
local err, why = server:listen(port)
assert(err == ws.OK, why)
print(("listens on port %d"):format(server:get_local_port()))

while true do
  server:poll(1) -- waits up to a second for something to happen
  while server:is_connection_available() do welcome(server:take_connection()) end
  for peer in pairs(names) do serve(peer) end
end
