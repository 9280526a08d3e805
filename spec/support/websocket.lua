-- WebSocketPeers and WebSocketServers for one test: made here, closed after it.
local ws = require "wsmultiplayer"
local raw = require "support.raw"
local wait = require "support.wait"

local websocket = {
  CONNECTING = ws.WebSocketPeer.STATE_CONNECTING,
  OPEN = ws.WebSocketPeer.STATE_OPEN,
  CLOSING = ws.WebSocketPeer.STATE_CLOSING,
  CLOSED = ws.WebSocketPeer.STATE_CLOSED,
}

local closers = {}

local function make(class, method, properties)
  local object = class.new()
  for name, value in pairs(properties or {}) do object[name] = value end
  closers[#closers + 1] = function() object[method](object) end
  return object
end

-- A fresh peer with these properties set.
function websocket.peer(properties)
  return make(ws.WebSocketPeer, "close", properties)
end

-- A fresh server with these properties set.
function websocket.new_server(properties)
  return make(ws.WebSocketServer, "stop", properties)
end

-- A server that listens on a free port: the server and the port.
function websocket.server(properties, address)
  local server = websocket.new_server(properties)
  local err, why = server:listen(0, address or "127.0.0.1")
  if err ~= ws.OK then error("listen: " .. tostring(why), 2) end
  return server, server:get_local_port()
end

-- A client on its way to `port`, over TLS with these options.
function websocket.connect(port, properties, path, tls)
  local client = websocket.peer(properties)
  local origin = tls and "wss://localhost:%d%s" or "ws://127.0.0.1:%d%s"
  local err, why = client:connect_to_url(origin:format(port, path or ""), tls)
  if err ~= ws.OK then error("connect_to_url: " .. tostring(why), 2) end
  return client
end

-- Waits until `peer` is in this state.
function websocket.reach(peer, state, polled, seconds)
  wait.until_(function() return peer:get_ready_state() == state end, polled or { peer }, seconds, "state " .. state)
  return peer
end

-- The server's next connection.
function websocket.take(server, polled)
  wait.until_(function() return server:is_connection_available() end, polled or { server }, nil, "a connection")
  return server:take_connection()
end

-- A client of ours that is open at our server: the client, and the server's peer.
function websocket.join(server, properties, path)
  local client = websocket.connect(server:get_local_port(), properties, path)
  websocket.reach(client, websocket.OPEN, { server, client })
  return client, websocket.take(server, { server, client })
end

-- A server, a client of ours and the server's peer for it.
function websocket.pair(server_properties, client_properties)
  local server = websocket.server(server_properties)
  return server, websocket.join(server, client_properties)
end

-- A client of ours that is open at a server by hand: client, connection, listener.
function websocket.by_hand(properties, options)
  local listener = assert(raw.listen())
  local client = websocket.connect(listener.port, properties)
  local connection = listener:welcome({ client }, false, options)
  return websocket.reach(client, websocket.OPEN), connection, listener
end

-- A client by hand that has sent its request to our server and was answered 101; the answer is in `.response`.
function websocket.raw_join(server, request)
  local connection = assert(raw.connect(server:get_local_port()))
  connection:send(request or raw.request())
  local head, why = connection:read_head({ server })
  if not head then error("the server ended the connection: " .. why, 2) end
  if raw.status(head) ~= 101 then error("the server refused: " .. head, 2) end
  connection.response = head
  return connection
end

-- Takes `count` messages: an array of them, and one of whether each came as text.
function websocket.receive(peer, count, polled, seconds)
  local messages, texts = {}, {}
  wait.until_(function()
    while #messages < count and peer:get_available_packet_count() > 0 do
      messages[#messages + 1] = assert(peer:get_packet())
      texts[#texts + 1] = peer:was_string_packet()
    end
    return #messages >= count
  end, polled or { peer }, seconds, count .. " messages")
  return messages, texts
end

-- Leaves the objects made so far to the garbage collector.
function websocket.forget()
  closers = {}
end

-- For after_each: no object and no socket outlives its test.
function websocket.close()
  for i = #closers, 1, -1 do
    closers[i]()
    closers[i] = nil
  end
  raw.close_all()
end

return websocket
