local raw = require "support.raw"
local frames = require "support.frames"
local session = require "support.session"
local wait = require "support.wait"

-- The next frame must be a close frame with this code and reason (code nil: an empty one).
local function closes(connection, peers, code, reason)
  local frame, why = connection:read_frame(peers)
  assert.is_truthy(frame, "the connection ended without a close frame: " .. tostring(why))
  assert.equals(frames.CLOSE, frame.opcode)
  assert.equals(code, frame.code)
  assert.equals(reason or (code and "" or nil), frame.reason)
  return frame
end

describe("a server", function()
  local server, port, client, events

  before_each(function()
    server, port = session.server()
    client = raw.join(port, { server })
    events = session.record(server)
  end)
  after_each(session.close)

  it("disconnect_peer(id): close 1000, and the signal at the next poll, not before", function()
    server:disconnect_peer(client.id)
    assert.equals("", events.names())
    assert.equals(2, server:get_connection_status())
    closes(client, {}, 1000, "")
    server:poll()
    assert.equals("disconnected " .. client.id, events.names())
    assert.is_nil(server:get_peer(client.id))
    client:send_close(1000)
    client:read_end({ server })
    for _ = 1, 5 do server:poll(0.002) end
    assert.equals(1, #events)
  end)

  it("disconnect_peer(id) does not wait for ever for the other's answer", function()
    server:disconnect_peer(client.id)
    closes(client, { server }, 1000, "")
    client:read_end({ server }, 5)
  end)

  it("disconnect_peer(id, true): close 1000, unknown at once, no signal", function()
    server:disconnect_peer(client.id, true)
    assert.is_nil(server:get_peer(client.id))
    assert.same({}, server:get_peers())
    closes(client, { server }, 1000, "")
    client:read_end({ server }, 5)
    assert.equals("", events.names())
  end)

  it("disconnect_peer of nobody does nothing", function()
    for _, id in ipairs { 0, 1, -client.id, 2147483647 } do
      if id ~= client.id then
        server:disconnect_peer(id)
        server:disconnect_peer(id, true)
      end
    end
    server:poll()
    client:send_binary("here")
    assert.same({ "here" }, (session.receive(server, 1, { server })))
    assert.equals("", events.names())
  end)

  it("close(): close 1001 to all, the end of TCP, no signals, free at once", function()
    local other = raw.join(port, { server })
    local joined = #events
    server:close()
    assert.equals(0, server:get_connection_status())
    closes(client, {}, 1001, "")
    closes(other, {}, 1001, "")
    client:read_end({})
    other:read_end({})
    assert.is_false(raw.reachable(port, "127.0.0.1"))
    server:poll()
    assert.equals(joined, #events)
  end)

  it("close() sends what was put just before", function()
    assert.equals(0, (server:put_packet("last words")))
    server:close()
    assert.equals("last words", client:read_binary({}))
    closes(client, {}, 1001, "")
  end)

  it("close() sends packets that were gathered", function()
    server.autoflush = false
    assert.equals(0, (server:put_packet("gathered")))
    server:close()
    assert.equals("gathered", client:read_binary({}))
    closes(client, {}, 1001, "")
  end)

  it("close() ends connections whose WebSocketPeer is still held", function()
    local held = server:get_peer(client.id)
    server:close()
    closes(client, {}, 1001, "")
    client:read_end({})
    assert.equals(3, held:get_ready_state())
    held:close()
  end)

  it("get_peer(id):close(4001, \"bye now\") sends both and tells both", function()
    server:get_peer(client.id):close(4001, "bye now")
    local frame = closes(client, { server }, 4001, "bye now")
    assert.equals("\15\161bye now", frame.payload)
    client:send_close(4001, "bye now")
    session.event(events, 1, { server })
    assert.equals("disconnected " .. client.id, events.names())
    client:read_end({ server })
  end)

  it("cuts a reason that is too long at the border of a character", function()
    server:get_peer(client.id):close(4000, "x" .. ("\195\188"):rep(100))
    local frame = client:read_frame({ server })
    assert.equals(4000, frame.code)
    assert.equals("x" .. ("\195\188"):rep(61), frame.reason)
  end)

  for _, row in ipairs {
    { 1000 }, { 1001, "going" }, { 1000, "gr\195\188n" }, { 3000, "x" }, { 4999, ("r"):rep(123) }, {},
  } do
    local code, reason = row[1], row[2] or ""
    it(("answers the close frame %s %q with the same, tells it and ends TCP"):format(tostring(code), reason), function()
      client:send_close(code, reason)
      closes(client, { server }, code, code and reason)
      client:read_end({ server })
      local event = session.event(events, 1, { server })
      assert.equals(client.id, event.id)
      assert.equals(code or 0, event.code)
      assert.equals(reason, event.reason)
      assert.is_true(event.clean)
    end)
  end

  for _, code in ipairs { 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535 } do
    it("answers the close code " .. code .. ", which must not be sent, with 1002", function()
      client:send_close(code)
      assert.equals(1002, client:read_frame({ server }).code)
      client:read_end({ server })
      session.event(events, 1, { server })
    end)
  end

  it("answers a close reason that is not UTF-8 with 1007", function()
    for _, reason in ipairs { "\255", "cut \195", "\192\128", "\237\160\128" } do
      local other = raw.join(port, { server })
      other:send_close(1000, reason)
      assert.equals(1007, other:read_frame({ server }).code, reason)
      other:read_end({ server })
    end
  end)

  it("answers a close frame of one byte with a close frame", function()
    client:send_frame { opcode = frames.CLOSE, payload = "\3" }
    assert.equals(frames.CLOSE, client:read_frame({ server }).opcode)
    client:read_end({ server })
    session.event(events, 1, { server })
  end)

  it("delivers what came before a close frame in the same piece, then tells of the end", function()
    local bytes = {}
    for i = 1, 20 do bytes[i] = client:frame_bytes { payload = "p" .. i } end
    bytes[21] = client:frame_bytes { opcode = frames.CLOSE, payload = frames.close_payload(4002, "done") }
    bytes[22] = client:frame_bytes { payload = "after the close" }
    client:send(table.concat(bytes))
    session.event(events, 1, { server })
    local packets, senders = session.drain(server)
    assert.equals(20, #packets)
    for i = 1, 20 do
      assert.equals("p" .. i, packets[i])
      assert.equals(client.id, senders[i])
    end
    assert.equals(4002, events[1].code)
    assert.equals("done", events[1].reason)
  end)

  it("delivers what came before the end of TCP, without a close frame: code -1, not clean", function()
    for i = 1, 5 do client:send_binary("p" .. i) end
    client:close()
    local event = session.event(events, 1, { server })
    assert.same({ "p1", "p2", "p3", "p4", "p5" }, (session.drain(server)))
    assert.equals(-1, event.code)
    assert.equals("", event.reason)
    assert.is_false(event.clean)
  end)

  it("delivers more than its limits when the other has closed meanwhile", function()
    local big = ("b"):rep(50000)
    client:send(client:frame_bytes { payload = big }:rep(20) ..
      client:frame_bytes { opcode = frames.CLOSE, payload = frames.close_payload(1000) })
    local count = 0
    wait.until_(function()
      client:pump()
      for packet in server:packets() do
        assert.equals(50000, #packet)
        count = count + 1
      end
      return count == 20 and events[1]
    end, { server })
    assert.equals(1000, events[1].code)
  end)

  it("tells of a TCP reset, and others live on", function()
    local other = raw.join(port, { server })
    local joined = #events
    client:reset()
    local event = session.event(events, joined + 1, { server })
    assert.equals("disconnected", event.name)
    assert.equals(client.id, event.id)
    assert.equals(-1, event.code)
    assert.is_false(event.clean)
    other:send_binary("here")
    assert.same({ "here" }, (session.receive(server, 1, { server })))
  end)

  it("takes a TCP reset with data queued in both directions", function()
    server:set_target_peer(client.id)
    local big = ("b"):rep(60000)
    for _ = 1, 300 do
      if server:put_packet(big) ~= 0 then break end
    end
    client:send_binary("x")
    client:reset()
    session.event(events, 1, { server })
    assert.is_nil(server:get_peer(client.id))
  end)

  it("cuts a peer that reads nothing after its close frame was queued behind data", function()
    server:set_target_peer(client.id)
    local big = ("b"):rep(60000)
    for _ = 1, 1000 do
      if server:put_packet(big) ~= 0 then break end
    end
    server:disconnect_peer(client.id)
    server:poll()
    assert.equals("disconnected " .. client.id, events.names())
    assert.same({}, server:get_peers())
    server:close()
    client:read_end({ server }, 6)
  end)

  it("takes an end of TCP in the middle of a frame", function()
    client:send("\130\254\1\0\0\0\0\0half")
    client:close()
    local event = session.event(events, 1, { server })
    assert.is_false(event.clean)
    assert.same({}, (session.drain(server)))
  end)
end)
