-- Clients of a soak run, several at a time: each comes, sends and checks, and goes in one of several ways.
--
--   clients.lua CONTROL_PORT SEED HEARTBEAT PLAIN_URL TLS_URL AUTHORITY SLOTS NUMBER NAME
local here = arg[0]:match "^(.*)[/\\]" or "."
package.path = here .. "/?.lua;" .. package.path
local common = require "common"
local ws = require "wsmultiplayer"

local reports = common.reports(tonumber(arg[1]), arg[9])
local seed, heartbeat = tonumber(arg[2]), tonumber(arg[3])
local contents = common.contents(seed)
local random = common.random(seed + 1000 + tonumber(arg[8]))
local SILENCE = 15 -- seconds: much longer than two heartbeats
local urls = { plain = arg[4], tls = arg[5] }
local authority = ws.TLSOptions.client(arg[6])
local now = ws.clock

local sent, sent_bytes, received, received_bytes, refused, unreachable = 0, 0, 0, 0, 0, 0
local CONNECTING, CONNECTED = ws.MultiplayerPeer.CONNECTION_CONNECTING, ws.MultiplayerPeer.CONNECTION_CONNECTED

local Client = {}
Client.__index = Client

local function come()
  local name = random.chance(50) and "plain" or "tls"
  local client = setmetatable({
    name = name, peer = ws.WebSocketMultiplayerPeer.new(), id = 0, started = now(), heard = now(),
    sent = 0, received = 0, broadcasts = 0, last_broadcast = -1, next_put = 0,
    leaves = now() + random.number(0.3, 14),
    way = random.of { "goodbye", "goodbye", "goodbye", "close", "kick", "stay" },
    slow = random.chance(20),
  }, Client)
  local peer = client.peer
  peer.heartbeat_interval = heartbeat
  peer.handshake_timeout = 6
  peer.peer_connected:connect(function(id)
    if id ~= 1 then client:violation("connected to", id) end
    client.id, client.heard = peer:get_unique_id(), now()
    reports.send("join", "client", name, client.id)
  end)
  peer.peer_disconnected:connect(function(_, code, _, clean)
    client.code, client.clean, client.told = code, clean, true
  end)
  local err, why = peer:create_client(urls[name], name == "tls" and authority or nil)
  if err ~= ws.OK then reports.violation("client", name, 0, "create_client:", why) end
  return client
end

function Client:violation(...) reports.violation("client", self.name, self.id, ...) end

function Client:put(kind, size)
  local packet = contents.make(kind, self.sent, self.id, self.received, size)
  local err = self.peer:put_packet(packet)
  if err == ws.OK then
    self.sent = self.sent + 1
    sent, sent_bytes = sent + 1, sent_bytes + #packet
    return true
  elseif err == ws.ERR_OUT_OF_MEMORY then
    refused = refused + 1
  elseif err ~= ws.FAILED then
    self:violation("put_packet:", ws.error_string(err))
  end
end

function Client:take(packet, from)
  received, received_bytes = received + 1, received_bytes + #packet
  self.heard = now()
  if from ~= 1 then self:violation("a packet from", from) end
  local kind, serial, first, second = contents.read(packet, self.received)
  if not kind then
    self:violation(serial)
    self.received = self.received + 1
  elseif kind == "B" then
    if serial <= self.last_broadcast then
      self:violation("broadcast", serial, "after", self.last_broadcast)
    elseif first == self.id then
      self:violation("broadcast", serial, "was for all others")
    end
    self.last_broadcast, self.broadcasts = serial, self.broadcasts + 1
  else
    if serial ~= self.received then self:violation("packet number", serial, "instead of", self.received) end
    if first and second ~= self.id then self:violation("a packet for", second) end
    if first and first ~= self.broadcasts then
      self:violation(self.broadcasts, "broadcasts arrived of", first)
    end
    self.broadcasts, self.received = first or self.broadcasts, serial + 1
    if kind == "Z" then self.answered = true end
  end
end

-- A slow reader takes nothing for a while, and asks for a flood to fill the queues between.
function Client:reads()
  if not self.slow or self.leaving then return true end
  if now() > (self.pause_ends or 0) + 1.5 then
    self.pause_ends = now() + random.number(2, 6)
    self:put("F", 0)
  end
  return now() > self.pause_ends
end

function Client:leave()
  self.leaving = true
  self.leave_limit = self.leave_limit or now() + 40
  if self.way == "stay" then
    -- Until the proxy ends it, or as long as there is patience.
    if reports.stopped or now() > self.leave_limit then self.way = "goodbye" end
  elseif self.way == "close" then
    return self:gone "closed"
  elseif self.way == "kick" then
    self.asked = self.asked or self:put("K", 0)
  else
    self.asked = self.asked or self:put("Y", 0)
    if self.answered then
      -- All that was put on the other side was checked; the server checks all that was put here.
      return self:gone "finished"
    end
  end
  if now() > self.leave_limit + 40 then
    self:violation("waits for its end (" .. self.way .. ") since 40 s")
    return self:gone "stuck"
  end
end

function Client:gone(how)
  self.over = true
  self.peer:close()
  if self.id ~= 0 then
    reports.send("gone", "client", self.name, self.id, self.received, self.sent, how, self.code or -1,
      self.clean or false)
  else
    unreachable = unreachable + 1
  end
end

function Client:turn()
  local status = self.peer:get_connection_status()
  if status == CONNECTING then
    if now() - self.started > 10 then
      self:violation("connecting for 10 s")
      self:gone "stuck"
    end
    return
  end
  if status ~= CONNECTED then
    if self.id ~= 0 and not self.told then self:violation("disconnected without a signal") end
    return self:gone "reported"
  end
  if self:reads() then
    for packet, from in self.peer:packets() do self:take(packet, from) end
  else
    self.heard = now()
  end
  if now() - self.heard > SILENCE and not self.silent then
    self.silent = true
    self:violation("silence for", SILENCE, "s, but not reported gone")
  end
  if now() > self.leaves or reports.stopped then self:leave() end
  if self.over or self.leaving and self.way ~= "stay" then return end
  if now() > self.next_put then
    self.next_put = now() + random.number(0.05, 0.5)
    for _ = 1, random.chance(5) and 20 or 1 do self:put(nil, contents.size(random)) end
  end
end

-- What a process has for all its TLS connections it shall have from the start: descriptors are counted.
local first = ws.WebSocketMultiplayerPeer.new()
assert(first:create_client(urls.tls, authority) == ws.OK)
first:close()

local slots, next_come, done = {}, {}, false
reports.ready()
while not reports.ended do
  ws.poll(0.03)
  local living = 0
  for i = 1, tonumber(arg[7]) do
    local client = slots[i]
    if client then
      client:turn()
      living = living + 1
      if client.over then
        slots[i] = nil
        next_come[i] = now() + random.number(0, 1)
      end
    elseif not reports.stopped and now() > (next_come[i] or 0) then
      slots[i] = come()
    end
  end
  -- Stays a while, so that one sees what is left of it.
  if reports.stopped and living == 0 and not done then
    done = true
    reports.send("done", sent, sent_bytes, received, received_bytes, refused, unreachable)
  end
  reports.turn()
end
