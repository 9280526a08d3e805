-- The first variable of a loop is a constant in Lua 5.5, which loads no file that assigns to it; luacheck says nothing.
--   lua loop-variables.lua FILE...   names each such assignment, and ends with status 1 if there is one
-- Needs luacheck's parser.
local decoder = require "luacheck.decoder"
local parser = require "luacheck.parser"

local failed = false
local walk

-- `scope` maps names to "is a loop variable", and inherits from the scope around it.
local function inner(scope, names, is_loop)
  local own = setmetatable({}, { __index = scope })
  for _, name in ipairs(names or {}) do
    if name.tag == "Id" then own[name[1]] = is_loop end
  end
  return own
end

local function walk_all(nodes, scope, file)
  for _, node in ipairs(nodes) do
    if type(node) == "table" then walk(node, scope, file) end
  end
end

local function declare(scope, names)
  for _, name in ipairs(names) do scope[name[1]] = false end
end

local visit = {
  Set = function(node, scope, file)
    for _, target in ipairs(node[1]) do
      if target.tag == "Id" and scope[target[1]] then
        print(("%s:%d: assigns to the loop variable '%s'"):format(file, target.line, target[1]))
        failed = true
      end
    end
    walk_all(node, scope, file)
  end,
  Local = function(node, scope, file)
    if node[2] then walk_all(node[2], scope, file) end
    declare(scope, node[1])
  end,
  Localrec = function(node, scope, file)
    declare(scope, node[1])
    walk_all(node[2], scope, file)
  end,
  Fornum = function(node, scope, file)
    for i = 2, #node - 1 do walk(node[i], scope, file) end
    walk_all(node[#node], inner(scope, { node[1] }, true), file)
  end,
  Forin = function(node, scope, file)
    walk_all(node[2], scope, file)
    walk_all(node[3], inner(inner(scope, node[1], false), { node[1][1] }, true), file)
  end,
  Function = function(node, scope, file) walk_all(node[2], inner(scope, node[1], false), file) end,
  Repeat = function(node, scope, file)
    local own = inner(scope)
    walk_all(node[1], own, file)
    walk(node[2], own, file)
  end,
}

function walk(node, scope, file)
  local special = visit[node.tag]
  if special then return special(node, scope, file) end
  walk_all(node, node.tag and node.tag ~= "Do" and scope or inner(scope), file)
end

for _, file in ipairs(arg) do
  local stream = assert(io.open(file, "rb"))
  local text = stream:read("*a"):gsub("^#[^\n]*", "")
  stream:close()
  walk_all(parser.parse(decoder.decode(text)), inner(), file)
end
os.exit(failed and 1 or 0)
