-- Writes docs/reference.md from the stubs of types/: reference.lua FILE. As a chunk that is loaded it gives the
-- function that makes the text.

local INTRODUCTION = [[
# Reference

Every class, method, property and constant. This page is written from the stubs of [types/](../types) by
`make reference`; a spec compares those with the module. Editors show the same texts: [types.md](types.md).

- Arguments in brackets may be left out, or be `nil`. A wrong type, a missing argument and a field that does not exist
  raise an error that names them.
- Methods that give an `error` return a number (`ws.OK`, `ws.ERR_...`), and a text `why` when it is not `OK`:
  [errors.md](errors.md).
- A property is a field, and has the methods `get_NAME()` and `set_NAME(value)`; where Godot calls them otherwise, they
  are named. It may be read and set at any time unless it says otherwise. Seconds may have fractions.
]]

local CLASSES = {
  "wsmultiplayer", "ws.WebSocketMultiplayerPeer", "ws.WebSocketPeer", "ws.WebSocketServer", "ws.Connections",
  "ws.Listener", "ws.Pollable", "ws.Request", "ws.TLSOptions", "ws.MultiplayerAPI", "ws.MultiplayerNode",
  "ws.RpcConfig", "ws.OfflineMultiplayerPeer", "ws.MultiplayerPeer", "ws.PacketPeer", "ws.Signal", "ws.Task",
}

local TITLES = {
  wsmultiplayer = "The module", ["ws.Connections"] = "Properties of all that has connections",
  ["ws.Listener"] = "Properties of servers", ["ws.Pollable"] = "Under other loops", ["ws.Request"] = "Requests",
  ["ws.RpcConfig"] = "The arguments of @rpc",
}

local function title(name) return TITLES[name] or name:gsub("^ws%.", "") end

local function anchor(name)
  return "#" .. title(name):lower():gsub("[^%w_ -]", ""):gsub(" ", "-")
end

-- Types as they are said to people, in a cell of a table or in a line.
local function show_type(text, cell)
  text = text:gsub("ws%.Signal%.[%w_]+", "Signal"):gsub("ws%.", "")
  if cell then text = text:gsub("|", "\\|") end
  return "`" .. text .. "`"
end

local function lines_of(doc) return (table.concat(doc, "\n"):gsub("\nErrors: ", "\n\nErrors: ")) end

local function signature(class, item)
  local text, closing = "", 0
  for i, param in ipairs(item.params) do
    local comma = i > 1 and ", " or ""
    if param.optional then
      text = text .. (i > 1 and " [" .. comma or "[") .. param.name
      closing = closing + 1
    else
      text = text .. comma .. param.name
    end
  end
  local own = class.name == "wsmultiplayer" and "ws." or item.method and "" or title(class.name) .. "."
  return own .. item.name .. "(" .. text .. ("]"):rep(closing) .. ")"
end

local function write_function(out, class, item)
  local results = {}
  for i, value in ipairs(item.returns) do results[i] = value.name end
  local gives = #results > 0 and " gives " .. table.concat(results, ", ") or ""
  out("**`%s`**%s\n", signature(class, item), gives)
  if #item.doc > 0 then out("%s\n", lines_of(item.doc)) end
  local listed = false
  for _, kind in ipairs { item.params, item.returns } do
    for _, value in ipairs(kind) do
      if value.text ~= "" or kind == item.params and value.type ~= "any" then
        out("- `%s`: %s%s", value.name, show_type(value.type), value.text ~= "" and ". " .. value.text or "")
        listed = true
      end
    end
  end
  if listed then out "" end
end

-- Functions that are the get_ and set_ of properties.
local function accessors(class)
  local found = {}
  for _, field in ipairs(class.fields) do
    if field.default or field.name == "multiplayer_peer" then
      found["get_" .. field.name], found["set_" .. field.name] = true, true
    end
  end
  return found
end

local UNUSUAL = {
  refuse_new_connections = "is_refusing_new_connections", autoflush = "is_autoflushing",
  server_relay = "is_server_relay_enabled`, `set_server_relay_enabled",
  allow_object_decoding = "is_object_decoding_allowed",
}

local function is_unusual(name)
  for _, accessor in pairs(UNUSUAL) do
    if accessor:find(name, 1, true) then return true end
  end
end

local function write_fields(out, class)
  local rows, signals = {}, {}
  local with_default = false
  for _, field in ipairs(class.fields) do
    if field.type:find "^ws%.Signal" then
      signals[#signals + 1] = field
    elseif class.name ~= "wsmultiplayer" or not field.type:find "^ws%." then
      rows[#rows + 1] = field
      with_default = with_default or field.default
    end
  end
  if #rows > 0 then
    out(with_default and "| property | type | default | |\n| --- | --- | --- | --- |" or
      "| field | type | |\n| --- | --- | --- |")
    for _, field in ipairs(rows) do
      local unit = field.unit and field.unit:lower() .. ". " or ""
      local unusual = UNUSUAL[field.name] and (" Methods: `%s`."):format(UNUSUAL[field.name]) or ""
      local default = with_default and ("`%s` | "):format(field.default or "") or ""
      out("| `%s` | %s | %s%s%s%s |", field.name, show_type(field.type .. (field.optional and "?" or ""), true),
        default:gsub("^`` ", " "), unit:gsub("^%l", string.upper), field.text:gsub("|", "\\|"), unusual)
    end
    out ""
  end
  if #signals > 0 then
    out "| signal | |\n| --- | --- |"
    for _, field in ipairs(signals) do
      local arguments, text = field.text:match "^(%b``): (.*)$"
      out("| `%s%s` | %s |", field.name, arguments:gsub("`", ""), text)
    end
    out ""
  end
end

local function write_class(out, class, known)
  out("## %s\n", title(class.name))
  if #class.doc > 0 then out("%s\n", lines_of(class.doc)) end
  local inherited = {}
  for _, parent in ipairs(class.parents) do
    if known[parent] then inherited[#inherited + 1] = ("[%s](%s)"):format(title(parent), anchor(parent)) end
  end
  if #inherited > 0 then out("Has besides: %s.\n", table.concat(inherited, ", ")) end
  write_fields(out, class)
  if #class.constants > 0 and #class.constants < 20 then
    out "| constant | |\n| --- | --- |"
    for _, item in ipairs(class.constants) do
      out("| `%s` | %d%s |", item.name, item.value, item.text ~= "" and ": " .. item.text or "")
    end
    out ""
  end
  local skipped = accessors(class)
  for _, item in ipairs(class.functions) do
    local is_type = class.name == "wsmultiplayer" and item.name:find "^%u"
    if not (skipped[item.name] or is_unusual(item.name) and class.name ~= "ws.OfflineMultiplayerPeer" or is_type) then
      write_function(out, class, item)
    end
  end
end

local function write_variants(out, module, classes)
  out "## Types of Variants\n"
  out "What they are for: [variants.md](variants.md). What is left out has Godot's default.\n"
  out "| function | gives |\n| --- | --- |"
  for _, item in ipairs(module.functions) do
    if item.name:find "^%u" then
      local made, fields = classes[item.returns[1].type], {}
      for i, field in ipairs(made and made.fields or {}) do
        fields[i] = ("`%s` %s"):format(field.name, show_type(field.type, true))
      end
      local text = made and table.concat(made.doc, " ") or table.concat(item.doc, " ")
      local about = { table.concat(fields, ", "), text ~= "" and text or nil }
      if about[1] == "" then table.remove(about, 1) end
      out("| `%s` | %s |", signature(module, item), table.concat(about, ". "))
    end
  end
  out ""
end

local function write_errors(out, module)
  out "## Errors\n\nWhen which one is returned: [errors.md](errors.md).\n"
  out "| number | name | `ws.error_string` |\n| --- | --- | --- |"
  for _, item in ipairs(module.constants) do
    if item.name ~= "CONNECT_ONE_SHOT" then out("| %d | `%s` | %s |", item.value, item.name, item.text) end
  end
end

local function render(classes)
  local parts, known = {}, {}
  local function out(text, ...)
    parts[#parts + 1] = (select("#", ...) > 0 and text:format(...) or text) .. "\n"
  end
  for _, name in ipairs(CLASSES) do known[name] = true end
  out("%s", INTRODUCTION)
  for _, name in ipairs(CLASSES) do out("- [%s](%s)", title(name), anchor(name)) end
  out "- [Types of Variants](#types-of-variants)\n- [Errors](#errors)\n"
  for _, name in ipairs(CLASSES) do
    write_class(out, assert(classes[name], name), known)
  end
  write_variants(out, classes.wsmultiplayer, classes)
  write_errors(out, classes.wsmultiplayer)
  return (table.concat(parts):gsub("\n\n\n+", "\n\n"))
end

if not (arg and (arg[0] or ""):find "reference%.lua$") then return render end

local stubs = dofile ".ci/stubs.lua"
local file = assert(io.open(arg[1] or "docs/reference.md", "wb"))
assert(file:write(render(stubs.read "types")))
assert(file:close())
