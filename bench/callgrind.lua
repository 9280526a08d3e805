--- Instructions of the C core per message, from what valgrind's callgrind wrote.
-- Counted is what the module and libwebsockets execute themselves, and what they call in the C library; not Lua's
-- interpreter, nor what that calls (its allocations, for instance).

local callgrind = {}

-- Names are written once, later only their number: "(12) name", "(12)".
local function name_of(names, text)
  local number, name = text:match "^(%(%d+%)) ?(.*)$"
  if not number then return text end
  if name ~= "" then names[number] = name end
  return names[number]
end

local function kind_of(object)
  if object:find("core%.so$") or object:find("libwebsockets", 1, true) then return "core" end
  if object:find("/libc[.-]") or object:find("/ld[.-]") then return "library" end
  return "other"
end

--- The sum over one run.
function callgrind.core_instructions(path)
  local objects, total = {}, 0
  local object, callee, calling
  for line in assert(io.lines(path)) do
    local key, value = line:match "^(%l+)=(.*)$"
    if key == "ob" then
      object = kind_of(name_of(objects, value))
      callee = nil
    elseif key == "cob" then
      callee = kind_of(name_of(objects, value))
    elseif key == "calls" then
      calling = true
    elseif not key and line:match "^[%d+*-]" then
      local cost = tonumber(line:match "^%S+ (%d+)")
      if calling then
        if object == "core" and callee == "library" then total = total + cost end
        calling, callee = false, nil
      elseif object == "core" then
        total = total + (cost or 0)
      end
    end
  end
  return total
end

return callgrind
