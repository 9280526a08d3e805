-- Opening handshakes (RFC 6455 section 4) against our server.
local frames = require "support.frames"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"
local websocket = require "support.websocket"

local REFUSED = "HTTP/1.1 %d "

describe("RFC 6455: a server and a request", function()
  local common

  setup(function() common = websocket.server() end)
  teardown(websocket.close)

  local function ask(request, properties)
    local server = properties and websocket.server(properties) or common
    while server:take_connection() do end -- what a case that failed has left
    local connection = assert(raw.connect(server:get_local_port()))
    connection:send(request)
    local head, why = connection:read_head({ server })
    assert.is_truthy(head, "no answer: " .. tostring(why))
    return head, connection, server
  end

  local function admits(case)
    local head, connection, server = ask(case[2], case[4])
    assert.equals(101, raw.status(head), head)
    assert.equals("websocket", raw.header(head, "Upgrade"))
    assert.equals("Upgrade", raw.header(head, "Connection"))
    local key = raw.header(case[2], "Sec-WebSocket-Key")
    assert.equals(key == raw.KEY and raw.ACCEPT or raw.accept_key(key), raw.header(head, "Sec-WebSocket-Accept"))
    assert.equals(case.protocol, raw.header(head, "Sec-WebSocket-Protocol"))
    assert.is_nil(raw.header(head, "Sec-WebSocket-Extensions"))
    local peer = websocket.take(server)
    assert.equals(case.protocol or "", peer:get_selected_protocol())
    connection:send_frame { payload = "open" }
    assert.same({ "open" }, (websocket.receive(peer, 1, { server })))
    connection:close()
    peer:close(-1)
  end

  local function refuses(case)
    local head, connection, server = ask(case[2], case[4])
    local status = case[3]
    assert.equals(REFUSED:format(status), head:sub(1, #REFUSED:format(status)))
    assert.equals("close", raw.header(head, "Connection"))
    assert.equals(status == 426 and "13" or nil, raw.header(head, "Sec-WebSocket-Version"))
    assert.equals(status == 405 and "GET" or nil, raw.header(head, "Allow"))
    connection:read_end({ server })
    local sends_body = not case[2]:find "^HEAD " -- RFC 9110 section 9.3.2
    assert.equals(sends_body and tonumber(raw.header(head, "Content-Length")) or 0, #connection:unread())
    assert.is_false(server:is_connection_available())
    connection:close()
  end

  for _, case in ipairs(require "conformance.requests") do
    local good = case[3] == 101
    it(("%s: %s"):format(case[1], good and "opens" or case[3]), function() (good and admits or refuses)(case) end)
  end
end)

-- A request may come in any pieces, with frames right behind it.
describe("RFC 6455: a server and a request that comes", function()
  local server

  setup(function() server = websocket.server() end)
  teardown(websocket.close)

  local function opens(cut)
    local connection = assert(raw.connect(server:get_local_port()))
    local bytes = raw.request() .. connection:frame_bytes { opcode = frames.TEXT, payload = "first" } ..
      connection:frame_bytes { opcode = frames.PING, payload = "p" } .. connection:frame_bytes { payload = "second" }
    cut(connection, bytes)
    assert.equals(101, raw.status((connection:read_head({ server }))))
    local peer = websocket.take(server)
    local messages, texts = websocket.receive(peer, 2, { server })
    assert.same({ "first", "second" }, messages)
    assert.same({ true, false }, texts)
    assert.equals("p", connection:read_frame({ server }).payload)
    connection:send_close(1000)
    assert.equals(1000, connection:read_frame({ server }).code)
    connection:read_end({ server })
  end

  local head = #raw.request()
  for at = head - 6, head + 14 do
    it(("with frames behind it, in two pieces cut at %+d of its end"):format(at - head), function()
      opens(function(connection, bytes)
        connection:trickle(bytes:sub(1, at), { server }, at)
        connection:send(bytes:sub(at + 1))
      end)
    end)
  end
  for _, size in ipairs { 1, 2, 3, 10, 100, 1000 } do
    it(("with frames behind it, in pieces of %d bytes"):format(size), function()
      opens(function(connection, bytes) connection:trickle(bytes, { server }, size) end)
    end)
  end
  for name, row in pairs {
    ["a close frame"] = { frames.build { opcode = frames.CLOSE, payload = "\15\161", mask = frames.MASK }, 4001 },
    ["a bad frame"] = { "\255\255\255", 1002 }, ["another request"] = { raw.request(), 1002 },
  } do
    it(("with %s right behind it"):format(name), function()
      local connection = assert(raw.connect(server:get_local_port()))
      connection:send(raw.request() .. row[1])
      assert.equals(101, raw.status((connection:read_head({ server }))))
      local peer = websocket.take(server)
      assert.equals(row[2], connection:read_frame({ server }).code)
      connection:read_end({ server })
      websocket.reach(peer, websocket.CLOSED, { server, peer })
      assert.equals(row[2], peer:get_close_code())
    end)
  end
  it("with a refused request right in front of it: one answer, and the end", function()
    local connection = assert(raw.connect(server:get_local_port()))
    connection:send(raw.request { key = false } .. raw.request())
    assert.equals(400, raw.status((connection:read_head({ server }))))
    connection:read_end({ server })
    assert.is_nil(connection:unread():find("101", 1, true))
  end)
end)

-- Slow ones: what has not come within handshake_timeout is dropped, and meanwhile nobody has to wait for it.
describe("RFC 6455: a server and a request that stops", function()
  after_each(websocket.close)

  it("anywhere: dropped at handshake_timeout, while another client comes and goes", function()
    local server = websocket.server { handshake_timeout = 0.15 }
    local request, slow = raw.request(), {}
    for _, part in ipairs {
      "", "G", "GET ", "GET / HTTP/1.1", "GET / HTTP/1.1\r\n", request:sub(1, 60), request:sub(1, -5),
      request:sub(1, -4), request:sub(1, -3), request:sub(1, -2), "GET /" .. ("x"):rep(4000),
    } do
      slow[#slow + 1] = assert(raw.connect(server:get_local_port())):send(part)
    end
    local quick = websocket.raw_join(server)
    quick:send_frame { payload = "quick" }
    local peer = websocket.take(server) -- kept: one that is collected closes
    assert.same({ "quick" }, (websocket.receive(peer, 1, { server })))
    for _, connection in ipairs(slow) do
      connection:read_end({ server }, 5)
      assert.equals("", connection:unread())
    end
    assert.is_false(server:is_connection_available())
    quick:send_frame { opcode = frames.PING, payload = "still here" }
    assert.equals("still here", quick:read_frame({ server }).payload)
    assert.equals(websocket.OPEN, peer:get_ready_state())
  end)

  it("and goes on in time: opens", function()
    local server = websocket.server()
    local request = raw.request()
    local connection = assert(raw.connect(server:get_local_port()))
    connection:send(request:sub(1, 50))
    wait.quiet({ server }, 0.05)
    connection:send(request:sub(51))
    assert.equals(101, raw.status((connection:read_head({ server }))))
  end)

  it("and ends: nobody is told", function()
    local server = websocket.server()
    for at = 0, #raw.request() - 1, 20 do
      local connection = assert(raw.connect(server:get_local_port()))
      connection:send(raw.request():sub(1, at))
      server:poll()
      connection:shut_write()
      connection:read_end({ server })
    end
    assert.is_false(server:is_connection_available())
  end)
end)

-- A server of players takes the same requests and frames; what it makes of them is packets and signals.
describe("RFC 6455: a multiplayer server", function()
  after_each(session.close)

  it("answers pings, drops empty messages and takes text and binary alike", function()
    local server, port = session.server()
    local client = raw.join(port, { server })
    client:send_frame { opcode = frames.PING, payload = "p" }
    client:send_frame { payload = "" }
    client:send_frame { opcode = frames.TEXT, payload = "text" }
    client:send_frame { opcode = frames.BINARY, fin = false, payload = "bin" }
    client:send_frame { opcode = frames.CONTINUATION, payload = "ary" }
    assert.same({ "text", "binary" }, (session.receive(server, 2, { server })))
    assert.equals("p", client:read_frame({ server }).payload)
  end)

  for name, row in pairs {
    ["an unmasked frame"] = { 1002, { payload = "x", mask = false } },
    ["bad UTF-8"] = { 1007, { opcode = frames.TEXT, payload = "\255" } },
    ["reserved bits"] = { 1002, { rsv = 4 } },
    ["a close frame"] = { 3001, { opcode = frames.CLOSE, payload = frames.close_payload(3001, "bye") } },
    ["a bad close code"] = { 1002, { opcode = frames.CLOSE, payload = frames.close_payload(1004) } },
    ["a frame too big"] = { 1009, { payload = ("x"):rep(65536) } },
  } do
    it(("tells %d to a client that sends %s, and to the program"):format(row[1], name), function()
      local server, port = session.server()
      local client = raw.join(port, { server })
      local events = session.record(server)
      client:send_binary("good")
      client:send_frame(row[2])
      assert.equals(row[1], client:read_frame({ server }).code)
      client:read_end({ server })
      local event = session.event(events, 1, { server })
      assert.same({ "disconnected", client.id, row[1] }, { event.name, event.id, event.code })
      assert.same({ "good" }, (session.drain(server)))
    end)
  end
end)
