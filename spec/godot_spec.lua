-- Against a real Godot 4: Lua server with Godot clients, Godot server with Lua clients.
-- Godot is found through GODOT= (a binary), GODOT_RUN= (a command in front of the project's
-- folder) or the PATH; without one these specs are pending. With GODOT_ITSELF=1 they also
-- run between two Godots: what the engine does where its peer is not ours.
local certificates = require "support.certificates"
local godot = require "support.godot"
local unpack = table.unpack or unpack

local missing = godot.missing()
local it = it
if missing then
  it = function(name) pending(name .. " [NOT RUN: " .. missing .. "]") end
end

local OK, ERR_OUT_OF_MEMORY, ERR_INVALID_PARAMETER = 0, 6, 31
local DISCONNECTED, CONNECTING, CONNECTED = 0, 1, 2

local PAIRS = { { server = "lua", client = "godot" }, { server = "godot", client = "lua" } }
if os.getenv "GODOT_ITSELF" then PAIRS[3] = { server = "godot", client = "godot" } end

-- Bytes of every value, in an order that shows a shift or a loss.
local function content(size)
  local bytes = {}
  for i = 1, size do bytes[i] = string.char((i * 7 + math.floor(i / 251)) % 256) end
  return table.concat(bytes)
end

local function numbered(number, size)
  local text = ("%d"):format(number)
  return text .. ("."):rep(size - #text)
end

describe("with a real Godot:", function()
  local engine

  lazy_setup(function()
    if not missing then engine = godot.start() end
  end)
  lazy_teardown(function()
    if engine then engine:quit() end
  end)
  after_each(function()
    if engine then engine:reset() end
  end)

  -- Waits until this client is in; gives its id.
  local function join(server, client, url)
    if url then assert.equal(OK, (client:create_client(url))) end
    local id = server:expect("connected")[2]
    client:expect("connected", 1)
    client:expect("status", CONNECTED)
    return id
  end

  -- A server and a client, connected.
  local function connect(pair)
    local server, client = engine:peer(pair.server), engine:peer(pair.client)
    return server, client, join(server, client, server:listen())
  end

  -- A put that a Godot server reports as done whatever became of it.
  local function assert_refused(peer, is_server, expected, actual)
    if is_server and peer.kind == "godot" then expected = OK end
    assert.equal(expected, actual)
  end

  for _, pair in ipairs(PAIRS) do
    describe(("a %s server and a %s client"):format(pair.server, pair.client), function()
      describe("joining", function()
        it("tells both sides the same id", function()
          local server, client = engine:peer(pair.server), engine:peer(pair.client)
          local url = server:listen()
          assert.equal(CONNECTED, server:get_connection_status())
          assert.equal(1, server:get_unique_id())
          assert.same({ OK, 0, CONNECTING }, {
            client:together({ "create_client", url }, { "get_unique_id" }, { "get_connection_status" }),
          })
          local id = join(server, client)
          assert.is_true(id >= 2 and id <= 2147483647)
          assert.equal(id, client:get_unique_id())
          assert.equal(CONNECTED, client:get_connection_status())
          assert.equal(1, server:get_unique_id())
        end)

        it("lets both sides look at the connection", function()
          local server, client = engine:peer(pair.server), engine:peer(pair.client)
          local url = server:listen()
          local id = join(server, client, url .. "/some/path?x=1&y=2")
          assert.equal("127.0.0.1", server:get_peer_address(id))
          assert.equal("127.0.0.1", client:get_peer_address(1))
          assert.equal(server.port, client:get_peer_port(1))
          assert.is_true(server:get_peer_port(id) > 0)
          assert.equal("", server:get_peer_address(id == 2 and 3 or 2))
          for peer, other in pairs { [server] = id, [client] = 1 } do
            assert.equal(1, peer:connection(other, "get_ready_state"))
            assert.equal(-1, peer:connection(other, "get_close_code"))
            assert.equal("", peer:connection(other, "get_close_reason"))
            assert.equal("", peer:connection(other, "get_selected_protocol"))
            assert.equal(url .. "/some/path?x=1&y=2", peer:connection(other, "get_requested_url"))
            assert.equal(0, peer:connection(other, "get_current_outbound_buffered_amount"))
            assert.equal("127.0.0.1", peer:connection(other, "get_connected_host"))
            assert.equal(peer:get_peer_port(other), peer:connection(other, "get_connected_port"))
          end
        end)

        it("takes handshake headers of both sides", function()
          local server, client = engine:peer(pair.server), engine:peer(pair.client)
          server:set("handshake_headers", { "X-Server: of games", "X-Second: 2" })
          client:set("handshake_headers", { "X-Client: of games", "Authorization: Basic YTpi" })
          local id = join(server, client, server:listen())
          assert.equal(OK, (server:put(id, "in")))
          client:expect("packet", 1, "in")
        end)

        it("agrees on the client's first protocol that the server has", function()
          local server, client = engine:peer(pair.server), engine:peer(pair.client)
          server:set("supported_protocols", { "alpha", "beta", "gamma" })
          client:set("supported_protocols", { "delta", "gamma", "beta" })
          local id = join(server, client, server:listen())
          assert.equal("gamma", server:connection(id, "get_selected_protocol"))
          assert.equal("gamma", client:connection(1, "get_selected_protocol"))
        end)

        for _, case in ipairs {
          { "others only", { "alpha" }, { "beta", "Alpha" } },
          { "none that the client asks for", { "alpha" }, {} },
          { "no protocols, but the client asks", {}, { "alpha" } },
        } do
          it("fails where the server has " .. case[1], function()
            local server, client = engine:peer(pair.server), engine:peer(pair.client)
            server:set("supported_protocols", case[2])
            client:set("supported_protocols", case[3])
            assert.equal(OK, (client:create_client(server:listen())))
            client:expect("status", DISCONNECTED)
            assert.equal(0, client:get_unique_id())
            if client.kind == "lua" then assert.are_not.equal("", client:get_last_error()) end
            engine:settle()
            client:expect_nothing()
            server:expect_nothing()
            -- The server is unharmed, and the client can try again.
            client:set("supported_protocols", case[2])
            join(server, client, ("ws://127.0.0.1:%d"):format(server.port))
          end)
        end

        it("fails after the client's time-out where the server refuses newcomers", function()
          local server, client = engine:peer(pair.server), engine:peer(pair.client)
          local url = server:listen()
          local inside = join(server, client, url)
          server:set("refuse_new_connections", true)
          local late = engine:peer(pair.client)
          late:set("handshake_timeout", 0.3)
          assert.equal(OK, (late:create_client(url)))
          late:expect("status", DISCONNECTED)
          late:expect_nothing()
          server:expect_nothing()
          assert.equal(OK, (server:put(inside, "still in")))
          client:expect("packet", 1, "still in")
          server:set("refuse_new_connections", false)
          late:set("handshake_timeout", 3)
          join(server, late, url)
        end)
      end)

      describe("packets", function()
        for _, size in ipairs { 1, 2, 125, 126, 127, 1000, 65534, 65535 } do
          it(("of %d bytes arrive as they were"):format(size), function()
            local server, client, id = connect(pair)
            local data = content(size)
            assert.equal(OK, (server:put(id, data)))
            client:expect("packet", 1, data)
            assert.equal(OK, (client:put(1, data)))
            server:expect("packet", id, data)
          end)
        end

        it("of 65536 bytes are refused where they are put", function()
          local server, client, id = connect(pair)
          local data = content(65536)
          assert_refused(server, true, ERR_OUT_OF_MEMORY, (server:put(id, data)))
          assert.equal(ERR_OUT_OF_MEMORY, (client:put(1, data)))
          assert.equal(OK, (server:put(id, "after")))
          client:expect("packet", 1, "after")
          assert.equal(OK, (client:put(1, "after")))
          server:expect("packet", id, "after")
        end)

        it("of 65536 bytes end the connection where they are too large to be taken", function()
          for _, large in ipairs { "server", "client" } do
            local server, client = engine:peer(pair.server), engine:peer(pair.client);
            (large == "server" and server or client):set("outbound_buffer_size", 200000)
            local id = join(server, client, server:listen())
            local sender = large == "server" and server or client
            assert.equal(OK, (sender:put(sender == server and id or 1, content(65536))))
            -- The sender may see the close frame or a reset.
            server:expect("disconnected", id, sender == client and 1009 or nil)
            client:expect("disconnected", 1, sender == server and 1009 or nil)
            client:expect("status", DISCONNECTED)
          end
        end)

        it("of nothing are not sent", function()
          local server, client, id = connect(pair)
          assert.equal(OK, (server:put(id, "")))
          assert.equal(OK, (client:put(1, "")))
          assert.equal(OK, (server:put(id, "x")))
          assert.equal(OK, (client:put(1, "x")))
          client:expect("packet", 1, "x")
          server:expect("packet", id, "x")
        end)

        it("keep their order, 1000 small ones each way", function()
          local server, client, id = connect(pair)
          assert.equal(1001, (server:burst(id, 1, 1000, 8)))
          assert.equal(1001, (client:burst(1, 1, 1000, 8)))
          for i = 1, 1000 do
            client:expect("packet", 1, numbered(i, 8))
            server:expect("packet", id, numbered(i, 8))
          end
        end)

        it("refused by a full queue can be put again later, and nothing is lost", function()
          local server, client, id = connect(pair)
          local function pour(sender, target, receiver, from)
            local next, refusals = 1, 0
            while next <= 1000 do
              local reached = sender:burst(target, next, 1000, 1000)
              if reached <= 1000 then refusals = refusals + 1 end
              next = reached
              engine:step()
            end
            for i = 1, 1000 do receiver:expect("packet", from, numbered(i, 1000)) end
            receiver:expect_nothing()
          end
          pour(client, 1, server, id)
          if server.kind == "lua" then pour(server, id, client, 1) end -- Godot's never says that it is full
        end)

        it("to unknown peers are refused", function()
          local server, client, id = connect(pair)
          assert.equal(ERR_INVALID_PARAMETER, (server:put(id == 2 and 3 or 2, "nobody")))
          assert.equal(ERR_INVALID_PARAMETER, (server:put(1, "itself")))
          assert.equal(OK, (server:put(-1, "all but the server")))
          client:expect("packet", 1, "all but the server")
          -- A client's packets go to the server, whatever the target.
          for _, target in ipairs { 0, 1, 12345, -1, -12345 } do
            assert.equal(OK, (client:put(target, "to " .. target)))
            server:expect("packet", id, "to " .. target)
          end
        end)
      end)

      describe("ends:", function()
        local function expect_told(peer, id, code, reason)
          local event = peer:expect("disconnected", id, code, reason)
          if peer.kind == "lua" and code then assert.equal(code ~= -1, event[5]) end
        end

        -- The client is told, then has no connection any more.
        local function expect_client_told(client, code, reason)
          expect_told(client, 1, code, reason)
          client:expect("status", DISCONNECTED)
          assert.equal(0, client:get_unique_id())
        end

        it("server.disconnect_peer", function()
          local server, client, id = connect(pair)
          server:disconnect_peer(id)
          server:expect("disconnected", id)
          expect_client_told(client, 1000, "")
          assert.equal(CONNECTED, server:get_connection_status())
        end)

        it("server.disconnect_peer by force", function()
          local server, client, id = connect(pair)
          server:disconnect_peer(id, true)
          assert.equal(ERR_INVALID_PARAMETER, (server:put(id, "gone")))
          expect_client_told(client, 1000, "")
          engine:settle()
          server:expect_nothing()
        end)

        it("client.disconnect_peer", function()
          local server, client, id = connect(pair)
          client:disconnect_peer(1)
          expect_told(server, id, 1000, "")
          expect_client_told(client, 1000, "")
        end)

        it("client.disconnect_peer by force", function()
          local server, client, id = connect(pair)
          client:disconnect_peer(1, true)
          assert.equal(DISCONNECTED, client:get_connection_status())
          assert.equal(0, client:get_unique_id())
          expect_told(server, id, 1000, "")
          engine:settle()
          client:expect_nothing()
        end)

        -- Godot's close() only ends TCP, ours says why.
        it("server.close", function()
          local server, client = connect(pair)
          server:close()
          assert.equal(DISCONNECTED, server:get_connection_status())
          expect_client_told(client, server.kind == "lua" and 1001 or -1, "")
          engine:settle()
          server:expect_nothing()
        end)

        it("client.close", function()
          local server, client, id = connect(pair)
          client:close()
          assert.equal(DISCONNECTED, client:get_connection_status())
          expect_told(server, id, client.kind == "lua" and 1000 or -1, "")
          engine:settle()
          client:expect_nothing()
        end)

        it("the server closes one connection with a code and a reason", function()
          local server, client, id = connect(pair)
          server:connection(id, "close", 4001, "bye now")
          server:expect("disconnected", id)
          expect_client_told(client, 4001, "bye now")
        end)

        it("the client closes its connection with a code and a reason", function()
          local server, client, id = connect(pair)
          client:connection(1, "close", 4001, "bye now")
          expect_told(server, id, 4001, "bye now")
          expect_client_told(client, 4001, "bye now")
        end)

        it("leave other clients alone", function()
          local server, client, id = connect(pair)
          local other = engine:peer(pair.client)
          local other_id = join(server, other, ("ws://127.0.0.1:%d"):format(server.port))
          server:disconnect_peer(id)
          server:expect("disconnected", id)
          expect_client_told(client, 1000, "")
          assert.equal(OK, (server:put(0, "to all")))
          other:expect("packet", 1, "to all")
          assert.equal(OK, (other:put(1, "here")))
          server:expect("packet", other_id, "here")
        end)

        it("leave both objects usable", function()
          local server, client = connect(pair)
          server:close()
          expect_client_told(client)
          local id = join(server, client, server:listen())
          assert.equal(OK, (client:put(1, "again")))
          server:expect("packet", id, "again")
          client:close()
          server:expect("disconnected", id)
          local again = join(server, client, ("ws://127.0.0.1:%d"):format(server.port))
          assert.equal(OK, (server:put(again, "and again")))
          client:expect("packet", 1, "and again")
        end)
      end)

      describe("what Godot puts right before an end arrives:", function()
        local function expect_packets(receiver, from)
          for i = 1, 50 do receiver:expect("packet", from, numbered(i, 100)) end
        end

        if pair.server == "lua" then
          for _, ending in ipairs { { "disconnect_peer", 1 }, { "disconnect_peer", 1, true }, { "close" } } do
            it(("client.%s"):format(table.concat({ ending[1], ending[3] and "by force" }, " ")), function()
              local server, client, id = connect(pair)
              client:together({ "burst", 1, 1, 50, 100 }, ending)
              expect_packets(server, id)
              server:expect("disconnected", id)
            end)
          end
        elseif pair.client == "lua" then
          for _, ending in ipairs { { "disconnect_peer" }, { "disconnect_peer", true }, { "close" } } do
            it(("server.%s"):format(table.concat({ ending[1], ending[2] and "by force" }, " ")), function()
              local server, client, id = connect(pair)
              local arguments = ending[1] == "disconnect_peer" and { id, ending[2] } or {}
              server:together({ "burst", id, 1, 50, 100 }, { ending[1], unpack(arguments) })
              expect_packets(client, 1)
              client:expect("disconnected", 1)
              client:expect("status", DISCONNECTED)
            end)
          end
        end
      end)

      describe("over TLS", function()
        local function listen(server, name)
          return server:listen { key = certificates[name .. "_key"], certificate = certificates[name] }
        end

        local function connect_tls(name, tls, host)
          local server, client = engine:peer(pair.server), engine:peer(pair.client)
          local url = listen(server, name):gsub("localhost", host or "localhost")
          assert.equal(OK, (client:create_client_tls(url, tls)))
          return server, client, url
        end

        local trusting = { authorities = certificates.root }

        for title, case in pairs {
          ["a certificate by its authority"] = { "good", trusting },
          ["an RSA certificate"] = { "rsa", trusting },
          ["a chain with an intermediate"] = { "chain", trusting },
          ["a self-signed certificate that it trusts"] = { "self", { authorities = certificates.self } },
          ["another name"] = { "wrong", { authorities = certificates.root, name = "other.example" } },
          ["one of several authorities"] = { "good", { authorities = certificates.other_root .. certificates.root } },
          ["anything if it is unsafe"] = { "unknown", { unsafe = true } },
          ["another host if it is unsafe"] = { "wrong", { unsafe = true, authorities = certificates.root } },
        } do
          it("the client takes " .. title, function()
            local server, client, url = connect_tls(case[1], case[2])
            local id = join(server, client)
            assert.equal(url, client:connection(1, "get_requested_url"))
            assert.matches("^wss://", server:connection(id, "get_requested_url"))
            assert.equal(OK, (server:put(id, "down")))
            client:expect("packet", 1, "down")
            assert.equal(OK, (client:put(1, "up")))
            server:expect("packet", id, "up")
          end)
        end

        for title, case in pairs {
          ["an unknown authority"] = { "unknown", trusting },
          ["an expired certificate"] = { "expired", trusting },
          ["another host"] = { "wrong", trusting },
          ["a name other than the one asked for"] = { "named", { authorities = certificates.root, name = "x.test" } },
          ["a leaf without its intermediate"] = { "deep", trusting },
          ["what the system's authorities do not know"] = { "good", {} },
          ["an unknown authority though it is unsafe, with authorities"] =
            { "unknown", { unsafe = true, authorities = certificates.root } },
        } do
          it("the client refuses " .. title, function()
            local server, client, url = connect_tls(case[1], case[2])
            client:expect("status", DISCONNECTED)
            if client.kind == "lua" then assert.matches("certificate", client:get_last_error()) end
            engine:settle()
            client:expect_nothing()
            server:expect_nothing()
            -- The server is unharmed, and the client can try again.
            assert.equal(OK, (client:create_client_tls(url, { unsafe = true })))
            join(server, client)
          end)
        end

        it("packets of all sizes and bursts go both ways, and codes arrive", function()
          local server, client = connect_tls("good", trusting)
          local id = join(server, client)
          for _, size in ipairs { 1, 125, 126, 16384, 65534, 65535 } do
            assert.equal(OK, (server:put(id, content(size))))
            client:expect("packet", 1, content(size))
            assert.equal(OK, (client:put(1, content(size))))
            server:expect("packet", id, content(size))
          end
          for sender, receiver in pairs { [server] = client, [client] = server } do
            local from = sender == server and 1 or id
            assert.equal(201, sender:burst(sender == server and id or 1, 1, 200, 300))
            for i = 1, 200 do receiver:expect("packet", from, numbered(i, 300)) end
          end
          server:connection(id, "close", 4001, "bye")
          client:expect("disconnected", 1, 4001, "bye")
          client:expect("status", DISCONNECTED)
          server:expect("disconnected", id)
        end)

        it("a client without TLS does not get in, and harms nobody", function()
          local server, client, url = connect_tls("good", trusting)
          join(server, client)
          local other = engine:peer(pair.client)
          assert.equal(OK, (other:create_client((url:gsub("^wss", "ws")))))
          other:expect("status", DISCONNECTED)
          client:expect_nothing()
          server:expect_nothing()
        end)
      end)

      describe("heartbeats", function()
        it("of both sides are answered", function()
          local server, client, id = connect(pair)
          for peer, other in pairs { [server] = id, [client] = 1 } do
            if peer.kind == "godot" then peer:connection_set(other, "heartbeat_interval", 0.05) end
          end
          engine:go_on(0.4)
          server:expect_nothing()
          client:expect_nothing()
          assert.equal(OK, (server:put(id, "alive")))
          client:expect("packet", 1, "alive")
          -- Had they not been answered, Godot would have hung up.
          local ours, theirs = server, client
          if client.kind == "lua" then ours, theirs = client, server end
          if ours.kind == "lua" then
            ours.paused = true
            theirs:expect("disconnected", ours == client and id or 1, -1, "")
          end
        end)
      end)
    end)
  end

  describe("several clients of", function()
    for _, case in ipairs {
      { "lua", "godot", "godot", "lua" },
      { "godot", "lua", "lua", "godot" },
    } do
      it(("a %s server (%s, %s and %s)"):format(unpack(case)), function()
        local server, clients, ids = engine:peer(case[1]), {}, {}
        local url = server:listen()
        for i = 1, 3 do
          clients[i] = engine:peer(case[i + 1])
          ids[i] = join(server, clients[i], url)
        end
        -- Everybody but the excluded gets a packet, and nobody anything else.
        local function put(target, data, excluded)
          assert.equal(OK, (server:put(target, data)))
          for i = 1, 3 do
            if i ~= excluded then clients[i]:expect("packet", 1, data) end
          end
        end
        put(0, "to all")
        for i = 1, 3 do
          put(-ids[i], "to all but " .. i, i)
          assert.equal(OK, (server:put(ids[i], "to " .. i)))
          clients[i]:expect("packet", 1, "to " .. i)
        end
        put(-1, "to all, there is no 1 to leave out")
        put(0, content(65535))
        for i = 1, 3 do
          clients[i]:put(0, "from " .. i)
          server:expect("packet", ids[i], "from " .. i)
        end
        engine:settle()
        for i = 1, 3 do clients[i]:expect_nothing() end
        server:expect_nothing()
      end)
    end
  end)

  describe("the process of Godot dies:", function()
    local victim

    before_each(function()
      if not missing then victim = godot.start() end
    end)
    after_each(function()
      if victim then
        victim:reset()
        victim:quit()
      end
    end)

    it("a Lua server is told", function()
      local server, client = victim:peer "lua", victim:peer "godot"
      local id = join(server, client, server:listen())
      victim:kill()
      server:expect("disconnected", id, -1, "")
      assert.equal(CONNECTED, server:get_connection_status())
    end)

    it("a Lua client is told", function()
      local server, client = victim:peer "godot", victim:peer "lua"
      join(server, client, server:listen())
      victim:kill()
      client:expect("disconnected", 1, -1, "")
      client:expect("status", DISCONNECTED)
    end)
  end)
end)
