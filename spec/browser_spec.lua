-- The client module for browsers, and the arena's page, in a real Chromium.
local chromium = require "support.chromium"
local frames = require "support.frames"
local godot = require "support.godot"
local json = require "support.json"
local mime = require "mime"
local process = require "support.process"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"
local ws = require "wsmultiplayer"

local unpack = table.unpack or unpack

local EXAMPLES = debug.getinfo(1, "S").source:match "^@(.*)spec[/\\]browser_spec%.lua$" .. "examples/"
local here = debug.getinfo(1, "S").source:match "^@(.*)browser_spec%.lua$"

local missing = chromium.missing()
if missing then
  describe("in a browser #once", function()
    it("everything", function() pending(missing) end)
  end)
  return
end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

-- What pages of specs may load from the server of a spec.
local FILES = {
  ["/wsmultiplayer.js"] = { EXAMPLES .. "browser/wsmultiplayer.js", "text/javascript" },
  ["/golden.js"] = { here .. "support/golden.js", "text/javascript" },
  ["/data/variant_vectors.jsonl"] = { here .. "data/variant_vectors.jsonl", "text/plain" },
  ["/data/variant_malformed.jsonl"] = { here .. "data/variant_malformed.jsonl", "text/plain" },
}

local function serve_file(request)
  if request.path == "/" then return 200, { ["content-type"] = "text/html" }, "<!DOCTYPE html><title>spec</title>" end
  local file = FILES[request.path]
  if file then return 200, { ["content-type"] = file[2] }, read_file(file[1]) end
  return 404
end

-- Somebody in the arena, by the messages alone: where everybody is, without delay, and what was said.
local Guest = {}
Guest.__index = Guest

local function join_arena(port, name)
  local self = setmetatable({ name = name, peer = session.client(port), players = {}, lines = {} }, Guest)
  self.peer.peer_connected:connect(function() self.peer:put_var { "join", name } end)
  return self
end

function Guest:poll(seconds)
  self.peer:poll(seconds)
  while self.peer:get_available_packet_count() > 0 do self:hear(self.peer:get_var()) end
end

function Guest:hear(message)
  local kind, id = message[1], message[2]
  if kind == "player" then self.players[id] = { id = id, name = message[3], hue = message[4] } end
  if kind == "gone" then self.players[id] = nil end
  if kind == "chat" then self.lines[message[3] .. ": " .. message[4]] = true end
  if kind ~= "state" then return end
  for i = 1, #message[3], 3 do
    local player, x, y = self.players[message[3][i]], message[3][i + 1] / 16, message[3][i + 2] / 16
    if player then
      player.stands = player.x == x and player.y == y
      player.x, player.y = x, y
    end
  end
end

-- The player of this name, once it has a place.
function Guest:sees(name)
  for _, player in pairs(self.players) do
    if player.name == name and player.x then return player end
  end
end

function Guest:say(text) self.peer:put_var { "chat", text } end

function Guest:steer(dx, dy)
  if dx == self.dx and dy == self.dy then return end
  self.dx, self.dy = dx, dy
  self.peer:put_var { "move", ws.float(dx), ws.float(dy) }
end

local browser
setup(function() browser = chromium.start() end)
teardown(function() browser:quit() end)

describe("wsmultiplayer.js in Chromium #once:", function()
  local files, page

  setup(function()
    files = ws.WebSocketMultiplayerPeer.new()
    files.on_http_request = serve_file
    assert(files:create_server(0, "127.0.0.1") == ws.OK)
    browser.polled = { files }
    page = browser:open(("http://127.0.0.1:%d/"):format(files:get_bound_port()))
    -- `peer` tells its signals to `events`.
    page:evaluate [[import("/wsmultiplayer.js").then((module) => {
      window.ws = module;
      window.make_peer = () => {
        const peer = new ws.WebSocketMultiplayerPeer();
        const events = window.events = [];
        const tell = (kind) => (...rest) => events.push([kind, ...rest]);
        for (const name of ["peer_connected", "peer_disconnected", "connection_failed"]) peer[name].connect(tell(name));
        window.peer = peer;
        return peer;
      };
      window.state = () => peer.get_connection_status();
    })]]
  end)
  teardown(function()
    page:close()
    files:close()
  end)
  before_each(function()
    browser.polled = { files }
    page:evaluate "make_peer() && 0"
  end)
  after_each(function()
    page:evaluate "peer.close()"
    assert.same({}, page.errors)
    session.close()
  end)

  -- A server of ours that the page's `peer` has joined: the server and the peer's id.
  local function join(properties)
    local server, port = session.server(properties)
    browser.polled = { files, server }
    local events = session.record(server)
    assert.equal(0, page:evaluate(("peer.create_client('ws://127.0.0.1:%d')"):format(port)))
    local id = browser:wait(function() return events[1] end, "the page to join").id
    page:wait_for "events.length"
    return server, id
  end

  -- The page's `peer` on its way to a server by hand that gives this id (false: none).
  local function by_hand(id, options)
    local listener = raw.listen()
    page:evaluate(("peer.create_client('ws://127.0.0.1:%d', %s)"):format(listener.port, options or "{}"))
    return listener:welcome(browser.polled, id)
  end

  it("makes of Godot's golden Variants what Godot makes of them", function()
    local result = page:evaluate "import('/golden.js').then((golden) => golden.check_vectors())"
    assert.equal("all of them", result.decoded)
    assert.equal("all of them", result.reencoded)
    assert.equal("all of them", result.built)
    assert.equal("all of 3", result.refused)
    assert.is_true(result.skipped < 0.25, result.skipped .. " skipped")
  end)

  it("takes and refuses unusual and malformed bytes as Godot does", function()
    local result = page:evaluate "import('/golden.js').then((golden) => golden.check_malformed())"
    assert.equal("all of them", result.decoded)
    assert.equal("all of them", result.reencoded)
  end)

  it("joins, gets its id, and sends and receives packets and values", function()
    local server, id = join()
    assert.same({ { "peer_connected", 1 } }, page:evaluate "events")
    assert.equal(id, page:evaluate "peer.get_unique_id()")
    assert.equal(2, page:evaluate "state()")

    assert.equal(0, page:evaluate "peer.put_packet(new Uint8Array([0, 255, 10]))")
    assert.equal(0, page:evaluate "peer.put_packet('grün')")
    assert.equal(0, page:evaluate "peer.put_packet('')") -- is not sent
    assert.equal(0, page:evaluate [=[peer.put_var({
      text: "ž😀", int: 7, float: 0.1, whole: new ws.Float(2), big: 2n ** 62n, list: [true, null],
      to: new ws.Vector2(3, 4), path: new ws.NodePath("/root/Main:x"), bytes: new Uint8Array([1, 0]),
      ids: Int32Array.of(-1, 2), map: new Map([[1, "one"]]),
    })]=])
    local packets, senders = session.receive(server, 3, { server, files })
    assert.same({ "\0\255\n", "gr\195\188n" }, { packets[1], packets[2] })
    assert.same({ id, id, id }, senders)
    local value = ws.bytes_to_var(packets[3])
    assert.same({ "\197\190\240\159\152\128", 7, 0.1 }, { value.text, value.int, value.float })
    assert.same({ "text", "int", "float", "whole", "big", "list", "to", "path", "bytes", "ids", "map" }, ws.keys(value))
    assert.equal(ws.int("4611686018427387904"), value.big)
    assert.same({ true, ws.null }, { value.list[1], value.list[2] })
    assert.equal(ws.Vector2(3, 4), value.to)
    assert.equal("/root/Main:x", tostring(value.path))
    assert.equal("\1\0", value.bytes.bytes)
    assert.equal(ws.PackedInt32Array { -1, 2 }, value.ids)
    assert.equal("one", value.map[1])
    assert.equal("float", math.type and math.type(value.whole) or "float")

    server:set_target_peer(id)
    server:put_packet("\1\2")
    server:put_var { "state", ws.Vector3(1, 2, 3), { ["a b"] = ws.PackedByteArray "\9" } }
    page:wait_for "peer.get_available_packet_count() === 2"
    assert.same({ 1, 2 }, page:evaluate "[peer.get_packet_peer(), [...peer.get_packet()].length]")
    assert.same({ "state", { x = 1, y = 2, z = 3 }, 9 }, page:evaluate [=[(() => {
      const [kind, place, map] = peer.get_var();
      return [kind, place, map.get("a b")[0]];
    })()]=])
    assert.same({ true, 2 }, page:evaluate "[peer.get_packet() === undefined, peer.get_packet_error()]")
  end)

  it("hands packets to the handlers of `packet`, each in turn, also when one of them throws", function()
    local server = join()
    page:evaluate [[
      window.heard = [];
      peer.packet.connect((bytes, from) => {
        if (bytes[0] === 50) throw new Error("on purpose");
      });
      peer.packet.connect((bytes, from) => heard.push(new TextDecoder().decode(bytes) + from));
      peer.packet.connect(() => heard.push("once"), ws.CONNECT_ONE_SHOT);
    ]]
    for i = 1, 200 do server:put_packet(tostring(i)) end
    page:wait_for "heard.length === 201"
    assert.same({ "11", "once", "21", "31" }, page:evaluate "heard.slice(0, 4)")
    assert.equal("2001", page:evaluate "heard.at(-1)")
    assert.is_true(#page.errors > 0)
    assert.matches("on purpose", page.errors[1])
    page.errors = {}
  end)

  it("tells how the server ended it, after what was sent before", function()
    local server, id = join()
    server:set_target_peer(id)
    server:put_packet "last words"
    server:get_peer(id):close(4001, "enough")
    page:wait_for "events.length === 2"
    assert.same({ "peer_disconnected", 1, 4001, "enough", true }, page:evaluate "events[1]")
    assert.same({ 0, 0, "closed by the other side with code 4001: enough" },
      page:evaluate "[state(), peer.get_unique_id(), peer.get_last_error()]")
    assert.equal("last words", page:evaluate "new TextDecoder().decode(peer.get_packet())")
    assert.equal(3, page:evaluate "peer.put_packet('too late')")
  end)

  it("tells a close frame without a code as 0, and a lost connection as -1", function()
    local connection = by_hand(4660)
    page:wait_for "events.length === 1"
    assert.equal(4660, page:evaluate "peer.get_unique_id()")
    connection:send_frame { opcode = frames.CLOSE }
    page:wait_for "events.length === 2"
    assert.same({ "peer_disconnected", 1, 0, "", true }, page:evaluate "events[1]")
    connection:close()

    page:evaluate "events.length = 0"
    connection = by_hand(2147483647)
    page:wait_for "events.length === 1"
    assert.equal(2147483647, page:evaluate "peer.get_unique_id()")
    connection:close()
    page:wait_for "events.length === 2"
    assert.same({ "peer_disconnected", 1, -1, "", false }, page:evaluate "events[1]")
    assert.equal("the connection was lost", page:evaluate "peer.get_last_error()")
  end)

  it("takes a first message of 4 bytes and an id from 2 on, also as text, and no other", function()
    local why = "the server's first message was not a valid id: no Godot multiplayer server?"
    for _, payload in ipairs { raw.id(1), raw.id(0), "\255\255\255\255", "abc", "abcde", "" } do
      page:evaluate "make_peer() && 0"
      local connection = by_hand(false)
      connection:send_binary(payload)
      page:wait_for "events.length"
      assert.same({ "connection_failed", why }, page:evaluate "events[0]")
      assert.same({ 0, 0 }, page:evaluate "[state(), peer.get_unique_id()]")
      local frame = connection:read_frame(browser.polled)
      assert.same({ frames.CLOSE, 1000 }, { frame.opcode, frame.code })
    end
    page:evaluate "make_peer() && 0"
    by_hand(false):send_frame { opcode = frames.TEXT, payload = "AAAA" }
    page:wait_for "events.length"
    assert.same({ { "peer_connected", 1 } }, page:evaluate "events")
    assert.equal(0x41414141, page:evaluate "peer.get_unique_id()")
  end)

  it("drops empty messages, and gives text as its bytes", function()
    local connection = by_hand(7)
    connection:send_binary ""
    connection:send_frame { opcode = frames.TEXT, payload = "\195\188" }
    page:wait_for "peer.get_available_packet_count()"
    assert.same({ 195, 188 }, page:evaluate "[...peer.get_packet()]")
    assert.equal(0, page:evaluate "peer.get_available_packet_count()")
  end)

  it("waits for the id no longer than handshake_timeout", function()
    local connection = by_hand(false, "{ handshake_timeout: 0.2 }")
    assert.equal(1, page:evaluate "state()")
    page:wait_for "events.length"
    local why = "timed out after 0.2 s waiting for the server's id packet"
    assert.same({ "connection_failed", why }, page:evaluate "events[0]")
    assert.equal(frames.CLOSE, connection:read_frame(browser.polled).opcode)

    local listener = raw.listen()
    page:evaluate(("events.length = 0, peer.create_client('ws://127.0.0.1:%d')"):format(listener.port))
    page:wait_for "events.length"
    why = "timed out after 0.2 s waiting for the connection"
    assert.same({ "connection_failed", why }, page:evaluate "events[0]")
  end)

  it("says what it can about a connection that does not come about", function()
    local nobody = ("ws://127.0.0.1:%d"):format(raw.free_port())
    local twice = ("[peer.create_client('%s'), peer.create_client('%s')]"):format(nobody, nobody)
    assert.same({ 0, 22 }, page:evaluate(twice))
    page:wait_for "events.length"
    local why = ("could not connect to %s/: no answer, or not one of a WebSocket server"):format(nobody)
    assert.same({ "connection_failed", why }, page:evaluate "events[0]")
    assert.equal(0, page:evaluate "state()")

    by_hand(false):send_close(4002, "full")
    page:wait_for "events.length === 2"
    assert.same({ "connection_failed", "closed by the other side with code 4002: full, before the server's id packet" },
      page:evaluate "events[1]")

    for _, url in ipairs { "http://127.0.0.1", "127.0.0.1", "", "ws://", "ws://[" } do
      assert.equal(31, page:evaluate(("peer.create_client('%s')"):format(url)))
      assert.is_true(#page:evaluate "peer.get_last_error()" > 0)
    end
    assert.equal(2, page:evaluate "peer.create_server(9080)")
    assert.equal("a browser cannot be a server", page:evaluate "peer.get_last_error()")
    assert.equal(2, page:evaluate "events.length")
  end)

  it("agrees on a sub-protocol, or fails", function()
    local server, port = session.server { supported_protocols = { "arena" } }
    browser.polled = { files, server }
    local url = ("ws://127.0.0.1:%d"):format(port)
    page:evaluate(("peer.create_client('%s', { supported_protocols: ['x', 'arena'] })"):format(url))
    page:wait_for "events.length"
    assert.equal("peer_connected", page:evaluate "events[0][0]")
    page:evaluate(("make_peer().create_client('%s')"):format(url))
    page:wait_for "events.length"
    assert.equal("connection_failed", page:evaluate "events[0][0]")
    assert.equal(31, page:evaluate "peer.create_client('ws://127.0.0.1', { supported_protocols: ['a b'] })")
  end)

  it("closes without a signal, and can be used again", function()
    local server, id = join()
    local events = session.record(server)
    page:evaluate "peer.close()"
    browser:wait(function() return events[1] end, "the server to see it go")
    assert.same({ id, 1000, true }, { events[1].id, events[1].code, events[1].clean })
    assert.same({ 0, 1 }, page:evaluate "[state(), events.length]")
    page:evaluate(("peer.create_client('ws://127.0.0.1:%d')"):format(server:get_bound_port()))
    page:wait_for "events.length === 2"
    assert.equal("peer_connected", page:evaluate "events[1][0]")

    -- disconnect_peer waits for the server, and tells; forced, it does not.
    assert.equal(1, page:evaluate "(peer.disconnect_peer(1), peer.put_packet('x'))")
    page:wait_for "events.length === 3"
    assert.same({ "peer_disconnected", 1, 1000, "", true }, page:evaluate "events[2]")
    page:evaluate(("peer.create_client('ws://127.0.0.1:%d')"):format(server:get_bound_port()))
    page:wait_for "events.length === 4"
    page:evaluate "peer.disconnect_peer(1, true)"
    assert.same({ 0, 4 }, page:evaluate "[state(), events.length]")
  end)

  it("refuses packets that do not fit, and values that are none, with a text", function()
    local server = join()
    assert.equal(6, page:evaluate "peer.put_packet(new Uint8Array(65536))")
    assert.matches("65536 bytes do not fit", page:evaluate "peer.get_last_error()")
    page:evaluate "peer.encode_buffer_max_size = 64"
    assert.equal(6, page:evaluate "peer.put_var('x'.repeat(64))")
    for _, row in ipairs {
      { "undefined", "undefined" },
      { "{ players: [{}, { on_hit: () => 0 }] }", "at players[1].on_hit: a function" },
      { "[new Date()]", "at [0]: a Date" },
      { "'\\0'", "a text with half a character or a NUL in it: use a Uint8Array" },
      { "'\\ud800'", "a text with half a character or a NUL in it: use a Uint8Array" },
      { "2n ** 63n", "an integer of more than 64 bits" },
      { "new ws.Vector2i(0.5, 0)", "at x: an integer of 32 bits expected, got 0.5" },
      { "[new ws.Rect2(new ws.Vector2('1'))]", "at [0].position.x: a number expected, got a string" },
    } do
      assert.same({ 30, row[2] }, page:evaluate(("[peer.put_var(%s), peer.get_last_error()]"):format(row[1])))
    end
    assert.same({ 6, "nested deeper than 1024, or in itself" }, page:evaluate [[(() => {
      const list = [];
      list.push(list);
      return [peer.put_var(list), peer.get_last_error()];
    })()]])
    wait.quiet({ server, files }, 0.05)
    assert.equal(0, server:get_available_packet_count())
  end)

  it("has Godot's Signal", function()
    assert.same({ 0, 31, true, 0, 31, false, { 1, 2, 1 } }, page:evaluate [[(() => {
      const signal = new ws.Signal("s"), told = [];
      const one = () => told.push(1), two = () => { told.push(2); signal.disconnect(two); };
      const results = [signal.connect(one), signal.connect(one), signal.is_connected(one)];
      signal.connect(two);
      signal.emit();
      signal.emit();
      results.push(signal.disconnect(one), signal.disconnect(one), signal.is_connected(one), told);
      return results;
    })()]])
  end)

  it("keeps a Dictionary's keys as Godot does", function()
    assert.same({ 2, 2, 5, "1b00" }, page:evaluate [=[(() => {
      const dictionary = new ws.Dictionary([[new ws.StringName("a"), 1], [new ws.Float(1), 3], [1, 4]]);
      dictionary.set("a", 2).set(new ws.Float(1), 5);
      const bytes = ws.var_to_bytes(dictionary);
      const copy = ws.bytes_to_var(bytes);
      const hex = (some) => Array.from(some, (byte) => byte.toString(16).padStart(2, "0")).join("");
      if (hex(ws.var_to_bytes(copy)) !== hex(bytes) || copy.size !== 3) return [hex(bytes), hex(ws.var_to_bytes(copy))];
      return [copy.get("a"), copy.get(new ws.StringName("a")), copy.get(new ws.Float(1)), hex(bytes.slice(0, 2))];
    })()]=])
  end)
end)

describe("wsmultiplayer.js in Chromium with a real Godot #once:", function()
  local no_godot = godot.missing()
  local it = it
  if no_godot then
    it = function(name) pending(name .. " [NOT RUN: " .. no_godot .. "]") end
  end
  local engine, files, page

  before_each(function()
    engine = godot.start()
    files = ws.WebSocketMultiplayerPeer.new()
    files.on_http_request = serve_file
    assert(files:create_server(0, "127.0.0.1") == ws.OK)
    browser.polled = { files, { poll = function() engine:step() end } }
    page = browser:open(("http://127.0.0.1:%d/"):format(files:get_bound_port()))
  end)
  after_each(function()
    if not engine then return end
    local errors = page.errors
    page:close()
    files:close()
    engine:quit()
    engine = nil
    assert.same({}, errors)
  end)

  it("joins, sends and receives, and sees it go", function()
    local server = engine:peer "godot"
    page:evaluate(([[import("/wsmultiplayer.js").then((module) => {
      window.ws = module;
      window.peer = new ws.WebSocketMultiplayerPeer();
      peer.peer_disconnected.connect((...how) => { window.how = how; });
      const connected = new Promise((go) => peer.peer_connected.connect(go));
      peer.create_client("%s");
      return connected;
    })]]):format(server:listen()))
    local id = server:expect("connected")[2]
    assert.equal(id, page:evaluate "peer.get_unique_id()")
    page:evaluate "peer.put_packet('from a browser')"
    server:expect("packet", id, "from a browser")
    server:put(id, "from Godot")
    page:wait_for "peer.get_available_packet_count()"
    assert.equal("from Godot", page:evaluate "new TextDecoder().decode(peer.get_packet())")

    -- It takes each golden value with get_var, and sends it with put_var.
    server:echo()
    local knows_typed_dictionaries = tonumber(engine.version:match "^4%.(%d+)") >= 4
    local check = "import('/golden.js').then((golden) => golden.check_echo(peer, %s))"
    assert.equal("all of them", page:evaluate(check:format(tostring(knows_typed_dictionaries))))

    server:disconnect_peer(id)
    page:wait_for "window.how"
    assert.same({ 1, 1000, "" }, page:evaluate "how.slice(0, 3)")
    server:expect("disconnected", id)
  end)
end)

describe("the arena's page in Chromium #once", function()
  local server, port, page, bot

  -- The arena, on this port or a free one.
  local function start_server(on)
    local program = process.lua(EXAMPLES .. "love-arena/server.lua", ("%d"):format(on or 0), "127.0.0.1")
    return program, tonumber((program:expect "listens on port (%d+)\n"))
  end

  -- The page walks in.
  local function try_to_enter(name)
    page:evaluate "document.getElementById('name').select()"
    page:type(name)
    page:strike "Enter"
  end

  local function wait_until_in() page:wait_for "document.getElementById('status').className === 'in'" end

  local function enter(name)
    try_to_enter(name)
    wait_until_in()
  end

  local function see(player, name)
    return browser:wait(function() return player:sees(name) end, player.name .. " to see " .. name)
  end

  local function hear(player, line)
    browser:wait(function() return player.lines[line] end, player.name .. " to hear: " .. line)
  end

  before_each(function()
    server, port = start_server()
    bot = join_arena(port, "Grace")
    browser.polled = { bot }
    page = browser:open "about:blank"
    page:resize(1120, 560)
    -- Where a colour is to be seen: how often, and the middle of it.
    page:on_each_load [[
      window.find_colour = (pixels, width, hue) => {
        const sample = new OffscreenCanvas(1, 1).getContext("2d");
        sample.fillStyle = `hsl(${hue * 360} 80% 60%)`;
        sample.fillRect(0, 0, 1, 1);
        const wanted = sample.getImageData(0, 0, 1, 1).data;
        let count = 0, x = 0, y = 0;
        for (let i = 0; i < pixels.length; i += 4) {
          if ([0, 1, 2].some((k) => Math.abs(pixels[i + k] - wanted[k]) > 3)) continue;
          count++;
          x += i / 4 % width;
          y += Math.floor(i / 4 / width);
        }
        return { count, x: x / count, y: y / count };
      };
      window.find_on_canvas = (hue) => {
        const canvas = document.getElementById("canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return find_colour(data, canvas.width, hue);
      };
    ]]
    page:go(("http://127.0.0.1:%d/"):format(port))
  end)
  after_each(function()
    local errors = page.errors
    page:close()
    session.close()
    process.close()
    assert.same({}, errors)
  end)

  it("joins, and both see each other", function()
    assert.equal("not connected", page:text "#status")
    enter "Ada"
    see(bot, "Ada")
    page:wait_for "document.querySelectorAll('#players li').length === 2"
    assert.equal("Grace\nAda", page:text "#players")
    assert.equal("Ada", page:text "#players .self")
    assert.equal("2 players on 127.0.0.1:" .. port, page:text "#status")
    assert.is_true(page:evaluate "document.getElementById('entrance').hidden")
    page:wait_for(("find_on_canvas(%.17g).count > 300"):format(bot:sees("Grace").hue))
    page:wait_for(("find_on_canvas(%.17g).count > 300"):format(see(bot, "Ada").hue))
    bot.peer:close()
    browser.polled = {}
    page:wait_for "document.querySelectorAll('#players li').length === 1"
    page:wait_for("document.getElementById('log').innerText.includes('Grace left')")
  end)

  it("walks by keys, and by dragging", function()
    enter "Ada"
    local ada = see(bot, "Ada")
    local hue = ada.hue
    for _, row in ipairs {
      { "KeyD", "x", 480 }, { "ArrowLeft", "x", 480 }, { "KeyS", "y", 270 }, { "ArrowUp", "y", 270 },
    } do
      local key, axis, middle = row[1], row[2], row[3]
      local forth = key == "KeyD" or key == "KeyS"
      page:press(key)
      browser:wait(function() return forth and ada[axis] > middle + 60 or not forth and ada[axis] < middle - 60 end,
        "Ada to walk by " .. key)
      page:release(key)
      browser:wait(function() return ada.stands end, "Ada to stop")
    end
    -- What the page draws is where the others see her.
    local place = page:evaluate(([[new Promise((done) => setTimeout(() => {
      const { x, y } = find_on_canvas(%.17g);
      const scale = Math.min(canvas.width / 976, canvas.height / 556);
      done([(x - (canvas.width - 960 * scale) / 2) / scale, (y - (canvas.height - 540 * scale) / 2) / scale]);
    }, 500))]]):format(hue))
    assert.is_true(math.abs(place[1] - ada.x) < 6 and math.abs(place[2] - ada.y) < 6,
      ("drawn at %g, %g; seen at %g, %g"):format(place[1], place[2], ada.x, ada.y))

    local x = ada.x
    page:mouse("mousePressed", 400, 300)
    page:mouse("mouseMoved", 340, 300)
    browser:wait(function() return ada.x < x - 40 end, "Ada to be dragged")
    page:mouse("mouseReleased", 340, 300)
    browser:wait(function() return ada.stands end, "Ada to stop")
  end)

  it("shows others walking, without jumps", function()
    enter "Ada"
    see(bot, "Ada")
    local hue = see(bot, "Grace").hue
    bot:steer(-1, 0)
    browser:wait(function() return bot:sees("Grace").x < 60 end, "Grace to reach the wall")
    bot:steer(1, 0)
    local path = page:evaluate(([[new Promise((done) => {
      const path = [];
      const look = () => {
        const { x, count } = find_on_canvas(%.17g);
        if (count > 300) path.push(x);
        if (path.length < 40) requestAnimationFrame(look);
        else done(path);
      };
      setTimeout(look, 300);
    })]]):format(hue))
    bot:steer(0, 0)
    assert.is_true(path[40] - path[1] > 60, "from " .. path[1] .. " to " .. path[40])
    local back = 0
    for i = 2, 40 do back = math.max(back, path[i - 1] - path[i]) end
    assert.is_true(back < 3, "back by " .. back)
  end)

  it("chats both ways, and shows texts as texts", function()
    enter "Ada"
    see(bot, "Ada")
    page:strike "Enter"
    page:type "Hello, 世界! <b>bold</b>"
    page:strike "KeyD" -- goes into the line, and moves nobody
    page:strike "Enter"
    hear(bot, "Ada: Hello, 世界! <b>bold</b>d")
    bot:say "<img src=x onerror=alert(1)> & grüße"
    page:wait_for "document.getElementById('log').innerText.includes('Grace: <img src=x onerror=alert(1)> & grüße')"
    assert.equal(0, page:evaluate "document.querySelectorAll('#log img').length")
    page:wait_for "document.getElementById('log').innerText.includes('Ada: Hello, 世界! <b>bold</b>d')"
  end)

  it("says why it was refused, and joins under another name", function()
    try_to_enter "grace"
    page:wait_for "!document.getElementById('entrance').hidden && document.getElementById('why').innerText"
    assert.equal("The server says: the name Grace is taken", page:text "#why")
    enter "Ada"
    see(bot, "Ada")
    assert.equal("", page:text "#why")
    page:click "#leave"
    browser:wait(function() return not bot:sees "Ada" end, "Grace to see Ada go")
    assert.equal("Join the arena", page:text "#title")
  end)

  it("says that the server went away, and joins again when it is back", function()
    enter "Ada"
    see(bot, "Ada")
    page:press "KeyD"
    server:kill "KILL"
    page:wait_for "document.getElementById('entrance').checkVisibility()"
    assert.equal("The server went away: the connection was lost", page:text "#why")
    assert.equal("not connected", page:text "#status")
    assert.equal("", page:text "#players")

    page:click "#enter"
    page:wait_for "document.getElementById('why').innerText.includes('could not connect')"

    start_server(port)
    local linus = join_arena(port, "Linus")
    browser.polled = { linus }
    page:click "#enter"
    see(linus, "Ada")
  end)

  it("minds no nonsense from a server, and tells its close code", function()
    local fake = session.server { on_http_request = function(request)
      local name = request.path == "/" and "index.html" or request.path:match "^/(%a+%.js)$"
      return 200, { ["content-type"] = name:find "html" and "text/html" or "text/javascript" },
        read_file(EXAMPLES .. "browser/" .. name)
    end }
    browser.polled = { bot, fake }
    page:go(("http://127.0.0.1:%d/"):format(fake:get_bound_port()))
    try_to_enter "Ada"
    browser:wait(function() return fake:get_available_packet_count() > 0 end, "the page to join")
    local id = fake:get_packet_peer()
    assert.same({ "join", "Ada" }, { unpack(fake:get_var()) })
    local function send(...) fake:put_var(ws.Array { ... }) end
    fake:put_packet "\255"
    fake:put_var(7)
    send()
    send("welcome", "x")
    send("welcome", id, 960, 540, 240.5, 20)
    wait_until_in()
    send("player", id, "Ada", 0.25)
    for _, nonsense in ipairs {
      {}, { ws.null }, { "no id" }, { 1, 2, 3, 4 }, { 5, "x", ws.null }, { -1, {}, {} },
    } do
      for _, kind in ipairs { "welcome", "player", "gone", "state", "chat", "what?" } do
        send(kind, unpack(nonsense))
      end
    end
    send("state", 50, ws.PackedInt32Array { id, 100 * 16, 100 * 16, 5, 5 })
    send("state", 100, ws.PackedInt32Array { 99, 0, 0, id, 200 * 16, 300 * 16 })
    page:wait_for "find_on_canvas(0.25).count > 300"
    assert.equal("Ada", page:text "#players")
    fake:close()
    page:wait_for "document.getElementById('entrance').checkVisibility()"
    assert.equal("The server went away: closed by the other side with code 1001", page:text "#why")
  end)

  it("looks like a game", function()
    local linus = join_arena(port, "Linus")
    browser.polled = { bot, linus }
    enter "Ada"
    local ada, grace = see(bot, "Ada"), see(bot, "Grace")
    -- Each to a place of its own, so that they can be told apart.
    local function go(player, x, y)
      return function()
        local me = player:sees(player.name)
        if not me then return false end
        local dx, dy = x - me.x, y - me.y
        local near = math.abs(dx) < 12 and math.abs(dy) < 12
        player:steer(near and 0 or dx / 40, near and 0 or dy / 40)
        return near
      end
    end
    local grace_goes, linus_goes = go(bot, 300, 190), go(linus, 700, 150)
    browser:wait(function()
      local both = grace_goes()
      return linus_goes() and both
    end, "the bots to take their places")
    for _, step in ipairs { { "KeyS", "y", 380 }, { "KeyW", "y", 400 }, { "KeyD", "x", 500 }, { "KeyA", "x", 540 } } do
      local key, axis, to = step[1], step[2], step[3]
      local function there()
        if key == "KeyS" or key == "KeyD" then return ada[axis] > to end
        return ada[axis] < to
      end
      if not there() then
        page:press(key)
        browser:wait(there, "Ada to take her place")
        page:release(key)
      end
    end
    bot:say "Hello, Ada!"
    hear(bot, "Grace: Hello, Ada!")
    linus:say "Three programs, one arena."
    page:strike "Enter"
    page:type "Hello from a browser!"
    page:strike "Enter"
    page:wait_for "document.querySelectorAll('#log b').length === 3"
    browser:wait(function() return ada.stands end, "Ada to stand still")
    -- Into the picture goes what has been drawn since.
    page:evaluate "new Promise((done) => setTimeout(done, 300))"

    local png = page:screenshot()
    assert.is_true(#png < 200000, #png .. " bytes")
    local found = page:evaluate(([[(async () => {
      const blob = await (await fetch("data:image/png;base64,%s")).blob();
      const picture = await createImageBitmap(blob);
      const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
      context.drawImage(picture, 0, 0);
      const { data } = context.getImageData(0, 0, picture.width, picture.height);
      return [picture.width, picture.height, ...%s.map((hue) => find_colour(data, picture.width, hue).count)];
    })()]]):format((mime.b64(png)), json.encode { ada.hue, grace.hue, bot:sees("Linus").hue }))
    assert.same({ 1120, 560 }, { found[1], found[2] })
    for i = 3, 5 do assert.is_true(found[i] > 300, ("player %d: %d pixels"):format(i - 2, found[i])) end

    local folder = os.getenv "SCREENSHOTS" -- SCREENSHOTS=docs/images renews the one of the documentation
    if folder and folder ~= "" then
      local file = assert(io.open(folder .. "/arena-browser.png", "wb"))
      file:write(png)
      file:close()
    end
  end)
end)
