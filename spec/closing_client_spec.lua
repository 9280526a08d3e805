local ws = require "wsmultiplayer"
local frames = require "support.frames"
local session = require "support.session"
local wait = require "support.wait"

describe("a client", function()
  local client, connection, events

  before_each(function()
    client, connection = session.by_hand()
    events = session.record(client)
  end)
  after_each(session.close)

  local function closes(code, reason)
    local frame, why = connection:read_frame({ client })
    assert.is_truthy(frame, "the connection ended without a close frame: " .. tostring(why))
    assert.equals(frames.CLOSE, frame.opcode)
    assert.equals(code, frame.code)
    assert.equals(reason, frame.reason)
    assert.is_truthy(frame.mask)
  end

  it("disconnect_peer(1): close 1000, connected until the answer, then the signal", function()
    client:disconnect_peer(1)
    assert.equals("", events.names())
    closes(1000, "")
    for _ = 1, 5 do client:poll(0.002) end
    assert.equals(2, client:get_connection_status())
    assert.equals("", events.names())
    assert.equals(ws.FAILED, (client:put_packet("too late")))
    connection:send_close(1000)
    session.event(events, 1, { client })
    assert.equals("disconnected 1", events.names())
    assert.equals(1000, events[1].code)
    assert.is_true(events[1].clean)
    assert.equals(0, client:get_connection_status())
    connection:read_end({ client })
  end)

  it("disconnect_peer(1) ends after some seconds when the server never answers, or goes on sending instead", function()
    local flooded, flood = session.by_hand()
    local told = session.record(flooded)
    client:disconnect_peer(1)
    flooded:disconnect_peer(1)
    local started = wait.now()
    local block = flood:frame_bytes { payload = ("x"):rep(50000) }
    wait.until_(function()
      if #flood.outbox < 100000 and not flood.write_error then flood:send(block) end
      flood:pump()
      return events[1] and told[1]
    end, { client, flooded }, 8, "both clients to give up")
    local took = wait.now() - started
    assert.is_true(took > 1 and took < 6, "took " .. took)
    assert.equals("disconnected 1", events.names())
    assert.equals("disconnected 1", told.names())
    assert.equals(0, client:get_connection_status())
    assert.equals(0, flooded:get_connection_status())
  end)

  it("disconnect_peer(1, true): close 1000, disconnected at once, no signal", function()
    client:disconnect_peer(1, true)
    assert.equals(0, client:get_connection_status())
    assert.equals(0, client:get_unique_id())
    closes(1000, "")
    connection:read_end({ client })
    assert.equals("", events.names())
  end)

  it("disconnect_peer of another id does nothing", function()
    client:disconnect_peer(2)
    client:disconnect_peer(0, true)
    client:poll()
    assert.equals(ws.OK, (client:put_packet("here")))
    assert.equals("here", connection:read_binary({ client }))
  end)

  it("close(): close 1000, the end of TCP, no signal", function()
    client:close()
    assert.equals(0, client:get_connection_status())
    closes(1000, "")
    connection:read_end({})
    client:poll()
    assert.equals("", events.names())
  end)

  it("close() sends what was put just before, also what was gathered", function()
    assert.equals(ws.OK, (client:put_packet("one")))
    client.autoflush = false
    assert.equals(ws.OK, (client:put_packet("two")))
    client:close()
    assert.equals("one", connection:read_binary({}))
    assert.equals("two", connection:read_binary({}))
    closes(1000, "")
  end)

  it("get_peer(1):close(4001, \"bye now\") sends both", function()
    client:get_peer(1):close(4001, "bye now")
    closes(4001, "bye now")
    assert.equals(2, client:get_peer(1):get_ready_state())
    connection:send_close(4001, "bye now")
    local event = session.event(events, 1, { client })
    assert.equals(4001, event.code)
    assert.equals("bye now", event.reason)
  end)

  for _, row in ipairs { { 1000 }, { 1001, "going" }, { 4999, ("r"):rep(123) }, {} } do
    local code, reason = row[1], row[2] or ""
    it(("answers the close frame %s %q with the same and tells it"):format(tostring(code), reason), function()
      connection:send_close(code, reason)
      closes(code, code and reason or nil)
      connection:close()
      local event = session.event(events, 1, { client })
      assert.equals(1, event.id)
      assert.equals(code or 0, event.code)
      assert.equals(reason, event.reason)
      assert.is_true(event.clean)
      assert.equals(0, client:get_connection_status())
    end)
  end

  it("delivers what came before a close frame, while the program keeps taking packets", function()
    local bytes = {}
    for i = 1, 20 do bytes[i] = frames.build { payload = "p" .. i } end
    connection:send(table.concat(bytes) ..
      frames.build { opcode = frames.CLOSE, payload = frames.close_payload(4003, "end") })
    local packets = {}
    wait.until_(function()
      local packet = client:get_packet()
      packets[#packets + 1] = packet
      return events[1]
    end, { client })
    assert.equals(20, #packets)
    for i = 1, 20 do assert.equals("p" .. i, packets[i]) end
    assert.equals(4003, events[1].code)
    assert.equals("end", events[1].reason)
    assert.equals(0, client:get_connection_status())
  end)

  it("delivers what came before the end of TCP: code -1, not clean", function()
    for i = 1, 5 do connection:send_binary("p" .. i) end
    connection:close()
    local packets = {}
    wait.until_(function()
      packets[#packets + 1] = client:get_packet()
      return events[1]
    end, { client })
    assert.same({ "p1", "p2", "p3", "p4", "p5" }, packets)
    assert.equals(-1, events[1].code)
    assert.equals("", events[1].reason)
    assert.is_false(events[1].clean)
  end)

  it("does not stay connected for ever when the program takes no packets", function()
    connection:send_binary("never taken")
    connection:close()
    session.event(events, 1, { client })
    assert.equals(0, client:get_connection_status())
    assert.equals(0, client:get_available_packet_count())
  end)

  it("tells of a TCP reset", function()
    connection:reset()
    local event = session.event(events, 1, { client })
    assert.equals(-1, event.code)
    assert.is_false(event.clean)
    assert.equals(0, client:get_connection_status())
    assert.is_true(#client:get_last_error() > 0)
  end)

  it("takes a TCP reset with data queued", function()
    local big = ("b"):rep(60000)
    for _ = 1, 300 do
      if client:put_packet(big) ~= 0 then break end
    end
    connection:reset()
    session.event(events, 1, { client })
    assert.equals(0, client:get_connection_status())
  end)

  it("can connect again after any end", function()
    for round = 1, 3 do
      local other, again, listener = session.by_hand(nil, 100 + round)
      if round == 1 then again:close() elseif round == 2 then again:reset() else again:send_close(1000) end
      wait.until_(function() return session.is_disconnected(other) end, { other })
      assert.equals(ws.OK, (other:create_client("ws://127.0.0.1:" .. listener.port)))
      listener:welcome({ other }, 200 + round)
      wait.until_(function() return session.is_connected(other) end, { other })
      assert.equals(200 + round, other:get_unique_id())
    end
  end)
end)

describe("our server and our client", function()
  after_each(session.close)

  local ENDS = {
    ["server:disconnect_peer(id)"] = { function(s, _, id) s:disconnect_peer(id) end, true, true },
    ["server:disconnect_peer(id, true)"] = { function(s, _, id) s:disconnect_peer(id, true) end, false, true },
    ["client:disconnect_peer(1)"] = { function(_, c) c:disconnect_peer(1) end, true, true },
    ["client:disconnect_peer(1, true)"] = { function(_, c) c:disconnect_peer(1, true) end, true, false },
    ["server:close()"] = { function(s) s:close() end, false, true },
    ["client:close()"] = { function(_, c) c:close() end, true, false },
    ["get_peer(id):close()"] = { function(s, _, id) s:get_peer(id):close() end, true, true },
    ["get_peer(1):close()"] = { function(_, c) c:get_peer(1):close() end, true, true },
  }

  for name, row in pairs(ENDS) do
    it("tell the right ones of " .. name, function()
      local server, client, id = session.pair()
      local told, ours = session.record(server), session.record(client)
      row[1](server, client, id)
      wait.until_(function()
        return session.is_disconnected(client) and #server:get_peers() == 0
      end, { server, client })
      for _ = 1, 5 do
        server:poll(0.001)
        client:poll(0.001)
      end
      assert.equals(row[2] and "disconnected " .. id or "", told.names())
      assert.equals(row[3] and "disconnected 1" or "", ours.names())
      if told[1] then assert.is_boolean(told[1].clean) end
    end)
  end

  it("finish the closing handshake though the client holds much unsent: what was begun goes first", function()
    local server = session.server()
    local client, id = session.join(server, { outbound_buffer_size = 0, max_queued_packets = 100000 })
    local told, ours, peer = session.record(server), session.record(client), server:get_peer(id)
    wait.until_(function()
      client:put_packet(("x"):rep(60000))
      client:poll()
      return client:get_peer(1):get_current_outbound_buffered_amount() > 8000000
    end, {})
    server:put_packet("last")
    peer:close(4001, "enough")
    assert.equals("last", session.receive(client, 1, { server, client })[1])
    session.event(ours, 1, { server, client })
    session.event(told, 1, { server, client })
    assert.same({ 4001, "enough", true }, { ours[1].code, ours[1].reason, ours[1].clean })
    wait.until_(function() return peer:get_ready_state() == ws.WebSocketPeer.STATE_CLOSED end, { server, client })
    assert.equals(4001, peer:get_close_code())
  end)

  it("tell each other code and reason of get_peer(id):close(4001, \"bye now\")", function()
    local server, client, id = session.pair()
    local ours = session.record(client)
    server:get_peer(id):close(4001, "bye now")
    session.event(ours, 1, { server, client })
    assert.equals(4001, ours[1].code)
    assert.equals("bye now", ours[1].reason)
    assert.is_true(ours[1].clean)
  end)

  it("lose no packet that was put right before disconnect_peer or close", function()
    for name, row in pairs(ENDS) do
      local server, client, id = session.pair()
      local down, up = {}, {}
      server:put_packet("down")
      client:put_packet("up")
      row[1](server, client, id)
      wait.until_(function()
        for packet in client:packets() do down[#down + 1] = packet end
        for packet in server:packets() do up[#up + 1] = packet end
        return session.is_disconnected(client) and #server:get_peers() == 0
      end, { server, client })
      for packet in server:packets() do up[#up + 1] = packet end
      -- The side that asks for the end gives up what it has not taken yet; the other side gets everything.
      if name:find("^client") or name == "get_peer(1):close()" then
        assert.same({ "up" }, up, name)
      else
        assert.same({ "down" }, down, name)
      end
    end
  end)
end)
