-- MultiplayerAPIs for one test, with a record of what they told: made here, polled together, closed after it.
--
--   local server = apis.server()
--   local client = apis.enter(server)        -- a client that was admitted
--   client:expect("peer_packet", 1, "hello")
local ws = require "wsmultiplayer"
local session = require "support.session"
local variants = require "support.variants"
local wait = require "support.wait"

local unpack = table.unpack or unpack

local apis = {}

-- What is polled while something is awaited: parties, and peers of the session that are used by hand.
local polled = {}

local Party = {}
Party.__index = Party

local SIGNALS = {
  "peer_connected", "peer_disconnected", "peer_packet", "connected_to_server", "connection_failed",
  "server_disconnected", "peer_authenticating", "peer_authentication_failed", "packet_refused", "replication_packet",
}

function apis.poll(object)
  polled[#polled + 1] = object
  return object
end

-- An API without a connection: { api, events }. The methods of the API are also those of the party.
function apis.new(properties)
  local party = setmetatable({ api = ws.MultiplayerAPI.new(), events = {} }, Party)
  for name, value in pairs(properties or {}) do party.api[name] = value end
  for _, name in ipairs(SIGNALS) do
    party.api:connect(name, function(...) party:note(name, ...) end)
  end
  apis.poll(party.api)
  return party
end

function Party:note(...) table.insert(self.events, { n = select("#", ...), ... }) end

function Party:use(peer)
  self.peer, self.api.multiplayer_peer = peer, peer
  return self
end

function apis.server(properties, of_peer)
  local party = apis.new(properties):use((session.server(of_peer)))
  party.id, party.port = 1, party.peer:get_bound_port()
  return party
end

-- A client on its way.
function apis.client(server, properties, of_peer)
  return apis.new(properties):use(session.client(server.port, of_peer))
end

-- A client that was admitted. What the others are told of it is left to them.
function apis.enter(server, properties, of_peer)
  local party = apis.client(server, properties, of_peer)
  party:expect "connected_to_server"
  party:expect("peer_connected", 1)
  party.id = party.peer:get_unique_id()
  return party
end

-- A server and clients who know each other.
function apis.gather(count, properties)
  local all = { apis.server(properties) }
  for i = 2, count + 1 do
    all[i] = apis.enter(all[1], properties)
    all[1]:expect("peer_connected", all[i].id)
    for j = 2, i - 1 do
      all[i]:expect("peer_connected", all[j].id)
      all[j]:expect("peer_connected", all[i].id)
    end
  end
  return unpack(all)
end

-- A plain peer that has joined the server and is used by hand: the peer and its id.
function apis.by_hand(server, properties)
  local peer = apis.poll(session.client(server.port, properties))
  apis.wait(function() return session.is_connected(peer) end, "a peer to join")
  return peer, peer:get_unique_id()
end

function apis.wait(condition, what) return wait.until_(condition, polled, nil, what) end

-- All that was sent has arrived: for showing that nothing happens.
function apis.settle() wait.quiet(polled, 0.03) end

local function show(event)
  local words = {}
  for i = 1, event.n do words[i] = type(event[i]) == "string" and ("%q"):format(event[i]) or tostring(event[i]) end
  return table.concat(words, " ")
end

-- Waits for the next event and takes it: it must begin with these.
function Party:expect(...)
  local wanted = { n = select("#", ...), ... }
  local ok = pcall(apis.wait, function() return self.events[1] end)
  if not ok then error("waited in vain for " .. show(wanted), 2) end
  local event = table.remove(self.events, 1)
  for i = 1, wanted.n do
    if event[i] ~= wanted[i] then error(("expected %s, came %s"):format(show(wanted), show(event)), 2) end
  end
  return event
end

-- The next event is a refusal whose text contains this.
function Party:expect_refusal(from, text)
  local why = self:expect("packet_refused", from)[3]
  if not why:find(text, 1, true) then error(("refused for another reason: %s"):format(why), 2) end
end

function Party:expect_nothing()
  if self.events[1] then error("did not expect " .. show(self.events[1]), 2) end
end

-- Nobody tells anything more.
function apis.expect_silence(...)
  apis.settle()
  for _, party in ipairs { ... } do party:expect_nothing() end
end

-- A remote method that notes its calls: { "call", name, sender, argument... }.
function Party:noting(name)
  return function(_, ...) self:note("call", name, self.api:get_remote_sender_id(), ...) end
end

-- A node whose remote methods, and these others, note their calls.
function Party:add_node(path, rpcs, others)
  local object = {}
  for name in pairs(rpcs) do object[name] = self:noting(name) end
  for name in pairs(others or {}) do object[name] = self:noting(name) end
  return self.api:add_node(path, object, rpcs), object
end

-- Polls until a poll raises, and gives the error.
function Party:poll_error()
  local message
  local others = {}
  for _, object in ipairs(polled) do
    if object ~= self.api then others[#others + 1] = object end
  end
  wait.until_(function()
    local ok, err = pcall(self.api.poll, self.api, 0.002)
    if not ok then message = err end
    return not ok
  end, others, 5, "poll to raise")
  return message
end

-- The bytes of exactly `count` packets that a peer used by hand was sent, as hex.
function apis.read_hex(peer, count)
  local packets = {}
  apis.wait(function()
    while peer:get_available_packet_count() > 0 do packets[#packets + 1] = variants.to_hex(peer:get_packet()) end
    return #packets >= count
  end, count .. " packets")
  assert(#packets == count, #packets .. " packets")
  return packets
end

function apis.close()
  polled = {}
  session.close()
end

return apis
