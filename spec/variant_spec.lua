-- Variants from Lua's side: what becomes of Lua's values, the types that Lua lacks, what is refused and how, and
-- put_var and get_var. What a real Godot makes of values is in variant_vectors_spec.lua.
local ws = require "wsmultiplayer"
local collector = require "support.collector"
local finalized = require "support.finalized"
local session = require "support.session"
local variants = require "support.variants"
local wait = require "support.wait"

local from_hex, to_hex, text_of = variants.from_hex, variants.to_hex, variants.describe

local has_integers = math.type ~= nil

local function encoded(value, full) return to_hex(assert(ws.var_to_bytes(value, full))) end
local function decoded(hex) return ws.bytes_to_var(from_hex(hex)) end
local function copy(value) return ws.bytes_to_var(assert(ws.var_to_bytes(value))) end

-- The text of a refusal.
local function refusal(value, expected, full)
  local bytes, err, why = ws.var_to_bytes(value, full)
  assert.is_nil(bytes)
  assert.equal(expected or ws.ERR_INVALID_DATA, err)
  return why
end

-- A list within a list ...: `levels` below the outermost.
local function nested(levels, wrap)
  local value = wrap(nil)
  for _ = 1, levels do value = wrap(value) end
  return value
end

local function hex_int(value) return "02000000" .. to_hex(from_hex(value)) end

describe("numbers", function()
  it("are integers or floats by their subtype, or by value where Lua has no integers", function()
    assert.equal(hex_int "01000000", encoded(1))
    assert.equal(hex_int "ffffffff", encoded(-1))
    assert.equal(has_integers and "030000000000803f" or hex_int "01000000", encoded(2 ^ 0))
    assert.equal("030000000000c03f", encoded(1.5))
    assert.equal("030001009a9999999999b93f", encoded(0.1))
    assert.equal("0300000000000080", encoded(-1 / math.huge))
    assert.equal("030000000000807f", encoded(math.huge))
    assert.equal("03000000000080ff", encoded(-math.huge))
    assert.equal("03000100", encoded(0 / 0):sub(1, 8))
    local nan = copy(0 / 0)
    assert.is_true(nan ~= nan)
  end)

  it("are integers up to 2^53 and floats beyond, where Lua has no integers", function()
    if has_integers then
      assert.equal("030000000000005a", encoded(2 ^ 53))
      return
    end
    assert.equal("020001000000000000002000", encoded(2 ^ 53))
    assert.equal("02000100000000000000e0ff", encoded(-2 ^ 53))
    assert.equal("03000100010000000000" .. "4043", encoded(2 ^ 53 + 2))
    assert.equal("030000000000005f", encoded(2 ^ 63))
  end)

  it("are what ws.int and ws.float say", function()
    assert.equal(hex_int "02000000", encoded(ws.int(2)))
    assert.equal(hex_int "02000000", encoded(ws.int "2"))
    assert.equal("0300000000000040", encoded(ws.float(2)))
    assert.equal("0300000000000080", encoded(ws.float(-1 / math.huge)))
    assert.equal("020001000000000000002000", encoded(ws.int(2 ^ 53)))
    assert.equal(ws.float(2), ws.float(2))
    if not has_integers then assert.equal("float(2)", tostring(ws.float(2))) end
    for _, wrong in ipairs { {}, "x", true } do
      assert.error_matches(function() ws.float(wrong) end, "bad argument #1 to 'float' %(number expected")
    end
  end)

  it("of 64 bits come from digits and go back without loss", function()
    for digits, hex in pairs {
      ["9007199254740992"] = "0000000000002000", ["9007199254740993"] = "0100000000002000",
      ["-9007199254740993"] = "ffffffffffffdfff", ["-9007199254740992"] = "000000000000e0ff",
      ["9223372036854775807"] = "ffffffffffffff7f", ["-9223372036854775808"] = "0000000000000080",
      ["4294967296"] = "0000000001000000", ["-4294967297"] = "fffffffffeffffff",
    } do
      local value = ws.int(digits)
      assert.equal("02000100" .. hex, encoded(value))
      local back = copy(value)
      assert.equal("int " .. digits, (text_of(back):gsub("^number (.*)$", function(number)
        return "int " .. ("%.0f"):format(number)
      end)))
      assert.equal("02000100" .. hex, encoded(back))
      assert.is_true(ws.int(digits) == back)
      assert.equal("02000100" .. hex, encoded(ws.int(back)))
    end
  end)

  it("that are no integers of 64 bits are refused by ws.int", function()
    for _, wrong in ipairs {
      "9223372036854775808", "-9223372036854775809", "99999999999999999999999", "", "x", "1.5", "0x", 1.5, math.huge,
      0 / 0, 2 ^ 63, {}, true,
    } do
      assert.error_matches(function() ws.int(wrong) end, "bad argument #1 to 'int'")
    end
  end)

  if jit then
    it("of LuaJIT's 64-bit types are integers", function()
      local ffi = require "ffi"
      assert.equal("020001000100000000002000", encoded(ffi.new("int64_t", 2 ^ 53) + 1))
      assert.equal("02000100ffffffffffffff7f", encoded(ffi.new("uint64_t", 2 ^ 63) - 1))
      assert.equal(hex_int "ffffffff", encoded(ffi.new("int64_t", -1)))
      assert.equal(hex_int "ffffffff", encoded(ffi.cast("uint64_t", ffi.new("int64_t", -1)))) -- the same 64 bits
      assert.equal("02000100" .. "0000000000000080", encoded(ffi.new("int64_t", -2 ^ 63)))
      assert.equal("cdata", type(decoded "020001000100000000002000"))
      assert.matches("a cdata", refusal(ffi.new("int[1]")))
      assert.matches("a cdata", refusal({ x = ffi.new("int32_t[2]") }))
    end)
  end
end)

describe("strings", function()
  it("are text", function()
    assert.equal("0400000006000000" .. "68c3a96c6c6f0000", encoded("h\195\169llo"))
    assert.equal("h\195\169llo", copy "h\195\169llo")
    assert.equal("", copy "")
  end)

  it("that are not UTF-8, or hold a NUL, are refused, and it says what to use instead", function()
    for _, wrong in ipairs { "\255", "a\0b", "\192\175", "\237\160\128", "\244\144\128\128", "\195" } do
      assert.matches("UTF%-8 text %(for bytes use ws.PackedByteArray%)", refusal(wrong))
      assert.matches("^at text: .*ws.PackedByteArray", refusal { text = wrong })
      assert.matches("ws.PackedByteArray", refusal { [wrong] = 1 })
      assert.matches("ws.PackedByteArray", refusal(ws.StringName(wrong)))
      assert.matches("ws.PackedByteArray", refusal(ws.PackedStringArray { wrong }))
      assert.equal(wrong, copy(ws.PackedByteArray(wrong)).bytes)
    end
  end)
end)

describe("tables", function()
  local EMPTY_ARRAY, EMPTY_DICTIONARY = "1c00000000000000", "1b00000000000000"

  it("are Arrays if they are sequences", function()
    assert.equal("1c00000002000000" .. hex_int "07000000" .. "0100000001000000", encoded { 7, true })
    assert.same({ 7, true }, { (unpack or table.unpack)(copy { 7, true }) })
  end)

  it("are Dictionaries otherwise, and when empty", function()
    assert.equal(EMPTY_DICTIONARY, encoded {})
    assert.equal("1b000000", encoded({ [1] = "a", [3] = "b" }):sub(1, 8))
    assert.equal("1b000000", encoded({ [2] = "a" }):sub(1, 8))
    assert.equal("1b000000", encoded({ [0] = "a", "b" }):sub(1, 8))
    assert.equal("1b000000", encoded({ "a", "b", x = 1 }):sub(1, 8))
    assert.equal("1b000000", encoded({ 1, nil, 3 }):sub(1, 8))
  end)

  it("are what ws.Array and ws.Dictionary say", function()
    assert.equal(EMPTY_ARRAY, encoded(ws.Array()))
    assert.equal(EMPTY_ARRAY, encoded(ws.Array {}))
    assert.equal(EMPTY_DICTIONARY, encoded(ws.Dictionary()))
    assert.equal("1b00000001000000" .. hex_int "01000000" .. hex_int "07000000", encoded(ws.Dictionary { 7 }))
    assert.equal("1c00000001000000" .. hex_int "07000000", encoded(ws.Array { 7, x = 1 }))
    local list = {}
    assert.equal(list, ws.Array(list))
    assert.error_matches(function() ws.Array(1) end, "bad argument #1 to 'Array' %(table expected, got number%)")
    assert.error_matches(function() ws.Dictionary "x" end, "bad argument #1 to 'Dictionary'")
  end)

  it("keep their kind when they come back", function()
    assert.equal(EMPTY_ARRAY, encoded(decoded(EMPTY_ARRAY)))
    assert.equal(EMPTY_DICTIONARY, encoded(decoded(EMPTY_DICTIONARY)))
    local state = copy { list = {}, empty = ws.Array(), { 1 } }
    assert.equal(EMPTY_ARRAY, encoded(state.empty))
    assert.equal(EMPTY_DICTIONARY, encoded(state.list))
  end)

  it("hold null as ws.null", function()
    local list = copy { 1, ws.null, 3 }
    assert.equal(3, #list)
    assert.is_true(rawequal(ws.null, list[2]))
    assert.equal("null", tostring(ws.null))
    local dictionary = copy(ws.Dictionary { a = ws.null, [ws.null] = "b" })
    assert.is_true(rawequal(ws.null, dictionary.a))
    assert.equal("b", dictionary[ws.null])
    assert.is_nil((copy(ws.null)))
    assert.equal("00000000", encoded(nil))
    assert.equal("00000000", encoded(ws.null))
  end)

  it("with a metatable of the program's own are plain tables", function()
    local called = false
    local meta = { __index = function() called = true end, __len = function() called = true return 5 end }
    assert.equal(hex_int "01000000", encoded(setmetatable({ 1 }, meta)):sub(17))
    assert.equal(EMPTY_DICTIONARY, encoded(setmetatable({}, meta)))
    assert.is_false(called)
  end)

  it("that claim a type they do not have are refused", function()
    for _, kind in ipairs { -1, 1, 4, 5, 17, 22, 29, 30, 39, 1000, 2 ^ 40 } do
      local claim = setmetatable({ 1, names = 1 }, { variant_type = kind })
      local bytes, err, why = ws.var_to_bytes(claim)
      if not bytes then
        assert.equal(ws.ERR_INVALID_DATA, err)
        assert.equal("string", type(why))
      end
    end
  end)
end)

describe("typed containers", function()
  -- Array[float], Dictionary[String, float], Dictionary[float, int], Dictionary[Node, float]
  local KEY, CLASS = "040000000100000061000000", "11000000456e636f6465644f626a656374417349440000" .. "00"
  local FLOATS = {
    "1c000100" .. "03000000" .. "02000000" .. "030000000000803f" .. "030000000000c03f",
    "1b000500" .. "0400000003000000" .. "01000000" .. KEY .. "030000000000803f",
    "1b000500" .. "0300000002000000" .. "01000000" .. "030000000000803f" .. hex_int "01000000",
    "1b000600" .. CLASS .. "03000000" .. "01000000" .. "00000000" .. "030000000000803f",
  }

  it("keep their types, and their floats on every Lua", function()
    for _, bytes in ipairs(FLOATS) do
      local value = decoded(bytes)
      assert.equal(bytes, encoded(value))
      assert.equal(bytes, encoded(copy(value)))
    end
  end)

  it("convert what nearly fits, as Godot does", function()
    local from_int = decoded("1c00010003000000" .. "02000000" .. "0200010000000000000000c0" .. hex_int "05000000")
    assert.equal(2, #from_int)
    assert.equal(-2 ^ 62, from_int[1])
    assert.equal(5, from_int[2])
    if has_integers then assert.equal("float", math.type(from_int[1])) end
    local from_float = decoded("1c00010002000000" .. "01000000" .. "030000000000c0bf")
    assert.equal(-1, from_float[1])
    assert.equal("a", decoded("1c00010004000000" .. "01000000" .. "150000000100000061000000")[1])
    assert.equal("a", decoded("1c00010015000000" .. "01000000" .. "040000000100000061000000")[1].name)
  end)

  it("take what fits", function()
    local list = decoded(FLOATS[1])
    list[2] = 2
    assert.equal("1c0001000300000002000000" .. "030000000000803f" .. "0300000000000040", encoded(copy(list)))
    list[2] = "x" -- left out when it is decoded, as Godot does
    assert.equal(1, #copy(list))
  end)
end)

describe("the order of a dictionary", function()
  local function order(dictionary)
    local keys = {}
    for key in ws.ordered_pairs(dictionary) do keys[#keys + 1] = tostring(key) end
    return table.concat(keys, " ")
  end

  local function filled(...)
    local dictionary = ws.Dictionary()
    for i = 1, select("#", ...) do dictionary[select(i, ...)] = i end
    return dictionary
  end

  it("is that of adding, and survives the way", function()
    local dictionary = filled("z", "b", "a", 3, "y", -1, true, "c")
    local text = "z b a 3 y -1 true c"
    assert.equal(text, order(dictionary))
    assert.equal(text, order(copy(dictionary)))
    assert.equal(text, order(copy(copy(dictionary))))
    assert.equal(encoded(dictionary), encoded(copy(dictionary)))
    if _VERSION ~= "Lua 5.1" then
      local keys = {}
      for key, value in pairs(copy(dictionary)) do
        keys[#keys + 1] = tostring(key)
        assert.equal(#keys, value)
      end
      assert.equal(text, table.concat(keys, " "))
    end
    assert.same({ "z", "b", "a", 3, "y", -1, true, "c" }, ws.keys(copy(dictionary)))
  end)

  it("goes on after decoding", function()
    for _, dictionary in ipairs { filled("c", "a", "b"), (copy(filled("c", "a", "b"))) } do
      dictionary.x = 1
      dictionary.a = nil
      assert.equal("c b x", order(dictionary))
      assert.equal("c b x", order(copy(dictionary)))
      dictionary.b = 7 -- keeps its place
      dictionary.a = 1 -- comes back as the last, as in Godot
      assert.equal("c b x a", order(dictionary))
      assert.equal("c b x a", order(copy(dictionary)))
      dictionary.nothing = nil
      rawset(dictionary, "raw", 1)
      assert.equal("c b x a raw", order(dictionary))
      assert.equal("c b x a raw", order(copy(dictionary)))
      for key in pairs { c = 1, b = 1, x = 1, a = 1, raw = 1 } do dictionary[key] = nil end
      assert.equal("", order(dictionary))
      assert.equal("1b00000000000000", encoded(dictionary))
    end
  end)

  it("does not grow with keys that come and go", function()
    local dictionary = copy(filled "first")
    local function churn(count)
      for i = 1, count do
        dictionary[i] = true
        dictionary[i] = nil
      end
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end
    local before = churn(1000)
    assert.is_true(churn(100000) < before + 100)
    dictionary.last = 1
    assert.equal("first last", order(dictionary))
    for i = 1, 100 do dictionary[i] = i end
    for i = 1, 100, 2 do dictionary[i] = nil end
    for i = 1, 100, 2 do dictionary[i] = i end
    local expected = { "first", "last" }
    for start = 2, 1, -1 do for i = start, 100, 2 do expected[#expected + 1] = tostring(i) end end
    assert.equal(table.concat(expected, " "), order(dictionary))
    assert.equal(order(dictionary), order(copy(dictionary)))
  end)

  it("of a table that was marked afterwards is what is known of it", function()
    local dictionary = ws.Dictionary { only = 1 }
    dictionary.second = 2
    dictionary.third = 3
    assert.equal("second third only", order(dictionary))
    assert.equal("second third only", order(copy(dictionary)))
    assert.same({ "a" }, ws.keys { a = 1 })
  end)

  it("takes StringNames and texts for the same keys", function()
    local dictionary = ws.Dictionary()
    dictionary[ws.StringName "b"] = 1
    dictionary.a = 2
    assert.equal(1, dictionary.b)
    assert.equal(1, dictionary[ws.StringName "b"])
    dictionary[ws.StringName "a"] = 3
    assert.equal(3, dictionary.a)
    dictionary.b = 4
    local bytes = "1b00000002000000" .. "150000000100000062000000" .. hex_int "04000000" ..
      "040000000100000061000000" .. hex_int "03000000"
    assert.equal(bytes, encoded(dictionary))
    assert.equal(bytes, encoded(decoded(bytes)))
    dictionary[ws.StringName "b"] = nil
    assert.is_nil(dictionary.b)
    assert.equal("a", order(dictionary))
  end)

  it("may have values as keys that Lua compares by identity", function()
    local dictionary = ws.Dictionary()
    local place, list = ws.Vector2i(1, 2), ws.Array { 1 }
    dictionary[place] = "place"
    dictionary[list] = "list"
    dictionary[ws.float(3)] = "float"
    local back = copy(dictionary)
    local keys = ws.keys(back)
    assert.equal(3, #keys)
    assert.is_true(keys[1] == place)
    assert.equal("place", back[keys[1]])
    assert.equal(1, keys[2][1])
    assert.equal("float", back[keys[3]])
    assert.equal(encoded(dictionary), encoded(back))
  end)

  it("keeps 1 and 1.0 apart", function()
    local bytes = "1b00000002000000" .. hex_int "01000000" .. hex_int "0a000000" ..
      "030000000000803f" .. hex_int "0b000000"
    local dictionary = decoded(bytes)
    assert.equal(10, dictionary[1])
    assert.equal(2, #ws.keys(dictionary))
    assert.equal(bytes, encoded(dictionary))
  end)
end)

describe("types of values:", function()
  -- A type, its fields, its defaults, arguments, and their text.
  local V2, V3, V4 = ws.Vector2, ws.Vector3, ws.Vector4
  local CASES = {
    { "Vector2", "x y", "0, 0", { 1, 2.5 }, "1, 2.5" },
    { "Vector2i", "x y", "0, 0", { 1, -2 }, "1, -2" },
    { "Vector3", "x y z", "0, 0, 0", { 1, 2, 3 }, "1, 2, 3" },
    { "Vector3i", "x y z", "0, 0, 0", { 1, 2, 3 }, "1, 2, 3" },
    { "Vector4", "x y z w", "0, 0, 0, 0", { 1, 2, 3, 4 }, "1, 2, 3, 4" },
    { "Vector4i", "x y z w", "0, 0, 0, 0", { 1, 2, 3, 4 }, "1, 2, 3, 4" },
    { "Quaternion", "x y z w", "0, 0, 0, 1", { 1, 2, 3, 4 }, "1, 2, 3, 4" },
    { "Color", "r g b a", "0, 0, 0, 1", { 0.25, 0.5, 0.75, 1 }, "0.25, 0.5, 0.75, 1" },
    { "Rect2", "position size", "Vector2(0, 0), Vector2(0, 0)", { V2(1, 2), V2(3, 4) },
      "Vector2(1, 2), Vector2(3, 4)" },
    { "Rect2i", "position size", "Vector2i(0, 0), Vector2i(0, 0)", { ws.Vector2i(1, 2), ws.Vector2i(3, 4) },
      "Vector2i(1, 2), Vector2i(3, 4)" },
    { "AABB", "position size", "Vector3(0, 0, 0), Vector3(0, 0, 0)", { V3(1, 2, 3), V3(4, 5, 6) },
      "Vector3(1, 2, 3), Vector3(4, 5, 6)" },
    { "Plane", "normal d", "Vector3(0, 0, 0), 0", { V3(1, 2, 3), 4 }, "Vector3(1, 2, 3), 4" },
    { "Transform2D", "x y origin", "Vector2(1, 0), Vector2(0, 1), Vector2(0, 0)", { V2(1, 2), V2(3, 4), V2(5, 6) },
      "Vector2(1, 2), Vector2(3, 4), Vector2(5, 6)" },
    { "Basis", "x y z", "Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1)",
      { V3(1, 2, 3), V3(4, 5, 6), V3(7, 8, 9) },
      "Vector3(1, 2, 3), Vector3(4, 5, 6), Vector3(7, 8, 9)" },
    { "Transform3D", "basis origin",
      "Basis(Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1)), Vector3(0, 0, 0)", { ws.Basis(), V3(1, 2, 3) },
      "Basis(Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1)), Vector3(1, 2, 3)" },
    { "Projection", "x y z w",
      "Vector4(1, 0, 0, 0), Vector4(0, 1, 0, 0), Vector4(0, 0, 1, 0), Vector4(0, 0, 0, 1)",
      { V4(1, 2, 3, 4), V4(), V4(), V4(5) },
      "Vector4(1, 2, 3, 4), Vector4(0, 0, 0, 0), Vector4(0, 0, 0, 0), Vector4(5, 0, 0, 0)" },
  }
  local unpack = table.unpack or unpack

  for _, case in ipairs(CASES) do
    local name, fields, defaults, arguments, text = unpack(case)
    it(name, function()
      local new = ws[name]
      local value = new(unpack(arguments))
      local i = 0
      for field in fields:gmatch "%S+" do
        i = i + 1
        assert.equal(arguments[i], value[field])
        -- Wrong arguments are named by their place.
        local wrong = { unpack(arguments) }
        wrong[i] = "x"
        local _, why = pcall(function() new(unpack(wrong)) end)
        assert.matches("variant_spec.lua:%d+: bad argument #" .. i .. " to '" .. name .. "' %(%w+ expected, got", why)
        -- A changed field makes another value.
        local other = new(unpack(arguments))
        assert.is_true(value == other)
        other[field] = type(arguments[i]) == "number" and arguments[i] + 1 or arguments[i == 1 and 2 or 1]
        assert.equal(arguments[1] ~= arguments[2] or i > 2, value ~= other)
      end
      assert.equal(#arguments, i)
      assert.equal(name .. "(" .. defaults .. ")", tostring(new()))
      assert.equal(name .. "(" .. text .. ")", tostring(value))
      assert.is_true(copy(value) == value)
      assert.is_true(copy { value }[1] == value)
      -- What is missing or of a wrong type is refused, by its path.
      local field = fields:match "^%S+"
      value[field] = nil
      assert.matches("^at players%[1%]%." .. field .. ": ", refusal { players = { value } })
      value[field] = function() end
      assert.matches("^at " .. field .. ": ", refusal(value))
    end)
  end

  it("parts are of their type", function()
    assert.error_matches(function() ws.Rect2(ws.Vector2i()) end, "bad argument #1 to 'Rect2' %(Vector2 expected")
    assert.error_matches(function() ws.Plane(ws.Vector3(), "d") end, "bad argument #2 to 'Plane' %(number expected")
  end)

  it("integers of vectors are 32-bit integers", function()
    assert.equal("0600000000000080ffffff7f", encoded(ws.Vector2i(-2147483648, 2147483647)))
    for _, wrong in ipairs { 2147483648, -2147483649, 1.5, math.huge, 0 / 0 } do
      assert.matches("^at y: a 32%-bit integer", refusal(ws.Vector2i(0, wrong)))
      assert.matches("^at %[1%]: a 32%-bit integer", refusal(ws.PackedInt32Array { wrong }))
    end
  end)

  it("names, paths, ids", function()
    assert.equal("jump", tostring(ws.StringName "jump"))
    assert.is_true(ws.StringName "a" == ws.StringName "a")
    assert.is_false(ws.StringName "a" == ws.StringName "b")
    local path = ws.NodePath "/root/Main:position:x"
    assert.same({ "root", "Main" }, path.names)
    assert.same({ "position", "x" }, path.subnames)
    assert.is_true(path.absolute)
    assert.equal("/root/Main:position:x", tostring(path))
    assert.is_true(path == copy(path))
    assert.is_false(path == ws.NodePath "root/Main:position:x")
    assert.equal(5, copy(ws.RID(5)).id)
    assert.equal(0, ws.RID().id)
    assert.equal("moved", copy(ws.Signal("moved", 7)).name)
    assert.equal(7, copy(ws.Signal("moved", 7)).object_id)
    assert.equal(7, copy(ws.EncodedObjectAsID(7)).object_id)
    assert.equal("19000000", encoded(ws.Callable()))
    assert.equal("19000000", encoded(copy(ws.Callable())))
    for _, call in ipairs {
      function() ws.StringName(1) end, function() ws.NodePath {} end, function() ws.RID "1" end,
      function() ws.Signal(1) end, function() ws.EncodedObjectAsID() end,
    } do
      assert.error_matches(call, "bad argument #1 to '%a+' %(%a+ expected, got %a+%)")
    end
    assert.error_matches(function() ws.Signal("x", "y") end, "bad argument #2 to 'Signal' %(integer expected")
    assert.matches("^at id: an integer", refusal(setmetatable({ id = 1.5 }, getmetatable(ws.RID()))))
  end)
end)

describe("packed arrays", function()
  it("of bytes come from a string or a list", function()
    assert.equal("\1\0\255", ws.PackedByteArray("\1\0\255").bytes)
    assert.equal("\1\0\255", ws.PackedByteArray({ 1, 0, 255 }).bytes)
    assert.equal("\1\0\255", tostring(copy(ws.PackedByteArray { 1, 0, 255 })))
    assert.is_true(ws.PackedByteArray "a" == copy(ws.PackedByteArray "a"))
    assert.is_false(ws.PackedByteArray "a" == ws.PackedByteArray "b")
    assert.equal("1d00000000000000", encoded(ws.PackedByteArray()))
    assert.error_matches(function() ws.PackedByteArray(1) end, "bad argument #1 to 'PackedByteArray'")
    assert.has_error(function() ws.PackedByteArray { 256 } end)
    assert.matches("^at bytes: ", refusal(setmetatable({}, getmetatable(ws.PackedByteArray()))))
  end)

  it("come from tables and are tables again", function()
    for name, list in pairs {
      PackedInt32Array = { 1, -2, 2147483647 }, PackedInt64Array = { 1, -2, 2 ^ 33 },
      PackedFloat32Array = { 0.5, -1 }, PackedFloat64Array = { 0.1, 1e300 }, PackedStringArray = { "a", "", "b" },
      PackedVector2Array = { ws.Vector2(1, 2), ws.Vector2() }, PackedVector3Array = { ws.Vector3(1, 2, 3) },
      PackedVector4Array = { ws.Vector4(1, 2, 3, 4) }, PackedColorArray = { ws.Color(1, 1, 1, 0.5) },
    } do
      local new = ws[name]
      local back = copy(new(list))
      assert.equal(#list, #back)
      for i = 1, #list do assert.is_true(list[i] == back[i]) end
      assert.is_true(back == new(list))
      assert.equal(name, getmetatable(back).__name)
      assert.equal(0, #copy(new()))
      assert.error_matches(function() new(1) end, "bad argument #1 to '" .. name .. "' %(table expected, got number%)")
      assert.matches("^at x%[2%]: ", refusal { x = new { list[1], function() end } })
      assert.matches("^at %[1%]: ", refusal(new { {} }) :gsub("%]%.%a", "]"))
    end
  end)

  it("of 64-bit integers keep them", function()
    local list = copy(ws.PackedInt64Array { ws.int "9223372036854775807", ws.int "-9223372036854775808" })
    assert.is_true(list[1] == ws.int "9223372036854775807")
    assert.is_true(list[2] == ws.int "-9223372036854775808")
  end)
end)

describe("what cannot be sent", function()
  it("is named by its path", function()
    local players = { {}, {}, { on_hit = function() end } }
    assert.equal("at players[3].on_hit: a function", refusal { players = players })
    assert.equal("a function", refusal(print))
    assert.equal("at [1]: a thread", refusal { coroutine.create(function() end) })
    assert.equal("at file: a userdata", refusal { file = io.stdout })
    assert.matches("^at peer: a userdata", refusal { peer = ws.WebSocketMultiplayerPeer.new() })
    assert.matches("^at %[table%]: a function", refusal { [ws.Vector2()] = print })
    assert.matches("^at %[function%]: a function", refusal { [print] = 1 })
    assert.matches("^at %[true%]: a function", refusal { [true] = print }:gsub("boolean", "true"))
    assert.matches("^at %[2.5%]: a function", refusal { [2.5] = print })
    assert.equal("at a.b.c[1][2]: a function", refusal { a = { b = { c = { { 1, print } } } } })
  end)

  it("has a path of bounded length", function()
    local value = print
    for _ = 1, 500 do value = { [("k"):rep(100)] = value } end
    assert.is_true(#refusal(value) < 1000)
    assert.matches(": a function$", refusal(value))
  end)

  it("leaves the codec as it was", function()
    for _ = 1, 3 do
      refusal { print }
      assert.equal(hex_int "01000000", encoded(1))
    end
  end)

  it("is a table within itself", function()
    local list = {}
    list[1] = list
    assert.equal("at [1]: a table that contains itself", refusal(list))
    local game = { players = { { name = "a" } } }
    game.players[1].game = game
    assert.equal("at players[1].game: a table that contains itself", refusal(game))
    local key = {}
    key[key] = 1
    assert.matches("a table that contains itself", refusal(key))
    local shared = { 1 }
    assert.equal(2, #copy { shared, shared })
  end)
end)

describe("depth", function()
  local function in_list(value) return ws.Array { value } end
  local function in_table(value) return { d = value } end
  local function in_dictionary(value)
    local dictionary = ws.Dictionary()
    dictionary.d = value
    return dictionary
  end
  local function in_key(value) return { [value or "d"] = true } end

  it("of 1024 levels is possible, of one more it is not", function()
    for _, wrap in ipairs { in_list, in_table, in_dictionary } do
      local deep = nested(1024, wrap)
      local bytes = assert(ws.var_to_bytes(deep))
      assert.equal(bytes, ws.var_to_bytes(assert(ws.bytes_to_var(bytes))))
      assert.matches("nested too deep", refusal(nested(1025, wrap), ws.ERR_OUT_OF_MEMORY))
    end
    -- The key is a value one level below.
    assert.is_truthy(ws.bytes_to_var(assert(ws.var_to_bytes(nested(1023, in_key)))))
    assert.matches("nested too deep", refusal(nested(1024, in_key), ws.ERR_OUT_OF_MEMORY))
  end)

  it("is bounded when decoding", function()
    local level = from_hex "1c00000001000000"
    assert.is_truthy(ws.bytes_to_var(level:rep(1024) .. from_hex "1c00000000000000"))
    for _, levels in ipairs { 1025, 5000, 100000 } do
      local value, err, why = ws.bytes_to_var(level:rep(levels) .. from_hex "1c00000000000000")
      assert.is_nil(value)
      assert.equal(ws.ERR_OUT_OF_MEMORY, err)
      assert.matches("nested too deep", why)
    end
  end)

  it("works within coroutines", function()
    local bytes = coroutine.wrap(function() return ws.var_to_bytes(nested(1024, in_dictionary)) end)()
    assert.is_truthy(coroutine.wrap(function() return ws.bytes_to_var(bytes) end)())
  end)
end)

describe("objects", function()
  -- A RefCounted without properties but its script.
  local OBJECT = "180000000a000000526566436f756e7465640000" .. "01000000" .. "06000000736372697074000000000000"

  it("are refused unless they are allowed", function()
    local value, err, why = decoded(OBJECT)
    assert.is_nil(value)
    assert.equal(ws.ERR_UNAUTHORIZED, err)
    assert.matches("objects are not allowed", why)
    value, err = decoded("1c00000001000000" .. OBJECT)
    assert.is_nil(value)
    assert.equal(ws.ERR_UNAUTHORIZED, err)
  end)

  it("are data where they are allowed, and sent only on demand", function()
    local object = ws.bytes_to_var(from_hex(OBJECT), true)
    assert.equal("RefCounted", object.class)
    assert.equal(1, #object.properties)
    assert.equal("script", object.properties[1].name)
    assert.matches("^at %[1%]: an object", refusal({ object }, ws.ERR_UNAUTHORIZED))
    assert.equal(OBJECT, encoded(object, true))
    object.properties[1].value = print
    assert.matches("%[1%].*: a function", refusal(object, ws.ERR_INVALID_DATA, true))
    object.properties = { 5 }
    assert.equal("string", type(refusal(object, ws.ERR_INVALID_DATA, true)))
  end)

  it("known by their number are always allowed", function()
    assert.equal("18000100ae0500ff05000080", encoded(decoded "18000100ae0500ff05000080"))
    assert.is_nil((decoded "180001000000000000000000"))
  end)

  it("within themselves are refused", function()
    local object = ws.bytes_to_var(from_hex(OBJECT), true)
    object.properties[1].value = object
    assert.matches("contains itself", refusal(object, ws.ERR_INVALID_DATA, true))
    -- A value that is also elsewhere is no such thing.
    local shared = ws.Array { 1 }
    object.properties[1].value = shared
    assert.equal("string", type((ws.var_to_bytes({ shared, object, shared }, true))))
    assert.equal("string", type((ws.var_to_bytes({ { shared }, object }, true))))
  end)
end)

describe("what is decoded", function()
  it("has to be a string", function()
    assert.has_error(function() ws.bytes_to_var() end)
    assert.has_error(function() ws.bytes_to_var(5) end)
    assert.has_error(function() ws.var_to_bytes() end)
  end)

  it("says what is wrong and where", function()
    local value, err, why = decoded("1c00000002000000" .. "0200000001000000" .. "ff000000")
    assert.is_nil(value)
    assert.equal(ws.ERR_INVALID_DATA, err)
    assert.matches("at byte %d+ of 20", why)
  end)

  it("reserves no memory that the bytes do not pay for", function()
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    for kind = 27, 38 do
      for _, count in ipairs { "ffffff7f", "ffffffff", "00000040", "00000020", "00000010", "ffffff00" } do
        decoded(("%02x000000%s00000000"):format(kind, count))
      end
    end
    -- Each of these levels may have as many elements as the rest has room for, but not all of them together.
    local size = 64 * 1024
    for _, kind in ipairs { "1c", "1b" } do
      local level = from_hex(kind .. "000000" .. (kind == "1c" and "00200000" or "00100000"))
      ws.bytes_to_var(level:rep(1000) .. ("\0"):rep(size))
    end
    local used = collectgarbage "count" - before
    collectgarbage "restart"
    assert.is_true(used < 16 * 1024, used .. " KiB")
  end)
end)

describe("bytes of all kinds", function()
  local vectors, malformed = variants.load "vectors", variants.load "malformed"
  local inputs = {}
  for _, list in ipairs { vectors, malformed } do
    for _, case in ipairs(list) do
      if #case.hex < 2000 then inputs[#inputs + 1] = from_hex(case.hex) end
      if case.hex_with_objects and #case.hex_with_objects < 2000 then
        inputs[#inputs + 1] = from_hex(case.hex_with_objects)
      end
    end
  end

  -- The same numbers on every Lua.
  local seed = 1
  local function random(below)
    seed = (seed * 16807) % 2147483647
    return seed % below
  end

  -- Whatever decodes encodes, and from then on it is stable.
  local function check(bytes)
    -- Of two byte order marks each decoding takes one away, in Godot too.
    if bytes:find("\239\187\191\239\187\191", 1, true) then return end
    for _, objects in ipairs { false, true } do
      local value, err, why = ws.bytes_to_var(bytes, objects)
      if err then
        assert(value == nil and type(err) == "number" and type(why) == "string")
      else
        local first, _, refused = ws.var_to_bytes(value, true)
        if not first then error(to_hex(bytes) .. " does not encode: " .. refused) end
        local again, wrong = ws.bytes_to_var(first, true)
        if wrong then error(to_hex(bytes) .. " gives what does not decode: " .. to_hex(first)) end
        local second = ws.var_to_bytes(again, true)
        if first ~= second then error(to_hex(bytes) .. " gives " .. to_hex(first) .. ", then " .. to_hex(second)) end
      end
    end
  end

  it("cut short anywhere", function()
    for _, input in ipairs(inputs) do
      for size = 0, #input - 1, #input > 200 and 7 or 1 do check(input:sub(1, size)) end
    end
  end)

  it("with a bit turned", function()
    for _, input in ipairs(inputs) do
      for _ = 1, 60 do
        if #input > 0 then
          local at, bit = random(#input) + 1, 2 ^ random(8)
          local byte = input:byte(at)
          local turned = byte % (2 * bit) >= bit and byte - bit or byte + bit
          check(input:sub(1, at - 1) .. string.char(turned) .. input:sub(at + 1))
        end
      end
    end
  end)

  it("at random, and mixed from pieces of others", function()
    for _ = 1, 20000 do
      local bytes = { string.char(random(39)), "\0", string.char(random(16)), "\0" }
      for i = 5, 4 * random(16) do
        local byte = i % 4 == 1 and random(40) or i % 4 == 3 and random(4) or random(3) == 0 and random(256)
        bytes[i] = string.char(byte or 0)
      end
      check(table.concat(bytes))
    end
    for _ = 1, 3000 do
      local a, b = inputs[random(#inputs) + 1], inputs[random(#inputs) + 1]
      check(from_hex "1c00000002000000" .. a .. b)
      check(from_hex "1b00000001000000" .. a .. b)
    end
  end)
end)

describe("a class that begins with two byte order marks", function()
  -- Found by fuzzing: encoded again, it would have become an object without a class.
  it("is refused", function()
    local mark = "\239\187\191"
    local value, err = ws.bytes_to_var("\24\0\0\0\6\0\0\0" .. mark .. mark .. "\0\0" .. "\0\0\0\0", true)
    assert.is_nil(value)
    assert.equals(ws.ERR_INVALID_DATA, err)
    assert.equals("A", ws.bytes_to_var("\24\0\0\0\4\0\0\0" .. mark .. "A" .. "\0\0\0\0", true).class)
  end)
end)

describe("finalizers during encoding", function()
  it("may use the codec themselves", function()
    local runs, wrong = 0, 0
    local inner = ("inner"):rep(100)
    local value = {}
    for i = 1, 2000 do value[i] = { name = "item " .. i, place = ws.Vector2(i, -i) } end
    local state = ws.Dictionary()
    for i = 1, 2000 do state["key" .. i] = i end
    local expected, expected_state = ws.var_to_bytes(value[1]), ws.var_to_bytes(state)
    local list_size = #ws.var_to_bytes(value)
    local restore = collector.tune(100)
    for _ = 1, 50 do
      for _ = 1, 20 do
        finalized(function()
          runs = runs + 1
          if ws.bytes_to_var(ws.var_to_bytes { inner, inner })[1] ~= inner then wrong = wrong + 1 end
          ws.var_to_bytes { print }
          if #ws.var_to_bytes(value[1]) ~= #expected then wrong = wrong + 1 end
        end)
      end
      assert.equal(list_size, #ws.var_to_bytes(value))
      assert.equal(expected_state, ws.var_to_bytes(state))
      assert.equal(expected_state, ws.var_to_bytes(ws.bytes_to_var(expected_state)))
      collectgarbage "step"
    end
    restore()
    collectgarbage()
    assert.is_true(runs > 0)
    assert.equal(0, wrong)
  end)
end)

describe("put_var and get_var", function()
  after_each(session.close)

  local STATE = { position = ws.Vector3(1, 2, 3), names = { "a", "b" }, hit = true }

  local function assert_state(value)
    assert.is_true(value.position == STATE.position)
    assert.equal("b", value.names[2])
    assert.is_true(value.hit)
  end

  it("exchange values between peers", function()
    local server, client, id = session.pair()
    server:set_target_peer(id)
    assert.equal(ws.OK, server:put_var(STATE))
    assert.equal(ws.OK, client:put_var(STATE))
    for _, peer in ipairs { server, client } do
      wait.until_(function() return peer:get_available_packet_count() > 0 end, { server, client })
      assert_state(peer:get_var())
      assert.equal(ws.OK, peer:get_packet_error())
    end
    assert.equal(ws.OK, client:put_var(nil))
    assert.equal(ws.OK, client:put_var(false))
    wait.until_(function() return server:get_available_packet_count() == 2 end, { server, client })
    assert.is_nil((server:get_var()))
    assert.is_false((server:get_var()))
  end)

  it("use the bytes of var_to_bytes", function()
    local server, client = session.pair()
    client:put_var { 1, "a" }
    client:put_packet(ws.var_to_bytes "packet")
    wait.until_(function() return server:get_available_packet_count() == 2 end, { server, client })
    assert.equal(ws.var_to_bytes { 1, "a" }, server:get_packet())
    assert.equal("packet", server:get_var())
  end)

  it("say what is wrong", function()
    local fresh = session.peer()
    assert.equal(ws.ERR_UNCONFIGURED, (fresh:put_var(1)))
    local value, err, why = fresh:get_var()
    assert.is_nil(value)
    assert.equal(ws.ERR_UNCONFIGURED, err)
    assert.equal("string", type(why))

    local server, client = session.pair()
    value, err = client:get_var()
    assert.is_nil(value)
    assert.equal(ws.ERR_UNAVAILABLE, err)
    local result, text = client:put_var { players = { print } }
    assert.equal(ws.ERR_INVALID_DATA, result)
    assert.equal("at players[1]: a function", text)
    local list = {}
    for _ = 1, 1100 do list = { list } end
    assert.equal(ws.ERR_OUT_OF_MEMORY, (client:put_var(list)))
    assert.has_error(function() client:put_var() end)
    assert.equal(0, server:get_available_packet_count())
  end)

  it("are bounded by encode_buffer_max_size", function()
    local server, client = session.pair()
    assert.equal(8388608, client.encode_buffer_max_size)
    client.encode_buffer_max_size = 1500
    assert.equal(2048, client.encode_buffer_max_size)
    for _, ignored in ipairs { 0, 1023, -1, 268435457 } do
      client.encode_buffer_max_size = ignored
      assert.equal(2048, client.encode_buffer_max_size)
    end
    client.encode_buffer_max_size = 1024
    assert.equal(ws.OK, client:put_var(ws.PackedByteArray(("x"):rep(1016))))
    local err, why = client:put_var(ws.PackedByteArray(("x"):rep(1017)))
    assert.equal(ws.ERR_OUT_OF_MEMORY, err)
    assert.matches("1028 bytes are more than encode_buffer_max_size", why)
    wait.until_(function() return server:get_available_packet_count() == 1 end, { server, client })
    assert.equal(1016, #server:get_var().bytes)
  end)

  it("take a packet that is no value, and say so", function()
    local server, client = session.pair()
    client:put_packet "\255\0\0\0"
    client:put_var "next"
    client:put_packet(from_hex "180000000a000000526566436f756e746564000000000000")
    client:put_packet(from_hex "180000000a000000526566436f756e746564000000000000")
    wait.until_(function() return server:get_available_packet_count() == 4 end, { server, client })
    local value, err, why = server:get_var()
    assert.is_nil(value)
    assert.equal(ws.ERR_INVALID_DATA, err)
    assert.matches("not a well%-formed Variant", why)
    assert.equal(ws.ERR_INVALID_DATA, server:get_packet_error())
    assert.equal("next", server:get_var())
    assert.equal(ws.OK, server:get_packet_error())
    value, err = server:get_var()
    assert.is_nil(value)
    assert.equal(ws.ERR_UNAUTHORIZED, err)
    assert.equal("RefCounted", server:get_var(true).class)
    assert.has_error(function() server:get_var "x" end)
    assert.has_error(function() client:put_var(1, "x") end)
  end)

  it("send objects only on demand", function()
    local server, client = session.pair()
    local object = ws.bytes_to_var(from_hex "180000000a000000526566436f756e746564000000000000", true)
    assert.equal(ws.ERR_UNAUTHORIZED, (client:put_var(object)))
    assert.equal(ws.OK, client:put_var(object, true))
    wait.until_(function() return server:get_available_packet_count() == 1 end, { server, client })
    assert.equal("RefCounted", server:get_var(true).class)
  end)

  it("work on a WebSocketPeer alone", function()
    local fresh = ws.WebSocketPeer.new()
    assert.is_true((fresh:put_var(1)) ~= ws.OK)
    local nothing, missing = fresh:get_var()
    assert.is_nil(nothing)
    assert.is_true(missing ~= nil)
    assert.equal(8388608, fresh.encode_buffer_max_size)
    fresh.encode_buffer_max_size = 1025
    assert.equal(2048, fresh.encode_buffer_max_size)

    local server = session.server()
    local accepted
    local client = ws.WebSocketPeer.new()
    assert.equal(ws.OK, (client:connect_to_url("ws://127.0.0.1:" .. server:get_bound_port())))
    local function poll()
      client:poll()
      return client:get_ready_state() == ws.WebSocketPeer.STATE_OPEN and client:get_available_packet_count() > 0
    end
    server.peer_connected:connect(function(id) accepted = id end)
    wait.until_(function() poll() return accepted end, { server })
    client:get_packet() -- its id
    client.encode_buffer_max_size = 1024
    assert.equal(ws.ERR_OUT_OF_MEMORY, (client:put_var(ws.PackedByteArray(("x"):rep(2000)))))
    assert.equal(ws.ERR_INVALID_DATA, (client:put_var(print)))
    assert.equal(ws.OK, client:put_var(STATE))
    wait.until_(function() poll() return server:get_available_packet_count() > 0 end, { server })
    assert_state(server:get_var())
    server:set_target_peer(accepted)
    server:put_packet "\1"
    server:put_var(STATE)
    wait.until_(function() poll() return client:get_available_packet_count() == 2 end, { server })
    local value, err, why = client:get_var()
    assert.is_nil(value)
    assert.equal(ws.ERR_INVALID_DATA, err)
    assert.equal("string", type(why))
    assert.equal(ws.ERR_INVALID_DATA, client:get_packet_error())
    assert_state(client:get_var())
    assert.equal(ws.OK, client:get_packet_error())
    client:close(-1)
  end)
end)
