-- Peers for one test: made here, closed after it.
local ws = require "wsmultiplayer"
local raw = require "support.raw"
local wait = require "support.wait"

local session = {}

local peers = {}

-- A fresh peer with these properties set.
function session.peer(properties)
  local peer = ws.WebSocketMultiplayerPeer.new()
  for name, value in pairs(properties or {}) do peer[name] = value end
  peers[#peers + 1] = peer
  return peer
end

-- A server on a free port: the peer and the port.
function session.server(properties, address)
  local server = session.peer(properties)
  local err, why = server:create_server(0, address or "127.0.0.1")
  if err ~= ws.OK then error("create_server: " .. tostring(why), 2) end
  return server, server:get_bound_port()
end

-- A client on its way to `port`.
function session.client(port, properties)
  local client = session.peer(properties)
  local err, why = client:create_client("ws://127.0.0.1:" .. port)
  if err ~= ws.OK then error("create_client: " .. tostring(why), 2) end
  return client
end

function session.is_connected(peer)
  return peer:get_connection_status() == ws.MultiplayerPeer.CONNECTION_CONNECTED
end

function session.is_disconnected(peer)
  return peer:get_connection_status() == ws.MultiplayerPeer.CONNECTION_DISCONNECTED
end

-- A client of ours that is connected to our server: the client and its id.
function session.join(server, properties)
  local client = session.client(server:get_bound_port(), properties)
  wait.until_(function() return session.is_connected(client) end, { server, client }, nil, "a client to join")
  return client, client:get_unique_id()
end

-- A server and a connected client of ours: server, client, the client's id.
function session.pair(properties)
  local server = session.server(properties)
  return server, session.join(server, properties)
end

-- A client of ours, connected to a server by hand: client, connection, listener.
function session.by_hand(properties, id)
  local listener = assert(raw.listen())
  local client = session.client(listener.port, properties)
  local connection = listener:welcome({ client }, id)
  wait.until_(function() return session.is_connected(client) end, { client }, nil, "the client to take its id")
  return client, connection, listener
end

-- Records the signals of a peer: an array of { name, id, code, reason, clean } in the order of arrival, which
-- has a method `names()` for comparing: "connected 5, disconnected 5".
function session.record(peer)
  local events = {}
  function events.names()
    local names = {}
    for i, event in ipairs(events) do names[i] = event.name .. " " .. event.id end
    return table.concat(names, ", ")
  end
  peer.peer_connected:connect(function(id)
    events[#events + 1] = { name = "connected", id = id }
  end)
  peer.peer_disconnected:connect(function(id, code, reason, clean)
    events[#events + 1] = { name = "disconnected", id = id, code = code, reason = reason, clean = clean }
  end)
  return events
end

-- Waits for the n-th event of a recording.
function session.event(events, n, polled, seconds)
  return wait.until_(function() return events[n] end, polled, seconds, "signal number " .. n)
end

-- Takes everything that waits: an array of the packets, and one of their senders.
function session.drain(peer)
  local packets, senders = {}, {}
  while peer:get_available_packet_count() > 0 do
    senders[#senders + 1] = peer:get_packet_peer()
    packets[#packets + 1] = assert(peer:get_packet())
  end
  return packets, senders
end

-- Polls until `count` packets have been taken from `peer`.
function session.receive(peer, count, polled, seconds)
  local packets, senders = {}, {}
  wait.until_(function()
    while #packets < count and peer:get_available_packet_count() > 0 do
      senders[#senders + 1] = peer:get_packet_peer()
      packets[#packets + 1] = assert(peer:get_packet())
    end
    return #packets >= count
  end, polled, seconds, count .. " packets")
  return packets, senders
end

-- For after_each: no peer and no socket outlives its test.
function session.close()
  for i = #peers, 1, -1 do
    peers[i]:close()
    peers[i] = nil
  end
  raw.close_all()
end

return session
