-- A TCP proxy that is not to be relied on: it delays, splits, slows down, cuts, resets and swallows, at random.
--
--   proxy.lua CONTROL_PORT SEED PLAIN_PORT TLS_PORT      the ports to connect to; it listens on two of its own
local socket = require "socket"
local here = arg[0]:match "^(.*)[/\\]" or "."
package.path = here .. "/?.lua;" .. package.path
local common = require "common"

local reports = common.reports(tonumber(arg[1]), "proxy")
local random = common.random(tonumber(arg[2]))
local targets = { tonumber(arg[3]), tonumber(arg[4]) }
local now = socket.gettime
local HELD = 256 * 1024 -- bytes on their way in one direction; then it stops reading
local BLACK_HOLE = 12   -- seconds that a swallowing connection is kept open

local connections, listeners = {}, {}
local counts = { none = 0, finished = 0, cut = 0, reset = 0, swallowed = 0 }

local function listen(target)
  local listener = assert(socket.tcp4())
  -- Small buffers, so that a slow reader is felt at the other end.
  listener:setoption("send-buffer-size", 32768)
  assert(listener:setoption("reuseaddr", true))
  assert(listener:bind("127.0.0.1", 0))
  assert(listener:listen(64))
  listener:settimeout(0)
  listeners[#listeners + 1] = { socket = listener, target = target }
  local _, port = listener:getsockname()
  return port
end

-- ---- what becomes of a connection

-- A quarter lives without harm; the others meet their end after some seconds or bytes.
local function choose_fate()
  local fate = random.of { "none", "none", "none", "cut", "cut", "reset", "reset", "swallowed" }
  if fate == "none" then return { kind = fate } end
  if random.chance(50) then return { kind = fate, at = now() + random.number(0, 12) } end
  -- Small numbers end it within the handshakes.
  return { kind = fate, bytes = random.chance(30) and random.integer(0, 3000) or random.integer(0, 300000) }
end

local function choose_style()
  local style = { delay = 0, jitter = 0, piece = 65536 }
  if random.chance(60) then style.delay, style.jitter = random.number(0, 0.08), random.number(0, 0.06) end
  if random.chance(40) then style.piece = random.of { 7, 50, 333, 1400, 1400, 5000 } end
  if style.piece < 100 then style.pieces = 400 end -- so many of these, then large ones: politeness
  if random.chance(15) then style.rate = random.integer(150000, 400000) end -- bytes a second
  return style
end

local function pipe(from, to, style)
  return { from = from, to = to, style = style, queue = {}, first = 1, last = 0, held = 0, last_due = 0, bytes = 0 }
end

local function destroy(connection, reset_both)
  if connection.destroyed then return end
  connection.destroyed = true
  for i, sock in ipairs { connection.client, connection.server } do
    -- Closing with linger 0 sends a reset; sometimes only to one of the two.
    if reset_both or connection.reset_side == i then sock:setoption("linger", { on = true, timeout = 0 }) end
    sock:close()
  end
  connections[connection] = nil
end

local function accept(listener)
  local client = listener.socket:accept()
  if not client then return end
  local server = assert(socket.tcp4())
  server:setoption("recv-buffer-size", 32768)
  -- On one machine this is done at once, or refused at once.
  server:settimeout(1)
  if not server:connect("127.0.0.1", listener.target) then
    client:close()
    return server:close()
  end
  for _, sock in ipairs { client, server } do
    sock:settimeout(0)
    sock:setoption("tcp-nodelay", true)
  end
  local connection = { client = client, server = server, fate = choose_fate() }
  connection.pipes = { pipe(client, server, choose_style()), pipe(server, client, choose_style()) }
  connections[connection] = true
end

local function meet_fate(connection)
  local fate = connection.fate
  if fate.kind == "none" or fate.met then return end
  local bytes = connection.pipes[1].bytes + connection.pipes[2].bytes
  if fate.at and now() < fate.at or fate.bytes and bytes < fate.bytes then return end
  fate.met = true
  counts[fate.kind] = counts[fate.kind] + 1
  if fate.kind == "swallowed" then
    fate.gone = now() + BLACK_HOLE
  elseif fate.kind == "cut" then
    destroy(connection)
  else
    connection.reset_side = random.integer(1, 3)
    destroy(connection, connection.reset_side == 3)
  end
end

-- ---- moving bytes

local function swallows(connection) return connection.fate.gone ~= nil end

-- Cuts what was read into pieces, each with the time when it may go on.
local function take_in(way, data)
  local style, at = way.style, 1
  while at <= #data do
    local size = random.integer(1, style.piece)
    if style.pieces then
      style.pieces = style.pieces - 1
      if style.pieces <= 0 then style.piece, style.pieces = 65536, nil end
    end
    local part = data:sub(at, at + size - 1)
    at = at + #part
    local due = math.max(way.last_due, now() + style.delay + random.number(0, style.jitter))
    if style.rate then due = due + #part / style.rate end
    way.last_due = due
    way.last = way.last + 1
    way.queue[way.last] = { due = due, data = part, at = 1 }
  end
  way.held = way.held + #data
end

local function read(way)
  local data, problem, partial = way.from:receive(16384)
  data = data or partial
  if #data > 0 then take_in(way, data) end
  if problem and problem ~= "timeout" then way.ended = true end
end

-- Sends what is due; how long until there is more, or nil.
local function write(way, connection)
  while way.first <= way.last do
    local item = way.queue[way.first]
    local left = item.due - now()
    if left > 0 then return left end
    if way.blocked then return end
    local last, problem, partial = way.to:send(item.data, item.at)
    local upto = last or partial or item.at - 1
    way.held = way.held - (upto - item.at + 1)
    way.bytes = way.bytes + (upto - item.at + 1)
    item.at = upto + 1
    if problem == "timeout" then
      way.blocked = true
    elseif problem then
      return destroy(connection)
    end
    if item.at > #item.data then
      way.queue[way.first] = nil
      way.first = way.first + 1
    end
    if not swallows(connection) then meet_fate(connection) end
    if connection.destroyed or swallows(connection) then return end
  end
  if way.ended and not way.shut then
    way.shut = true
    way.to:shutdown "send"
  end
end

-- One turn for all of them: the sockets to wait for and how long.
local function serve_all()
  local readers, writers, wait = {}, {}, 0.05
  for _, listener in ipairs(listeners) do readers[#readers + 1] = listener.socket end
  local list = {}
  for connection in pairs(connections) do list[#list + 1] = connection end
  for _, connection in ipairs(list) do
    meet_fate(connection)
    if connection.destroyed then -- luacheck: ignore 542
    elseif swallows(connection) then
      if now() > connection.fate.gone then destroy(connection, true) end
    else
      for _, way in ipairs(connection.pipes) do
        local left = not connection.destroyed and write(way, connection)
        if left then wait = math.min(wait, left) end
      end
      local one, other = connection.pipes[1], connection.pipes[2]
      if one.shut and other.shut and not connection.destroyed then
        counts.finished = counts.finished + 1
        destroy(connection)
      end
      if not connection.destroyed and not swallows(connection) then
        for _, way in ipairs(connection.pipes) do
          if not way.ended and way.held < HELD then readers[#readers + 1] = way.from end
          if way.blocked then writers[#writers + 1] = way.to end
        end
      end
    end
  end
  return readers, writers, wait
end

reports.ready(listen(targets[1]), listen(targets[2]))
while not reports.ended do
  local readers, writers, wait = serve_all()
  local readable, writable = socket.select(readers, writers, math.max(wait, 0.002))
  for _, listener in ipairs(listeners) do
    if readable[listener.socket] then accept(listener) end
  end
  for connection in pairs(connections) do
    for _, way in ipairs(connection.pipes) do
      if writable[way.to] then way.blocked = nil end
      if readable[way.from] then read(way) end
    end
  end
  reports.turn()
end
reports.send("done", counts.finished, counts.cut, counts.reset, counts.swallowed)
