-- MultiplayerAPI among peers that send what no Godot would: a plain peer plays them, packet by packet. Each is refused
-- with a reason, nothing else happens, and honest peers go on.
local ws = require "wsmultiplayer"
local apis = require "support.api"
local session = require "support.session"
local variants = require "support.variants"

local ANY = { "any_peer" }

local function u32(value)
  value = value % 2 ^ 32
  local bytes = {}
  for i = 1, 4 do
    bytes[i] = string.char(value % 256)
    value = math.floor(value / 256)
  end
  return table.concat(bytes)
end

local function relay(id, packet) return "\7\3" .. u32(id) .. packet end

local function path_packet(id, path, checksum)
  return "\1" .. (checksum or ("0"):rep(32)) .. "\0" .. u32(id) .. path .. "\0"
end

-- Packets that are refused from anybody, with a part of the reason.
local BAD = {
  { "\3", "raw bytes without any" },
  { "\1", "too short" }, { path_packet(1, ""):sub(1, 37), "too short" },
  { path_packet(1, ""), "where no node is" }, { path_packet(1, "Nowhere"), "'Nowhere', where no node is" },
  { path_packet(1, "../Main"), "where no node is" }, { path_packet(1, "/root/Main"), "where no node is" },
  { path_packet(1, "Main/"), "where no node is" }, { path_packet(1, ("x"):rep(30000)), "where no node is" },
  { path_packet(1, "\255\254\n"), "where no node is" },
  { "\2", "6 bytes, not 1" }, { "\2\1\0\0\0", "6 bytes" }, { "\2\1\0\0\0\0\0", "6 bytes" },
  { "\4", "too short" }, { "\4" .. ("\0"):rep(16), "too short" }, { "\5\0\0\0", "too short" },
  { "\6" .. ("\0"):rep(9), "too short" }, { "\22" .. ("\0"):rep(9), "too short" },
  -- calls
  { "\0", "too short" }, { "\0\1", "too short" }, { "\16\1\0", "too short" }, { "\32\1\0\0\0", "too short" },
  { "\48\1\0\0\0\0\0", "impossible size" }, { "\64\1\0", "too short" }, { "\0\1\0", "too short" },
  { "\128\9\0", "node number 9, which it has not told of" }, { "\0\9\0\0", "node number 9" },
  { "\160\255\255\255\127\0", "node number 2147483647" },
  { "\160" .. u32(0x80000000) .. "\0Main\0", "outside" }, { "\160" .. u32(0x80000005) .. "\0Main\0", "outside" },
  { "\160" .. u32(0x80000000 + 11) .. "\0Main\0", "outside" }, { "\160" .. u32(0xffffffff) .. "\0Main\0", "outside" },
  { "\32" .. u32(0x80000006) .. "\0Main\0", "too short" }, -- where the count would be, the path begins
  { "\160" .. u32(0x80000006) .. "\0Nowhere\0", "'Nowhere', where no node is" },
  { "\160" .. u32(0x80000006) .. "\0../Main\0", "where no node is" },
  { "\160" .. u32(0x80000006) .. "\0\0", "where no node is" },
  { "\160" .. u32(0x80000006) .. "\9Main\0", "method number 9" },
  { "\224" .. u32(0x80000007) .. "\255\255Main\0", "method number 65535" },
  { "\224" .. u32(0x80000007) .. "\0\128Main\0", "method number 32768" },
  { "\160" .. u32(0x80000006) .. "\1Main\0", "authority" },
  -- arguments
  { "\32" .. u32(0x80000007) .. "\0\1Main\0", "not a well-formed Variant" },
  { "\32" .. u32(0x80000007) .. "\0\255Main\0", "not a well-formed Variant" },
  { "\32" .. u32(0x80000008) .. "\0\1\2Main\0", "not a well-formed Variant" },
  { "\32" .. u32(0x80000009) .. "\0\1\255\0Main\0", "not a well-formed Variant" },
  { "\32" .. u32(0x80000000 + 15) .. "\0\1\4\0\0\0\255\255\255\127Main\0", "in the arguments" },
  { "\32" .. u32(0x80000000 + 15) .. "\0\1\28\0\0\0\255\255\255\127Main\0", "not a well-formed Variant" },
  { "\32" .. u32(0x80000000 + 19) .. "\0\1\24\0\0\0\1\0\0\0A\0\0\0Main\0", "objects are not allowed" },
}

describe("a peer that is admitted and hostile", function()
  after_each(apis.close)

  -- A server with a node and an honest client, and a plain peer among them.
  local function scene()
    local server, honest = apis.gather(1)
    for _, party in ipairs { server, honest } do
      party.node = party:add_node("Main", { any = ANY, authority = {} })
    end
    -- "any" is number 0, "authority" number 1
    local peer, id = apis.by_hand(server)
    server:expect("peer_connected", id)
    honest:expect("peer_connected", id)
    return server, honest, peer, id
  end

  -- Everything works as ever.
  local function expect_order(server, honest)
    apis.settle()
    server:expect_nothing()
    honest:expect_nothing()
    honest.api:send_bytes("hello", 1)
    server:expect("peer_packet", honest.id, "hello")
    server.node:rpc_id(honest.id, "any", "hello")
    honest:expect("call", "any", 1, "hello")
    assert.equals(0, server.api:get_remote_sender_id())
  end

  it("is refused what is no packet, directly and relayed", function()
    local server, honest, peer, id = scene()
    for _, bad in ipairs(BAD) do
      peer:put_packet(bad[1])
      server:expect_refusal(id, bad[2])
      peer:put_packet(relay(honest.id, bad[1]))
      honest:expect_refusal(id, bad[2])
      if #bad[1] > 0 then
        peer:put_packet(relay(-honest.id, bad[1])) -- to the server, by way of a relay
        server:expect_refusal(id, bad[2])
      end
    end
    expect_order(server, honest)
  end)

  it("is refused what only servers may do, and what is no system packet", function()
    local server, honest, peer, id = scene()
    for packet, why in pairs {
      ["\7\1" .. u32(77)] = "only the server may", ["\7\2" .. u32(honest.id)] = "only the server may",
      ["\7"] = "too short", ["\7\1"] = "too short", ["\7\1\0\0\0"] = "too short", ["\7\2\0\0\0"] = "too short",
      ["\7\3\0\0\0"] = "too short", ["\7\3\0\0\0\0"] = "nothing in it", ["\7\4\0\0\0\0"] = "unknown kind 4",
      ["\7\255\0\0\0\0\0"] = "unknown kind 255", ["\7\0x"] = "authentication data",
    } do
      peer:put_packet(packet)
      server:expect_refusal(id, why)
    end
    assert.same({ honest.id, id }, server.api:get_peers())
    expect_order(server, honest)
  end)

  it("can't relay system packets", function()
    local server, honest, peer, id = scene()
    for _, inner in ipairs {
      "\7\1" .. u32(77), "\7\2" .. u32(1), "\7\2" .. u32(honest.id), "\7\0", "\7\0secret", relay(1, "\3x"),
      relay(0, "\3x"),
    } do
      peer:put_packet(relay(honest.id, inner))
      honest:expect_refusal(id, "system packet inside")
      peer:put_packet(relay(0, inner))
      honest:expect_refusal(id, "system packet inside")
      server:expect_refusal(id, "system packet inside")
    end
    assert.same({ 1, id }, honest.api:get_peers())
    expect_order(server, honest)
  end)

  it("is always itself: the server takes the source from the connection", function()
    local server, honest, peer, id = scene()
    local other = apis.enter(server)
    for _, party in ipairs { server, honest } do party:expect("peer_connected", other.id) end
    other:expect("peer_connected", honest.id)
    other:expect("peer_connected", id)
    -- Its target is not taken for a source.
    peer:put_packet(relay(other.id, "\3i am me"))
    other:expect("peer_packet", id, "i am me")
    peer:put_packet(relay(1, "\3to the server")) -- the server is not reached by relay
    peer:put_packet(relay(-id, "\3to all"))
    for _, party in ipairs { server, honest, other } do party:expect("peer_packet", id, "to all") end
    -- A call in the name of the authority.
    peer:put_packet(relay(honest.id, "\160" .. u32(0x80000006) .. "\1Main\0"))
    honest:expect_refusal(id, "authority")
    expect_order(server, honest)
  end)

  it("may tell of many paths, but not without end", function()
    local server, honest, peer, id = scene()
    server.api.max_cached_paths = 100
    local checksum = "cf95b3bb3c21f1d2b1dd0dc65d4fcc0f"
    for number = 1, 300 do peer:put_packet(path_packet(number, "Main", checksum)) end
    local refused = 0
    apis.wait(function()
      while server.events[1] do
        local why = table.remove(server.events, 1)[3]
        if why:find("max_cached_paths", 1, true) then
          refused = refused + 1
        else
          assert.matches("checksum", why)
        end
      end
      return refused == 200
    end)
    peer:put_packet(path_packet(7, "Main", checksum))
    server:expect_refusal(id, "a second path with the number 7")
    peer:put_packet "\128\7\0"
    server:expect("call", "any", id)
    peer:put_packet "\144\44\1\0"
    server:expect_refusal(id, "node number 300")
    expect_order(server, honest)
  end)

  it("can't confirm what it was not told", function()
    local server, honest, peer, id = scene()
    server.node:rpc_id(honest.id, "any")
    honest:expect("call", "any", 1)
    peer:put_packet("\2\1" .. u32(1))
    server:expect_refusal(id, "that it was not told")
    peer:put_packet("\2\1" .. u32(99)) -- may have been removed: nothing
    peer:put_packet("\2\0" .. u32(0xffffffff))
    server.node:rpc_id(id, "any")
    peer:put_packet("\2\0" .. u32(1))
    server:expect_refusal(id, "checksum")
    expect_order(server, honest)
  end)

  it("is refused by relayed path packets under names that nobody knows", function()
    local server, honest, peer, id = scene()
    peer:put_packet(relay(honest.id, path_packet(1, "Main")))
    honest:expect_refusal(id, "checksum")
    apis.wait(function() return peer:get_available_packet_count() >= 2 end) -- introduced, and confirmed
    honest.api:disconnect_peer(id) -- it does not want to know it any more
    peer:put_packet(relay(honest.id, path_packet(2, "Main")))
    honest:expect_refusal(id, "of a peer that is not known")
    peer:put_packet(relay(honest.id, "\2\1" .. u32(1)))
    apis.settle()
    expect_order(server, honest)
  end)

  it("hands replication packets on as they are", function()
    local server, honest, peer, id = scene()
    for kind, packet in pairs {
      spawn = "\4\255" .. ("\255"):rep(40), despawn = "\5\255\255\255\255", sync = "\6" .. ("\255"):rep(30),
      delta = "\22" .. ("\255"):rep(30),
    } do
      peer:put_packet(packet)
      server:expect("replication_packet", id, kind, packet)
      peer:put_packet(relay(honest.id, packet))
      honest:expect("replication_packet", id, kind, packet)
    end
    expect_order(server, honest)
  end)

  it("may flood", function()
    local server, honest, peer, id = scene()
    local sent, heard, refused = 0, 0, 0
    server.api.peer_packet:connect(function() heard = heard + 1 end)
    server.api.packet_refused:connect(function() refused = refused + 1 end)
    local packets = { "\3x", "\3", "\7\9\0\0\0\0", relay(honest.id, "\3"), relay(12345, "\3x"), "\2" }
    for _ = 1, 5000 do
      for _, packet in ipairs(packets) do
        while peer:put_packet(packet) ~= ws.OK do
          server.api:poll()
          honest.api:poll()
          peer:poll()
        end
      end
      sent = sent + 1
    end
    apis.wait(function() return heard == sent and refused == 3 * sent end, "all of the flood")
    server.events = {}
    apis.wait(function() return #honest.events == sent end)
    for _, event in ipairs(honest.events) do assert.same({ "packet_refused", id }, { event[1], event[2] }) end
    honest.events = {}
    expect_order(server, honest)
  end)

  it("may send any bytes at all", function()
    local server, honest, peer, id = scene()
    math.randomseed(20)
    local good = {}
    for i, bad in ipairs(BAD) do good[i] = bad[1] end
    good[#good + 1] = "\32" .. u32(0x80000000 + 16) .. "\0\3\2\5\4\0\0\0\1\0\0\0Main\0"
    good[#good + 1] = relay(honest.id, "\32" .. u32(0x80000000 + 11) .. "\0\2\129\66\1\2Main\0")
    for round = 1, 3000 do
      local packet = good[math.random(#good)]
      if round % 3 == 0 then
        local bytes = {}
        for i = 1, math.random(40) do bytes[i] = string.char(math.random(0, 255)) end
        packet = table.concat(bytes)
      else
        for _ = 1, math.random(3) do
          local at = math.random(#packet)
          packet = packet:sub(1, at - 1) .. string.char(math.random(0, 255)) .. packet:sub(at + math.random(0, 1))
        end
      end
      if packet ~= "" then peer:put_packet(packet) end
      if round % 50 == 0 then
        apis.settle()
        server.events, honest.events = {}, {}
      end
    end
    assert.same({ honest.id, id }, server.api:get_peers())
    assert.same({ 1, id }, honest.api:get_peers())
    expect_order(server, honest)
  end)
end)

describe("a hostile server", function()
  after_each(apis.close)

  -- A plain server and a client with the API.
  local function scene()
    local server = apis.poll((session.server()))
    local client = apis.new():use(session.client(server:get_bound_port()))
    client:add_node("Main", { any = ANY })
    client:expect "connected_to_server"
    client:expect("peer_connected", 1)
    client.id = client.api:get_unique_id()
    server:set_target_peer(client.id)
    return server, client
  end

  it("can't add impossible peers", function()
    local server, client = scene()
    server:put_packet("\7\1" .. u32(77))
    client:expect("peer_connected", 77)
    for _, id in ipairs { 0, 1, -5, -2 ^ 31, 77, client.id } do
      server:put_packet("\7\1" .. u32(id))
      client:expect_refusal(1, ("adds peer %d, which can't be"):format(id))
    end
    assert.same({ 1, 77 }, client.api:get_peers())
    for _, id in ipairs { 0, 1, -77, client.id } do
      server:put_packet("\7\2" .. u32(id))
      client:expect_refusal(1, ("removes peer %d, which can't be"):format(id))
    end
    server:put_packet("\7\2" .. u32(78)) -- nobody knows it: nothing
    server:put_packet("\7\2" .. u32(77))
    client:expect("peer_disconnected", 77)
    apis.expect_silence(client)
  end)

  it("can't relay for impossible peers", function()
    local server, client = scene()
    for _, id in ipairs { 0, -1, -77, -2 ^ 31 } do
      server:put_packet(relay(id, "\3x"))
      client:expect_refusal(1, ("of peer %d, which can't be"):format(id))
    end
    server:put_packet(relay(77, "\3x")) -- of whom it need not have told
    client:expect("peer_packet", 77, "x")
    for _, bad in ipairs(BAD) do
      if not bad[2]:find("authority", 1, true) then
        server:put_packet(relay(77, bad[1]))
        local why = client:expect("packet_refused", 77)[3]
        assert.is_true(#why < 400, why)
        assert.is_nil(why:find "%c")
      end
    end
    apis.expect_silence(client)
  end)

  it("ends when it floods with peers", function()
    local server, client = scene()
    server.outbound_buffer_size = 2 ^ 20
    local count = 0
    client.note = function() count = count + 1 end
    for id = 2, 65540 do
      while server:put_packet("\7\1" .. u32(id)) ~= ws.OK do
        client.api:poll()
        server:poll()
      end
    end
    apis.wait(function() return count == 65539 end, "all to be told")
    assert.is_true(#client.api:get_peers() <= 65538)
    client.note = nil
    server:put_packet("\7\1" .. u32(70000))
    client:expect_refusal(1, "one more than 65536 peers")
  end)
end)

describe("a text of a refusal", function()
  after_each(apis.close)

  it("has no end of somebody else's text in it, and no line breaks", function()
    local server, a = apis.gather(1)
    local peer = apis.by_hand(server)
    server:expect "peer_connected"
    peer:put_packet(path_packet(1, "line\nbreak\27[31m" .. ("x"):rep(50000)))
    local why = server:expect("packet_refused")[3]
    assert.matches("line?break?[31m", why, 1, true)
    assert.is_true(#why < 200)
    assert.is_nil(why:find "%c")
    assert.is_nil(variants.to_hex(why):find "0a")
    assert.equals(1, #a.api:get_peers() - 1)
  end)
end)
