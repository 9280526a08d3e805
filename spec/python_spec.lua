local python = require "support.python"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"

-- Every byte value, and sizes around the borders of the length forms.
local SIZES = { 1, 2, 125, 126, 127, 128, 1000, 4096, 32768, 65534, 65535 }

local function bytes_of(size)
  local all = {}
  for i = 0, 255 do all[i + 1] = string.char((i * 7 + size) % 256) end
  return table.concat(all):rep(math.ceil(size / 256)):sub(1, size)
end

describe("python3-websockets", function()
  local peer

  setup(function() peer = python.start() end)
  teardown(function() if peer then peer:close() end end)
  after_each(function()
    session.close()
    peer:stop({})
  end)

  describe("as a client of our server", function()
    local server, url, events

    local function start(properties)
      server, url = session.server(properties)
      url = "ws://127.0.0.1:" .. url
      events = session.record(server)
    end

    before_each(function() start() end)

    -- Connects, and gives the id that the server knows this client by, and what Python got in the handshake.
    local function join(name, options)
      peer:connect(name, url, options)
      local protocol, headers = peer:opened({ server }, name)
      local payload = peer:receive({ server }, "binary", name)
      assert.equals(4, #payload)
      local event = session.event(events, #events, { server })
      assert.equals("connected", event.name)
      assert.equals(raw.id(event.id), payload)
      return event.id, protocol, headers
    end

    it("gets its id first", function()
      local id = join("a")
      assert.is_true(id >= 2)
      assert.same({ id }, server:get_peers())
    end)

    it("exchanges packets of all sizes and bytes", function()
      local id = join("a")
      for _, size in ipairs(SIZES) do
        local packet = bytes_of(size)
        assert.equals(0, (server:put_packet(packet)))
        assert.is_true(packet == peer:receive({ server }, "binary", "a"), "down " .. size)
        peer:send("binary", "a", packet)
        local packets, senders = session.receive(server, 1, { server })
        assert.is_true(packet == packets[1], "up " .. size)
        assert.equals(id, senders[1])
      end
    end)

    it("exchanges many packets in order", function()
      join("a")
      for i = 1, 200 do
        assert.equals(0, (server:put_packet("down " .. i)))
        peer:send("binary", "a", "up " .. i)
      end
      local packets = session.receive(server, 200, { server })
      for i = 1, 200 do
        assert.equals("up " .. i, packets[i])
        assert.equals("down " .. i, peer:receive({ server }, "binary", "a"))
      end
    end)

    it("sends text, which is a packet too", function()
      join("a")
      peer:send("text", "a", "gr\195\188n \226\130\172")
      assert.same({ "gr\195\188n \226\130\172" }, (session.receive(server, 1, { server })))
    end)

    it("gets an answer to its ping", function()
      join("a")
      peer:send("ping", "a", "are you there")
      assert.equals("are you there", peer:receive({ server }, "pong", "a"))
    end)

    it("is one of several, which targets tell apart", function()
      local a, b, c = join("a"), join("b"), join("c")
      server:set_target_peer(b)
      server:put_packet("to b")
      server:set_target_peer(-b)
      server:put_packet("not to b")
      server:set_target_peer(0)
      server:put_packet("to all")
      assert.equals("not to b", peer:receive({ server }, "binary", "a"))
      assert.equals("to all", peer:receive({ server }, "binary", "a"))
      assert.equals("to b", peer:receive({ server }, "binary", "b"))
      assert.equals("to all", peer:receive({ server }, "binary", "b"))
      assert.equals("not to b", peer:receive({ server }, "binary", "c"))
      peer:send("binary", "c", "from c")
      peer:send("binary", "a", "from a")
      local packets, senders = session.receive(server, 2, { server })
      local from = { [packets[1]] = senders[1], [packets[2]] = senders[2] }
      assert.same({ ["from a"] = a, ["from c"] = c }, from)
    end)

    it("closes with a code and a reason, which the server tells", function()
      local id = join("a")
      peer:close_connection("a", 4321, "good bye")
      local code, reason = peer:closed({ server }, "a")
      assert.equals(4321, code)
      assert.equals("good bye", reason)
      local event = session.event(events, 2, { server })
      assert.same({ "disconnected", id, 4321, "good bye", true },
        { event.name, event.id, event.code, event.reason, event.clean })
    end)

    it("is told when the server disconnects it", function()
      local id = join("a")
      server:disconnect_peer(id)
      assert.equals(1000, (peer:closed({ server }, "a")))
      assert.equals("disconnected", session.event(events, 2, { server }).name)
    end)

    it("is told code and reason that the server closes it with", function()
      local id = join("a")
      server:get_peer(id):close(4001, "bye now")
      local code, reason = peer:closed({ server }, "a")
      assert.equals(4001, code)
      assert.equals("bye now", reason)
    end)

    it("is told 1001 when the server closes, and gets what was put before", function()
      join("a")
      assert.equals(0, (server:put_packet("last words")))
      server:close()
      assert.equals("last words", peer:receive({}, "binary", "a"))
      assert.equals(1001, (peer:closed({}, "a")))
    end)

    it("sees the server's handshake_headers", function()
      server:close()
      start({ handshake_headers = { "X-Lua: yes", "X-More: 1" } })
      local _, _, headers = join("a")
      assert.matches("X-Lua: yes", headers, 1, true)
      assert.matches("X-More: 1", headers, 1, true)
    end)

    it("agrees on a sub-protocol", function()
      server:close()
      start({ supported_protocols = { "alpha", "beta" } })
      local id, protocol = join("a", { protocols = { "gamma", "beta", "alpha" } })
      assert.equals("beta", protocol)
      assert.equals("beta", server:get_peer(id):get_selected_protocol())
    end)

    it("is refused with 400 when there is no sub-protocol in common", function()
      server:close()
      start({ supported_protocols = { "alpha" } })
      peer:connect("a", url, { protocols = { "other" } })
      assert.matches("400", peer:refused({ server }, "a"), 1, true)
      assert.equals(0, #events)
    end)

    it("tells its requested URL", function()
      url = url .. "/room?token=1"
      local id = join("a")
      assert.equals(url, server:get_peer(id):get_requested_url())
    end)
  end)

  describe("as the server of our client", function()
    local client, port, events

    local function serve(options)
      options = options or {}
      options.first = options.first or raw.id(1234)
      port = peer:serve({}, "s", options)
    end

    local function join(properties)
      client = session.client(port, properties)
      events = session.record(client)
      local protocol, headers = peer:opened({ client }, "s.1")
      wait.until_(function() return session.is_connected(client) end, { client })
      return protocol, headers
    end

    it("gives it its id", function()
      serve()
      join()
      assert.equals(1234, client:get_unique_id())
      assert.equals("connected 1", events.names())
    end)

    it("exchanges packets of all sizes and bytes", function()
      serve()
      join()
      for _, size in ipairs(SIZES) do
        local packet = bytes_of(size)
        assert.equals(0, (client:put_packet(packet)))
        assert.is_true(packet == peer:receive({ client }, "binary", "s.1"), "up " .. size)
        peer:send("binary", "s.1", packet)
        assert.is_true(packet == session.receive(client, 1, { client })[1], "down " .. size)
      end
    end)

    it("exchanges many packets in order", function()
      serve()
      join()
      for i = 1, 200 do
        assert.equals(0, (client:put_packet("up " .. i)))
        peer:send("binary", "s.1", "down " .. i)
      end
      local packets = session.receive(client, 200, { client })
      for i = 1, 200 do
        assert.equals("down " .. i, packets[i])
        assert.equals("up " .. i, peer:receive({ client }, "binary", "s.1"))
      end
    end)

    it("sends text, which is a packet too, and pings", function()
      serve()
      join()
      peer:send("text", "s.1", "gr\195\188n")
      assert.same({ "gr\195\188n" }, (session.receive(client, 1, { client })))
      peer:send("ping", "s.1", "ping")
      assert.equals("ping", peer:receive({ client }, "pong", "s.1"))
    end)

    it("closes with a code and a reason, which the client tells", function()
      serve()
      join()
      peer:close_connection("s.1", 4321, "good bye")
      local event = session.event(events, 2, { client })
      assert.same({ "disconnected", 1, 4321, "good bye", true },
        { event.name, event.id, event.code, event.reason, event.clean })
      assert.equals(4321, (peer:closed({ client }, "s.1")))
      assert.is_true(session.is_disconnected(client))
    end)

    it("is told when the client disconnects, closes, or closes with a code", function()
      for action, expected in pairs { disconnect = 1000, close = 1000, code = 4001 } do
        serve()
        join()
        if action == "disconnect" then client:disconnect_peer(1) end
        if action == "close" then client:close() end
        if action == "code" then client:get_peer(1):close(4001, "bye now") end
        local code, reason = peer:closed({ client }, "s.1")
        assert.equals(expected, code, action)
        assert.equals(action == "code" and "bye now" or "", reason)
        wait.until_(function() return session.is_disconnected(client) end, { client })
        assert.equals(action == "close" and 1 or 2, #events)
        peer:stop({})
      end
    end)

    it("sees the client's handshake_headers", function()
      serve()
      local _, headers = join({ handshake_headers = { "X-Lua: yes", "Authorization: Bearer abc" } })
      assert.matches("X-Lua: yes", headers, 1, true)
      assert.matches("Authorization: Bearer abc", headers, 1, true)
    end)

    it("agrees on a sub-protocol", function()
      serve({ protocols = { "beta", "alpha" } })
      local protocol = join({ supported_protocols = { "gamma", "alpha" } })
      assert.equals("alpha", protocol)
      assert.equals("alpha", client:get_peer(1):get_selected_protocol())
    end)

    it("is left without a signal when it has no sub-protocol in common", function()
      serve({ protocols = { "alpha" } })
      client = session.client(port, { supported_protocols = { "other" } })
      events = session.record(client)
      wait.until_(function() return session.is_disconnected(client) end, { client })
      assert.equals(0, #events)
      assert.is_true(#client:get_last_error() > 0)
    end)

    it("is left with close 1000 when its first message is no id", function()
      serve({ first = "hello" })
      client = session.client(port)
      events = session.record(client)
      assert.equals(1000, (peer:closed({ client }, "s.1")))
      wait.until_(function() return session.is_disconnected(client) end, { client })
      assert.equals(0, #events)
    end)
  end)
end)
