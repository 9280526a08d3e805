-- MultiplayerAPI: authentication.
local ws = require "wsmultiplayer"
local apis = require "support.api"
local variants = require "support.variants"

local OK, ERR_INVALID_PARAMETER, ERR_FILE_CANT_WRITE = ws.OK, ws.ERR_INVALID_PARAMETER, ws.ERR_FILE_CANT_WRITE

-- Lets a party ask for authentication, and notes what its callback is given.
local function authenticate(party, timeout)
  party.api.auth_callback = function(id, data) party:note("auth", id, data, party.api:get_remote_sender_id()) end
  party.api.auth_timeout = timeout or 3
  return party
end

-- A server and a client that are about to authenticate each other.
local function approach(timeout, client_timeout)
  local server = authenticate(apis.server(), timeout)
  local client = authenticate(apis.client(server), client_timeout or timeout)
  client.id = server:expect("peer_authenticating")[2]
  client:expect("peer_authenticating", 1)
  return server, client
end

local function expect_admitted(server, client)
  server:expect("peer_connected", client.id)
  client:expect "connected_to_server"
  client:expect("peer_connected", 1)
  for _, party in ipairs { server, client } do assert.same({}, party.api:get_authenticating_peers()) end
end

describe("authentication", function()
  after_each(apis.close)

  it("admits a peer when both sides say so", function()
    local server, client = approach()
    assert.same({ client.id }, server.api:get_authenticating_peers())
    assert.same({ 1 }, client.api:get_authenticating_peers())
    assert.same({}, server.api:get_peers())
    assert.equals(OK, (client.api:send_auth(1, "name: \0Ada")))
    server:expect("auth", client.id, "name: \0Ada", 0)
    assert.equals(OK, (server.api:send_auth(client.id, "question")))
    client:expect("auth", 1, "question")
    assert.equals(OK, (client.api:send_auth(1, "answer")))
    server:expect("auth", client.id, "answer")
    assert.equals(OK, (server.api:complete_auth(client.id)))
    apis.expect_silence(server, client)
    assert.equals(OK, (client.api:complete_auth(1)))
    expect_admitted(server, client)
    client.api:send_bytes("x", 1)
    server:expect("peer_packet", client.id, "x")
    apis.expect_silence(server, client)
  end)

  it("may be completed by the client first, or in the callback", function()
    local server = authenticate(apis.server())
    server.api.auth_callback = function(id, data)
      if data == "secret" then server.api:complete_auth(id) else server.api:disconnect_peer(id) end
    end
    local client = authenticate(apis.client(server))
    client:expect("peer_authenticating", 1)
    client.id = server:expect("peer_authenticating")[2]
    assert.equals(OK, (client.api:send_auth(1, "secret")))
    assert.equals(OK, (client.api:complete_auth(1)))
    expect_admitted(server, client)
    local thief = authenticate(apis.client(server))
    thief:expect("peer_authenticating", 1)
    server:expect "peer_authenticating"
    assert.equals(OK, (thief.api:send_auth(1, "guess")))
    thief:expect("peer_authentication_failed", 1)
    thief:expect "server_disconnected"
    apis.expect_silence(server, client, thief)
  end)

  it("sends Godot's packets", function()
    local server = authenticate(apis.server())
    local peer, id = apis.by_hand(server)
    server:expect("peer_authenticating", id)
    peer:put_packet "\7\0\1\2"
    server:expect("auth", id, "\1\2")
    server.api:send_auth(id, "server-data")
    apis.wait(function() return peer:get_available_packet_count() == 1 end)
    assert.equals("\7\0server-data", peer:get_packet())
    peer:put_packet "\7\0"
    apis.settle()
    server:expect_nothing()
    server.api:complete_auth(id)
    server:expect("peer_connected", id)
    apis.wait(function() return peer:get_available_packet_count() == 1 end)
    assert.equals("0700", variants.to_hex(peer:get_packet()))
    peer:put_packet "\7\0" -- once more: ignored
    peer:put_packet "\7\0late"
    server:expect_refusal(id, "authentication data")
    peer:put_packet "\3x"
    server:expect("peer_packet", id, "x")
  end)

  it("gives Godot's errors", function()
    local api = ws.MultiplayerAPI.new()
    api.multiplayer_peer = nil
    assert.equals(ws.ERR_UNCONFIGURED, (api:send_auth(5, "")))
    assert.equals(ws.ERR_UNCONFIGURED, (api:complete_auth(5)))
    local server, client = approach()
    assert.equals(ERR_INVALID_PARAMETER, (server.api:send_auth(5, "x")))
    assert.equals(ERR_INVALID_PARAMETER, (server.api:send_auth(client.id, "")))
    assert.equals(ERR_INVALID_PARAMETER, (server.api:complete_auth(5)))
    assert.equals(OK, (server.api:complete_auth(client.id)))
    assert.equals(ERR_FILE_CANT_WRITE, (server.api:send_auth(client.id, "x")))
    assert.equals(ERR_FILE_CANT_WRITE, (server.api:complete_auth(client.id)))
    apis.wait(function() return client.api:send_auth(1, "x") == ERR_FILE_CANT_WRITE end)
    assert.equals(OK, (client.api:complete_auth(1)))
    apis.wait(function() return #server.api:get_peers() == 1 end)
    assert.equals(ERR_INVALID_PARAMETER, (server.api:send_auth(client.id, "x")))
    assert.equals(ERR_INVALID_PARAMETER, (server.api:complete_auth(client.id)))
  end)

  it("keeps those who are not admitted out of everything", function()
    local server = authenticate(apis.server())
    local a = authenticate(apis.client(server))
    a.id = server:expect("peer_authenticating")[2]
    a:expect("peer_authenticating", 1)
    server.api:complete_auth(a.id)
    a.api:complete_auth(1)
    expect_admitted(server, a)
    local b, b_id = apis.by_hand(server)
    server:expect("peer_authenticating", b_id)
    for _, packet in ipairs { "\3raw", "\7\3\0\0\0\0\3x", "\7", "\0\1\0\0", "\128\1\0", "\7\1\77\0\0\0" } do
      b:put_packet(packet)
      server:expect_refusal(b_id, "not authenticated")
    end
    server.api:send_bytes("inside", 0)
    a:expect("peer_packet", 1, "inside")
    a.api:send_bytes("inside", b_id)
    assert.equals(ws.ERR_BUG, (server.api:send_bytes("x", b_id)))
    apis.expect_silence(server, a)
    assert.equals(0, b:get_available_packet_count())
    b:put_packet "\7\0"
    server.api:complete_auth(b_id)
    server:expect("peer_connected", b_id)
    a:expect("peer_connected", b_id)
  end)

  it("fails when the other side goes", function()
    local server, client = approach()
    client.peer:close()
    client:expect "server_disconnected"
    server:expect("peer_authentication_failed", client.id)
    server, client = approach()
    server.peer:close()
    server:expect "server_disconnected"
    client:expect("peer_authentication_failed", 1)
    client:expect "server_disconnected"
    assert.same({}, client.api:get_authenticating_peers())
  end)

  it("fails when its time is up, on the server", function()
    local server, client = approach(0.1, 0)
    client.api:complete_auth(1)
    server:expect("peer_authentication_failed", client.id)
    client:expect("peer_authentication_failed", 1)
    client:expect "server_disconnected"
    apis.expect_silence(server, client)
  end)

  it("fails when its time is up, on the client", function()
    local server, client = approach(0, 0.1)
    server.api:complete_auth(client.id)
    client:expect("peer_authentication_failed", 1)
    client:expect "server_disconnected"
    server:expect("peer_authentication_failed", client.id)
    apis.expect_silence(server, client)
  end)

  it("needs a callback on both sides", function()
    local server = authenticate(apis.server(), 0.1)
    local client = apis.client(server)
    client:expect "connected_to_server"
    client:expect("peer_connected", 1)
    local id = server:expect("peer_authenticating")[2]
    server:expect("peer_authentication_failed", id)
    client:expect("peer_disconnected", 1)
    client:expect "server_disconnected"
    server = apis.server()
    client = authenticate(apis.client(server), 0.1)
    client:expect("peer_authenticating", 1)
    id = server:expect("peer_connected")[2]
    client:expect("peer_authentication_failed", 1)
    client:expect "server_disconnected"
    server:expect("peer_disconnected", id)
  end)

  it("wakes a poll that waits when its time is up", function()
    local server, client = approach(0.05, 0)
    local polls = 0
    while not server.events[1] and polls < 10 do
      server.api:poll(10)
      polls = polls + 1
    end
    server:expect("peer_authentication_failed", client.id)
  end)

  it("survives a callback that fails, and one that is taken away", function()
    local server, client = approach()
    server.api.auth_callback = function(_, data) error("can't read " .. data) end
    client.api:send_auth(1, "a")
    assert.matches("can't read a", server:poll_error(), 1, true)
    server.api.auth_callback = nil
    client.api:send_auth(1, "b")
    server:expect_refusal(client.id, "no auth_callback")
    server.api:complete_auth(client.id)
    client.api:complete_auth(1)
    expect_admitted(server, client)
  end)
end)
