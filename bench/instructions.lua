--- Instructions of the C core per echoed message, counted by valgrind's callgrind: the same on a busy machine.

local callgrind = require "callgrind"
local processes = require "processes"

local instructions = {}

local COUNTS = { 8000, 40000 }

--- One run of a server under `wrapper` with that many messages of 64 bytes, on 50 connections.
function instructions.run(command, options, wrapper, messages, window, cpu)
  local process = processes.start("counted", command, cpu, wrapper)
  process.port = assert(tonumber(processes.expect(process, "port")), "the server did not start")
  local values, why = processes.load(("%s -p %d -c 50 -w %d -s 64 -n %d"):format(options, process.port, window,
    messages), cpu)
  processes.stop(process)
  assert(values, why)
end

--- By the difference of two runs, so that what starting costs is not in it.
function instructions.per_message(command, options, folder, window, cpu)
  local totals, file = {}, folder .. "/callgrind.out"
  local valgrind = "valgrind -q --trace-children=yes --tool=callgrind --callgrind-out-file=" .. file
  for i, messages in ipairs(COUNTS) do
    instructions.run(command, options, valgrind, messages, window, cpu)
    totals[i] = callgrind.core_instructions(file)
  end
  return (totals[2] - totals[1]) / (COUNTS[2] - COUNTS[1])
end

return instructions
