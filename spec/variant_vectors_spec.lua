-- What a real Godot makes of values and of bytes (spec/data): the codec makes the same of them.
local ws = require "wsmultiplayer"
local units = require "wsmultiplayer_units"
local variants = require "support.variants"

local from_hex, to_hex = variants.from_hex, variants.to_hex
local text_of, golden_text = variants.describe, variants.describe_golden

local vectors, malformed = variants.load "vectors", variants.load "malformed"

-- Where Lua has no integers, floats without a fraction are sent as integers; see docs.
local no_integers = not math.type

-- Those that check() complains about, each with its complaint, in one text.
local function failing(list, check)
  local failures, count = {}, 0
  for _, case in ipairs(list) do
    local ok, why = pcall(check, case)
    count = count + 1
    if not ok then why = "raised: " .. tostring(why) end
    if why then failures[#failures + 1] = case.name .. ": " .. why:sub(1, 300) end
  end
  assert(count > 0)
  return table.concat(failures, "\n")
end

local function differ(what, expected, actual)
  if expected ~= actual then return ("%s: expected %s, got %s"):format(what, tostring(expected), tostring(actual)) end
end

-- Where we differ from Godot on purpose: its sum of two counts wraps around; a number of properties is not negative; an
-- object stays data, so that its class need not exist and its script is a property like others.
local REFUSED = { node_path_counts_wrap_to_none = true }
local REFUSED_OBJECTS = { object_full_count_minus_1 = true }
local TAKEN_OBJECTS = {
  object_full_unknown_class = true, object_full_script_not_string = true, object_full_script_bad_path = true,
}

-- What decoding a vector gives, in the words of the data files.
local function outcome(case)
  local result = case.decoded or case
  return result.type, result.value
end

-- LuaJIT keeps only one NaN.
local function may_change(kind, value)
  -- Godot takes an int for a value of a typed Dictionary of floats; without integers it becomes a float.
  if no_integers and variants.any(kind, value, variants.has_int_among_floats) then return true end
  return no_integers and variants.any(kind, value, variants.is_integral_float) or
    jit and variants.has_nan(kind, value)
end

describe("golden values", function()
  it("decode to the value that Godot gives", function()
    assert.equal("", failing(vectors, function(case)
      local value, err, why = ws.bytes_to_var(from_hex(case.hex))
      if err then return "refused: " .. err .. " " .. why end
      return differ("value", golden_text(outcome(case)), text_of(value))
    end))
  end)

  it("encode back to their bytes", function()
    local skipped = 0
    assert.equal("", failing(vectors, function(case)
      if may_change(outcome(case)) then
        skipped = skipped + 1
        return
      end
      return differ("bytes", case.reencoded or case.hex, to_hex(ws.var_to_bytes(ws.bytes_to_var(from_hex(case.hex)))))
    end))
    assert.is_true(skipped < #vectors / 4, skipped .. " skipped")
    if not (no_integers or jit) then assert.equal(0, skipped) end
  end)

  it("encode to their bytes when built with the constructors", function()
    assert.equal("", failing(vectors, function(case)
      local kind, value = case.type, case.value
      if case.decoded and kind ~= "String" then kind, value = outcome(case) end
      if variants.any(kind, value, variants.is_typed) or variants.has_nan(kind, value) then return end
      local bytes, _, why = ws.var_to_bytes(variants.build(kind, value))
      return differ("bytes", case.hex, bytes and to_hex(bytes) or why)
    end))
  end)

  it("decode with objects allowed to their bytes again", function()
    local list = {}
    for _, case in ipairs(vectors) do
      if case.hex_with_objects and case.type == "Object" then list[#list + 1] = case end
    end
    assert.equal("", failing(list, function(case)
      local bytes = from_hex(case.hex_with_objects)
      local refused, err = ws.bytes_to_var(bytes)
      if refused ~= nil or err ~= ws.ERR_UNAUTHORIZED then return "not refused" end
      local object = assert(ws.bytes_to_var(bytes, true))
      local _, refusal = ws.var_to_bytes(object)
      return differ("class", case.value.class, object.class) or differ("refusal", ws.ERR_UNAUTHORIZED, refusal) or
        differ("bytes", case.hex_with_objects, to_hex(assert(ws.var_to_bytes(object, true))))
    end))
  end)
end)

describe("unusual and malformed bytes", function()
  it("decode where Godot decodes them, to the same value", function()
    assert.equal("", failing(malformed, function(case)
      local value, err, why = ws.bytes_to_var(from_hex(case.hex))
      if not case.ok or REFUSED[case.name] then
        if not err then return "decoded, but not by Godot: " .. text_of(value) end
        local is_failure = value == nil and type(err) == "number" and err ~= 0 and type(why) == "string"
        return not is_failure and "a strange failure" or nil
      end
      if err then return "refused, but not by Godot: " .. err .. " " .. why end
      if case.value == nil then return end
      return differ("value", golden_text(case.type, case.value), text_of(value))
    end))
  end)

  it("encode back as Godot does", function()
    assert.equal("", failing(malformed, function(case)
      if not case.ok or not case.reencoded or REFUSED[case.name] then return end
      if case.value ~= nil and may_change(case.type, case.value) then return end
      if units.x87 and case.name:find "signalling" then return end -- it makes quiet ones of them
      return differ("bytes", case.reencoded, to_hex(ws.var_to_bytes(ws.bytes_to_var(from_hex(case.hex)))))
    end))
  end)

  it("decode with objects allowed where Godot does", function()
    local list = {}
    for _, case in ipairs(malformed) do
      if case.ok_with_objects ~= nil then list[#list + 1] = case end
    end
    assert.equal("", failing(list, function(case)
      local value, err = ws.bytes_to_var(from_hex(case.hex), true)
      local taken = case.ok_with_objects and not REFUSED_OBJECTS[case.name] or TAKEN_OBJECTS[case.name] or false
      if taken ~= (err == nil) then return err and "refused" or "taken" end
      if not case.ok_with_objects then return end
      local class = type(value) == "table" and value.class
      if value ~= nil and class then return differ("class", case.class_with_objects, class) end
    end))
  end)
end)
