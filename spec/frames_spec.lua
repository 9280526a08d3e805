local raw = require "support.raw"
local frames = require "support.frames"
local session = require "support.session"
local wait = require "support.wait"

local TEXT, BINARY, CONTINUATION = frames.TEXT, frames.BINARY, frames.CONTINUATION
local CLOSE, PING, PONG = frames.CLOSE, frames.PING, frames.PONG

-- Both roles get the same treatment: `make` gives our peer and the connection by hand at its other end. A client
-- lets libwebsockets read its frames, which answers one of several pings.
local ROLES = {
  server = function(properties)
    local server, port = session.server(properties)
    return server, raw.join(port, { server })
  end,
  client = function(properties)
    local client, connection = session.by_hand(properties)
    return client, connection
  end,
}

for role, make in pairs(ROLES) do
  describe("frames to a " .. role, function()
    local peer, other, events

    local function start(properties)
      peer, other = make(properties)
      events = session.record(peer)
    end

    before_each(function() start() end)
    after_each(session.close)

    -- The connection must end with this close code, and the program must be told.
    local function ends_with(code)
      local frame, why = other:read_frame({ peer })
      assert.is_truthy(frame, "TCP ended without a close frame: " .. tostring(why))
      assert.equals(CLOSE, frame.opcode)
      assert.equals(code, frame.code)
      assert.equals(role == "client", frame.mask ~= nil)
      other:read_end({ peer }, 6)
      local event = session.event(events, 1, { peer })
      assert.equals("disconnected", event.name)
      assert.equals(code, event.code)
    end

    local function receives(...)
      assert.same({ ... }, (session.receive(peer, select("#", ...), { peer })))
    end

    it("ping is answered with the same bytes, and is no packet", function()
      for _, size in ipairs { 0, 1, 4, 125 } do
        local payload = ("\0\255ping"):rep(30):sub(1, size)
        other:send_frame { opcode = PING, payload = payload }
        local pong = assert(other:read_frame({ peer }))
        assert.equals(PONG, pong.opcode)
        assert.equals(payload, pong.payload)
        assert.equals(role == "client", pong.mask ~= nil)
      end
      assert.equals(0, peer:get_available_packet_count())
    end)

    it("ten pings at once get answers in order, from a server all of them", function()
      local bytes = {}
      for i = 1, 10 do bytes[i] = other:frame_bytes { opcode = PING, payload = "ping " .. i } end
      other:send(table.concat(bytes) .. other:frame_bytes { payload = "behind" })
      receives("behind")
      assert.equals(0, (peer:put_packet("end")))
      local last, count = 0, 0
      while true do
        local frame = assert(other:read_frame({ peer }))
        if frame.opcode ~= PONG then break end
        local number = tonumber(frame.payload:match("%d+"))
        assert.is_true(number > last)
        last, count = number, count + 1
      end
      assert.is_true(count >= (role == "server" and 10 or 1), count .. " pongs")
    end)

    it("pong that nobody asked for is ignored", function()
      other:send_frame { opcode = PONG, payload = "?" }
      other:send_frame { opcode = PONG }
      other:send_binary("x")
      receives("x")
    end)

    it("fragments are joined", function()
      other:send_frame { opcode = BINARY, fin = false, payload = "ab" }
      other:send_frame { opcode = CONTINUATION, fin = false, payload = "" }
      other:send_frame { opcode = CONTINUATION, fin = false, payload = "cd" }
      other:send_frame { opcode = CONTINUATION, payload = "ef" }
      other:send_frame { opcode = TEXT, fin = false, payload = "gh" }
      other:send_frame { opcode = CONTINUATION, payload = "" }
      receives("abcdef", "gh")
    end)

    it("a ping between fragments is answered and does not get into the message", function()
      other:send_frame { opcode = BINARY, fin = false, payload = "ab" }
      other:send_frame { opcode = PING, payload = "PING" }
      other:send_frame { opcode = PONG, payload = "PONG" }
      other:send_frame { opcode = CONTINUATION, payload = "cd" }
      receives("abcd")
      assert.equals("PING", other:read_frame({ peer }).payload)
    end)

    it("a close between fragments ends the connection, without the half message", function()
      other:send_frame { opcode = BINARY, fin = false, payload = "ab" }
      other:send_close(1000, "enough")
      assert.equals(1000, other:read_frame({ peer }).code)
      assert.equals(1000, session.event(events, 1, { peer }).code)
      assert.equals(0, peer:get_available_packet_count())
    end)

    it("everything may come byte by byte", function()
      local bytes = other:frame_bytes { payload = "short" } ..
        other:frame_bytes { opcode = TEXT, fin = false, payload = "gr\195" } ..
        other:frame_bytes { opcode = PING, payload = "p" } ..
        other:frame_bytes { opcode = CONTINUATION, payload = "\188n" } ..
        other:frame_bytes { payload = ("m"):rep(130) }
      other:trickle(bytes, { peer })
      receives("short", "gr\195\188n", ("m"):rep(130))
      assert.equals(PONG, other:read_frame({ peer }).opcode)
    end)

    it("everything may come in pieces of any size", function()
      local parts, expected = {}, {}
      for i = 1, 40 do
        expected[i] = ("%d "):format(i):rep(i)
        parts[i] = other:frame_bytes { payload = expected[i] }
      end
      local bytes = table.concat(parts)
      for _, size in ipairs { 2, 3, 7, 64, 1000 } do
        other:trickle(bytes, { peer }, size)
        local packets = session.receive(peer, 40, { peer })
        assert.same(expected, packets)
      end
    end)

    it("a message of exactly inbound_buffer_size is fine, in one frame and in two", function()
      other:send_binary(("x"):rep(65535))
      assert.equals(65535, #session.receive(peer, 1, { peer })[1])
      other:send_frame { opcode = BINARY, fin = false, payload = ("x"):rep(40000) }
      other:send_frame { opcode = CONTINUATION, payload = ("y"):rep(25535) }
      assert.equals(65535, #session.receive(peer, 1, { peer })[1])
    end)

    it("a message one byte larger: 1009", function()
      other:send_binary(("x"):rep(65536))
      ends_with(1009)
    end)

    it("fragments that are too large together: 1009", function()
      other:send_frame { opcode = BINARY, fin = false, payload = ("x"):rep(40000) }
      other:send_frame { opcode = CONTINUATION, payload = ("y"):rep(25536) }
      ends_with(1009)
    end)

    it("a frame announced with a huge length: 1009 before it has come", function()
      local size = role == "server" and 100 or 200000
      other:send(other:frame_bytes { length_bytes = "\0\1\0\0\0\0\0\0", form = 64, payload = ("x"):rep(size) })
      ends_with(1009)
    end)

    it("inbound_buffer_size of the peer counts", function()
      session.close()
      start({ inbound_buffer_size = 100 })
      other:send_binary(("x"):rep(100))
      receives(("x"):rep(100))
      other:send_binary(("x"):rep(101))
      ends_with(1009)
    end)

    it("packets in front of a frame that is too large are delivered", function()
      other:send(other:frame_bytes { payload = "first" } .. other:frame_bytes { payload = ("x"):rep(65536) })
      local packets = {}
      wait.until_(function()
        for packet in peer:packets() do packets[#packets + 1] = packet end
        return events[1]
      end, { peer })
      for packet in peer:packets() do packets[#packets + 1] = packet end
      assert.same({ "first" }, packets)
    end)

    if role == "server" then
      it("unmasked: 1002", function()
        other:send(frames.build { payload = "x" })
        ends_with(1002)
      end)
    else
      -- Old versions of libwebsockets take it, and nothing tells us that it was masked.
      it("masked: the end, or the right packet", function()
        other:send(frames.build { payload = "x", mask = frames.MASK })
        wait.until_(function() return events[1] or peer:get_available_packet_count() > 0 end, { peer })
        if not events[1] then receives("x") end
      end)
    end

    for _, rsv in ipairs { 1, 2, 4, 7 } do
      it("reserved bits " .. rsv .. ": 1002", function()
        other:send_frame { payload = "x", rsv = rsv }
        ends_with(1002)
      end)
    end

    for _, opcode in ipairs { 3, 7, 11, 15 } do
      it("reserved opcode " .. opcode .. ": 1002", function()
        other:send_frame { opcode = opcode, payload = "x" }
        ends_with(1002)
      end)
    end

    it("a continuation without a start: 1002", function()
      other:send_frame { opcode = CONTINUATION, payload = "x" }
      ends_with(1002)
    end)

    it("a start inside a message: 1002", function()
      other:send_frame { opcode = BINARY, fin = false, payload = "x" }
      other:send_frame { opcode = TEXT, payload = "y" }
      ends_with(1002)
    end)

    it("a fragmented ping, a control frame of 126 bytes: the end", function()
      other:send_frame { opcode = PING, fin = false, payload = "x" }
      ends_with(1002)
      session.close()
      start()
      other:send_frame { opcode = PING, payload = ("x"):rep(126) }
      ends_with(1002)
      session.close()
      start()
      other:send_frame { opcode = CLOSE, payload = "\3\232" .. ("x"):rep(124) }
      ends_with(1002)
    end)

    it("a length with its top bit set: the end", function()
      other:send_frame { payload = "12345", form = 64, length_bytes = "\128\0\0\0\0\0\0\5" }
      ends_with(1002)
    end)

    for _, form in ipairs { 16, 64 } do
      it("a length in " .. form .. " bits that needs 7: the end, or on a client the right packet", function()
        other:send_frame { payload = "12345", form = form }
        if role == "server" then return ends_with(1002) end
        wait.until_(function() return events[1] or peer:get_available_packet_count() > 0 end, { peer })
        if not events[1] then receives("12345") end
      end)
    end

    it("text in UTF-8 is a packet, also when a character is split across fragments", function()
      other:send_frame { opcode = TEXT, payload = "\240\157\132\158 \226\130\172" }
      other:send_frame { opcode = TEXT, fin = false, payload = "\240\157" }
      other:send_frame { opcode = CONTINUATION, fin = false, payload = "\132" }
      other:send_frame { opcode = CONTINUATION, payload = "\158" }
      receives("\240\157\132\158 \226\130\172", "\240\157\132\158")
    end)

    for name, bytes in pairs {
      ["a stray byte"] = "a\255", ["an overlong form"] = "\192\175", ["a surrogate"] = "\237\160\128",
      ["more than U+10FFFF"] = "\244\144\128\128", ["a character cut short"] = "abc\226\130",
    } do
      it("text with " .. name .. ": 1007", function()
        other:send_frame { opcode = TEXT, payload = bytes }
        ends_with(1007)
      end)
    end

    it("text whose bad character is split across fragments: 1007", function()
      other:send_frame { opcode = TEXT, fin = false, payload = "a\226" }
      other:send_frame { opcode = CONTINUATION, payload = "(" }
      ends_with(1007)
    end)

    it("text that stops inside a character and ends with an empty fragment: 1007", function()
      other:send_frame { opcode = TEXT, fin = false, payload = "a\226" }
      other:send_frame { opcode = CONTINUATION, payload = "" }
      ends_with(1007)
    end)

    it("binary need not be UTF-8, nor need pings", function()
      other:send_binary("\255\254")
      other:send_frame { opcode = PING, payload = "\255" }
      receives("\255\254")
      assert.equals("\255", other:read_frame({ peer }).payload)
    end)

    it("nothing is sent after the close frame", function()
      other:send_frame { opcode = TEXT, payload = "\255" }
      assert.equals(1007, other:read_frame({ peer }).code)
      peer:put_packet("too late")
      other:read_end({ peer }, 6)
      assert.equals("", other:unread())
    end)

    it("garbage ends the connection and harms nobody", function()
      other:send(("\255"):rep(300))
      session.event(events, 1, { peer })
    end)
  end)
end

describe("one client's bad frame", function()
  after_each(session.close)

  it("does not harm the others", function()
    local server, port = session.server()
    local good, bad = raw.join(port, { server }), raw.join(port, { server })
    local events = session.record(server)
    good:send_binary("before")
    bad:send_frame { opcode = 5, payload = "x" }
    assert.equals(bad.id, session.event(events, 1, { server }).id)
    good:send_binary("after")
    assert.same({ "before", "after" }, (session.receive(server, 2, { server })))
    assert.same({ good.id }, server:get_peers())
  end)
end)
