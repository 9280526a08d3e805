-- Run in a process of its own, with a core whose allocations can be made to fail: each scenario again and again, with
-- its first allocation failing, its second, ... to its last; then with all from the first, the second ... on. Whatever
-- fails, nothing may hang, all memory comes back, and nothing raises but what makes values (properties, TLSOptions).
-- Prints a line for each scenario.
--
--   lua allocations.lua KEY CERTIFICATE AUTHORITY [SCENARIO...]
local loaded
for template in package.cpath:gmatch "[^;]+" do
  local path = template:gsub("%?", "faults/wsmultiplayer/core")
  local open = package.loadlib(path, "luaopen_wsmultiplayer_core")
  if open then
    package.preload["wsmultiplayer.core"] = open
    loaded = assert(package.loadlib(path, "luaopen_wsmultiplayer_faults"))
    break
  end
end
local faults = assert(loaded, "no core that can fail: make units")()

local socket = require "socket"
local ws = require "wsmultiplayer"
local collector = require "support.collector"
local key, certificate, authority = ...
local wanted = { select(4, ...) }

local LIMIT = 2 -- seconds that a run may take, far more than it needs

-- What ends a scenario when an error came as a value: an outcome as good as any.
local GIVEN_UP = {}
local function must(err)
  if err ~= ws.OK then error(GIVEN_UP, 0) end
end

-- For what has no other way to tell of missing memory than to raise it.
local function raising(fn, ...)
  local ok, result = pcall(fn, ...)
  if not ok and tostring(result):find("not enough memory", 1, true) then error(GIVEN_UP, 0) end
  return ok and result or ok or error(result, 0)
end

local opened = {}

local function open(class, close, properties)
  local object = class.new()
  opened[#opened + 1] = function() object[close](object) end
  for name, value in pairs(properties or {}) do
    raising(function() object[name] = value end)
  end
  return object
end

local function peer(properties) return open(ws.WebSocketMultiplayerPeer, "close", properties) end
local function web_socket(properties) return open(ws.WebSocketPeer, "close", properties) end
local function server(properties) return open(ws.WebSocketServer, "stop", properties) end

local function turn(objects)
  for i, object in ipairs(objects) do object:poll(i == #objects and 0.001 or 0) end
end

-- Polls until `done` says so; gives up as soon as `lost` says that it can't come true any more.
local function reach(what, objects, done, lost)
  local deadline = ws.clock() + LIMIT
  while not done() do
    if lost() then must(ws.FAILED) end
    if ws.clock() > deadline then error("hangs: " .. what, 0) end
    turn(objects)
  end
end

local function is(object, status) return object:get_connection_status() == status end

local VALUE = {
  1, "two", 3.5, { a = { true, "three" }, b = ("x"):rep(70000) }, ws.Vector2 and ws.Vector2(1, 2) or 5,
}

-- A server and its clients: ids, packets large and small in both directions, a broadcast that is shared, Variants, a
-- kick, an end.
local function session(count, server_tls, client_tls)
  local scheme = server_tls and "wss" or "ws"
  local settings = {
    supported_protocols = { "a", "b" }, handshake_headers = { "X-Test: 1" }, inbound_buffer_size = 300000,
    outbound_buffer_size = 300000, handshake_timeout = 0.5, heartbeat_interval = 0.2,
  }
  local host, clients = peer(settings), {}
  raising(function() host.handshake_headers = {} end)
  host.on_request = function(request) return request.path ~= "/no" end
  must(host:create_server(0, "127.0.0.1", server_tls and raising(server_tls)))
  local all = { host }
  for i = 1, count do
    clients[i] = peer(settings)
    must(clients[i]:create_client(("%s://127.0.0.1:%d/game"):format(scheme, host:get_bound_port()),
      client_tls and raising(client_tls)))
    all[i + 1] = clients[i]
  end
  local function lost()
    for _, client in ipairs(clients) do
      if is(client, 0) then return true end
    end
    return host:get_dropped_packet_count() > 0
  end
  reach("all join", all, function()
    for _, client in ipairs(clients) do
      if not is(client, 2) then return false end
    end
    return #host:get_peers() == count
  end, lost)
  host:set_target_peer(0)
  must(host:put_packet(("shared"):rep(2000)))
  for i = 1, 10 * count do must(host:put_packet(("%d"):format(i):rep(90))) end
  must(host:put_var(VALUE))
  local sent = 10 * count + 2
  reach("all hear", all, function()
    for _, client in ipairs(clients) do
      if client:get_available_packet_count() < sent then return false end
    end
    return true
  end, lost)
  for _, client in ipairs(clients) do
    client:set_target_peer(1)
    for _ = 2, sent do assert(client:get_packet()) end
    local value, err = client:get_var()
    if not value then must(err) end
    must(client:put_packet(("large"):rep(4000)))
    must(client:put_var(VALUE))
  end
  reach("the server hears", all, function() return host:get_available_packet_count() == 2 * count end, lost)
  for _ = 1, count do
    host:get_peer(host:get_packet_peer()):get_connected_host()
    host:get_packet()
  end
  local function never() return false end
  host:disconnect_peer(clients[1]:get_unique_id())
  reach("one leaves", all, function() return is(clients[1], 0) end, never)
  if not clients[2] then return end
  host:disconnect_peer(clients[2]:get_unique_id(), true)
  reach("one is thrown out", all, function() return is(clients[2], 0) end, never)
end

-- A browser asks for a page; it gets that, another answer, or the end.
local function get_page(host, port)
  local browser = assert(socket.tcp())
  assert(browser:connect("127.0.0.1", port))
  browser:send "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
  browser:settimeout(0)
  reach("the page", { host }, function()
    local err
    repeat err = select(2, browser:receive(8192)) until err
    return err ~= "timeout"
  end, function() return false end)
  browser:close()
end

local scenarios = {}

function scenarios.plain() session(3) end

function scenarios.tls()
  session(1, function() return ws.TLSOptions.server(key, certificate) end,
    function() return ws.TLSOptions.client(authority, "localhost") end)
end

-- WebSocketServer and WebSocketPeer, a name to be looked up, pings, closing with a reason from both sides, plain HTTP,
-- refusals.
function scenarios.sockets()
  local host = server { handshake_timeout = 0.5, heartbeat_interval = 0.02, max_pending_handshakes = 1 }
  host.on_http_request = function() return 200, { ["content-type"] = "text/plain" }, ("page"):rep(9000) end
  host.on_request = function(request)
    if request.path == "/refused" then return 451, "not today" end
  end
  must(host:listen(0, "127.0.0.1"))
  get_page(host, host:get_local_port())
  local url = ("ws://localhost:%d"):format(host:get_local_port())
  for _, path in ipairs { "/refused", "/closed by the client", "/closed by the server" } do
    local client, taken = web_socket { heartbeat_interval = 0.02 }, nil
    must(client:connect_to_url(url .. path))
    local function over() return client:get_ready_state() == client.STATE_CLOSED end
    reach("an answer", { host, client }, function()
      taken = taken or host:take_connection()
      return over() or (taken and client:get_ready_state() == client.STATE_OPEN)
    end, function() return false end)
    if not over() then
      must(client:send_text(("text"):rep(3000)))
      must(taken:send(("bytes"):rep(3000)))
      reach("messages", { host, client, taken }, function()
        return client:get_available_packet_count() == 1 and taken:get_available_packet_count() == 1
      end, function() return over() or taken:get_ready_state() == taken.STATE_CLOSED end)
      for _ = 1, 5 do turn { host, client } end
      local closer = path:find "server" and taken or client
      closer:close(4000, "reason")
      reach("the end", { host, client, taken }, function()
        return over() and taken:get_ready_state() == taken.STATE_CLOSED
      end, function() return false end)
    end
  end
end

-- Whatever is open is closed; then nothing may be left.
local function clean_up()
  for i = #opened, 1, -1 do table.remove(opened, i)() end
  collector.collect()
end

-- Threads for names and for TLS may still be at it.
local function blocks_left(before)
  local deadline = ws.clock() + LIMIT
  local left
  repeat
    left = select(3, faults.counts()) - before
  until left <= 0 or ws.clock() > deadline
  return left
end

local function run(scenario, number, up_to)
  faults.fail()
  clean_up()
  local before = select(3, faults.counts())
  faults.fail(number, up_to)
  local started = ws.clock()
  local ok, err = pcall(scenario)
  local made, failed = faults.counts()
  faults.fail()
  clean_up()
  local took = ws.clock() - started
  local verdict
  if not ok and err ~= GIVEN_UP then verdict = tostring(err) end
  if ok and failed == 0 then return made, verdict, true end
  if took > LIMIT then verdict = verdict or ("took %.1f s"):format(took) end
  local left = blocks_left(before)
  if left ~= 0 then verdict = (verdict and verdict .. ", " or "") .. left .. " blocks are left" end
  return made, verdict, false
end

if #wanted == 0 then wanted = { "plain", "sockets", "tls" } end
for _, name in ipairs(wanted) do
  local scenario = scenarios[name]
  local _, verdict, through = run(scenario, 1, 0) -- this also makes what is kept for good
  if not through then error(("%s fails by itself: %s"):format(name, verdict or "gave up")) end
  local made = run(scenario, 1, 0)
  local bad, runs = 0, 0
  for _, lasting in ipairs { false, true } do
    -- Threads make the order of allocations vary: some more than that run needed.
    for number = 1, made + 5 do
      local _, wrong = run(scenario, number, lasting and 1e9 or number)
      runs = runs + 1
      if wrong then
        bad = bad + 1
        print(("%s, allocation %d%s: %s"):format(name, number, lasting and " and all later ones" or "", wrong))
      end
    end
  end
  print(("%s: %d allocations, %d runs, %d bad"):format(name, made, runs, bad))
end
