-- A Lua of its own, the same that runs the specs and with the same module.
local child = {}

local function interpreter()
  local at = -1
  while arg and arg[at - 1] do at = at - 1 end
  return assert(arg and arg[at], "this Lua does not know its own name")
end

-- Runs Lua code with these environment variables; gives all that it printed, then "status N".
function child.run(code, environment)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(("package.path, package.cpath = %q, %q\n"):format(package.path, package.cpath), code)
  file:close()
  local settings = {}
  for key, value in pairs(environment or {}) do settings[#settings + 1] = ("%s='%s' "):format(key, value) end
  local pipe = assert(io.popen(("%s%s %s 2>&1; echo status $?"):format(table.concat(settings), interpreter(), name)))
  local output = pipe:read "*a"
  pipe:close()
  os.remove(name)
  return output
end

return child
