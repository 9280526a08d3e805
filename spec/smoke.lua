-- A server and three clients in one program, without anything but the module: for places where busted is hard to have.
--
--   lua spec/smoke.lua [KEY CERTIFICATE]    PEM files of a certificate for localhost, to go through it with TLS too
local ws = require "wsmultiplayer"
local CONNECTED = 2

local function check(what, ok, why)
  if not ok then error(what .. ": " .. tostring(why or "no"), 2) end
  print("ok", what)
end

local function go_through(scheme, server_tls, client_tls)
  local server, clients = ws.WebSocketMultiplayerPeer.new(), {}
  local everyone = { server }

  local function until_(done)
    local give_up = ws.clock() + 10
    repeat
      for _, peer in ipairs(everyone) do peer:poll(0.005) end
      if done() then return true end
    until ws.clock() > give_up
    return false
  end

  local err, why = server:create_server(0, "127.0.0.1", server_tls)
  check(scheme .. " server", err == ws.OK, why)
  local port = server:get_bound_port()
  err = ws.WebSocketMultiplayerPeer.new():create_server(port, "127.0.0.1")
  check(scheme .. " port in use", err == ws.ERR_ALREADY_IN_USE, err)

  for i = 1, 3 do
    clients[i] = ws.WebSocketMultiplayerPeer.new()
    everyone[i + 1] = clients[i]
    err, why = clients[i]:create_client(scheme .. "://localhost:" .. port, client_tls)
    check(scheme .. " client " .. i, err == ws.OK, why)
  end
  check(scheme .. " all are in", until_(function()
    for _, client in ipairs(clients) do
      if client:get_connection_status() ~= CONNECTED then return false end
    end
    return #server:get_peers() == 3
  end), clients[1]:get_last_error())

  local heard = 0
  for i = 1, 100 do assert(server:put_packet(("x"):rep(500) .. i) == ws.OK) end
  check(scheme .. " a hundred packets to all", until_(function()
    for _, client in ipairs(clients) do
      for packet in client:packets() do
        if packet:sub(1, 500) == ("x"):rep(500) then heard = heard + 1 end
      end
    end
    return heard == 300
  end), heard)

  local large = ("\0y"):rep(30000)
  clients[1]:set_target_peer(1)
  assert(clients[1]:put_packet(large) == ws.OK)
  check(scheme .. " a large packet to the server", until_(function() return server:get_packet() == large end))

  clients[2]:close()
  check(scheme .. " one leaves", until_(function() return #server:get_peers() == 2 end))
  server:close()
  check(scheme .. " the server goes", until_(function()
    return clients[1]:get_connection_status() + clients[3]:get_connection_status() == 0
  end))
end

go_through "ws"
if arg[2] then
  local file = assert(io.open(arg[2]))
  local certificate = file:read "*a"
  file:close()
  go_through("wss", ws.TLSOptions.server(arg[1], arg[2]), ws.TLSOptions.client(certificate))
end

local nobody = ws.WebSocketMultiplayerPeer.new()
assert(nobody:create_client "ws://127.0.0.1:1" == ws.OK)
local give_up = ws.clock() + 10
repeat nobody:poll(0.01) until nobody:get_connection_status() == 0 or ws.clock() > give_up
check("refused: " .. nobody:get_last_error(), nobody:get_last_error() ~= "")
print(ws._VERSION .. ", libwebsockets " .. ws.LIBWEBSOCKETS_VERSION)
