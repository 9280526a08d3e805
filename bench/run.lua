-- Measures servers and clients side by side: make bench, make bench-quick.
--   lua bench/run.lua quick|full FOLDER      FOLDER: where the programs are built and results.csv is written
-- BENCH_CPU=0      the CPU that the program under test and the load generator share
-- BENCH_ROUNDS=5   rounds of the rows that have a target
-- BENCH_PEERS=     empty: without other people's servers
-- BENCH_ONLY=echo,counts   only these parts: echo bcast paced frames clients connections counts variants

package.path = "bench/?.lua;" .. package.path
local instructions = require "instructions"
local processes = require "processes"
local targets = require "targets"

local quick, folder = arg[1] ~= "full", arg[2] or "build/bench"
-- On two CPUs each lone message would pay for waking the other one, which drowns everything else.
local cpu = os.getenv "BENCH_CPU" or "0"
local rounds = tonumber(os.getenv "BENCH_ROUNDS") or (quick and 3 or 7)
local with_peers = not quick and os.getenv "BENCH_PEERS" ~= ""
local duration = quick and 0.12 or 0.3
processes.init(folder)

local function say(...)
  io.stdout:write(string.format(...), "\n")
  io.stdout:flush()
end

-- ---- servers

local function lua_command(lua)
  return ("env LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='build/%s/?.so;;' %s"):format(lua, lua)
end

local function ours(lua) return function(mode) return lua_command(lua) .. " bench/server.lua " .. mode end end

local function python()
  for _, command in ipairs { os.getenv "PYTHON" or "python3", "/usr/bin/python3" } do
    if processes.succeeds(command .. " -c 'import websockets'") then return command end
  end
end

local function lua_with_http()
  for _, lua in ipairs { "luajit", "lua5.4", "lua5.3", "lua5.1" } do
    if processes.succeeds(lua .. " -e 'require [[http.server]]'") then return lua end
  end
end

local function godot()
  local run = os.getenv "GODOT_RUN"
  if run and run ~= "" then return run end
  for _, name in ipairs { os.getenv "GODOT" or "godot4", "godot" } do
    if processes.succeeds(name .. " --headless --version") then return name .. " --headless --path" end
  end
end

-- A port that was free a moment ago, for the one peer that can't tell which it got.
local function free_port()
  local code = [[local p = require "wsmultiplayer".WebSocketMultiplayerPeer.new()
    p:create_server(0, "127.0.0.1") print(p:get_bound_port())]]
  return tonumber((processes.output(lua_command "lua5.4" .. " -e " .. processes.quote(code))))
end

local function godot_server(run)
  os.execute(("rm -rf %s/godot && cp -R bench/peers/godot %s/godot"):format(folder, folder))
  return function(mode)
    return ("%s $PWD/%s/godot --script res://server.gd -- %s %d"):format(run, folder, mode, free_port())
  end
end

-- name; command(mode); the generator's options; slow: other people's, not given every case; limit: connections
local servers = {
  { name = "raw", command = function(mode) return folder .. "/raw_echo " .. mode end, options = "-R" },
  { name = "lws", command = function(mode) return folder .. "/lws_server " .. mode end, options = "" },
  { name = "lua5.4", command = ours "lua5.4", options = "-g", ours = true },
  { name = "luajit", command = ours "luajit", options = "-g", ours = true },
}

local function add_peers()
  local function add(name, found, peer)
    if found then
      peer.name, peer.slow = name, true
      servers[#servers + 1] = peer
    else
      say("%s: not installed, left out", name)
    end
  end
  local python_command, http_lua, godot_command = python(), lua_with_http(), godot()
  add("node ws", processes.succeeds "node -e 'require(\"ws\")'",
    { command = function(mode) return "node bench/peers/node_ws.js " .. mode end, options = "" })
  add("python", python_command,
    { command = function(mode) return python_command .. " bench/peers/python_websockets.py " .. mode end,
      options = "" })
  add("lua-http", http_lua,
    { command = function(mode) return http_lua .. " bench/peers/lua_http.lua " .. mode end, options = "" })
  add("godot", godot_command,
    { command = godot_command and godot_server(godot_command), options = "-g -b 4", limit = 100 })
end

-- ---- results

local results, order = {}, {}

local function median(list)
  table.sort(list)
  return list[math.floor(#list / 2) + 1]
end

-- The median of each value over the rounds.
local function medians(list)
  local merged = {}
  for key, value in pairs(list[1]) do
    if type(value) == "number" then
      local values = {}
      for i, row in ipairs(list) do values[i] = row[key] or 0 end
      merged[key] = median(values)
    end
  end
  merged.rounds = #list
  return merged
end

local function record(case, server, values)
  if not results[case] then
    results[case] = {}
    order[#order + 1] = case
  end
  results[case][server] = values
end

local function value(case, server, key)
  local row = results[case] and results[case][server]
  return row and row[key]
end

local function save()
  local file = assert(io.open(folder .. "/results.csv", "w"))
  local keys = { "cpu_us", "msgs_per_s", "p50_us", "p90_us", "p99_us", "p999_us", "cpu_us_per_accept", "accepts_per_s",
    "rss_per_conn_b", "idle_cpu_pct", "poll_us", "calls", "instructions", "ratio" }
  file:write("case,server,", table.concat(keys, ","), "\n")
  for _, case in ipairs(order) do
    local names = {}
    for name in pairs(results[case]) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
      local cells = { case, name }
      for i, key in ipairs(keys) do
        local cell = results[case][name][key]
        cells[i + 2] = cell and ("%.6g"):format(cell) or ""
      end
      file:write(table.concat(cells, ","), "\n")
    end
  end
  file:close()
end

-- ---- echo, broadcast, paced

local function run_case(server, process, mode, case, extra)
  local options = ("%s -m %s -p %d -P %d -c %d -w %d -s %d -d %g -u %g %s"):format(server.options, mode, process.port,
    process.pid, case.connections, case.window, case.bytes, case.seconds or duration, duration / 2, extra or "")
  local values, why = processes.load(options, cpu)
  if values then values.cpu_us = values.srv_cpu_us_per_msg end
  return values, why
end

local function skips(server, case)
  local in_flight = case.connections * case.window * case.bytes
  return case.connections > (server.limit or math.huge) or in_flight > (server.slow and 16 or 70) * 2 ^ 20 or
    (server.slow and case.fast_only)
end

-- All servers of a mode run at once and take turns, so that what else the machine does hits all alike.
local function compare(mode, cases, process_mode)
  local started = {}
  for _, server in ipairs(servers) do
    local process = processes.start(server.name:gsub("%W", "_"), server.command(process_mode or mode), cpu)
    process.port = tonumber(processes.expect(process, "port") or "")
    if process.port then
      started[#started + 1] = { server = server, process = process }
    else
      say("%s did not start, see %s/*.log", server.name, folder)
      processes.stop(process)
    end
  end
  for _, case in ipairs(cases) do
    local lists = {}
    for round = 1, case.rounds or (quick and 3 or 3) do
      for _, one in ipairs(started) do
        local server = one.server
        local once = server.slow and not case.target
        if not skips(server, case) and not one.broken and (round == 1 or not once) then
          local values, why = run_case(server, one.process, mode, case, case.extra)
          if values then
            lists[server.name] = lists[server.name] or {}
            table.insert(lists[server.name], values)
          else
            say("%s, %s: %s", case.name, server.name, why)
            if server.ours then error("our own server failed") end
            one.broken = server.slow
          end
        end
      end
    end
    for name, list in pairs(lists) do record(case.name, name, medians(list)) end
    save()
  end
  for _, one in ipairs(started) do processes.stop(one.process) end
end

local function case_name(kind, connections, window, bytes)
  return ("%s %d/%d/%d"):format(kind, connections, window, bytes)
end

local function target_case(kind, connections, window, bytes)
  return { name = case_name(kind, connections, window, bytes), connections = connections, window = window,
    bytes = bytes, rounds = rounds, target = true }
end

local function echo_cases()
  local cases = { target_case("echo", 50, 16, 64), target_case("echo", 50, 1, 64), target_case("echo", 4, 4, 65536) }
  local known = {}
  for _, case in ipairs(cases) do known[case.name] = true end
  for _, connections in ipairs(quick and {} or { 1, 50, 1000 }) do
    for _, window in ipairs { 1, 16 } do
      for _, bytes in ipairs { 16, 64, 512, 4096, 65536 } do
        local case = target_case("echo", connections, window, bytes)
        case.target, case.rounds = false, 3
        if not known[case.name] then cases[#cases + 1] = case end
      end
    end
  end
  return cases
end

local function broadcast_cases()
  local cases = { target_case("broadcast", 100, 16, 64), target_case("broadcast", 1000, 1, 64) }
  for _, case in ipairs(quick and {} or { { 100, 1, 64 }, { 1000, 16, 64 }, { 100, 16, 1024 }, { 1000, 1, 1024 } }) do
    cases[#cases + 1] = target_case("broadcast", case[1], case[2], case[3])
    cases[#cases].target, cases[#cases].rounds = false, 3
  end
  return cases
end

local function paced_case()
  local case = target_case("paced", 1000, 16, 64)
  case.extra, case.seconds = "-r 4000", quick and 0.5 or 1
  return case
end

-- A game's loop: only ours; whoever is compared has the same frame.
local function frames()
  local all = servers
  servers = {}
  for _, server in ipairs(all) do
    if server.ours then servers[#servers + 1] = server end
  end
  local cases = { target_case("60 Hz", 10, 16, 64), target_case("60 Hz", 10, 4, 65536) }
  for _, case in ipairs(cases) do
    case.rounds, case.seconds = quick and 1 or 3, quick and 1 or 2
    if quick and case.bytes > 64 then cases[2] = nil end
  end
  for _, case in ipairs(cases) do compare("echo", { case }, "frames") end
  servers = all
end

-- ---- connections

local function idle(server, connections)
  local mode = server.ours and ("idle %d"):format(connections) or "echo"
  local process = processes.start("idle", server.command(mode), cpu)
  process.port = tonumber(processes.expect(process, "port"))
  local options = ("%s -m idle -p %d -P %d -c %d -d %g"):format(server.options, process.port, process.pid, connections,
    server.ours and 1.5 or 0.7)
  local values, why = processes.load(options, cpu)
  if not values then say("idle %d, %s: %s", connections, server.name, why) end
  if values and server.ours then values.poll_us = tonumber(processes.expect(process, "poll_us")) end
  processes.stop(process)
  return values
end

local function connections()
  for _, count in ipairs(quick and { 1000 } or { 1000, 10000 }) do
    local lists = {}
    for round = 1, quick and 1 or 3 do
      for _, server in ipairs(servers) do
        if count <= (server.limit or math.huge) and (round == 1 or not server.slow) then
          local values = idle(server, count)
          lists[server.name] = lists[server.name] or {}
          if values then table.insert(lists[server.name], values) end
        end
      end
    end
    for name, list in pairs(lists) do
      if list[1] then record("idle " .. count, name, medians(list)) end
    end
    save()
  end
end

-- ---- clients

local clients = {
  { name = "lws", command = function(port, count) return ("%s/lws_client %d %d"):format(folder, port, count) end,
    options = "" },
  { name = "lua5.4", options = "-g", command = function(port, count)
    return ("%s bench/client.lua %d %d"):format(lua_command "lua5.4", port, count)
  end },
  { name = "luajit", options = "-g", command = function(port, count)
    return ("%s bench/client.lua %d %d"):format(lua_command "luajit", port, count)
  end },
}

local function run_client(client, case)
  local file = folder .. "/client.pid"
  os.remove(file)
  local generator = processes.load_as_server(("%s -l -p 0 -F %s -c %d -w %d -s %d -d %g -u %g"):format(client.options,
    file, case.connections, case.window, case.bytes, duration, duration / 2), cpu)
  local process = processes.start("client", client.command(generator.port, case.connections), cpu)
  local out = assert(io.open(file, "w"))
  out:write(process.pid, "\n")
  out:close()
  local values, why = processes.collect(generator)
  processes.stop(process)
  if values then values.cpu_us = values.srv_cpu_us_per_msg end
  return values, why
end

local function client_side()
  local cases = { target_case("client", 50, 16, 64) }
  if not quick then
    cases[2], cases[3], cases[4] = target_case("client", 1, 1, 64), target_case("client", 1, 16, 64),
      target_case("client", 2, 4, 65536)
  end
  for _, case in ipairs(cases) do
    local lists = {}
    for _ = 1, quick and 2 or 5 do
      for _, client in ipairs(clients) do
        local values, why = run_client(client, case)
        lists[client.name] = lists[client.name] or {}
        if values then table.insert(lists[client.name], values) else say("%s, %s: %s", case.name, client.name, why) end
      end
    end
    for name, list in pairs(lists) do
      if list[1] then record(case.name, name, medians(list)) end
    end
    save()
  end
end

-- ---- counts that come out the same each time

local function system_calls(server)
  local file, messages = folder .. "/strace.txt", 20000
  instructions.run(server.command "echo", server.options, "strace -f -c -o " .. file, messages, 16, cpu)
  local calls = 0
  for line in io.lines(file) do
    local count, name = line:match "^%s*[%d.]+%s+[%d.]+%s+%d+%s+(%d+).-(%a[%w_]*)$"
    if name == "sendto" or name == "sendmsg" or name == "write" or name == "writev" then calls = calls + count end
  end
  return calls / messages
end

local function counts()
  for _, server in ipairs(servers) do
    if not server.slow then
      if processes.succeeds "strace -V" then
        record("sends per message 50/16/64", server.name, { calls = system_calls(server) })
      else
        say "strace: not installed, left out"
      end
    end
  end
  if not processes.succeeds "valgrind --version" then return say "valgrind: not installed, left out" end
  for _, window in ipairs { 16, 1 } do
    for _, server in ipairs(servers) do
      -- Translated code is not Lua's interpreter: LuaJIT's share can't be told from ours by objects alone.
      if server.name == "lua5.4" then
        record(("instructions 50/%d/64"):format(window), server.name, {
          instructions = instructions.per_message(server.command "echo", server.options, folder, window, cpu),
        })
      end
    end
  end
  save()
end

-- ---- Variants

local function variants()
  for _, lua in ipairs { "lua5.4", "luajit" } do
    if processes.succeeds(lua .. " -e 'require [[cjson]]'") then
      local text = processes.output(lua_command(lua) .. (" bench/variant.lua %d"):format(quick and 3 or 15))
      local row = "game state, 50 players%s+%d+%s+%S+%s+%S+%s+(%S+)%s+%S+%s+%S+%s+(%S+)"
      local encode, decode = text:match(row)
      record("put_var to cjson.encode", lua, { ratio = tonumber(encode) })
      record("get_var to cjson.decode", lua, { ratio = tonumber(decode) })
    else
      say("lua-cjson for %s: not installed, left out", lua)
    end
  end
end

-- ---- tables

local function format(number)
  if not number then return "-" end
  return ("%.3g"):format(number)
end

local function print_table(title, prefix, key, base)
  local names = {}
  for _, server in ipairs(servers) do names[#names + 1] = server.name end
  say("\n%s\n", title)
  say("| case | %s |\n|---|%s", table.concat(names, " | "), ("---:|"):rep(#names))
  for _, case in ipairs(order) do
    if case:find(prefix, 1, true) == 1 then
      local cells = {}
      for i, name in ipairs(names) do
        local number, floor = value(case, name, key), base and value(case, base, key)
        cells[i] = format(number and floor and number / floor or (not base and number or nil))
      end
      say("| %s | %s |", case, table.concat(cells, " | "))
    end
  end
end

local function print_targets()
  say("\nTargets\n\n| quantity | at least | aim | Lua 5.4 | LuaJIT | |\n|---|---:|---:|---:|---:|---|")
  for _, target in ipairs(targets) do
    local measured, worst = {}, nil
    for i, lua in ipairs { "lua5.4", "luajit" } do
      local number = target.measure(function(case, server, key) return value(case, server or lua, key) end, lua)
      measured[i] = format(number)
      if number and (not worst or number * target.sign > worst * target.sign) then worst = number end
    end
    local verdict = not worst and "not measured" or worst * target.sign <= target.aim * target.sign and "aim reached" or
      worst * target.sign <= target.least * target.sign and "reached" or "MISSED"
    if worst or not quick then
      say("| %s | %s | %s | %s | %s | %s |", target.text, target.show and target.show.least or format(target.least),
        target.show and target.show.aim or format(target.aim), measured[1], measured[2], verdict)
    end
  end
end

local parts = {
  { "echo", function() compare("echo", echo_cases()) end },
  { "bcast", function() compare("bcast", broadcast_cases()) end },
  { "paced", function() compare("echo", { paced_case() }) end },
  { "frames", frames },
  { "clients", client_side },
  { "connections", connections },
  { "counts", counts },
  { "variants", variants },
}

local function run()
  local started, only = os.time(), os.getenv "BENCH_ONLY"
  if with_peers then add_peers() end
  for _, part in ipairs(parts) do
    if not only or ("," .. only .. ","):find("," .. part[1] .. ",", 1, true) then part[2]() end
  end
  save()
  print_table("Server CPU per message (broadcast: per delivery), ratio to plain TCP", "echo", "cpu_us", "raw")
  print_table("Broadcast", "broadcast", "cpu_us", "raw")
  print_table("Paced, 4000 messages a second in all", "paced", "cpu_us", "raw")
  if not quick then
    print_table("The same in microseconds", "echo", "cpu_us")
    print_table("Latency, p50 in microseconds", "echo", "p50_us")
    print_table("Latency, p99 in microseconds", "echo", "p99_us")
    print_table("CPU per accepted connection, microseconds", "idle", "cpu_us_per_accept")
    print_table("Connections accepted a second", "idle", "accepts_per_s")
    print_table("Resident memory per connection, bytes", "idle", "rss_per_conn_b")
    print_table("CPU while all are idle, percent", "idle", "idle_cpu_pct")
  end
  print_targets()
  say("\n%d seconds; all payloads verified; load average %s", os.time() - started,
    io.open("/proc/loadavg"):read "*l")
end

local ok, err = xpcall(run, debug.traceback)
processes.stop_all()
if not ok then
  io.stderr:write(err, "\n")
  os.exit(1)
end
