-- Received dictionaries whose keys were seen before share what is known about them: that must never show.
local ws = require "wsmultiplayer"

local function dictionary(keys, value)
  local result = ws.Dictionary()
  for i, key in ipairs(keys) do result[key] = value or i end
  return result
end

local function bytes_of(value) return assert(ws.var_to_bytes(value)) end

-- Decodes and encodes again; the order of keys must be the same.
local function survives(keys)
  local bytes = bytes_of(dictionary(keys))
  local decoded = ws.bytes_to_var(bytes)
  assert.same(keys, ws.keys(decoded))
  for i, key in ipairs(keys) do assert.equals(i, decoded[key]) end
  assert.is_true(bytes == ws.var_to_bytes(decoded), table.concat(keys, ","):sub(1, 100))
  return decoded
end

-- A generator of its own, the same on every Lua.
local function dice(seed)
  return function(sides)
    seed = (seed * 16807) % 2147483647
    return seed % sides + 1
  end
end

describe("received dictionaries", function()
  it("with the same keys have them in the same order, again and again", function()
    for _ = 1, 5 do survives { "id", "name", "position" } end
  end)

  it("with the same first key and number of keys keep their own orders", function()
    local orders = {}
    for _, rest in ipairs { "bcd", "bdc", "cbd", "cdb", "dbc", "dcb", "bce", "efg", "gfe", "bxy", "byx", "zzb" } do
      orders[#orders + 1] = { "a", rest:sub(1, 1), rest:sub(2, 2) .. "2", rest:sub(3, 3) .. "3" }
    end
    for _ = 1, 3 do
      for _, keys in ipairs(orders) do survives(keys) end
    end
  end)

  it("of any keys and order survive, however many kinds there are", function()
    local roll = dice(7)
    for _ = 1, 3000 do
      local keys, seen = {}, {}
      for _ = 1, roll(6) do
        local key = ("k%d"):format(roll(9))
        if not seen[key] then
          seen[key] = true
          keys[#keys + 1] = key
        end
      end
      survives(keys)
    end
    for i = 1, 1000 do survives { "only" .. i, "b" } end
  end)

  it("with many keys, and long ones, and unusual ones survive", function()
    for _, count in ipairs { 63, 64, 65, 200 } do
      local keys = {}
      for i = 1, count do keys[i] = "key" .. i end
      for _ = 1, 2 do survives(keys) end
    end
    for _, size in ipairs { 63, 64, 65, 300 } do
      for _ = 1, 2 do survives { "a", ("x"):rep(size), "b" } end
    end
    for _ = 1, 2 do
      survives { "", "a" }
      survives { "h\195\169", "\240\159\152\128" }
    end
  end)

  it("may be changed without changing others of their kind", function()
    local keys = { "x", "y", "z" }
    local first, second = survives(keys), survives(keys)
    first.w = 4
    first.y = nil
    assert.same({ "x", "z", "w" }, ws.keys(first))
    assert.same(keys, ws.keys(second))
    assert.same({ "x", "z", "w" }, ws.keys(ws.bytes_to_var(bytes_of(first))))
    second.x = nil
    assert.same({ "y", "z" }, ws.keys(ws.bytes_to_var(bytes_of(second))))
    second.x = 1
    assert.same({ "y", "z", "x" }, ws.keys(ws.bytes_to_var(bytes_of(second))))
    survives(keys)
  end)

  it("send what rawset has put into them", function()
    local decoded = survives { "p", "q" }
    rawset(decoded, "r", 3)
    local again = ws.bytes_to_var(bytes_of(decoded))
    assert.same({ "p", "q", "r" }, ws.keys(again))
    assert.equals(3, again.r)
  end)

  it("with the same keys and other values, nested or null, are told apart", function()
    for _, value in ipairs { ws.null, "text", dictionary({ "id", "name" }, ws.null), ws.Array { 1, ws.null } } do
      local bytes = bytes_of(dictionary({ "id", "name" }, value))
      for _ = 1, 2 do assert.is_true(bytes == ws.var_to_bytes((ws.bytes_to_var(bytes)))) end
    end
  end)

  it("that repeat a key, or are cut short, are as they always are", function()
    survives { "a", "b" }
    local bytes = bytes_of(dictionary { "a", "b" })
    for size = 4, #bytes - 1 do
      local value, err = ws.bytes_to_var(bytes:sub(1, size))
      assert.is_nil(value)
      assert.is_number(err)
    end
    local a = bytes:sub(9, 28) -- "a" and its value
    local twice = bytes:sub(1, 8) .. a .. a
    for _ = 1, 2 do assert.same({ "a" }, ws.keys(ws.bytes_to_var(twice))) end
  end)

  it("stay dictionaries for ws.Dictionary, pairs and tostring", function()
    local decoded = survives { "one", "two" }
    assert.equals(decoded, ws.Dictionary(decoded))
    assert.same({ "one", "two" }, ws.keys(decoded))
    local seen = {}
    for key in ws.ordered_pairs(decoded) do seen[#seen + 1] = key end
    assert.same({ "one", "two" }, seen)
    assert.equals(1, decoded[ws.StringName "one"])
  end)
end)
