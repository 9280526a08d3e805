-- The server of the arena, without any drawing.
--   lua server.lua [PORT [ADDRESS]]      9080 and * (everywhere) if not given; port 0 asks for a free one
-- The LÖVE game loads the same file for "host and play". Pages for browsers come from ../browser, on the same port.
--
-- Every message is an array with its name first, sent with put_var:
--   from a client   {"join", name}   {"move", dx, dy}   {"chat", text}
--   from here       {"welcome", id, width, height, speed, rate}   {"player", id, name, hue}   {"gone", id}
--                   {"state", milliseconds, PackedInt32Array of id, x * 16, y * 16, ...}
--                   {"chat", id, name, text} (id 0: the arena itself)   {"refused", why}, and then the connection ends

local love = rawget(_G, "love")
local arg = rawget(_G, "arg") or {}
local is_script = not love and (arg[0] or ""):match "server%.lua$" ~= nil
local folder = debug.getinfo(1, "S").source:match "^@(.*[/\\])" or ""
if is_script then package.path = folder .. "?.lua;" .. package.path end

local ws = require "wsmultiplayer"
local now = ws.clock
local World = require "world"

local Server = {
  JOIN_TIMEOUT = 5,  -- seconds from connecting to "join"
  MAX_REFUSED = 100, -- states a client may fail to take before it has to go
}
Server.__index = Server

-- How much a client may send: so many a second, and so many at once.
local LIMITS = {
  messages = { rate = 45, burst = 60 }, -- clients send 30 moves a second at most; the rest is for jitter
  chat = { rate = 1, burst = 5 },
}

local STEP = 1 / World.RATE

-- ---- Pages for browsers

local PAGES = {
  ["/"] = { "index.html", "text/html; charset=utf-8" },
  ["/index.html"] = { "index.html", "text/html; charset=utf-8" },
  ["/wsmultiplayer.js"] = { "wsmultiplayer.js", "text/javascript; charset=utf-8" },
  ["/arena.js"] = { "arena.js", "text/javascript; charset=utf-8" },
}

-- The files are looked up in this list: no path of a client's ever reaches the file system.
local function browser_folder()
  if love and love.filesystem then return love.filesystem.getSource() .. "/../browser/" end
  return folder .. "../browser/"
end

local function serve_page(request)
  local page = PAGES[request.path]
  if not page then return 404, { ["content-type"] = "text/plain" }, "not found\n" end
  if request.method ~= "GET" and request.method ~= "HEAD" then return 405, { allow = "GET, HEAD" }, "" end
  local file = io.open(browser_folder() .. page[1], "rb")
  if not file then return 404, { ["content-type"] = "text/plain" }, page[1] .. " is not installed here\n" end
  local text = file:read "*a"
  file:close()
  return 200, { ["content-type"] = page[2], ["cache-control"] = "no-cache" }, text
end

-- ---- Starting and ending

-- Gives a server that listens, or nil and why not. `log` is called with a line of text for everything that happens.
function Server.new(port, address, log)
  local peer = ws.WebSocketMultiplayerPeer.new()
  peer.inbound_buffer_size = 4096 -- the longest message of a client is a fifth of that
  peer.max_queued_packets = 256
  peer.heartbeat_interval = 5     -- a player whose computer went to sleep does not stay for ever
  local self = setmetatable({
    peer = peer,
    world = World.new(),
    clients = {}, -- by id: everyone connected, joined or not
    started = now(),
    next_step = now() + STEP,
    log = log or function() end,
  }, Server)
  peer.peer_connected:connect(function(id) self:connected(id) end)
  peer.peer_disconnected:connect(function(id) self:disconnected(id) end)
  -- Not every version of the module has this hook.
  pcall(function() peer.on_http_request = serve_page end)
  local err, why = peer:create_server(port or 9080, address or "*")
  if err ~= ws.OK then return nil, why end
  return self
end

function Server:get_port() return self.peer:get_bound_port() end

-- Clients are told with close code 1001: the server goes away.
function Server:close() self.peer:close() end

-- ---- Sending

function Server:send(id, message)
  self.peer:set_target_peer(id)
  return self.peer:put_var(message)
end

-- To all who have joined. The message is turned into bytes once only.
function Server:broadcast(message)
  local bytes = assert(ws.var_to_bytes(message))
  for id, client in pairs(self.clients) do
    if client.joined then
      self.peer:set_target_peer(id)
      -- What waits for a client that does not read is limited: then sending fails, and some day it has to go.
      if self.peer:put_packet(bytes) == ws.OK then
        client.refused = 0
      else
        client.refused = client.refused + 1
      end
    end
  end
end

function Server:announce(text)
  self:broadcast { "chat", 0, "arena", text }
end

-- Ends a connection, and says why.
function Server:refuse(id, why)
  local client = self.clients[id]
  if not client or client.ended then return end
  client.ended = true -- what it has sent already does not count any more
  self.log(("peer %d is refused: %s"):format(id, why))
  self:send(id, { "refused", why })
  -- Also in the close frame: Godot loses a packet that arrives together with the end.
  self.peer:get_peer(id):close(4000, why)
end

-- ---- Coming and going

function Server:connected(id)
  self.clients[id] = { since = now(), joined = false, refused = 0, budgets = {} }
  self.peer:get_peer(id):set_no_delay(true) -- small messages shall not wait for more of them
end

function Server:disconnected(id)
  self.clients[id] = nil
  local player = self.world:leave(id)
  if not player then return end
  self.log(("%s left"):format(player.name))
  self:broadcast { "gone", id }
  self:announce(player.name .. " left")
end

local function describe(player)
  return { "player", player.id, player.name, ws.float(player.hue) }
end

-- ---- What clients may say

local handlers = {}

function handlers.join(self, id, name)
  local player, why = self.world:join(id, name)
  if not player then return self:refuse(id, why) end
  self:send(id, { "welcome", id, World.WIDTH, World.HEIGHT, ws.float(World.SPEED), World.RATE })
  for _, other in ipairs(self.world.order) do
    if other ~= id then self:send(id, describe(self.world.players[other])) end
  end
  self.clients[id].joined = true
  self:broadcast(describe(player))
  self:announce(player.name .. " joined")
  self.log(("%s joined as peer %d from %s"):format(player.name, id, self.peer:get_peer_address(id)))
end

function handlers.move(self, id, dx, dy)
  local ok, why = self.world:move(id, dx, dy)
  if not ok then self:refuse(id, why) end
end

function handlers.chat(self, id, text)
  local line, why, is_slip = self.world:chat(id, text)
  if not line and not is_slip then return self:refuse(id, why) end
  if not self:allows(id, "chat") then line, why = nil, "you talk too fast" end
  if not line then return self:send(id, { "chat", 0, "arena", "Nobody heard that: " .. why .. "." }) end
  local player = self.world.players[id]
  self:broadcast { "chat", id, player.name, line }
  self.log(("%s: %s"):format(player.name, line))
end

-- Whether a client may do this once more: a bucket that fills by `rate` a second, holds `burst`, and gives one a time.
function Server:allows(id, what)
  local limit, budgets, time = LIMITS[what], self.clients[id].budgets, now()
  local budget = budgets[what] or { amount = limit.burst, at = time }
  budgets[what] = budget
  budget.amount = math.min(limit.burst, budget.amount + (time - budget.at) * limit.rate)
  budget.at = time
  if budget.amount < 1 then return false end
  budget.amount = budget.amount - 1
  return true
end

function Server:receive(id, message, why)
  local client = self.clients[id]
  if not client or client.ended then return end
  if not self:allows(id, "messages") then return self:refuse(id, "too many messages") end
  -- Other Variants (a Vector2, a Dictionary) are tables too, and may mind being asked for what they do not have.
  local handler = type(message) == "table" and handlers[rawget(message, 1)]
  if not handler then return self:refuse(id, why or "not a message") end
  handler(self, id, rawget(message, 2), rawget(message, 3))
end

-- ---- Time

-- Those who do not join, or do not read, hold a place that others may want.
function Server:expel_idlers(time)
  for id, client in pairs(self.clients) do
    if not client.joined and time - client.since > Server.JOIN_TIMEOUT then
      self:refuse(id, "did not join in time")
    elseif client.refused > Server.MAX_REFUSED then
      self:refuse(id, "did not read what it was sent")
    end
  end
end

function Server:step(time)
  -- After a long pause (a laptop that slept) time goes on from here, instead of being made up for.
  if time - self.next_step > 0.5 then self.next_step = time end
  while self.next_step <= time do
    self.next_step = self.next_step + STEP
    self.world:step(STEP)
  end
  self:broadcast {
    "state", math.floor((time - self.started) * 1000 + 0.5), ws.PackedInt32Array(self.world:state()),
  }
  self:expel_idlers(time)
end

-- To be called over and over. Waits up to `timeout` seconds for something to happen, or not at all without it.
function Server:update(timeout)
  local peer = self.peer
  peer:poll(timeout and math.max(0, math.min(timeout, self.next_step - now())))
  while peer:get_available_packet_count() > 0 do
    local id = peer:get_packet_peer()
    local message, _, why = peer:get_var()
    self:receive(id, message, why)
  end
  local time = now()
  if time >= self.next_step then self:step(time) end
end

if is_script then
  math.randomseed(os.time()) -- older Luas would start with the same places every time
  io.stdout:setvbuf "line"
  local port = tonumber(arg[1] or 9080)
  if not port then
    io.stderr:write "usage: lua server.lua [PORT [ADDRESS]]\n"
    os.exit(1)
  end
  local server, why = Server.new(port, arg[2], print)
  if not server then
    io.stderr:write("cannot listen: ", why, "\n")
    os.exit(1)
  end
  print(("the arena listens on port %d"):format(server:get_port()))
  while true do server:update(1) end
end

return Server
