--- Checks of what a program passes to a method. Misuse raises, with the position of the argument.

local arguments = {}

local function bad(position, method, expected, value)
  error(("bad argument #%d to '%s' (%s expected, got %s)"):format(position, method, expected, type(value)), 4)
end

function arguments.string(value, position, method)
  if type(value) ~= "string" then bad(position, method, "string", value) end
  return value
end

--- A whole number of 32 bits, as the ids of peers are.
function arguments.integer(value, position, method, default)
  if value == nil and default then return default end
  if type(value) ~= "number" then bad(position, method, "number", value) end
  if value % 1 ~= 0 or value < -2147483648 or value > 2147483647 then
    error(("bad argument #%d to '%s' (not a 32-bit integer)"):format(position, method), 3)
  end
  return value
end

function arguments.table(value, position, method)
  if type(value) ~= "table" then bad(position, method, "table", value) end
  return value
end

function arguments.is_callable(value)
  if type(value) == "function" then return true end
  local meta = (type(value) == "table" or type(value) == "userdata") and getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
end

return arguments
