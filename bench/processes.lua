--- Starting, pinning and ending the programs that are measured. Every server prints "port N" when it listens.

local processes = {}

local running = {}
local scratch

function processes.init(folder) scratch = folder end

function processes.quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Everything a command prints, and whether it succeeded.
function processes.output(command)
  local pipe = assert(io.popen(command .. "; echo \"status $?\"", "r"))
  local text = pipe:read "*a"
  pipe:close()
  local body, status = text:match "^(.*)status (%d+)\n$"
  return body or text, status == "0"
end

function processes.succeeds(command)
  return (select(2, processes.output(command .. " >/dev/null 2>&1 </dev/null")))
end

-- Reads lines until one has the key; what came before is kept in `seen`.
function processes.expect(process, key)
  for line in process.pipe:lines() do
    local value = line:match("^" .. key .. "[ =](.+)$")
    if value then return value end
  end
  return nil
end

local has_taskset

-- The words in front of a command that keep it on one CPU, if there are any here.
local function pinned(cpu)
  if has_taskset == nil then has_taskset = processes.succeeds("taskset -c " .. (cpu or 0) .. " true") end
  return has_taskset and cpu and "taskset -c " .. cpu .. " " or ""
end

--- Starts a program on one CPU. `wrapper` (strace, valgrind) goes in front of it; the number that is printed first is
-- the program's own in any case, because every step is an exec.
function processes.start(name, command, cpu, wrapper)
  local inner = ("echo pid $$; exec %s%s"):format(pinned(cpu), command)
  local line = ("exec %s sh -c %s 2>%s </dev/null"):format(wrapper or "", processes.quote(inner),
    processes.quote(scratch .. "/" .. name .. ".log"))
  local process = { name = name, pipe = assert(io.popen(line, "r")) }
  process.pid = tonumber(processes.expect(process, "pid"))
  running[process] = true
  return process
end

function processes.stop(process)
  if not running[process] then return end
  running[process] = nil
  os.execute(("kill -TERM %d 2>/dev/null"):format(process.pid))
  process.pipe:read "*a"
  process.pipe:close()
end

function processes.stop_all()
  for process in pairs(running) do processes.stop(process) end
end

--- One run of the load generator: its key=value pairs, or nil and what it complained about.
local function parse(text)
  local values = {}
  for key, value in text:gmatch "([%w_]+)=(%S+)" do values[key] = tonumber(value) or value end
  return values
end

local function generator(options, cpu)
  return ("timeout 120 %s%s/loadgen %s 2>%s/loadgen.log"):format(pinned(cpu), scratch, options, scratch)
end

local function complaint()
  local file = io.open(scratch .. "/loadgen.log")
  local text = file and file:read "*a" or ""
  if file then file:close() end
  return text:match "([^\n]*)\n*$"
end

function processes.load(options, cpu)
  local text, ok = processes.output(generator(options, cpu))
  if ok then return parse(text) end
  return nil, complaint()
end

--- The generator as a server that drives clients: returns it once it listens; collect() then waits for its results.
function processes.load_as_server(options, cpu)
  local process = { pipe = assert(io.popen(generator(options, cpu), "r")) }
  process.port = tonumber(processes.expect(process, "port"))
  return process
end

function processes.collect(process)
  local text = process.pipe:read "*a"
  process.pipe:close()
  local values = parse(text)
  if values.verified == "ok" or values.mode == "idle" then return values end
  return nil, complaint()
end

return processes
