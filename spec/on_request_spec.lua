local ws = require "wsmultiplayer"
local call = require "support.call"
local frames = require "support.frames"
local raw = require "support.raw"
local servers = require "support.servers"
local session = require "support.session"
local wait = require "support.wait"
local websocket = require "support.websocket"

for _, kind in ipairs(servers) do
  describe(kind.name .. ".on_request", function()
    local server, port, count

    before_each(function() server, port, count = kind.listen() end)
    after_each(function()
      session.close()
      websocket.close()
    end)

    local function ask(request)
      local connection = raw.connect(port)
      connection:send(request or raw.request())
      return connection
    end

    -- The status of the answer, its body, and the whole head.
    local function answer(connection)
      local head = assert(connection:read_head({ server }))
      if raw.status(head) == 101 then return 101, "", head end
      connection:read_end({ server })
      local body = connection:unread()
      assert.equals(tonumber(raw.header(head, "Content-Length")), #body)
      assert.equals("close", raw.header(head, "Connection"))
      return raw.status(head), body, head
    end

    it("is nil at first: everybody comes in", function()
      assert.is_nil(server.on_request)
      for _ = 1, 3 do assert.equals(101, (answer(ask()))) end
      assert.equals(3, count())
    end)

    it("raises for what is neither a function nor nil", function()
      for _, wrong in ipairs { 1, "x", {}, true, server } do
        local ok, err = pcall(function() server.on_request = wrong end)
        assert.is_false(ok)
        assert.matches("on_request", err, 1, true)
      end
      assert.is_false((call(server, "set_on_request", "x")))
      server:set_on_request(print)
      assert.equals(print, server:get_on_request())
    end)

    it("sees the whole request", function()
      local seen
      server.supported_protocols = { "b" }
      kind.close(server)
      assert.equals(ws.OK, (kind.again(server, port)))
      server.on_request = function(request) seen = request end
      local connection = ask(raw.request {
        path = "/rooms/5%20x?key=a=b&y?z", host = "Example.test:8080", lines = {
          "Origin: https://example.test", "Sec-WebSocket-Protocol: a ,b", "Sec-WebSocket-Protocol: c",
          "X-Empty:", "x-MIXED:   two words  ", "Cookie: a=1; b=2", "X-Many: 1", "X-many: 2",
        },
      })
      assert.equals(101, (answer(connection)))
      assert.equals("/rooms/5%20x?key=a=b&y?z", seen.target)
      assert.equals("/rooms/5%20x", seen.path)
      assert.equals("key=a=b&y?z", seen.query)
      assert.equals("Example.test:8080", seen.host)
      assert.equals("https://example.test", seen.origin)
      assert.same({ "a", "b", "c" }, seen.protocols)
      assert.equals("127.0.0.1", seen.address)
      assert.equals(connection:local_port(), seen.port)
      assert.is_false(seen.tls)
      assert.equals("", seen.headers["x-empty"])
      assert.equals("two words", seen.headers["x-mixed"])
      assert.equals("a=1; b=2", seen.headers.cookie)
      assert.equals("1, 2", seen.headers["x-many"])
      assert.equals("13", seen.headers["sec-websocket-version"])
      assert.equals("websocket", seen.headers.upgrade:lower())
      assert.equals(raw.KEY, seen.headers["sec-websocket-key"])
    end)

    it("sees what is not there as nil, empty text and empty list", function()
      local seen
      server.on_request = function(request) seen = request end
      assert.equals(101, (answer(ask())))
      assert.same({ "/", "/", "" }, { seen.target, seen.path, seen.query })
      assert.is_nil(seen.origin)
      assert.same({}, seen.protocols)
      assert.equals("127.0.0.1", seen.host)
    end)

    for _, row in ipairs {
      { "nil", {}, 101 },
      { "true", { true }, 101 },
      { "false", { false }, 403, "Forbidden", "not admitted" },
      { "false and a text", { false, "go away" }, 403, "Forbidden", "go away" },
      { "400", { 400 }, 400, "Bad Request", "not admitted" },
      { "401 and a text", { 401, "who are you?" }, 401, "Unauthorized", "who are you?" },
      { "404", { 404, "no such room" }, 404, "Not Found", "no such room" },
      { "429", { 429, "slowly" }, 429, "Too Many Requests", "slowly" },
      { "499", { 499, "" }, 499, "Refused", "" },
      { "503 and a number", { 503, 10 }, 503, "Service Unavailable", "10" },
      { "599", { 599, "x" }, 599, nil, "x" },
      { "426", { 426, "later" }, 426, "Upgrade Required", "later" },
    } do
      local returned, status, phrase, body = row[2], row[3], row[4], row[5]
      it(("that returns %s is answered with %d"):format(row[1], status), function()
        server.on_request = function() return returned[1], returned[2] end
        local connection = ask()
        local got, text, head = answer(connection)
        assert.equals(status, got)
        if status == 101 then
          connection:send_binary("hello")
          assert.equals(1, count())
          return
        end
        if phrase then assert.equals(("HTTP/1.1 %d %s"):format(status, phrase), head:match("^[^\r]*")) end
        assert.equals(body .. "\n", text)
        assert.matches("^text/plain", raw.header(head, "Content-Type"))
        assert.equals(status == 426, raw.header(head, "Upgrade") ~= nil)
        assert.equals(0, count())
        server.on_request = nil
        assert.equals(101, (answer(ask())))
      end)
    end

    it("that returns anything else refuses with 500, and poll() raises", function()
      for _, wrong in ipairs { 101, 200, 302, 399, 600, 404.5, "yes", {}, print } do
        server.on_request = function() return wrong end
        local connection = ask()
        local ok, err
        wait.until_(function()
          ok, err = pcall(server.poll, server, 0.01)
          return not ok
        end, {})
        assert.matches("on_request must return", err, 1, true)
        assert.equals(500, (answer(connection)))
      end
      assert.equals(0, count())
    end)

    it("is called once for a request, for good ones only", function()
      local called = 0
      server.on_request = function() called = called + 1 end
      for _, bad in ipairs {
        raw.request { key = "x" }, raw.request { line = "POST / HTTP/1.1" }, "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        raw.request { lines = { "Sec-WebSocket-Protocol: unknown" } }, raw.request { line = "GET \t HTTP/1.1" },
      } do
        assert.is_true((answer(ask(bad))) >= 400)
      end
      assert.equals(0, called)
      for i = 1, 3 do
        assert.equals(101, (answer(ask())))
        assert.equals(i, called)
      end
    end)

    it("decides for each of 50 requests at once", function()
      local paths = {}
      server.on_request = function(request)
        local number = tonumber(request.path:match("%d+"))
        paths[#paths + 1] = number
        if number % 2 == 0 then return 404, "even " .. number end
      end
      local connections = {}
      for i = 1, 50 do connections[i] = ask(raw.request { path = "/" .. i }) end
      for i = 1, 50 do
        local status, body = answer(connections[i])
        assert.equals(i % 2 == 0 and 404 or 101, status)
        assert.equals(i % 2 == 0 and "even " .. i .. "\n" or "", body)
      end
      assert.equals(50, #paths)
      wait.until_(function() return count() == 25 end, { server })
    end)

    it("that raises refuses this one with 500, and poll() passes the error on with its traceback", function()
      local calls = 0
      server.on_request = function(request)
        calls = calls + 1
        if request.path == "/bad" then error("no thanks") end
      end
      local connections = {
        ask(raw.request { path = "/1" }), ask(raw.request { path = "/bad" }), ask(raw.request { path = "/2" }),
        ask(raw.request { path = "/bad" }), ask(raw.request { path = "/3" }),
      }
      local errors = {}
      wait.until_(function()
        local ok, err = pcall(server.poll, server, 0.01)
        if not ok then errors[#errors + 1] = err end
        return calls == 5 and #errors == 2
      end, {})
      for _, err in ipairs(errors) do
        assert.matches("on_request_spec.lua:%d+: no thanks", err)
        assert.matches("traceback", err)
      end
      for i, status in ipairs { 101, 500, 101, 500, 101 } do
        local got, body = answer(connections[i])
        assert.equals(status, got)
        assert.is_nil(body:find("no thanks", 1, true)) -- not for strangers
      end
      wait.until_(function() return count() == 3 end, { server })
    end)

    it("that raises a table passes it on as it is", function()
      local thing = {}
      server.on_request = function() error(thing) end
      local connection = ask()
      local got
      wait.until_(function()
        local ok, err = pcall(server.poll, server, 0.01)
        got = not ok and err
        return got
      end, {})
      assert.is_true(got == thing)
      server.on_request = nil
      assert.equals(500, (answer(connection)))
    end)

    it("may be replaced, and set to nil, also by itself", function()
      server.on_request = function()
        server.on_request = function()
          server.on_request = nil
          return 404
        end
        return 403
      end
      local connections = { ask(), ask(), ask() }
      local statuses = {}
      for i = 1, 3 do statuses[i] = answer(connections[i]) end
      table.sort(statuses)
      assert.same({ 101, 403, 404 }, statuses)
      assert.is_nil(server.on_request)
    end)

    it("set to nil while a request waits lets it in", function()
      local calls = 0
      server.on_request = function()
        calls = calls + 1
        error "stop"
      end
      local connections = { ask(), ask() }
      wait.until_(function() return not pcall(server.poll, server, 0.01) end, {})
      server.on_request = nil
      local statuses = {}
      for i = 1, 2 do statuses[i] = answer(connections[i]) end
      table.sort(statuses)
      assert.equals(500, statuses[2])
      assert.is_true(statuses[1] == 101 and calls == 1 or calls == 2)
    end)

    for _, verdict in ipairs { "nothing", "403" } do
      it(("may close the server and return %s"):format(verdict), function()
        local calls = 0
        server.on_request = function()
          calls = calls + 1
          kind.close(server)
          if verdict == "403" then return 403 end
        end
        local connections = { ask(), ask(), ask() }
        wait.until_(function() return calls > 0 end, { server })
        for _, connection in ipairs(connections) do
          connection:read_end({ server })
          assert.is_nil(connection:unread():find("101", 1, true))
        end
        assert.equals(1, calls)
        assert.equals(0, count())
      end)
    end

    it("may close the server and listen again", function()
      local calls = 0
      server.on_request = function()
        calls = calls + 1
        if calls == 1 then
          kind.close(server)
          assert(kind.again(server, port) == ws.OK)
        end
      end
      local first = ask()
      first:read_end({ server })
      assert.equals("", first:unread())
      assert.equals(101, (answer(ask())))
      assert.equals(2, calls)
    end)

    it("may poll the server inside", function()
      local depth = 0
      server.on_request = function()
        depth = depth + 1
        if depth < 3 then pcall(server.poll, server) end
      end
      local connections = { ask(), ask(), ask() }
      for _, connection in ipairs(connections) do
        local status = answer(connection)
        assert.is_true(status == 101 or status == 403, status)
      end
    end)

    it("is called with rubbish collected all the time", function()
      server.on_request = function(request)
        collectgarbage()
        server.on_request = server.on_request
        collectgarbage()
        return request.path == "/"
      end
      collectgarbage()
      assert.equals(101, (answer(ask())))
      assert.equals(403, (answer(ask(raw.request { path = "/x" }))))
    end)

    it("may be left with a client that went away while it waited", function()
      local calls = 0
      server.on_request = function()
        calls = calls + 1
        if calls == 1 then error "first" end
      end
      local connections = {}
      for i = 1, 6 do connections[i] = ask() end
      wait.until_(function() return not pcall(server.poll, server, 0.01) end, {})
      for i = 1, 6, 2 do connections[i]:reset() end
      for i = 2, 4, 2 do connections[i]:close() end
      wait.quiet({ server }, 0.05)
      local status = answer(connections[6])
      assert.is_true(status == 101 or status == 500)
      assert.equals(101, (answer(ask())))
    end)

    it("is not called before a request that drips in is complete", function()
      local called = 0
      server.on_request = function(request)
        called = called + 1
        return request.path == "/slow" or 404
      end
      local connection = raw.connect(port)
      local request = raw.request { path = "/slow", lines = { "X-Long: " .. ("y"):rep(200) } }
      connection:trickle(request:sub(1, -2), { server }, 7)
      assert.equals(0, called)
      connection:send(request:sub(-1))
      assert.equals(101, (answer(connection)))
      assert.equals(1, called)
    end)

    it("keeps what was sent behind the request", function()
      server.on_request = function() end
      local connection = raw.connect(port)
      connection:send(raw.request() .. connection:frame_bytes { payload = "behind" } ..
        connection:frame_bytes { opcode = frames.PING, payload = "p" })
      assert.equals(101, (answer(connection)))
      if kind.name == "WebSocketServer" then
        assert.same({ "behind" }, (websocket.receive(websocket.take(server), 1, { server })))
      else
        assert.equals(4, #connection:read_binary({ server }))
        assert.same({ "behind" }, (session.receive(server, 1, { server })))
      end
      local pong = connection:read_frame({ server })
      assert.same({ frames.PONG, "p" }, { pong.opcode, pong.payload })
    end)

    it("does not see requests that are not complete within handshake_timeout", function()
      server.handshake_timeout = 0.1
      local called = 0
      server.on_request = function() called = called + 1 end
      local silent, half = raw.connect(port), raw.connect(port)
      half:send(raw.request():sub(1, -3))
      silent:read_end({ server }, 2)
      half:read_end({ server }, 2)
      assert.equals(0, called)
    end)

    it("has no influence on those who are in", function()
      local inside = ask()
      answer(inside)
      wait.until_(function() return count() == 1 end, { server })
      server.on_request = function() return false end
      inside:send_frame { opcode = frames.PING, payload = "alive" }
      local frame
      repeat frame = inside:read_frame({ server }) until frame.opcode == frames.PONG
      assert.equals("alive", frame.payload)
      assert.equals(403, (answer(ask())))
    end)

    it("tells our client the status in get_last_error()", function()
      server.on_request = function() return 404, "no such room" end
      local client = websocket.connect(port)
      websocket.reach(client, websocket.CLOSED, { client, server })
      assert.matches("404", client:get_last_error())
      assert.equals(-1, client:get_close_code())
    end)
  end)
end

describe("on_request of WebSocketMultiplayerPeer", function()
  local server, port, events

  before_each(function()
    server, port = session.server()
    events = session.record(server)
  end)
  after_each(session.close)

  it("comes before peer_connected, which only those admitted get", function()
    local order = {}
    server.on_request = function(request)
      order[#order + 1] = "request " .. request.path
      return request.path == "/in"
    end
    server.peer_connected:connect(function() order[#order + 1] = "connected" end)
    local out = raw.connect(port)
    out:send(raw.request { path = "/out" })
    assert.equals(403, raw.status(out:read_head({ server })))
    local inside = raw.join(port, { server }, raw.request { path = "/in" })
    assert.same({ "request /out", "request /in", "connected" }, order)
    assert.equals("connected " .. inside.id, events.names())
    assert.same({ inside.id }, server:get_peers())
  end)

  it("may disconnect others and send to them", function()
    local old = raw.join(port, { server })
    local other = raw.join(port, { server })
    server.on_request = function()
      server:set_target_peer(other.id)
      server:put_packet("somebody comes")
      server:disconnect_peer(old.id)
      server:disconnect_peer(other.id, true)
    end
    local new = raw.join(port, { server })
    assert.equals("somebody comes", other:read_binary({ server }))
    assert.equals(1000, other:read_frame({ server }).code)
    assert.equals(1000, old:read_frame({ server }).code)
    wait.until_(function() return #server:get_peers() == 1 end, { server })
    assert.same({ new.id }, server:get_peers())
  end)

  it("may make a client of the same peer", function()
    local listener = raw.listen()
    server.on_request = function()
      server:close()
      assert(server:create_client("ws://127.0.0.1:" .. listener.port) == ws.OK)
    end
    local connection = raw.connect(port)
    connection:send(raw.request())
    connection:read_end({ server })
    listener:welcome({ server }, 77)
    wait.until_(function() return server:get_unique_id() == 77 end, { server })
  end)

  it("is not asked while refuse_new_connections", function()
    local called = 0
    server.on_request = function() called = called + 1 end
    local connection = raw.connect(port)
    connection:send("GET / HTTP/1.1\r\n")
    server:poll(0.01)
    server.refuse_new_connections = true
    connection:send(raw.request():gsub("^GET / HTTP/1.1\r\n", "", 1))
    local head = connection:read_head({ server })
    assert.equals(503, raw.status(head))
    assert.equals(0, called)
  end)

  it("fails our client's create_client with the status in its reason", function()
    server.on_request = function() return 401, "no key" end
    local client = session.client(port)
    wait.until_(function() return session.is_disconnected(client) end, { server, client })
    assert.matches("401", client:get_last_error())
    assert.equals("", events.names())
  end)

  it("and signal handlers that raise do not disturb each other", function()
    server.on_request = function(request) if request.path == "/bad" then error "hook" end end
    server.peer_connected:connect(function() error "handler" end)
    local connections = {}
    for i = 1, 4 do
      connections[i] = raw.connect(port)
      connections[i]:send(raw.request { path = i % 2 == 0 and "/bad" or "/" })
    end
    local errors = {}
    wait.until_(function()
      local ok, err = pcall(server.poll, server, 0.01)
      if not ok then errors[#errors + 1] = err:match("hook") or err:match("handler") end
      return #errors == 4
    end, {})
    table.sort(errors)
    assert.same({ "handler", "handler", "hook", "hook" }, errors)
    assert.equals(2, #server:get_peers())
  end)
end)

describe("on_request of WebSocketServer", function()
  after_each(websocket.close)

  it("may take connections and close them", function()
    local server, port = websocket.server()
    local first = websocket.raw_join(server)
    server.on_request = function()
      local peer = server:take_connection()
      if peer then peer:close(4000, "replaced") end
    end
    local second = raw.connect(port)
    second:send(raw.request())
    assert.equals(101, raw.status(second:read_head({ server })))
    assert.equals(4000, first:read_frame({ server }).code)
  end)
end)
