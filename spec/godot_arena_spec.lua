-- examples/godot in a real Godot 4, without a display: it joins the arena of examples/love-arena. Godot is found as in
-- spec/godot_spec.lua; without one these specs are pending.
local arena = require "support.arena_programs"
local godot = require "support.godot"
local process = require "support.process"
local wait = require "support.wait"

local missing = godot.missing()
local it = it
if missing then
  it = function(name) pending(name .. " [NOT RUN: " .. missing .. "]") end
end

local START = 30 -- seconds that Godot may take until it is in

local function play(url, name, ...)
  return arena.start_godot { "--join", url, "--name", name, "--bot", "--seconds", "120", ... }
end

-- Nothing that Godot says about its scripts or scenes.
local function assert_no_complaints(output)
  for _, complaint in ipairs { "ERROR[^\n]*", "WARNING[^\n]*", "leaked[^\n]*", "Debugger Break[^\n]*" } do
    assert.is_nil(output:match(complaint), output)
  end
end

describe("examples/godot", function()
  local polled

  before_each(function() polled = {} end)
  after_each(function()
    for _, each in ipairs(polled) do (each.leave or each.close)(each) end
    process.close()
  end)

  local function join(url, name)
    local player = arena.join(url, name, polled)
    table.insert(polled, player)
    return player
  end

  local function serve(port)
    local server, url = arena.serve(port)
    table.insert(polled, server)
    return server, url
  end

  it("joins, is seen and sees, walks, chats both ways, and leaves when asked to", function()
    local _, url = arena.start_server()
    local ada = join(url, "Ada")
    local game = play(url, "Rosetta", "--say", "Hello from Godot, ä and €!")
    local id = tonumber(game:expect("Rosetta  is in as peer (%d+)\n", polled, START))
    game:expect("(Rosetta  sees Ada)\n", polled)

    local rosetta = wait.until_(function() return ada:sees "Rosetta" end, polled, 10, "Rosetta")
    assert.equal(id, rosetta.id)
    local x, y = rosetta.x, rosetta.y
    wait.until_(function() return math.abs(rosetta.x - x) + math.abs(rosetta.y - y) > 50 end, polled, 10, "her walk")

    -- It shows Ada where she is, also when she walks into a corner.
    ada.client:steer(-1, -1)
    local me = ada:sees "Ada"
    wait.until_(function() return me.x < 18.5 and me.y < 18.5 end, polled, 10, "Ada in the corner")
    game:expect("(finds Ada at 1[89] 1[89]\n)", polled)
    game:expect("(finds Rosetta at %d+ %d+\n)", polled)

    wait.until_(function() return ada:heard "Rosetta: Hello from Godot, ä and €!" end, polled, 10, "the greeting")
    ada:say "Is it you, rosetta? ö"
    game:expect("(Rosetta  hears Ada: Is it you, rosetta%? ö\n)", polled)
    wait.until_(function() return ada:heard "Rosetta: *beep* You called, Ada?" end, polled, 10, "the answer")

    local eve = join(url, "Eve")
    game:expect("(Rosetta  sees Eve\n)", polled)
    eve:leave()
    game:expect("(Rosetta  does not see Eve any more\n)", polled)

    ada:say "bye Rosetta"
    local output, status = game:finish(polled)
    assert.equal(0, status)
    assert_no_complaints(output)
    wait.until_(function() return not ada:sees "Rosetta" end, polled, 10, "Rosetta to be gone")
  end)

  it("says when the server goes away, and its button tries again", function()
    local server, url = serve()
    local game = play(url, "Rosetta", "--again", "100")
    game:expect("(is in as peer %d+)\n", polled, START)
    server:close()
    game:expect("(Rosetta  is out: The server went away%.\n)", {})
    game:expect("(Rosetta  is out: Nobody answers at ws://127%.0%.0%.1:%d+%.\n)", {})
    polled = {}
    serve(server.port)
    game:expect("is out: Nobody.*is in as peer.*(finds Rosetta at %d+ %d+\n)", polled)
    join(url, "Ada"):say "bye Rosetta"
    local output, status = game:finish(polled)
    assert.equal(0, status)
    assert_no_complaints(output)
  end)

  it("says when the server was killed", function()
    local server, url = arena.start_server()
    local game = play(url, "Rosetta")
    game:expect("(is in as peer %d+)\n", {}, START)
    server:kill "KILL"
    local output, status = game:finish()
    assert.matches("Rosetta  is out: The connection to the server was lost%.\n", output)
    assert.equal(1, status)
    assert_no_complaints(output)
  end)

  it("says why it is not let in", function()
    local _, url = serve()
    join(url, "Rosetta")
    local game = play(url, "Rosetta")
    local output, status = game:finish(polled, START)
    assert.matches("Rosetta  is out: the name Rosetta is taken\n", output)
    assert.equal(1, status)
    assert_no_complaints(output)
  end)

  it("says what is wrong with an address", function()
    local game = play("http://127.0.0.1", "Rosetta")
    local output, status = game:finish({}, START)
    assert.matches("Rosetta  is out: http://127%.0%.0%.1 is no address of an arena %(ws://host:port%)%.\n", output)
    assert.equal(1, status)
  end)

  it("refuses options that it does not know", function()
    local game = arena.start_godot { "--fly" }
    local output, status = game:finish({}, START)
    assert.matches("%-%-fly is not known%.\n", output)
    assert.matches("\n  %-%-join ws://HOST:PORT ", output)
    assert.equal(2, status)
    assert_no_complaints(output)
  end)
end)
