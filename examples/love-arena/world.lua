-- The rules of the arena: who is in it, where everybody is, and what a name or a line of chat may be. No sockets and no
-- clock here: whatever comes from a client goes through these functions before it means anything.
local World = {
  WIDTH = 960, HEIGHT = 540,
  RADIUS = 18,
  SPEED = 240, -- units a second
  RATE = 20,   -- steps, and states sent, a second
  MAX_PLAYERS = 100,
  MAX_NAME = 16, MAX_CHAT = 200, -- characters
}
World.__index = World

-- `random` is for tests: a function like math.random.
function World.new(random)
  return setmetatable({
    players = {}, -- by id
    order = {},   -- ids in the order in which they joined
    joined = 0,
    random = random or math.random,
  }, World)
end

-- ---- Text

local function length(text) -- of UTF-8, in characters
  return select(2, text:gsub("[^\128-\191]", ""))
end

-- What would spoil other people's screens: control characters, invisible ones, and those that turn the direction of
-- writing.
local UNPRINTABLE = {
  "%c", "\194[\128-\159]", "\226\128[\139\140\142\143\168-\174]", "\226\129[\160-\175]", "\239\187\191",
}

-- Somebody else's text as one printable line, or nil if it is none. That it is UTF-8 is certain: get_var sees to it.
local function clean(text, longest)
  if #text > 4 * longest then return end
  for _, pattern in ipairs(UNPRINTABLE) do
    if text:find(pattern) then return end
  end
  text = text:gsub("^ +", ""):gsub(" +$", "")
  if text == "" or length(text) > longest then return end
  return text
end

local function is_finite(number)
  return type(number) == "number" and number - number == 0
end

-- ---- Who is there

-- Gives the new player, or nil and why not.
function World:join(id, name)
  if self.players[id] then return nil, "already joined" end
  name = type(name) == "string" and clean(name, World.MAX_NAME)
  if not name then return nil, ("a name has 1 to %d printable characters"):format(World.MAX_NAME) end
  if #self.order >= World.MAX_PLAYERS then return nil, "the arena is full" end
  for _, other in pairs(self.players) do
    if other.name:lower() == name:lower() then return nil, ("the name %s is taken"):format(other.name) end
  end
  self.joined = self.joined + 1
  local player = {
    id = id, name = name,
    hue = (0.52 + self.joined * 0.618034) % 1, -- the golden ratio keeps neighbours in time far apart
    x = self.random(2 * World.RADIUS, World.WIDTH - 2 * World.RADIUS),
    y = self.random(2 * World.RADIUS, World.HEIGHT - 2 * World.RADIUS),
    dx = 0, dy = 0, -- where it wants to go: at most 1 long
  }
  self.players[id] = player
  table.insert(self.order, id)
  return player
end

-- Gives the player who left, or nil if there was none.
function World:leave(id)
  local player = self.players[id]
  if not player then return end
  self.players[id] = nil
  for i, other in ipairs(self.order) do
    if other == id then table.remove(self.order, i) break end
  end
  return player
end

-- ---- What players do

-- Gives true, or nil and why not.
function World:move(id, dx, dy)
  local player = self.players[id]
  if not player then return nil, "not joined yet" end
  if not is_finite(dx) or not is_finite(dy) then return nil, "a direction is two numbers" end
  -- Nobody is faster than others, whatever they send; huge numbers must not become infinite when squared.
  local largest = math.max(math.abs(dx), math.abs(dy), 1)
  dx, dy = dx / largest, dy / largest
  local size = math.max(math.sqrt(dx * dx + dy * dy), 1)
  player.dx, player.dy = dx / size, dy / size
  return true
end

-- Gives the line as everybody shall see it; or nil and why not, and whether that was a mere slip of the one who writes.
function World:chat(id, text)
  if not self.players[id] then return nil, "not joined yet" end
  if type(text) ~= "string" then return nil, "a line is a text" end
  local line = clean(text, World.MAX_CHAT)
  if line then return line end
  return nil, ("a line has 1 to %d printable characters"):format(World.MAX_CHAT), true
end

-- ---- Time

local function clamp(value, low, high)
  return math.max(low, math.min(high, value))
end

-- Nobody leaves the arena.
local function keep_inside(player)
  player.x = clamp(player.x, World.RADIUS, World.WIDTH - World.RADIUS)
  player.y = clamp(player.y, World.RADIUS, World.HEIGHT - World.RADIUS)
end

-- Two discs that overlap push each other apart, by half of the overlap each.
local function push_apart(a, b)
  local dx, dy = b.x - a.x, b.y - a.y
  local distance = math.sqrt(dx * dx + dy * dy)
  local overlap = 2 * World.RADIUS - distance
  if overlap <= 0 then return end
  if distance == 0 then dx, dy, distance = 1, 0, 1 end
  local px, py = dx / distance * overlap / 2, dy / distance * overlap / 2
  a.x, a.y, b.x, b.y = a.x - px, a.y - py, b.x + px, b.y + py
end

function World:step(dt)
  local players, order = self.players, self.order
  for _, player in pairs(players) do
    player.x = player.x + player.dx * World.SPEED * dt
    player.y = player.y + player.dy * World.SPEED * dt
  end
  for i = 1, #order do
    for j = i + 1, #order do push_apart(players[order[i]], players[order[j]]) end
  end
  for _, player in pairs(players) do keep_inside(player) end
end

-- Everybody's place as a flat list of whole numbers: id, x * 16, y * 16, id, ...
function World:state()
  local list = {}
  for i, id in ipairs(self.order) do
    local player = self.players[id]
    list[3 * i - 2] = id
    list[3 * i - 1] = math.floor(player.x * 16 + 0.5)
    list[3 * i] = math.floor(player.y * 16 + 0.5)
  end
  return list
end

return World
