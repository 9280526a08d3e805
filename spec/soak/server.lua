-- The server of a soak run: one peer for ws:// and one for wss://, which send to all, to one and to all but one, and
-- check what they receive.
--
--   server.lua CONTROL_PORT SEED HEARTBEAT KEY CERTIFICATE
local here = arg[0]:match "^(.*)[/\\]" or "."
package.path = here .. "/?.lua;" .. package.path
local common = require "common"
local ws = require "wsmultiplayer"

local reports = common.reports(tonumber(arg[1]), "server")
local seed, heartbeat = tonumber(arg[2]), tonumber(arg[3])
local random, contents = common.random(seed + 1), common.contents(seed)
local SILENCE = 15 -- seconds: much longer than two heartbeats
local now = ws.clock

local sent, sent_bytes, received, received_bytes, refused, dropped = 0, 0, 0, 0, 0, 0
local servers = {}

local Server = {}
Server.__index = Server

local function violation(server, id, ...) reports.violation("server", server.name, id, ...) end

local function put(server, target, packet)
  server.peer:set_target_peer(target)
  local err = server.peer:put_packet(packet)
  if err == ws.OK then
    sent, sent_bytes = sent + 1, sent_bytes + #packet
    return true
  elseif err == ws.ERR_OUT_OF_MEMORY then
    refused = refused + 1
  elseif err ~= ws.FAILED then -- FAILED: it is closing
    violation(server, target, "put_packet:", ws.error_string(err))
  end
end

-- To one client: numbered, and with the number of broadcasts that were put for it before.
local function put_single(server, client, kind, size)
  if put(server, client.id, contents.make(kind, client.sent, client.broadcasts, client.id, size)) then
    client.sent = client.sent + 1
    return true
  end
end

-- To all, or all but one. Whom it could not be queued for, the peer counts.
local function broadcast(server, but)
  local before = {}
  for id in pairs(server.clients) do before[id] = server.peer:get_dropped_packet_count(id) end
  put(server, but and -but or 0, contents.make("B", server.broadcasts, but or 0, 0, contents.size(random)))
  server.broadcasts = server.broadcasts + 1
  for id, client in pairs(server.clients) do
    if server.peer:get_dropped_packet_count(id) > before[id] then
      dropped = dropped + 1
    elseif id ~= but then
      client.broadcasts = client.broadcasts + 1
    end
  end
end

local function joined(server, id)
  if server.clients[id] then violation(server, id, "joined twice") end
  server.clients[id] = { id = id, sent = 0, broadcasts = 0, received = 0, heard = now(), next_put = now() }
  reports.send("join", "server", server.name, id)
end

local function left(server, id, code, _, clean)
  local client = server.clients[id]
  if not client then return violation(server, id, "left twice, or never joined") end
  client.code, client.clean = code, clean
  server.clients[id] = nil
  server.left[#server.left + 1] = client
end

local function take(server, packet, from)
  local client = server.clients[from]
  for _, other in ipairs(server.left) do client = client or other.id == from and other end
  if not client then return violation(server, from, "a packet of somebody who is not there") end
  received, received_bytes = received + 1, received_bytes + #packet
  client.heard = now()
  local kind, serial, id, seen = contents.read(packet, client.received)
  if not kind then
    violation(server, from, serial)
  elseif serial ~= client.received then
    violation(server, from, "packet number", serial, "instead of", client.received)
  elseif id and id ~= from then
    violation(server, from, "a packet of", id)
  elseif seen and seen > client.sent then
    violation(server, from, "it has seen", seen, "packets of", client.sent)
  end
  client.received = (serial and kind and serial or client.received) + 1
  if kind == "Y" then
    client.goodbye = true
  elseif kind == "K" then
    client.kick = true
  elseif kind == "F" then
    client.flood = 64
  end
end

-- What a client is due: its goodbye, being thrown out, a flood until its queues are full, a packet now and then.
local function attend(server, client)
  if client.goodbye and not client.told then
    client.told = put_single(server, client, "Z", 0)
  elseif client.kick and not client.kicked then
    client.kicked = true
    server.peer:disconnect_peer(client.id, random.chance(30))
    -- By force there is no signal: it is gone at once.
    if not server.peer:get_peer(client.id) then left(server, client.id, -1, "", false) end
  elseif client.flood and not client.told then
    client.flood = put_single(server, client, nil, common.LARGEST) and client.flood > 1 and client.flood - 1 or nil
  elseif client.next_put <= now() and not client.told then
    client.next_put = now() + random.number(0.05, 0.4)
    put_single(server, client, nil, contents.size(random))
  end
  if now() - client.heard > SILENCE and not (client.silent or client.goodbye or client.kick) then
    client.silent = true
    violation(server, client.id, "silent for", SILENCE, "s, but not reported gone")
  end
end

function Server:turn()
  for packet, from in self.peer:packets() do take(self, packet, from) end
  for _, client in ipairs(self.left) do
    reports.send("gone", "server", self.name, client.id, client.received, client.sent,
      client.kicked and "kicked" or "left", client.code, client.clean)
  end
  self.left = {}
  local list = {}
  for _, client in pairs(self.clients) do list[#list + 1] = client end
  for _, client in ipairs(list) do attend(self, client) end
  if now() >= self.next_broadcast then
    self.next_broadcast = now() + random.number(0.1, 0.4)
    broadcast(self, list[1] and random.chance(40) and random.of(list).id or nil)
  end
  list = self.peer:get_peers()
  for id in pairs(self.clients) do
    if not self.peer:get_peer(id) then violation(self, id, "is not there, but not reported gone") end
  end
  for _, id in ipairs(list) do
    if not self.clients[id] then violation(self, id, "is there, but was not reported") end
  end
end

local function start(name, tls)
  local server = setmetatable({ name = name, clients = {}, left = {}, broadcasts = 0, next_broadcast = 0 }, Server)
  local peer = ws.WebSocketMultiplayerPeer.new()
  peer.heartbeat_interval = heartbeat
  peer.peer_connected:connect(function(id) joined(server, id) end)
  peer.peer_disconnected:connect(function(...) left(server, ...) end)
  local err, why = peer:create_server(0, "127.0.0.1", tls)
  assert(err == ws.OK, why)
  server.peer = peer
  servers[#servers + 1] = server
  return peer:get_bound_port()
end

local plain_port = start "plain"
local tls_port = start("tls", ws.TLSOptions.server(arg[4], arg[5]))
ws.poll(0.001) -- makes what it needs for waiting: descriptors are counted
reports.ready(plain_port, tls_port)
while not reports.ended do
  ws.poll(0.02)
  for _, server in ipairs(servers) do server:turn() end
  reports.turn()
end
for _, server in ipairs(servers) do server.peer:close() end
reports.send("done", sent, sent_bytes, received, received_bytes, refused, dropped)
