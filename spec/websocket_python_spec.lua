local ws = require "wsmultiplayer"
local python = require "support.python"
local wait = require "support.wait"
local websocket = require "support.websocket"

local SIZES = { 0, 1, 125, 126, 127, 1000, 4096, 65534, 65535 }

local function bytes_of(size)
  local all = {}
  for i = 0, 255 do all[i + 1] = string.char((i * 7 + size) % 256) end
  return table.concat(all):rep(math.ceil(size / 256)):sub(1, size)
end

describe("python3-websockets", function()
  local other

  setup(function() other = python.start() end)
  teardown(function() if other then other:close() end end)
  after_each(function()
    websocket.close()
    other:stop({})
  end)

  -- What both roles have to show; `open(properties)` gives our peer, what to poll for it, and Python's name for the
  -- other end.
  local function common(open)
    it("exchanges messages of all sizes, as binary and as text", function()
      local peer, polled, name = open()
      for _, size in ipairs(SIZES) do
        local binary, text = bytes_of(size), ("\195\188"):rep(math.floor(size / 2))
        assert.equals(ws.OK, (peer:send(binary)))
        assert.equals(ws.OK, (peer:send_text(text)))
        assert.is_true(other:receive(polled, "binary", name) == binary, "binary out " .. size)
        assert.is_true(other:receive(polled, "text", name) == text, "text out " .. size)
        other:send("text", name, text)
        other:send("binary", name, binary)
        local messages, texts = websocket.receive(peer, 2, polled)
        assert.is_true(messages[1] == text and messages[2] == binary, "in " .. size)
        assert.same({ true, false }, texts)
      end
    end)

    it("exchanges 300 messages in order", function()
      local peer, polled, name = open()
      for i = 1, 300 do
        assert.equals(ws.OK, (peer:send_text("out " .. i)))
        other:send("binary", name, "in " .. i)
      end
      local messages = websocket.receive(peer, 300, polled)
      for i = 1, 300 do
        assert.equals("in " .. i, messages[i])
        assert.equals("out " .. i, other:receive(polled, "text", name))
      end
    end)

    it("closes with code and reason", function()
      local peer, polled, name = open()
      other:close_connection(name, 4005, "gr\195\188n")
      websocket.reach(peer, websocket.CLOSED, polled)
      assert.equals(4005, peer:get_close_code())
      assert.equals("gr\195\188n", peer:get_close_reason())
      assert.same({ 4005, "gr\195\188n" }, { other:closed(polled, name) })
    end)

    it("sees our close with code and reason, and answers", function()
      local peer, polled, name = open()
      peer:send("last")
      peer:close(4006, "bye")
      assert.equals("last", other:receive(polled, "binary", name))
      assert.same({ 4006, "bye" }, { other:closed(polled, name) })
      websocket.reach(peer, websocket.CLOSED, polled)
      assert.equals(4006, peer:get_close_code())
      assert.equals("bye", peer:get_close_reason())
    end)

    it("sees close(0) as 1005", function()
      local peer, polled, name = open()
      peer:close(0)
      assert.same({ 1005, "" }, { other:closed(polled, name) })
      websocket.reach(peer, websocket.CLOSED, polled)
      assert.equals(0, peer:get_close_code())
    end)

    it("sees close(-1) as 1006", function()
      local peer, polled, name = open()
      peer:close(-1)
      assert.equals(1006, (other:closed(polled, name)))
    end)

    it("is closed with 1009 when it sends too much", function()
      local peer, polled, name = open { inbound_buffer_size = 1000 }
      other:send("binary", name, ("x"):rep(1001))
      assert.equals(1009, (other:closed(polled, name)))
      websocket.reach(peer, websocket.CLOSED, polled)
      assert.equals(1009, peer:get_close_code())
    end)

    it("gets its pings answered", function()
      local _, polled, name = open()
      other:send("ping", name, "hello?")
      assert.equals("hello?", other:receive(polled, "pong", name))
    end)

    it("answers our heartbeat", function()
      local peer, polled = open { heartbeat_interval = 0.05 }
      wait.until_(function() return peer:get_rtt() end, polled)
      local rtt = peer:get_rtt()
      assert.is_true(rtt > 0 and rtt < 1, rtt)
      wait.quiet(polled, 0.2)
      assert.equals(websocket.OPEN, peer:get_ready_state())
    end)
  end

  describe("as a server", function()
    local function connect(properties, options)
      local client = websocket.peer(properties)
      local port = other:serve({}, "s", options)
      assert.equals(ws.OK, (client:connect_to_url(("ws://127.0.0.1:%d/some/where?x=1"):format(port))))
      return client, { client }, "s.1"
    end

    common(function(properties)
      local client, polled, name = connect(properties)
      websocket.reach(client, websocket.OPEN)
      other:opened(polled, name)
      return client, polled, name
    end)

    it("agrees on a sub-protocol and sees our headers", function()
      local client, polled, name = connect({
        supported_protocols = { "first", "second" },
        handshake_headers = { "X-Token: abc", "Origin: https://game.test" },
      }, { protocols = { "second" } })
      websocket.reach(client, websocket.OPEN)
      local protocol, headers = other:opened(polled, name)
      assert.equals("second", protocol)
      assert.equals("second", client:get_selected_protocol())
      assert.matches("X-Token: abc", headers, 1, true)
      assert.matches("Origin: https://game.test", headers, 1, true)
    end)

    it("whose first message comes with the answer is heard", function()
      local client = connect(nil, { first = "welcome" })
      assert.same({ "welcome" }, (websocket.receive(client, 1)))
    end)
  end)

  describe("as a client of WebSocketServer", function()
    local server, url

    local function listen(properties)
      local port
      server, port = websocket.server(properties)
      url = "ws://127.0.0.1:" .. port
    end

    common(function(properties)
      listen(properties)
      other:connect("c", url)
      other:opened({ server }, "c")
      local peer = websocket.take(server)
      return peer, { server, peer }, "c"
    end)

    it("agrees on a sub-protocol and sees our headers", function()
      listen { supported_protocols = { "one", "two" }, handshake_headers = { "X-Server: lua" } }
      other:connect("c", url, { protocols = { "zero", "two", "one" } })
      local protocol, headers = other:opened({ server }, "c")
      assert.equals("two", protocol)
      assert.matches("X-Server: lua", headers, 1, true)
      assert.equals("two", websocket.take(server):get_selected_protocol())
    end)

    it("is admitted or refused by on_request", function()
      listen()
      server.on_request = function(request)
        if request.path ~= "/game" then return 404, "no such thing" end
        if request.headers["x-token"] ~= "secret" then return 401 end
        return request.query == "room=1" or false
      end
      other:connect("a", url .. "/elsewhere")
      assert.matches("404", other:refused({ server }, "a"))
      other:connect("b", url .. "/game")
      assert.matches("401", other:refused({ server }, "b"))
      other:connect("c", url .. "/game?room=2", { headers = { "X-Token: secret" } })
      assert.matches("403", other:refused({ server }, "c"))
      other:connect("d", url .. "/game?room=1", { headers = { "X-Token: secret" } })
      other:opened({ server }, "d")
      assert.equals(url .. "/game?room=1", websocket.take(server):get_requested_url())
    end)

    it("hears 1001 from stop()", function()
      listen()
      other:connect("c", url)
      other:opened({ server }, "c")
      server:stop()
      assert.equals(1001, (other:closed({}, "c")))
    end)
  end)
end)
