-- The golden values of spec/data: read, described for comparing, and built with the public constructors.
local ws = require "wsmultiplayer"
local json = require "support.json"

local unpack = table.unpack or unpack

local variants = {}

local folder = debug.getinfo(1, "S").source:match("^@(.*)support[/\\]variants%.lua$") .. "data/"

-- "vectors" or "malformed".
function variants.load(name) return json.lines(folder .. "variant_" .. name .. ".jsonl") end

function variants.from_hex(hex)
  return (hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

function variants.to_hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local SPECIAL = { inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0 }

-- A float of the data files as a number.
local function float(value) return SPECIAL[value] or value * 1.0 end

local function show(number)
  if number ~= number then return "nan" end
  if number == math.huge then return "inf" end
  if number == -math.huge then return "-inf" end
  return ("%.17g"):format(number)
end

-- Where Lua has no integers, floats and integers up to 2^53 are the same.
local function show_int(digits)
  if math.type then return "int " .. digits end
  local number = tonumber(digits)
  -- What tonumber may have rounded is not taken for a number.
  local exact = number >= -2 ^ 53 and number <= 2 ^ 53 and ("%.0f"):format(number) == digits
  return exact and "number " .. show(number) or "int " .. digits
end

local function show_float(number) return (math.type and "float " or "number ") .. show(number) end

-- The digits of any form of integer.
local function digits(value)
  if type(value) == "number" and not math.type then return ("%.0f"):format(value) end
  return (tostring(value):gsub("U?LL$", ""))
end

local function show_list(list, show_item)
  local parts = {}
  for i = 1, #list do parts[i] = show_item(list[i]) end
  return "[" .. table.concat(parts, ", ") .. "]"
end

local function show_quoted(text) return ("%q"):format(text) end

-- The compound types: their fields, and the type of each (nil: a number).
local COMPOUNDS = {
  Vector2 = { "x", "y" }, Vector2i = { "x", "y" },
  Vector3 = { "x", "y", "z" }, Vector3i = { "x", "y", "z" },
  Vector4 = { "x", "y", "z", "w" }, Vector4i = { "x", "y", "z", "w" },
  Quaternion = { "x", "y", "z", "w" }, Color = { "r", "g", "b", "a" },
  Rect2 = { "position", "size", position = "Vector2", size = "Vector2" },
  Rect2i = { "position", "size", position = "Vector2i", size = "Vector2i" },
  AABB = { "position", "size", position = "Vector3", size = "Vector3" },
  Plane = { "normal", "d", normal = "Vector3" },
  Transform2D = { "x", "y", "origin", x = "Vector2", y = "Vector2", origin = "Vector2" },
  Basis = { "x", "y", "z", x = "Vector3", y = "Vector3", z = "Vector3" },
  Transform3D = { "basis", "origin", basis = "Basis", origin = "Vector3" },
  Projection = { "x", "y", "z", "w", x = "Vector4", y = "Vector4", z = "Vector4", w = "Vector4" },
}

local PACKED = {
  PackedInt32Array = "int", PackedInt64Array = "digits", PackedFloat32Array = "float", PackedFloat64Array = "float",
  PackedStringArray = "text", PackedVector2Array = "Vector2", PackedVector3Array = "Vector3",
  PackedVector4Array = "Vector4", PackedColorArray = "Color",
}

-- Numbers of compound types come without names in the data files.
local function part(kind, value, i)
  if value[1] ~= nil then return value[i] end
  return value[COMPOUNDS[kind][i]]
end

local describe_golden, describe

local function compound_golden(kind, value)
  local fields, parts = COMPOUNDS[kind], {}
  for i, field in ipairs(fields) do
    local item = part(kind, value, i)
    parts[i] = fields[field] and compound_golden(fields[field], item) or show(float(item))
  end
  return kind .. "(" .. table.concat(parts, ", ") .. ")"
end

local function compound_value(kind, value)
  local fields, parts = COMPOUNDS[kind], {}
  assert(getmetatable(value).__name == kind, "a part of another type")
  for i, field in ipairs(fields) do
    local item = value[field]
    parts[i] = fields[field] and compound_value(fields[field], item) or show(item)
  end
  return kind .. "(" .. table.concat(parts, ", ") .. ")"
end

local function packed_item_golden(kind)
  if kind == "int" or kind == "float" then return function(item) return show(float(item)) end end
  if kind == "digits" then return tostring end
  if kind == "text" then return show_quoted end
  return function(item) return compound_golden(kind, item) end
end

local function packed_item_value(kind)
  if kind == "int" or kind == "float" then return show end
  if kind == "digits" then return digits end
  if kind == "text" then return show_quoted end
  return function(item) return compound_value(kind, item) end
end

-- A value of the data files as text.
function describe_golden(kind, value)
  if kind == "Nil" or value == json.null and kind == "Object" then return "null" end
  if kind == "bool" then return tostring(value) end
  if kind == "int" then return show_int(value) end
  if kind == "float" then return show_float(float(value)) end
  if kind == "String" then return show_quoted(value) end
  if kind == "StringName" then return "&" .. show_quoted(value) end
  if kind == "NodePath" then
    return "NodePath " .. tostring(value.absolute) .. show_list(value.names, show_quoted) ..
      show_list(value.subnames, show_quoted) .. show_quoted(value.path)
  end
  if kind == "RID" then return "RID " .. value end
  if kind == "Object" then return "Object " .. value.object_id end
  if kind == "Callable" then return "Callable" end
  if kind == "Signal" then return "Signal " .. show_quoted(value.name) .. value.object_id end
  if kind == "PackedByteArray" then return "PackedByteArray " .. value end
  if COMPOUNDS[kind] then return compound_golden(kind, value) end
  if PACKED[kind] then return kind .. show_list(value, packed_item_golden(PACKED[kind])) end
  if kind == "Array" then
    return show_list(value.items, function(item) return describe_golden(item.type, item.value) end)
  end
  assert(kind == "Dictionary", kind)
  return "{" .. show_list(value.entries, function(entry)
    local key, item = entry[1], entry[2]
    -- In the table a StringName's key is its text.
    local key_type = key.type == "StringName" and "String" or key.type
    return describe_golden(key_type, key.value) .. " = " .. describe_golden(item.type, item.value)
  end) .. "}"
end

-- A decoded Lua value as the same text.
function describe(value)
  if value == nil or rawequal(value, ws.null) then return "null" end
  local kind = type(value)
  if kind == "boolean" then return tostring(value) end
  if kind == "number" then
    if math.type and math.type(value) == "integer" then return show_int(tostring(value)) end
    return show_float(value)
  end
  if kind == "string" then return show_quoted(value) end
  if kind == "cdata" then return show_int(digits(value)) end
  local name = getmetatable(value).__name
  if name == "int" then return show_int(tostring(value)) end
  if name == "float" then return show_float(value.value) end
  if name == "StringName" then return "&" .. show_quoted(value.name) end
  if name == "NodePath" then
    return "NodePath " .. tostring(value.absolute) .. show_list(value.names, show_quoted) ..
      show_list(value.subnames, show_quoted) .. show_quoted(tostring(value))
  end
  if name == "RID" then return "RID " .. digits(value.id) end
  if name == "Object" then return "Object " .. digits(value.object_id) end
  if name == "Callable" then return "Callable" end
  if name == "Signal" then return "Signal " .. show_quoted(value.name) .. digits(value.object_id) end
  if name == "PackedByteArray" then return "PackedByteArray " .. variants.to_hex(value.bytes) end
  if COMPOUNDS[name] then return compound_value(name, value) end
  if PACKED[name] then return name .. show_list(value, packed_item_value(PACKED[name])) end
  if name == "Array" then return show_list(value, describe) end
  assert(name == "Dictionary", name)
  local parts = {}
  for key, item in ws.ordered_pairs(value) do
    parts[#parts + 1] = describe(key) .. " = " .. describe(item)
  end
  return "{[" .. table.concat(parts, ", ") .. "]}"
end

variants.describe, variants.describe_golden = describe, describe_golden

local function build_compound(kind, value)
  local fields, parts = COMPOUNDS[kind], {}
  for i, field in ipairs(fields) do
    local item = part(kind, value, i)
    parts[i] = fields[field] and build_compound(fields[field], item) or float(item)
  end
  return ws[kind](unpack(parts))
end

local function build_packed(kind, list)
  local items, item_kind = {}, PACKED[kind]
  for i = 1, #list do
    local item = list[i]
    if item_kind == "float" then
      item = float(item)
    elseif item_kind == "digits" then
      item = ws.int(item)
    elseif COMPOUNDS[item_kind] then
      item = build_compound(item_kind, item)
    end
    items[i] = item
  end
  return ws[kind](items)
end

-- A value of the data files, made with the public constructors only.
function variants.build(kind, value)
  local build = variants.build
  if kind == "Nil" or value == json.null and kind == "Object" then return nil end
  if kind == "bool" or kind == "String" then return value end
  if kind == "int" then return ws.int(value) end
  if kind == "float" then return ws.float(float(value)) end
  if kind == "StringName" then return ws.StringName(value) end
  if kind == "NodePath" then return ws.NodePath(value.path) end
  if kind == "RID" then return ws.RID(ws.int(value)) end
  if kind == "Object" then return ws.EncodedObjectAsID(ws.int(value.object_id)) end
  if kind == "Callable" then return ws.Callable() end
  if kind == "Signal" then return ws.Signal(value.name, ws.int(value.object_id)) end
  if kind == "PackedByteArray" then return ws.PackedByteArray(variants.from_hex(value)) end
  if COMPOUNDS[kind] then return build_compound(kind, value) end
  if PACKED[kind] then return build_packed(kind, value) end
  local function inner(item)
    local made = build(item.type, item.value)
    if made == nil then return ws.null end
    return made
  end
  if kind == "Array" then
    local items = {}
    for i = 1, #value.items do items[i] = inner(value.items[i]) end
    return ws.Array(items)
  end
  assert(kind == "Dictionary", kind)
  local dictionary = ws.Dictionary()
  for i = 1, #value.entries do
    local entry = value.entries[i]
    dictionary[inner(entry[1])] = inner(entry[2])
  end
  return dictionary
end

-- Whether something in a value of the data files answers yes: predicate(kind, value).
function variants.any(kind, value, predicate)
  if predicate(kind, value) then return true end
  if kind == "Array" then
    for i = 1, #value.items do
      if variants.any(value.items[i].type, value.items[i].value, predicate) then return true end
    end
  elseif kind == "Dictionary" then
    for i = 1, #value.entries do
      for side = 1, 2 do
        local item = value.entries[i][side]
        if variants.any(item.type, item.value, predicate) then return true end
      end
    end
  end
  return false
end

-- A typed container, which only decoding makes.
function variants.is_typed(kind, value)
  if kind == "Array" then return value.element_type ~= json.null end
  return kind == "Dictionary" and (value.key_type ~= json.null or value.value_type ~= json.null)
end

-- A float that Lua takes for an integer where it has none: it does not come back as a float.
function variants.is_integral_float(kind, value)
  if kind ~= "float" or type(value) ~= "number" then return false end
  return value == math.floor(value) and value >= -2 ^ 53 and value <= 2 ^ 53 and not (value == 0 and 1 / value < 0)
end

function variants.has_int_among_floats(kind, value)
  if kind ~= "Dictionary" or value.value_type == json.null or value.value_type.type ~= "float" then return false end
  for i = 1, #value.entries do
    if value.entries[i][2].type == "int" then return true end
  end
  return false
end

-- Whether a NaN is anywhere in it: which one it is, is beyond Lua.
function variants.has_nan(kind, value)
  if type(value) ~= "table" then return kind ~= "String" and value == "nan" end
  for key, item in pairs(value) do
    if variants.has_nan(key == "value" and value.type or kind, item) then return true end
  end
  return false
end

return variants
