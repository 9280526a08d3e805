-- A player: asks the lobby for a room (or takes the one named), tells what happens there, and when the connection is
-- lost, comes back to it.
--   lua player.lua HOST:PORT NAME [ROOM]
local folder = arg[0]:match "^.*[/\\]" or ""
package.path = folder .. "?.lua;" .. package.path

local http = require "socket.http"
local ws = require "wsmultiplayer"

local entrance, name, room = arg[1], arg[2], arg[3]
if not name then
  io.stderr:write "usage: lua player.lua HOST:PORT NAME [ROOM]\n"
  os.exit(1)
end
io.stdout:setvbuf "line"
math.randomseed(os.time() + math.floor(ws.clock() * 1e6) % 1e9)

local function log(text, ...) print(("%-6s  "):format(name) .. text:format(...)) end

if not room then
  http.TIMEOUT = 5
  local body, status = http.request("http://" .. entrance .. "/lobby/find")
  if status ~= 200 then
    io.stderr:write("the lobby has no room for us: ", body or status, "\n")
    os.exit(1)
  end
  room = body:match '"room":"([^"]+)"'
  log("was given room %s by the lobby", room)
end

local peer = ws.WebSocketMultiplayerPeer.new()
local greeted, was_in = {}, false

local handlers = {}

local function greet(id)
  peer:put_var { "say", "Hello, I am " .. name .. ", at the entrance " .. entrance }
  if id then greeted[id] = true end
end

function handlers.welcome(_, server, address, ids)
  was_in = true
  log("is in room %s on server %s, seen as %s; %d others are there", room, server, address, #ids)
  if #ids > 0 then greet() end
end

function handlers.joined(id)
  if not greeted[id] then greet(id) end
end

function handlers.said(id, what) log("hears %d: %s", id, tostring(what)) end

function handlers.left(id) log("sees %d leave", id) end

-- Who was there a moment ago comes back soon; all others at once shall not, hence the dice.
local function connect()
  local err, why = peer:create_client(("ws://%s/room/%s"):format(entrance, room))
  assert(err == ws.OK, why)
end

connect()
while true do
  if peer:get_connection_status() == ws.MultiplayerPeer.CONNECTION_DISCONNECTED then
    log("%s (%s); tries again", was_in and "lost the room" or "did not get in", peer:get_last_error())
    was_in = false
    ws.sleep(0.2 + math.random())
    connect()
  end
  peer:poll(0.5)
  while peer:get_available_packet_count() > 0 do
    local message = peer:get_var()
    local handler = type(message) == "table" and handlers[rawget(message, 1)]
    if handler then handler((table.unpack or unpack)(message, 2)) end
  end
end
