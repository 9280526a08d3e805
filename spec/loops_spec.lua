-- One server under several event loops: the programs of examples/loops, started as users start them; and cqueues from
-- the inside.
local socket = require "socket"
local ws = require "wsmultiplayer"
local process = require "support.process"
local session = require "support.session"
local wait = require "support.wait"

local folder = debug.getinfo(1, "S").source:match "^@(.*)spec[/\\]loops_spec%.lua$" .. "examples/loops/"

-- Ticks of the processor (of which there are 100 a second) that a process has used; nil where nobody tells.
local function ticks(id)
  local file = io.open(("/proc/%s/stat"):format(id))
  if not file then return end
  local fields = {}
  for field in file:read "*a":match "%) (.*)$":gmatch "%S+" do fields[#fields + 1] = field end
  file:close()
  return tonumber(fields[12]) + tonumber(fields[13])
end

local function is_installed(name)
  return name == nil or (pcall(require, name))
end

local function process_id(program)
  local file = assert(io.open(program.id_file))
  local id = file:read "*l"
  file:close()
  return id
end

describe("the server of examples/loops", function()
  after_each(function()
    session.close()
    process.close()
  end)

  for _, case in ipairs {
    { "plain.lua" },
    { "with_tasks.lua" },
    { "under_copas.lua", "copas" },
    { "under_cqueues.lua", "cqueues" },
    { "under_luv.lua", "luv" },
  } do
    local name, needs = case[1], case[2]
    local there = is_installed(needs)
    local test = there and it or pending
    local because = there and "" or (" [NOT RUN: no %s for this Lua]"):format(needs)
    test(name .. " answers at once, several clients, and rests between" .. because, function()
      local program = process.lua(folder .. name, "0")
      local port = program:expect "listens on port (%d+)\n"
      local clients = {}
      for i = 1, 3 do clients[i] = session.client(tonumber(port)) end
      wait.until_(function()
        for _, client in ipairs(clients) do
          if not session.is_connected(client) then return false end
        end
        return true
      end, clients)
      local start = socket.gettime()
      for round = 1, 100 do
        for i, client in ipairs(clients) do client:put_packet(round .. " of " .. i) end
        for i, client in ipairs(clients) do assert.equal(round .. " of " .. i, (client:receive(5))) end
      end
      -- A loop that only polled ten times a second would take ten seconds.
      local elapsed = socket.gettime() - start
      assert.is_true(elapsed < 3, ("100 rounds took %.1f s"):format(elapsed))
      local before = ticks(process_id(program))
      if before then
        wait.quiet({}, 0.5)
        local used = ticks(process_id(program)) - before
        assert.is_true(used <= 5, ("%d ticks of the processor in half a second"):format(used))
      end
      clients[1]:close()
      clients[2]:put_packet("still there")
      assert.equal("still there", (clients[2]:receive(5)))
    end)
  end
end)

describe("in a coroutine of cqueues", function()
  local found, cqueues = pcall(require, "cqueues")
  local test = found and it or pending

  after_each(session.close)

  -- Runs functions as cqueues' coroutines, until the first one has returned.
  local function run(polled, main, ...)
    local loop, done = cqueues.new(), false
    for _, peer in ipairs(polled) do
      loop:wrap(function()
        while not done do
          cqueues.poll(peer, 0.05)
          peer:poll()
        end
      end)
    end
    for _, fn in ipairs { ... } do loop:wrap(fn) end
    loop:wrap(function()
      main()
      done = true
    end)
    assert(loop:loop(20))
    assert.is_true(done)
  end

  test("wait and receive wait by cqueues' own means", function()
    local server = session.server()
    local client = session.client(server:get_bound_port())
    local joined, got, ticks_between = nil, nil, 0
    run({ server, client }, function()
      joined = server:wait("peer_connected", 5)
      server:set_target_peer(joined)
      server:put_packet("hello")
      got = { client:receive(5) }
      cqueues.sleep(0.02)
      assert.same({ nil, "timeout" }, { client:receive(0.01) })
    end, function()
      for _ = 1, 3 do
        cqueues.sleep(0.005)
        ticks_between = ticks_between + 1
      end
    end)
    assert.is_number(joined)
    assert.same({ "hello", 1 }, got)
    assert.equal(3, ticks_between)
  end)

  test("the end of a peer ends the wait", function()
    local server, client, id = session.pair()
    local result
    run({ server, client }, function()
      server:disconnect_peer(id)
      result = { client:receive(5) }
    end)
    assert.same({ nil, "closed", "closed by the other side with code 1000" }, result)
  end)

  test("tasks and cqueues' coroutines wait side by side", function()
    local server, client = session.pair()
    local by_task
    local task = ws.spawn(function() by_task = server:receive() end)
    run({ server, client }, function()
      client:put_packet("for the task")
      task:wait(5)
    end)
    assert.equal("for the task", by_task)
  end)
end)
