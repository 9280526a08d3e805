-- Loads wsmultiplayer from wherever LÖVE finds it, in this thread and in another one, which then talk to each other.
if love.filesystem.isFused() then
  -- As docs/love.md has it: what lies beside the program is found too.
  love.filesystem.mount(love.filesystem.getSourceBaseDirectory(), "")
end

local ok, ws = pcall(require, "wsmultiplayer")
if not ok then
  print("not found: " .. ws)
  os.exit(3)
end

local SERVER = [[
  local channel = love.thread.getChannel "server"
  local ws = require "wsmultiplayer"
  local server = ws.WebSocketMultiplayerPeer.new()
  assert(server:create_server(0, "127.0.0.1") == ws.OK)
  channel:push(server:get_bound_port())
  while not love.thread.getChannel("end"):peek() do
    server:poll(0.05)
    for packet, from in server:packets() do
      server:set_target_peer(from)
      server:put_packet(packet:upper())
    end
  end
  server:close()
]]

local thread, client

function love.load()
  thread = love.thread.newThread(SERVER)
  thread:start()
  client = ws.WebSocketMultiplayerPeer.new()
  client.peer_connected:connect(function() client:put_packet "from thread to thread" end)
  client:create_client("ws://127.0.0.1:" .. love.thread.getChannel("server"):demand(5))
end

function love.update()
  client:poll()
  for packet in client:packets() do
    print("heard " .. packet)
    love.thread.getChannel("end"):push(true)
    thread:wait()
    love.event.quit()
  end
  assert(not thread:getError(), thread:getError())
end
