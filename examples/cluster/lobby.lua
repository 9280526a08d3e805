-- The lobby: tells over plain HTTP which rooms there are, and finds one with a free seat.
--   lua lobby.lua [PORT [ADDRESS [REDIS]]]
--
--   GET /lobby/find         the fullest room with a free seat, or a new one. A seat is kept for five seconds
--   GET /lobby/rooms        all of them
--   GET /lobby/room/NAME    that one; 404 if nobody is there
--   GET /health             for the proxy
--
-- Answers are JSON: {"room":"calm-otter-17","path":"/room/calm-otter-17","players":3,"seats":8,"server":"s1"}.
-- It keeps nothing itself, so there can be any number of them. It is a process of its own because it waits for Redis.
local folder = arg[0]:match "^.*[/\\]" or ""
package.path = folder .. "?.lua;" .. package.path

local ws = require "wsmultiplayer"
local directory = require "directory"
local resp = require "resp"

local port, address = tonumber(arg[1] or 9001), arg[2] or "127.0.0.1"
if not port then
  io.stderr:write "usage: lua lobby.lua [PORT [ADDRESS [REDIS]]]\n"
  os.exit(1)
end
local redis = resp.new(arg[3] or "127.0.0.1:6379")
io.stdout:setvbuf "line"
math.randomseed(os.time() + math.floor(ws.clock() * 1e6) % 1e9)

-- ---- JSON

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function to_json(room)
  return ('{"room":%s,"path":%s,"players":%d,"seats":%d,"server":%s}'):format(
    quote(room.room), quote("/room/" .. room.room), room.players, room.seats,
    room.server == "-" and "null" or quote(room.server))
end

local HEADERS = {
  ["content-type"] = "application/json",
  ["cache-control"] = "no-store",
  ["access-control-allow-origin"] = "*", -- pages from elsewhere may ask
}

local function answer(status, json) return status, HEADERS, json .. "\n" end

local function refuse(status, why) return answer(status, '{"error":' .. quote(why) .. "}") end

local function unknown(why)
  return refuse(503, why .. ". Until it is back nobody knows which rooms there are; games go on, and can be joined")
end

-- ---- Questions

local FIRST = { "amber", "bold", "calm", "dusty", "early", "fair", "green", "happy", "icy", "jolly", "keen" }
local SECOND = { "otter", "raven", "tiger", "whale", "lynx", "heron", "badger", "falcon", "moose", "newt", "toad" }

local function new_name()
  return ("%s-%s-%d"):format(FIRST[math.random(#FIRST)], SECOND[math.random(#SECOND)], math.random(10, 9999))
end

local questions = {}

function questions.find()
  local room, why = directory.find(redis, new_name())
  if not room then return unknown(why) end
  return answer(200, to_json(room))
end

function questions.rooms()
  local rooms, why = directory.list(redis)
  if not rooms then return unknown(why) end
  for i, room in ipairs(rooms) do rooms[i] = to_json(room) end
  return answer(200, '{"rooms":[' .. table.concat(rooms, ",") .. "]}")
end

function questions.room(name)
  if not directory.is_name(name) then return refuse(404, "rooms have names of up to 32 of a-z, 0-9 and -") end
  local room, why = directory.get(redis, name)
  if room == nil then return unknown(why) end
  if not room then return refuse(404, "nobody is in this room") end
  return answer(200, to_json(room))
end

local server = ws.WebSocketServer.new()

server.on_request = function() return 404, "the lobby is asked over plain HTTP" end

server.on_http_request = function(request)
  if request.path == "/health" then return 200, nil, "lobby\n" end
  if request.method ~= "GET" then return refuse(405, "GET only") end
  local name = request.path:match "^/lobby/room/(.+)$"
  if name then return questions.room(name) end
  if request.path == "/lobby/find" then return questions.find() end
  if request.path == "/lobby/rooms" then return questions.rooms() end
  return refuse(404, "there are /lobby/find, /lobby/rooms and /lobby/room/NAME")
end

local err, why = server:listen(port, address)
if err ~= ws.OK then
  io.stderr:write("the lobby cannot listen: ", why, "\n")
  os.exit(1)
end
print(("lobby  listens on port %d"):format(server:get_local_port()))

while true do
  server:poll(1)
  redis:poll() -- notices an end that came between the questions
end
