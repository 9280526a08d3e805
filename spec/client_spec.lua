local ws = require "wsmultiplayer"
local mime = require "mime"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"

local DISCONNECTED, CONNECTING = 0, 1

-- The request that our client sends for this URL; in it %p is the listener's port.
local function request_for(url, properties, address, port)
  local listener, why = raw.listen(address, port)
  if not listener then return nil, why end
  local client = session.peer(properties)
  local err, text = client:create_client((url:gsub("%%p", listener.port)))
  assert.equals(ws.OK, err, url .. ": " .. tostring(text))
  local connection = listener:accept_request({ client })
  return connection.request, listener.port, client
end

local function request_line(request)
  return request:match("^(.-)\r\n")
end

-- Polls the client until it is disconnected; no poll may have given a signal.
local function fails(client, seconds)
  local events = session.record(client)
  wait.until_(function() return session.is_disconnected(client) end, { client }, seconds, "the client to give up")
  assert.equals("", events.names())
  assert.equals(0, client:get_unique_id())
  assert.is_true(#client:get_last_error() > 0, "get_last_error() has no text")
end

describe("create_client", function()
  after_each(session.close)

  it("is connecting with id 0, and its peer 1 is there already", function()
    local listener = raw.listen()
    local client = session.peer()
    local err, why = client:create_client("ws://127.0.0.1:" .. listener.port)
    assert.equals(ws.OK, err)
    assert.is_nil(why)
    assert.equals(CONNECTING, client:get_connection_status())
    assert.equals(0, client:get_unique_id())
    assert.is_false(client:is_server())
    assert.is_truthy(client:get_peer(1))
    assert.equals(0, client:get_peer(1):get_ready_state())
    assert.is_nil(client:get_peer(2))
    assert.is_nil(client:get_peer(0))
  end)

  it("cannot send or receive before it is connected", function()
    local listener = raw.listen()
    local client = session.client(listener.port)
    assert.equals(ws.ERR_UNCONFIGURED, (client:put_packet("x")))
    local packet, err = client:get_packet()
    assert.is_nil(packet)
    assert.equals(ws.ERR_UNCONFIGURED, err)
    assert.equals(ws.ERR_UNCONFIGURED, client:get_packet_error())
    assert.equals(1, client:get_packet_peer())
  end)

  it("is connected with the id of the first message, which is no packet", function()
    local listener = raw.listen()
    local client = session.client(listener.port)
    local seen
    client.peer_connected:connect(function(id)
      seen = { id, client:get_unique_id(), client:get_connection_status(), client:get_available_packet_count() }
    end)
    local connection = listener:welcome({ client }, 305419896)
    connection:send_binary("first")
    wait.until_(function() return seen end, { client })
    assert.same({ 1, 305419896, 2, 0 }, seen)
    assert.same({ "first" }, (session.receive(client, 1, { client })))
    assert.equals(305419896, client:get_unique_id())
  end)

  it("knows the other end's address and port", function()
    local client, _, listener = session.by_hand()
    assert.equals("127.0.0.1", client:get_peer_address(1))
    assert.equals(listener.port, client:get_peer_port(1))
    assert.equals("ws://127.0.0.1:" .. listener.port, client:get_peer(1):get_requested_url())
    assert.same({}, client:get_peer(1):get_request_headers())
    assert.equals("", client:get_peer_address(2))
    assert.equals(0, client:get_peer_port(0))
    assert.same({ 1 }, client:get_peers())
  end)

  for _, url in ipairs {
    "", "ws://", "ws:///", "ws://:80", "http://127.0.0.1:1", "https://127.0.0.1:1", "file:///x", "ws://127.0.0.1:99999",
    "ws://127.0.0.1:0", "ws://127.0.0.1:-1", "ws://127.0.0.1:x", "ws://127.0.0.1:1?q=1", "ws://a:b:c", "ws://::1",
    "ws://[::1", "ws://127.0.0.1:1/\r\nX: y", "ws://127.0.0.1:1/\n", "ws://127.0.0.1\r\n:1/",
    "://127.0.0.1", "ws://127.0.0.1:1/\0x", "ws://127.0.0.1:123456789012345678901234567890/",
  } do
    it(("answers 31 and a text for the URL %q"):format(url), function()
      local client = session.peer()
      local err, why = client:create_client(url)
      assert.equals(ws.ERR_INVALID_PARAMETER, err)
      assert.is_true(#why > 0)
      assert.equals(DISCONNECTED, client:get_connection_status())
      assert.is_nil(client:get_peer(1))
    end)
  end

  it("answers an error or fails later for absurdly long URLs, without harm", function()
    for _, url in ipairs {
      "ws://" .. ("a"):rep(70000), "ws://127.0.0.1:9/" .. ("a"):rep(70000), ("x"):rep(1000) .. "://h",
      "ws://" .. ("a."):rep(500) .. "invalid:9/",
    } do
      local client = session.peer()
      if client:create_client(url) == ws.OK then
        wait.until_(function() return session.is_disconnected(client) end, { client })
      end
      client:close()
    end
  end)

  it("answers 31 for headers with line breaks and protocols that are no tokens", function()
    for _, bad in ipairs {
      { handshake_headers = { "X-A: 1\r\nX-B: 2" } }, { handshake_headers = { "X-A: \n" } },
      { supported_protocols = { "two words" } }, { supported_protocols = { "a,b" } }, { supported_protocols = { "" } },
    } do
      local client = session.peer(bad)
      local err, why = client:create_client("ws://127.0.0.1:9")
      assert.equals(ws.ERR_INVALID_PARAMETER, err)
      assert.is_true(#why > 0)
      assert.equals(DISCONNECTED, client:get_connection_status())
    end
  end)

  it("fails later, without a signal, when nobody listens", function()
    fails(session.client(raw.free_port()))
  end)

  it("fails later, without a signal, when the name does not resolve", function()
    local client = session.peer()
    assert.equals(ws.OK, (client:create_client("ws://no-such-host.invalid:9")))
    assert.equals(CONNECTING, client:get_connection_status())
    assert.equals("", client:get_peer_address(1))
    fails(client)
  end)

  it("connects by name, through whatever addresses the name has", function()
    local listener = raw.listen()
    local client = session.peer()
    assert.equals(ws.OK, (client:create_client("ws://localhost:" .. listener.port)))
    listener:welcome({ client }, 77)
    wait.until_(function() return session.is_connected(client) end, { client })
    assert.equals(77, client:get_unique_id())
  end)

  it("forgets the last error when it is used again", function()
    local client = session.client(raw.free_port())
    fails(client)
    local listener = raw.listen()
    assert.equals(ws.OK, (client:create_client("ws://127.0.0.1:" .. listener.port)))
    assert.equals("", client:get_last_error())
    listener:welcome({ client }, 5)
    wait.until_(function() return session.is_connected(client) end, { client })
    assert.equals(5, client:get_unique_id())
  end)

  it("can be closed while connecting, and used again at once", function()
    local listener = raw.listen()
    local client = session.client(listener.port)
    for _ = 1, 3 do
      client:close()
      assert.equals(DISCONNECTED, client:get_connection_status())
      assert.equals(ws.OK, (client:create_client("ws://127.0.0.1:" .. listener.port)))
      client:poll()
    end
  end)

  it("ends with disconnect_peer(1) while connecting, without a signal", function()
    local listener = raw.listen()
    local client = session.client(listener.port)
    local events = session.record(client)
    client:poll()
    client:disconnect_peer(1)
    wait.until_(function() return session.is_disconnected(client) end, { client })
    assert.equals("", events.names())
  end)
end)

describe("poll of a client never blocks", function()
  after_each(session.close)

  -- The longest of all polls until the client has given up. A busy machine may stop us for a moment, so the best of
  -- several tries counts: a poll that blocks does so in each.
  local function longest_poll(url, prepare)
    local best = math.huge
    for _ = 1, 4 do
      local client = session.peer({ handshake_timeout = 0.3 })
      local before = wait.now()
      assert.equals(ws.OK, (client:create_client(url)))
      local longest = wait.now() - before
      if prepare then prepare(client) end
      wait.until_(function()
        local started = wait.now()
        client:poll()
        longest = math.max(longest, wait.now() - started)
        return session.is_disconnected(client)
      end, {}, 8, "the client to give up")
      best = math.min(best, longest)
      if best < 0.05 then break end
    end
    return best
  end

  it("with a name that does not resolve", function()
    assert.is_true(longest_poll("ws://no-such-host.invalid:9/") < 0.05)
    assert.is_true(longest_poll("ws://no-such-host.example:9/") < 0.05)
  end)

  it("with an address that does not answer", function()
    assert.is_true(longest_poll("ws://198.51.100.1:9/") < 0.05)
  end)

  it("with a server that does not answer", function()
    local listener = raw.listen()
    assert.is_true(longest_poll("ws://127.0.0.1:" .. listener.port) < 0.05)
  end)

  it("and close() does not block either while a name is looked up", function()
    local client = session.peer()
    assert.equals(ws.OK, (client:create_client("ws://no-such-host.example:9/")))
    client:poll()
    local started = wait.now()
    client:close()
    assert.is_true(wait.now() - started < 0.5)
  end)
end)

describe("the timeout of a client", function()
  after_each(session.close)

  local function gives_up_in_time(client)
    local started = wait.now()
    fails(client, 5)
    local took = wait.now() - started
    assert.is_true(took > 0.2 and took < 2, "took " .. took)
  end

  it("counts while the server says nothing", function()
    local listener = raw.listen()
    local client = session.client(listener.port, { handshake_timeout = 0.3 })
    local connection = listener:accept_request({ client })
    gives_up_in_time(client)
    connection:read_end({})
  end)

  it("counts while the server trickles its answer", function()
    local listener = raw.listen()
    local client = session.client(listener.port, { handshake_timeout = 0.3 })
    local connection = listener:accept_request({ client })
    connection:send(raw.response(connection.request):sub(1, -3))
    gives_up_in_time(client)
  end)

  it("counts while the client waits for its id", function()
    local listener = raw.listen()
    local client = session.client(listener.port, { handshake_timeout = 0.3 })
    local connection = listener:welcome({ client }, false)
    gives_up_in_time(client)
    connection:read_end({})
  end)

  it("does not count once the client is connected", function()
    local client, connection = session.by_hand({ handshake_timeout = 0.15 })
    wait.quiet({ client }, 0.4)
    connection:send_binary("late")
    assert.same({ "late" }, (session.receive(client, 1, { client })))
  end)
end)

describe("the request of a client", function()
  after_each(session.close)

  it("is Godot's, line by line", function()
    local request, port = request_for("ws://127.0.0.1:%p/p?q", {
      supported_protocols = { "b", "a" }, handshake_headers = { "X-Tok: 1", "X-Other: \195\169t\195\169" },
    })
    local key = raw.header(request, "Sec-WebSocket-Key")
    assert.equals(table.concat({
      "GET /p?q HTTP/1.1", "Host: 127.0.0.1:" .. port, "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Key: " .. key, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: b,a",
      "X-Tok: 1", "X-Other: \195\169t\195\169", "", "",
    }, "\r\n"), request)
  end)

  it("has no more than it needs", function()
    local request, port = request_for("ws://127.0.0.1:%p")
    local key = raw.header(request, "Sec-WebSocket-Key")
    assert.equals(("GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" ..
      "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n"):format(port, key), request)
  end)

  it("has a new key of 16 bytes each time", function()
    local seen = {}
    for _ = 1, 5 do
      local key = raw.header(request_for("ws://127.0.0.1:%p"), "Sec-WebSocket-Key")
      assert.equals(24, #key)
      assert.equals(16, #mime.unb64(key))
      assert.is_nil(seen[key])
      seen[key] = true
    end
  end)

  for url, expected in pairs {
    ["ws://127.0.0.1:%p"] = "/", ["ws://127.0.0.1:%p/"] = "/", ["WS://127.0.0.1:%p"] = "/", ["127.0.0.1:%p"] = "/",
    ["127.0.0.1:%p/x"] = "/x", ["ws://127.0.0.1:%p/path/x?y=1&z=2"] = "/path/x?y=1&z=2",
    ["ws://127.0.0.1:%p#frag"] = "/", ["ws://127.0.0.1:%p/x#frag"] = "/x", ["ws://user:pw@127.0.0.1:%p/"] = "/",
    ["ws://127.0.0.1:%p/a b"] = "/a%20b", ["ws://127.0.0.1:%p/?a=ws://b:1/c@d"] = "/?a=ws://b:1/c@d",
    ["ws://127.0.0.1:%p//x:y"] = "//x:y",
  } do
    it(("asks for %q of %q"):format(expected, url), function()
      local request, port = request_for(url)
      assert.equals("GET " .. expected .. " HTTP/1.1", request_line(request))
      assert.equals("127.0.0.1:" .. port, raw.header(request, "Host"))
      assert.is_nil(raw.header(request, "Authorization"))
    end)
  end

  it("has the host in small letters, and brackets around an IPv6 address", function()
    local request, port = request_for("ws://LocalHost:%p/A")
    assert.equals("localhost:" .. port, raw.header(request, "Host"))
    assert.equals("GET /A HTTP/1.1", request_line(request))
    if not raw.has_ipv6() then return end
    request, port = request_for("ws://[::1]:%p/", nil, "::1")
    assert.equals("[::1]:" .. port, raw.header(request, "Host"))
  end)

  it("leaves port 80 out of Host, and no other", function()
    local request, why = request_for("ws://127.0.0.1", nil, nil, 80)
    if not request then return pending("port 80 is not to be had: " .. why) end
    assert.equals("127.0.0.1", raw.header(request, "Host"))
    session.close()
    request = request_for("ws://127.0.0.1:80/", nil, nil, 80)
    if request then assert.equals("127.0.0.1", raw.header(request, "Host")) end
    request = request_for("ws://127.0.0.1:443/", nil, nil, 443)
    if request then assert.equals("127.0.0.1:443", raw.header(request, "Host")) end
  end)

  it("carries hundreds of header lines", function()
    local lines = {}
    for i = 1, 100 do lines[i] = ("X-Line-%d: %s"):format(i, ("v"):rep(20)) end
    local request = request_for("ws://127.0.0.1:%p", { handshake_headers = lines })
    for i = 1, 100 do assert.equals(("v"):rep(20), raw.header(request, "X-Line-" .. i)) end
  end)
end)
