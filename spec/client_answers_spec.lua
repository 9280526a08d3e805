local raw = require "support.raw"
local frames = require "support.frames"
local session = require "support.session"
local wait = require "support.wait"

local CONNECTING, CONNECTED = 1, 2

-- Our client on its way to a server by hand, which has read the request: client, connection, signals.
local function waiting(properties)
  local listener = assert(raw.listen())
  local client = session.client(listener.port, properties)
  local events = session.record(client)
  return client, listener:accept_request({ client }), events
end

local function takes(options, properties)
  local client, connection = waiting(properties)
  connection:send(raw.response(connection.request, options))
  connection:send_binary(raw.id(4660))
  wait.until_(function() return session.is_connected(client) end, { client }, 5, "the client to connect")
  assert.equals(4660, client:get_unique_id())
  return client, connection
end

local function gave_up(client, connection, events)
  wait.until_(function() return session.is_disconnected(client) end, { client }, 5, "the client to give up")
  connection:read_end({ client })
  assert.equals("", events.names())
  assert.equals(0, client:get_unique_id())
  assert.is_true(#client:get_last_error() > 0, "get_last_error() has no text")
end

local function refuses(options, properties)
  local client, connection, events = waiting(properties)
  connection:send(type(options) == "string" and options or raw.response(connection.request, options))
  connection:send_binary(raw.id(4660))
  gave_up(client, connection, events)
end

describe("a client takes the answer", function()
  after_each(session.close)

  it("of Godot", function() takes() end)

  it("with another reason phrase, or none", function()
    takes { line = "HTTP/1.1 101 Go on" }
    takes { line = "HTTP/1.1 101 " }
  end)

  it("with values in any case", function()
    takes { upgrade = "WebSocket", connection = "upgrade" }
    takes { upgrade = "WEBSOCKET", connection = "UPGRADE" }
  end)

  it("with header names in any case and no space behind the colon", function()
    local client, connection = waiting()
    connection:send(("HTTP/1.1 101 Switching Protocols\r\nupgrade:websocket\r\nCONNECTION:Upgrade\r\n" ..
      "sec-websocket-accept:%s\r\n\r\n"):format(
      raw.accept_key(raw.header(connection.request, "Sec-WebSocket-Key"))))
    connection:send_binary(raw.id(9))
    wait.until_(function() return session.is_connected(client) end, { client })
    assert.equals(9, client:get_unique_id())
  end)

  it("with headers that it does not know", function()
    takes { lines = { "Server: x", "Date: today", "X-Powered-By: hands", "Set-Cookie: a=b" } }
  end)

  it("byte by byte", function()
    local client, connection = waiting()
    connection:trickle(raw.response(connection.request) .. frames.build { payload = raw.id(4660) }, { client })
    wait.until_(function() return session.is_connected(client) end, { client })
    assert.equals(4660, client:get_unique_id())
  end)

  it("together with the id and packets in one piece", function()
    local client, connection, events = waiting()
    connection:send(raw.response(connection.request) .. frames.build { payload = raw.id(70000) } ..
      frames.build { payload = "one" } .. frames.build { opcode = frames.TEXT, payload = "two" })
    assert.same({ "one", "two" }, (session.receive(client, 2, { client })))
    assert.equals("connected 1", events.names())
    assert.equals(70000, client:get_unique_id())
  end)
end)

describe("a client refuses the answer", function()
  after_each(session.close)

  for _, line in ipairs {
    "HTTP/1.1 200 OK", "HTTP/1.1 301 Moved Permanently", "HTTP/1.1 400 Bad Request", "HTTP/1.1 401 Unauthorized",
    "HTTP/1.1 404 Not Found", "HTTP/1.1 426 Upgrade Required", "HTTP/1.1 503 Service Unavailable", "HTTP/1.1 1010 x",
    "HTTP/1.1 abc", "SSH-2.0-OpenSSH_9.2", "101",
  } do
    it(("%q"):format(line), function() refuses { line = line } end)
  end

  it("without Upgrade, Connection or Sec-WebSocket-Accept", function()
    refuses { upgrade = false }
    refuses { connection = false }
    refuses { accept = false }
  end)

  it("with wrong values of them", function()
    refuses { upgrade = "h2c" }
    refuses { connection = "close" }
    refuses { accept = raw.ACCEPT }
    refuses { accept = "" }
  end)

  it("with the right Sec-WebSocket-Accept in the wrong case", function()
    local client, connection, events = waiting()
    local accept = raw.accept_key(raw.header(connection.request, "Sec-WebSocket-Key"))
    local swapped = accept:gsub("%a", function(c) return c == c:lower() and c:upper() or c:lower() end)
    connection:send(raw.response(connection.request, { accept = swapped }))
    connection:send_binary(raw.id(4660))
    gave_up(client, connection, events)
  end)

  it("with more than 4096 bytes of head", function()
    refuses { lines = { "X-Long: " .. ("x"):rep(4200) } }
  end)

  it("whose head never ends", function()
    local client, connection, events = waiting({ handshake_timeout = 0.5 })
    connection:send("HTTP/1.1 101 Switching Protocols\r\nX-Long: " .. ("x"):rep(1000000))
    gave_up(client, connection, events)
  end)

  it("that is no HTTP at all, at the latest at the timeout", function()
    refuses(("\0\1\2\3garbage\r\n"):rep(20) .. "\r\n\r\n", { handshake_timeout = 0.5 })
  end)

  it("that ends in the middle, or before it began", function()
    local client, connection, events = waiting()
    connection:send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: webso")
    connection:close()
    gave_up(client, connection, events)
    client, connection, events = waiting()
    connection:close()
    gave_up(client, connection, events)
    client, connection, events = waiting()
    connection:reset()
    gave_up(client, connection, events)
  end)

  it("that redirects, without following it", function()
    local other = raw.listen()
    local client, connection, events = waiting()
    connection:send(("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n")
      :format(other.port))
    gave_up(client, connection, events)
    wait.quiet({ client }, 0.05)
    assert.is_nil((other.socket:accept()))
  end)

  it("and says in get_last_error() which HTTP status it got", function()
    local client, connection, events = waiting()
    connection:send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    gave_up(client, connection, events)
    assert.matches("403", client:get_last_error(), 1, true)
  end)
end)

describe("the sub-protocol of a client", function()
  after_each(session.close)

  it("is the one that the server chose", function()
    for _, chosen in ipairs { "alpha", "beta" } do
      local client = takes({ lines = { "Sec-WebSocket-Protocol: " .. chosen } },
        { supported_protocols = { "alpha", "beta" } })
      assert.equals(chosen, client:get_peer(1):get_selected_protocol())
    end
  end)

  it("is empty when none was asked for", function()
    assert.equals("", takes():get_peer(1):get_selected_protocol())
  end)

  it("must be there when some were asked for", function()
    refuses({}, { supported_protocols = { "alpha" } })
  end)

  it("must be one of those asked for, in the same case, and one only", function()
    for _, wrong in ipairs { "gamma", "Alpha", "alpha,beta", "alph", "alphabet" } do
      refuses({ lines = { "Sec-WebSocket-Protocol: " .. wrong } }, { supported_protocols = { "alpha", "beta" } })
    end
  end)

  it("must not be there when none was asked for", function()
    refuses { lines = { "Sec-WebSocket-Protocol: alpha" } }
  end)
end)

describe("the id of a client", function()
  after_each(session.close)

  local function upgraded()
    local client, connection, events = waiting()
    connection:send(raw.response(connection.request))
    return client, connection, events
  end

  for _, id in ipairs { 2, 3, 255, 256, 65536, 16777216, 305419896, 2147483647 } do
    it("may be " .. id, function()
      local client, connection = upgraded()
      connection:send_binary(raw.id(id))
      wait.until_(function() return session.is_connected(client) end, { client })
      assert.equals(id, client:get_unique_id())
    end)
  end

  it("may come as text, in fragments, and after pings", function()
    local client, connection = upgraded()
    connection:send_frame { opcode = frames.TEXT, payload = raw.id(0x01020304) }
    wait.until_(function() return session.is_connected(client) end, { client })
    assert.equals(0x01020304, client:get_unique_id())

    client, connection = upgraded()
    connection:send_frame { opcode = frames.BINARY, fin = false, payload = "\1" }
    connection:send_frame { opcode = frames.CONTINUATION, fin = false, payload = "\2\3" }
    connection:send_frame { opcode = frames.CONTINUATION, payload = "\4" }
    wait.until_(function() return session.is_connected(client) end, { client })
    assert.equals(0x04030201, client:get_unique_id())

    client, connection = upgraded()
    connection:send_frame { opcode = frames.PING, payload = "are you there" }
    local pong = assert(connection:read_frame({ client }))
    assert.equals(frames.PONG, pong.opcode)
    assert.equals("are you there", pong.payload)
    assert.equals(CONNECTING, client:get_connection_status())
    connection:send_binary(raw.id(17))
    wait.until_(function() return session.is_connected(client) end, { client })
    assert.equals(17, client:get_unique_id())
  end)

  for name, payload in pairs {
    ["1"] = raw.id(1), ["0"] = raw.id(0), ["-1"] = raw.id(-1), ["-2147483648"] = raw.id(-2147483648),
    ["3 bytes long"] = "\5\0\0", ["5 bytes long"] = "\5\0\0\0\0", ["a greeting"] = "hello there", ["empty"] = "",
    ["64 KiB long"] = ("x"):rep(65535),
  } do
    it("must not be " .. name .. ": close 1000, and no id is ever seen", function()
      local client, connection, events = upgraded()
      connection:send_binary(payload)
      local frame
      wait.until_(function()
        frame = connection:take_frame()
        assert.equals(0, client:get_unique_id())
        assert.are_not.equal(CONNECTED, client:get_connection_status())
        return frame or connection.ended
      end, { client })
      assert.is_truthy(frame, "no close frame")
      assert.equals(frames.CLOSE, frame.opcode)
      assert.equals(1000, frame.code)
      assert.is_truthy(frame.mask)
      connection:send_close(1000)
      gave_up(client, connection, events)
    end)
  end

  it("is 0 again when the connection has ended", function()
    local client, connection = session.by_hand(nil, 99)
    assert.equals(99, client:get_unique_id())
    connection:close()
    wait.until_(function() return session.is_disconnected(client) end, { client })
    assert.equals(0, client:get_unique_id())
  end)

  it("is disconnected without a signal when the server closes before it", function()
    local client, connection, events = upgraded()
    connection:send_close(4000, "full")
    gave_up(client, connection, events)
  end)
end)
