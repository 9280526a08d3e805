-- A chat client: shows what it hears, and says its lines when their cues come, as on a stage.
--   lua client.lua URL NAME [CUE LINE]...
--   lua client.lua ws://127.0.0.1:9080 Ada
--   lua client.lua ws://127.0.0.1:9080 Linus Welcome "Hello, everyone!" "Ada:" "@Ada Hi!" "Ada," "/leave"
-- A cue is a part of something heard; "/leave" leaves. See server.lua for what a line may be.
local ws = require "wsmultiplayer"

local url, name = arg[1], arg[2]
assert(name, "usage: lua client.lua URL NAME [CUE LINE]...")
io.stdout:setvbuf "line"

local client = ws.WebSocketMultiplayerPeer.new()
local next_cue = 3 -- in arg
local joined = false

local function show(mark, text)
  print(("%-7s %s %s"):format(name, mark, text))
end

local function say(line)
  if line == "/leave" then
    show("*", "leaves")
    return client:close()
  end
  show(">", line)
  client:put_packet(line)
end

local function hear(text)
  show("<", text)
  local cue, line = arg[next_cue], arg[next_cue + 1]
  if cue and line and text:find(cue, 1, true) then
    next_cue = next_cue + 2
    say(line)
  end
end

client.peer_connected:connect(function() -- the server: its id is always 1
  joined = true
  show("*", ("is connected as peer %d"):format(client:get_unique_id()))
  client:put_packet(name)
end)

client.peer_disconnected:connect(function(_, code)
  show("*", ("sees the server go (%d)"):format(code))
end)

local err, why = client:create_client(url)
assert(err == ws.OK, why)

repeat
  client:poll(0.1) -- waits up to 0.1 s for something to happen
  for packet in client:packets() do hear(packet) end
until client:get_connection_status() == ws.MultiplayerPeer.CONNECTION_DISCONNECTED

if not joined then
  io.stderr:write(name, ": ", client:get_last_error(), "\n")
  os.exit(1)
end
