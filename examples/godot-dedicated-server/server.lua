-- The server of the Godot project in this folder.
--   lua server.lua [PORT]
-- Port 0 asks for a free one. Ends with Ctrl-C.
local ws = require "wsmultiplayer"

local port = assert(tonumber(arg[1] or 9080), "the port is no number")
io.stdout:setvbuf "line"

local WIDTH, HEIGHT, RADIUS = 960, 540, 18
local MAX_STEP = 60 -- a walk of five messages, should the network have held some back

local api = ws.MultiplayerAPI.new()
local players = {} -- by peer id: name, hue, position
local main -- the node

-- ---- What clients may call. Arguments can be of any type, and any number.

local game = {}

local function is_text(value, longest)
  return type(value) == "string" and #value > 0 and #value <= longest and not value:find "%c"
end

local function is_position(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.__name == "Vector2" and value.x == value.x and value.y == value.y
end

local function clamp(number, low, high) return math.max(low, math.min(high, number)) end

function game:join(name)
  local id = api:get_remote_sender_id()
  if players[id] then return end
  if not is_text(name, 32) then
    return main:rpc_id(id, "refused", "A name has 1 to 32 bytes.")
  end
  local player = { name = name, hue = math.random(), position = ws.Vector2(WIDTH / 2, HEIGHT / 2) }
  players[id] = player
  print(("%s joins as peer %d"):format(name, id))
  for other_id, other in pairs(players) do
    main:rpc_id(id, "player_joined", other_id, other.name, ws.float(other.hue), other.position)
    if other_id ~= id then
      main:rpc_id(other_id, "player_joined", id, name, ws.float(player.hue), player.position)
    end
  end
end

function game:move(position)
  local id = api:get_remote_sender_id()
  local player = players[id]
  if not player or not is_position(position) then return end
  local x, y = clamp(position.x, RADIUS, WIDTH - RADIUS), clamp(position.y, RADIUS, HEIGHT - RADIUS)
  local dx, dy = x - player.position.x, y - player.position.y
  if dx * dx + dy * dy > MAX_STEP * MAX_STEP then -- nobody walks that fast: back with it
    return main:rpc_id(id, "player_moved", id, player.position)
  end
  player.position = ws.Vector2(x, y)
  for other_id in pairs(players) do
    if other_id ~= id then main:rpc_id(other_id, "player_moved", id, player.position) end
  end
end

function game:say(text)
  local player = players[api:get_remote_sender_id()]
  if not player or not is_text(text, 800) then return end
  print(("%s: %s"):format(player.name, text))
  for id in pairs(players) do main:rpc_id(id, "heard", player.name, text) end
end

-- ---- The node /root/Main, with the same remote methods as main.gd.

main = api:add_node("Main", game, {
  join = { "any_peer" }, move = { "any_peer", "unreliable" }, say = { "any_peer" },
  player_joined = {}, player_left = {}, player_moved = { "unreliable" }, heard = {}, refused = {},
})

api:connect("peer_disconnected", function(id)
  local player = players[id]
  if not player then return end
  players[id] = nil
  print(("%s leaves"):format(player.name))
  for other_id in pairs(players) do main:rpc_id(other_id, "player_left", id) end
end)

api:connect("packet_refused", function(id, why) print(("refused from peer %d: %s"):format(id, why)) end)

local server = ws.WebSocketMultiplayerPeer.new()
local err, why = server:create_server(port)
assert(err == ws.OK, why)
api.server_relay = false -- clients have nothing to tell each other
api.multiplayer_peer = server
print(("listens on port %d"):format(server:get_bound_port()))

while true do
  api:poll(1) -- waits up to a second for something to happen
end
