local ws = require "wsmultiplayer"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"

local BIG = ("b"):rep(60000)

-- Puts packets until one is refused: how many were taken, the error and its text. The system's buffers take
-- some megabytes before that.
local function stuff(peer, packet)
  for count = 0, 2000 do
    local err, why = peer:put_packet(packet)
    if err ~= ws.OK then return count, err, why end
  end
  error("2000 packets were taken by a connection that nobody reads", 2)
end

describe("the limit of sending", function()
  after_each(session.close)

  it("lets 65535 bytes pass and refuses 65536 with 6 and a text, on both sides", function()
    local server, client, id = session.pair()
    server:set_target_peer(id)
    for _, peer in ipairs { server, client } do
      assert.equals(ws.OK, (peer:put_packet(("x"):rep(65535))))
      session.receive(peer == server and client or server, 1, { server, client })
      local err, why = peer:put_packet(("x"):rep(65536))
      assert.equals(ws.ERR_OUT_OF_MEMORY, err)
      assert.is_true(#why > 0)
      assert.equals(ws.OK, (peer:put_packet("after")))
      assert.same({ "after" }, (session.receive(peer == server and client or server, 1, { server, client })))
    end
  end)

  it("is outbound_buffer_size of the moment when the connection was made", function()
    local client, connection = session.by_hand({ outbound_buffer_size = 100 })
    client.outbound_buffer_size = 200
    assert.equals(ws.OK, (client:put_packet(("x"):rep(100))))
    assert.equals(100, #connection:read_binary({ client }))
    assert.equals(ws.ERR_OUT_OF_MEMORY, (client:put_packet(("x"):rep(101))))
  end)

  it("does not exist for outbound_buffer_size 0", function()
    local client, connection = session.by_hand({ outbound_buffer_size = 0 })
    local packet = ("x"):rep(300000)
    assert.equals(ws.OK, (client:put_packet(packet)))
    assert.is_true(connection:read_binary({ client }) == packet)
  end)

  it("gives 6 on a client whose server does not read, and all that was taken arrives", function()
    local client, connection = session.by_hand()
    local count, err, why = stuff(client, BIG)
    assert.equals(ws.ERR_OUT_OF_MEMORY, err)
    assert.is_true(#why > 0)
    assert.equals(2, client:get_connection_status())
    local buffered = client:get_peer(1):get_current_outbound_buffered_amount()
    assert.is_true(buffered > 0 and buffered <= 65535, "buffered " .. buffered)
    for i = 1, count do assert.equals(#BIG, #connection:read_binary({ client }), "packet " .. i) end
    assert.equals(0, client:get_peer(1):get_current_outbound_buffered_amount())
    assert.equals(ws.OK, (client:put_packet("after")))
    assert.equals("after", connection:read_binary({ client }))
  end)

  it("gives 6 on a server for one target that does not read, and others are unharmed", function()
    local server, port = session.server()
    local deaf, other = raw.join(port, { server }), raw.join(port, { server })
    server:set_target_peer(deaf.id)
    local count, err, why = stuff(server, BIG)
    assert.equals(ws.ERR_OUT_OF_MEMORY, err)
    assert.is_true(#why > 0)
    server:set_target_peer(other.id)
    assert.equals(ws.OK, (server:put_packet("you")))
    assert.equals("you", other:read_binary({ server }))
    for _ = 1, count do assert.equals(#BIG, #deaf:read_binary({ server })) end
    server:set_target_peer(deaf.id)
    assert.equals(ws.OK, (server:put_packet("after")))
    assert.equals("after", deaf:read_binary({ server }))
  end)

  it("gives OK for a broadcast, and counts what one of the clients did not get", function()
    local server, port = session.server()
    local deaf, other = raw.join(port, { server }), raw.join(port, { server })
    server:set_target_peer(deaf.id)
    stuff(server, BIG)
    local dropped = server:get_dropped_packet_count(deaf.id)
    server:set_target_peer(0)
    for _ = 1, 3 do assert.equals(ws.OK, (server:put_packet(BIG))) end
    server:set_target_peer(-12345)
    assert.equals(ws.OK, (server:put_packet(BIG)))
    assert.equals(dropped + 4, server:get_dropped_packet_count(deaf.id))
    assert.equals(0, server:get_dropped_packet_count(other.id))
    assert.equals(dropped + 4, server:get_dropped_packet_count())
    for _ = 1, 4 do assert.equals(#BIG, #other:read_binary({ server })) end
  end)

  it("is also max_queued_packets", function()
    local client, connection = session.by_hand({ outbound_buffer_size = 0, max_queued_packets = 4 })
    local count, err = stuff(client, BIG)
    assert.equals(ws.ERR_OUT_OF_MEMORY, err)
    for _ = 1, count do assert.equals(#BIG, #connection:read_binary({ client })) end
    assert.equals(ws.OK, (client:put_packet("after")))
    assert.equals("after", connection:read_binary({ client }))
  end)
end)

describe("receiving more than the program takes", function()
  after_each(session.close)

  it("loses nothing when thousands of packets come between two polls", function()
    local server, port = session.server({ max_queued_packets = 16 })
    local client = raw.join(port, { server })
    local bytes = {}
    for i = 1, 3000 do bytes[i] = client:frame_bytes { payload = "packet " .. i } end
    client:send(table.concat(bytes))
    local expected = 1
    wait.until_(function()
      client:pump()
      for packet, sender in server:packets() do
        assert.equals("packet " .. expected, packet)
        assert.equals(client.id, sender)
        expected = expected + 1
      end
      return expected > 3000
    end, { server }, 10, "3000 packets")
  end)

  it("loses nothing when megabytes come between two polls", function()
    local client, connection = session.by_hand({ inbound_buffer_size = 65535 })
    for i = 1, 200 do connection:send_binary(("%06d"):format(i) .. BIG) end
    local expected = 1
    wait.until_(function()
      connection:pump()
      for packet in client:packets() do
        assert.equals(expected, tonumber(packet:sub(1, 6)))
        assert.equals(60006, #packet)
        expected = expected + 1
      end
      return expected > 200
    end, { client }, 10, "200 packets")
  end)

  for _, role in ipairs { "server", "client" } do
    it("stops a " .. role .. "'s reading, so that the other end has to wait, and loses nothing", function()
      local receiver, sender
      if role == "server" then
        local server, port = session.server()
        receiver, sender = server, raw.join(port, { server })
      else
        receiver, sender = session.by_hand()
      end
      -- More than the system's buffers of both ends hold.
      local COUNT = 500
      local bytes = sender:frame_bytes { payload = BIG }:rep(COUNT)
      sender:send(bytes)
      local rest = #sender.outbox
      wait.until_(function()
        local before = rest
        for _ = 1, 5 do
          receiver:poll()
          sender:pump()
        end
        rest = #sender.outbox
        return rest == before
      end, {}, 10, "the sender to be stopped")
      assert.is_true(rest > 0, "everything was read although nothing was taken")
      assert.is_true(receiver:get_available_packet_count() <= 4, receiver:get_available_packet_count() .. " packets")
      local count = 0
      wait.until_(function()
        sender:pump()
        for packet in receiver:packets() do
          assert.equals(#BIG, #packet)
          count = count + 1
        end
        return count == COUNT
      end, { receiver }, 60, "all packets")
    end)
  end

  it("stops at max_queued_packets as well", function()
    local server, port = session.server({ max_queued_packets = 4 })
    local client = raw.join(port, { server })
    for i = 1, 30 do client:send_binary("p" .. i) end
    for _ = 1, 10 do server:poll(0.002) end
    assert.is_true(server:get_available_packet_count() <= 30)
    local packets = session.receive(server, 30, { server })
    for i = 1, 30 do assert.equals("p" .. i, packets[i]) end
  end)

  it("from one client does not keep others waiting", function()
    local server, port = session.server()
    local loud, quiet = raw.join(port, { server }), raw.join(port, { server })
    loud:send(loud:frame_bytes { payload = BIG }:rep(200))
    for _ = 1, 20 do
      server:poll()
      loud:pump()
    end
    quiet:send_binary("may I?")
    local heard
    wait.until_(function()
      loud:pump()
      for packet, sender in server:packets() do heard = heard or (sender == quiet.id and packet) end
      return heard
    end, { server }, 5, "the quiet client's packet")
    assert.equals("may I?", heard)
  end)
end)

describe("leaving", function()
  after_each(session.close)

  it("happens before put_packet returns, outside poll", function()
    local server, port = session.server()
    local client = raw.join(port, { server })
    for i = 1, 5 do
      assert.equals(ws.OK, (server:put_packet("now " .. i)))
      assert.equals("now " .. i, client:read_binary({}))
    end
    local ours, connection = session.by_hand()
    for i = 1, 5 do
      assert.equals(ws.OK, (ours:put_packet("now " .. i)))
      assert.equals("now " .. i, connection:read_binary({}))
    end
  end)

  it("waits with autoflush off until flush()", function()
    local server, port = session.server()
    local client = raw.join(port, { server })
    server.autoflush = false
    assert.equals(ws.OK, (server:put_packet("a")))
    assert.equals(ws.OK, (server:put_packet("b")))
    assert.is_nil(client:take_frame())
    server:flush()
    assert.equals("a", client:read_binary({}))
    assert.equals("b", client:read_binary({}))
  end)

  it("waits with autoflush off until the next poll", function()
    local client, connection = session.by_hand()
    client.autoflush = false
    assert.equals(ws.OK, (client:put_packet("a")))
    assert.is_nil(connection:take_frame())
    client:poll()
    assert.equals("a", connection:read_binary({}))
  end)

  it("waits while unread packets wait, and happens as get_packet takes the last", function()
    local server, port = session.server()
    local client = raw.join(port, { server })
    client:send_binary("1"):send_binary("2")
    wait.until_(function() return server:get_available_packet_count() == 2 end, { server })
    assert.equals("1", (server:get_packet()))
    assert.equals(ws.OK, (server:put_packet("answer 1")))
    assert.is_nil(client:take_frame())
    assert.equals("2", (server:get_packet()))
    assert.equals("answer 1", client:read_binary({}))
    assert.equals(ws.OK, (server:put_packet("answer 2")))
    assert.equals("answer 2", client:read_binary({}))
  end)

  it("waits while unread packets wait, until a loop over packets() ends", function()
    local server, port = session.server()
    local client = raw.join(port, { server })
    client:send_binary("1"):send_binary("2")
    wait.until_(function() return server:get_available_packet_count() == 2 end, { server })
    for packet in server:packets() do
      if packet == "1" then assert.equals(ws.OK, (server:put_packet("answer"))) end
      assert.is_nil(client:take_frame())
    end
    assert.equals("answer", client:read_binary({}))
  end)

  it("is not held up for ever by a packet that is never taken", function()
    local server, port = session.server()
    local client = raw.join(port, { server })
    client:send_binary("untaken")
    wait.until_(function() return server:get_available_packet_count() == 1 end, { server })
    assert.equals(ws.OK, (server:put_packet("by poll")))
    server:poll()
    assert.equals("by poll", client:read_binary({}))
    assert.equals(ws.OK, (server:put_packet("by flush")))
    server:flush()
    assert.equals("by flush", client:read_binary({}))
  end)

  it("of what a handler has put happens within the poll", function()
    local server, port = session.server()
    server.peer_connected:connect(function(id)
      server:set_target_peer(id)
      assert(server:put_packet("welcome") == ws.OK)
    end)
    local client = raw.join(port, { server })
    assert.equals("welcome", client:read_binary({ server }))
  end)
end)

describe("a game loop", function()
  after_each(session.close)

  it("answers 10 clients with 16 packets in flight each in every single turn", function()
    local server, port = session.server()
    local clients, by_id = {}, {}
    for i = 1, 10 do
      clients[i] = raw.join(port, { server })
      by_id[clients[i].id] = clients[i]
    end
    for turn = 1, 60 do
      for i, client in ipairs(clients) do
        local bytes = {}
        for n = 1, 16 do
          bytes[n] = client:frame_bytes { payload = ("%d/%d/%d"):format(turn, i, n), mask = "\0\0\0\0" }
        end
        client:send(table.concat(bytes))
        assert.equals(0, #client.outbox)
      end
      server:poll()
      local count = 0
      for packet, sender in server:packets() do
        assert.is_truthy(by_id[sender])
        server:set_target_peer(sender)
        assert.equals(ws.OK, (server:put_packet(packet)))
        count = count + 1
      end
      assert.equals(160, count, "turn " .. turn)
      for i, client in ipairs(clients) do
        for n = 1, 16 do assert.equals(("%d/%d/%d"):format(turn, i, n), client:read_binary({})) end
      end
    end
  end)
end)
