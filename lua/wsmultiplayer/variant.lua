--- Godot's Variant types that Lua does not have: values with fields, equality and tostring; containers with an order;
-- and the functions that turn values into bytes and back.

local codec = require("wsmultiplayer.core").variant
local int64 = require "wsmultiplayer.int64"

local types = codec.types

-- Places in `types` after those of Variant types; see src/binding/variant.h.
local NULL, ORDERS, ELEMENTS, MAKE_INT, SPLIT_INT = 40, 41, 42, 43, 44

local variant = { var_to_bytes = codec.encode, bytes_to_var = codec.decode, int = int64.int }

local function type_error(name, position, expected, value)
  error(("bad argument #%d to '%s' (%s expected, got %s)"):format(position, name, expected, type(value)), 3)
end

-- ---- compound values

local function same_fields(fields)
  return function(a, b)
    for i = 1, #fields do
      if a[fields[i]] ~= b[fields[i]] then return false end
    end
    return true
  end
end

local function show_fields(name, fields)
  return function(self)
    local parts = {}
    for i = 1, #fields do
      local part = self[fields[i]]
      parts[i] = type(part) == "number" and ("%.14g"):format(part) or tostring(part)
    end
    return name .. "(" .. table.concat(parts, ", ") .. ")"
  end
end

local function register(name, number, fields)
  local meta = {
    __name = name,
    variant_type = number,
    __eq = same_fields(fields),
    __tostring = show_fields(name, fields),
  }
  types[number] = meta
  return meta
end

-- A type of numbers: name(...), each missing one being its default.
local function numbers(name, number, fields, defaults)
  local meta = register(name, number, fields)
  local count = #fields
  variant[name] = function(...)
    local value = {}
    for i = 1, count do
      local part = select(i, ...)
      if part == nil then part = defaults and defaults[i] or 0 end
      if type(part) ~= "number" then type_error(name, i, "number", part) end
      value[fields[i]] = part
    end
    return setmetatable(value, meta)
  end
end

numbers("Vector2", 5, { "x", "y" })
numbers("Vector2i", 6, { "x", "y" })
numbers("Vector3", 9, { "x", "y", "z" })
numbers("Vector3i", 10, { "x", "y", "z" })
numbers("Vector4", 12, { "x", "y", "z", "w" })
numbers("Vector4i", 13, { "x", "y", "z", "w" })
numbers("Quaternion", 15, { "x", "y", "z", "w" }, { 0, 0, 0, 1 })
numbers("Color", 20, { "r", "g", "b", "a" }, { 0, 0, 0, 1 })

local Vector2, Vector2i, Vector3, Vector4 = variant.Vector2, variant.Vector2i, variant.Vector3, variant.Vector4

-- A type of other types: name(part, ...). Each of the list is a field, its type's number and a function that makes its
-- default.
local function parts(name, number, list)
  local fields = {}
  for i = 1, #list do fields[i] = list[i][1] end
  local meta = register(name, number, fields)
  variant[name] = function(...)
    local value = {}
    for i = 1, #list do
      local field, expected, default = list[i][1], list[i][2], list[i][3]
      local part = select(i, ...)
      if part == nil then part = default() end
      if expected and getmetatable(part) ~= types[expected] then type_error(name, i, types[expected].__name, part) end
      if not expected and type(part) ~= "number" then type_error(name, i, "number", part) end
      value[field] = part
    end
    return setmetatable(value, meta)
  end
end

parts("Rect2", 7, { { "position", 5, Vector2 }, { "size", 5, Vector2 } })
parts("Rect2i", 8, { { "position", 6, Vector2i }, { "size", 6, Vector2i } })
parts("Transform2D", 11, {
  { "x", 5, function() return Vector2(1, 0) end },
  { "y", 5, function() return Vector2(0, 1) end },
  { "origin", 5, Vector2 },
})
parts("Plane", 14, { { "normal", 9, Vector3 }, { "d", nil, function() return 0 end } })
parts("AABB", 16, { { "position", 9, Vector3 }, { "size", 9, Vector3 } })
parts("Basis", 17, {
  { "x", 9, function() return Vector3(1, 0, 0) end },
  { "y", 9, function() return Vector3(0, 1, 0) end },
  { "z", 9, function() return Vector3(0, 0, 1) end },
})
parts("Transform3D", 18, { { "basis", 17, variant.Basis }, { "origin", 9, Vector3 } })
parts("Projection", 19, {
  { "x", 12, function() return Vector4(1, 0, 0, 0) end },
  { "y", 12, function() return Vector4(0, 1, 0, 0) end },
  { "z", 12, function() return Vector4(0, 0, 1, 0) end },
  { "w", 12, function() return Vector4(0, 0, 0, 1) end },
})

-- ---- numbers, null

types[2] = int64.Int
types[MAKE_INT], types[SPLIT_INT] = int64.make, int64.split

local Float = register("float", 3, { "value" })

--- A number that is sent as a float whatever its value. On Lua 5.3 and later it is simply a float.
function variant.float(value)
  if type(value) ~= "number" then type_error("float", 1, "number", value) end
  if math.type then return value * 1.0 end -- which keeps -0.0
  return setmetatable({ value = value }, Float)
end

--- Stands for null where Lua's tables can't hold nil: as an element, a key or a value.
variant.null = setmetatable({}, { __name = "null", variant_type = 0, __tostring = function() return "null" end })
types[NULL] = variant.null

-- ---- names, ids

local function text_type(name, number, field)
  local meta = register(name, number, { field })
  variant[name] = function(text)
    if text == nil then text = "" end
    if type(text) ~= "string" then type_error(name, 1, "string", text) end
    return setmetatable({ [field] = text }, meta)
  end
  return meta
end

text_type("StringName", 21, "name").__tostring = function(self) return self.name end

local function same_lists(a, b)
  if #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

local NodePath = register("NodePath", 22, {})
function NodePath.__eq(a, b)
  return a.absolute == b.absolute and same_lists(a.names, b.names) and same_lists(a.subnames, b.subnames)
end
function NodePath.__tostring(self)
  local text = (self.absolute and "/" or "") .. table.concat(self.names, "/")
  for i = 1, #self.subnames do text = text .. ":" .. self.subnames[i] end
  return text
end

--- A path as Godot writes it: "/root/Main:position:x".
function variant.NodePath(text)
  if text == nil then text = "" end
  if type(text) ~= "string" then type_error("NodePath", 1, "string", text) end
  local names, subnames = {}, {}
  local path, rest = text:match("^([^:]*)(.*)$")
  for name in path:gmatch("[^/]+") do names[#names + 1] = name end
  for name in rest:gmatch("[^:]+") do subnames[#subnames + 1] = name end
  return setmetatable({ names = names, subnames = subnames, absolute = path:sub(1, 1) == "/" }, NodePath)
end

-- An id of 64 bits in any form of integer.
local function check_id(name, position, id)
  if type(id) ~= "number" and not int64.split(id) then
    error(("bad argument #%d to '%s' (integer expected, got %s)"):format(position, name, type(id)), 3)
  end
  return id
end

local RID = register("RID", 23, { "id" })
function variant.RID(id) return setmetatable({ id = check_id("RID", 1, id or 0) }, RID) end

local Object = register("Object", 24, { "object_id", "class" })

--- An object of the other side, known by its number only.
function variant.EncodedObjectAsID(object_id)
  return setmetatable({ object_id = check_id("EncodedObjectAsID", 1, object_id) }, Object)
end

local Callable = register("Callable", 25, {})
function variant.Callable() return setmetatable({}, Callable) end

local Signal = register("Signal", 26, { "name", "object_id" })
function variant.Signal(name, object_id)
  if name == nil then name = "" end
  if type(name) ~= "string" then type_error("Signal", 1, "string", name) end
  return setmetatable({ name = name, object_id = check_id("Signal", 2, object_id or 0) }, Signal)
end

-- ---- containers

local weak = { __mode = "k" }
local orders, known = setmetatable({}, weak), setmetatable({}, weak)
types[ORDERS] = orders
types[ELEMENTS] = setmetatable({}, weak)

local Array = { __name = "Array", variant_type = 28 }
types[28] = Array

--- A sequence that is an Array even if it is empty. The table itself is marked and returned.
function variant.Array(list)
  if list ~= nil and type(list) ~= "table" then type_error("Array", 1, "table", list) end
  return setmetatable(list or {}, Array)
end

local Dictionary = { __name = "Dictionary", variant_type = 27 }
types[27] = Dictionary

-- The key under which a key of the order lies in the table; a StringName is the same key as its text.
local function table_key(key)
  if getmetatable(key) == types[21] then return key.name end
  return key
end

-- The shape of a received dictionary: a metatable that is also the list of its keys; see src/binding/variant_shape.c.
local function shape_of(dictionary)
  local meta = getmetatable(dictionary)
  return type(meta) == "table" and meta ~= Dictionary and meta.variant_type == 27 and meta or nil
end

-- In an order, the place of a key that was taken out and came back.
local GONE = {}

-- What is known about a dictionary's order: the places of its keys, and the length at which it is tidied up.
local function places_of(dictionary)
  local order, places = orders[dictionary], known[dictionary]
  if places and #order < places.limit then return order, places.at end
  local tidy, at = {}, {}
  local shape = shape_of(dictionary)
  if shape then setmetatable(dictionary, Dictionary) end -- from now on its order is its own
  for _, key in ipairs(shape or order or tidy) do
    local name = table_key(key)
    if rawget(dictionary, name) ~= nil and not at[name] then
      tidy[#tidy + 1] = key
      at[name] = #tidy
    end
  end
  orders[dictionary], known[dictionary] = tidy, { at = at, limit = 2 * #tidy + 16 }
  return tidy, at
end

-- Only for keys that are not there, and for StringNames: remembers their order.
function Dictionary.__newindex(dictionary, key, value)
  local name = table_key(key)
  if value ~= nil and rawget(dictionary, name) == nil then
    local order, at = places_of(dictionary)
    if at[name] then order[at[name]] = GONE end
    order[#order + 1] = key
    at[name] = #order
  end
  rawset(dictionary, name, value)
end

-- What lies under its text is also found by a StringName.
function Dictionary.__index(dictionary, key)
  local name = table_key(key)
  if name ~= key then return rawget(dictionary, name) end
end

--- The keys of a Dictionary in their order, then those whose order is not known.
function variant.keys(dictionary)
  local list, seen = {}, {}
  for _, key in ipairs(shape_of(dictionary) or orders[dictionary] or {}) do
    key = table_key(key)
    if not seen[key] and rawget(dictionary, key) ~= nil then
      seen[key] = true
      list[#list + 1] = key
    end
  end
  for key in next, dictionary do
    if not seen[key] then list[#list + 1] = key end
  end
  return list
end

--- Like pairs(), in the order of keys(). From Lua 5.2 on pairs() itself does it for a Dictionary.
function variant.ordered_pairs(dictionary)
  local list, at = variant.keys(dictionary), 0
  return function()
    at = at + 1
    local key = list[at]
    if key ~= nil then return key, rawget(dictionary, key) end
  end
end

Dictionary.__pairs = variant.ordered_pairs

--- A table that is a Dictionary whatever its keys, and remembers the order in which keys are added from now on. The
-- table itself is marked and returned.
function variant.Dictionary(content)
  if content ~= nil and type(content) ~= "table" then type_error("Dictionary", 1, "table", content) end
  if content and shape_of(content) then return content end
  return setmetatable(content or {}, Dictionary)
end

-- ---- packed arrays

local PackedByteArray = register("PackedByteArray", 29, { "bytes" })
function PackedByteArray.__tostring(self) return self.bytes end

--- Bytes: from a string, or from a list of numbers from 0 to 255. The string is in the field `bytes`.
function variant.PackedByteArray(content)
  if content == nil then content = "" end
  if type(content) == "table" then
    local bytes = {}
    for i = 1, #content do bytes[i] = string.char(content[i]) end
    content = table.concat(bytes)
  elseif type(content) ~= "string" then
    type_error("PackedByteArray", 1, "string or table", content)
  end
  return setmetatable({ bytes = content }, PackedByteArray)
end

local function packed(name, number)
  local meta = { __name = name, variant_type = number, __eq = same_lists }
  types[number] = meta
  variant[name] = function(list)
    if list ~= nil and type(list) ~= "table" then type_error(name, 1, "table", list) end
    return setmetatable(list or {}, meta)
  end
end

packed("PackedInt32Array", 30)
packed("PackedInt64Array", 31)
packed("PackedFloat32Array", 32)
packed("PackedFloat64Array", 33)
packed("PackedStringArray", 34)
packed("PackedVector2Array", 35)
packed("PackedVector3Array", 36)
packed("PackedColorArray", 37)
packed("PackedVector4Array", 38)

return variant
