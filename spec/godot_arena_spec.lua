-- examples/godot in a real Godot 4, without a display: it joins the arena of examples/love-arena. Godot is found as in
-- spec/godot_spec.lua; without one these specs are pending.
local arena = require "support.arena"
local godot = require "support.godot"
local process = require "support.process"
local programs = require "support.arena_programs"

local missing = godot.missing()
local it = it
if missing then
  it = function(name) pending(name .. " [NOT RUN: " .. missing .. "]") end
end

local START = 30 -- seconds that Godot may take until it is in

local function play(url, name, ...)
  return programs.start_godot { "--join", url, "--name", name, "--bot", "--seconds", "120", ... }
end

-- Godot says nothing about the game's scripts and scenes, and nothing is left behind.
local function assert_no_complaints(output)
  for _, complaint in ipairs {
    "ERROR[^\n]*", "WARNING[^\n]*\n%s+at: [^\n]*res://[^\n]*", "leaked[^\n]*", "Debugger Break[^\n]*",
  } do
    assert.is_nil(output:match(complaint), output)
  end
end

describe("examples/godot #once", function()
  local polled = { arena.everyone }

  after_each(function()
    arena.close()
    process.close()
  end)

  -- Whether a client hears this line some day.
  local function listen(client, line)
    local heard = false
    client:on("chat", function(name, text) heard = heard or name .. ": " .. text == line end)
    return function() return heard end
  end

  it("joins, is seen and sees, walks, chats both ways, and leaves when asked to", function()
    local _, url = programs.start_server()
    local ada = arena.joined(url, "Ada")
    local greeted = listen(ada, "Rosetta: Hello from Godot, ä and €!")
    local answered = listen(ada, "Rosetta: *beep* You called, Ada?")
    local game = play(url, "Rosetta", "--say", "Hello from Godot, ä and €!")
    local id = tonumber(game:expect("Rosetta  is in as peer (%d+)\n", polled, START))
    game:expect("(Rosetta  sees Ada)\n", polled)

    local rosetta = arena.wait(function() return arena.seen(ada, "Rosetta") end, "Rosetta")
    assert.equal(id, rosetta.id)
    local x, y = rosetta.x, rosetta.y
    arena.wait(function() return math.abs(rosetta.x - x) + math.abs(rosetta.y - y) > 50 end, "her walk")

    -- It shows Ada where she is, also when she walks into a corner.
    ada:steer(-1, -1)
    local me = arena.seen(ada, "Ada")
    arena.wait(function() return me.x < 18.5 and me.y < 18.5 end, "Ada in the corner")
    game:expect("(finds Ada at 1[89] 1[89]\n)", polled)
    game:expect("(finds Rosetta at %d+ %d+\n)", polled)

    arena.wait(greeted, "the greeting")
    ada:say "Is it you, rosetta? ö"
    game:expect("(Rosetta  hears Ada: Is it you, rosetta%? ö\n)", polled)
    arena.wait(answered, "the answer")

    local eve = arena.joined(url, "Eve")
    game:expect("(Rosetta  sees Eve\n)", polled)
    eve:leave()
    game:expect("(Rosetta  does not see Eve any more\n)", polled)

    ada:say "bye Rosetta"
    local output, status = game:finish(polled)
    assert.equal(0, status)
    assert_no_complaints(output)
    arena.wait(function() return not arena.seen(ada, "Rosetta") end, "Rosetta to be gone")
  end)

  it("says when the server goes away, and its button tries again", function()
    local server, url = arena.server()
    local port = server:get_port()
    local game = play(url, "Rosetta", "--again", "100")
    game:expect("(is in as peer %d+)\n", polled, START)
    server:close()
    game:expect "(Rosetta  is out: The server went away%.\n)"
    game:expect "(Rosetta  is out: Nobody answers at ws://127%.0%.0%.1:%d+%.\n)"
    arena.close()
    arena.server(port)
    game:expect("is out: Nobody.*is in as peer.*(finds Rosetta at %d+ %d+\n)", polled)
    arena.joined(url, "Ada"):say "bye Rosetta"
    local output, status = game:finish(polled)
    assert.equal(0, status)
    assert_no_complaints(output)
  end)

  it("says when the server was killed", function()
    local server, url = programs.start_server()
    local game = play(url, "Rosetta")
    game:expect("(is in as peer %d+)\n", {}, START)
    server:kill "KILL"
    local output, status = game:finish()
    assert.matches("Rosetta  is out: The connection to the server was lost%.\n", output)
    assert.equal(1, status)
    assert_no_complaints(output)
  end)

  it("says why it is not let in", function()
    local _, url = arena.server()
    arena.joined(url, "Rosetta")
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
    local game = programs.start_godot { "--fly" }
    local output, status = game:finish({}, START)
    assert.matches("%-%-fly is not known%.\n", output)
    assert.matches("\n  %-%-join ws://HOST:PORT ", output)
    assert.equal(2, status)
    assert_no_complaints(output)
  end)
end)
