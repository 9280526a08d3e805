-- Encoding and decoding Variants against lua-cjson, on the same tables: make bench-variant
-- Times are medians of rounds in which both take turns; the garbage collector runs as in a program.

local ws = require "wsmultiplayer"
local has_cjson, cjson = pcall(require, "cjson")

local ROUNDS = tonumber(arg and arg[1]) or 15
local SECONDS = 0.02 -- of one measurement

-- ---- what is encoded

local function players()
  local list = {}
  for i = 1, 50 do
    list[i] = {
      name = "player" .. i,
      position = { x = i * 12.25, y = i * 7.5 },
      velocity = { x = i * 0.1, y = -i * 0.3 },
      alive = i % 7 ~= 0,
      visible = true,
      score = i * 110,
    }
  end
  return { tick = 12345, map = "castle", players = list }
end

local function list_of(count, make)
  local list = {}
  for i = 1, count do list[i] = make(i) end
  return list
end

local function point(i) return { x = i * 1.5, y = i * -0.25 } end
local function vector(i) return ws.Vector2(i * 1.5, i * -0.25) end

local cases = {
  { "game state, 50 players", players() },
  { "the same, as received", ws.bytes_to_var(ws.var_to_bytes(players())), players() },
  { "1000 integers", list_of(1000, function(i) return i * 37 end) },
  { "1000 fractions", list_of(1000, function(i) return i * 0.37 end) },
  { "small message", { type = "chat", id = 17, text = "Is there any cake?" } },
  { "200 points: Vector2, {x, y}", list_of(200, vector), list_of(200, point) },
}

-- Values in a value: itself and, in tables, each key and value.
local function count_values(value)
  local count = 1
  if type(value) ~= "table" then return count end
  for key, element in next, value do count = count + (type(key) == "string" and 1 or 0) + count_values(element) end
  return count
end

-- ---- measuring

local function measure(run, value, times)
  collectgarbage()
  local start = os.clock()
  for _ = 1, times do run(value) end
  return (os.clock() - start) / times
end

-- How often a measurement has to repeat the call.
local function calibrate(run, value)
  local times = 1
  while true do
    local seconds = measure(run, value, times) * times
    if seconds > SECONDS / 4 then return math.ceil(times * SECONDS / seconds) end
    times = times * 2
  end
end

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

-- The median seconds of each of the runs { function, value }.
local function compare(runs)
  local results = {}
  for i = 1, #runs do
    runs[i].times = calibrate(runs[i][1], runs[i][2])
    results[i] = {}
  end
  for round = 1, ROUNDS do
    for i = 1, #runs do results[i][round] = measure(runs[i][1], runs[i][2], runs[i].times) end
  end
  for i = 1, #runs do results[i] = median(results[i]) end
  return results
end

-- ---- the table

local function ratio(ours, theirs) return theirs and ("%.2f"):format(ours / theirs) or "-" end
local function nanoseconds(seconds, values) return seconds and ("%.1f"):format(seconds / values * 1e9) or "-" end

local FORMAT = "%-28s %6s  %7s %7s %6s  %7s %7s %6s  %7s %7s"
print(jit and jit.version or _VERSION) -- luacheck: ignore 113
print(FORMAT:format("ns per value", "values", "encode", "cjson", "ratio", "decode", "cjson", "ratio", "bytes", "JSON"))
for _, case in ipairs(cases) do
  local name, value, plain = case[1], case[2], case[3] or case[2]
  local bytes = assert(ws.var_to_bytes(value))
  local encoding, decoding = { { ws.var_to_bytes, value } }, { { ws.bytes_to_var, bytes } }
  local json
  if has_cjson then
    json = cjson.encode(plain)
    encoding[2] = { cjson.encode, plain }
    decoding[2] = { cjson.decode, json }
  end
  local e, d, values = compare(encoding), compare(decoding), count_values(plain)
  print(FORMAT:format(name, values, nanoseconds(e[1], values), nanoseconds(e[2], values), ratio(e[1], e[2]),
    nanoseconds(d[1], values), nanoseconds(d[2], values), ratio(d[1], d[2]), #bytes, json and #json or "-"))
end
if not has_cjson then print "(lua-cjson is not installed for this Lua: nothing to compare with)" end
