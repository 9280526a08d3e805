--- 64-bit integers that are no exact Lua numbers: as LuaJIT's int64_t, or as an object on Lua 5.1 and 5.2. Lua 5.3 and
-- later have them as numbers.

local LIMIT = 4294967296 -- 2^32
local EXACT = 9007199254740992 -- 2^53

local Int = { __name = "int", variant_type = 2 }

local function new_object(high, low) return setmetatable({ high = high, low = low }, Int) end

-- Two's complement of a pair of unsigned halves.
local function negate(high, low)
  low = (LIMIT - low) % LIMIT
  high = (LIMIT - high - (low == 0 and 0 or 1)) % LIMIT
  return high, low
end

-- Decimal digits to the halves of a 64-bit integer, high one signed; nil if it does not fit.
local function parse(text)
  local sign, digits = text:match("^%s*([+-]?)(%d+)%s*$")
  if not digits then return nil end
  local high, low = 0, 0
  for digit in digits:gmatch("%d") do
    low = low * 10 + tonumber(digit)
    high = high * 10 + math.floor(low / LIMIT)
    low = low % LIMIT
    if high >= LIMIT then return nil end
  end
  local negative = sign == "-"
  if high > LIMIT / 2 or (high == LIMIT / 2 and (low > 0 or not negative)) then return nil end
  if negative then high, low = negate(high, low) end
  if high >= LIMIT / 2 then high = high - LIMIT end
  return high, low
end

function Int.__tostring(self)
  local high, low, sign = self.high % LIMIT, self.low, ""
  if self.high < 0 then
    high, low = negate(high, low)
    sign = "-"
  end
  local digits = {}
  repeat
    local rest = high % 10 * LIMIT + low
    high, low = math.floor(high / 10), math.floor(rest / 10)
    table.insert(digits, 1, ("%d"):format(rest % 10))
  until high == 0 and low == 0
  return sign .. table.concat(digits)
end

function Int.__eq(a, b) return a.high == b.high and a.low == b.low end

local make = new_object

local function split(value)
  if getmetatable(value) == Int then return value.high, value.low end
end

if jit then -- luacheck: ignore 113
  local ffi, bit = require "ffi", require "bit"
  local signed, unsigned = ffi.typeof("int64_t"), ffi.typeof("uint64_t")
  local scale = ffi.new(signed, LIMIT)
  function make(high, low) return ffi.new(signed, high) * scale + ffi.new(signed, low) end
  function split(value)
    if type(value) ~= "cdata" then return nil end
    if not (ffi.istype(signed, value) or ffi.istype(unsigned, value)) then return nil end
    local bits = ffi.cast(unsigned, value)
    local high = tonumber(bit.rshift(bits, 32))
    return high >= LIMIT / 2 and high - LIMIT or high, tonumber(bits % ffi.new(unsigned, LIMIT))
  end
end

--- An integer from a whole number, or from its decimal digits if it is beyond 2^53.
local function int(value)
  if type(value) == "number" then
    if math.type then
      local integer = math.tointeger(value)
      if integer then return integer end
    elseif value % 1 == 0 and value >= -EXACT and value <= EXACT then
      return value + 0
    end
  elseif type(value) == "string" then
    local high, low = parse(value)
    if high then
      if math.type then return high * LIMIT + low end
      local top = EXACT / LIMIT
      if high >= -top and (high < top or high == top and low == 0) then return high * LIMIT + low end
      return make(high, low)
    end
  elseif split(value) then
    return value
  end
  error(("bad argument #1 to 'int' (64-bit integer expected, got %s)"):format(tostring(value)), 2)
end

return { Int = Int, int = int, make = make, split = split }
