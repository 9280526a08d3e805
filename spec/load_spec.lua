-- Servers and clients under load, every byte checked by the load generator of bench/: many messages at once, sockets
-- that take little, so that writes are partial, and pings in between.

local BUILD = os.getenv "BUILD" or "build"
local FOLDER = BUILD .. "/bench"
local NAME = jit and "luajit" or _VERSION:lower():gsub(" ", "")

local path = package.path
package.path = "bench/?.lua;" .. path
local processes = require "processes"
package.path = path

local function interpreter()
  local at = -1
  while arg[at - 1] do at = at - 1 end
  return arg[at]
end

local function lua(script)
  return ("env LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='%s/%s/?.so;;' %s bench/%s"):format(BUILD, NAME,
    interpreter(), script)
end

-- What the load generator is told besides: connections, window, bytes, messages, and more.
local SCENARIOS = {
  { "small messages in bursts", "-c 20 -w 16 -s 64 -n 20000" },
  { "the sizes at which the length of a frame's head changes: 125", "-c 3 -w 16 -s 125 -n 3000" },
  { "126", "-c 3 -w 16 -s 126 -n 3000" },
  { "65535", "-c 3 -w 5 -s 65535 -n 300" },
  { "65536", "-c 3 -w 5 -s 65536 -n 300" },
  { "messages larger than a read", "-c 2 -w 3 -s 1000000 -n 60" },
  { "partial writes of gathered messages, with pings", "-c 2 -w 1000 -s 3000 -n 20000 -B 2304 -I 7" },
  { "partial writes of messages that leave on their own, with pings", "-c 4 -w 64 -s 40000 -n 2000 -B 4096 -I 1" },
}

describe("under load", function()

  setup(function()
    assert(os.execute(("unset LD_PRELOAD; make -s %s/loadgen"):format(FOLDER))) -- a sanitizer is not for the compiler
    processes.init(FOLDER)
  end)
  after_each(function() processes.stop_all() end)

  local function serve(mode)
    local process = processes.start("load", lua("server.lua " .. mode))
    process.port = assert(tonumber(processes.expect(process, "port")), "the server did not start")
    return process
  end

  local function loaded(options)
    local values, why = processes.load(options)
    assert(values, why)
    assert.equals("ok", values.verified)
  end

  for _, scenario in ipairs(SCENARIOS) do
    it("a server echoes " .. scenario[1], function()
      loaded(("-g -p %d %s"):format(serve("echo").port, scenario[2]))
    end)

    it("clients echo " .. scenario[1], function()
      local generator = processes.load_as_server("-g -l -p 0 " .. scenario[2])
      processes.start("client", lua(("client.lua %d %s"):format(generator.port, scenario[2]:match "%-c (%d+)")))
      local values, why = processes.collect(generator)
      assert(values, why)
      assert.equals("ok", values.verified)
    end)
  end

  for _, bytes in ipairs { 64, 5000, 70000 } do
    it(("a server sends %d bytes to all others, some of which read slowly"):format(bytes), function()
      loaded(("-g -m bcast -p %d -c 30 -w 8 -s %d -n 200 -B 8192"):format(serve("bcast").port, bytes))
    end)
  end
end)
