-- The client's side of the arena, without any drawing: the LÖVE game and bot.lua use it.
--
--   local client = Client.new()
--   client:on("chat", function(name, text, id) ... end)
--   assert(client:join("ws://127.0.0.1:9080", "Ada"))
--   each turn: client:update(); client:steer(1, 0); for id, player in pairs(client.players) do draw(player) end
--
-- client.status is "out", "connecting", "joining" (the server has not said "welcome" yet) or "in".
-- When it is "out", client.why says in words why, if that was not this program's wish.
--
-- The server sends where everybody is 20 times a second. Players are shown where they were 0.1 s ago, between two such
-- states: so movement is smooth at any frame rate, also when a state is late. Oneself does not wait that long: steering
-- is shown at once, and the server's opinion pulls gently.
local ws = require "wsmultiplayer"
local now = ws.clock

local Client = {
  RADIUS = 18,         -- of a player
  DELAY = 0.1,         -- seconds that others are shown in the past
  WELCOME_TIMEOUT = 5, -- seconds from "join" to "welcome"
}
Client.__index = Client

local STEER_INTERVAL = 1 / 30 -- the server takes no more
local PULL = 6                -- how strongly: of the distance to the server's opinion e^-6 is left after a second
local JUMP = 80               -- units of distance at which it is not neared but taken

function Client.new()
  return setmetatable({
    status = "out", why = "",
    players = {}, -- by id: { id, name, hue, x, y, vx, vy }; x is nil until the first state
    listeners = { player = {}, gone = {}, chat = {}, out = {} },
  }, Client)
end

-- Calls `listener` from update() when something happens:
--   player(player)         somebody joined, or was there already
--   gone(player)           somebody left
--   chat(name, text, id)   somebody said something; id 0 is the arena itself
--   out(why)               it is over, and not by leave()
function Client:on(event, listener)
  table.insert(self.listeners[event], listener)
end

function Client:tell(event, ...)
  for _, listener in ipairs(self.listeners[event]) do listener(...) end
end

-- ---- Coming and going

-- Starts to join; update() does the rest. Gives true, or nil and why that cannot even be tried.
function Client:join(url, name)
  self:leave()
  local bytes, _, unfit = ws.var_to_bytes { "join", name }
  if not bytes then return nil, unfit end
  local peer = ws.WebSocketMultiplayerPeer.new()
  peer.heartbeat_interval = 3 -- a server that is silent for 6 s is gone; and get_rtt() is that new
  peer.inbound_buffer_size = 262144 -- some seconds of states, should this program be busy
  self.peer, self.name, self.why, self.refusal = peer, name, "", nil
  self.players, self.states, self.delay_of_states = {}, {}, nil
  self.id, self.width, self.height, self.speed = nil, 960, 540, 240
  self.wanted, self.sent, self.sent_at = { 0, 0 }, { 0, 0 }, 0
  peer.peer_connected:connect(function()
    self.status, self.since = "joining", now()
    peer:get_peer(1):set_no_delay(true) -- 1 is always the server
    peer:put_packet(bytes)
  end)
  local err, why = peer:create_client(url)
  if err ~= ws.OK then
    self.peer, self.why = nil, why
    return nil, why
  end
  self.status = "connecting"
  return true
end

-- Leaves, which is one's own wish: "out" is not told.
function Client:leave()
  if self.peer then self.peer:close() end
  self.peer, self.status, self.why, self.players = nil, "out", "", {}
end

function Client:fail(why)
  self:leave()
  self.why = why
  self:tell("out", why)
end

-- Seconds to the server and back, or nil as long as that is not known.
function Client:get_rtt()
  return self.status == "in" and self.peer:get_peer_rtt(1) or nil
end

-- ---- Doing something

-- The wanted direction: at most 1 long, (0, 0) to stand still. To be called as often as one likes.
function Client:steer(dx, dy)
  if self.status ~= "in" then return end
  local size = math.max(math.sqrt(dx * dx + dy * dy), 1)
  self.wanted[1], self.wanted[2] = dx / size, dy / size
end

function Client:say(text)
  if self.status == "in" then self.peer:put_var { "chat", text } end
end

-- Sends the wanted direction if it is another one, and not too often. What the queue does not take is tried again.
function Client:send_direction(time)
  local wanted, sent = self.wanted, self.sent
  if wanted[1] == sent[1] and wanted[2] == sent[2] or time - self.sent_at < STEER_INTERVAL then return end
  if self.peer:put_var { "move", ws.float(wanted[1]), ws.float(wanted[2]) } ~= ws.OK then return end
  sent[1], sent[2], self.sent_at = wanted[1], wanted[2], time
end

-- ---- What the server says. It may be any server, so nothing is taken on trust.

local function is(kind, ...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if type(value) ~= kind or value ~= value then return false end -- NaN is no number to reckon with
  end
  return true
end

local handlers = {}

function handlers.welcome(self, id, width, height, speed)
  if not is("number", id, width, height, speed) then return end
  self.status = "in"
  self.id, self.width, self.height, self.speed = id, width, height, speed
end

function handlers.player(self, id, name, hue)
  if not is("number", id, hue) or not is("string", name) then return end
  local player = { id = id, name = name, hue = hue, vx = 0, vy = 0 }
  self.players[id] = player
  self:tell("player", player)
end

function handlers.gone(self, id)
  local player = is("number", id) and self.players[id]
  if not player then return end
  self.players[id] = nil
  self:tell("gone", player)
end

function handlers.chat(self, id, name, text)
  if not is("number", id) or not is("string", name, text) then return end
  self:tell("chat", name, text, id)
end

function handlers.refused(self, why)
  self.refusal = type(why) == "string" and why or "no reason given"
end

function handlers.state(self, milliseconds, places)
  if not is("number", milliseconds) or not is("table", places) then return end
  local time = now()
  local state = { time = milliseconds / 1000, x = {}, y = {} }
  for i = 1, #places - 2, 3 do
    local id, x, y = rawget(places, i), rawget(places, i + 1), rawget(places, i + 2)
    if not is("number", id, x, y) then return end
    state.x[id], state.y[id] = x / 16, y / 16
  end
  local states = self.states
  local last = states[#states]
  if last and state.time <= last.time then return end
  states[#states + 1] = state
  self.received_at = time
  -- How far the two clocks are apart: the fastest delivery tells. Slower ones count a little, since clocks drift.
  local delay = time - state.time
  local known = self.delay_of_states
  self.delay_of_states = known and delay > known and known + (delay - known) * 0.01 or delay
end

function Client:receive(message)
  local handler = type(message) == "table" and handlers[rawget(message, 1)]
  if handler then handler(self, rawget(message, 2), rawget(message, 3), rawget(message, 4), rawget(message, 5)) end
end

-- ---- Where everybody is shown

-- The two states around a moment, and how far it is from the first to the second; the last one twice if it is too late.
local function around(states, time)
  while #states > 2 and states[2].time <= time do table.remove(states, 1) end
  local a, b = states[1], states[2]
  if not b or time <= a.time then return a, a, 0 end
  return a, b, math.min(1, (time - a.time) / (b.time - a.time))
end

local function show(player, x, y, dt)
  if player.x and dt > 0 then
    player.vx, player.vy = (x - player.x) / dt, (y - player.y) / dt
  end
  player.x, player.y = x, y
end

local function clamp(value, low, high)
  return math.max(low, math.min(high, value))
end

-- Oneself: where the server last saw us, moved on by what we steer since; neared, so that corrections are not seen.
function Client:show_self(player, time, dt)
  local last = self.states[#self.states]
  local x, y = last.x[player.id], last.y[player.id]
  if not x then return end
  local dx, dy = self.wanted[1] * self.speed, self.wanted[2] * self.speed
  local since = math.min(time - self.received_at, 0.2)
  local tx, ty = x + dx * since, y + dy * since
  if not player.x or math.abs(tx - player.x) + math.abs(ty - player.y) > JUMP then return show(player, x, y, 0) end
  local part = 1 - math.exp(-PULL * dt)
  x, y = player.x + dx * dt, player.y + dy * dt
  x, y = x + (tx - x) * part, y + (ty - y) * part
  local radius = Client.RADIUS
  show(player, clamp(x, radius, self.width - radius), clamp(y, radius, self.height - radius), dt)
end

function Client:place_players(time)
  local dt = time - (self.placed_at or time)
  self.placed_at = time
  if #self.states == 0 then return end
  local a, b, part = around(self.states, time - self.delay_of_states - Client.DELAY)
  for id, player in pairs(self.players) do
    if id == self.id then
      self:show_self(player, time, dt)
    else
      local ax, ay, bx, by = a.x[id], a.y[id], b.x[id], b.y[id]
      if ax and bx then
        show(player, ax + (bx - ax) * part, ay + (by - ay) * part, dt)
      elseif bx then
        show(player, bx, by, dt)
      end
    end
  end
end

-- ---- Each turn

-- Waits up to `timeout` seconds for something to happen, or not at all without it.
function Client:update(timeout)
  local peer = self.peer
  if not peer then return end
  peer:poll(timeout)
  while self.peer == peer and peer:get_available_packet_count() > 0 do self:receive((peer:get_var())) end
  if self.peer ~= peer then return end -- a function of the program's has left
  local time = now()
  if peer:get_connection_status() == ws.MultiplayerPeer.CONNECTION_DISCONNECTED then
    local why = peer:get_last_error()
    if self.refusal then
      why = "the server says: " .. self.refusal
    elseif self.status ~= "connecting" then
      why = "the server went away: " .. why
    end
    return self:fail(why)
  end
  if self.status == "joining" and time - self.since > Client.WELCOME_TIMEOUT then
    return self:fail("the server does not say welcome: perhaps it is no arena")
  end
  if self.status == "in" then
    self:send_direction(time)
    self:place_players(time)
  end
end

return Client
