local certificates = require "support.certificates"
local process = require "support.process"
local session = require "support.session"
local system = require "wsmultiplayer_system"
local wait = require "support.wait"
local websocket = require "support.websocket"

local here = debug.getinfo(1, "S").source:match "^@(.*)faults_memory_spec%.lua$"

describe("when the system has no memory left,", function()
  after_each(function()
    process.close()
    certificates.remove_files()
  end)

  local function survives(scenario)
    it("whichever allocation fails, nothing raises, hangs, crashes or is lost: " .. scenario, function()
      local files = {}
      for i, name in ipairs { "good_key", "good", "root" } do files[i] = certificates.path(certificates[name]) end
      local runs = process.lua(here .. "support/allocations.lua", files[1], files[2], files[3], scenario)
      local output, status = runs:finish({}, 120)
      assert.equals(0, status, output)
      local made, bad = output:match "(%d+) allocations, %d+ runs, (%d+) bad"
      assert.equals("0", bad, output)
      assert.is_true(tonumber(made) > 50, output) -- so it did what it says
    end)
  end

  survives "plain"
  -- The core is the same in every Lua; what the binding allocates is in the first.
  if _VERSION == "Lua 5.4" then
    survives "sockets"
    survives "tls"
  end
end)

describe("when Lua has no memory left,", function()
  after_each(function()
    system.lua_allocations()
    session.close()
    websocket.close()
  end)

  -- Calls the function or method of the object with ever more memory until it gets through: how often it did not, and
  -- what it gave then.
  local function with_ever_more(object, fn, argument)
    fn = type(fn) == "string" and object[fn] or fn
    collectgarbage() -- or the string that was sent would be found again
    for allocations = 0, 1000 do
      collectgarbage "stop"
      system.lua_allocations(allocations)
      local ok, first, second, third = pcall(fn, object, argument)
      system.lua_allocations()
      collectgarbage "restart"
      if ok then return allocations, first, second, third end
      assert.equals("not enough memory", first)
    end
  end

  local function content(size, seed) return ("%d "):format(seed):rep(size):sub(1, size) end

  local SIZES = { 1, 50, 1000, 1024, 1025, 5000, 60000 }

  local KINDS = {
    ["WebSocketMultiplayerPeer"] = function()
      local server, client = session.pair()
      return server, { server, client }, function(packet) assert(client:put_packet(packet) == 0) end, client
    end,
    ["WebSocketPeer"] = function()
      local server, client, taken = websocket.pair()
      return taken, { server, client }, function(packet) assert(client:put_packet(packet) == 0) end, client
    end,
  }

  for name, open in pairs(KINDS) do
    it(name .. " keeps the packet that get_packet() could not give", function()
      local peer, polled, send = open()
      local failed = 0
      for seed, size in ipairs(SIZES) do
        send(content(size, seed))
        send "next"
        wait.until_(function() return peer:get_available_packet_count() == 2 end, polled)
        local failures, packet = with_ever_more(peer, "get_packet")
        assert.is_true(content(size, seed) == packet)
        assert.equals("next", (peer:get_packet()))
        failed = failed + failures
      end
      assert.is_true(failed >= 3)
    end)

    it(name .. " keeps the packet that packets() could not give", function()
      local peer, polled, send = open()
      local failed = 0
      for seed, size in ipairs(SIZES) do
        send(content(size, seed + 10))
        send "next"
        wait.until_(function() return peer:get_available_packet_count() == 2 end, polled)
        local failures, packet = with_ever_more(peer, peer:packets())
        failed = failed + failures
        assert.is_true(content(size, seed + 10) == packet)
        assert.equals("next", (peer:get_packet()))
      end
      assert.is_true(failed >= 3)
    end)

    it(name .. " keeps the packet that get_var() could not give", function()
      local peer, polled, _, client = open()
      local value = { "text", 2, { deep = { content(3000, 1), content(70, 2) } }, true }
      assert(client:put_var(value) == 0)
      assert(client:put_var "next" == 0)
      wait.until_(function() return peer:get_available_packet_count() == 2 end, polled)
      local failures, got = with_ever_more(peer, "get_var")
      assert.is_true(failures > 3)
      assert.same(value, got)
      assert.equals("next", (peer:get_var()))
    end)
  end

  it("take_connection() keeps the connection that it could not give", function()
    local server = websocket.server()
    local client = websocket.connect(server:get_local_port())
    wait.until_(function() return server:is_connection_available() end, { server, client })
    local failures, peer = with_ever_more(server, "take_connection")
    assert.is_true(failures > 0)
    websocket.reach(client, websocket.OPEN, { server, client })
    assert.equals(0, (peer:send "hello"))
    assert.same({ "hello" }, (websocket.receive(client, 1, { server, client })))
  end)

  it("get_peer() gives the same object later", function()
    local server, _, id = session.pair()
    local failures, peer = with_ever_more(server, "get_peer", id)
    assert.is_true(failures > 0)
    assert.equals(peer, server:get_peer(id))
    assert.equals(1, peer:get_ready_state())
  end)
end)
