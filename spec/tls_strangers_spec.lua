-- What comes to a port that speaks another protocol, and what the environment says.
local ws = require "wsmultiplayer"
local certificates = require "support.certificates"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"
local websocket = require "support.websocket"
local child = require "support.child"
local tls = require "support.tls"

local TLSOptions = ws.TLSOptions
local start_server, start_client, outcome = tls.start_server, tls.start_client, tls.outcome
local join, trusting = tls.join, tls.trusting
local clean_up, content, client_hello = tls.clean_up, tls.content, tls.client_hello

describe("what does not speak TLS on a wss port", function()
  after_each(clean_up)

  local server, inside

  before_each(function()
    server = start_server "good"
    inside = join(server, trusting())
  end)

  local function nobody_was_harmed()
    inside:put_packet("still here")
    assert.same({ "still here" }, (session.receive(server, 1, { server, inside })))
    assert.equals(1, #server:get_peers())
    join(server, trusting())
  end

  for title, bytes in pairs {
    ["an HTTP request"] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ["a WebSocket request"] = raw.request(),
    ["a POST with a body"] = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
    ["zeros"] = ("\0"):rep(500),
    ["bytes of all kinds"] = content(1, 5000),
    ["a TLS alert"] = "\21\3\3\0\2\2\40",
    ["a hello that is none"] = "\22\3\1\0\5\2\0\0\1\255",
    ["a record that is too large"] = "\22\3\1\255\255" .. ("x"):rep(1000),
    ["application data first"] = "\23\3\3\0\5hello",
    ["an old SSL 2 hello"] = "\128\46\1\3\1\0\21\0\0\0\16" .. ("x"):rep(40),
  } do
    it("ends promptly: " .. title, function()
      local connection = raw.connect(server:get_bound_port())
      connection:send(bytes)
      local started = wait.now()
      connection:read_end({ server })
      assert.is_true(wait.now() - started < 1.5, "took " .. (wait.now() - started))
      assert.is_nil(connection:unread():find("101", 1, true))
      nobody_was_harmed()
    end)
  end

  it("ends at the time limit when it says nothing, or only half of it", function()
    server.handshake_timeout = 0.3
    local hello = client_hello()
    local port = server:get_bound_port()
    local silent, half, complete, trickling =
      raw.connect(port), raw.connect(port), raw.connect(port), raw.connect(port)
    half:send(hello:sub(1, 20))
    complete:send(hello)
    local started, at = wait.now(), 1
    wait.until_(function()
      trickling:send(hello:sub(at, at))
      at = at + 1
      for _, connection in ipairs { silent, half, complete, trickling } do
        if not connection:pump().ended then return false end
      end
      return true
    end, { server }, 3)
    assert.is_true(wait.now() - started < 2)
    -- The one whose hello was complete was answered.
    assert.equals(22, complete:unread():byte(1))
    nobody_was_harmed()
  end)

  it("ends when the client goes away at any point of its hello", function()
    local hello = client_hello()
    for size = 0, #hello, 9 do
      local connection = raw.connect(server:get_bound_port())
      connection:send(hello:sub(1, size))
      server:poll()
      if size % 2 == 0 then connection:reset() else connection:close() end
      server:poll()
    end
    nobody_was_harmed()
  end)

  it("ends a ws:// client of ours, with a reason", function()
    local client = session.client(server:get_bound_port())
    local started = wait.now()
    assert.is_false(outcome(server, client))
    assert.is_true(wait.now() - started < 1.5)
    assert.is_true(#client:get_last_error() > 0)
    local alone = websocket.connect(server:get_bound_port())
    websocket.reach(alone, websocket.CLOSED, { server, alone })
    assert.is_true(#alone:get_last_error() > 0)
    nobody_was_harmed()
  end)
end)

describe("TLS on a ws port", function()
  after_each(clean_up)

  local server, inside

  before_each(function()
    server = session.server()
    inside = session.join(server)
  end)

  local function nobody_was_harmed()
    inside:put_packet("still here")
    assert.same({ "still here" }, (session.receive(server, 1, { server, inside })))
    assert.equals(1, #server:get_peers())
    session.join(server)
  end

  it("a ClientHello ends promptly", function()
    local connection = raw.connect(server:get_bound_port())
    connection:send(client_hello())
    local started = wait.now()
    connection:read_end({ server })
    assert.is_true(wait.now() - started < 1.5, "took " .. (wait.now() - started))
    nobody_was_harmed()
  end)

  it("a wss:// client of ours ends promptly with a reason", function()
    for _, options in ipairs { trusting(), TLSOptions.client_unsafe() } do
      local client = start_client(server:get_bound_port(), options)
      local started = wait.now()
      assert.is_false(outcome(server, client))
      assert.is_true(wait.now() - started < 1.5)
      assert.matches("TLS", client:get_last_error())
      local alone = websocket.peer()
      alone:connect_to_url("wss://localhost:" .. server:get_bound_port(), options)
      websocket.reach(alone, websocket.CLOSED, { server, alone })
      assert.matches("TLS", alone:get_last_error())
    end
    nobody_was_harmed()
  end)
end)

describe("a wss:// client of ours whose server says nothing", function()
  after_each(clean_up)

  local function takes_no_processor_time(poll)
    local listener = assert(raw.listen())
    local client = start_client(listener.port, trusting(), "127.0.0.1", { handshake_timeout = 0.5 })
    local before = os.clock()
    repeat poll(client) until session.is_disconnected(client)
    local used = os.clock() - before
    assert.matches("in the TLS handshake", client:get_last_error())
    assert(used < 0.15, used)
  end

  it("waits in poll", function() takes_no_processor_time(function(client) client:poll(0.1) end) end)
  it("waits in ws.poll", function() takes_no_processor_time(function() ws.poll(0.1) end) end)
end)

describe("http_proxy in the environment", function()
  after_each(clean_up)

  it("diverts nobody, neither ws nor wss, alone or multiplayer", function()
    local proxy = raw.listen()
    local address = "http://127.0.0.1:" .. proxy.port
    local output = child.run(([[
      local ws = require "wsmultiplayer"
      local key, certificate, root = %q, %q, %q
      for _, scheme in ipairs { "ws", "wss" } do
        local secure = scheme == "wss"
        local server = ws.WebSocketMultiplayerPeer.new()
        assert(server:create_server(0, "127.0.0.1", secure and ws.TLSOptions.server(key, certificate) or nil) == 0)
        local url = ("%%s://localhost:%%d"):format(scheme, server:get_bound_port())
        local options = secure and ws.TLSOptions.client(root) or nil
        local client, alone = ws.WebSocketMultiplayerPeer.new(), ws.WebSocketPeer.new()
        assert(client:create_client(url, options) == 0 and alone:connect_to_url(url, options) == 0)
        for _ = 1, 2000 do
          server:poll(0.001) client:poll(0.001) alone:poll(0.001)
          if client:get_connection_status() == 2 and alone:get_ready_state() == 1 then break end
        end
        print(scheme, client:get_connection_status(), alone:get_ready_state(), client:get_last_error())
      end
    ]]):format(certificates.good_key, certificates.good, certificates.root), {
      http_proxy = address, https_proxy = address, HTTP_PROXY = address, HTTPS_PROXY = address, all_proxy = address,
      ALL_PROXY = address, socks_proxy = "127.0.0.1:" .. proxy.port,
    })
    assert.matches("ws\t2\t1\t\nwss\t2\t1\t\n", output)
    assert.is_nil((proxy.socket:accept()))
  end)
end)
