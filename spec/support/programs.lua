-- Where the programs and modules lie that were built for the specs, and what they need to run.
local programs = {}

-- The path of a file of this Lua's build, or nil.
function programs.path(name)
  for template in package.cpath:gmatch "[^;]+" do
    local folder = template:match "^(.*)%?%.so$"
    local file = folder and io.open(folder .. name, "rb")
    if file then
      file:close()
      return folder .. name
    end
  end
end

-- The environment for a process into which our library is loaded first; `more` is added to it.
function programs.preloading(more)
  local path = programs.path "preload.so"
  if not path then return end
  local before = os.getenv "LD_PRELOAD"
  local environment = { LD_PRELOAD = (before and before ~= "" and before .. ":" or "") .. path }
  for name, value in pairs(more) do environment[name] = value end
  return environment
end

return programs
