-- get_last_error() after whatever can go wrong, for a WebSocketMultiplayerPeer and for a WebSocketPeer alone. What
-- counts is that the words are there which a person looks for.
local ws = require "wsmultiplayer"
local certificates = require "support.certificates"
local frames = require "support.frames"
local python = require "support.python"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"
local websocket = require "support.websocket"

local TLSOptions = ws.TLSOptions

local KINDS = {
  {
    name = "WebSocketMultiplayerPeer", multiplayer = true, new = session.peer, connect = "create_client",
    is_open = session.is_connected, is_over = session.is_disconnected,
    close = function(peer, code, reason) peer:get_peer(1):close(code, reason) end,
  },
  {
    name = "WebSocketPeer", multiplayer = false, new = websocket.peer, connect = "connect_to_url",
    is_open = function(peer) return peer:get_ready_state() == websocket.OPEN end,
    is_over = function(peer) return peer:get_ready_state() == websocket.CLOSED end,
    close = function(peer, code, reason) peer:close(code, reason) end,
  },
}

local helper -- Python, for what needs TLS on the other side

-- What a case works with: the kind, and ways to get a client into the state where it goes wrong.
local Case = {}
Case.__index = Case

function Case:start(url, tls, properties)
  self.client = self.kind.new(properties)
  local err, why = self.client[self.kind.connect](self.client, url, tls)
  assert.equals(ws.OK, err, why)
  self.polled[#self.polled + 1] = self.client
  return self.client
end

-- A client that has sent its request to a server by hand.
function Case:asking(properties, tls)
  local listener = raw.listen()
  self:start(("%s://127.0.0.1:%d/x"):format(tls and "wss" or "ws", listener.port), tls, properties)
  self.port = listener.port
  return tls and listener:accept(self.polled) or listener:accept_request(self.polled)
end

-- A client that is open at a server by hand.
function Case:open(properties)
  local connection = self:asking(properties)
  connection:send(raw.response(connection.request))
  if self.kind.multiplayer then connection:send_binary(raw.id(4660)) end
  wait.until_(function() return self.kind.is_open(self.client) end, self.polled)
  return connection
end

-- A client on its way to a wss:// server of ours with this certificate.
function Case:secure(name, tls, host)
  local server = session.peer()
  assert.equals(ws.OK, (server:create_server(0, "127.0.0.1", certificates.server(name))))
  self.polled[#self.polled + 1] = server
  self:start(("wss://%s:%d"):format(host or "localhost", server:get_bound_port()), tls)
end

function Case:answered(bytes)
  self:asking():send(bytes)
end

local function status(line)
  return function(case) case:answered("HTTP/1.1 " .. line .. "\r\nContent-Length: 0\r\n\r\n") end
end

local function response(options)
  return function(case)
    local connection = case:asking(options.properties)
    connection:send(raw.response(connection.request, options))
  end
end

local function frame(fields, properties)
  return function(case) case:open(properties):send_frame(fields) end
end

local function first_message(payload)
  return function(case)
    local connection = case:asking { handshake_timeout = 0.25 }
    connection:send(raw.response(connection.request))
    connection:send_binary(payload)
  end
end

local BRIEF = { handshake_timeout = 0.25 }
local trusting = TLSOptions.client(certificates.root)

-- The title, how it comes about, and the words of the reason (all of them). `only`: for one kind.
local CASES = {
  { "the name is not found", function(case) case:start("ws://no-such-host.invalid:9") end,
    "no%-such%-host%.invalid", "not found" },
  { "the name is not found, with TLS", function(case) case:start("wss://no-such-host.invalid:9", trusting) end,
    "no%-such%-host%.invalid", "not found" },
  { "nobody listens", function(case)
      local port = raw.free_port()
      case:start("ws://127.0.0.1:" .. port)
      return { tostring(port) }
    end, "127%.0%.0%.1", "refused" },
  { "nobody listens, with TLS", function(case) case:start("wss://127.0.0.1:" .. raw.free_port(), trusting) end,
    "127%.0%.0%.1", "refused" },

  { "the server never answers the request", function(case) case:asking(BRIEF) end,
    "timed out", "0%.25 s", "answer", "127%.0%.0%.1", only = true },
  { "the server answers by halves", function(case) case:asking(BRIEF):send("HTTP/1.1 101 Switching") end,
    "timed out", "0%.25 s", "answer", only = true },
  { "the server never answers in the TLS handshake", function(case) case:asking(BRIEF, trusting) end,
    "timed out", "0%.25 s", "TLS handshake", "127%.0%.0%.1", only = true },
  { "the server is silent after the TLS handshake", function(case)
      local port = helper:answer({}, "s", "", { certificate = certificates.good, key = certificates.good_key })
      case:start("wss://localhost:" .. port, trusting, BRIEF)
    end, "timed out", "0%.25 s", "answer", only = true },
  { "the server never sends an id", function(case)
      local connection = case:asking(BRIEF)
      connection:send(raw.response(connection.request))
    end, "timed out", "0%.25 s", "id", only = true },

  { "the certificate has expired", function(case) case:secure("expired", trusting) end, "certificate", "expired" },
  { "the certificate is not yet valid", function(case) case:secure("future", trusting) end,
    "certificate", "not yet valid" },
  { "the certificate's authority is unknown", function(case) case:secure("unknown", trusting) end,
    "certificate", "localhost", "issuer" },
  { "the system does not know the authority", function(case) case:secure("good") end, "certificate", "issuer" },
  { "the certificate is self-signed", function(case) case:secure("self", trusting) end,
    "certificate", "self[- ]signed" },
  { "the certificate is for another host", function(case) case:secure("wrong", trusting) end,
    "certificate", "localhost", "[Hh]ost ?name mismatch" },
  { "the certificate is for another address", function(case) case:secure("named", trusting, "127.0.0.1") end,
    "certificate", "127%.0%.0%.1", "mismatch" },
  { "the server does not speak TLS", function(case)
      local server, port = session.server()
      case.polled[1] = server
      case:start("wss://localhost:" .. port, trusting)
    end, "TLS" },
  { "the server answers TLS with garbage", function(case)
      local connection = case:asking(nil, trusting)
      connection:send("220 mail.example ESMTP\r\n")
    end, "TLS" },
  { "the server ends the connection in the TLS handshake", function(case)
      case:asking(nil, trusting):close()
    end, "TLS" },
  { "the server does not speak without TLS", function(case)
      local server = session.peer()
      server:create_server(0, "127.0.0.1", certificates.server "good")
      case.polled[1] = server
      case:start("ws://127.0.0.1:" .. server:get_bound_port())
    end, "handshake" },

  { "HTTP status 404", status "404 Not Found", "404", "HTTP" },
  { "HTTP status 401", status "401 Unauthorized", "401", "HTTP" },
  { "HTTP status 403 with a text", function(case)
      case:answered("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\ngo away!\n")
    end, "403", "HTTP" },
  { "HTTP status 500", status "500 Internal Server Error", "500", "HTTP" },
  { "HTTP status 200", status "200 OK", "200", "HTTP" },
  { "HTTP status 301, which is not followed", function(case)
      case:answered("HTTP/1.1 301 Moved\r\nLocation: ws://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
    end, "301", "HTTP" },
  { "HTTP status 404 over TLS", function(case)
      local port = helper:answer({}, "s", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        { certificate = certificates.good, key = certificates.good_key })
      case:start("wss://localhost:" .. port, trusting)
    end, "404", "HTTP" },
  { "our server's on_request refuses", function(case)
      local server, port = session.server()
      server.on_request = function() return 418, "a teapot" end
      case.polled[1] = server
      case:start("ws://127.0.0.1:" .. port)
    end, "418", "HTTP" },
  { "the answer is not HTTP", function(case)
      local connection = case:asking()
      connection:send("SSH-2.0-OpenSSH_9.6\r\n\r\n")
      connection:shut_write()
    end, "handshake" },
  { "the connection ends instead of an answer", function(case) case:asking():close() end,
    "handshake", "closed" },
  { "the connection is reset instead of an answer", function(case) case:asking():reset() end, "handshake" },
  { "the connection ends instead of an answer over TLS", function(case)
      local port = helper:answer({}, "s", false, { certificate = certificates.good, key = certificates.good_key })
      case:start("wss://localhost:" .. port, trusting)
    end, "handshake", "closed" },
  { "Sec-WebSocket-Accept is wrong", response { accept = raw.accept_key "another key" }, "Sec%-WebSocket%-Accept" },
  { "Sec-WebSocket-Accept is missing", response { accept = false }, "handshake" },
  { "Upgrade is missing", response { upgrade = false }, "handshake" },
  { "a sub-protocol that nobody asked for", response { lines = { "Sec-WebSocket-Protocol: other" } },
    "sub%-protocol" },
  { "a sub-protocol other than asked for", response {
      lines = { "Sec-WebSocket-Protocol: other" }, properties = { supported_protocols = { "a" } },
    }, "sub%-protocol" },
  { "no sub-protocol though one was asked for", response { properties = { supported_protocols = { "a" } } },
    "sub%-protocol" },
  { "our server speaks other sub-protocols", function(case)
      local server, port = session.server({ supported_protocols = { "b" } })
      case.polled[1] = server
      case:start("ws://127.0.0.1:" .. port, nil, { supported_protocols = { "a" } })
    end, "400", "HTTP" },

  { "the id is a text", first_message "hello", "id", only = true },
  { "the id is 0", first_message(raw.id(0)), "id", only = true },
  { "the id is that of the server", first_message(raw.id(1)), "id", only = true },
  { "the id is negative", first_message "\255\255\255\255", "id", only = true },

  { "a message is too large", frame({ payload = ("x"):rep(300) }, { inbound_buffer_size = 100 }),
    "inbound_buffer_size", "message" },
  { "the heartbeat is not answered", function(case) case:open({ heartbeat_interval = 0.1 }) end, "heartbeat" },
  { "the other side closes", frame { opcode = frames.CLOSE, payload = frames.close_payload(1000) }, "closed", "1000" },
  { "the other side closes with code and reason",
    frame { opcode = frames.CLOSE, payload = frames.close_payload(4001, "no more room") },
    "closed", "4001", "no more room" },
  { "the other side closes without a code", frame { opcode = frames.CLOSE }, "closed" },
  { "the other side ends the connection", function(case) case:open():close() end, "lost" },
  { "the other side resets the connection", function(case) case:open():reset() end, "lost" },
  { "a frame is wrong", frame { rsv = 4, payload = "x" }, "Protocol error" },
  { "a text is not UTF-8", frame { opcode = frames.TEXT, payload = "\255" }, "[Ii]nvalid" },
  { "a close frame has a wrong code", frame { opcode = frames.CLOSE, payload = frames.close_payload(1005) },
    "Protocol error" },
  { "this program cuts the connection", function(case)
      case:open()
      case.kind.close(case.client, -1)
      case.client:poll()
    end, "this program" },
  { "this program closes, and the other side answers", function(case)
      local connection = case:open()
      case.kind.close(case.client, 4002, "bye")
      wait.until_(function()
        case.client:poll()
        return connection:take_frame()
      end)
      connection:send_close(4002)
    end, "closed", "this program" },
}

describe("get_last_error of a", function()
  setup(function() helper = python.start() end)
  teardown(function() if helper then helper:close() end end)
  after_each(function()
    session.close()
    websocket.close()
    helper:stop({})
  end)

  for _, kind in ipairs(KINDS) do
    describe(kind.name .. " says it when", function()
      for _, row in ipairs(CASES) do
        if kind.multiplayer or not row.only then
          it(row[1], function()
            local case = setmetatable({ kind = kind, polled = {} }, Case)
            local more = row[2](case) or {}
            wait.until_(function() return kind.is_over(case.client) end, case.polled, nil, "the end")
            local why = case.client:get_last_error()
            for i = 3, #row do assert.matches(row[i], why) end
            for _, pattern in ipairs(more) do assert.matches(pattern, why) end
            assert.is_nil(why:find "[%c]", "control characters in: " .. why)
            -- A further poll changes nothing; the next attempt forgets it.
            case.client:poll()
            assert.equals(why, case.client:get_last_error())
            local listener = raw.listen()
            case.client[kind.connect](case.client, "ws://127.0.0.1:" .. listener.port)
            assert.equals("", case.client:get_last_error())
          end)
        end
      end

      it("the URL is wrong", function()
        local client = kind.new()
        local err, why = client[kind.connect](client, "http://127.0.0.1")
        assert.equals(ws.ERR_INVALID_PARAMETER, err)
        assert.is_true(#why > 0)
        assert.equals(why, client:get_last_error())
      end)

      it("nothing went wrong: an empty text", function()
        local client = kind.new()
        assert.equals("", client:get_last_error())
        local case = setmetatable({ kind = kind, polled = {} }, Case)
        case:open()
        assert.equals("", case.client:get_last_error())
      end)
    end)
  end

  it("WebSocketMultiplayerPeer and a WebSocketPeer says it when the closing handshake takes too long", function()
    local cases = {}
    for i, kind in ipairs(KINDS) do
      cases[i] = setmetatable({ kind = kind, polled = {} }, Case)
      cases[i]:open()
    end
    for i, case in ipairs(cases) do KINDS[i].close(case.client, 4000, "x") end
    wait.until_(function()
      return KINDS[1].is_over(cases[1].client) and KINDS[2].is_over(cases[2].client)
    end, { cases[1].client, cases[2].client }, 6)
    for _, case in ipairs(cases) do
      assert.matches("closing handshake took too long", case.client:get_last_error())
    end
  end)

  describe("server says it when a client", function()
    -- What the other side does, and the words.
    for title, case in pairs {
      ["closes"] = { function(connection) connection:send_close(4001, "off") end, "closed", "4001", "off" },
      ["ends the connection"] = { function(connection) connection:close() end, "lost" },
      ["resets the connection"] = { function(connection) connection:reset() end, "lost" },
      ["sends too much"] = { function(connection) connection:send_binary(("x"):rep(300)) end, "inbound_buffer_size" },
      ["sends a wrong frame"] = { function(connection) connection:send_frame { rsv = 1 } end, "[Pp]rotocol error" },
      ["does not answer the heartbeat"] = { function() end, "heartbeat", heartbeat = 0.1 },
    } do
      local properties = { inbound_buffer_size = 100, heartbeat_interval = case.heartbeat or 0 }

      it(title .. ": WebSocketMultiplayerPeer", function()
        local server, port = session.server(properties)
        local events = session.record(server)
        local connection = raw.join(port, { server })
        case[1](connection)
        session.event(events, 2, { server })
        for i = 2, #case do assert.matches(case[i], server:get_last_error()) end
      end)

      it(title .. ": a WebSocketPeer that was taken", function()
        local server = websocket.server(properties)
        local connection = websocket.raw_join(server)
        local peer = websocket.take(server)
        case[1](connection)
        wait.until_(function() return peer:get_ready_state() == websocket.CLOSED end, { server, peer })
        for i = 2, #case do assert.matches(case[i], peer:get_last_error()) end
      end)
    end
  end)
end)
