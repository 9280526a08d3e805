-- The C core must not become slower unnoticed: instructions per echoed message, as callgrind counts them, against the
-- figure in spec/data/instructions.txt. It depends on the compiler and on libwebsockets, so that others have lines of
-- their own there; who has none is skipped.

local core = require "wsmultiplayer.core"

local TOLERANCE = 0.10
local BUILD = os.getenv "BUILD" or "build"
local FOLDER = BUILD .. "/bench"
local FIGURES = "spec/data/instructions.txt"

local function output_of(command)
  local pipe = io.popen(command)
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- "gcc-12 x86_64 libwebsockets-4.1.6": what the figure depends on. Nil with flags that nobody has recorded.
local function configuration()
  local file = io.open(BUILD .. "/core/flags")
  local flags = file and file:read "*l" or ""
  if file then file:close() end
  if not flags:find(" %-O2 ") or flags:find "sanitize" then return nil end
  local compiler = flags:match "^%S+"
  local major = output_of(compiler .. " -dumpversion 2>/dev/null"):match "^%d+"
  local family = output_of(compiler .. " --version 2>/dev/null"):lower():find "clang" and "clang" or "gcc"
  local lws = core.libwebsockets_version:match "^%d+%.%d+%.%d+"
  local machine = output_of(compiler .. " -dumpmachine"):match "^[^-%s]+"
  return ("%s-%s %s libwebsockets-%s"):format(family, major or "?", machine or "?", lws or "?")
end

local function recorded(name)
  for line in io.lines(FIGURES) do
    local key, figure = line:match "^(%S.*): (%d+)$"
    if key == name then return tonumber(figure) end
  end
end

local function reason_to_skip(name)
  if jit or _VERSION ~= "Lua 5.4" then return "the same C core on every Lua: measured on Lua 5.4" end
  if output_of("command -v valgrind") == "" then return "valgrind is not installed" end
  if not name then return "built with flags for which no figure is recorded" end
  if not recorded(name) then return "no figure is recorded for " .. name end
end

describe("instructions per echoed message", function()
  local name = configuration()
  local why = reason_to_skip(name)
  if why and why:find "every Lua" then return end
  if why then
    pending("grow by no more than 10 % [NOT RUN: " .. why .. "]")
    return
  end

  it("grow by no more than 10 %", function()
    local path = package.path
    package.path = "bench/?.lua;" .. path
    local instructions, processes = require "instructions", require "processes"
    package.path = path
    assert(os.execute(("unset LD_PRELOAD; make -s %s/loadgen"):format(FOLDER)))
    processes.init(FOLDER)
    local interpreter = processes.output("command -v lua5.4 || command -v lua"):match "%S+"
    local command = ("env LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='%s/lua5.4/?.so;;' %s bench/server.lua echo")
      :format(BUILD, interpreter)
    local counted = instructions.per_message(command, "-g", FOLDER, 16, 0)
    local figure = recorded(name)
    local text = ("%.0f instructions, %d are recorded for %s"):format(counted, figure, name)
    assert.is_true(counted <= figure * (1 + TOLERANCE), text .. ": find out why, or record them in " .. FIGURES)
    assert.is_true(counted >= figure * (1 - TOLERANCE), text .. ": so much faster? Then record them in " .. FIGURES)
  end)
end)
