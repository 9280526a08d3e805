-- One of the processes that rooms live in. Which rooms come here is the proxy's business.
--   lua server.lua NAME [PORT [ADDRESS [REDIS]]]
--   lua server.lua s1 9101 127.0.0.1 127.0.0.1:6379
-- Players connect to ws://HOST/room/ROOM, with WebSocketMultiplayerPeer, and are alone with those of the same room.
-- Every message is an array with its name first, sent with put_var:
--   from a client   {"say", value}
--   from here       {"welcome", room, server, address, ids}   {"joined", id}   {"left", id}   {"said", id, value}
-- In place of "say" a game of yours has its own messages, and a world for each room.
local folder = arg[0]:match "^.*[/\\]" or ""
package.path = folder .. "?.lua;" .. package.path

local ws = require "wsmultiplayer"
local directory = require "directory"
local resp = require "resp"

local TELL_EVERY = 1 -- seconds
local PROXIES = { ["127.0.0.1"] = true, ["::1"] = true } -- whose word about a player's address is taken

local own_name = arg[1]
local port, address = tonumber(arg[2] or 9101), arg[3] or "127.0.0.1"
local redis = resp.new(arg[4] or "127.0.0.1:6379")
if not own_name or not port then
  io.stderr:write "usage: lua server.lua NAME [PORT [ADDRESS [REDIS]]]\n"
  os.exit(1)
end
io.stdout:setvbuf "line"

local function log(text, ...) print(own_name .. "  " .. text:format(...)) end

local peer = ws.WebSocketMultiplayerPeer.new()
peer.inbound_buffer_size = 4096
peer.heartbeat_interval = 10 -- ends dead links, and keeps the proxy from taking a quiet one for dead

local rooms = {}    -- by name: { players = { [id] = true }, count = }
local room_of = {}  -- by the id of a player: the room's name
local guests = {}   -- by address and port: who was let in and is not a peer yet

-- ---- Rooms

local function send(id, ...)
  peer:set_target_peer(id)
  peer:put_var { ... }
end

local function send_to_room(name, except, ...)
  local bytes = assert(ws.var_to_bytes { ... })
  for id in pairs(rooms[name].players) do
    if id ~= except then
      peer:set_target_peer(id)
      peer:put_packet(bytes)
    end
  end
end

local function tell(name)
  local room = rooms[name]
  if room then
    directory.tell(redis, name, own_name, room.count)
  else
    directory.forget(redis, name)
  end
end

local function enter(id, name, from)
  local room = rooms[name] or { players = {}, count = 0 }
  rooms[name], room_of[id] = room, name
  local ids = {}
  for other in pairs(room.players) do ids[#ids + 1] = other end
  room.players[id] = true
  room.count = room.count + 1
  send(id, "welcome", name, own_name, from, ids)
  send_to_room(name, id, "joined", id)
  log("peer %d from %s is in room %s (%d)", id, from, name, room.count)
  tell(name)
end

local function leave(id)
  local name = room_of[id]
  if not name then return end
  room_of[id] = nil
  local room = rooms[name]
  room.players[id] = nil
  room.count = room.count - 1
  if room.count == 0 then rooms[name] = nil else send_to_room(name, id, "left", id) end
  log("peer %d left room %s (%d)", id, name, room.count)
  tell(name)
end

-- ---- Who comes in

local function seats_taken(name)
  local count = rooms[name] and rooms[name].count or 0
  for _, guest in pairs(guests) do
    if guest.room == name then count = count + 1 end
  end
  return count
end

peer.on_request = function(request)
  local name = request.path:match "^/room/(.*)$"
  if not name or not directory.is_name(name) then
    return 404, "rooms are at /room/NAME: up to 32 of a-z, 0-9 and -"
  end
  if seats_taken(name) >= directory.SEATS then return 403, "the room is full" end
  local from = request.address
  -- The proxy writes this header itself, whatever the player has sent; nobody else is believed.
  if PROXIES[from] then from = request.headers["x-forwarded-for"] or from end
  guests[request.address .. " " .. request.port] = { room = name, from = from, since = ws.clock() }
end

peer.peer_connected:connect(function(id)
  local key = peer:get_peer_address(id) .. " " .. peer:get_peer_port(id)
  local guest = guests[key]
  guests[key] = nil
  peer:get_peer(id):set_no_delay(true)
  enter(id, guest.room, guest.from)
end)

peer.peer_disconnected:connect(leave)

local function forget_lost_guests()
  local oldest = ws.clock() - peer.handshake_timeout - 1
  for key, guest in pairs(guests) do
    if guest.since < oldest then guests[key] = nil end
  end
end

-- The proxy's health check.
peer.on_http_request = function(request)
  if request.path ~= "/health" then return 404 end
  local count = 0
  for _ in pairs(rooms) do count = count + 1 end
  return 200, nil, ("%s: %d players in %d rooms\n"):format(own_name, #peer:get_peers(), count)
end

-- ---- The loop

local err, why = peer:create_server(port, address)
if err ~= ws.OK then
  io.stderr:write(own_name, " cannot listen: ", why, "\n")
  os.exit(1)
end
log("listens on port %d", peer:get_bound_port())

local told = ""
local function watch_redis()
  redis:poll()
  local trouble = redis:is_connected() and "" or redis.state ~= "connecting" and redis.why or told
  if trouble ~= told then
    log(trouble == "" and "Redis is there" or "%s; games go on, but the lobby cannot see them", trouble)
    -- All that it has not heard, or has forgotten
    for name in pairs(trouble == "" and rooms or {}) do tell(name) end
  end
  told = trouble
end

local next_tell = ws.clock()
while true do
  peer:poll(0.1)
  while peer:get_available_packet_count() > 0 do
    local id = peer:get_packet_peer()
    local message = peer:get_var()
    local name = room_of[id]
    if name and type(message) == "table" and rawget(message, 1) == "say" then
      send_to_room(name, id, "said", id, rawget(message, 2))
    end
  end
  if ws.clock() >= next_tell then
    next_tell = ws.clock() + TELL_EVERY
    forget_lost_guests()
    for name in pairs(rooms) do tell(name) end
  end
  watch_redis()
end
