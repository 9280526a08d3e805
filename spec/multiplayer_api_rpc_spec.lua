-- MultiplayerAPI: nodes and remote calls.
local ws = require "wsmultiplayer"
local apis = require "support.api"
local call = require "support.call"
local session = require "support.session"
local variants = require "support.variants"

local OK, ERR_INVALID_PARAMETER = ws.OK, ws.ERR_INVALID_PARAMETER
local STRANGER = 12345

local function raised(object, ...)
  local ok, message = call(object, ...)
  assert.is_false(ok)
  return message
end

describe("a node", function()
  local api

  before_each(function() api = ws.MultiplayerAPI.new() end)

  it("has a path, an authority and its methods, and nothing else", function()
    local node = api:add_node("Main/Player", {})
    assert.equals("Main/Player", node:get_path())
    assert.equals(1, node:get_multiplayer_authority())
    assert.is_true(node:is_multiplayer_authority()) -- offline, one is the server
    node:set_multiplayer_authority(5)
    assert.equals(5, node:get_multiplayer_authority())
    assert.is_false(node:is_multiplayer_authority())
    assert.matches("^MultiplayerNode: .*Main/Player", tostring(node))
    assert.matches("MultiplayerNode has no field 'path'", select(2, pcall(function() return node.path end)), 1, true)
    assert.is_false(pcall(function() node.x = 1 end))
    assert.equals(node, api:get_node("Main/Player"))
    assert.is_nil(api:get_node("Main"))
  end)

  it("is relative to the root_path, which may be given with it", function()
    api.root_path = "/root"
    assert.equals("Main", api:add_node("/root/Main", {}):get_path())
    assert.equals(".", api:add_node("/root", {}):get_path())
    assert.equals(api:get_node("Main"), api:get_node("/root/Main"))
    assert.equals("A/B", api:add_node("A/B", {}):get_path())
    assert.equals("@Node@2", api:add_node("@Node@2", {}):get_path())
    assert.equals("Zo\195\171 2", api:add_node("Zo\195\171 2", {}):get_path())
    for path, why in pairs {
      ["/roots/Main"] = "not below the root_path '/root'", [""] = "an empty name", ["A//B"] = "an empty name",
      ["A/"] = "an empty name", [".."] = "'.' in a name", ["../A"] = "'.' in a name", ["A/./B"] = "'.' in a name",
      ["A:position"] = "':' in a name", ["%A"] = "'%' in a name", ["A\0B"] = "not UTF-8 text",
      ["\255"] = "not UTF-8 text", ["/root/"] = "an empty name",
    } do
      assert.matches(("bad argument #1 to 'add_node' (%s)"):format(why), raised(api, "add_node", path, {}), 1, true)
    end
    api.root_path = ""
    assert.matches("there is no root_path", raised(api, "get_node", "/root/Main"), 1, true)
    api.root_path = "/"
    assert.equals("root/X", api:add_node("/root/X", {}):get_path())
  end)

  it("is refused where there is one, or what it is given can't be", function()
    api:add_node("Main", {})
    for text, args in pairs {
      ["#1 to 'add_node' (there is a node at 'Main')"] = { "Main", {} },
      ["#1 to 'add_node' (string expected, got nil)"] = {},
      ["#2 to 'add_node' (object expected, got string)"] = { "A", "x" },
      ["#3 to 'add_node' (table expected, got number)"] = { "A", {}, 1 },
      ["#3 to 'add_node' (say: 'anypeer' is no argument of @rpc)"] = { "A", {}, { say = { "anypeer" } } },
      ["#3 to 'add_node' ('1' is no name of a method)"] = { "A", {}, { {} } },
    } do
      assert.matches("bad argument " .. text, raised(api, "add_node", (table.unpack or unpack)(args)), 1, true)
    end
    assert.is_nil(api:get_node("A"))
    local node = api:get_node("Main")
    assert.matches("#1 to 'rpc' (string expected, got nil)", raised(node, "rpc"), 1, true)
    assert.matches("#1 to 'rpc_id' (number expected, got string)", raised(node, "rpc_id", "say"), 1, true)
    assert.matches("#2 to 'rpc_id' (string expected, got nil)", raised(node, "rpc_id", 1), 1, true)
    local message = raised(node, "rpc_config", "say", { mode = 1 })
    assert.matches("#2 to 'rpc_config' (say: there is no 'mode')", message, 1, true)
    assert.matches("#1 to 'set_multiplayer_authority'", raised(node, "set_multiplayer_authority"), 1, true)
  end)

  it("gives its authority to the nodes below", function()
    local nodes = {}
    for _, path in ipairs { ".", "Main", "Main/A", "Main/A/B", "Mains" } do nodes[path] = api:add_node(path, {}) end
    local function authorities()
      local list = {}
      for i, path in ipairs { ".", "Main", "Main/A", "Main/A/B", "Mains" } do
        list[i] = nodes[path]:get_multiplayer_authority()
      end
      return table.concat(list, " ")
    end
    nodes.Main:set_multiplayer_authority(7)
    assert.equals("1 7 7 7 1", authorities())
    nodes["Main/A"]:set_multiplayer_authority(8, false)
    assert.equals("1 7 8 7 1", authorities())
    nodes["."]:set_multiplayer_authority(9)
    assert.equals("9 9 9 9 9", authorities())
  end)

  it("can be removed and made again", function()
    local object = { say = function() end }
    local node = api:add_node("Main", object, { say = { "call_local" } })
    assert.equals(OK, (node:rpc "say"))
    node:remove()
    node:remove()
    assert.is_nil(api:get_node("Main"))
    assert.equals(ERR_INVALID_PARAMETER, (node:rpc "say"))
    assert.equals(ERR_INVALID_PARAMETER, (api:rpc(0, object, "say")))
    api:add_node("Main", object, { say = { "call_local" } })
    assert.equals(ERR_INVALID_PARAMETER, (node:rpc "say"))
    assert.equals(OK, (api:rpc(0, object, "say")))
  end)
end)

describe("a remote call", function()
  after_each(apis.close)

  local ANY = { "any_peer" }

  it("is made on one, all, or all but one, and locally where call_local says so", function()
    local server, a, b, c = apis.gather(3)
    local all = { server, a, b, c }
    for _, party in ipairs(all) do
      party.node = party:add_node("Main", { any = ANY, here = { "any_peer", "call_local" } })
    end
    local number = 0
    for _, from in ipairs(all) do
      local others = {}
      for _, other in ipairs(all) do
        if other ~= from then others[#others + 1] = other end
      end
      local function check(target, method, receivers, itself)
        number = number + 1
        assert.equals(OK, (from.node:rpc_id(target, method, number)))
        if itself then from:expect("call", method, from.id, number) end -- at once
        for _, receiver in ipairs(receivers) do receiver:expect("call", method, from.id, number) end
      end
      check(0, "any", others)
      check(0, "here", others, true)
      check(others[1].id, "here", { others[1] })
      check(-others[1].id, "any", { others[2], others[3] })
      check(-others[3].id, "here", { others[1], others[2] }, true)
      check(from.id, "here", {}, true)
      check(-STRANGER, "here", {}, true)
      check(-from.id, "here", {})
      assert.equals(ERR_INVALID_PARAMETER, (from.node:rpc_id(from.id, "any")))
      local err, why = from.node:rpc_id(STRANGER, "any")
      assert.equals(OK, err) -- as in Godot
      assert.matches("no peer 12345", why)
      assert.equals(0, from.api:get_remote_sender_id())
    end
    apis.expect_silence(server, a, b, c)
  end)

  it("can be made by node:rpc, node:rpc_id, and api:rpc with the node or its object", function()
    local server, a = apis.gather(1)
    local node, object = server:add_node("Main", { any = ANY })
    a:add_node("Main", { any = ANY })
    node:rpc("any", 1)
    node:rpc_id(a.id, "any", 2)
    server.api:rpc(0, node, "any", { 3 })
    server.api:rpc(a.id, object, "any", { nil, 4, n = 2 })
    server.api:rpc(0, object, "any")
    a:expect("call", "any", 1, 1)
    a:expect("call", "any", 1, 2)
    a:expect("call", "any", 1, 3)
    a:expect("call", "any", 1, nil, 4)
    assert.equals(3, a:expect("call", "any", 1).n)
  end)

  it("carries values of every type, both ways", function()
    local server, a = apis.gather(1)
    for _, party in ipairs { server, a } do party.node = party:add_node("Main", { any = ANY }) end
    local kinds, count = {}, 0
    for _, vector in ipairs(variants.load "vectors") do
      local value = ws.bytes_to_var(variants.from_hex(vector.hex))
      local is_no_argument = vector.type == "PackedByteArray" and value.bytes == ""
      if not is_no_argument and #vector.hex < 60000 then
        for _, way in ipairs { { server, a }, { a, server } } do
          local from, to = way[1], way[2]
          assert.equals(OK, (from.node:rpc_id(to.id, "any", value)))
          local event = to:expect("call", "any", from.id)
          assert.equals(4, event.n)
          assert.equals(variants.describe(ws.bytes_to_var(ws.var_to_bytes(value))), variants.describe(event[4]))
        end
        if not kinds[vector.type] then
          kinds[vector.type], count = true, count + 1
        end
      end
    end
    assert.is_true(count >= 35, count .. " types")
  end)

  it("carries any number of arguments, up to 255", function()
    local server, a = apis.gather(1)
    server:add_node("Main", { any = ANY })
    local node = a:add_node("Main", { any = ANY })
    local packed, empty = ws.PackedByteArray "\1\2\3", ws.PackedByteArray ""
    node:rpc_id(1, "any")
    assert.equals(3, server:expect("call", "any", a.id).n)
    node:rpc_id(1, "any", nil)
    assert.equals(4, server:expect("call", "any", a.id, nil).n)
    node:rpc_id(1, "any", packed)
    assert.equals("\1\2\3", server:expect("call", "any", a.id)[4].bytes)
    node:rpc_id(1, "any", packed, empty)
    local event = server:expect("call", "any", a.id)
    assert.same({ "\1\2\3", "" }, { event[4].bytes, event[5].bytes })
    node:rpc_id(1, "any", empty) -- as in Godot: no argument
    assert.equals(3, server:expect("call", "any", a.id).n)
    local many = {}
    for i = 1, 255 do many[i] = i end
    assert.equals(OK, (node:rpc_id(1, "any", (table.unpack or unpack)(many))))
    event = server:expect("call", "any", a.id)
    assert.equals(258, event.n)
    for i = 1, 255 do assert.equals(i, event[3 + i]) end
    many[256] = 256
    local err, why = node:rpc_id(1, "any", (table.unpack or unpack)(many))
    assert.equals(ERR_INVALID_PARAMETER, err)
    assert.matches("255", why)
    apis.expect_silence(server, a)
  end)

  it("says which argument can't be sent", function()
    local server, a = apis.gather(1)
    local node = a:add_node("Main", { any = { "any_peer", "call_local" } })
    local err, why = node:rpc("any", 1, { hit = print })
    assert.equals(ws.ERR_INVALID_DATA, err)
    assert.equals("the arguments of 'any', at [2].hit: a function", why)
    assert.equals(ws.ERR_INVALID_DATA, (node:rpc("any", "\255")))
    apis.expect_silence(server, a)
  end)

  it("says what does not fit", function()
    local server = apis.server(nil, { outbound_buffer_size = 4096 })
    local a = apis.enter(server)
    server:expect("peer_connected", a.id)
    local node = server:add_node("Main", { any = ANY })
    a:add_node("Main", { any = ANY })
    assert.equals(ws.ERR_OUT_OF_MEMORY, (node:rpc_id(a.id, "any", ("x"):rep(5000))))
    assert.equals(OK, (node:rpc("any", ("x"):rep(5000)))) -- to all
    assert.equals(OK, (node:rpc("any", "fits")))
    a:expect("call", "any", 1, "fits")
  end)

  it("needs a connection, a node and a configuration here", function()
    local party = apis.new()
    local node = party:add_node("Main", { any = ANY }, { other = true })
    assert.equals(OK, (node:rpc "any")) -- offline: to nobody
    assert.equals(ERR_INVALID_PARAMETER, (node:rpc "other"))
    assert.equals(ERR_INVALID_PARAMETER, (node:rpc "missing"))
    assert.equals(ERR_INVALID_PARAMETER, (party.api:rpc(0, {}, "any")))
    assert.equals(ERR_INVALID_PARAMETER, (party.api:rpc(0, ws.MultiplayerAPI.new():add_node("Main", {}), "any")))
    local server = session.server()
    party:use(session.client(server:get_bound_port()))
    assert.equals(ws.ERR_CONNECTION_ERROR, (node:rpc "any"))
    party.api.multiplayer_peer = nil
    assert.equals(ws.ERR_UNCONFIGURED, (node:rpc "any"))
  end)

  it("locally gives what the method did", function()
    local party = apis.new()
    local object = {}
    local node = party.api:add_node("Main", object, { say = { "call_local" }, missing = { "call_local" } })
    function object.say(itself, a, b)
      assert(itself == object)
      party:note("said", a, b, party.api:get_remote_sender_id())
      if a == "fail" then error "it failed" end
    end
    assert.equals(OK, (node:rpc("say", nil, 2)))
    party:expect("said", nil, 2, 1)
    local err, why = node:rpc "missing"
    assert.equals(ws.FAILED, err)
    assert.matches("no method 'missing'", why)
    local ok, message = pcall(node.rpc, node, "say", "fail")
    assert.is_false(ok)
    assert.matches("it failed", message)
    assert.equals(0, party.api:get_remote_sender_id())
  end)

  it("is allowed by mode and authority of the receiver", function()
    local server, a, b = apis.gather(2)
    local all = { server, a, b }
    for _, party in ipairs(all) do
      party.node = party:add_node("Main", { any = ANY, mine = {}, off = { rpc_mode = 0 } })
    end
    server.node:rpc "mine"
    for _, to in ipairs { a, b } do to:expect("call", "mine", 1) end
    for _, to in ipairs { server, b } do
      assert.equals(OK, (a.node:rpc_id(to.id, "mine")))
      to:expect_refusal(a.id, "'mine' of node 'Main', which only its authority (peer 1) may call")
    end
    server.node:rpc "off"
    for _, to in ipairs { a, b } do to:expect_refusal(1, "which nobody may call") end
    for _, party in ipairs(all) do party.node:set_multiplayer_authority(a.id) end
    a.node:rpc "mine"
    for _, to in ipairs { server, b } do to:expect("call", "mine", a.id) end
    server.node:rpc_id(b.id, "mine")
    b:expect_refusal(1, "authority (peer " .. a.id .. ")")
    apis.expect_silence(server, a, b)
  end)

  it("finds the methods of both tables", function()
    local server, a = apis.gather(1)
    for _, party in ipairs { server, a } do
      party.node = party:add_node("Main", { zeta = ANY, alpha = ANY, Beta = ANY }, { native_z = true, native_a = true })
      party.node:rpc_config("native_z", ANY)
      party.node:rpc_config("native_a", { "any_peer", "call_local" })
    end
    for _, method in ipairs { "zeta", "alpha", "Beta", "native_z", "native_a" } do
      server.node:rpc_id(a.id, method, method)
      a:expect("call", method, 1, method)
      a.node:rpc_id(1, method, method)
      server:expect("call", method, a.id, method)
    end
    server.node:rpc_config("native_a", nil)
    assert.equals(ERR_INVALID_PARAMETER, (server.node:rpc "native_a"))
    a.node:rpc_id(1, "native_z")
    server:expect_refusal(a.id, "method number 32769 of node 'Main'")
  end)

  it("finds more than 256 methods", function()
    local server, a = apis.gather(1)
    local rpcs = {}
    for i = 0, 299 do rpcs[("m%03d"):format(i)] = ANY end
    server:add_node("Main", rpcs)
    local node = a:add_node("Main", rpcs)
    for _, i in ipairs { 0, 255, 256, 299 } do
      node:rpc_id(1, ("m%03d"):format(i), i)
      server:expect("call", ("m%03d"):format(i), a.id, i)
    end
  end)

  it("reports a node that is not there, on its side, and finds it later", function()
    local server, a = apis.gather(1)
    local node = server:add_node("Ghost", { any = ANY })
    node:rpc "any"
    a:expect_refusal(1, "the path 'Ghost', where no node is")
    a:expect_refusal(1, "a call to 'Ghost', where no node is")
    a:add_node("Ghost", { any = ANY })
    node:rpc "any"
    a:expect("call", "any", 1)
    a.api:get_node("Ghost"):remove()
    node:rpc "any"
    a:expect_refusal(1, "a call to 'Ghost', where no node is")
    apis.expect_silence(server, a)
  end)

  it("reports other methods on both sides, and a method that is not there", function()
    local server, a = apis.gather(1)
    local node = server:add_node("Main", { any = ANY, more = ANY })
    a:add_node("Main", { zeta = ANY })
    node:rpc "any"
    a:expect_refusal(1, "a wrong checksum")
    a:expect("call", "zeta", 1) -- number 0 of both
    server:expect_refusal(a.id, "a wrong checksum")
    node:rpc "more"
    a:expect_refusal(1, "method number 1 of node 'Main', which has none")
    apis.expect_silence(server, a)
  end)

  it("reports a method that is declared but missing", function()
    local server, a = apis.gather(1)
    local node = server:add_node("Main", { any = ANY })
    local _, object = a:add_node("Main", { any = ANY })
    object.any = nil
    node:rpc "any"
    a:expect_refusal(1, "which has no such method")
    object.any = setmetatable({}, { __call = function(_, _, x) a:note("called", x) end })
    node:rpc("any", 5)
    a:expect("called", 5)
  end)

  it("of a method that fails reaches the caller of poll, and the next calls are made", function()
    local server, a = apis.gather(1)
    local node = a:add_node("Main", { any = ANY })
    server.api:add_node("Main", {
      any = function(_, x)
        server:note("any", x, server.api:get_remote_sender_id())
        if x == 2 then error "two is broken" end
      end,
    }, { any = ANY })
    for i = 1, 3 do node:rpc_id(1, "any", i) end
    assert.matches("two is broken.*stack traceback", server:poll_error())
    assert.equals(0, server.api:get_remote_sender_id())
    for i = 1, 3 do server:expect("any", i, a.id) end
  end)

  it("may be answered, and answered, within the call", function()
    local server, a = apis.gather(1)
    for _, party in ipairs { server, a } do
      local node
      node = party.api:add_node("Main", {
        count = function(_, x)
          local sender = party.api:get_remote_sender_id()
          party:note("count", x)
          if x < 6 then node:rpc_id(sender, "count", x + 1) end
          assert(party.api:get_remote_sender_id() == sender)
        end,
      }, { count = ANY })
      party.node = node
    end
    a.node:rpc_id(1, "count", 1)
    for i = 1, 6 do (i % 2 == 1 and server or a):expect("count", i) end
  end)

  it("can await an answer in a coroutine, as docs/multiplayer_api.md shows", function()
    local server, a = apis.gather(1)
    local rpcs = { answer = {}, best_score = ANY }
    local waiting, number = {}, 0
    local client_game, server_game, scores = {}, {}, { Ada = 5 }
    local node = a.api:add_node("Main", client_game, rpcs)
    server_game.node = server.api:add_node("Main", server_game, rpcs)

    local function ask(id, method, ...)
      number = number + 1
      waiting[number] = coroutine.running()
      node:rpc_id(id, method, number, ...)
      return coroutine.yield()
    end
    function client_game:answer(asked, ...)
      local task = waiting[asked]
      waiting[asked] = nil
      if task then assert(coroutine.resume(task, ...)) end
    end
    function server_game:best_score(asked, name)
      self.node:rpc_id(server.api:get_remote_sender_id(), "answer", asked, scores[name])
    end

    local answers = {}
    for _, name in ipairs { "Grace", "Ada" } do
      coroutine.wrap(function() table.insert(answers, name .. " " .. tostring(ask(1, "best_score", name))) end)()
    end
    apis.wait(function() return #answers == 2 end)
    assert.same({ "Grace nil", "Ada 5" }, answers)
  end)

  it("can be waited for by polling within a handler", function()
    local server, a = apis.gather(1)
    local rpcs, answered = { ask = ANY, answer = {} }, false
    server.node = server.api:add_node("Main", {
      ask = function() server.node:rpc_id(server.api:get_remote_sender_id(), "answer") end,
    }, rpcs)
    local node = a.api:add_node("Main", { answer = function() answered = true end }, rpcs)
    a.api.peer_packet:connect(function()
      for _ = 1, 3 do
        answered = false
        node:rpc_id(1, "ask")
        apis.wait(function() return answered end, "an answer")
        assert(a.api:get_remote_sender_id() == 1)
      end
      a:note "done"
    end)
    server.api:send_bytes("go", a.id)
    a:expect("peer_packet", 1, "go")
    a:expect "done"
  end)

  it("made locally within a call has its own sender meanwhile", function()
    local server, a = apis.gather(1)
    local node
    local object = {}
    function object.outer()
      server:note("outer", server.api:get_remote_sender_id())
      node:rpc_id(1, "inner")
      server:note("outer", server.api:get_remote_sender_id())
    end
    function object.inner() server:note("inner", server.api:get_remote_sender_id()) end
    local rpcs = { outer = ANY, inner = { "call_local" } }
    node = server.api:add_node("Main", object, rpcs)
    a:add_node("Main", rpcs):rpc_id(1, "outer")
    server:expect("outer", a.id)
    server:expect("inner", 1)
    server:expect("outer", a.id)
  end)

  it("may remove its node and others", function()
    local server, a = apis.gather(1)
    local node = a:add_node("Main", { any = ANY })
    local mine
    mine = server.api:add_node("Main", {
      any = function()
        server:note "any"
        mine:remove()
      end,
    }, { any = ANY })
    node:rpc_id(1, "any")
    node:rpc_id(1, "any")
    server:expect "any"
    server:expect_refusal(a.id, "where no node is")
  end)

  it("works for userdata and objects with strict fields", function()
    local server, a = apis.gather(1)
    local strict = setmetatable({}, {
      __index = function(_, key)
        if key ~= "any" then error("no field " .. key) end
        return function(_, x) server:note("strict", x) end
      end,
    })
    local rpcs = { any = ANY, broken = ANY }
    server.api:add_node("Strict", strict, rpcs)
    server.api:add_node("Userdata", session.server(), { get_unique_id = ANY })
    local node = a:add_node("Strict", rpcs)
    node:rpc_id(1, "any", 1)
    server:expect("strict", 1)
    node:rpc_id(1, "broken")
    assert.matches("no field broken", server:poll_error(), 1, true)
    a.api:add_node("Userdata", {}, { get_unique_id = ANY }):rpc_id(1, "get_unique_id")
    apis.expect_silence(server, a)
  end)
end)

describe("the path cache", function()
  after_each(apis.close)

  local ANY = { "any_peer" }

  local read = apis.read_hex

  local MAIN = variants.to_hex "Main" .. "00"
  local NODE = { zeta = ANY, alpha = ANY, Beta = ANY, auth_only = {} }
  local CHECKSUM = variants.to_hex "f25f989f27f928f9884b21dd0ba4b9da"

  it("makes a first contact as Godot does, byte by byte", function()
    local server = session.server()
    apis.poll(server)
    local party = apis.new():use(session.client(server:get_bound_port()))
    local node = party:add_node("Main", NODE)
    node:rpc_config("native_z", ANY)
    node:rpc_config("native_a", ANY)
    party:expect "connected_to_server"
    party:expect("peer_connected", 1)
    server:set_target_peer(party.api:get_unique_id())
    node:rpc_id(1, "zeta")
    assert.same({ "01" .. CHECKSUM .. "00" .. "01000000" .. MAIN, "a00600008003" .. MAIN }, read(server, 2))
    node:rpc_id(1, "alpha", 1.5) -- not confirmed yet
    assert.same({ "200f0000800101030000000000c03f" .. MAIN }, read(server, 1))
    server:put_packet "\2\1\1\0\0\0"
    server:put_packet "\3hello"
    party:expect("peer_packet", 1, "hello")
    node:rpc_id(1, "zeta")
    node:rpc_id(1, "alpha", 300)
    node:rpc_id(1, "native_a")
    assert.same({ "800103", "00010101422c01", "c0010080" }, read(server, 3))
    -- Another client is there.
    server:put_packet "\7\1\77\0\0\0"
    party:expect("peer_connected", 77)
    node:rpc_id(77, "zeta")
    assert.same({
      "07034d000000" .. "01" .. CHECKSUM .. "00" .. "01000000" .. MAIN, "07034d000000" .. "a00600008003" .. MAIN,
    }, read(server, 2))
    -- To all: those who know the number get it, in the wide form.
    node:rpc "zeta"
    assert.same({ "a00100000003", "07034d000000" .. "a00600008003" .. MAIN }, read(server, 2))
    server:put_packet "\7\3\77\0\0\0\2\1\1\0\0\0"
    server:put_packet "\3again"
    party:expect("peer_packet", 1, "again")
    node:rpc "zeta"
    assert.same({ "800103", "07034d000000" .. "800103" }, read(server, 2))
    -- And the other way round: from the server, from 77, and without any number.
    server:put_packet(variants.from_hex("01" .. CHECKSUM .. "00" .. "05000000" .. MAIN))
    assert.same({ "020105000000" }, read(server, 1))
    server:put_packet(variants.from_hex "00050101422c01")
    party:expect("call", "alpha", 1, 300)
    server:put_packet(variants.from_hex("07034d000000" .. "01" .. CHECKSUM .. "00" .. "01000000" .. MAIN))
    assert.same({ "07034d000000" .. "020101000000" }, read(server, 1))
    server:put_packet(variants.from_hex "07034d000000800103")
    party:expect("call", "zeta", 77)
    server:put_packet(variants.from_hex("07034e000000" .. "a00600008003" .. MAIN))
    party:expect("call", "zeta", 78) -- of whom nobody has told
  end)

  it("gives a new number to a node that was removed and made again", function()
    local server = session.server()
    apis.poll(server)
    local party = apis.new():use(session.client(server:get_bound_port()))
    party:expect "connected_to_server"
    local empty = variants.to_hex "d41d8cd98f00b204e9800998ecf8427e"
    for number = 1, 3 do
      local node = party:add_node("Main", {})
      node:rpc_config("x", ANY)
      node:rpc_id(1, "x")
      local packets = read(server, 2)
      assert.equals(("%02x000000"):format(number), packets[1]:sub(69, 76))
      assert.are_not.equal(empty, packets[1]:sub(3, 66))
      node:remove()
    end
  end)

  it("forgets all at the end of a connection", function()
    local server, a = apis.gather(1)
    for _, party in ipairs { server, a } do party.node = party:add_node("Main", { any = ANY }) end
    for _ = 1, 3 do
      for i = 1, 2 do
        server.node:rpc("any", i)
        a:expect("call", "any", 1, i)
        a.node:rpc("any", i)
        server:expect("call", "any", a.id, i)
        apis.settle() -- confirmed
      end
      a.peer:close()
      a:expect "server_disconnected"
      server:expect("peer_disconnected", a.id)
      assert.equals(OK, (a.peer:create_client("ws://127.0.0.1:" .. server.port)))
      a:expect "connected_to_server"
      a:expect("peer_connected", 1)
      a.id = a.api:get_unique_id()
      server:expect("peer_connected", a.id)
    end
    apis.expect_silence(server, a)
  end)

  it("does for 300 nodes, which need wider numbers", function()
    local server, a = apis.gather(1)
    local nodes = {}
    for i = 1, 300 do
      nodes[i] = server:add_node("N" .. i, { any = ANY })
      a:add_node("N" .. i, { any = ANY })
    end
    for _ = 1, 2 do
      for i = 1, 300 do nodes[i]:rpc("any", i) end
      for i = 1, 300 do a:expect("call", "any", 1, i) end
      apis.settle()
    end
  end)

  it("has a limit, beyond which calls come with the whole path", function()
    local server, a = apis.gather(1)
    a.api.max_cached_paths = 2
    local nodes = {}
    for i = 1, 4 do
      nodes[i] = server:add_node("N" .. i, { any = ANY })
      a:add_node("N" .. i, { any = ANY })
    end
    for round = 1, 3 do
      for i = 1, 4 do
        nodes[i]:rpc("any", round)
        if round == 1 and i > 2 then a:expect_refusal(1, "one more than max_cached_paths (2)") end
        a:expect("call", "any", 1, round)
      end
      apis.settle()
    end
    apis.expect_silence(server, a)
  end)
end)
