--- Godot's Signal: an ordered list of functions that are called when something happens.

local errors = require("wsmultiplayer.core").errors
local CONNECT_ONE_SHOT = require("wsmultiplayer.constants").CONNECT_ONE_SHOT

local Signal = {}
Signal.__index = Signal
Signal.__name = "Signal"

local OK, ERR_INVALID_PARAMETER = errors.OK, errors.ERR_INVALID_PARAMETER

-- A callable is a function or anything with __call.
local function check_callable(value, position, method)
  local kind = type(value)
  if kind == "function" then return end
  if kind == "table" or kind == "userdata" then
    local meta = getmetatable(value)
    if type(meta) == "table" and meta.__call then return end
  end
  error(("bad argument #%d to '%s' (function expected, got %s)"):format(position, method, kind), 3)
end

local function find(self, fn)
  for i = 1, #self.connections do
    if self.connections[i].callable == fn then return i end
  end
end

local function new(name)
  return setmetatable({ name = name, connections = {} }, Signal)
end

--- Calls `fn` at each emission, after those connected before.
-- @tparam function fn
-- @tparam[opt=0] integer flags CONNECT_ONE_SHOT: only once
-- @treturn integer OK, or ERR_INVALID_PARAMETER and a text if `fn` is connected already
function Signal:connect(fn, flags)
  check_callable(fn, 1, "connect")
  if flags ~= nil and type(flags) ~= "number" then
    error(("bad argument #2 to 'connect' (number expected, got %s)"):format(type(flags)), 2)
  end
  if find(self, fn) then
    return ERR_INVALID_PARAMETER, ("the function is connected to %s already"):format(self.name)
  end
  flags = flags or 0
  -- A new list each time: whoever is walking the old one keeps its snapshot.
  local connections = {}
  for i = 1, #self.connections do connections[i] = self.connections[i] end
  connections[#connections + 1] = {
    callable = fn,
    flags = flags,
    one_shot = flags % (2 * CONNECT_ONE_SHOT) >= CONNECT_ONE_SHOT,
  }
  self.connections = connections
  return OK
end

--- Stops calling `fn`, at once.
-- @treturn integer OK, or ERR_INVALID_PARAMETER and a text if it was not connected
function Signal:disconnect(fn)
  check_callable(fn, 1, "disconnect")
  local at = find(self, fn)
  if not at then
    return ERR_INVALID_PARAMETER, ("the function is not connected to %s"):format(self.name)
  end
  local connections = {}
  for i = 1, #self.connections do
    if i ~= at then connections[#connections + 1] = self.connections[i] end
  end
  self.connections = connections
  return OK
end

function Signal:is_connected(fn)
  check_callable(fn, 1, "is_connected")
  return find(self, fn) ~= nil
end

--- What is connected, in order: a list of { callable = fn, flags = n }.
function Signal:get_connections()
  local list = {}
  for i = 1, #self.connections do
    local connection = self.connections[i]
    list[i] = { callable = connection.callable, flags = connection.flags, signal = self }
  end
  return list
end

function Signal:has_connections() return #self.connections > 0 end

function Signal:get_name() return self.name end

function Signal:__tostring() return "Signal: " .. self.name end

-- Starts an emission to those connected now; `step` calls the next one. What is disconnected meanwhile is still called,
-- as in Godot.
local function begin(self, ...)
  local emission = { connections = self.connections, at = 0, count = select("#", ...), ... }
  for i = 1, #emission.connections do
    local connection = emission.connections[i]
    if connection.one_shot then self:disconnect(connection.callable) end
  end
  return emission
end

local unpack = table.unpack or unpack -- luacheck: ignore 143

-- Calls the next function. False when there is none left.
local function step(emission)
  emission.at = emission.at + 1
  local connection = emission.connections[emission.at]
  if not connection then return false end
  connection.callable(unpack(emission, 1, emission.count))
  return true
end

--- Calls all connected functions with the arguments, now. An error in one of them ends it and is passed on.
function Signal:emit(...)
  local emission = begin(self, ...)
  while step(emission) do end -- luacheck: ignore 542
end

--- Of a table of signals the one that is the first argument of `method`; raises at its caller if there is none.
local function named(signals, name, method)
  if type(name) ~= "string" then
    error(("bad argument #1 to '%s' (string expected, got %s)"):format(method, type(name)), 3)
  end
  return signals[name] or error(("bad argument #1 to '%s' (there is no signal '%s')"):format(method, name), 3)
end

--- Adds to a class the methods of Godot's Object that name a signal.
-- @tparam table methods
-- @tparam function signals_of (object, method) gives an object's signals by name, or raises for another object
local function add_methods(methods, signals_of)
  --- Object.connect: connects a function to a signal by its name; see Signal.connect for the results.
  function methods.connect(object, name, fn, flags)
    return named(signals_of(object, "connect"), name, "connect"):connect(fn, flags)
  end

  --- The same under the name that many Lua libraries use.
  function methods.on(object, name, fn, flags)
    return named(signals_of(object, "on"), name, "on"):connect(fn, flags)
  end

  --- Object.disconnect
  function methods.disconnect(object, name, fn)
    return named(signals_of(object, "disconnect"), name, "disconnect"):disconnect(fn)
  end

  --- Object.is_connected
  function methods.is_connected(object, name, fn)
    return named(signals_of(object, "is_connected"), name, "is_connected"):is_connected(fn)
  end
end

return { new = new, begin = begin, step = step, named = named, add_methods = add_methods, class = Signal }
