local ws = require "wsmultiplayer"
local call = require "support.call"
local frames = require "support.frames"
local raw = require "support.raw"
local wait = require "support.wait"
local websocket = require "support.websocket"

local OPEN, CLOSING, CLOSED = websocket.OPEN, websocket.CLOSING, websocket.CLOSED

-- `peer` is ours, `connection` the other end by hand, `polled` what has to be
-- polled for `peer`.
local SIDES = {
  {
    name = "a WebSocketPeer that connected",
    open = function(properties)
      local peer, connection = websocket.by_hand(properties)
      return peer, connection, { peer }
    end,
  },
  {
    name = "a WebSocketPeer from a server",
    server = true,
    open = function(properties)
      local server = websocket.server(properties)
      local connection = websocket.raw_join(server)
      local peer = websocket.take(server)
      return peer, connection, { server, peer }
    end,
  },
}

for _, side in ipairs(SIDES) do
  describe(side.name, function()
    local peer, connection, polled

    local function open(properties)
      peer, connection, polled = side.open(properties)
    end

    before_each(function() open() end)
    after_each(websocket.close)

    local function closes(code, reason)
      local frame, why = connection:read_frame(polled)
      assert.is_truthy(frame, "the connection ended without a close frame: " .. tostring(why))
      assert.equals(frames.CLOSE, frame.opcode)
      assert.equals(code, frame.code)
      assert.equals(reason, frame.reason)
      assert.equals(not side.server, frame.mask ~= nil)
    end

    local function ended(code, reason)
      websocket.reach(peer, CLOSED, polled)
      assert.equals(code, peer:get_close_code())
      assert.equals(reason, peer:get_close_reason())
      assert.is_true(#peer:get_last_error() > 0, "get_last_error() has no text")
    end

    it("close() sends 1000, and is CLOSING until the answer, whose code and reason it shows", function()
      peer:close()
      assert.equals(CLOSING, peer:get_ready_state())
      closes(1000, "")
      wait.quiet(polled, 0.02)
      assert.equals(CLOSING, peer:get_ready_state())
      assert.equals(-1, peer:get_close_code())
      connection:send_close(1000)
      ended(1000, "")
      connection:read_end(polled)
    end)

    it("close(code, reason) sends both, and shows the answer's, even a different one", function()
      peer:close(4001, "bye now")
      closes(4001, "bye now")
      connection:send_close(4002, "as you like")
      ended(4002, "as you like")
    end)

    it("close(0) sends a close frame without a code; the empty answer is code 0", function()
      peer:close(0)
      closes(nil, nil)
      connection:send_close()
      ended(0, "")
    end)

    it("close(0, reason) has no place for the reason", function()
      peer:close(0, "lost")
      closes(nil, nil)
    end)

    for _, code in ipairs { -1, -1000 } do
      it(("close(%d) cuts at once, without a frame"):format(code), function()
        peer:close(code)
        assert.equals(CLOSED, peer:get_ready_state())
        connection:read_end(polled)
        assert.equals("", connection:unread())
        assert.equals(-1, peer:get_close_code())
        assert.equals("", peer:get_close_reason())
      end)
    end

    it("close(-1) while CLOSING cuts at once", function()
      peer:close(1000)
      closes(1000, "")
      peer:close(-1)
      assert.equals(CLOSED, peer:get_ready_state())
      connection:read_end(polled)
    end)

    it("close() while CLOSING is ignored", function()
      peer:close(4001, "first")
      peer:close(4002, "second")
      closes(4001, "first")
      connection:send_close(4001, "first")
      ended(4001, "first")
      connection:read_end(polled)
      assert.equals("", connection:unread())
    end)

    it("close() while CLOSED changes nothing", function()
      connection:send_close(4003, "theirs")
      ended(4003, "theirs")
      peer:close()
      peer:close(4000, "x")
      peer:close(-1)
      assert.equals(CLOSED, peer:get_ready_state())
      assert.equals(4003, peer:get_close_code())
      assert.equals("theirs", peer:get_close_reason())
    end)

    it("close() raises for codes that must not be sent, and for a reason that is no text", function()
      for _, code in ipairs { 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536, 66536, 2147483647 } do
        local ok, err = call(peer, "close", code)
        assert.is_false(ok, code)
        assert.matches("bad argument #1 to 'close'", err)
      end
      for _, wrong in ipairs { 1000.5, "x", true, 2 ^ 40 } do assert.is_false((call(peer, "close", wrong))) end
      local ok, err = call(peer, "close", 1000, "\255")
      assert.is_false(ok)
      assert.matches("bad argument #2 to 'close'", err)
      assert.equals(OPEN, peer:get_ready_state())
      for _, code in ipairs { 1003, 1007, 1014, 3000 } do assert.is_true((call(peer, "close", code))) end
      closes(1003, "")
    end)

    it("cuts a reason of more than 123 bytes at a character", function()
      peer:close(4000, ("\195\164"):rep(62))
      closes(4000, ("\195\164"):rep(61))
      open()
      peer:close(4000, ("x"):rep(123))
      closes(4000, ("x"):rep(123))
      open()
      peer:close(4000, ("x"):rep(122) .. "\240\159\153\130" .. "y")
      closes(4000, ("x"):rep(122))
    end)

    it("sends what was sent before close()", function()
      peer:send("one")
      peer:send_text("two")
      peer:close(4000, "x")
      assert.equals("one", connection:read_binary(polled))
      assert.equals("two", connection:read_frame(polled).payload)
      closes(4000, "x")
    end)

    it("does not hand out what arrives while CLOSING", function()
      connection:send_binary("before")
      wait.until_(function() return peer:get_available_packet_count() == 1 end, polled)
      peer:close()
      connection:send_binary("after")
      wait.quiet(polled, 0.02)
      assert.equals(0, peer:get_available_packet_count())
      local packet, err = peer:get_packet()
      assert.is_nil(packet)
      assert.equals(ws.FAILED, err)
      assert.equals(ws.FAILED, (peer:send("late")))
      assert.equals(ws.FAILED, (peer:send_text("late")))
      connection:send_close(1000)
      ended(1000, "")
      assert.equals(0, peer:get_available_packet_count())
    end)

    it("takes the answer behind a lot of data that nobody wants any more", function()
      peer:close(4000)
      local block = connection:frame_bytes { payload = ("x"):rep(50000) }
      for _ = 1, 20 do connection:send(block) end
      connection:send_close(4000)
      connection:flush(polled)
      ended(4000, "")
    end)

    it("takes the answer behind data that had been read but not handed out when it closed", function()
      for _, behind in ipairs { "", connection:frame_bytes { payload = "rest" }:sub(1, 5) } do
        open { max_queued_packets = 1 }
        local block = connection:frame_bytes { payload = ("x"):rep(1000) }
        connection:send(block:rep(3) .. behind)
        wait.until_(function() return peer:get_available_packet_count() == 1 end, polled)
        wait.quiet(polled, 0.01)
        peer:close(4000)
        if behind ~= "" then connection:send(connection:frame_bytes { payload = "rest" }:sub(6)) end
        connection:send_close(4001, "so be it")
        ended(4001, "so be it")
        open { max_queued_packets = 1 }
        connection:send(block:rep(3) .. connection:frame_bytes { opcode = frames.CLOSE,
          payload = frames.close_payload(4002, "mine") })
        wait.until_(function() return peer:get_available_packet_count() == 1 end, polled)
        wait.quiet(polled, 0.01)
        peer:close(4000)
        closes(4000, "")
        ended(4002, "mine")
        open()
      end
    end)

    for _, row in ipairs { { 1000, "" }, { 1001, "going" }, { 4999, ("r"):rep(123) }, { 3000, "gr\195\188n" } } do
      it(("shows the close frame %d %q, and answers with the same"):format(row[1], row[2]), function()
        connection:send_close(row[1], row[2])
        closes(row[1], row[2])
        ended(row[1], row[2])
        connection:read_end(polled)
      end)
    end

    it("shows a close frame without a code as 0, and answers with an empty one", function()
      connection:send_close()
      closes(nil, nil)
      ended(0, "")
    end)

    it("shows the end and a reset of TCP as -1", function()
      connection:close()
      ended(-1, "")
      open()
      connection:reset()
      ended(-1, "")
    end)

    it("delivers messages in front of a close frame, OPEN while the program takes them", function()
      local bytes = {}
      for i = 1, 20 do bytes[i] = connection:frame_bytes { opcode = frames.TEXT, payload = "m" .. i } end
      bytes[21] = connection:frame_bytes { opcode = frames.CLOSE, payload = frames.close_payload(4003, "end") }
      connection:send(table.concat(bytes))
      closes(4003, "end")
      local taken = {}
      wait.until_(function()
        if peer:get_ready_state() == CLOSED then return true end
        local message = peer:get_packet()
        if message then
          taken[#taken + 1] = message
          assert.is_true(peer:was_string_packet())
          if #taken < 20 then
            assert.equals(OPEN, peer:get_ready_state())
            assert.equals(ws.FAILED, (peer:send("late")))
          end
        end
      end, polled)
      assert.equals(20, #taken)
      for i = 1, 20 do assert.equals("m" .. i, taken[i]) end
      ended(4003, "end")
      assert.equals(0, peer:get_available_packet_count())
    end)

    it("delivers messages in front of the end of TCP", function()
      for i = 1, 5 do connection:send_binary("m" .. i) end
      connection:close()
      assert.same({ "m1", "m2", "m3", "m4", "m5" }, (websocket.receive(peer, 5, polled)))
      ended(-1, "")
    end)

    it("is CLOSED at last when the program does not take what is there", function()
      connection:send_binary("never taken")
      connection:send_close(4000, "x")
      ended(4000, "x")
      assert.equals(0, peer:get_available_packet_count())
      local packet, err = peer:get_packet()
      assert.is_nil(packet)
      assert.equals(ws.FAILED, err)
    end)

    it("answers when CLOSED as Godot's does", function()
      connection:send_close(4000, "x")
      ended(4000, "x")
      assert.equals("", peer:get_connected_host())
      assert.equals(0, peer:get_connected_port())
      assert.equals(0, peer:get_current_outbound_buffered_amount())
      assert.equals(ws.FAILED, (peer:send("x")))
      assert.equals(ws.FAILED, (peer:put_packet("x")))
      assert.equals(ws.OK, (peer:put_packet("")))
      assert.matches("%(closed%)$", tostring(peer))
    end)

    it("can connect as a client afterwards", function()
      connection:send_close(4000, "x")
      ended(4000, "x")
      local listener = raw.listen()
      assert.equals(ws.OK, (peer:connect_to_url("ws://127.0.0.1:" .. listener.port)))
      local again = listener:welcome({ peer }, false)
      websocket.reach(peer, OPEN)
      assert.equals(-1, peer:get_close_code())
      assert.equals(ws.OK, (peer:send("client now")))
      assert.equals("client now", again:read_binary({ peer }))
    end)

    it("raises 1007 for text that is not UTF-8", function()
      connection:send_frame { opcode = frames.TEXT, payload = "a\255" }
      closes(1007, "")
      ended(1007, "Invalid frame payload data")
    end)

    it("raises 1007 for fragments that are not UTF-8 together", function()
      connection:send_frame { opcode = frames.TEXT, payload = "a\195", fin = false }
      connection:send_frame { opcode = frames.CONTINUATION, payload = "a" }
      closes(1007, "")
      ended(1007, "Invalid frame payload data")
    end)

    it("raises 1009 for a message above inbound_buffer_size, also in fragments", function()
      open { inbound_buffer_size = 1000 }
      connection:send_binary(("x"):rep(1001))
      closes(1009, "")
      ended(1009, "Message too big")
      assert.matches("inbound_buffer_size", peer:get_last_error())
      open { inbound_buffer_size = 1000 }
      connection:send_frame { payload = ("x"):rep(600), fin = false }
      connection:send_frame { opcode = frames.CONTINUATION, payload = ("x"):rep(401) }
      closes(1009, "")
      ended(1009, "Message too big")
    end)

    local function protocol_error(what, fields)
      it("ends for " .. what, function()
        connection:send_frame(fields)
        closes(1002, "")
        ended(1002, "Protocol error")
        connection:read_end(polled)
      end)
    end
    protocol_error("a frame that is " .. (side.server and "not " or "") .. "masked",
      { payload = "x", mask = not side.server and "mask" })
    protocol_error("a reserved bit", { payload = "x", rsv = 4 })
    protocol_error("an unknown opcode", { opcode = 3, payload = "x" })
    protocol_error("a continuation without a start", { opcode = frames.CONTINUATION, payload = "x" })

    it("ends for a close frame with a code that must not be sent", function()
      connection:send_close(999)
      websocket.reach(peer, CLOSED, polled)
      connection:read_end(polled)
      assert.equals(1002, peer:get_close_code())
    end)

    it("closes from both sides at once", function()
      connection:send_close(4001, "theirs")
      peer:close(4002, "ours")
      closes(4002, "ours")
      ended(4001, "theirs")
      connection:read_end(polled)
      assert.equals("", connection:unread())
    end)
  end)
end

describe("the closing handshake", function()
  after_each(websocket.close)

  it("may take three seconds, even if data keeps coming instead of the answer", function()
    local peers, connections, polled, floods = {}, {}, {}, {}
    for i = 1, 4 do
      local more
      peers[i], connections[i], more = SIDES[i % 2 + 1].open()
      for _, object in ipairs(more) do polled[#polled + 1] = object end
      if i > 2 then floods[connections[i]] = connections[i]:frame_bytes { payload = ("x"):rep(50000) } end
      peers[i]:close(4000, "x")
    end
    local started = wait.now()
    wait.until_(function()
      for connection, block in pairs(floods) do
        if #connection.outbox < 100000 and not connection.write_error then connection:send(block) end
        connection:pump()
      end
      for _, peer in ipairs(peers) do
        if peer:get_ready_state() ~= CLOSED then return false end
      end
      return true
    end, polled, 8, "all to give up")
    local took = wait.now() - started
    assert.is_true(took > 2.5 and took < 4.5, "took " .. took)
    for i, peer in ipairs(peers) do
      assert.equals(-1, peer:get_close_code())
      connections[i]:read_end(polled)
    end
  end)
end)

describe("close() while CONNECTING", function()
  after_each(websocket.close)

  it("is CLOSED at once, and ends TCP", function()
    local listener = raw.listen()
    local client = websocket.connect(listener.port)
    local connection = listener:accept_request({ client })
    client:close(4000, "x")
    assert.equals(CLOSED, client:get_ready_state())
    assert.equals(-1, client:get_close_code())
    connection:read_end({ client })
    assert.equals("", connection:unread())
  end)

  it("works while a name is looked up, and right after connect_to_url", function()
    local client = websocket.peer()
    for _ = 1, 5 do
      assert.equals(ws.OK, (client:connect_to_url("ws://localhost:9")))
      client:close()
      assert.equals(CLOSED, client:get_ready_state())
      assert.equals(ws.OK, (client:connect_to_url("ws://localhost:9")))
      client:poll()
      client:close(-1)
      assert.equals(CLOSED, client:get_ready_state())
    end
  end)
end)

describe("two WebSocketPeers of ours", function()
  after_each(websocket.close)

  it("close in both directions with code and reason", function()
    local server = websocket.server()
    for _, first in ipairs { "client", "peer" } do
      local client, peer = websocket.join(server)
      local closer = first == "client" and client or peer
      closer:close(4010, "done by " .. first)
      for _, each in ipairs { client, peer } do
        websocket.reach(each, CLOSED, { server, client, peer })
        assert.equals(4010, each:get_close_code())
        assert.equals("done by " .. first, each:get_close_reason())
      end
    end
  end)

  it("close at the same time", function()
    local server, client, peer = websocket.pair()
    client:close(4001, "c")
    peer:close(4002, "p")
    websocket.reach(client, CLOSED, { server, client, peer })
    websocket.reach(peer, CLOSED, { server, client, peer })
    assert.equals(4002, client:get_close_code())
    assert.equals(4001, peer:get_close_code())
  end)

  it("lose nothing of 500 messages in front of close()", function()
    local unlimited = { outbound_buffer_size = 0 }
    local server = websocket.server(unlimited)
    for _, first in ipairs { "client", "peer" } do
      local client, peer = websocket.join(server, unlimited)
      local closer, other = client, peer
      if first == "peer" then closer, other = peer, client end
      for i = 1, 500 do assert.equals(ws.OK, (closer:send(i .. (" "):rep(500)))) end
      closer:close(1000)
      local messages = websocket.receive(other, 500, { server, client, peer })
      for i = 1, 500 do assert.equals(i, tonumber(messages[i])) end
      websocket.reach(other, CLOSED, { server, client, peer })
      assert.equals(1000, other:get_close_code())
    end
  end)
end)
