local ws = require "wsmultiplayer"
local call = require "support.call"
local frames = require "support.frames"
local raw = require "support.raw"
local websocket = require "support.websocket"

local OPEN, CLOSED = websocket.OPEN, websocket.CLOSED

-- name, default, another good value
local NUMBERS = {
  { "inbound_buffer_size", 65535, 1000 },
  { "outbound_buffer_size", 65535, 2000 },
  { "max_queued_packets", 2048, 7 },
  { "heartbeat_interval", 0, 2.5 },
}

local CLASSES = {
  { name = "WebSocketPeer", numbers = { { "encode_buffer_max_size", 8388608, 4096 } } },
  {
    name = "WebSocketServer",
    numbers = {
      { "handshake_timeout", 3, 1.5 }, { "max_pending_handshakes", 1024, 5 }, { "max_connections_per_address", 0, 8 },
    },
  },
}

local function message_of(fn)
  local ok, err = pcall(fn)
  assert.is_false(ok, "should have raised")
  return tostring(err)
end

local function method_message(...)
  local ok, err = call(...)
  assert.is_false(ok, "should have raised")
  return tostring(err)
end

for _, class in ipairs(CLASSES) do
  describe("a property of " .. class.name, function()
    local object

    before_each(function() object = ws[class.name].new() end)

    for _, row in ipairs { NUMBERS[1], NUMBERS[2], NUMBERS[3], NUMBERS[4], (table.unpack or unpack)(class.numbers) } do
      local name, default, other = row[1], row[2], row[3]
      local getter, setter = "get_" .. name, "set_" .. name

      describe(name, function()
        it("has its default, and both forms of access", function()
          assert.equals(default, object[name])
          assert.equals(default, object[getter](object))
          object[name] = other
          assert.equals(other, object[getter](object))
          object[setter](object, default)
          assert.equals(default, object[name])
        end)

        it("belongs to one object only", function()
          object[name] = other
          assert.equals(default, ws[class.name]()[name])
        end)

        it("raises for a wrong type, with the position or with its name", function()
          for _, wrong in ipairs { "x", "5", {}, true, print } do
            assert.matches("bad argument #1 to '" .. setter .. "' %(number expected, got " .. type(wrong) .. "%)",
              method_message(object, setter, wrong))
            assert.matches(name, message_of(function() object[name] = wrong end), 1, true)
          end
          assert.matches("bad argument #1 to '" .. setter .. "'", method_message(object, setter))
          assert.matches(name, message_of(function() object[name] = nil end), 1, true)
          assert.equals(default, object[name])
        end)
      end)
    end

    for _, name in ipairs { "supported_protocols", "handshake_headers" } do
      local getter, setter = "get_" .. name, "set_" .. name

      describe(name, function()
        it("is empty at first, and has both forms of access", function()
          assert.same({}, object[name])
          object[name] = { "A: 1", "B: 2" }
          assert.same({ "A: 1", "B: 2" }, object[getter](object))
          object[setter](object, {})
          assert.same({}, object[name])
        end)

        it("gives and takes copies", function()
          local given = { "A: 1" }
          object[name] = given
          given[1] = "changed"
          object[name][1] = "changed"
          assert.same({ "A: 1" }, object[name])
        end)

        it("raises for what is no sequence of strings, and names the index", function()
          assert.matches("bad argument #1 to '" .. setter .. "' %(table expected, got string%)",
            method_message(object, setter, "x"))
          assert.matches("[2]", method_message(object, setter, { "a", 5 }), 1, true)
          assert.matches("[2]", method_message(object, setter, { "a", nil, "c" }), 1, true)
          assert.matches(name, message_of(function() object[name] = { false } end), 1, true)
          assert.same({}, object[name])
        end)
      end)
    end

    it("supported_protocols is stripped of blanks, handshake_headers is not", function()
      object.supported_protocols = { "  one\t", "two " }
      object.handshake_headers = { "X-A: 1 " }
      assert.same({ "one", "two" }, object.supported_protocols)
      assert.same({ "X-A: 1 " }, object.handshake_headers)
    end)

    it("heartbeat_interval has whole milliseconds; a negative one keeps the old", function()
      object.heartbeat_interval = 0.0159
      assert.equals(0.015, object.heartbeat_interval)
      object.heartbeat_interval = -1
      assert.equals(0.015, object.heartbeat_interval)
      object.heartbeat_interval = 0
      assert.equals(0, object.heartbeat_interval)
    end)

    it("that does not exist raises, and is named", function()
      assert.matches("no_such_field", message_of(function() return object.no_such_field end), 1, true)
      assert.matches("no_such_field", message_of(function() object.no_such_field = 1 end), 1, true)
      assert.matches("poll", message_of(function() object.poll = 1 end), 1, true)
    end)
  end)
end

describe("WebSocketServer", function()
  it("has a handshake_timeout that keeps its value when it is to be zero or less", function()
    local server = ws.WebSocketServer.new()
    server.handshake_timeout = 0
    server.handshake_timeout = -2
    assert.equals(3, server.handshake_timeout)
    server.handshake_timeout = 0.0015
    assert.equals(0.001, server.handshake_timeout)
  end)

  it("has an on_request that is a function or nil", function()
    local server = ws.WebSocketServer.new()
    assert.is_nil(server.on_request)
    server.on_request = print
    assert.equals(print, server.on_request)
    for _, wrong in ipairs { 1, "x", {}, true, server } do
      assert.matches("on_request", message_of(function() server.on_request = wrong end), 1, true)
    end
    assert.equals(print, server.on_request)
    server.on_request = nil
    assert.is_nil(server.on_request)
  end)
end)

describe("WebSocketPeer's", function()
  after_each(websocket.close)

  it("encode_buffer_max_size is rounded up to a power of two, and kept when out of range", function()
    local peer = websocket.peer()
    peer.encode_buffer_max_size = 1025
    assert.equals(2048, peer.encode_buffer_max_size)
    peer.encode_buffer_max_size = 1023
    peer.encode_buffer_max_size = 268435457
    assert.equals(2048, peer.encode_buffer_max_size)
  end)

  it("supported_protocols and handshake_headers are in the request, as they are at connect_to_url", function()
    local listener = raw.listen()
    local client = websocket.connect(listener.port, {
      supported_protocols = { "chat", "v2.chat" }, handshake_headers = { "X-First: 1", "Authorization: Bearer abc" },
    })
    client.supported_protocols = { "other" }
    client.handshake_headers = { "X-Late: 1" }
    local connection = listener:accept_request({ client })
    assert.equals("chat,v2.chat", raw.header(connection.request, "Sec-WebSocket-Protocol"))
    assert.equals("1", raw.header(connection.request, "X-First"))
    assert.equals("Bearer abc", raw.header(connection.request, "Authorization"))
    assert.is_nil(raw.header(connection.request, "X-Late"))
    connection:send(raw.response(connection.request, { lines = { "Sec-WebSocket-Protocol: v2.chat" } }))
    websocket.reach(client, OPEN)
    assert.equals("v2.chat", client:get_selected_protocol())
    assert.same({ "other" }, client.supported_protocols)
  end)

  it("supported_protocols that the server ignores, or answers with another, end the connection", function()
    for _, lines in ipairs { {}, { "Sec-WebSocket-Protocol: spoken" }, { "Sec-WebSocket-Protocol: " } } do
      local listener = raw.listen()
      local client = websocket.connect(listener.port, { supported_protocols = { "chat" } })
      listener:welcome({ client }, false, { lines = lines })
      websocket.reach(client, CLOSED)
      assert.equals(-1, client:get_close_code())
      assert.equals("", client:get_selected_protocol())
      assert.matches("protocol", client:get_last_error())
    end
  end)

  it("inbound_buffer_size is fixed when the state becomes OPEN", function()
    local listener = raw.listen()
    local client = websocket.connect(listener.port, { inbound_buffer_size = 10 })
    local request = listener:accept_request({ client })
    client.inbound_buffer_size = 500
    request:send(raw.response(request.request))
    websocket.reach(client, OPEN)
    client.inbound_buffer_size = 20
    request:send_binary(("x"):rep(500))
    assert.equals(500, #websocket.receive(client, 1)[1])
    request:send_binary(("x"):rep(501))
    websocket.reach(client, CLOSED)
    assert.equals(1009, client:get_close_code())

    local other = listener.port
    assert.equals(ws.OK, (client:connect_to_url("ws://127.0.0.1:" .. other)))
    local connection = listener:welcome({ client }, false)
    websocket.reach(client, OPEN)
    connection:send_binary(("x"):rep(21))
    websocket.reach(client, CLOSED)
    assert.equals(1009, client:get_close_code())
  end)

  it("inbound_buffer_size of zero or less is no limit", function()
    local client, connection = websocket.by_hand { inbound_buffer_size = 0 }
    connection:send_binary(("x"):rep(300000))
    assert.equals(300000, #websocket.receive(client, 1)[1])
  end)

  it("outbound_buffer_size counts at once, also for an open connection; zero or less is no limit", function()
    local client, connection = websocket.by_hand()
    client.outbound_buffer_size = 10
    local err, why = client:send(("x"):rep(11))
    assert.equals(ws.ERR_OUT_OF_MEMORY, err)
    assert.matches("outbound_buffer_size 10", why, 1, true)
    assert.equals(ws.OK, (client:send(("x"):rep(10))))
    client.outbound_buffer_size = 0
    assert.equals(ws.OK, (client:send(("y"):rep(70000))))
    assert.equals(10, #connection:read_binary({ client }))
    assert.equals(70000, #connection:read_binary({ client }))
  end)

  it("max_queued_packets counts at once for what is sent", function()
    local client, connection = websocket.by_hand()
    client.max_queued_packets = 0
    assert.equals(ws.ERR_OUT_OF_MEMORY, (client:send("x")))
    client.max_queued_packets = 1
    assert.equals(ws.OK, (client:send("y")))
    assert.equals("y", connection:read_binary({ client }))
  end)
end)

describe("WebSocketServer's", function()
  after_each(websocket.close)

  it("handshake_headers are in the answer, supported_protocols choose", function()
    local server = websocket.server { handshake_headers = { "X-Server: yes" }, supported_protocols = { "b", "a" } }
    local connection = websocket.raw_join(server, raw.request { lines = { "Sec-WebSocket-Protocol: x, a, b" } })
    assert.equals("yes", raw.header(connection.response, "X-Server"))
    assert.equals("a", raw.header(connection.response, "Sec-WebSocket-Protocol"))
    assert.equals("a", websocket.take(server):get_selected_protocol())
    for _, lines in ipairs { {}, { "Sec-WebSocket-Protocol: x" } } do
      local refused = raw.connect(server:get_local_port())
      refused:send(raw.request { lines = lines })
      assert.equals(400, raw.status(refused:read_head({ server })))
      refused:read_end({ server })
    end
    assert.is_false(server:is_connection_available())
  end)

  it("limits hold for connections made afterwards", function()
    local server = websocket.server()
    local old = websocket.raw_join(server)
    local old_peer = websocket.take(server)
    server.inbound_buffer_size = 10
    server.outbound_buffer_size = 20
    local new = websocket.raw_join(server)
    local new_peer = websocket.take(server)
    assert.equals(20, new_peer.outbound_buffer_size)
    assert.equals(10, new_peer.inbound_buffer_size)
    old:send_binary(("x"):rep(11))
    new:send_binary(("x"):rep(11))
    assert.equals(11, #websocket.receive(old_peer, 1, { server })[1])
    assert.equals(1009, new:read_frame({ server }).code)
    new_peer:poll()
    assert.equals(CLOSED, new_peer:get_ready_state())
    assert.equals(ws.OK, (old_peer:send(("x"):rep(21))))
    assert.equals(frames.BINARY, old:read_frame({ server }).opcode)
  end)

  it("handshake_timeout counts for connections that are waiting already", function()
    local server, port = websocket.server()
    local silent, half = raw.connect(port), raw.connect(port)
    half:send("GET / HTTP/1.1\r\n")
    server:poll(0.01)
    server.handshake_timeout = 0.05
    silent:read_end({ server }, 2)
    half:read_end({ server }, 2)
  end)

  it("max_pending_handshakes drops the oldest", function()
    local server, port = websocket.server { max_pending_handshakes = 2 }
    local connections = {}
    for i = 1, 3 do
      connections[i] = raw.connect(port)
      connections[i]:send("GET / HTTP/1.1\r\n")
      server:poll(0.01)
    end
    connections[1]:read_end({ server }, 2)
    connections[3]:send("Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" ..
      "Sec-WebSocket-Key: " .. raw.KEY .. "\r\n\r\n")
    assert.equals(101, raw.status(connections[3]:read_head({ server })))
  end)
end)
