-- The game of examples/love-arena in one process: its server, its clients, and plain clients that send what they like.
local session = require "support.session"
local wait = require "support.wait"
local ws = require "wsmultiplayer"

local arena = {}

arena.folder = debug.getinfo(1, "S").source:match("^@(.*)spec[/\\]support[/\\]arena%.lua$") .. "examples/love-arena/"

-- A real clock that can be put forward.
local skipped = 0
function arena.skip(seconds) skipped = skipped + seconds end
local clock = ws.clock
function arena.now() return clock() + skipped end

-- The modules of the game are found by short names, as LÖVE finds them; here for one require only.
local function load(name)
  local path = package.path
  package.path = arena.folder .. "?.lua;" .. path
  ws.clock = arena.now
  local ok, module = pcall(require, name)
  package.path, ws.clock = path, clock
  return ok and module or error(module, 0)
end

arena.World, arena.Server, arena.Client = load "world", load "server", load "client"
arena.Autopilot = load "autopilot"

local closers, turning = {}, {}

-- What support.wait polls. Everything made here takes its turn.
local everyone = {
  poll = function(_, timeout)
    for i, object in ipairs(turning) do object:update(i == 1 and timeout or 0) end
  end,
}

function arena.wait(condition, what, seconds)
  return wait.until_(condition, { everyone }, seconds, what)
end

-- For showing that something does not happen.
function arena.quiet(seconds) wait.quiet({ everyone }, seconds) end
arena.everyone = everyone

function arena.server(port)
  local server = assert(arena.Server.new(port or 0, "127.0.0.1"))
  table.insert(turning, 1, server)
  closers[#closers + 1] = function() server:close() end
  return server, "ws://127.0.0.1:" .. server:get_port()
end

-- A client of the game. `joined` waits until it is in and has a place.
function arena.client(url, name)
  local client = arena.Client.new()
  closers[#closers + 1] = function() client:leave() end
  assert(client:join(url, name))
  turning[#turning + 1] = client
  return client
end

function arena.joined(url, name)
  local client = arena.client(url, name)
  arena.wait(function() return client.players[client.id] and client.players[client.id].x end, name .. " to be in")
  return client
end

-- The player of this name as a client shows it, or nil.
function arena.seen(client, name)
  for _, player in pairs(client.players) do
    if player.name == name and player.x then return player end
  end
end

-- Something else that has to be done each turn.
function arena.take_turn(update)
  turning[#turning + 1] = { update = update }
end

-- ---- A plain client

local Plain = {}
Plain.__index = Plain

-- Connected, not joined. What it receives is kept in `messages`; `ended` is true when the connection is.
function arena.plain(server, properties)
  local peer = session.client(server:get_port(), properties)
  local self = setmetatable({ peer = peer, messages = {} }, Plain)
  turning[#turning + 1] = self
  arena.wait(function() return session.is_connected(peer) end, "a plain client to connect")
  self.peer_id = peer:get_unique_id()
  return self
end

function Plain:update()
  if self.ended then return end
  self.peer:poll()
  while self.peer:get_available_packet_count() > 0 do
    table.insert(self.messages, (self.peer:get_var()))
  end
  self.ended = session.is_disconnected(self.peer)
end

function Plain:send(...) return self.peer:put_var(ws.Array { ... }) end
function Plain:send_bytes(bytes) return self.peer:put_packet(bytes) end

-- The n-th (first) message of this name whose elements match the others given, or nil.
function Plain:find(name, n, ...)
  local count = 0
  for _, message in ipairs(self.messages) do
    local fits = message[1] == name
    for i = 1, select("#", ...) do
      local wanted = select(i, ...)
      fits = fits and (wanted == nil or message[i + 1] == wanted)
    end
    if fits then count = count + 1 end
    if fits and count == (n or 1) then return message end
  end
end

-- The same, waited for.
function Plain:expect(name, n, ...)
  local words = { ... }
  local count = select("#", ...)
  return arena.wait(function() return self:find(name, n, (table.unpack or unpack)(words, 1, count)) end,
    ("the message %s"):format(name))
end

function Plain:join(name)
  self:send("join", name)
  self.id = self:expect("welcome")[2]
  self:expect("player", 1, self.id)
  return self
end

-- For after_each.
function arena.close()
  for i = #closers, 1, -1 do
    closers[i]()
    closers[i] = nil
  end
  for i = #turning, 1, -1 do turning[i] = nil end
  session.close()
end

return arena
