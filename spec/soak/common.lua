-- What the processes of a soak run share: random numbers, the content of packets, the line to the one who counts.
local socket = require "socket"
local system = require "wsmultiplayer_system"

local common = {}

-- The same numbers on every Lua: Park and Miller's generator.
function common.random(seed)
  local state = seed % 2147483646 + 1
  local random = {}
  -- from <= n <= to
  function random.integer(from, to)
    state = state * 16807 % 2147483647
    return from + math.floor((state - 1) / 2147483646 * (to - from + 1))
  end
  -- from <= x < to
  function random.number(from, to)
    return from + (random.integer(1, 1000000) - 1) / 1000000 * (to - from)
  end
  function random.chance(percent) return random.integer(1, 100) <= percent end
  function random.of(list) return list[random.integer(1, #list)] end
  for _ = 1, 5 do random.integer(0, 1) end
  return random
end

-- ---- packets
--
-- A packet of HEADER bytes and more begins with its kind, serial, two further numbers, and where in the run's random
-- bytes its rest is and how long it is. A shorter one is known by its serial alone. So every byte is checked, and a
-- packet of another connection, another place or another size is never taken for the right one.

local HEADER = 35
local FORMAT, PATTERN = "%s%08x%08x%08x%04x%06x", "^(%u)(%x%x%x%x%x%x%x%x)(%x%x%x%x%x%x%x%x)(%x%x%x%x%x%x%x%x)" ..
  "(%x%x%x%x)(%x%x%x%x%x%x)"
common.LARGEST = 60 * 1024

function common.contents(seed)
  local random = common.random(seed)
  local bytes = {}
  for i = 1, 32768 do
    local n = random.integer(0, 16777215)
    bytes[i] = string.char(n % 256, math.floor(n / 256) % 256, math.floor(n / 65536), (n * 7 + i) % 256)
  end
  bytes = table.concat(bytes)
  local contents = {}

  function contents.size(own_random)
    local kind = own_random.integer(1, 100)
    if kind <= 10 then return 1 end
    if kind <= 40 then return own_random.integer(2, HEADER) end
    if kind <= 85 then return own_random.integer(HEADER, 600) end
    if kind <= 97 then return own_random.integer(600, 8000) end
    return own_random.integer(8000, common.LARGEST)
  end

  local function short(serial, size)
    local at = serial * 31 % 65536
    return string.char(serial % 256) .. bytes:sub(at + 1, at + size - 1)
  end

  -- `kind` nil: the packet says nothing but its serial, and may be short.
  function contents.make(kind, serial, first, second, size)
    if size < HEADER then
      if not kind then return short(serial, size) end
      size = HEADER
    end
    local at, rest = serial * 31 % 65536, size - HEADER
    return FORMAT:format(kind or "N", serial, first, second, at, rest) .. bytes:sub(at + 1, at + rest)
  end

  -- The kind and the three numbers of a packet, or nil and what is wrong with it. `expected` is the serial of the next
  -- one in order, which a short packet must be.
  function contents.read(packet, expected)
    if #packet < HEADER then
      if packet ~= short(expected, #packet) then
        return nil, ("a short packet of %d bytes is not number %d"):format(#packet, expected)
      end
      return "N", expected
    end
    local kind, serial, first, second, at, rest = packet:match(PATTERN)
    if not kind then return nil, "a packet without a head" end
    at, rest = tonumber(at, 16), tonumber(rest, 16)
    if #packet ~= HEADER + rest then
      return nil, ("a packet of %d bytes where %d were put"):format(#packet, HEADER + rest)
    end
    if packet:sub(HEADER + 1) ~= bytes:sub(at + 1, at + rest) then
      return nil, ("a changed packet of %d bytes"):format(#packet)
    end
    return kind, tonumber(serial, 16), tonumber(first, 16), tonumber(second, 16)
  end

  return contents
end

-- ---- reports

-- The line to the one who started this process. Reports are lines of words; when it ends, so does this process.
function common.reports(port, name)
  local control = assert(socket.connect("127.0.0.1", port))
  control:setoption("tcp-nodelay", true)
  local reports = { stopped = false, ended = false }
  local pending, told = "", 0

  function reports.send(...)
    local words = { ... }
    for i, word in ipairs(words) do words[i] = tostring(word) end
    control:settimeout(10)
    if not control:send(table.concat(words, " ") .. "\n") then os.exit(3) end
  end

  function reports.violation(...) reports.send("violation", ...) end

  -- To be called in each turn: hears what it says, which is "stop" and later "end", and tells it now and then that all
  -- is well, how much memory Lua has, how much of the C heap others use, and how much of the processor it took.
  function reports.turn()
    control:settimeout(0)
    local line, problem, partial = control:receive("*l", pending)
    pending = partial or ""
    if problem == "closed" then os.exit(3) end
    if line == "stop" then reports.stopped = true end
    if line == "end" then reports.stopped, reports.ended = true, true end
    if socket.gettime() - told < 2 then return end
    told = socket.gettime()
    local of_lua = collectgarbage "count"
    local heap = (system.heap() or 0) / 1024 - (jit and 0 or of_lua) -- LuaJIT has a heap of its own
    reports.send("alive", math.floor(of_lua), math.floor(heap), os.clock())
  end

  -- Told once, when all is set up, with the ports of those who listen; returns when it is to begin.
  function reports.ready(...)
    local stat = io.open "/proc/self/stat"
    reports.send("ready", name, stat and stat:read "*l":match "%d+" or 0, ...)
    if stat then stat:close() end
    control:settimeout(30)
    if control:receive "*l" ~= "go" then os.exit(3) end
  end

  return reports
end

return common
