-- A long run with checked traffic: a server, clients that come and go, and between them a proxy that is not to be
-- relied on, all in processes of their own. Every packet that was put and accepted arrives once, in order and
-- unchanged, or its connection is reported gone; memory and descriptors stay what they are.
--
--   run.lua MINUTES [SEED]        the last line is the verdict, and the exit status agrees with it
--
-- What each receiver checks itself is in server.lua and clients.lua. Here the accounts of both ends of each connection
-- are compared.
local socket = require "socket"
local here = arg[0]:match "^(.*)[/\\]" or "."
package.path = here .. "/?.lua;" .. here .. "/../?.lua;" .. package.path
local certificates = require "support.certificates"
local common = require "common"
local process = require "support.process"

local minutes = tonumber(arg[1]) or 1
local seed = tonumber(arg[2]) or math.floor(socket.gettime() * 1000) % 2147483646
local HEARTBEAT = 2
local APART = 20        -- seconds from the end being known on one side to its being known on the other, at most
local CLIENTS, SLOTS = 3, 8
-- After warming up, to the end: of the C heap, what is in use, where the system tells. Of the resident memory more,
-- since the allocators of C and Lua keep what they once needed, LuaJIT's the most.
local HEAP_GROWTH, HEAP_SLACK = 1.10, 1024
local RSS_GROWTH, RSS_SLACK = 1.25, 6144
local FD_GROWTH, FD_SLACK = 1.25, 4      -- the number of connections is never quite the same; see also `settled`

local now = socket.gettime
local started = now()
local random = common.random(seed)
local failures, shown = 0, 0
local children, accounts = {}, {}
local totals = {
  put = 0, put_bytes = 0, refused = 0, dropped = 0, unreachable = 0, joined = 0, compared = 0, killed = 0,
}
local fates = {}

print(("soak: %g minutes, seed %d, %s, libwebsockets %s"):format(minutes, seed, jit and jit.version or _VERSION,
  require "wsmultiplayer".LIBWEBSOCKETS_VERSION))
io.stdout:setvbuf "line"

local function fail(...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = tostring(word) end
  failures = failures + 1
  if shown >= 50 then return end
  shown = shown + 1
  print(("VIOLATION after %.0f s: %s"):format(now() - started, table.concat(words, " ")))
end

-- ---- accounts of connections

local function account_of(server, id)
  local key = server .. ":" .. id
  accounts[key] = accounts[key] or { key = key }
  return accounts[key]
end

local function compare(account)
  local server, client = account.server, account.client
  accounts[account.key] = nil
  if account.killed then return end
  if not client then
    -- The client never heard that it was in, so it cannot have sent anything.
    if server.received > 0 then fail(account.key, "is unknown to its client, but", server.received, "packets came") end
    return
  end
  totals.compared = totals.compared + 1
  if server.received > client.sent then fail(account.key, "received", server.received, "of", client.sent) end
  if client.received > server.sent then fail(account.key, "was sent", server.sent, "received", client.received) end
  if client.how == "finished" and client.received ~= server.sent then
    fail(account.key, "finished with", client.received, "of", server.sent, "packets")
  end
  -- A close frame is the last thing that is sent: what was put before it has arrived.
  if server.how == "left" and server.clean and server.code == 1000 and server.received ~= client.sent then
    fail(account.key, "ended cleanly with", server.received, "of", client.sent, "packets at the server")
  end
  if client.how == "finished" and server.received ~= client.sent then
    fail(account.key, "finished with", server.received, "of", client.sent, "packets at the server")
  end
end

local function joined(child, words)
  local account = account_of(words[3], words[4])
  if account[words[2] .. "_joined"] then fail(account.key, "joined twice at the", words[2]) end
  account[words[2] .. "_joined"] = true
  if words[2] == "server" then
    totals.joined = totals.joined + 1
  else
    account.child = child
  end
end

local function gone(words)
  local account = account_of(words[3], words[4])
  local side = words[2]
  if account[side] then fail(account.key, "is gone twice at the", side) end
  account[side] = { received = tonumber(words[5]), sent = tonumber(words[6]), how = words[7], code = tonumber(words[8]),
    clean = words[9] == "true" }
  account.since = account.since or now()
  if account.server and (account.client or account.killed) then compare(account) end
end

-- Whose other side does not know of the end after so long.
local function look_for_forgotten()
  for key, account in pairs(accounts) do
    if account.since and now() - account.since > APART then
      if account.server and not account.client_joined then
        compare(account)
      else
        fail(key, "is gone at the", account.server and "server" or "client", "but not at the other side", APART,
          "s later")
        accounts[key] = nil
      end
    end
  end
end

-- ---- memory and descriptors, where the system tells them

local function resident(id)
  local file = io.open(("/proc/%d/status"):format(id))
  local text = file and file:read "*a" or ""
  if file then file:close() end
  return tonumber(text:match "VmRSS:%s*(%d+)")
end

local function descriptors(id)
  local pipe = io.popen(("ls /proc/%d/fd 2>/dev/null | wc -l"):format(id))
  local count = tonumber(pipe:read "*a")
  pipe:close()
  return count
end

-- ---- processes

local listener = assert(socket.bind("127.0.0.1", 0))
local _, control_port = listener:getsockname()
local handle = {}

local function read_lines(child)
  while true do
    local line, problem, partial = child.control:receive("*l", child.pending)
    child.pending = partial or ""
    if not line then
      if problem == "closed" then child.closed = true end
      return
    end
    local words = {}
    for word in line:gmatch "%S+" do words[#words + 1] = word end
    handle[words[1]](child, words, line)
  end
end

local function living_controls()
  local controls = {}
  for _, child in ipairs(children) do
    if not child.closed then controls[#controls + 1] = child.control end
  end
  return controls
end

-- Hears reports for at most so many seconds.
local function listen_to_all(seconds)
  local readable = socket.select(living_controls(), nil, seconds)
  for _, child in ipairs(children) do
    if readable[child.control] then read_lines(child) end
  end
end

local function until_(condition, seconds, what)
  local limit = now() + seconds
  while not condition() do
    if now() > limit then
      fail("waited", seconds, "s in vain for", what)
      return false
    end
    listen_to_all(0.1)
  end
  return true
end

local function start(name, script, ...)
  local child = { name = name, pending = "", samples = {}, last_alive = now() }
  local words = { control_port, ... }
  for i, word in ipairs(words) do words[i] = tostring(word) end
  child.process = process.lua(here .. "/" .. script, (table.unpack or unpack)(words))
  listener:settimeout(30)
  child.control = listener:accept()
  if not child.control then error(name .. " did not start:\n" .. child.process:output(), 0) end
  child.control:settimeout(0)
  children[#children + 1] = child
  until_(function() return child.ready or child.closed end, 30, name)
  if not child.ready then error(name .. " did not start:\n" .. child.process:output(), 0) end
  child.first_fds = descriptors(child.id)
  child.control:send "go\n"
  return child
end

function handle.ready(child, words)
  child.ready, child.id = words, tonumber(words[3])
end
function handle.alive(child, words)
  child.last_alive, child.lua_memory = now(), tonumber(words[2])
  child.heap, child.cpu = tonumber(words[3]), tonumber(words[4])
end
function handle.join(child, words) joined(child, words) end
function handle.gone(_, words) gone(words) end
function handle.violation(child, _, line) fail(child.name .. ":", line:match "^%S+ (.*)") end
function handle.done(child, words)
  child.done = words
  if child.name == "proxy" then
    fates = words
    return
  end
  totals.put, totals.put_bytes = totals.put + words[2], totals.put_bytes + words[3]
  totals.refused = totals.refused + words[6]
  local last = child.name == "server" and "dropped" or "unreachable"
  totals[last] = totals[last] + words[7]
end

-- ---- growth

local function sample(child)
  local rss = resident(child.id)
  if rss then
    table.insert(child.samples, { at = now(), rss = rss, fds = descriptors(child.id), lua = child.lua_memory or 0,
      heap = child.heap or 0 })
  end
end

local function median(samples, key)
  local values = {}
  for i, one in ipairs(samples) do values[i] = one[key] end
  table.sort(values)
  return values[math.ceil(#values / 2)]
end

-- Compares the first quarter after warming up with the last one; gives a text.
local function judge_growth(child, warm, ending)
  local quarter = (ending - warm) / 4
  local first, last = {}, {}
  for _, one in ipairs(child.samples) do
    if one.at >= warm and one.at < warm + quarter then first[#first + 1] = one end
    if one.at >= ending - quarter and one.at < ending then last[#last + 1] = one end
  end
  if #first == 0 or #last == 0 then return child.name .. ": not measured" end
  local rss, rss_last = median(first, "rss"), median(last, "rss")
  local fds, fds_last = median(first, "fds"), median(last, "fds")
  local heap, heap_last = median(first, "heap"), median(last, "heap")
  if rss_last > rss * RSS_GROWTH + RSS_SLACK then
    fail(child.name, "has grown from", rss, "to", rss_last, "KB")
  end
  if heap_last > heap * HEAP_GROWTH + HEAP_SLACK then
    fail(child.name, "has grown from", heap, "to", heap_last, "KB of the C heap in use")
  end
  if fds_last > fds * FD_GROWTH + FD_SLACK then
    fail(child.name, "has", fds_last, "descriptors, it had", fds)
  end
  return ("  %-9s C heap %5d -> %5d KB, Lua %5d -> %5d, resident %5d -> %5d, descriptors %3d -> %3d, %4.1f %% CPU")
    :format(child.name, heap, heap_last, median(first, "lua"), median(last, "lua"), rss, rss_last, fds, fds_last,
    child.cpu / (now() - started) * 100)
end

-- Without connections it has what it had at its start.
local function settled(child)
  local count
  local limit = now() + 15
  repeat
    listen_to_all(0.2)
    count = descriptors(child.id)
  until count <= child.first_fds or now() > limit
  if count > child.first_fds then
    fail(child.name, "has", count, "descriptors without a connection; it began with", child.first_fds)
  end
end

-- ---- the run

local key_file, certificate_file = certificates.path(certificates.good_key), certificates.path(certificates.good)
local authority_file = certificates.path(certificates.root)
local visitor_number = 0
local plain_url, tls_url

local function start_clients(name, number, slots)
  return start(name, "clients.lua", seed, HEARTBEAT, plain_url, tls_url, authority_file, slots, number, name)
end

local function run()
  local server = start("server", "server.lua", seed, HEARTBEAT, key_file, certificate_file)
  local proxy = start("proxy", "proxy.lua", seed, server.ready[4], server.ready[5])
  plain_url = "ws://127.0.0.1:" .. proxy.ready[4]
  tls_url = "wss://localhost:" .. proxy.ready[5]
  local watched = { server, proxy }
  for i = 1, CLIENTS do watched[#watched + 1] = start_clients("clients" .. i, i, SLOTS) end

  local begun = now()
  local ending = begun + minutes * 60
  local warm = begun + math.min(180, minutes * 60 / 4)
  local next_sample, next_kill, next_line, visitor = begun, begun, begun + 60, nil
  while now() < ending do
    listen_to_all(0.25)
    look_for_forgotten()
    if now() >= next_sample then
      next_sample = next_sample + 5
      for _, child in ipairs(watched) do sample(child) end
    end
    for _, child in ipairs(watched) do
      if child.closed then error(child.name .. " has ended:\n" .. child.process:output(), 0) end
      if now() - child.last_alive > 30 then error(child.name .. " gives no sign of life", 0) end
    end
    -- One who does not even say that it goes: its process is killed.
    if now() >= next_kill then
      next_kill = now() + random.number(10, 40)
      if visitor then
        visitor.process:kill "KILL"
        visitor.process:finish()
        read_lines(visitor) -- all that it could say
        visitor.control:close()
        visitor.closed = true
        for i, child in ipairs(children) do
          if child == visitor then table.remove(children, i) break end
        end
        for _, account in pairs(accounts) do
          if account.child == visitor then
            account.killed, account.since = true, account.since or now()
            totals.killed = totals.killed + 1
            if account.server then compare(account) end
          end
        end
      end
      visitor_number = visitor_number + 1
      visitor = start_clients("visitor", 100 + visitor_number, 2)
    end
    if now() >= next_line then
      next_line = next_line + 60
      print(("  %3.0f min: %d connections, %d compared, server %d KB, %d descriptors"):format((now() - begun) / 60,
        totals.joined, totals.compared, server.samples[1] and server.samples[#server.samples].rss or 0,
        server.samples[1] and server.samples[#server.samples].fds or 0))
    end
  end

  local going = {}
  for _, child in ipairs(children) do
    if child ~= server and child ~= proxy then going[#going + 1] = child end
  end
  for _, child in ipairs(going) do child.control:send "stop\n" end
  for _, child in ipairs(going) do
    until_(function() return child.done or child.closed end, 100, child.name .. " to finish")
    if not child.done then fail(child.name, "has ended:", child.process:output()) end
  end
  until_(function()
    look_for_forgotten()
    return next(accounts) == nil
  end, APART + 10, "all connections to be over on both sides")
  for _, child in ipairs(watched) do settled(child) end

  for _, child in ipairs(children) do child.control:send "end\n" end
  for _, child in ipairs(children) do
    local _, status = child.process:finish({}, 30)
    read_lines(child)
    if status ~= 0 then fail(child.name, "ended with status", status, "\n" .. child.process:output()) end
  end
  print(("memory (in use: up to %d %% and %d KB more) and descriptors, of the first and the last quarter:"):format(
    math.floor((HEAP_GROWTH - 1) * 100 + 0.5), HEAP_SLACK))
  for _, child in ipairs(watched) do print(judge_growth(child, warm, ending)) end
  print(("the proxy: %s connections ended by themselves, %s cut, %s reset, %s swallowed"):format(
    fates[2], fates[3], fates[4], fates[5]))
  print(("full queues refused %d packets, left %d out of broadcasts; %d connections were not made, %d killed"):format(
    totals.refused, totals.dropped, totals.unreachable, totals.killed))
end

local ok, why = pcall(run)
if not ok then fail(why) end
process.close()
certificates.remove_files()
if totals.compared == 0 and ok then fail "nothing was compared" end
print(("soak %s: %.1f minutes, %d connections, %d packets (%.1f MB) put, %d violations; seed %d"):format(
  failures == 0 and "PASSED" or "FAILED", (now() - started) / 60, totals.joined, totals.put, totals.put_bytes / 1e6,
  failures, seed))
os.exit(failures == 0 and 0 or 1)
