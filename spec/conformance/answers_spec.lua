-- Opening handshakes (RFC 6455 section 4) of our client.
local answers = require "conformance.answers"
local echo = require "conformance.echo"
local frames = require "support.frames"
local raw = require "support.raw"
local wait = require "support.wait"
local websocket = require "support.websocket"

local function check(role, case)
  local client, connection = echo.ask(case.properties)
  local opens = case.opens
  local known = role == "secure client" and case.known
  if known and echo.OLD then opens = not opens end
  connection:send(case[2](connection.request) .. frames.build { payload = "first" })
  -- Some answers could still be the beginning of a good one: their end decides.
  if known or not opens then connection:shut_write() end
  wait.until_(function() return client:get_ready_state() ~= websocket.CONNECTING end, { client }, 5)
  if known and not echo.OLD then opens = client:get_ready_state() == websocket.OPEN end
  if opens then
    assert.equals(websocket.OPEN, client:get_ready_state(), client:get_last_error())
    assert.same({ "first" }, (websocket.receive(client, 1)))
    assert.equals(case.protocol or "", client:get_selected_protocol())
  else
    assert.equals(websocket.CLOSED, client:get_ready_state())
    assert.equals(0, client:get_available_packet_count())
    assert.is_true(#client:get_last_error() > 0)
    connection:read_end({ client })
  end
  client:close(-1)
  connection:close()
end

for role, name in pairs { client = "a client", ["secure client"] = "a client over TLS" } do
  describe("RFC 6455: " .. name .. " and an answer", function()
    setup(function() echo.setup(role) end)
    teardown(echo.teardown)

    for _, case in ipairs(answers) do
      it(case[1] .. (case.opens and ": opens" or ": refused"), function() check(role, case) end)
    end
  end)
end

local asking = echo.ask

describe("RFC 6455: a client and an answer that comes", function()
  setup(function() echo.setup "client" end)
  teardown(echo.teardown)

  local function opens(cut)
    local client, connection = asking()
    local head = raw.response(connection.request)
    cut(connection, head .. frames.build { opcode = frames.TEXT, payload = "first" } ..
      frames.build { opcode = frames.PING, payload = "p" } .. frames.build { payload = "second" }, client, #head)
    local messages, texts = websocket.receive(client, 2)
    assert.same({ "first", "second" }, messages)
    assert.same({ true, false }, texts)
    assert.equals("p", connection:read_frame({ client }).payload)
    client:close(-1)
    connection:close()
  end

  for at = -6, 11 do
    it(("with frames behind it, in two pieces cut at %+d of its end"):format(at), function()
      opens(function(connection, bytes, client, head)
        connection:trickle(bytes:sub(1, head + at), { client }, head + at)
        connection:send(bytes:sub(head + at + 1))
      end)
    end)
  end
  for _, size in ipairs { 1, 2, 3, 10, 100, 1000 } do
    it(("with frames behind it, in pieces of %d bytes"):format(size), function()
      opens(function(connection, bytes, client) connection:trickle(bytes, { client }, size) end)
    end)
  end
  for name, row in pairs {
    ["a close frame"] = { frames.build { opcode = frames.CLOSE, payload = "\15\161" }, 4001 },
    ["a bad frame"] = { "\255\255\255", 1002 }, ["bad UTF-8"] = { "\129\1\255", 1007 },
  } do
    it(("with %s right behind it"):format(name), function()
      local client, connection = asking()
      connection:send(raw.response(connection.request) .. row[1])
      assert.equals(row[2], connection:read_frame({ client }).code)
      connection:read_end({ client })
      websocket.reach(client, websocket.CLOSED)
      assert.equals(row[2], client:get_close_code())
    end)
  end
  for _, at in ipairs { 0, 1, 12, 40, -5, -4, -3, -2 } do
    it(("and ends at byte %d: refused"):format(at), function()
      local client, connection = asking()
      local head = raw.response(connection.request)
      connection:send(at == 0 and "" or head:sub(1, at)):shut_write()
      websocket.reach(client, websocket.CLOSED)
      connection:read_end({ client })
    end)
  end
end)

describe("RFC 6455: the request of a client", function()
  setup(function() echo.setup "client" end)
  teardown(echo.teardown)

  local function request(properties, path)
    local client, connection = asking(properties, path)
    client:close(-1)
    return connection.request
  end

  it("is one by GET in HTTP/1.1", function()
    assert.equals("GET / HTTP/1.1\r\n", request():match("^[^\n]*\n"))
    assert.equals("GET /a?b=c HTTP/1.1\r\n", request(nil, "/a?b=c"):match("^[^\n]*\n"))
  end)
  it("names the host with its port", function()
    local client = asking()
    assert.equals(client:get_requested_url(), "ws://" .. raw.header(request(), "Host"))
    client:close(-1)
  end)
  it("asks for an upgrade to version 13 and offers no extension", function()
    local head = request()
    assert.equals("websocket", raw.header(head, "Upgrade"))
    assert.equals("Upgrade", raw.header(head, "Connection"))
    assert.equals("13", raw.header(head, "Sec-WebSocket-Version"))
    assert.is_nil(raw.header(head, "Sec-WebSocket-Extensions"))
    assert.is_nil(raw.header(head, "Sec-WebSocket-Protocol"))
  end)
  it("has a key of 16 random bytes in base64", function()
    local seen = {}
    for _ = 1, 10 do
      local key = raw.header(request(), "Sec-WebSocket-Key")
      assert.matches("^[%w+/]+==$", key)
      assert.equals(24, #key)
      assert.is_nil(seen[key])
      seen[key] = true
    end
  end)
  it("asks for sub-protocols in their order", function()
    assert.equals("b,a", raw.header(request({ supported_protocols = { "b", "a" } }), "Sec-WebSocket-Protocol"))
  end)
  it("is followed by nothing before the answer", function()
    local client, connection = asking()
    for _ = 1, 5 do client:poll() end
    assert.equals("", connection:unread())
    client:close(-1)
  end)
end)

describe("RFC 6455: the frames of a client", function()
  after_each(websocket.close)

  it("have a fresh mask each", function()
    local client, connection = websocket.by_hand()
    local masks = {}
    for i = 1, 50 do
      client:send("message " .. i)
      local frame = connection:read_frame({ client })
      assert.equals("message " .. i, frame.payload)
      assert.is_nil(masks[frame.mask])
      masks[frame.mask] = true
    end
  end)
end)
