-- A chat server.
--   lua server.lua [PORT [LAST_WORDS]]
-- Port 0 asks for a free one. The server ends when somebody says LAST_WORDS; without them, with Ctrl-C.
--
-- The first packet of a client is its name, every later one is a line of chat:
--   hello            everyone hears it
--   @Grace hello     Grace alone hears it
--   /me waves        everyone but the one who waves hears it
local ws = require "wsmultiplayer"

local port, last_words = assert(tonumber(arg[1] or 9080), "the port is no number"), arg[2]
io.stdout:setvbuf "line"

local server = ws.WebSocketMultiplayerPeer.new()
local names = {} -- by peer id

local function send(target, text)
  server:set_target_peer(target) -- 0: everyone, id: that one, -id: everyone but that one
  server:put_packet(text)
end

local function find(name)
  for id, taken in pairs(names) do
    if taken == name then return id end
  end
end

local function join(id, name)
  if not name:find "^%a%w*$" or #name > 16 or find(name) then
    send(id, "* This name is taken, or not made of letters and digits.")
    return server:disconnect_peer(id)
  end
  names[id] = name
  print(("server  * %s joined as peer %d"):format(name, id))
  send(id, ("* Welcome, %s!"):format(name))
  send(-id, ("* %s joined"):format(name))
end

local function chat(id, line)
  local name = names[id]
  line = line:gsub("%c", " ")
  local friend, whisper = line:match "^@(%w+) (.*)"
  local action = line:match "^/me (.*)"
  if action then
    send(-id, ("* %s %s"):format(name, action))
  elseif friend and find(friend) then
    send(find(friend), ("%s, to you alone: %s"):format(name, whisper))
  elseif friend then
    send(id, ("* Nobody here is called %s."):format(friend))
  else
    send(0, ("%s: %s"):format(name, line))
  end
end

server.peer_disconnected:connect(function(id)
  local name = names[id]
  if not name then return end
  names[id] = nil
  print(("server  * %s left"):format(name))
  send(0, ("* %s left"):format(name))
end)

local err, why = server:create_server(port)
assert(err == ws.OK, why)
print(("server  * listens on port %d"):format(server:get_bound_port()))

local open = true
while open do
  server:poll(0.1) -- waits up to 0.1 s for something to happen
  for packet, from in server:packets() do
    if names[from] then chat(from, packet) else join(from, packet) end
    open = open and packet ~= last_words
  end
end
server:close()
print "server  * ends"
