local raw = require "support.raw"
local frames = require "support.frames"
local session = require "support.session"

local function accepted(request, properties)
  local server, port = session.server(properties)
  local client = assert(raw.connect(port)):join({ server }, request)
  return client, server
end

-- The head of the refusal; TCP must end behind it, nobody may have been told.
local function refusal(request, properties)
  local server, port = session.server(properties)
  local events = session.record(server)
  local client = assert(raw.connect(port))
  client:send(request)
  local head, why = client:read_head({ server })
  assert.is_truthy(head, "no HTTP answer: " .. tostring(why))
  client:read_end({ server })
  assert.equals("", events.names())
  assert.same({}, server:get_peers())
  return head
end

local function refused(status, request, properties)
  local head = refusal(request, properties)
  assert.equals(status, raw.status(head), head)
  return head
end

-- A request of exactly `size` bytes.
local function request_of(size)
  local bare = #raw.request { lines = { "X-Fill: " } }
  return raw.request { lines = { "X-Fill: " .. ("x"):rep(size - bare) } }
end

describe("the server's answer", function()
  after_each(session.close)

  it("is Godot's, line by line", function()
    local client = accepted(raw.request { lines = { "Sec-WebSocket-Protocol: b" } },
      { supported_protocols = { "a", "b" }, handshake_headers = { "X-Server: 1", "X-Two: 2" } })
    assert.equals(table.concat({
      "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Accept: " .. raw.ACCEPT, "Sec-WebSocket-Protocol: b", "X-Server: 1", "X-Two: 2", "", "",
    }, "\r\n"), client.response)
  end)

  it("has no more than it needs", function()
    assert.equals("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" ..
      "Sec-WebSocket-Accept: " .. raw.ACCEPT .. "\r\n\r\n", accepted(raw.request()).response)
  end)

  it("is followed by the id as one binary message of 4 bytes", function()
    local server, port = session.server()
    local client = raw.connect(port)
    client:send(raw.request())
    client:read_head({ server })
    local frame = client:read_frame({ server })
    assert.equals(frames.BINARY, frame.opcode)
    assert.is_true(frame.fin)
    assert.is_nil(frame.mask)
    assert.equals(raw.id(server:get_peers()[1]), frame.payload)
  end)
end)

describe("the server takes a request", function()
  after_each(session.close)

  local TAKEN = {
    ["of Godot"] = raw.request(),
    ["with a path and a query"] = raw.request { path = "/a/b?c=d&e=%20" },
    ["with an absolute target"] = raw.request { path = "ws://127.0.0.1/x" },
    ["with values in any case"] = raw.request { upgrade = "WebSocket", connection = "upgrade" },
    ["of a browser"] = raw.request {
      connection = "keep-alive, Upgrade",
      lines = { "Origin: http://example.org", "User-Agent: Mozilla/5.0", "Pragma: no-cache", "Cache-Control: no-cache",
        "Accept-Encoding: gzip, deflate", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits" },
    },
    ["with header names in any case and odd spacing"] = ("GET / HTTP/1.1\r\nHOST:x\r\nupgrade:  websocket  \r\n" ..
      "CONNECTION:\tUpgrade\r\nsec-websocket-KEY:%s\r\nSec-Websocket-version:13\r\n\r\n"):format(raw.KEY),
    ["with headers in another order"] = ("GET / HTTP/1.1\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n" ..
      "Connection: Upgrade\r\nUpgrade: websocket\r\nHost: x\r\n\r\n"):format(raw.KEY),
    ["with 50 headers"] = (function()
      local lines = {}
      for i = 1, 50 do lines[i] = "X-" .. i .. ": " .. i end
      return raw.request { lines = lines }
    end)(),
    ["of exactly 4096 bytes"] = request_of(4096),
  }

  for name, request in pairs(TAKEN) do
    it(name, function() accepted(request) end)
  end

  it("byte by byte", function()
    local server, port = session.server()
    local client = raw.connect(port)
    client:trickle(raw.request(), { server })
    client:join({ server }, "")
  end)

  it("and frames in the same piece, whose packets come right behind peer_connected", function()
    local server, port = session.server()
    local events = session.record(server)
    local client = raw.connect(port)
    client:send(raw.request() .. client:frame_bytes { payload = "one" } .. client:frame_bytes { payload = "two" })
    assert.same({ "one", "two" }, (session.receive(server, 2, { server })))
    assert.equals(1, #events)
  end)

  it("without answering extensions", function()
    local client = accepted(raw.request { lines = { "Sec-WebSocket-Extensions: permessage-deflate" } })
    assert.is_nil(raw.header(client.response, "Sec-WebSocket-Extensions"))
  end)
end)

describe("the server refuses a request", function()
  after_each(session.close)

  local BAD = {
    ["that is garbage"] = "garbage\r\n\r\n",
    ["without a version of HTTP"] = raw.request { line = "GET /" },
    ["of one word"] = raw.request { line = "GET" },
    ["without a request line"] = "\r\n\r\n",
    ["without Host"] = raw.request { host = false },
    ["without Sec-WebSocket-Key"] = raw.request { key = false },
    ["with a header that has no colon"] = raw.request { lines = { "nonsense" } },
    ["with a header that has no name"] = raw.request { lines = { ": value" } },
    ["with a folded header"] = raw.request { lines = { "X-A: 1", " folded" } },
  }

  for name, request in pairs(BAD) do
    it(name .. ": 400", function() refused(400, request) end)
  end

  for _, method in ipairs { "POST", "PUT", "HEAD", "OPTIONS", "DELETE" } do
    it("by " .. method .. ": 405", function() refused(405, raw.request { line = method .. " / HTTP/1.1" }) end)
  end

  it("by get in small letters: some refusal", function()
    local status = raw.status(refusal(raw.request { line = "get / HTTP/1.1" }))
    assert.is_true(status >= 400)
  end)

  for _, version in ipairs { "HTTP/1.0", "HTTP/2.0", "HTTP/3" } do
    it("in " .. version .. ": 505", function() refused(505, raw.request { line = "GET / " .. version }) end)
  end

  it("without an upgrade: 426", function()
    local head = refused(426, "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: browser\r\nAccept: */*\r\n\r\n")
    assert.equals("websocket", raw.header(head, "Upgrade"))
    refused(426, raw.request { upgrade = false })
  end)

  it("in another version of WebSocket: 426 with the one that we speak", function()
    for _, version in ipairs { "8", "12", "14", "130", "x", false } do
      local head = refused(426, raw.request { version = version })
      assert.equals("13", raw.header(head, "Sec-WebSocket-Version"))
    end
  end)

  it("of more than 4096 bytes: 431", function()
    refused(431, request_of(4097))
    refused(431, ("x"):rep(5000))
    refused(431, "GET /" .. ("x"):rep(100000))
  end)

  it("with an answer that HTTP clients understand", function()
    local head = refused(400, "garbage\r\n\r\n")
    assert.matches("^HTTP/1%.1 400 %a", head)
    assert.equals("close", (raw.header(head, "Connection") or ""):lower())
    assert.is_truthy(raw.header(head, "Content-Length"))
  end)

  it("while others live on", function()
    local server, port = session.server()
    local good = raw.join(port, { server })
    local bad = {}
    for i, request in ipairs { "garbage\r\n\r\n", ("x"):rep(9000), "\22\3\1\2\0\1\0\1\252\3\3", "\r\n\r\n\r\n" } do
      bad[i] = raw.connect(port)
      bad[i]:send(request)
    end
    for _ = 1, 10 do server:poll(0.002) end
    good:send_binary("here")
    assert.same({ "here" }, (session.receive(server, 1, { server })))
    assert.same({ good.id }, server:get_peers())
  end)

  it("whose lines end in bare LF, at the latest at the timeout", function()
    local server, port = session.server({ handshake_timeout = 0.2 })
    local client = raw.connect(port)
    client:send((raw.request():gsub("\r\n", "\n")))
    client:read_end({ server })
    assert.is_nil(client:unread():find(" 101 ", 1, true))
  end)
end)

describe("the sub-protocol of the server", function()
  after_each(session.close)

  local function asking(...)
    local lines = {}
    for i, value in ipairs { ... } do lines[i] = "Sec-WebSocket-Protocol: " .. value end
    return raw.request { lines = lines }
  end

  for _, row in ipairs {
    { { "alpha", "beta", "gamma" }, "delta,gamma,beta", "gamma" },
    { { "alpha", "beta" }, "beta, alpha", "beta" },
    { { "alpha", "beta" }, "  alpha ,x", "alpha" },
    { { " alpha " }, "alpha", "alpha" },
    { { "a" }, "b,\ta", "a" },
  } do
    it(("is %q for the request %q"):format(row[3], row[2]), function()
      local client, server = accepted(asking(row[2]), { supported_protocols = row[1] })
      assert.equals(row[3], raw.header(client.response, "Sec-WebSocket-Protocol"))
      assert.equals(row[3], server:get_peer(client.id):get_selected_protocol())
    end)
  end

  it("is found in repeated headers", function()
    local client = accepted(asking("x", "alpha", "y"), { supported_protocols = { "alpha" } })
    assert.equals("alpha", raw.header(client.response, "Sec-WebSocket-Protocol"))
  end)

  it("is empty when nobody has any", function()
    local client, server = accepted(raw.request())
    assert.is_nil(raw.header(client.response, "Sec-WebSocket-Protocol"))
    assert.equals("", server:get_peer(client.id):get_selected_protocol())
  end)

  it("must be one in common: 400", function()
    refused(400, asking("gamma"), { supported_protocols = { "alpha", "beta" } })
    refused(400, asking("Alpha"), { supported_protocols = { "alpha" } })
    refused(400, asking("alphabet, alph"), { supported_protocols = { "alpha" } })
  end)

  it("must be asked for when the server has some: 400", function()
    refused(400, raw.request(), { supported_protocols = { "alpha" } })
  end)

  it("must not be asked for when the server has none: 400", function()
    refused(400, asking("alpha"))
  end)
end)
