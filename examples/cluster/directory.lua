-- What the cluster knows of its rooms, in Redis. Only this file knows the keys:
--
--   wsroom:rooms           a set of the names
--   wsroom:room:NAME       "PLAYERS SERVER"; lives a few seconds unless its server tells of it again
--   wsroom:promised:NAME   how many seats the lobby has given away to players who are not there yet
--
-- Redis is asked for finding rooms, not for playing in them: a game goes on without it.
local directory = {
  SEATS = 8,     -- of a room
  LIFETIME = 5,  -- seconds that a room is known without being told of
  PROMISE = 5,   -- seconds from being given a room to being in it
}

local ROOMS, ROOM, PROMISED = "wsroom:rooms", "wsroom:room:", "wsroom:promised:"

-- Names are part of URLs and of keys, and every room has one only.
function directory.is_name(name)
  return #name <= 32 and name:find "^[a-z0-9][a-z0-9-]*$" ~= nil
end

-- ---- For the servers; nobody waits

function directory.tell(redis, room, server, players)
  redis:post("SADD", ROOMS, room)
  redis:post("SET", ROOM .. room, players .. " " .. server, "EX", directory.LIFETIME)
end

-- Should the room be alive on another server, that one tells of it again within a second.
function directory.forget(redis, room)
  redis:post("DEL", ROOM .. room)
  redis:post("SREM", ROOMS, room)
end

-- ---- For the lobby, which waits

local function describe(name, value, promised)
  local players, server = value:match "^(%d+) (%S+)$"
  return {
    room = name, players = tonumber(players), server = server, seats = directory.SEATS,
    promised = tonumber(promised or nil) or 0,
  }
end

-- The room of this name, or false if nobody is there; nil and why if that cannot be known.
function directory.get(redis, name)
  local values, why = redis:call("MGET", ROOM .. name, PROMISED .. name)
  if not values then return nil, why end
  return values[1] and describe(name, values[1], values[2])
end

function directory.list(redis)
  local names, why = redis:call("SMEMBERS", ROOMS)
  if not names then return nil, why end
  if #names == 0 then return {} end
  table.sort(names)
  local keys = {}
  for _, name in ipairs(names) do keys[#keys + 1] = ROOM .. name end
  local values
  values, why = redis:call("MGET", (table.unpack or unpack)(keys))
  if not values then return nil, why end
  local rooms = {}
  for i, name in ipairs(names) do
    if values[i] then rooms[#rooms + 1] = describe(name, values[i]) end
  end
  return rooms
end

-- Redis runs it as one step, so that two lobbies do not give away the same seat.
local FIND = [[
local rooms, room, promised = "wsroom:rooms", "wsroom:room:", "wsroom:promised:"
local seats, lifetime, new = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local best, most = new, -1
for _, name in ipairs(redis.call("SMEMBERS", rooms)) do
  local value = redis.call("GET", room .. name)
  if value then
    local taken = tonumber(value:match("^%d+")) + tonumber(redis.call("GET", promised .. name) or 0)
    if taken < seats and (taken > most or taken == most and name < best) then best, most = name, taken end
  else
    redis.call("SREM", rooms, name)
  end
end
if best == new then
  redis.call("SADD", rooms, new)
  redis.call("SET", room .. new, "0 -", "EX", lifetime)
end
redis.call("INCR", promised .. best)
redis.call("EXPIRE", promised .. best, lifetime)
return { best, redis.call("GET", room .. best) }
]]

-- The fullest room with a free seat, or a new one with this name; a seat in it is kept for a while.
function directory.find(redis, new_name)
  local answer, why = redis:call("EVAL", FIND, 0, directory.SEATS, directory.PROMISE, new_name)
  if not answer then return nil, why end
  return describe(answer[1], answer[2])
end

return directory
