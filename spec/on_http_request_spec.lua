local ws = require "wsmultiplayer"
local socket = require "socket"
local call = require "support.call"
local certificates = require "support.certificates"
local raw = require "support.raw"
local servers = require "support.servers"
local session = require "support.session"
local wait = require "support.wait"
local websocket = require "support.websocket"

local all_bytes = {}
for i = 0, 255 do all_bytes[i + 1] = string.char(i) end
all_bytes = table.concat(all_bytes)

local ABORTED = "the server failed\n"

-- A plain request: the request line and further header lines; Host is added unless host is false.
local function plain(line, lines, host)
  local all = { line or "GET / HTTP/1.1" }
  if host ~= false then all[2] = "Host: " .. (host or "127.0.0.1") end
  for _, other in ipairs(lines or {}) do all[#all + 1] = other end
  return table.concat(all, "\r\n") .. "\r\n\r\n"
end

local function ask(port, request)
  local connection = assert(raw.connect(port))
  connection:send(request or plain())
  return connection
end

-- The answer, which must end the connection: status, body and head. `bodiless`: it may name a length that it has not.
local function answer(connection, server, bodiless)
  local head, why = connection:read_head({ server })
  if not head then error("the connection ended without an answer: " .. why, 2) end
  if raw.status(head) == 101 then return 101, "", head end
  connection:read_end({ server })
  local body = connection:unread()
  assert.equals("close", raw.header(head, "Connection"))
  if bodiless then
    assert.equals("", body)
  else
    assert.equals(tonumber(raw.header(head, "Content-Length")), #body)
  end
  return raw.status(head), body, head
end

-- Polls until poll raises, and gives the error.
local function failure(server)
  local ok, err
  wait.until_(function()
    ok, err = pcall(server.poll, server, 0.01)
    return not ok
  end, {}, nil, "an error")
  return err
end

-- The lowest free descriptor.
local function next_descriptor()
  local probe = socket.udp()
  local number = probe:getfd()
  probe:close()
  return number
end

-- What another program prints while the server is polled.
local function outside(command, server)
  local name = os.tmpname()
  local program = io.popen(("unset LD_PRELOAD; (%s) >'%s' 2>&1; mv '%s' '%s.done'"):format(command, name, name, name))
  local file
  wait.until_(function()
    file = io.open(name .. ".done", "rb")
    return file
  end, { server }, 20, command)
  program:close()
  local output = file:read("*a")
  file:close()
  os.remove(name .. ".done")
  return output
end

local function clean_up()
  session.close()
  websocket.close()
  certificates.remove_files()
end

for _, kind in ipairs(servers) do
  describe(kind.name .. ".on_http_request", function()
    local server, port, count, seen

    -- A hook that returns these, and counts and remembers its requests.
    local function serve(...)
      local results, number = { ... }, select("#", ...)
      seen = {}
      server.on_http_request = function(request)
        seen[#seen + 1] = request
        return (unpack or table.unpack)(results, 1, number) -- luacheck: ignore 143
      end
    end

    before_each(function() server, port, count = kind.listen() end)
    after_each(clean_up)

    it("is nil at first: plain requests are told to upgrade", function()
      assert.is_nil(server.on_http_request)
      local status, body, head = answer(ask(port), server)
      assert.equals(426, status)
      assert.equals("websocket", raw.header(head, "Upgrade"))
      assert.matches("WebSocket", body)
    end)

    it("raises for what is neither a function nor nil", function()
      for _, wrong in ipairs { 1, "x", {}, true, server } do
        local ok, err = pcall(function() server.on_http_request = wrong end)
        assert.is_false(ok)
        assert.matches("on_http_request", err, 1, true)
      end
      assert.is_false((call(server, "set_on_http_request", "x")))
      server:set_on_http_request(print)
      assert.equals(print, server:get_on_http_request())
      assert.is_nil(server.on_request)
    end)

    it("sees the whole request", function()
      serve(200)
      local connection = ask(port, plain("GET /a%20b/?key=a=b&y?z HTTP/1.1",
        { "Origin: https://x.test", "X-Empty:", "x-MIXED:   two words  ", "X-Many: 1", "X-many: 2" },
        "Example.test:80"))
      assert.equals(200, (answer(connection, server)))
      local request = seen[1]
      assert.equals("GET", request.method)
      assert.equals("/a%20b/?key=a=b&y?z", request.target)
      assert.equals("/a%20b/", request.path)
      assert.equals("key=a=b&y?z", request.query)
      assert.equals("Example.test:80", request.host)
      assert.equals("https://x.test", request.origin)
      assert.same({}, request.protocols)
      assert.equals("127.0.0.1", request.address)
      assert.equals(connection:local_port(), request.port)
      assert.is_false(request.tls)
      assert.same({ host = "Example.test:80", origin = "https://x.test", ["x-empty"] = "", ["x-mixed"] = "two words",
        ["x-many"] = "1, 2" }, request.headers)
    end)

    for _, method in ipairs { "POST", "PUT", "DELETE", "OPTIONS", "get", "M-SEARCH" } do
      it("sees other methods: " .. method, function()
        serve(200, nil, "done")
        local status, body = answer(ask(port, plain(method .. " * HTTP/1.1", { "Content-Length: 0" })), server)
        assert.same({ 200, "done" }, { status, body })
        assert.same({ method, "*", "*" }, { seen[1].method, seen[1].target, seen[1].path })
      end)
    end

    it("sees requests of HTTP/1.0, with Host and without", function()
      serve(200, nil, "old")
      assert.equals(200, (answer(ask(port, plain("GET /1 HTTP/1.0")), server)))
      local status, body = answer(ask(port, plain("GET /2 HTTP/1.0", nil, false)), server)
      assert.same({ 200, "old" }, { status, body })
      assert.equals("127.0.0.1", seen[1].host)
      assert.is_nil(seen[2].host)
    end)

    it("sees an Upgrade to something else as a plain request", function()
      serve(200)
      local connection = ask(port, plain(nil, { "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c" }))
      assert.equals(200, (answer(connection, server)))
    end)

    for _, row in ipairs {
      { 200, "OK" }, { 201, "Created" }, { 206, "OK" }, { 301, "Moved Permanently" }, { 302, "Found" },
      { 404, "Not Found" }, { 418, "Refused" }, { 429, "Too Many Requests" }, { 503, "Service Unavailable" }, { 599 },
    } do
      it(("that returns %d is answered so"):format(row[1]), function()
        serve(row[1])
        local status, body, head = answer(ask(port), server)
        assert.same({ row[1], "" }, { status, body })
        if row[2] then assert.equals(("HTTP/1.1 %d %s"):format(row[1], row[2]), head:match("^[^\r]*")) end
        assert.is_nil(raw.header(head, "Content-Type"))
        assert.equals("0", raw.header(head, "Content-Length"))
        assert.equals(0, count())
      end)
    end

    it("gives headers, lists of values among them", function()
      serve(302, { Location = "/x?y=z", ["Set-Cookie"] = { "a=1", "b=2; Path=/" }, ["X-Number"] = 12, ["X-None"] = {},
        ["X-Empty"] = "", ["X-Tab"] = "a\tb", ["X-Umlaut"] = "\195\164" })
      local _, _, head = answer(ask(port), server)
      assert.equals("/x?y=z", raw.header(head, "Location"))
      assert.equals("12", raw.header(head, "X-Number"))
      assert.equals("", raw.header(head, "X-Empty"))
      assert.equals("a\tb", raw.header(head, "X-Tab"))
      assert.equals("\195\164", raw.header(head, "X-Umlaut"))
      assert.is_nil(raw.header(head, "X-None"))
      assert.matches("\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\n", head, 1, true)
    end)

    it("has its body called plain text unless it says otherwise, in any case of letters", function()
      serve(200, nil, "x")
      local _, _, head = answer(ask(port), server)
      assert.equals("text/plain; charset=utf-8", raw.header(head, "Content-Type"))
      serve(200, { ["content-TYPE"] = "text/html" }, "x")
      _, _, head = answer(ask(port), server)
      local _, lines = head:lower():gsub("content%-type", "")
      assert.same({ "text/html", 1 }, { raw.header(head, "Content-Type"), lines })
    end)

    it("sends bodies of any bytes, empty ones and large ones", function()
      for _, body in ipairs { "", "\0", all_bytes, all_bytes:rep(300), all_bytes:rep(5 * 4096) } do
        serve(200, nil, body)
        local status, got = answer(ask(port), server)
        assert.equals(200, status)
        assert.is_true(got == body, #got .. " bytes instead of " .. #body)
      end
    end)

    it("sends no body to HEAD, but its length", function()
      serve(200, { ["Content-Type"] = "text/html" }, "<html>")
      local status, _, head = answer(ask(port, plain("HEAD / HTTP/1.1")), server, true)
      assert.equals(200, status)
      assert.equals("6", raw.header(head, "Content-Length"))
      assert.equals("HEAD", seen[1].method)
      serve()
      assert.equals(405, (answer(ask(port, plain("HEAD / HTTP/1.1")), server, true)))
      serve "wrong"
      local connection = ask(port, plain("HEAD / HTTP/1.1"))
      failure(server)
      assert.equals(500, (answer(connection, server, true)))
    end)

    for _, status in ipairs { 204, 304 } do
      it(("sends neither a body nor a length with %d"):format(status), function()
        serve(status, { ETag = '"1"' }, "nobody sees this")
        local got, _, head = answer(ask(port), server, true)
        assert.equals(status, got)
        assert.is_nil(raw.header(head, "Content-Length"))
        assert.equals('"1"', raw.header(head, "ETag"))
      end)
    end

    for _, row in ipairs {
      { plain(), 426 }, { plain("POST / HTTP/1.1"), 405 }, { plain("GET / HTTP/1.0"), 505 },
    } do
      it("that returns nothing leaves it at the answer without a hook: " .. row[1]:match("^[^\r]*"), function()
        local status, body, head = answer(ask(port, row[1]), server)
        serve()
        local with = { answer(ask(port, row[1]), server) }
        serve(nil, { X = "y" }, "body")
        assert.same({ row[2], body, head }, { status, body, head })
        assert.same({ status, body, head }, with)
        assert.same(with, { answer(ask(port, row[1]), server) })
        assert.equals(1, #seen)
      end)
    end

    it("is not asked about what is no proper request without a body", function()
      serve(200)
      for request, status in pairs {
        [plain("GET \t HTTP/1.1")] = 400,
        [plain("GET /a\tb HTTP/1.1")] = 400,
        [plain("GET /a\1b HTTP/1.1")] = 400,
        [plain("GET  / HTTP/1.1")] = 400,
        [plain("GET /")] = 400,
        [plain("G@T / HTTP/1.1")] = 400,
        [plain("GET / FTP/1.1")] = 400,
        [plain("GET / HTTP/2.0")] = 505,
        [plain("GET / HTTP/1.1 ")] = 505,
        [plain(nil, nil, false)] = 400,
        [plain(nil, { "Host: two" })] = 400,
        [plain("GET / HTTP/1.0", { "Host: two" })] = 505,
        [plain(nil, { "no colon" })] = 400,
        [plain(nil, { "Name : x" })] = 400,
        [plain(nil, { " folded: x" })] = 400,
        [plain(nil, { "X: a\0b" })] = 400,
        [plain(nil, { "X: a\127b" })] = 400,
        [plain(nil, { "X: y\nZ: y" })] = 400,
        [plain(nil, { "X: " .. ("y"):rep(4096) })] = 431,
        ["\22\3\1\2\0\1\0\1\252\3\3"] = 400,
        [plain(nil, { "Upgrade: websocket" })] = 400,
        [raw.request { key = "x" }] = 400,
        [raw.request { line = "POST / HTTP/1.1" }] = 405,
        [plain(nil, { "Content-Length: 3" }) .. "abc"] = 426,
        [plain("POST / HTTP/1.1", { "Content-Length: 3" }) .. "abc"] = 405,
        [plain("POST / HTTP/1.1", { "Content-Length: 0", "Content-Length: 3" }) .. "abc"] = 405,
        [plain("POST / HTTP/1.1", { "Transfer-Encoding: chunked" }) .. "0\r\n\r\n"] = 405,
      } do
        assert.equals(status, (answer(ask(port, request), server)), request)
      end
      assert.equals(0, #seen)
    end)

    it("is not asked about a request that is not complete in time", function()
      server.handshake_timeout = 0.1
      serve(200)
      local silent, half = raw.connect(port), ask(port, plain():sub(1, -2))
      silent:read_end({ server }, 2)
      half:read_end({ server }, 2)
      assert.equals("", half:unread())
      assert.equals(0, #seen)
    end)

    it("is asked once when a request that drips in is complete", function()
      serve(200)
      local connection = raw.connect(port)
      connection:trickle(plain():sub(1, -2), { server }, 5)
      assert.equals(0, #seen)
      connection:send("\n")
      assert.equals(200, (answer(connection, server)))
      assert.equals(1, #seen)
    end)

    it("does not see a second request on the same connection", function()
      serve(200, nil, "first")
      local connection = ask(port, plain("GET /1 HTTP/1.1") .. plain("GET /2 HTTP/1.1"):rep(20))
      local status, body = answer(connection, server)
      assert.same({ 200, "first" }, { status, body })
      assert.equals(1, #seen)
      assert.equals("/1", seen[1].target)
    end)

    local BAD = "on_http_request must return a status from 200 to 599, not "
    for _, row in ipairs {
      { "true", { true }, BAD .. "true" },
      { "false", { false }, BAD .. "false" },
      { "101", { 101 }, BAD .. "101" },
      { "199", { 199 }, BAD .. "199" },
      { "600", { 600 }, BAD .. "600" },
      { "200.5", { 200.5 }, BAD .. "200.5" },
      { "nan", { 0 / 0 }, BAD },
      { "a body alone", { "<html>" }, BAD .. "<html>" },
      { "a table", { {} }, BAD .. "table" },
      { "a body second", { 200, "x" }, "must return a table of headers after the status, not a string" },
      { "a number as the body", { 200, nil, 5 }, "must return a string as the body, not a number" },
      { "a list of headers", { 200, { "X: y" } }, "1 is no header that an answer can have" },
      { "Content-Length", { 200, { ["content-Length"] = 5 } }, "content-Length is no header that an answer can have" },
      { "Connection", { 200, { Connection = "keep-alive" } }, "Connection is no header" },
      { "Transfer-Encoding", { 200, { ["Transfer-Encoding"] = "chunked" } }, "Transfer-Encoding is no header" },
      { "a header with a colon", { 200, { ["Content-Length: 5, X"] = "y" } }, "Content-Length: 5, X is no header" },
      { "a header of a wrong type", { 200, { X = true } }, "header X must be a string, not a boolean" },
      { "a header with a wrong value", { 200, { X = { "a", {} } } }, "header X must be a string, not a table" },
      { "an injected header", { 200, { X = "a\r\nSet-Cookie: b=c" } }, "is not a line \"Name: value\"" },
      { "an injected body", { 200, { X = { "a", "b\r\n\r\n<html>" } } }, "is not a line \"Name: value\"" },
      { "a line feed", { 200, { X = "a\nb: c" } }, "is not a line \"Name: value\"" },
      { "a carriage return", { 200, { X = "a\r" } }, "is not a line \"Name: value\"" },
      { "a zero byte", { 200, { X = "a\0b" } }, "header X has a zero byte" },
      { "a zero byte in a name", { 200, { ["X\0Y"] = "a" } }, "header X" },
      { "a name with a line end", { 200, { ["X\r\nY"] = "a" } }, "is not a line \"Name: value\"" },
      { "a name with a blank", { 200, { ["X Y"] = "a" } }, "is not a line \"Name: value\"" },
      { "a name without letters", { 200, { [""] = "a" } }, "is not a line \"Name: value\"" },
    } do
      it("that returns what it must not is answered with 500, and poll() raises: " .. row[1], function()
        serve(row[2][1], row[2][2], row[2][3])
        local connection = ask(port)
        local err = failure(server)
        assert.matches("on_http_request", err, 1, true)
        assert.matches(row[3], err, 1, true)
        assert.matches("traceback", err)
        local status, body = answer(connection, server)
        assert.same({ 500, ABORTED }, { status, body })
      end)
    end

    it("that raises has its requests answered with 500, and poll() passes the errors on", function()
      local calls = 0
      server.on_http_request = function(request)
        calls = calls + 1
        if request.path == "/bad" then error("no thanks") end
        return 200, nil, request.path
      end
      local connections = {}
      for i, path in ipairs { "/1", "/bad", "/2", "/bad", "/3" } do
        connections[i] = ask(port, plain("GET " .. path .. " HTTP/1.1"))
      end
      for _ = 1, 2 do
        local err = failure(server)
        assert.matches("on_http_request_spec.lua:%d+: no thanks", err)
        assert.matches("traceback", err)
      end
      for i, expected in ipairs { "/1", ABORTED, "/2", ABORTED, "/3" } do
        local status, body = answer(connections[i], server)
        assert.same({ expected == ABORTED and 500 or 200, expected }, { status, body })
      end
      assert.equals(5, calls)
      local thing = {}
      server.on_http_request = function() error(thing) end
      local connection = ask(port)
      assert.is_true(failure(server) == thing)
      assert.equals(500, (answer(connection, server)))
    end)

    it("and on_request get their own requests, on one port", function()
      local upgrades, pages = 0, 0
      server.on_request = function(request)
        upgrades = upgrades + 1
        assert.equals("GET", request.method)
        assert.equals("websocket", request.headers.upgrade)
        if request.path == "/no" then return 404 end
      end
      server.on_http_request = function(request)
        pages = pages + 1
        assert.is_nil(request.headers.upgrade)
        return 200, nil, "page"
      end
      local connections = {}
      for i = 1, 30 do
        connections[i] = ask(port, i % 3 == 2 and plain() or raw.request { path = i % 3 == 0 and "/" or "/no" })
      end
      for i = 1, 30 do
        local status, body, head = answer(connections[i], server)
        assert.equals(i % 3 == 0 and 101 or i % 3 == 1 and 404 or 200, status)
        if i % 3 == 2 then assert.equals("page", body) end
        if status == 101 then assert.equals(raw.ACCEPT, raw.header(head, "Sec-WebSocket-Accept")) end
      end
      assert.same({ 20, 10 }, { upgrades, pages })
      wait.until_(function() return count() == 10 end, { server })
      connections[3]:send_binary("through")
      connections[3]:send_close(1000)
      local frame
      repeat frame = connections[3]:read_frame({ server }) until frame.code
      assert.equals(1000, frame.code)
    end)

    it("leaves WebSocket requests alone where there is no on_request", function()
      serve(200)
      assert.equals(101, (answer(ask(port, raw.request()), server)))
      assert.equals(0, #seen)
      assert.equals("", server:get_last_error())
    end)

    it("answers 200 clients at once", function()
      server.on_http_request = function(request) return 200, nil, request.path:rep(100) end
      local connections, before = {}, next_descriptor()
      for i = 1, 200 do connections[i] = ask(port, plain(("GET /%d HTTP/1.1"):format(i))) end
      for i = 1, 200 do
        local status, body = answer(connections[i], server)
        assert.equals(200, status)
        assert.equals(("/" .. i):rep(100), body)
      end
      for i = 1, 200 do connections[i]:close() end
      wait.until_(function() return next_descriptor() == before end, { server }, nil, "the descriptors to be free")
    end)

    it("survives clients that leave at any time", function()
      local before, body = next_descriptor(), all_bytes:rep(16384)
      serve(200, nil, body)
      local connections, calls = {}, 0
      for i = 1, 8 do connections[i] = ask(port) end
      for i = 1, 4 do connections[i]:reset() end -- before they are accepted
      for i = 5, 8 do connections[i]:read_head({ server }) end -- in the middle of the answer
      for i = 5, 8 do if i % 2 == 0 then connections[i]:reset() else connections[i]:close() end end
      for i = 9, 12 do connections[i] = ask(port) end
      server.on_http_request = function() -- before they are answered
        calls = calls + 1
        for i = 9, 12 do connections[i]:reset() end
        return 200, nil, body
      end
      wait.until_(function() return calls > 0 and next_descriptor() == before end, { server }, nil, "free descriptors")
      serve(200, nil, "fine")
      assert.equals(200, (answer(ask(port), server)))
    end)

    it("answers a client that has shut down its direction", function()
      serve(200, nil, all_bytes:rep(4096))
      local connection = raw.connect(port)
      connection:send(plain()):flush({ server })
      connection:shut_write()
      local status, body = answer(connection, server)
      assert.same({ 200, 4096 * 256 }, { status, #body })
    end)

    it("may be set, changed and removed while requests wait", function()
      local connections = {}
      for i = 1, 4 do connections[i] = ask(port) end
      server.on_http_request = function() error "first" end
      failure(server)
      local waiting = 3
      serve(200, nil, "second")
      server.on_request = function() error "not for plain requests" end
      wait.until_(function() return #seen == waiting end, { server })
      local bodies = {}
      for i = 1, 4 do bodies[i] = select(2, answer(connections[i], server)) end
      table.sort(bodies)
      assert.same({ "second", "second", "second", ABORTED }, bodies)

      for i = 1, 4 do connections[i] = ask(port) end
      server.on_http_request = function() error "third" end
      failure(server)
      server.on_http_request = nil
      local statuses = {}
      for i = 1, 4 do statuses[i] = answer(connections[i], server) end
      table.sort(statuses)
      assert.same({ 426, 426, 426, 500 }, statuses)
    end)

    it("may replace and remove itself", function()
      server.on_http_request = function()
        server.on_http_request = function()
          server.on_http_request = nil
          return 404
        end
        return 200
      end
      local connections, statuses = { ask(port), ask(port), ask(port) }, {}
      for i = 1, 3 do statuses[i] = answer(connections[i], server) end
      table.sort(statuses)
      assert.same({ 200, 404, 426 }, statuses)
    end)

    for _, returned in ipairs { "nothing", "200", "nonsense" } do
      it(("may close the server and return %s"):format(returned), function()
        local calls = 0
        server.on_http_request = function()
          calls = calls + 1
          kind.close(server)
          if returned == "200" then return 200, nil, "late" end
          if returned == "nonsense" then return "x" end
        end
        local connections = { ask(port), ask(port), ask(port) }
        if returned == "nonsense" then failure(server) end
        wait.until_(function() return calls > 0 end, { server })
        for _, connection in ipairs(connections) do
          connection:read_end({ server })
          assert.equals("", connection:unread())
        end
        assert.equals(1, calls)
      end)
    end

    it("may close the server and listen again", function()
      local calls = 0
      server.on_http_request = function()
        calls = calls + 1
        if calls == 1 then
          kind.close(server)
          assert(kind.again(server, port) == ws.OK)
        end
        return 200, nil, "call " .. calls
      end
      local first = ask(port)
      first:read_end({ server })
      assert.equals("", first:unread())
      assert.equals("call 2", select(2, answer(ask(port), server)))
    end)

    it("may poll the server inside", function()
      local depth = 0
      server.on_http_request = function()
        depth = depth + 1
        if depth < 3 then pcall(server.poll, server) end
        return 200
      end
      for _, connection in ipairs { ask(port), ask(port), ask(port) } do
        local status = answer(connection, server)
        assert.is_true(status == 200 or status == 403, status)
      end
    end)

    it("keeps the server alive while it runs, and no longer", function()
      local holder = { kind.class.new() }
      assert.equals(ws.OK, (kind.again(holder[1], 0)))
      local known = setmetatable({ holder[1] }, { __mode = "v" })
      local connection = ask(kind.port(holder[1]))
      holder[1].on_http_request = function()
        holder[1] = nil
        collectgarbage()
        collectgarbage()
        return 200, { X = { "y" } }, ("z"):rep(10)
      end
      wait.until_(function()
        holder[1]:poll(0.01)
        return not holder[1]
      end, {})
      local status, body = answer(connection)
      assert.same({ 200, "zzzzzzzzzz" }, { status, body })
      wait.until_(function()
        collectgarbage()
        return not known[1]
      end, {})
    end)

    it("works over TLS, with OpenSSL as the client", function()
      local body = all_bytes:rep(4096)
      kind.close(server)
      assert.equals(ws.OK, (kind.again(server, port, certificates.server "good")))
      serve(200, { ["X-Page"] = "yes" }, body)
      local output = outside(([[
printf 'GET /secret HTTP/1.1\r\nHost: localhost\r\n\r\n' | openssl s_client -quiet -verify_return_error \
  -CAfile '%s' -servername localhost -connect 127.0.0.1:%d 2>/dev/null]]):format(certificates.path(certificates.root),
        port), server)
      local head, got = output:match("^(.-\r\n\r\n)(.*)$")
      assert.equals(200, raw.status(head))
      assert.equals("yes", raw.header(head, "X-Page"))
      assert.is_true(got == body)
      assert.is_true(seen[1].tls)
      assert.equals("/secret", seen[1].path)
    end)
  end)
end

describe("on_http_request of WebSocketMultiplayerPeer", function()
  after_each(clean_up)

  it("tells nobody of a peer, and may send to those who are in", function()
    local server, port = session.server()
    local inside = raw.join(port, { server })
    local events = session.record(server)
    server.on_http_request = function(request)
      server:put_packet("somebody reads " .. request.path)
      return 200, nil, tostring(#server:get_peers())
    end
    local connection = ask(port, plain("GET /peers HTTP/1.1"))
    assert.equals("somebody reads /peers", inside:read_binary({ server }))
    assert.equals("1", select(2, answer(connection, server)))
    assert.equals("", events.names())
    assert.equals("", server:get_last_error())
  end)

  it("serves whom refuse_new_connections finds on the way in; others wait", function()
    local server, port = session.server()
    server.on_http_request = function() return 200, nil, "page" end
    local early = ask(port, plain():sub(1, 10))
    server:poll(0.01)
    server.refuse_new_connections = true
    local late = ask(port)
    early:send(plain():sub(11))
    assert.equals("page", select(2, answer(early, server)))
    wait.quiet({ server }, 0.03)
    assert.equals("", late:unread())
    server.refuse_new_connections = false
    assert.equals("page", select(2, answer(late, server)))
  end)
end)

describe("the answer of on_http_request", function()
  after_each(clean_up)

  it("may take its time while the client goes on reading, and ends when it stands still", function()
    local server, port = websocket.server()
    local body = all_bytes:rep(16 * 4096)
    server.on_http_request = function() return 200, nil, body end
    local slow, still = ask(port), ask(port)
    local got, size, rate, started = {}, 0, 200000, wait.now()
    wait.until_(function()
      while size < (wait.now() - started) * rate do
        local data, err, part = slow.socket:receive(4096)
        got[#got + 1] = data or part
        size = size + #got[#got]
        if err then break end
      end
      -- A socket that was given up while something unread waits in it is reset: the next byte there fails.
      local _, ended = still.socket:send("x")
      return ended
    end, { server }, 8, "the end of the one that stands still")
    local took = wait.now() - started
    assert.is_true(took > 2.9, "cut after " .. took)
    still:read_end({ server })
    assert.is_true(#still:unread() < #body)
    slow.inbox = table.concat(got)
    slow:read_end({ server })
    assert.is_true(slow:unread():sub(-#body) == body, "the slow reader got " .. #slow:unread() .. " bytes")
  end)
end)

describe("pages for programs that others wrote", function()
  local server, port, body

  before_each(function()
    server, port = websocket.server()
    body = all_bytes:rep(2000)
    server.on_http_request = function(request)
      if request.path == "/moved" then return 302, { Location = "/page?moved" } end
      if request.path ~= "/page" then return 404, nil, "no page" end
      return 200, { ["Content-Type"] = "x-test/" .. request.method, ["X-Query"] = request.query }, body
    end
  end)
  after_each(clean_up)

  local function curl(arguments)
    return outside(("curl -sS --noproxy '*' -m 10 %s"):format(arguments), server)
  end

  it("curl", function()
    if not curl("--version"):find("^curl") then return pending("curl is not installed") end
    local url = "http://127.0.0.1:" .. port
    assert.is_true(curl(url .. "/page") == body)
    assert.is_true(curl("-L " .. url .. "/moved") == body)
    assert.is_true(curl("-0 " .. url .. "/page") == body)
    assert.equals("no page 404", curl("-w ' %{http_code}' " .. url .. "/x"))
    local head = curl("-I " .. url .. "/page?a=b")
    assert.same({ 200, "x-test/HEAD", "a=b", tostring(#body) }, { raw.status(head), raw.header(head, "Content-Type"),
      raw.header(head, "X-Query"), raw.header(head, "Content-Length") })
    assert.equals("405", curl(("-o /dev/null -w '%%{http_code}' -d x=y %s/page"):format(url)))
    -- The connection for the second URL is a new one.
    assert.is_true(curl(("%s/page %s/page"):format(url, url)) == body .. body)

    server:stop()
    assert.equals(ws.OK, (server:listen(port, "127.0.0.1", certificates.server "good")))
    local root = certificates.path(certificates.root)
    assert.is_true(curl(("--cacert '%s' https://localhost:%d/page"):format(root, port)) == body)
  end)

  it("Python's urllib", function()
    local script = [[
import urllib.request, urllib.error
get = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
url = "http://127.0.0.1:%d"
for path in "/page?q", "/moved":
    answer = get(url + path, timeout=10)
    body = answer.read()
    print(answer.status, answer.headers["X-Query"], body == bytes(range(256)) * 2000)
try:
    get(url + "/x", timeout=10)
except urllib.error.HTTPError as error:
    print(error.code, error.read())
]]
    local output = outside(("python3 -c '%s'"):format(script:format(port)), server)
    assert.equals("200 q True\n200 moved True\n404 b'no page'\n", output)
  end)
end)
