-- examples/cluster as its start does it, but with every process at hand: Redis, servers, lobby and entrances.
--
--   cluster.start()                     all of it; cluster.close() ends it
--   cluster.ports.a, .b, .tls, .s1, .s2, .s3, .lobby, .redis    and cluster.processes by the same names
--   local ada = cluster.player("a", "blue")       in room blue by entrance a, when that returns
--   local status, body = cluster.get("a", "/lobby/find")
local certificates = require "support.certificates"
local process = require "support.process"
local raw = require "support.raw"
local session = require "support.session"
local socket = require "socket"
local wait = require "support.wait"
local ws = require "wsmultiplayer"

local here = debug.getinfo(1, "S").source:match "^@(.*)spec[/\\]support[/\\]cluster%.lua$"
local cluster = { folder = here .. "examples/cluster/" }

local SERVERS = { "s1", "s2", "s3" }

-- Nil where everything is there; else what is missing.
function cluster.missing()
  for _, name in ipairs { "haproxy", "redis-server" } do
    if not process.find(name) then return name .. " is not installed" end
  end
end

-- The Lua that runs this, with the same module, for shell scripts.
function cluster.lua_environment()
  local at = 0
  while arg[at - 1] do at = at - 1 end
  local suffix = "_" .. _VERSION:match "%d.%d":gsub("%.", "_")
  return { LUA = arg[at], ["LUA_PATH" .. suffix] = package.path, ["LUA_CPATH" .. suffix] = package.cpath }
end

-- ---- Processes

local players = {}

local function address(name) return "127.0.0.1:" .. cluster.ports[name] end

local function until_reachable(name)
  wait.until_(function()
    local text, status = cluster.processes[name]:output()
    if status then error(name .. " ended:\n" .. text, 0) end
    return raw.reachable(cluster.ports[name], "127.0.0.1")
  end, {}, 20, name .. " to listen")
end

function cluster.start_redis()
  local port = tostring(cluster.ports.redis or raw.free_port())
  cluster.ports.redis = port
  cluster.processes.redis = process.start_stranger {
    "redis-server", cluster.folder .. "redis.conf", "--port", port, "--dir", "/",
  }
  until_reachable "redis"
end

-- A process that was there before gets its port again.
function cluster.start_server(name)
  local port = tostring(cluster.ports[name] or 0)
  local server = process.lua(cluster.folder .. "server.lua", name, port, "127.0.0.1", address "redis")
  cluster.processes[name] = server
  cluster.ports[name] = tonumber((server:expect "listens on port (%d+)\n"))
end

function cluster.start_lobby()
  local port = tostring(cluster.ports.lobby or 0)
  local lobby = process.lua(cluster.folder .. "lobby.lua", port, "127.0.0.1", address "redis")
  cluster.processes.lobby = lobby
  cluster.ports.lobby = tonumber((lobby:expect "listens on port (%d+)\n"))
end

-- What the configuration files take from the environment.
function cluster.environment(name)
  return {
    ADMIN_SOCKET = cluster.sockets[name],
    ENTRANCE = address(name), ENTRANCE_TLS = address "tls", CERTIFICATE = cluster.certificate,
    PEER_A = address "peer_a", PEER_B = address "peer_b",
    S1 = address "s1", S2 = address "s2", S3 = address "s3", S4 = cluster.ports.s4 and address "s4",
    LOBBY = address "lobby",
  }
end

-- Entrance a speaks TLS, too. One that runs is reloaded: it goes on for those who are connected, and for them alone.
-- `configuration` is another file in place of haproxy.cfg.
function cluster.start_entrance(name, configuration)
  local words = { "haproxy", "-db", "-L", name, "-f", configuration or cluster.folder .. "haproxy.cfg" }
  local function add(...)
    for _, word in ipairs { ... } do words[#words + 1] = word end
  end
  if name == "a" then add("-f", cluster.folder .. "tls.cfg") end
  local id = cluster.processes[name] and cluster.processes[name]:id() or ""
  if id ~= "" then add("-sf", id) end
  cluster.processes[name] = process.start_stranger(words, cluster.environment(name))
  until_reachable(name)
end

function cluster.start()
  cluster.ports, cluster.processes = {}, {}
  cluster.certificate = certificates.path(certificates.good .. certificates.good_key)
  cluster.sockets = { a = os.tmpname(), b = os.tmpname() }
  cluster.start_redis()
  for _, name in ipairs(SERVERS) do cluster.start_server(name) end
  cluster.start_lobby()
  for _, name in ipairs { "a", "b", "tls", "peer_a", "peer_b" } do cluster.ports[name] = raw.free_port() end
  cluster.start_entrance "a"
  cluster.start_entrance "b"
end

-- Ends this one and waits for its end.
function cluster.kill(name, signal)
  cluster.processes[name]:kill(signal or "KILL")
  if not signal then cluster.processes[name]:finish() end
end

function cluster.close()
  session.close()
  process.close()
  certificates.remove_files()
  for _, path in pairs(cluster.sockets or {}) do os.remove(path) end
  players = {}
end

-- An entrance's administration: the answer to a command.
function cluster.admin(name, command)
  local pipe = assert(require "socket.unix"())
  assert(pipe:connect(cluster.sockets[name]))
  pipe:settimeout(5)
  pipe:send(command .. "\n")
  local answer = pipe:receive "*a"
  pipe:close()
  return answer
end

-- What an entrance thinks of a server: "UP", "DOWN", "DRAIN"...
function cluster.state(entrance, server)
  for line in cluster.admin(entrance, "show stat"):gmatch "[^\n]+" do
    local fields = {}
    for field in line:gmatch "([^,]*)," do fields[#fields + 1] = field end
    if fields[1] == "rooms" and fields[2] == server then return fields[18]:match "^%S+" end
  end
end

function cluster.until_state(server, state)
  for _, entrance in ipairs { "a", "b" } do
    wait.until_(function() return cluster.state(entrance, server) == state end, cluster.players(), 15,
      ("%s to be %s at entrance %s"):format(server, state, entrance))
  end
end

-- ---- HTTP

function cluster.get(name, path)
  local connection = assert(socket.connect("127.0.0.1", cluster.ports[name]))
  connection:settimeout(10)
  connection:send(("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):format(path))
  local answer = connection:receive "*a"
  connection:close()
  return tonumber(answer:match "^HTTP/1.%d (%d+)"), answer:match "\r\n\r\n(.*)$"
end

-- ---- Players

local Player = {}
Player.__index = Player

function Player:poll(seconds)
  self.peer:poll(seconds)
  while self.peer:get_available_packet_count() > 0 do
    local message = assert(self.peer:get_var())
    if message[1] == "welcome" then
      self.room, self.server, self.address, self.others = message[2], message[3], message[4], message[5]
    end
    table.insert(self.heard, message)
  end
end

function Player:__tostring() return "player (" .. (self:is_lost() and "closed" or "open") .. ")" end

function Player:is_lost()
  return self.peer:get_connection_status() == ws.MultiplayerPeer.CONNECTION_DISCONNECTED
end

function Player:is_in() return self.server ~= nil and not self:is_lost() end

function Player:id() return self.peer:get_unique_id() end

-- Goes to its room, or back to it; `entrance` may be another one than before.
function Player:connect(entrance)
  self.entrance = entrance or self.entrance
  self.server, self.gone = nil, nil
  local scheme = self.entrance == "tls" and "wss" or "ws"
  local url = ("%s://127.0.0.1:%d/room/%s"):format(scheme, cluster.ports[self.entrance], self.name)
  local tls = scheme == "wss" and ws.TLSOptions.client(certificates.root) or nil
  local err, why = self.peer:create_client(url, tls)
  if err ~= ws.OK then error(why, 2) end
end

-- Connects until it is in.
function Player:join(entrance)
  self:connect(entrance)
  wait.until_(function()
    if self:is_lost() then self:connect() end
    return self:is_in()
  end, cluster.players(), 15, "a player to be in room " .. self.name)
  return self
end

function Player:say(text)
  local err, why = self.peer:put_var { "say", text }
  if err ~= ws.OK then error(why, 2) end
end

function Player:leave()
  self.peer:close()
  for i, player in ipairs(players) do
    if player == self then return table.remove(players, i) end
  end
end

-- From how many others it heard this.
function Player:heard_from(text)
  local count = 0
  for _, message in ipairs(self.heard) do
    if message[1] == "said" and message[3] == text then count = count + 1 end
  end
  return count
end

-- A player who has not connected yet.
function cluster.guest(entrance, room, properties)
  local player = setmetatable({ entrance = entrance, name = room, heard = {} }, Player)
  player.peer = session.peer(properties)
  player.peer.peer_disconnected:connect(function(id, code) player.gone = { id, code } end)
  players[#players + 1] = player
  return player
end

function cluster.player(entrance, room, properties)
  return cluster.guest(entrance, room, properties):join()
end

-- All of them, to be polled.
function cluster.players() return players end

function cluster.leave_all()
  while players[1] do players[1]:leave() end
end

-- Fails unless each of them hears all others, once.
local number = 0
function cluster.check_together(...)
  local all = { ... }
  number = number + 1
  local text = "number " .. number
  for _, player in ipairs(all) do player:say(text) end
  wait.until_(function()
    for _, player in ipairs(all) do
      if player:heard_from(text) ~= #all - 1 then return false end
    end
    return true
  end, players, 10, "all of the room to hear each other")
end

return cluster
