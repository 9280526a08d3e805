-- Keeps the rockspec's lists of files in step with the tree: rockspec.lua [--check] FILE
local check = arg[1] == "--check"
local file = assert(arg[check and 2 or 1], "usage: rockspec.lua [--check] FILE")

local function find(pattern)
  local names = {}
  local pipe = assert(io.popen("find " .. pattern .. " | LC_ALL=C sort"))
  for name in pipe:lines() do names[#names + 1] = name end
  pipe:close()
  return names
end

local function read(name)
  local f = assert(io.open(name))
  local text = f:read("*a")
  f:close()
  return text
end

local sources = {}
for _, name in ipairs(find "src -name '*.c'") do sources[#sources + 1] = ("        %q,\n"):format(name) end

local modules = {}
for _, name in ipairs(find "lua -name '*.lua'") do
  local module = name:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
  modules[#modules + 1] = ("    [%q] = %q,\n"):format(module, name)
end

local function put(text, first, last, lines)
  local _, from = text:find(first, 1, true)
  local to = text:find(last, from or 1, true)
  assert(from and to, "no place between '" .. first .. "' and '" .. last .. "' in " .. file)
  return text:sub(1, from) .. "\n" .. table.concat(lines) .. text:sub(to + 1)
end

local old = read(file)
local new = put(old, "sources = {", "\n      },", sources)
new = put(new, "-- The Lua files.", "\n  },", modules)

if new == old then return end
if check then
  io.stderr:write(file, " does not list the files of src/ and lua/: run make rockspec\n")
  os.exit(1)
end
local f = assert(io.open(file, "w"))
assert(f:write(new))
assert(f:close())
