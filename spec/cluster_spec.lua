-- examples/cluster with real HAProxy and Redis. What is tested lies in other processes, which one Lua is enough for.
if _VERSION ~= "Lua 5.4" then return end

local certificates = require "support.certificates"
local cluster = require "support.cluster"
local godot = require "support.godot"
local process = require "support.process"
local raw = require "support.raw"
local wait = require "support.wait"
local ws = require "wsmultiplayer"

local missing = cluster.missing()
local it = it
if missing then
  it = function(name) pending(name .. " [NOT RUN: " .. missing .. "]") end
end

local function until_(condition, what)
  return wait.until_(condition, cluster.players(), 15, what)
end

-- A name that the circle leads to this server, of a room that nobody has been in.
local tried = 0
local function new_room_on(server)
  while true do
    tried = tried + 1
    local player = cluster.player("a", "try-" .. tried)
    if player.server == server then return player end
    player:leave()
  end
end

local function command_all(command)
  for _, entrance in ipairs { "a", "b" } do
    assert.equals("\n", cluster.admin(entrance, command))
  end
end

local function lobby_says(name, pattern)
  return until_(function()
    local status, body = cluster.get("b", "/lobby/room/" .. name)
    return (status .. " " .. body):match(pattern)
  end, "the lobby to say " .. pattern .. " of " .. name)
end

describe("examples/cluster", function()
  lazy_setup(function()
    if not missing then cluster.start() end
  end)
  lazy_teardown(cluster.close)
  after_each(cluster.leave_all)

  it("lets players of one room meet whichever entrance they used, and nobody else", function()
    local ada, grace = cluster.player("a", "blue"), cluster.player("b", "blue")
    local linus = cluster.player("tls", "blue")
    local stranger = cluster.player("b", "red")
    assert.equals(ada.server, grace.server)
    assert.equals(ada.server, linus.server)
    cluster.check_together(ada, grace, linus)
    assert.equals(2, #linus.others)
    for _, message in ipairs(stranger.heard) do assert.equals("welcome", message[1]) end
    grace:leave()
    until_(function() return #ada.heard > 0 and ada.heard[#ada.heard][1] == "left" end, "Ada to see her leave")
  end)

  it("spreads the rooms over the servers, the same by both entrances", function()
    local count = { s1 = 0, s2 = 0, s3 = 0 }
    for i = 1, 30 do
      local one, other = cluster.player("a", "spread-" .. i), cluster.player("b", "spread-" .. i)
      assert.equals(one.server, other.server)
      count[one.server] = count[one.server] + 1
      one:leave()
      other:leave()
    end
    for name, rooms in pairs(count) do assert(rooms >= 4, name .. " got " .. rooms .. " of 30 rooms") end
  end)

  it("tells the servers where players come from, whatever they claim", function()
    local honest = cluster.player("a", "yard")
    local liar = cluster.player("b", "yard", { handshake_headers = { "X-Forwarded-For: 6.6.6.6" } })
    assert.equals("127.0.0.1", honest.address)
    assert.equals("127.0.0.1", liar.address)
    assert.is_nil(cluster.processes[liar.server]:output():match "6%.6%.6%.6")
  end)

  it("refuses what is no room, and who finds it full", function()
    for _, name in ipairs { "Blue", "", "blue/", ("x"):rep(33), "%62lue" } do
      local player = cluster.guest("a", name)
      player:connect()
      until_(function() return player:is_lost() end, "to be refused")
      assert.matches("HTTP status 404", player.peer:get_last_error())
      player:leave()
    end
    for i = 1, 8 do cluster.player(i % 2 == 0 and "a" or "b", "full") end
    local late = cluster.guest("a", "full")
    late:connect()
    until_(function() return late:is_lost() end, "to be refused")
    assert.matches("HTTP status 403", late.peer:get_last_error())
    assert.equals(404, (cluster.get("a", "/")))
    assert.equals(404, (cluster.get("a", "/health")))
  end)

  it("has a lobby that finds a room, or makes one, and counts players", function()
    local function find(entrance)
      local status, body = cluster.get(entrance, "/lobby/find")
      assert.equals(200, status)
      return body:match '"room":"([^"]+)"', tonumber(body:match '"players":(%d+)')
    end
    -- Those of other tests may just be leaving.
    until_(function() return select(2, cluster.get("a", "/lobby/rooms")) == '{"rooms":[]}\n' end, "empty rooms")
    local room = find "a"
    assert.equals(room, (find "b")) -- who asks next meets who asked before, though nobody is in it yet
    cluster.player("a", room)
    cluster.player("b", room)
    lobby_says(room, '200 .*"players":2,"seats":8,"server":"s%d"')
    for _ = 3, 8 do cluster.player("a", room) end
    lobby_says(room, '"players":8')
    local other, players = find "b"
    assert.not_equals(room, other)
    assert.equals(0, players)
    local status, body = cluster.get("a", "/lobby/rooms")
    assert.equals(200, status)
    assert.matches('^{"rooms":%[{.*"room":"' .. room:gsub("%-", "%%-") .. '"', body)
    cluster.leave_all()
    lobby_says(room, '404 {"error":"nobody is in this room"}')
    assert.equals(404, (cluster.get("a", "/lobby/room/X")))
    assert.equals(404, (cluster.get("a", "/lobby/other")))
  end)

  it("gives away no more seats than a room has, though nobody is there yet", function()
    local rooms = {}
    for _ = 1, 9 do
      local _, body = cluster.get("a", "/lobby/find")
      local name = body:match '"room":"([^"]+)"'
      rooms[name] = (rooms[name] or 0) + 1
    end
    for _, count in pairs(rooms) do assert(count <= 8) end
  end)

  it("loses with a server its rooms alone, which move; and takes it back", function()
    local ada = new_room_on "s2"
    local grace = cluster.player("b", ada.name)
    local others = { new_room_on "s1", new_room_on "s3" }
    local friends = { cluster.player("b", others[1].name), cluster.player("b", others[2].name) }
    lobby_says(ada.name, '"players":2,.*"server":"s2"')

    cluster.kill "s2"
    until_(function() return ada.gone and grace.gone end, "both to lose the room")
    assert.equals(1, ada.gone[1]) -- the server
    ada:join()
    grace:join()
    assert.not_equals("s2", ada.server)
    assert.equals(ada.server, grace.server)
    cluster.check_together(ada, grace)
    lobby_says(ada.name, '"players":2,.*"server":"' .. ada.server .. '"')
    for i, player in ipairs(others) do
      assert.is_nil(player.gone)
      assert.is_nil(friends[i].gone)
      cluster.check_together(player, friends[i])
    end
    cluster.until_state("s2", "DOWN")

    cluster.start_server "s2"
    cluster.until_state("s2", "UP")
    new_room_on "s2"
    -- Its old room stays where its players are now.
    local linus, rosa = cluster.player("a", ada.name), cluster.player("b", ada.name)
    assert.same({ ada.server, ada.server }, { linus.server, rosa.server })
    cluster.check_together(ada, grace, linus, rosa)
  end)

  it("cuts the players of a server that hangs, and takes it back when it goes on", function()
    local ada = new_room_on "s3"
    local grace = cluster.player("b", ada.name)
    local other = new_room_on "s1"
    cluster.kill("s3", "STOP")
    until_(function() return ada.gone and grace.gone end, "both to lose the room")
    ada:join()
    grace:join()
    assert.not_equals("s3", ada.server)
    cluster.check_together(ada, grace)
    assert.is_nil(other.gone)
    cluster.kill("s3", "CONT")
    cluster.until_state("s3", "UP")
    new_room_on "s3"
    cluster.check_together(ada, grace, cluster.player("b", ada.name))
  end)

  it("drains a server: its rooms go on and take players, new ones go elsewhere", function()
    local ada = new_room_on "s1"
    -- The entrances tell each other at once, but that takes a moment.
    wait.until_(function() return cluster.admin("b", "show table rooms"):find(ada.name, 1, true) end, cluster.players())
    command_all "set server rooms/s1 state drain"
    cluster.check_together(ada, cluster.player("b", ada.name))
    assert.equals("s1", ada.server)
    for i = 1, 12 do
      local player = cluster.player(i % 2 == 0 and "a" or "b", "drained-" .. i)
      assert.not_equals("s1", player.server)
      player:leave()
    end
    -- Who does not go by themselves can be sent away: then the room moves.
    command_all "set server rooms/s1 state maint"
    until_(function() return ada.gone end, "Ada to be sent away")
    assert.not_equals("s1", ada:join().server)
    command_all "set server rooms/s1 state ready"
    cluster.until_state("s1", "UP")
    new_room_on "s1"
  end)

  it("goes on without Redis; the lobby says what is wrong, and knows the rooms again afterwards", function()
    local ada = cluster.player("a", "steady")
    lobby_says("steady", "200")
    cluster.kill "redis"
    local grace = cluster.player("b", "steady") -- one can still come
    cluster.check_together(ada, grace)
    for _, path in ipairs { "/lobby/find", "/lobby/rooms", "/lobby/room/steady" } do
      local status, body = cluster.get("a", path)
      assert.equals(503, status)
      assert.matches('^{"error":"Redis at 127%.0%.0%.1:%d+: [^"]+games go on[^"]*"}\n$', body)
    end
    cluster.processes[ada.server]:expect "(Redis at 127%.0%.0%.1:%d+: .-; games go on)"
    cluster.check_together(ada, grace)
    cluster.start_redis()
    lobby_says("steady", '200 .*"players":2')
    cluster.processes[ada.server]:expect("games go on.*(Redis is there)")
    assert.is_nil(ada.gone)
  end)

  it("is not held up by a Redis that hangs", function()
    local ada, grace = cluster.player("a", "calm"), cluster.player("b", "calm")
    lobby_says("calm", '"players":2')
    cluster.kill("redis", "STOP")
    local started = wait.now()
    local status, body = cluster.get("a", "/lobby/find")
    assert.equals(503, status)
    assert.matches("no answer", body)
    assert(wait.now() - started < 3)
    cluster.check_together(ada, grace)
    cluster.kill("redis", "CONT")
    lobby_says("calm", '"players":2')
    cluster.check_together(ada, grace)
  end)

  it("has entrances that stand in for each other", function()
    local ada, grace = cluster.player("a", "hall"), cluster.player("b", "hall")
    cluster.kill "b"
    until_(function() return grace.gone end, "Grace to lose the entrance")
    grace:join "a"
    cluster.check_together(ada, grace)
    cluster.start_entrance "b"
    cluster.check_together(ada, grace, cluster.player("b", "hall"))
  end)

  it("takes another server, of which nobody notices anything", function()
    local pairs_before = {}
    for i = 1, 8 do pairs_before[i] = { cluster.player("a", "old-" .. i), cluster.player("b", "old-" .. i) } end
    local file = assert(io.open(cluster.folder .. "haproxy.cfg"))
    local text = file:read "*a"
    file:close()
    local line = '  server s4 "${S4}" id 4 disabled\n' -- as in docs/cluster.md
    local grown = certificates.path((text:gsub("(  server s3 [^\n]*\n)", function(s3) return s3 .. line end)))
    cluster.start_server "s4"
    for _, entrance in ipairs { "a", "b" } do cluster.start_entrance(entrance, grown) end
    cluster.until_state("s4", "MAINT")
    -- What was where is handed down.
    for _, entrance in ipairs { "a", "b" } do
      until_(function() return cluster.admin(entrance, "show table rooms"):find("old-8", 1, true) end, "the table")
    end
    command_all "set server rooms/s4 state drain"
    command_all "set server rooms/s4 state ready"
    cluster.until_state("s4", "UP")
    local new = new_room_on "s4"
    cluster.check_together(new, cluster.player("b", new.name))
    for i, pair in ipairs(pairs_before) do
      assert.is_nil(pair[1].gone)
      assert.is_nil(pair[2].gone)
      cluster.check_together(pair[1], pair[2], cluster.player("a", "old-" .. i), cluster.player("b", "old-" .. i))
    end
  end)

  it("lets a real Godot join a room", function()
    local why = godot.missing()
    if why then return pending("NOT RUN: " .. why) end
    local engine = godot.start()
    finally(function() engine:quit() end)
    local ada, client = cluster.player("a", "garden"), engine:peer "godot"
    client:create_client(("ws://127.0.0.1:%d/room/garden"):format(cluster.ports.b))
    client:expect("connected", 1)
    client:expect("status", 2)
    local message = ws.bytes_to_var(client:expect("packet", 1)[3])
    assert.same({ "welcome", "garden", ada.server, "127.0.0.1" }, { message[1], message[2], message[3], message[4] })
    assert.equals(ada:id(), message[5][1])
    client:put(1, ws.var_to_bytes { "say", "from Godot" })
    until_(function() return ada:heard_from "from Godot" == 1 end, "Ada to hear Godot")
    cluster.kill(ada.server)
    client:expect("disconnected", 1)
    client:expect("status", 0)
    until_(function() return ada.gone end, "Ada to lose the room")
    client:create_client(("ws://127.0.0.1:%d/room/garden"):format(cluster.ports.b))
    client:expect("connected", 1)
    client:expect("status", 2)
    ada:join()
    ada:say "together again"
    repeat message = ws.bytes_to_var(client:expect("packet", 1)[3]) until message[1] == "said"
    assert.equals("together again", message[3])
  end)

  it("lets a Godot game find a room by the lobby (join.gd)", function()
    local why = godot.missing()
    if why then return pending("NOT RUN: " .. why) end
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute(("mkdir %s && cp %s %s"):format(folder, process.quote(cluster.folder .. "join.gd"), folder)))
    finally(function() os.execute("rm -rf " .. folder) end)
    for name, text in pairs {
      ["project.godot"] = 'config_version=5\n[application]\nrun/main_scene="res://main.tscn"\n',
      ["main.tscn"] = '[gd_scene load_steps=2 format=3]\n[ext_resource type="Script" path="res://join.gd" id="1"]\n' ..
        '[node name="Main" type="Node"]\nscript = ExtResource("1")\n',
    } do
      local file = assert(io.open(folder .. "/" .. name, "w"))
      file:write(text)
      file:close()
    end
    local command = godot.command(folder, ("-- 127.0.0.1:%d"):format(cluster.ports.b))
    local game = process.start { "sh", "-c", command }
    local room = game:expect('hears %["welcome", "([^"]+)"', cluster.players(), 60)
    local ada = cluster.player("a", room)
    until_(function() return ada:heard_from "hello from Godot" == 1 end, "Ada to hear Godot")
    cluster.kill(ada.server)
    game:expect("(lost the room)", cluster.players())
  end)
end)

describe("examples/cluster/start", function()
  after_each(process.close)

  it("starts all of it, shows players meeting, and ends all of it with Ctrl-C", function()
    if os.getenv "SANITIZED" then return pending "NOT RUN: the sanitizer's library is not for HAProxy and Redis" end
    -- In a session of its own, so that the signal can go to all of a process group as Ctrl-C does.
    local start = process.start({ "env", "--default-signal=INT", "setsid", "sh", "-c", 'echo "group $$"; exec "$0"',
      cluster.folder .. "start" }, cluster.lua_environment())
    finally(function()
      start:kill() -- by which it ends the others
      pcall(start.finish, start)
    end)
    local a, b = start:expect "The entrances are 127%.0%.0%.1:(%d+) and 127%.0%.0%.1:(%d+)%."
    for _, row in ipairs { { "Ada", b }, { "Grace", a }, { "Linus", b }, { "Rosa", a } } do
      start:expect(("(%s +hears %%d+: Hello, I am %%a+, at the entrance 127%%.0%%.0%%.1:%s)"):format(row[1], row[2]))
    end
    local victim = start:expect "Ada +is in room blue on server (s%d)"
    os.execute("kill " .. start:expect(victim .. "  is process (%d+)"))
    start:expect("Ada +lost the room.*(Ada +is in room blue on server s%d)")
    os.execute("kill -INT -" .. start:expect "group (%d+)")
    local text, status = start:finish()
    assert.equals(130, status)
    assert.is_nil(text:match "traceback")
    for port in text:gmatch "listens on port (%d+)" do assert.is_false((raw.reachable(tonumber(port), "127.0.0.1"))) end
    assert.is_false((raw.reachable(tonumber(a), "127.0.0.1")))
    assert.is_false((raw.reachable(tonumber(b), "127.0.0.1")))
  end)
end)

describe("examples/cluster/resp.lua", function()
  local resp = dofile(cluster.folder .. "resp.lua")
  local redis, connection, answers

  before_each(function()
    local listener = assert(raw.listen())
    redis, answers = resp.new("127.0.0.1:" .. listener.port), {}
    wait.until_(function() return redis:is_connected() end, { redis })
    connection = listener:accept({ redis })
  end)
  after_each(raw.close_all)

  local function ask(...)
    assert.is_true(redis:request(function(...) answers[#answers + 1] = { ... } end, ...))
  end

  it("sends words of any bytes, and takes answers in pieces", function()
    ask("SET", "a key", "\r\n\0")
    ask("MGET", "x", 7)
    ask("INCR", "x")
    ask("PING")
    ask("BAD")
    local wanted = "*3\r\n$3\r\nSET\r\n$5\r\na key\r\n$3\r\n\r\n\0\r\n*3\r\n$4\r\nMGET\r\n$1\r\nx\r\n$1\r\n7\r\n"
    wait.until_(function() return #connection:pump():unread() >= #wanted end, { redis })
    assert.equals(wanted, connection:unread():sub(1, #wanted))
    local list = "*3\r\n$5\r\na\r\n\0b\r\n$-1\r\n*1\r\n:5\r\n"
    connection:trickle("+OK\r\n" .. list .. ":-3\r\n$0\r\n\r\n-ERR no such thing\r\n", { redis })
    wait.until_(function() return #answers == 5 end, { redis })
    assert.same({ { "OK" }, { { "a\r\n\0b", false, { 5 } } }, { -3 }, { "" },
      { nil, "Redis says: ERR no such thing" } }, answers)
  end)

  it("says what is no Redis, and that one has gone", function()
    ask "PING"
    connection:send "HTTP/1.1 400 Bad Request\r\n\r\n"
    wait.until_(function() return answers[1] end, { redis })
    assert.matches("^Redis at 127%.0%.0%.1:%d+: this is not Redis: HTTP/1.1 400 Bad Request$", answers[1][2])
    assert.is_false(redis:post "PING")
    assert.same({ nil, redis.why }, { redis:call "PING" })
  end)
end)
