local arena = require "support.arena"
local process = require "support.process"
local raw = require "support.raw"
local session = require "support.session"
local variants = require "support.variants"
local ws = require "wsmultiplayer"

local World, Server = arena.World, arena.Server

after_each(function()
  arena.close()
  process.close()
end)

describe("the rules of the arena", function()
  local world

  before_each(function() world = World.new() end)

  local function near(expected, got)
    assert(math.abs(expected - got) < 0.001, ("%s expected, got %s"):format(expected, got))
  end

  it("take names of 1 to 16 printable characters", function()
    for i, name in ipairs {
      "A", "Ada Lovelace", ("x"):rep(16), ("\195\182"):rep(16), ("\240\159\152\128"):rep(16), "<b>", "'; --",
    } do
      local player, why = world:join(i, name)
      assert(player, why)
      assert.equals(name, player.name)
    end
    for _, name in ipairs {
      "", " ", "   ", ("x"):rep(17), ("\195\182"):rep(17), ("x"):rep(100000), "a\nb", "\0", "a\127", "\27[31m",
      "\194\133", "\226\128\174abc", "\226\128\139", "\226\128\168", "\226\129\166x", "\239\187\191",
      5, true, {}, print,
    } do
      local player, why = world:join(100, name)
      assert.is_nil(player)
      assert.matches("a name has", why)
    end
    assert.is_nil((world:join(100, nil)))
    assert.is_nil(world.players[100])
  end)

  it("take each name once, whatever its case and the spaces around it", function()
    assert.equals("Ada", world:join(1, "  Ada ").name)
    local player, why = world:join(2, "ADA")
    assert.is_nil(player)
    assert.matches("Ada is taken", why)
    assert.is_nil((world:join(1, "Grace"))) -- one player, one name
    assert.equals("Ada", world:leave(1).name)
    assert.is_nil(world:leave(1))
    assert.is_table((world:join(2, "ada")))
  end)

  it("let in as many as there is room for", function()
    for i = 1, World.MAX_PLAYERS do assert(world:join(i, "player " .. i)) end
    local player, why = world:join(1000, "too many")
    assert.is_nil(player)
    assert.matches("full", why)
    world:leave(50)
    assert(world:join(1000, "just right"))
  end)

  it("put players inside of the walls, and give them hues that differ", function()
    for _, extreme in ipairs { 0, 1 } do
      local cornered = World.new(function(low, high) return extreme == 0 and low or high end)
      local player = cornered:join(1, "A")
      assert(player.x >= World.RADIUS and player.x <= World.WIDTH - World.RADIUS)
      assert(player.y >= World.RADIUS and player.y <= World.HEIGHT - World.RADIUS)
    end
    local hues = {}
    for i = 1, 8 do
      local hue = world:join(i, "p" .. i).hue
      assert(hue >= 0 and hue < 1)
      for _, other in ipairs(hues) do
        local distance = math.abs(hue - other)
        assert(math.min(distance, 1 - distance) > 0.05)
      end
      hues[i] = hue
    end
  end)

  it("move everybody at the same speed in every direction", function()
    local player = world:join(1, "A")
    for _, row in ipairs {
      { 1, 0, 240, 0 }, { 0, -1, 0, -240 }, { 0.5, 0, 120, 0 }, { 3, 4, 144, 192 }, { -1e300, 0, -240, 0 },
      { 1e308, 1e308, 169.7056, 169.7056 }, { 0, 0, 0, 0 },
    } do
      player.x, player.y = 480, 270
      assert(world:move(1, row[1], row[2]))
      for _ = 1, 20 do world:step(0.005) end
      near(480 + row[3] * 0.1, player.x)
      near(270 + row[4] * 0.1, player.y)
    end
  end)

  it("take no direction that is none", function()
    local player = world:join(1, "A")
    world:move(1, 1, 0)
    for _, row in ipairs {
      { 0 / 0, 0 }, { 1 / 0, 0 }, { 0, -1 / 0 }, { "1", 0 }, { {}, {} }, { true, false }, { 1 }, {},
    } do
      local ok, why = world:move(1, row[1], row[2])
      assert.is_nil(ok)
      assert.matches("two numbers", why)
    end
    assert.same({ 1, 0 }, { player.dx, player.dy })
    assert.is_nil((world:move(2, 1, 0)))
  end)

  it("let nobody through a wall, nor into another player", function()
    local a, b = world:join(1, "A"), world:join(2, "B")
    a.x, a.y, b.x, b.y = 900, 500, 100, 100
    world:move(1, 1, 1)
    for _ = 1, 40 do world:step(0.05) end
    assert.same({ World.WIDTH - World.RADIUS, World.HEIGHT - World.RADIUS }, { a.x, a.y })
    world:move(1, 0, 0)
    -- B is pushed along, and both keep their distance.
    a.x, a.y, b.x, b.y = 400, 270, 440, 270
    world:move(1, 1, 0)
    for _ = 1, 20 do world:step(0.05) end
    assert(b.x > 480)
    near(2 * World.RADIUS, b.x - a.x)
    near(270, b.y)
    a.x, a.y, b.x, b.y = 400, 270, 400, 270
    world:step(0)
    assert(math.abs(a.x - b.x) >= 2 * World.RADIUS)
  end)

  it("take lines of 1 to 200 printable characters", function()
    world:join(1, "A")
    local astronaut = "\240\159\145\169\226\128\141\240\159\154\128" -- two signs that an invisible one joins
    for _, line in ipairs { "x", ("\195\182"):rep(200), astronaut, "100% <script>" } do
      assert.equals(line, (world:chat(1, line)))
    end
    assert.equals("trimmed", (world:chat(1, "  trimmed  ")))
    for _, line in ipairs { "", "   ", ("x"):rep(201), "two\nlines", "\27]0;title\7", "\226\128\174" } do
      local text, why, is_slip = world:chat(1, line)
      assert.is_nil(text)
      assert.matches("a line has", why)
      assert.is_true(is_slip)
    end
    for _, line in ipairs { 1, true, {} } do
      local text, _, is_slip = world:chat(1, line)
      assert.is_nil(text)
      assert.is_nil(is_slip)
    end
    assert.is_nil((world:chat(2, "x")))
  end)

  it("say where everybody is in sixteenths", function()
    local a, b = world:join(7, "A"), world:join(3, "B")
    a.x, a.y, b.x, b.y = 100.5, 200, 33.03, 44.97
    assert.same({ 7, 1608, 3200, 3, 528, 720 }, world:state())
    world:leave(7)
    assert.same({ 3, 528, 720 }, world:state())
    world:leave(3)
    assert.same({}, world:state())
  end)
end)

describe("the server of the arena", function()
  local server

  before_each(function() server = arena.server() end)

  it("welcomes, and tells everybody who is there", function()
    local a = arena.plain(server):join "Ada"
    assert.same({ "welcome", a.id, 960, 540, 240, 20 }, { (table.unpack or unpack)(a:find "welcome") })
    assert.equals(a.peer:get_unique_id(), a.id)
    assert.equals("Ada", a:find("player")[3])
    local b = arena.plain(server):join "Grace"
    assert.equals("Ada", b:expect("player", 1, a.id)[3])
    assert.equals("Grace", b:find("player", 1, b.id)[3])
    assert.equals("Grace", a:expect("player", 1, b.id)[3])
    assert.equals("Grace joined", a:expect("chat", 2)[4])
    assert.equals(0, a:find("chat", 2)[2])
    assert.equals("welcome", b.messages[1][1])
  end)

  it("sends states 20 times a second by its clock, to those who have joined only", function()
    local stranger = arena.plain(server)
    local a = arena.plain(server):join "Ada"
    local first, last = a:expect("state"), a:expect("state", 11)
    assert(last[2] - first[2] >= 450 and last[2] - first[2] < 5000, last[2] - first[2])
    assert.same({ a.id }, { last[3][1] })
    assert.equals(3, #last[3])
    assert.equals(getmetatable(ws.PackedInt32Array {}), getmetatable(last[3]))
    assert.same({}, stranger.messages)
  end)

  it("moves players as they wish", function()
    local a, b = arena.plain(server):join "Ada", arena.plain(server):join "Grace"
    local player = server.world.players[a.id]
    player.x, player.y = 100, 270
    server.world.players[b.id].x, server.world.players[b.id].y = 480, 500
    a:send("move", ws.float(1), ws.float(0))
    arena.wait(function() return player.x > 150 end, "Ada to move")
    a:send("move", ws.float(0), ws.float(0))
    arena.wait(function() return player.dx == 0 end, "Ada to stand")
    local count = #b.messages
    local state = arena.wait(function() return b.messages[count + 3] end, "later states")
    assert.equals("state", state[1])
    for i = 1, #state[3], 3 do
      if state[3][i] == a.id then
        assert(math.abs(state[3][i + 1] / 16 - player.x) <= 1 / 16)
        assert.equals(270 * 16, state[3][i + 2])
      end
    end
  end)

  it("passes on what is said, and tells the writer alone what was not", function()
    local a, b = arena.plain(server):join "Ada", arena.plain(server):join "Grace"
    a:send("chat", "gr\195\188n?")
    assert.equals("gr\195\188n?", b:expect("chat", 1, a.id, "Ada")[4])
    assert.equals("gr\195\188n?", a:expect("chat", 1, a.id, "Ada")[4])
    a:send("chat", "  ")
    assert.matches("Nobody heard that: a line has", a:expect("chat", 3, 0)[4])
    assert.is_nil(b:find("chat", 2, a.id))
  end)

  it("hears five lines at once, and one a second", function()
    local a, b = arena.plain(server):join "Ada", arena.plain(server):join "Grace"
    for i = 1, 7 do a:send("chat", "line " .. i) end
    b:expect("chat", 5, a.id)
    assert.matches("too fast", a:expect("chat", 4, 0)[4])
    arena.skip(3)
    a:send("chat", "again")
    assert.equals("again", b:expect("chat", 6, a.id)[4])
    assert.is_falsy(a.ended)
  end)

  it("tells who leaves, and frees the name", function()
    local a, b = arena.plain(server):join "Ada", arena.plain(server):join "Grace"
    a.peer:close()
    assert.equals(a.id, b:expect("gone")[2])
    b:expect("chat", 1, 0, "arena", "Ada left")
    local again = arena.plain(server):join "Ada"
    b:expect("player", 1, again.id)
    assert.is_nil(server.clients[a.id])
  end)

  -- That this client is told why, and then out; and that others do not notice.
  local function refused(client, pattern)
    arena.wait(function() return client.ended and not server.clients[client.peer_id] end, "the client to be out")
    local message = client:find "refused"
    assert.matches(pattern, message and message[2] or "out without a word")
  end

  it("refuses names, and says why", function()
    local a = arena.plain(server):join "Ada"
    for name, pattern in pairs {
      ["ada"] = "Ada is taken", [""] = "1 to 16", [("x"):rep(17)] = "1 to 16", ["a\nb"] = "1 to 16",
    } do
      local b = arena.plain(server)
      b:send("join", name)
      refused(b, pattern)
      assert.is_nil(b:find "welcome")
    end
    a:send("join", "Ada the second")
    refused(a, "already joined")
  end)

  it("refuses to obey those who have not joined", function()
    for _, message in ipairs { { "move", 1, 0 }, { "chat", "psst" } } do
      local a = arena.plain(server)
      a:send((table.unpack or unpack)(message))
      refused(a, "not joined")
    end
  end)

  it("does not wait for ever for a name", function()
    local a = arena.plain(server)
    local b = arena.plain(server):join "Grace"
    arena.skip(Server.JOIN_TIMEOUT + 1)
    refused(a, "in time")
    assert.is_falsy(b.ended)
  end)

  it("refuses who sends too much, and nobody who steers a lot", function()
    local steady, flood = arena.plain(server):join "Ada", arena.plain(server):join "Eve"
    for _ = 1, 5 do
      for i = 1, 30 do steady:send("move", ws.float(i % 2), ws.float(0)) end
      arena.skip(1)
      local states = #steady.messages
      arena.wait(function() return #steady.messages > states end, "a state")
    end
    for _ = 1, 200 do flood:send("move", ws.float(1), ws.float(0)) end
    refused(flood, "too many")
    assert.is_falsy(steady.ended)
    assert.equals("Ada", server.world.players[steady.id].name)
  end)

  it("refuses everything that is no message, and goes on", function()
    local witness = arena.plain(server):join "Witness"
    local bytes = {}
    for _, kind in ipairs { "vectors", "malformed" } do
      for _, row in ipairs(variants.load(kind)) do
        if #row.hex < 8000 and row.hex ~= "" then bytes[#bytes + 1] = variants.from_hex(row.hex) end
      end
    end
    assert(#bytes > 100)
    -- Each as a message; a client is good for one. Several at a time, since each has to connect first.
    for first = 1, #bytes, 20 do
      local some = {}
      for i = first, math.min(first + 19, #bytes) do
        local client = arena.plain(server)
        client:send_bytes(bytes[i])
        some[#some + 1] = client
      end
      for _, client in ipairs(some) do
        refused(client, ".")
        assert.is_nil(client:find("refused", 1, "did not join in time"))
      end
    end
    for _, message in ipairs {
      {}, { "shout", "x" }, { 1, 2, 3 }, { ws.null }, { {} }, { "JOIN", "Ada" }, { "welcome", 1, 2, 3, 4, 5 },
    } do
      local client = arena.plain(server):join "Eve"
      client:send((table.unpack or unpack)(message))
      refused(client, "not a message")
    end
    assert.is_falsy(witness.ended)
  end)

  it("refuses everything that is no name, no direction and no line", function()
    local witness = arena.plain(server):join "Witness"
    local values = {}
    for _, row in ipairs(variants.load "vectors") do
      local value, err = ws.bytes_to_var(variants.from_hex(row.hex), true)
      if not err and value ~= nil and #row.hex < 4000 then values[#values + 1] = value end
    end
    for _, value in ipairs(values) do
      local client = arena.plain(server)
      if type(value) ~= "string" then
        client:send("join", value)
        refused(client, "a name has")
        client = arena.plain(server):join "Eve"
        client:send("chat", value)
        refused(client, "a line is")
      end
      if type(value) ~= "number" then
        client = arena.plain(server):join "Eve"
        client:send("move", 1, value)
        refused(client, "two numbers")
      end
    end
    assert.is_falsy(witness.ended)
    assert.same({ witness.id }, server.world.order)
  end)

  it("drops who sends more than a message can be", function()
    local a = arena.plain(server):join "Ada"
    a:send("chat", ("x"):rep(10000))
    arena.wait(function() return a.ended end, "the client to be out")
    assert.matches("1009", a.peer:get_last_error())
  end)

  it("drops who does not read", function()
    local witness = arena.plain(server):join "Witness"
    local sleeper = arena.plain(server):join "Sleeper"
    sleeper.update = function() end
    for _ = 1, 2000 do
      if not server.clients[sleeper.id] or server.clients[sleeper.id].ended then break end
      server:broadcast { "chat", 0, "arena", ("x"):rep(50000) }
      witness.messages = {}
      arena.everyone:poll(0)
      arena.skip(1 / World.RATE)
    end
    arena.wait(function() return not server.clients[sleeper.id] end, "the sleeper to be out")
    witness:expect("gone", 1, sleeper.id)
    assert.is_falsy(witness.ended)
  end)

  it("tells a host that ends to everybody", function()
    local a = arena.plain(server):join "Ada"
    server:close()
    arena.wait(function() return a.ended end, "the client to notice")
    assert.matches("1001", a.peer:get_last_error())
  end)

  local function page(request)
    local connection = raw.connect(server:get_port())
    connection:send(request:gsub("\n", "\r\n") .. "\r\nHost: x\r\n\r\n")
    connection:read_end { arena.everyone }
    return connection:unread()
  end

  it("serves the page for browsers, and no other file", function()
    for path, content_type in pairs {
      ["/"] = "text/html", ["/index.html"] = "text/html", ["/wsmultiplayer.js"] = "text/javascript",
      ["/arena.js"] = "text/javascript",
    } do
      local file = assert(io.open(arena.folder .. "../browser" .. (path == "/" and "/index.html" or path), "rb"))
      local text = file:read "*a"
      file:close()
      local answer = page(("GET %s HTTP/1.1"):format(path))
      assert.equals(200, raw.status(answer))
      assert.matches(content_type, raw.header(answer, "content-type"), 1, true)
      assert.equals(text, answer:match "\r\n\r\n(.*)$")
    end
    for _, path in ipairs { "/nothing", "/../love-arena/server.lua", "//etc/passwd", "/index.html/" } do
      assert.equals(404, raw.status(page(("GET %s HTTP/1.1"):format(path))))
    end
    assert.equals(405, raw.status(page "POST / HTTP/1.1\nContent-Length: 0"))
  end)
end)

describe("the client of the arena", function()
  -- A client that believes to be in, with the messages given by hand.
  local function lonely(...)
    local client = arena.Client.new()
    assert(client:join("ws://127.0.0.1:" .. raw.free_port(), "Me"))
    client:receive { "welcome", 5, 960, 540, 240, 20 }
    client:receive { "player", 5, "Me", 0.1 }
    client:receive { "player", 7, "Other", 0.2 }
    for _, message in ipairs { ... } do client:receive(message) end
    return client
  end

  it("shows others smoothly, a tenth of a second in the past", function()
    local client = lonely()
    local other, start = client.players[7], arena.now()
    local before
    -- States of somebody who walks at 240 units a second, some of them late; 60 pictures a second.
    local due, sent, late = {}, 0, { 0, 0.03, 0.01, 0.045, 0 }
    for picture = 0, 120 do
      local clock = start + picture / 60
      while sent / 20 <= clock - start do
        table.insert(due, { at = sent / 20 + late[sent % 5 + 1], time = sent * 50, x = math.floor(sent * 12 * 16) })
        sent = sent + 1
      end
      while due[1] and due[1].at <= clock - start do
        local state = table.remove(due, 1)
        -- The clock of the specs is put to the moment of the picture.
        arena.skip(clock - arena.now())
        client:receive { "state", state.time, ws.PackedInt32Array { 7, state.x, 1600 } }
      end
      client:place_players(clock)
      if picture > 30 then
        assert(math.abs(other.x - before - 4) < 0.8, ("a step of %g instead of 4"):format(other.x - before))
        local behind = (clock - start) * 240 - other.x
        assert(behind > 20 and behind < 40, ("%g units behind instead of about 24 to 28"):format(behind))
        assert.equals(100, other.y)
      end
      before = other.x
    end
    client:leave()
  end)

  it("shows oneself at once, where the server agrees in the end", function()
    local server, url = arena.server()
    local client = arena.joined(url, "Ada")
    local player, me = server.world.players[client.id], client.players[client.id]
    player.x, player.y = 200, 270
    arena.wait(function() return math.abs(me.x - 200) < 0.1 end, "Ada to be moved")
    client:steer(2, 0)
    arena.wait(function() return me.x > 250 end, "Ada to move")
    assert.same({ 1, 0 }, { player.dx, player.dy })
    assert(math.abs(me.x - player.x) < 60, me.x - player.x)
    client:steer(0, 0)
    arena.wait(function() return player.dx == 0 and math.abs(me.x - player.x) < 0.1 end, "both to agree")
  end)

  it("sends a direction when it is another one, and not too often", function()
    local server, url = arena.server()
    local client = arena.joined(url, "Ada")
    local player, moves = server.world.players[client.id], 0
    local move = server.world.move
    function server.world.move(...)
      moves = moves + 1
      return move(...)
    end
    for _ = 1, 10 do
      client:steer(1, 0)
      arena.everyone:poll(0)
    end
    arena.wait(function() return player.dx == 1 end, "Ada to move")
    arena.quiet(0.1)
    assert.equals(1, moves)
    local started = arena.now()
    for i = 1, 400 do
      client:steer(i % 2, 1)
      arena.everyone:poll(0.001)
    end
    client:steer(0, -1)
    arena.wait(function() return player.dy == -1 end, "the last direction to arrive")
    assert(moves - 1 <= (arena.now() - started) * 30 + 2, moves)
    assert.equals("in", client.status)
  end)

  it("meets others: players, chat, leaving", function()
    local _, url = arena.server()
    local ada = arena.joined(url, "Ada")
    local events = {}
    for _, event in ipairs { "player", "gone", "chat" } do
      ada:on(event, function(what, text) table.insert(events, event .. " " .. (what.name or what .. ": " .. text)) end)
    end
    local grace = arena.joined(url, "Grace")
    local seen = arena.wait(function() return ada.players[grace.id] and ada.players[grace.id].x end, "Grace to be seen")
    assert.is_number(seen)
    grace:say "Hello!"
    arena.wait(function() return events[3] end, "Grace to be heard")
    grace:leave()
    assert.equals("out", grace.status)
    arena.wait(function() return events[5] end, "Grace to leave")
    assert.same({
      "player Grace", "chat arena: Grace joined", "chat Grace: Hello!", "gone Grace", "chat arena: Grace left",
    }, events)
    assert.is_nil(ada.players[grace.id])
  end)

  local function out(client)
    local why
    client:on("out", function(text) why = text end)
    arena.wait(function() return why end, "the client to be out")
    assert.equals("out", client.status)
    assert.equals(why, client.why)
    return why
  end

  it("says why it is out, and can join again", function()
    local server, url = arena.server()
    local client = arena.joined(url, "Ada")
    assert.matches("the server says: the name Ada is taken", out(arena.client(url, "ada")))
    server:close()
    assert.matches("the server went away: .*1001", out(client))
    assert.matches("refused", out(arena.client("ws://127.0.0.1:" .. raw.free_port(), "Ada")))
    local again, url_again = arena.server()
    assert(client:join(url_again, "Ada"))
    arena.wait(function() return client.status == "in" end, "Ada to be in again")
    assert.equals("Ada", again.world.players[client.id].name)
    local ok, why = client:join("http://127.0.0.1", "Ada")
    assert.is_nil(ok)
    assert.matches("URL", why)
    assert.is_nil((client:join(url_again, "\255")))
  end)

  it("notices a server that is no arena", function()
    local other, port = session.server()
    local client = arena.client("ws://127.0.0.1:" .. port, "Ada")
    arena.take_turn(function()
      other:poll()
      if client.status == "joining" then arena.skip(1) end
    end)
    assert.matches("no arena", out(client))
  end)

  it("takes nothing on trust that a server sends", function()
    local client = lonely()
    client:receive { "state", 1, ws.PackedInt32Array { 7, 160, 160 } }
    local values = { 0, -1, 1e300, "x", true, {}, { {} }, { 1, "x", {} } }
    for _, row in ipairs(variants.load "vectors") do
      values[#values + 1] = ws.bytes_to_var(variants.from_hex(row.hex), true)
    end
    local count = 0
    for _, value in ipairs(values) do
      client:receive(value)
      for _, name in ipairs { "welcome", "player", "gone", "state", "chat", "refused", "nonsense" } do
        for at = 2, 6 do
          local message = { name, 7, "Other", 0.5, "text", 7 }
          if name == "state" then message = { name, count, ws.PackedInt32Array { 7, 160, 160 } } end
          message[at] = value
          client:receive(message)
          client:place_players(arena.now())
          count = count + 1
        end
      end
    end
    client:leave()
  end)

  it("answers as an autopilot, but not to another one", function()
    local server, url = arena.server()
    local bots = { arena.joined(url, "Bip"), arena.joined(url, "Bop") }
    for _, client in ipairs(bots) do arena.Autopilot.new(client) end
    local ada = arena.plain(server):join "Ada"
    ada:send("chat", "Hello!")
    ada:send("chat", "bip, are you there?")
    ada:expect("chat", 1, bots[1].id, "Bip", "*beep* Hello, Ada!")
    ada:expect("chat", 1, bots[2].id, "Bop", "*beep* Hello, Ada!")
    ada:expect("chat", 1, bots[1].id, "Bip", "*beep* You called, Ada?")
    arena.quiet(0.2)
    assert.is_nil(ada:find("chat", 3, bots[1].id))
    assert.is_nil(ada:find("chat", 2, bots[2].id))
  end)
end)

describe("the programs of the arena", function()
  local server = arena.folder .. "server.lua"
  local bot = arena.folder .. "bot.lua"

  it("are a server and a bot", function()
    local host = process.lua(server, "0", "127.0.0.1")
    local port = host:expect "listens on port (%d+)\n"
    local url = "ws://127.0.0.1:" .. port
    local walker = process.lua(bot, url, "Walker")
    walker:expect "is in as peer (%d+)"
    local ada = arena.joined(url, "Ada")
    local seen = arena.wait(function()
      for _, player in pairs(ada.players) do
        if player.name == "Walker" and player.x then return player end
      end
    end, "Walker to be seen")
    local x, y = seen.x, seen.y
    arena.wait(function() return math.abs(seen.x - x) + math.abs(seen.y - y) > 20 end, "Walker to walk")
    ada:say "Walker?"
    walker:expect("hears Walker: %*beep%* You called, Ada", { arena.everyone })
    host:expect("(Ada: Walker)", { arena.everyone })
    host:kill()
    local output, status = walker:finish { arena.everyone }
    assert.matches("is out: the server went away", output)
    assert.equals(0, status)
  end)

  it("say why they cannot begin, with status 1", function()
    local _, url = arena.server()
    local port = url:match "%d+$"
    local output, status = process.lua(server, port, "127.0.0.1"):finish()
    assert.matches("cannot listen: .*in use", output)
    assert.equals(1, status)
    for word, pattern in pairs { x = "^usage: ", ["70000"] = "^cannot listen: .*port", ["-1"] = "^cannot listen: " } do
      output, status = process.lua(server, word):finish()
      assert.matches(pattern, output)
      assert.equals(1, status)
    end
    output, status = process.lua(bot, "ws://127.0.0.1:" .. raw.free_port()):finish()
    assert.matches("is out: could not connect", output)
    assert.equals(1, status)
  end)
end)
