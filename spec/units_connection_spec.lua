-- A server's connection without a socket: the same stream must lead to the same result however it is cut up.
local units = require "wsmultiplayer_units"
local frames = require "support.frames"

local OPEN, CLOSED = 1, 3

local REQUEST = table.concat({
  "GET /chat?x HTTP/1.1", "Host: example.org", "Upgrade: websocket", "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", "",
}, "\r\n")
local ACCEPT = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" ..
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

local function frame(fields)
  fields.mask = frames.MASK
  return frames.build(fields)
end

local function drain(connection, packets)
  local packet = connection:take()
  while packet do
    packets[#packets + 1] = packet
    packet = connection:take()
  end
end

-- Feeds the stream in pieces of `size` bytes; takes packets after each piece if `eager`, else at the end.
local function play(stream, size, eager, inbound, count)
  local connection, packets, sent = units.connection(inbound, count), {}, ""
  for at = 1, #stream, size do
    connection:receive(stream:sub(at, at + size - 1))
    connection:welcome()
    sent = sent .. connection:sent()
    if eager then drain(connection, packets) end
  end
  drain(connection, packets)
  sent = sent .. connection:sent()
  local state, code, reason = connection:status()
  return { packets = packets, sent = sent, state = state, code = code, reason = reason }
end

local function in_all_ways(stream, check, inbound, count)
  for _, size in ipairs { 1, 2, 3, 5, 7, 13, 14, 15, 64, 1000, #stream } do
    check(play(stream, size, true, inbound, count))
    check(play(stream, size, false, inbound, count))
  end
end

describe("a stream of frames", function()
  it("has every ping answered where the answers leave, and the latest where they can't", function()
    local count, pings = 5000, {}
    for i = 1, count do pings[i] = frame { opcode = frames.PING, payload = ("%5d"):format(i):rep(25) } end
    for _, busy in ipairs { false, true } do
      local connection = units.connection()
      connection:receive(REQUEST)
      connection:welcome()
      assert.equals(ACCEPT, connection:sent())
      connection:set_busy(busy)
      for i = 1, count, 100 do connection:receive(table.concat(pings, "", i, i + 99)) end
      connection:set_busy(false)
      local sent = connection:sent()
      if busy then assert.is_true(#sent < 20000, #sent) else assert.equals(count * 127, #sent) end
      assert.equals("\138\125" .. ("%5d"):format(count):rep(25), sent:sub(-127))
      assert.equals(0, #sent % 127)
    end
  end)

  it("is the same in every chunking", function()
    local long = ("0123456789"):rep(30)
    local stream = REQUEST .. frame { payload = "one" } .. frame { opcode = frames.PING, payload = "p1" } ..
      frame { payload = "" } .. frame { opcode = frames.TEXT, payload = "h\195\169" } ..
      frame { payload = "frag", fin = false } .. frame { opcode = frames.PING, payload = "p2" } ..
      frame { opcode = 0, payload = "ment", fin = false } .. frame { opcode = 0, payload = "ed" } ..
      frame { opcode = frames.PONG, payload = "x" } .. frame { payload = long }
    in_all_ways(stream, function(result)
      assert.same({ "one", "", "h\195\169", "fragmented", long }, result.packets)
      assert.equals(OPEN, result.state)
      assert.equals(ACCEPT .. "\138\2p1\138\2p2", result.sent)
    end)
  end)

  it("loses nothing at any bound", function()
    local pieces, expected = { REQUEST }, {}
    for i = 1, 60 do
      expected[i] = ("%03d"):format(i):rep(i % 7 * 5 + 1)
      pieces[#pieces + 1] = frame { payload = expected[i] }
      if i % 4 == 0 then pieces[#pieces + 1] = frame { opcode = 0, fin = true, payload = "" }:sub(1, 0) end
    end
    local stream = table.concat(pieces)
    for _, bounds in ipairs { { 100, 2048 }, { 65535, 3 }, { 65535, 1 }, { 97, 2 } } do
      in_all_ways(stream, function(result)
        assert.same(expected, result.packets)
        assert.equals(OPEN, result.state)
      end, bounds[1], bounds[2])
    end
  end)

  it("stops at the bound exactly", function()
    local connection = units.connection(100, 4)
    connection:receive(REQUEST .. frame { payload = "x" }:rep(30))
    connection:welcome()
    local _, _, _, unread, held = connection:status()
    assert.equals(4, unread)
    assert.equals(26 * 7 - 6, held) -- the head of the fifth has been read
    connection = units.connection(100, 1000)
    connection:receive(REQUEST .. frame { payload = ("x"):rep(40) }:rep(30))
    connection:welcome()
    _, _, _, unread = connection:status()
    assert.equals(2, unread)
  end)

  it("delivers nothing before the connection is announced", function()
    local connection = units.connection()
    connection:receive(REQUEST .. frame { payload = "early" })
    assert.is_nil(connection:take())
    connection:receive(frame { payload = "second" })
    assert.is_nil(connection:take())
    connection:welcome()
    assert.equals("early", (connection:take()))
    assert.equals("second", (connection:take()))
  end)

  it("tells text from binary", function()
    local connection = units.connection()
    connection:receive(REQUEST .. frame { opcode = frames.TEXT, payload = "t" } .. frame { payload = "b" })
    connection:welcome()
    assert.same({ "t", true }, { connection:take() })
    assert.same({ "b", false }, { connection:take() })
  end)

  it("loses no empty message that comes last when the program has fallen behind", function()
    in_all_ways(REQUEST .. frame { payload = "" }:rep(8), function(result)
      assert.same({ "", "", "", "", "", "", "", "" }, result.packets)
    end, nil, 3)
  end)
end)

describe("a stream that breaks the rules ends with the same close frame in every chunking:", function()
  local cases = {
    { "reserved bit", frame { rsv = 4 }, 1002 },
    { "reserved opcode", frame { opcode = 5 }, 1002 },
    { "unmasked", frames.build { payload = "x" }, 1002 },
    { "continuation without a start", frame { opcode = 0 }, 1002 },
    { "start inside a message", frame { fin = false, payload = "a" } .. frame { payload = "b" }, 1002 },
    { "fragmented ping", frame { opcode = 9, fin = false }, 1002 },
    { "bad UTF-8", frame { opcode = 1, payload = "ab\255" }, 1007 },
    { "UTF-8 cut short", frame { opcode = 1, payload = "ab\195" }, 1007 },
    { "bad UTF-8 across fragments", frame { opcode = 1, fin = false, payload = "\226\130" } .. frame { opcode = 0,
      payload = "x" }, 1007 },
    { "too large", frame { payload = ("x"):rep(2001) }, 1009 },
    { "too large together", frame { fin = false, payload = ("x"):rep(1500) } .. frame { opcode = 0,
      payload = ("x"):rep(501) }, 1009 },
    { "close with one byte", frame { opcode = 8, payload = "\3" }, 1002 },
    { "close with a reserved code", frame { opcode = 8, payload = frames.close_payload(1005) }, 1002 },
    { "close with bad UTF-8", frame { opcode = 8, payload = frames.close_payload(1000, "\255") }, 1007 },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      in_all_ways(REQUEST .. frame { payload = "good" } .. case[2] .. frame { payload = "late" }, function(result)
        assert.equals(CLOSED, result.state)
        assert.equals(case[3], result.code)
        assert.equals(ACCEPT .. "\136\2" .. frames.close_payload(case[3]), result.sent)
        assert.equals("good", result.packets[1])
        assert.is_nil(result.packets[2])
      end, 2000)
    end)
  end
end)

describe("a close frame", function()
  it("is answered with the same code and reason, behind which nothing is read or sent", function()
    for _, payload in ipairs { "", frames.close_payload(1000), frames.close_payload(4999, "bye now"),
      frames.close_payload(1001, ("x"):rep(123)) } do
      in_all_ways(REQUEST .. frame { opcode = 8, payload = payload } .. frame { opcode = 9, payload = "late" },
        function(result)
        assert.equals(ACCEPT .. frames.build { opcode = 8, payload = payload }, result.sent)
        assert.equals(CLOSED, result.state)
        assert.equals(payload == "" and 0 or payload:byte(1) * 256 + payload:byte(2), result.code)
        assert.equals(payload:sub(3), result.reason)
      end)
    end
  end)

  it("of ours comes behind what was put before, and its reason is cut between characters", function()
    local connection = units.connection()
    connection:receive(REQUEST)
    connection:welcome()
    connection:sent()
    connection:set_busy(true)
    assert.equals(0, connection:send("first"))
    connection:close(4000, ("x"):rep(122) .. "\195\169")
    connection:set_busy(false)
    assert.equals("\130\5first" .. frames.build { opcode = 8, payload = frames.close_payload(4000,
      ("x"):rep(122)) }, connection:sent())
    assert.equals(1, connection:send("too late"))
  end)

  it("makes what the peer still sends disappear", function()
    local connection = units.connection()
    connection:receive(REQUEST)
    connection:welcome()
    connection:close(1000)
    connection:sent()
    connection:receive(frame { payload = "late" } .. frame { opcode = 9, payload = "p" } .. frame { opcode = 8,
      payload = frames.close_payload(1000) })
    assert.is_nil(connection:take())
    assert.equals("", connection:sent())
    assert.equals(CLOSED, (connection:status()))
  end)
end)

describe("output", function()
  it("is gathered into one write, pongs in front, while the socket is busy", function()
    local connection = units.connection()
    connection:receive(REQUEST)
    connection:welcome()
    connection:sent()
    connection:set_busy(true)
    connection:send("a")
    connection:receive(frame { opcode = 9, payload = "ping" })
    connection:send("b")
    assert.equals("", connection:sent())
    connection:set_busy(false)
    assert.equals("\138\4ping\130\1a\130\1b", connection:sent())
  end)

  it("has its limit in bytes and in packets", function()
    local connection = units.connection(65535, 3)
    connection:receive(REQUEST)
    connection:welcome()
    connection:sent()
    connection:set_busy(true)
    assert.equals(0, connection:send(("x"):rep(65535)))
    assert.equals(6, connection:send("x"))
    connection:set_busy(false)
    connection:sent()
    connection:set_busy(true)
    assert.equals(0, connection:send("1"))
    assert.equals(0, connection:send("2"))
    assert.equals(0, connection:send("3"))
    assert.equals(6, connection:send("4"))
    assert.equals(6, connection:send(("x"):rep(65536)))
  end)

  it("never passes the answer to the request", function()
    local connection = units.connection()
    connection:set_busy(true)
    connection:receive(REQUEST .. frame { opcode = 9, payload = "ping" })
    connection:welcome()
    connection:set_busy(false)
    assert.equals(ACCEPT .. "\138\4ping", connection:sent())
  end)
end)

describe("a request", function()
  local function answer(lines, protocol)
    local connection = units.connection(nil, nil, protocol)
    connection:receive(table.concat(lines, "\r\n") .. "\r\n\r\n")
    return tonumber(connection:sent():match("^HTTP/1.1 (%d+)")), connection
  end

  it("in every chunking is answered alike", function()
    for size = 1, #REQUEST do
      local connection = units.connection()
      for at = 1, #REQUEST, size do connection:receive(REQUEST:sub(at, at + size - 1)) end
      assert.equals(ACCEPT, connection:sent())
    end
  end)

  it("of 4096 bytes is taken, of 4097 refused with 431, also before its end", function()
    local start = REQUEST:sub(1, -3) .. "X-Fill: "
    local function sized(size) return start .. ("x"):rep(size - #start - 4) .. "\r\n\r\n" end
    for _, piece in ipairs { 1, 100, 5000 } do
      for size, status in pairs { [4096] = 101, [4097] = 431 } do
        local connection, request = units.connection(), sized(size)
        for at = 1, #request, piece do connection:receive(request:sub(at, at + piece - 1)) end
        assert.equals(status, tonumber(connection:sent():match("^HTTP/1.1 (%d+)")))
      end
    end
    local connection = units.connection()
    connection:receive("GET /" .. ("x"):rep(5000))
    assert.equals("431", connection:sent():match("^HTTP/1.1 (%d+)"))
  end)

  local good = {
    "GET / HTTP/1.1", "Host: h", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
  }
  local function with(at, line)
    local lines = {}
    for i = 1, #good do lines[i] = good[i] end
    lines[at] = line
    return lines
  end

  local cases = {
    { 101, 3, "upgrade:   WebSocket  " }, { 101, 4, "Connection: keep-alive, Upgrade" }, { 101, 7, "X-Empty:" },
      { 101, 3, "Upgrade: h2c, websocket" },
    { 400, 1, "GET /" }, { 400, 1, "GET" }, { 400, 1, " / HTTP/1.1" }, { 405, 1, "POST / HTTP/1.1" }, { 405, 1,
      "get / HTTP/1.1" },
    { 505, 1, "GET / HTTP/1.0" }, { 505, 1, "GET / HTTP/2" }, { 400, 1, "GET / HTTPS/1.1" }, { 505, 1,
      "GET / HTTP/1.1 x" },
    { 400, 2, "X-No: host" }, { 400, 7, "Host: twice" }, { 426, 3, "Upgrade: h2c" }, { 400, 4, "Connection: close" },
    { 400, 5, "Sec-WebSocket-Key: short" }, { 400, 5, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==" },
    { 400, 7, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" }, { 426, 6, "Sec-WebSocket-Version: 8" }, { 426, 6,
      "X: y" },
    { 400, 7, "no colon" }, { 400, 7, " folded: line" }, { 400, 7, "Name : value" }, { 400, 7, "X: a\nY: b" },
      { 400, 7, "X: \1" },
    { 400, 7, ": no name" }, { 400, 7, "Content-Length: 5" }, { 400, 7, "Transfer-Encoding: chunked" }, { 101, 7,
      "Content-Length: 0" },
    { 400, 7, "Sec-WebSocket-Protocol: chat" },
  }
  for _, case in ipairs(cases) do
    it(("with %q is answered with %d"):format(case[3], case[1]), function()
      assert.equals(case[1], (answer(with(case[2], case[3]))))
    end)
  end

  it("names the version that is spoken where it refuses with 426", function()
    local connection = units.connection()
    connection:receive(table.concat(with(6, "Sec-WebSocket-Version: 8"), "\r\n") .. "\r\n\r\n")
    assert.truthy(connection:sent():find("\r\nSec%-WebSocket%-Version: 13\r\n"))
  end)

  it("must ask for a sub-protocol that is there", function()
    assert.equals(400, (answer(good, "chat")))
    assert.equals(400, (answer(with(7, "Sec-WebSocket-Protocol: other"), "chat")))
    assert.equals(400, (answer(with(7, "Sec-WebSocket-Protocol: Chat"), "chat")))
    assert.equals(101, (answer(with(7, "Sec-WebSocket-Protocol: other, chat"), "chat")))
    local lines = with(7, "Sec-WebSocket-Protocol: other")
    lines[8] = "Sec-WebSocket-Protocol: chat"
    assert.equals(101, (answer(lines, "chat")))
  end)
end)
