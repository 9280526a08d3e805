-- MultiplayerAPI: clients learn of each other, and talk by way of the server.
local ws = require "wsmultiplayer"
local apis = require "support.api"
local session = require "support.session"

local OK = ws.OK
local STRANGER = 12345 -- an id that nobody has

local read = apis.read_hex

local function le32(value)
  value = value % 2 ^ 32
  local bytes = {}
  for i = 1, 4 do
    bytes[i] = ("%02x"):format(value % 256)
    value = math.floor(value / 256)
  end
  return table.concat(bytes)
end

describe("relay", function()
  after_each(apis.close)

  it("introduces clients to each other, in the order in which they joined", function()
    local server, a, b, c = apis.gather(3)
    assert.same({ a.id, b.id, c.id }, server.api:get_peers())
    assert.same({ 1, b.id, c.id }, a.api:get_peers())
    assert.same({ 1, a.id, c.id }, b.api:get_peers())
    assert.same({ 1, a.id, b.id }, c.api:get_peers())
    b.peer:close()
    b:expect "server_disconnected"
    for _, party in ipairs { server, a, c } do party:expect("peer_disconnected", b.id) end
    assert.same({ 1, c.id }, a.api:get_peers())
    server.api:disconnect_peer(c.id)
    c:expect("peer_disconnected", 1)
    c:expect "server_disconnected"
    a:expect("peer_disconnected", c.id)
    assert.same({}, c.api:get_peers())
    assert.same({ a.id }, server.api:get_peers())
    apis.expect_silence(server, a, b, c)
  end)

  it("introduces with the packets that Godot sends", function()
    local server = apis.server()
    local a, a_id = apis.by_hand(server)
    server:expect("peer_connected", a_id)
    apis.settle()
    assert.equals(0, a:get_available_packet_count()) -- the first is told nothing, and never of the server
    local b, b_id = apis.by_hand(server)
    server:expect("peer_connected", b_id)
    assert.same({ "0701" .. le32(b_id) }, read(a, 1))
    assert.same({ "0701" .. le32(a_id) }, read(b, 1))
    local c, c_id = apis.by_hand(server)
    assert.same({ "0701" .. le32(a_id), "0701" .. le32(b_id) }, read(c, 2))
    assert.same({ "0701" .. le32(c_id) }, read(a, 1))
    assert.same({ "0701" .. le32(c_id) }, read(b, 1))
    b:close()
    assert.same({ "0702" .. le32(b_id) }, read(a, 1))
    assert.same({ "0702" .. le32(b_id) }, read(c, 1))
  end)

  it("passes bytes on in every form of target", function()
    local server, a, b, c = apis.gather(3)
    local parties, number = { server, a, b, c }, 0
    local function deliver(from, target, receivers)
      number = number + 1
      local bytes = ("number %d\0\255"):format(number)
      assert.equals(OK, (from.api:send_bytes(bytes, target)))
      for _, receiver in ipairs(receivers) do receiver:expect("peer_packet", from.id, bytes) end
    end
    deliver(server, 0, { a, b, c })
    deliver(server, b.id, { b })
    deliver(server, -b.id, { a, c })
    deliver(server, -1, { a, b, c })
    deliver(server, -STRANGER, { a, b, c })
    deliver(server, -2 ^ 31, { a, b, c })
    assert.equals(ws.ERR_BUG, (server.api:send_bytes("x", STRANGER)))
    assert.equals(ws.ERR_BUG, (server.api:send_bytes("x", 1)))
    deliver(a, 1, { server })
    deliver(a, b.id, { b })
    deliver(a, 0, { server, b, c })
    deliver(a, -b.id, { server, c })
    deliver(a, -1, { b, c })
    deliver(a, -a.id, { server, b, c })
    deliver(a, -STRANGER, { server, b, c })
    deliver(a, -2 ^ 31, { server, b, c })
    deliver(a, a.id, { a }) -- there and back
    assert.equals(OK, (a.api:send_bytes("vanishes", STRANGER)))
    apis.expect_silence((table.unpack or unpack)(parties))
  end)

  it("sends with the packets that Godot sends", function()
    local listener = apis.server()
    local client = apis.by_hand(listener) -- what a client sends is looked at by a plain server
    client:close()
    local server = session.server()
    apis.poll(server)
    local party = apis.new():use(session.client(server:get_bound_port()))
    party:expect "connected_to_server"
    for target, hex in pairs {
      [0] = "070300000000030908", [1] = "030908", [-1] = "0703ffffffff030908", [77] = "07034d000000030908",
    } do
      assert.equals(OK, (party.api:send_bytes("\9\8", target)))
      assert.same({ hex }, read(server, 1))
    end
  end)

  it("keeps the order of packets, direct and relayed, and their content", function()
    local server, a, b = apis.gather(2)
    local all = {}
    for i = 0, 255 do all[i + 1] = string.char(i) end
    local bytes = table.concat(all):rep(40)
    for i = 1, 60 do
      a.api:send_bytes(bytes:sub(1, i * 100), b.id)
      a.api:send_bytes("s" .. i, 1)
      server.api:send_bytes("b" .. i, b.id)
    end
    local relayed, direct = 0, 0
    for _ = 1, 120 do
      local event = b:expect "peer_packet"
      if event[2] == 1 then
        direct = direct + 1
        assert.equals("b" .. direct, event[3])
      else
        relayed = relayed + 1
        assert.equals(a.id, event[2])
        assert.equals(bytes:sub(1, relayed * 100), event[3])
      end
    end
    for i = 1, 60 do server:expect("peer_packet", a.id, "s" .. i) end
  end)

  it("delivers what a client sent before it left, and then its leaving", function()
    local server, a, b = apis.gather(2)
    for i = 1, 20 do a.api:send_bytes("last " .. i, 0) end
    a.peer:close()
    a:expect "server_disconnected"
    for _, party in ipairs { server, b } do
      for i = 1, 20 do party:expect("peer_packet", a.id, "last " .. i) end
      party:expect("peer_disconnected", a.id)
    end
    apis.expect_silence(server, a, b)
  end)

  it("that is switched off on all sides leaves clients alone with the server", function()
    local server = apis.server { server_relay = false }
    local a = apis.enter(server, { server_relay = false })
    local b = apis.enter(server, { server_relay = false })
    for _, client in ipairs { a, b } do
      server:expect("peer_connected", client.id)
      assert.same({ 1 }, client.api:get_peers())
    end
    assert.equals(ws.ERR_BUG, (a.api:send_bytes("x", b.id)))
    a.api:send_bytes("to all", 0)
    server:expect("peer_packet", a.id, "to all")
    server.api:send_bytes("to all", 0)
    for _, client in ipairs { a, b } do client:expect("peer_packet", 1, "to all") end
    b.peer:close()
    b:expect "server_disconnected"
    server:expect("peer_disconnected", b.id)
    apis.expect_silence(server, a, b)
  end)

  it("is refused by a server that has it switched off", function()
    local server = apis.server { server_relay = false }
    local a, b = apis.enter(server), apis.enter(server)
    for _, client in ipairs { a, b } do server:expect("peer_connected", client.id) end
    a.api:send_bytes("x", b.id)
    server:expect_refusal(a.id, "server_relay is off")
    a.api:send_bytes("x", 0)
    server:expect_refusal(a.id, "server_relay is off")
    a.api:send_bytes("x", 1)
    server:expect("peer_packet", a.id, "x")
    apis.expect_silence(server, a, b)
  end)

  it("is refused by a client that has it switched off", function()
    local server = apis.server()
    local a = apis.enter(server, { server_relay = false })
    local b = apis.enter(server)
    a:expect_refusal(1, "server_relay is off")
    assert.same({ 1 }, a.api:get_peers())
    b:expect("peer_connected", a.id)
    b.api:send_bytes("x", a.id)
    a:expect_refusal(1, "server_relay is off")
    b.peer:close()
    a:expect_refusal(1, "server_relay is off")
  end)

  it("says who sent a packet while it is handled", function()
    local server, a, b = apis.gather(2)
    local senders = {}
    for _, party in ipairs { server, b } do
      party.api.peer_packet:connect(function() senders[#senders + 1] = party.api:get_remote_sender_id() end)
    end
    a.api:send_bytes("x", 0)
    for _, party in ipairs { server, b } do
      party:expect "peer_packet"
      assert.equals(0, party.api:get_remote_sender_id())
    end
    assert.same({ a.id, a.id }, senders)
  end)
end)
