-- ws.MultiplayerAPI against the SceneMultiplayer of a real Godot 4, and against itself. Godot is found as in
-- godot_spec.lua; without one only the specs among Lua run, the others are pending. With GODOT_ITSELF=1 they
-- also run among Godots alone: what the engine does where nobody is ours.
local godot = require "support.godot"
local godot_api = require "support.godot_api"
local ws = require "wsmultiplayer"

local args, value = godot_api.args, godot_api.value
local unpack = table.unpack or unpack

local OK, ERR_UNCONFIGURED, ERR_INVALID_DATA, ERR_INVALID_PARAMETER, ERR_BUG = 0, 3, 30, 31, 47
local STRANGER = 12345 -- an id that nobody has

local CASTS = {
  { server = "lua", "lua", "lua", "lua" },
  { server = "lua", "godot", "lua", "godot" },
  { server = "godot", "lua", "godot", "lua" },
}
if os.getenv "GODOT_ITSELF" then CASTS[4] = { server = "godot", "godot", "godot", "godot" } end

local missing = godot.missing()

local function needs_godot(cast)
  return cast.server == "godot" or cast[1] == "godot"
end

-- One value of each type that can be an argument: as Godot writes it, and in Lua.
local function values_of_all_types()
  local v2, v2i, v3, v4 = ws.Vector2, ws.Vector2i, ws.Vector3, ws.Vector4
  local dictionary = ws.Dictionary()
  dictionary.name = "Ada"
  dictionary[ws.int(3)] = ws.Array { true, ws.null }
  return {
    value("null", nil),
    value("true", true),
    value("false", false),
    value("0", 0),
    value("-129", -129),
    value("70000", 70000),
    value("9007199254740993", ws.int "9007199254740993"),
    value("-9223372036854775808", ws.int "-9223372036854775808"),
    value("1.5", 1.5),
    value("3.0", ws.float(3)),
    value("0.1", 0.1),
    value('"Zo\195\171 \\"x\\""', 'Zo\195\171 "x"'),
    value('""', ""),
    value("Vector2(1, -2.5)", v2(1, -2.5)),
    value("Vector2i(1, -2)", v2i(1, -2)),
    value("Rect2(1, 2, 3, 4.5)", ws.Rect2(v2(1, 2), v2(3, 4.5))),
    value("Rect2i(1, 2, 3, 4)", ws.Rect2i(v2i(1, 2), v2i(3, 4))),
    value("Vector3(1, 2, 3.5)", v3(1, 2, 3.5)),
    value("Vector3i(1, 2, -3)", ws.Vector3i(1, 2, -3)),
    value("Transform2D(1, 2, 3, 4, 5, 6)", ws.Transform2D(v2(1, 2), v2(3, 4), v2(5, 6))),
    value("Vector4(1, 2, 3, 4.5)", v4(1, 2, 3, 4.5)),
    value("Vector4i(1, 2, 3, -4)", ws.Vector4i(1, 2, 3, -4)),
    value("Plane(1, 2, 3, 4)", ws.Plane(v3(1, 2, 3), 4)),
    value("Quaternion(0.5, 0.25, 1, 0)", ws.Quaternion(0.5, 0.25, 1, 0)),
    value("AABB(1, 2, 3, 4, 5, 6)", ws.AABB(v3(1, 2, 3), v3(4, 5, 6))),
    -- In text by rows, in Lua by columns.
    value("Basis(1, 2, 3, 4, 5, 6, 7, 8, 9)", ws.Basis(v3(1, 4, 7), v3(2, 5, 8), v3(3, 6, 9))),
    value("Transform3D(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)",
      ws.Transform3D(ws.Basis(v3(1, 4, 7), v3(2, 5, 8), v3(3, 6, 9)), v3(10, 11, 12))),
    value("Projection(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)",
      ws.Projection(v4(1, 2, 3, 4), v4(5, 6, 7, 8), v4(9, 10, 11, 12), v4(13, 14, 15, 16))),
    value("Color(1, 0.5, 0.25, 1)", ws.Color(1, 0.5, 0.25, 1)),
    value('&"jump"', ws.StringName "jump"),
    value('NodePath("/root/Main:position:x")', ws.NodePath "/root/Main:position:x"),
    value("RID(7)", ws.RID(7)),
    value("Callable()", ws.Callable()),
    value('{"name": "Ada", 3: [true, null]}', dictionary),
    value("{}", ws.Dictionary()),
    value('[1, "two", [3.5], Vector2(4, 5)]', ws.Array { 1, "two", ws.Array { 3.5 }, v2(4, 5) }),
    value("[]", ws.Array {}),
    value('PackedByteArray(0, 255, 10)', ws.PackedByteArray "\0\255\n"),
    value("PackedInt32Array(1, -2)", ws.PackedInt32Array { 1, -2 }),
    value("PackedInt64Array(1, -4294967296)", ws.PackedInt64Array { 1, ws.int "-4294967296" }),
    value("PackedFloat32Array(0.5, -2)", ws.PackedFloat32Array { 0.5, -2 }),
    value("PackedFloat64Array(0.1, -2)", ws.PackedFloat64Array { 0.1, -2 }),
    value('PackedStringArray("a", "", "\195\171")', ws.PackedStringArray { "a", "", "\195\171" }),
    value("PackedVector2Array(1, 2, 3, 4)", ws.PackedVector2Array { v2(1, 2), v2(3, 4) }),
    value("PackedVector3Array(1, 2, 3)", ws.PackedVector3Array { v3(1, 2, 3) }),
    value("PackedColorArray(1, 0, 0, 1)", ws.PackedColorArray { ws.Color(1, 0, 0, 1) }),
    value("PackedVector4Array(1, 2, 3, 4)", ws.PackedVector4Array { v4(1, 2, 3, 4) }),
  }
end

describe("MultiplayerAPI:", function()
  local engine

  lazy_setup(function()
    engine = missing and godot.without() or godot.start()
  end)
  lazy_teardown(function()
    if engine then engine:quit() end
  end)

  for _, cast in ipairs(CASTS) do
    local it = it
    if missing and needs_godot(cast) then
      it = function(name) pending(name .. " [NOT RUN: " .. missing .. "]") end
    end

    describe(("a %s server and clients %s"):format(cast.server, table.concat(cast, ", ")), function()
      local parties

      before_each(function() parties = {} end)
      after_each(function()
        if engine then engine:reset() end
      end)

      local function new(kind)
        parties[#parties + 1] = godot_api.new(engine, kind)
        return parties[#parties]
      end

      -- What was not expected is told, and Godot has complained about nothing that was not expected.
      local function expect_silence()
        engine:settle()
        for _, party in ipairs(parties) do party:expect_nothing() end
        assert.same({}, engine:take_errors())
      end

      -- A server and this many clients, each with these nodes, and admitted.
      local function gather(count, nodes, prepare)
        local all = { new(cast.server) }
        for i = 1, count do all[i + 1] = new(cast[i]) end
        for _, party in ipairs(all) do
          local commands = {}
          for i, path in ipairs(nodes or {}) do commands[i] = { "add_node", path, "puppet" } end
          party:together(unpack(commands))
          if prepare then prepare(party) end
        end
        local server = all[1]
        server:listen()
        for i = 2, #all do
          all[i]:enter(server)
          for j = 2, i - 1 do
            all[j]:expect("peer_connected", all[i].id)
            all[i]:expect("peer_connected", all[j].id)
          end
        end
        return unpack(all)
      end

      local number = 0
      -- Bytes to `target`, which these get, and in the end nobody else.
      local function deliver(from, target, receivers)
        number = number + 1
        local bytes = ("number %d\0\255"):format(number)
        assert.equal(OK, from:send_bytes(bytes, target))
        for _, receiver in ipairs(receivers) do receiver:expect("peer_packet", from.id, bytes, from.id) end
      end

      describe("peers", function()
        it("see each other come and go", function()
          local server, a, b, c = gather(3)
          assert.same({ 1, true }, { server:get_unique_id(), server:is_server() })
          assert.is_false(a:is_server())
          local function assert_peers(party, ...)
            local ids = {}
            for i, other in ipairs { ... } do ids[i] = other.id end
            table.sort(ids)
            assert.same(ids, party:get_peers())
          end
          assert_peers(server, a, b, c)
          assert_peers(a, server, b, c)
          assert_peers(b, server, a, c)
          assert_peers(c, server, a, b)

          b:close()
          b:expect "server_disconnected"
          for _, party in ipairs { server, a, c } do party:expect("peer_disconnected", b.id) end
          assert_peers(b)
          assert_peers(a, server, c)
          assert_peers(server, a, c)

          -- Thrown out: the server itself is not told.
          server:disconnect_peer(c.id)
          assert_peers(server, a)
          c:expect("peer_disconnected", 1)
          c:expect "server_disconnected"
          a:expect("peer_disconnected", c.id)
          assert_peers(c)
          assert_peers(a, server)

          -- Who left may come again.
          b:enter(server)
          a:expect("peer_connected", b.id)
          b:expect("peer_connected", a.id)

          server:close()
          server:expect "server_disconnected"
          for _, party in ipairs { a, b } do
            party:expect("peer_disconnected", 1)
            party:expect "server_disconnected"
            assert_peers(party)
          end
          assert_peers(server)
          expect_silence()
        end)

        it("are told when there is no server", function()
          local client = new(cast[1])
          assert.equal(OK, client:join("ws://127.0.0.1:" .. godot.free_port()))
          client:expect "connection_failed"
          expect_silence()
        end)

        it("are one by default, which is a server", function()
          local alone = new(cast.server)
          assert.same({ 1, true }, { alone:get_unique_id(), alone:is_server() })
          assert.same({}, alone:get_peers())
          assert.is_true(alone:has_multiplayer_peer())
          assert.equal(OK, alone:send_bytes("to nobody", 0))
          expect_silence()
        end)

        it("that are refused do not get in", function()
          local server, a = gather(1)
          server:set("refuse_new_connections", true)
          assert.is_true(server:get "refuse_new_connections")
          local late = new(cast[2])
          assert.equal(OK, late:join(server.url))
          engine:settle()
          late:expect_nothing()
          server:set("refuse_new_connections", false)
          late:expect "connected_to_server"
          late:expect("peer_connected", 1)
          local id = late:get_unique_id()
          late:expect("peer_connected", a.id)
          a:expect("peer_connected", id)
          server:expect("peer_connected", id)
          expect_silence()
        end)

        it("know only the server where there is no relay", function()
          local function forbid(party) party:set("server_relay", false) end
          local server, a, b = new(cast.server), new(cast[1]), new(cast[2])
          for _, party in ipairs { server, a, b } do forbid(party) end
          server:listen()
          a:enter(server)
          b:enter(server)
          assert.same({ 1 }, a:get_peers())
          assert.same({ 1 }, b:get_peers())
          deliver(a, 0, { server })
          deliver(a, 1, { server })
          deliver(server, 0, { a, b })
          assert.equal(ERR_BUG, a:send_bytes("x", b.id))
          if a.kind == "godot" then engine:expect_error "connected_peers" end
          b:close()
          b:expect "server_disconnected"
          server:expect("peer_disconnected", b.id)
          expect_silence()
        end)

        it("that would relay are refused where there is no relay", function()
          local server, a, b = new(cast.server), new(cast[1]), new(cast[2])
          server:set("server_relay", false)
          server:listen()
          a:enter(server)
          b:enter(server)
          assert.equal(OK, a:send_bytes("x", b.id))
          server:expect_refusal(a.id, "relay", "server_relay")
          assert.equal(OK, a:send_bytes("x", 0))
          server:expect_refusal(a.id, "relay", "server_relay")
          deliver(a, 1, { server })
          expect_silence()
        end)
      end)

      describe("send_bytes", function()
        it("of the server reaches one, all, and all but one", function()
          local server, a, b, c = gather(3)
          deliver(server, 0, { a, b, c })
          deliver(server, a.id, { a })
          deliver(server, c.id, { c })
          deliver(server, -a.id, { b, c })
          deliver(server, -b.id, { a, c })
          deliver(server, -1, { a, b, c })
          deliver(server, -STRANGER, { a, b, c })
          assert.equal(ERR_BUG, server:send_bytes("x", STRANGER))
          if server.kind == "godot" then engine:expect_error "connected_peers" end
          expect_silence()
        end)

        it("of each client reaches one, all, and all but one", function()
          local server, a, b, c = gather(3)
          for _, from in ipairs { a, b, c } do
            local others, another = {}, nil
            for _, other in ipairs { a, b, c } do
              if other ~= from then
                others[#others + 1] = other
                another = another or other
              end
            end
            local rest = others[2]
            deliver(from, 1, { server })
            deliver(from, 0, { server, others[1], others[2] })
            deliver(from, another.id, { another })
            deliver(from, -another.id, { server, rest })
            deliver(from, -1, { others[1], others[2] })
            deliver(from, -from.id, { server, others[1], others[2] })
            deliver(from, -STRANGER, { server, others[1], others[2] })
            assert.equal(OK, from:send_bytes("vanishes", STRANGER))
          end
          expect_silence()
        end)

        it("keeps the order, and takes any bytes", function()
          local server, a, b = gather(2)
          local bytes = {}
          for i = 0, 255 do bytes[i + 1] = string.char(i) end
          bytes = table.concat(bytes):rep(100)
          for i = 1, 40 do
            local text = bytes:sub(1, i * 37)
            server:together { "send_bytes", text, a.id }
            a:together({ "send_bytes", text, 1 }, { "send_bytes", text, b.id })
          end
          for i = 1, 40 do
            local text = bytes:sub(1, i * 37)
            a:expect("peer_packet", 1, text, 1)
            server:expect("peer_packet", a.id, text, a.id)
            b:expect("peer_packet", a.id, text, a.id)
          end
          deliver(a, b.id, { b })
          assert.equal(OK, server:send_bytes(bytes, b.id))
          b:expect("peer_packet", 1, bytes, 1)
          expect_silence()
        end)

        it("refuses nothing at all, and sends nothing before there is a connection", function()
          local server = gather(1)
          assert.equal(ERR_INVALID_DATA, server:send_bytes("", 0))
          local client = new(cast[1])
          assert.equal(OK, client:join("ws://127.0.0.1:" .. godot.free_port()))
          assert.equal(ERR_UNCONFIGURED, client:send_bytes("x", 1))
          client:expect "connection_failed"
          engine:settle()
          engine:take_errors() -- Godot's words for these
          expect_silence()
        end)
      end)

      describe("authentication", function()
        -- A server and a client that has joined; both wait for authentication if they have a callback.
        local function approach(server_has, client_has, timeout)
          local server, client = new(cast.server), new(cast[1])
          server:auth(server_has)
          client:auth(client_has)
          for _, party in ipairs { server, client } do party:set("auth_timeout", timeout or 30) end
          server:listen()
          assert.equal(OK, client:join(server.url))
          if server_has then client.id = server:expect("peer_authenticating")[2] end
          if client_has then client:expect("peer_authenticating", 1) end
          return server, client
        end

        local function expect_admitted(server, client)
          server:expect("peer_connected", client.id)
          client:expect "connected_to_server"
          client:expect("peer_connected", 1)
          assert.same({ 1 }, client:get_peers())
          assert.same({ client.id }, server:get_peers())
          assert.same({}, client:get_authenticating_peers())
        end

        local function expect_thrown_out(client)
          client:expect("peer_authentication_failed", 1)
          client:expect "server_disconnected"
        end

        it("admits once both sides say so", function()
          local server, client = approach(true, true)
          assert.same({ client.id }, server:get_authenticating_peers())
          assert.same({ 1 }, client:get_authenticating_peers())
          assert.same({}, server:get_peers())
          assert.equal(ERR_INVALID_PARAMETER, server:send_auth(STRANGER, "x"))
          assert.equal(ERR_INVALID_PARAMETER, server:send_auth(client.id, ""))
          assert.equal(ERR_INVALID_PARAMETER, server:complete_auth(STRANGER))
          engine:settle()
          engine:take_errors()
          assert.equal(OK, client:send_auth(1, "name: \0Ada"))
          server:expect("auth", client.id, "name: \0Ada")
          assert.equal(OK, server:send_auth(client.id, "question"))
          client:expect("auth", 1, "question")
          assert.equal(OK, client:send_auth(1, "answer"))
          server:expect("auth", client.id, "answer")
          assert.equal(OK, server:complete_auth(client.id))
          engine:settle()
          server:expect_nothing()
          client:expect_nothing()
          assert.are_not.equal(OK, server:send_auth(client.id, "late"))
          assert.are_not.equal(OK, server:complete_auth(client.id))
          engine:settle()
          engine:take_errors()
          assert.equal(OK, client:complete_auth(1))
          expect_admitted(server, client)
          deliver(server, client.id, { client })
          deliver(client, 1, { server })
          expect_silence()
        end)

        it("admits when the client is the first to say so", function()
          local server, client = approach(true, true)
          assert.equal(OK, client:complete_auth(1))
          engine:settle()
          server:expect_nothing()
          assert.equal(OK, server:complete_auth(client.id))
          expect_admitted(server, client)
          expect_silence()
        end)

        it("goes on one by one, and those inside are told of the admitted only", function()
          local server, a, b = new(cast.server), new(cast[1]), new(cast[2])
          for _, party in ipairs { server, a, b } do party:auth(true) end
          server:listen()
          for _, client in ipairs { a, b } do
            assert.equal(OK, client:join(server.url))
            client.id = server:expect("peer_authenticating")[2]
            client:expect("peer_authenticating", 1)
          end
          assert.equal(OK, server:complete_auth(a.id))
          assert.equal(OK, a:complete_auth(1))
          expect_admitted(server, a)
          deliver(server, 0, { a })
          assert.same({ b.id }, server:get_authenticating_peers())
          engine:settle()
          a:expect_nothing()
          assert.equal(OK, server:complete_auth(b.id))
          assert.equal(OK, b:complete_auth(1))
          server:expect("peer_connected", b.id)
          b:expect "connected_to_server"
          b:expect("peer_connected", 1)
          b:expect("peer_connected", a.id)
          a:expect("peer_connected", b.id)
          expect_silence()
        end)

        it("refused by the server: it disconnects", function()
          local server, client = approach(true, true)
          assert.equal(OK, client:send_auth(1, "wrong password"))
          server:expect("auth", client.id, "wrong password")
          server:disconnect_peer(client.id)
          expect_thrown_out(client)
          engine:settle()
          assert.same({}, server:get_authenticating_peers())
          expect_silence()
        end)

        it("given up by the client: it disconnects", function()
          local server, client = approach(true, true)
          client:close()
          client:expect "server_disconnected"
          server:expect("peer_authentication_failed", client.id)
          assert.same({}, server:get_peers())
          expect_silence()
        end)

        it("times out on the server", function()
          local server, client = new(cast.server), new(cast[1])
          server:auth(true)
          client:auth(true)
          server:set("auth_timeout", 0.2)
          client:set("auth_timeout", 0) -- never
          server:listen()
          assert.equal(OK, client:join(server.url))
          client.id = server:expect("peer_authenticating")[2]
          client:expect("peer_authenticating", 1)
          assert.equal(OK, client:complete_auth(1))
          server:expect("peer_authentication_failed", client.id)
          expect_thrown_out(client)
          assert.same({}, server:get_peers())
          expect_silence()
        end)

        it("times out on the client", function()
          local server, client = new(cast.server), new(cast[1])
          server:auth(true)
          client:auth(true)
          server:set("auth_timeout", 0)
          client:set("auth_timeout", 0.2)
          server:listen()
          assert.equal(OK, client:join(server.url))
          client.id = server:expect("peer_authenticating")[2]
          client:expect("peer_authenticating", 1)
          assert.equal(OK, server:complete_auth(client.id))
          client:expect("peer_authentication_failed", 1)
          client:expect "server_disconnected"
          server:expect("peer_authentication_failed", client.id)
          expect_silence()
        end)

        it("times out where only the server asks for it", function()
          local server, client = approach(true, false, 0.2)
          client:expect "connected_to_server"
          client:expect("peer_connected", 1)
          server:expect("peer_authentication_failed", client.id)
          client:expect("peer_disconnected", 1)
          client:expect "server_disconnected"
          expect_silence()
        end)

        it("times out where only the client asks for it", function()
          local server, client = approach(false, true, 0.2)
          local id = server:expect("peer_connected")[2]
          client:expect("peer_authentication_failed", 1)
          client:expect "server_disconnected"
          server:expect("peer_disconnected", id)
          expect_silence()
        end)
      end)

      describe("remote calls", function()
        -- The same call from the server to the client and back.
        local function both_ways(server, client, call)
          call(server, client)
          call(client, server)
        end

        it("carry every type of value, both ways", function()
          local server, client = gather(1, { "Main" })
          local values = values_of_all_types()
          both_ways(server, client, function(from, to)
            local commands = {}
            for i, each in ipairs(values) do commands[i] = { "rpc_id", "Main", to.id, "any_1", each } end
            from:together(unpack(commands))
            for _, each in ipairs(values) do
              local event = to:expect_call("Main", "any_1", from.id, each)
              if to.kind == "godot" then
                -- Godot's bytes of what arrived are Godot's bytes of what it was meant to be.
                local bytes = engine:run({ n = 3, "", "bytes", godot.text("[" .. each.text .. "]") })
                assert.equal(bytes, godot.to_hex(event.bytes))
              end
            end
          end)
          expect_silence()
        end)

        it("carry any number of arguments", function()
          local server, client = gather(1, { "Main" })
          local bytes = value("PackedByteArray(1, 2, 3)", ws.PackedByteArray "\1\2\3")
          local empty = value("PackedByteArray()", ws.PackedByteArray "")
          both_ways(server, client, function(from, to)
            assert.equal(OK, from:rpc_id("Main", to.id, "any_0"))
            to:expect_call("Main", "any_0", from.id)
            assert.equal(OK, from:rpc_id("Main", to.id, "any_3", "a", nil, 3))
            to:expect_call("Main", "any_3", from.id, "a", nil, 3)
            assert.equal(OK, from:rpc_id("Main", to.id, "any_3", bytes, empty, empty))
            to:expect_call("Main", "any_3", from.id, bytes, empty, empty)
            assert.equal(OK, from:rpc_id("Main", to.id, "optional_1", "given"))
            to:expect_call("Main", "optional_1", from.id, "given")
            -- One empty PackedByteArray is no argument at all.
            for _, call in ipairs { args(), args(empty) } do
              assert.equal(OK, from:rpc_id("Main", to.id, "optional_1", call[1]))
              if to.kind == "godot" then
                to:expect_call("Main", "optional_1", from.id, call.n == 0 and value("null") or "default")
              else
                to:expect("call", "Main", "optional_1", from.id)
              end
            end
          end)
          expect_silence()
        end)

        it("reach nodes of any depth, at once and when the path is known", function()
          local paths = { "Main", "Main/Child", "Main/Child/Zo\195\171", "With space" }
          local server, client = gather(1, paths)
          for turn = 1, 3 do
            both_ways(server, client, function(from, to)
              for _, path in ipairs(paths) do assert.equal(OK, from:rpc_id(path, to.id, "any_1", turn)) end
              for _, path in ipairs(paths) do to:expect_call(path, "any_1", from.id, turn) end
            end)
          end
          expect_silence()
        end)

        it("carry the path until it is confirmed, and then a number", function()
          local server, client = gather(1, { "Main" }, function(party)
            if party.kind == "lua" then party.packets = {} end
          end)
          both_ways(server, client, function(from, to)
            local packets = from.packets or to.packets
            if not packets then return end
            for i = #packets, 1, -1 do packets[i] = nil end
            for number_of_call = 1, 2 do
              assert.equal(OK, from:rpc_id("Main", to.id, "any_1", 5))
              to:expect_call("Main", "any_1", from.id, 5)
              engine:wait(function() return #packets == (number_of_call == 1 and 3 or 4) end, "the packets")
              engine:settle()
            end
            table.sort(packets, function(a, b) return a < b end)
            -- any_1 has the number 2: Upper_1 and any_0 come before it.
            assert.equal("\0\1\2\1\2\5", packets[1])
            assert.matches("^\1%x+%z\1%z%z%zMain%z$", packets[2])
            assert.equal("\2\1\1\0\0\0", packets[3])
            assert.equal("\32\9\0\0\128\2\1\2\5Main\0", packets[4])
          end)
          expect_silence()
        end)

        it("reach 300 nodes", function() -- ids of one byte do not do
          local paths = {}
          for i = 1, 300 do paths[i] = "N" .. i end
          local server, client = gather(1, paths)
          for turn = 1, 2 do
            both_ways(server, client, function(from, to)
              local commands = {}
              for i, path in ipairs(paths) do commands[i] = { "rpc_id", path, to.id, "any_1", turn } end
              from:together(unpack(commands))
              for _, path in ipairs(paths) do to:expect_call(path, "any_1", from.id, turn) end
            end)
          end
          expect_silence()
        end)

        it("find script-level and node-level methods", function()
          local server, client = gather(1, { "Main" }, function(party)
            party:rpc_config("Main", "native_z", { "any_peer" })
            party:rpc_config("Main", "native_a", { "any_peer", "call_local" })
          end)
          both_ways(server, client, function(from, to)
            for _, method in ipairs { "native_a", "native_z", "any_1", "Upper_1", "inherited_1", "local_1" } do
              assert.equal(OK, from:rpc_id("Main", to.id, method, "to " .. method))
              to:expect_call("Main", method, from.id, "to " .. method)
            end
          end)
          assert.equal(OK, server:rpc_id("Main", 0, "native_a", "all"))
          client:expect_call("Main", "native_a", 1, "all")
          server:expect_call("Main", "native_a", 1, "all")
          expect_silence()
        end)

        it("reach one, all, and all but one, and the caller where call_local says so", function()
          local server, a, b, c = gather(3, { "Main" })
          local all = { server, a, b, c }
          for _, from in ipairs(all) do
            local others = {}
            for _, other in ipairs(all) do
              if other ~= from then others[#others + 1] = other end
            end
            local function call(target, method, receivers, itself)
              number = number + 1
              assert.equal(OK, from:rpc_id("Main", target, method, number))
              for _, receiver in ipairs(receivers) do receiver:expect_call("Main", method, from.id, number) end
              if itself then from:expect_call("Main", method, from.id, number) end
            end
            call(0, "any_1", others)
            call(0, "local_1", others, true)
            call(others[1].id, "local_1", { others[1] })
            call(-others[1].id, "any_1", { others[2], others[3] })
            call(-others[3].id, "local_1", { others[1], others[2] }, true)
            call(from.id, "local_1", {}, true)
            assert.equal(ERR_INVALID_PARAMETER, from:rpc_id("Main", from.id, "any_1", 1))
            if from.kind == "godot" then engine:expect_error "on yourself" end
            assert.equal(0, from:get_remote_sender_id())
          end
          expect_silence()
        end)

        it("pass between clients, both ways", function()
          local server, a, b = gather(2, { "Main", "Main/Child" })
          for turn = 1, 3 do
            both_ways(a, b, function(from, to)
              for _, path in ipairs { "Main", "Main/Child" } do
                local vector = value("Vector2(1, 2)", ws.Vector2(1, 2))
                assert.equal(OK, from:rpc_id(path, to.id, "any_3", turn, "two", vector))
                to:expect_call(path, "any_3", from.id, turn, "two", vector)
              end
            end)
          end
          assert.equal(1, server.id)
          expect_silence()
        end)

        it("of authority's methods are refused to others", function()
          local server, a, b = gather(2, { "Main" })
          local all = { server, a, b }
          for _, to in ipairs { a, b } do
            assert.equal(OK, server:rpc_id("Main", to.id, "authority_1", "from the server"))
            to:expect_call("Main", "authority_1", 1, "from the server")
          end
          for _, from in ipairs { a, b } do
            for _, to in ipairs(all) do
              if to ~= from then
                assert.equal(OK, from:rpc_id("Main", to.id, "authority_1", "not allowed"))
                to:expect_refusal(from.id, "authority", "RPC 'authority_1' is not allowed on node")
              end
            end
          end
          for _, party in ipairs(all) do party:set_authority("Main", a.id) end
          assert.equal(OK, a:rpc_id("Main", 0, "authority_1", "from the authority"))
          for _, to in ipairs { server, b } do to:expect_call("Main", "authority_1", a.id, "from the authority") end
          assert.equal(OK, server:rpc_id("Main", a.id, "authority_1", "not any more"))
          a:expect_refusal(1, "authority", "RPC 'authority_1' is not allowed on node")
          expect_silence()
        end)

        it("to a node that is not there are reported where it is missing", function()
          local server, client = gather(1, { "Main" })
          both_ways(server, client, function(from, to)
            from:add_node("Ghost" .. from.id, "puppet")
            assert.equal(OK, from:rpc_id("Ghost" .. from.id, to.id, "any_0"))
            to:expect_refusal(from.id, "Ghost", "Node not found") -- the path, and
            to:expect_refusal(from.id, "Ghost", "Failed to get path from RPC: Ghost") -- the call
            engine:settle()
            engine:take_errors() -- Godot has some more words for each
            -- When it is there later, calls arrive.
            to:add_node("Ghost" .. from.id, "puppet")
            assert.equal(OK, from:rpc_id("Ghost" .. from.id, to.id, "any_1", "now"))
            to:expect_call("Ghost" .. from.id, "any_1", from.id, "now")
          end)
          assert.equal(OK, server:rpc_id("Main", client.id, "any_1", "unharmed"))
          client:expect_call("Main", "any_1", 1, "unharmed")
          expect_silence()
        end)

        it("to a node that has gone are reported, and arrive again when it is back", function()
          local server, client = gather(1, { "Main" })
          both_ways(server, client, function(from, to)
            for _ = 1, 2 do
              assert.equal(OK, from:rpc_id("Main", to.id, "any_1", "here"))
              to:expect_call("Main", "any_1", from.id, "here")
            end
            engine:settle() -- the path is confirmed now
            to:remove_node "Main"
            assert.equal(OK, from:rpc_id("Main", to.id, "any_1", "gone"))
            to:expect_refusal(from.id, "Main", "Failed to get cached node")
            engine:settle()
            engine:take_errors()
            to:add_node("Main", "puppet")
            assert.equal(OK, from:rpc_id("Main", to.id, "any_1", "back"))
            to:expect_call("Main", "any_1", from.id, "back")
          end)
          expect_silence()
        end)

        it("to a node with other methods are reported on both sides", function()
          local server, client = gather(1)
          both_ways(server, client, function(from, to)
            local path = "Odd" .. from.id
            from:add_node(path, "puppet")
            to:add_node(path, "stranger")
            -- Methods have numbers, in order of their names: what is any_0 here is zeta there.
            assert.equal(OK, from:rpc_id(path, to.id, "any_0"))
            to:expect_refusal(from.id, "checksum", "rpc node checksum failed")
            to:expect_call(path, "zeta", from.id)
            from:expect_refusal(to.id, "checksum", "rpc node checksum failed")
            -- This one has no such number.
            assert.equal(OK, from:rpc_id(path, to.id, "optional_1", "x"))
            to:expect_refusal(from.id, "method", "configs.has")
          end)
          expect_silence()
        end)

        it("with a wrong number of arguments are reported where they arrive", function()
          local server, client = gather(1, { "Main" })
          both_ways(server, client, function(from, to)
            if to.kind == "godot" then
              assert.equal(OK, from:rpc_id("Main", to.id, "any_0", 1))
              engine:expect_error "RPC %- .*any_0"
              assert.equal(OK, from:rpc_id("Main", to.id, "any_1"))
              engine:expect_error "RPC %- .*any_1"
            end
          end)
          expect_silence()
        end)

        it("of what is no remote method, or to nobody, are refused where they are made", function()
          local server, client = gather(1, { "Main" })
          both_ways(server, client, function(from)
            assert.equal(ERR_INVALID_PARAMETER, from:rpc_id("Main", 0, "native_a", 1))
            assert.equal(OK, from:rpc_id("Main", STRANGER, "any_0"))
          end)
          engine:settle()
          engine:take_errors()
          expect_silence()
        end)

        it("wait for a connection", function()
          local client = new(cast[1])
          client:add_node("Main", "puppet")
          assert.equal(OK, client:join("ws://127.0.0.1:" .. godot.free_port()))
          assert.are_not.equal(OK, client:rpc_id("Main", 1, "any_0"))
          client:expect "connection_failed"
          engine:settle()
          engine:take_errors()
          expect_silence()
        end)

        it("go on after a new connection of the same API", function()
          local server, client = gather(1, { "Main" })
          for turn = 1, 3 do
            both_ways(server, client, function(from, to)
              for call = 1, 2 do
                assert.equal(OK, from:rpc_id("Main", to.id, "any_3", turn, call, "x"))
                to:expect_call("Main", "any_3", from.id, turn, call, "x")
              end
            end)
            client:close()
            client:expect "server_disconnected"
            server:expect("peer_disconnected", client.id)
            client:enter(server)
          end
          expect_silence()
        end)

        it("and bytes keep their order among each other", function()
          local server, client = gather(1, { "Main" })
          both_ways(server, client, function(from, to)
            for i = 1, 50 do
              from:together({ "rpc_id", "Main", to.id, "any_1", i }, { "send_bytes", "b" .. i, to.id })
            end
            for i = 1, 50 do
              to:expect_call("Main", "any_1", from.id, i)
              to:expect("peer_packet", from.id, "b" .. i)
            end
          end)
          expect_silence()
        end)
      end)

      if needs_godot(cast) and cast.server ~= cast[1] then
        describe("replication", function()
          -- Goes through what this one tells until there is such a packet: synchronizers send again and again.
          local function await_packet(party, from, kind, pattern)
            while true do
              engine:wait(function() return party.events[1] end, ("a %s packet for %s"):format(kind, party.name))
              local event = table.remove(party.events, 1)
              if event[1] == "replication_packet" and event[2] == from and event[3] == kind and
                event[4]:find(pattern or "") then
                return event
              end
              assert.equal("replication_packet", event[1])
            end
          end

          local function is_replication(event) return event[1] == "replication_packet" end

          -- What is left of the events without those of replication.
          local function others(party)
            local list = {}
            for _, event in ipairs(party.events) do
              if not is_replication(event) then list[#list + 1] = event end
            end
            party.events = {}
            return list
          end

          -- A remote call arrives in spite of all the packets around it.
          local function assert_call_arrives(from, to)
            number = number + 1
            assert.equal(OK, from:rpc_id("Main", to.id, "any_1", number))
            engine:wait(function()
              while to.events[1] and is_replication(to.events[1]) do table.remove(to.events, 1) end
              return to.events[1]
            end, "a call")
            to:expect_call("Main", "any_1", from.id, number)
          end

          local function add_nodes(party)
            if party.kind == "godot" then return end
            party:add_node("Spawner", "plain")
            party:add_node("Fixed/Synchronizer", "plain")
          end

          if cast.server == "godot" then
            it("of a Godot server is told to Lua clients, and they are in nobody's way", function()
              local server, lua, other = gather(2, { "Main" }, add_nodes)
              other:replicate(1)
              server:replicate(1)
              await_packet(lua, 1, "sync", "^\6")
              server:spawn "Ada"
              local spawn = await_packet(lua, 1, "spawn")[4]
              assert.equal("\4\0", spawn:sub(1, 2))
              assert.matches("Ada%z", spawn)
              assert_call_arrives(server, lua)
              assert_call_arrives(lua, server)
              assert_call_arrives(lua, other)
              server:node("Mobs/Ada", "set", "rotation", 1.5)
              await_packet(lua, 1, "delta", "^\22")
              server:node("Mobs/Ada", "set", "position", godot.text "Vector2(3, 4)")
              engine:wait(function()
                return other:node("Mobs/Ada", "get", "position") == "(3.0, 4.0)" and
                  other:node("Mobs/Ada", "get", "rotation") == 1.5
              end, "the Godot client to follow")
              server:remove_node "Mobs/Ada"
              await_packet(lua, 1, "despawn", "^\5")
              assert_call_arrives(server, lua)
              assert.same({}, others(lua))
              assert.same({}, engine:take_errors())
            end)

            it("of a Godot server harms no Lua client that knows nothing of it", function()
              local server, lua = gather(1, { "Main" })
              server:replicate(1)
              lua:expect_refusal(1, "Fixed/Synchronizer")
              server:spawn "Ada"
              lua:expect_refusal(1, "Spawner")
              await_packet(lua, 1, "spawn", "Ada")
              await_packet(lua, 1, "sync")
              assert_call_arrives(server, lua)
              assert_call_arrives(lua, server)
              server:remove_node "Mobs/Ada"
              await_packet(lua, 1, "despawn")
              assert.same({}, others(lua))
              assert.same({}, engine:take_errors())
            end)
          else
            it("of a Godot client is told to a Lua server and to Lua clients", function()
              local server, client, lua = gather(2, { "Main" }, add_nodes)
              client:replicate(client.id)
              for _, party in ipairs { server, lua } do
                if party.kind == "lua" then
                  await_packet(party, client.id, "sync", "^\6")
                  client:node("Fixed", "set", "rotation", 2.5)
                  await_packet(party, client.id, "delta", "^\22")
                  client:node("Fixed", "set", "rotation", 0)
                end
              end
              assert_call_arrives(client, server)
              assert_call_arrives(server, client)
              assert_call_arrives(client, lua)
              assert_call_arrives(lua, client)
              assert.same({}, others(server))
              assert.same({}, engine:take_errors())
            end)
          end
        end)
      end
    end)
  end
end)
