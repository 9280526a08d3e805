-- Reads the stubs of types/ for the reference and for spec/types_spec.lua: what is in them by class.
--   stubs.read(folder) -> classes by name, each:
--     name, doc (list of lines), parents (names), order (of its file)
--     fields     list of { name, optional, type, text, unit, default }
--     functions  list of { name, method, list, vararg, doc, params, returns }; the last two are lists of
--                { name, optional, type, text }
--     constants  list of { name, value, text }
local stubs = {}

--- The files, in the order of the reference.
stubs.FILES = {
  "wsmultiplayer", "websocket_multiplayer_peer", "websocket_peer", "websocket_server", "shared", "request",
  "tls_options", "multiplayer_api", "multiplayer_node", "offline_multiplayer_peer", "multiplayer_peer", "packet_peer",
  "signal", "task", "variant", "errors",
}

-- A type ends at the first blank outside of brackets that does not follow ":", "," or "|".
local function split_type(text)
  local depth, at = 0, 1
  while at <= #text do
    local char = text:sub(at, at)
    if char:find "[%(%[{<]" then depth = depth + 1 end
    if char:find "[%)%]}>]" then depth = depth - 1 end
    if char == " " and depth == 0 and not text:sub(at - 1, at - 1):find "[:,|]" then break end
    at = at + 1
  end
  return text:sub(1, at - 1), text:sub(at + 1)
end

local function split_name(word)
  local name, mark = word:match "^(.-)(%??)$"
  return name, mark == "?"
end

local function read_field(text)
  local word, rest = text:match "^(%[?[%w_]+%]?%??) (.*)$"
  local field = {}
  field.name, field.optional = split_name(word)
  field.type, field.text = split_type(rest)
  local unit, default, after = field.text:match "^(%u%l+); default (%S+)[.:] ?(.*)$"
  if not unit then default, after = field.text:match "^Default (%S+)[.:] ?(.*)$" end
  if default then field.unit, field.default, field.text = unit, default, after end
  return field
end

local function read_param(text)
  local word, rest = text:match "^(%S+) (.*)$"
  local param = {}
  param.name, param.optional = split_name(word)
  param.type, param.text = split_type(rest)
  return param
end

local function read_return(text)
  local kind, rest = split_type(text)
  local name, about = rest:match "^(%S+) ?(.*)$"
  return { name = name, type = kind, text = about }
end

local function read_class(text)
  local name, parents = text:match "^([%w_.]+) ?:? ?(.*)$"
  local class = { name = name, parents = {}, doc = {}, fields = {}, functions = {}, constants = {} }
  for parent in parents:gmatch "[%w_.]+" do class.parents[#class.parents + 1] = parent end
  return class
end

local function read_file(file, classes, order)
  local class, doc, params, returns
  local tables = {} -- classes by the local variable that functions and constants are put into
  local function forget() doc, params, returns = {}, {}, {} end
  forget()
  for line in file:lines() do
    local tag, text = line:match "^%-%-%-@(%a+) ?(.*)$"
    if tag == "class" then
      local read = read_class(text)
      class = classes[read.name] or read
      for _, line_of_doc in ipairs(doc) do class.doc[#class.doc + 1] = line_of_doc end
      class.order = class.order or order
      classes[class.name] = class
      forget()
    elseif tag == "field" then
      class.fields[#class.fields + 1] = read_field(text)
    elseif tag == "param" then
      params[#params + 1] = read_param(text)
    elseif tag == "return" then
      returns[#returns + 1] = read_return(text)
    elseif line:find "^%-%-%- ?" and not tag then
      doc[#doc + 1] = line:match "^%-%-%- ?(.*)$"
    elseif line:find "^function " then
      local variable, dot, name, list = line:match "^function ([%w_]+)([.:])([%w_]+)%((.*)%) end$"
      local functions = tables[variable].functions
      functions[#functions + 1] = {
        name = name, method = dot == ":", doc = doc, params = params, returns = returns, list = list,
        vararg = list:find("...", 1, true) ~= nil,
      }
      forget()
    else
      local made = line:match "^local ([%w_]+) = {}$"
      if made then tables[made] = class end
      local variable, name, value, note = line:match "^([%w_]+)%.([%w_]+) = (%-?%d+) ?%-?%-? ?(.*)$"
      if name then
        local constants = tables[variable].constants
        constants[#constants + 1] = { name = name, value = tonumber(value), text = note }
      end
      if line == "" or name or made then forget() end
    end
  end
end

function stubs.read(folder)
  local classes = {}
  for order, name in ipairs(stubs.FILES) do
    local file = assert(io.open(folder .. "/" .. name .. ".lua"))
    read_file(file, classes, order)
    file:close()
  end
  return classes
end

return stubs
