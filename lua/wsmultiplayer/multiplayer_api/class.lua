--- Objects that keep their state out of the program's reach, and raise for fields that they do not have.

-- Where an object keeps it.
local STATE = {}

-- What tostring says of a table without a metatable.
local addresses = setmetatable({}, { __mode = "k" })

-- Three functions: new(state) makes an object; state_of(object, method [, level]) gives its state, or raises what is to
-- be raised where that is no such object, at the caller of the method; find(object) gives it or nil.
-- @tparam string name
-- @tparam table methods
-- @tparam[opt] table properties by name: { get = function(state), set = function(state, value, complain) }
-- @tparam[opt] function extra(state, name) gives what else can be read
-- @tparam[opt] function describe(state) gives what tostring adds
local function class(name, methods, properties, extra, describe)
  properties = properties or {}
  local function index(object, key)
    local method = methods[key]
    if method ~= nil then return method end
    local state = rawget(object, STATE)
    local property = properties[key]
    if property then return property.get(state) end
    local value = extra and extra(state, key)
    if value ~= nil then return value end
    error(("%s has no field '%s'"):format(name, tostring(key)), 2)
  end

  local function newindex(object, key, value)
    local property = properties[key]
    if not property then error(("%s has no field '%s' that can be set"):format(name, tostring(key)), 2) end
    property.set(rawget(object, STATE), value, function(problem)
      error(("bad value for field '%s' (%s)"):format(key, problem), 3)
    end)
  end

  local meta = {
    __name = name,
    __metatable = name,
    __index = index,
    __newindex = newindex,
    __tostring = function(object)
      local state = rawget(object, STATE)
      return ("%s: %s (%s)"):format(name, addresses[object], describe(state))
    end,
  }

  local function new(state)
    local object = { [STATE] = state }
    addresses[object] = tostring(object):match("^table: (.*)")
    return setmetatable(object, meta)
  end

  local function find(object)
    return type(object) == "table" and getmetatable(object) == name and rawget(object, STATE) or nil
  end

  local function state_of(object, method, level)
    local state = find(object)
    if state then return state end
    error(("bad argument #0 to '%s' (%s expected, got %s)"):format(method, name, type(object)), level or 3)
  end

  return new, state_of, find
end

return class
