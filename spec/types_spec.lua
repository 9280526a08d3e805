-- types/ against what the module really has: nothing is missing in the stubs, and nothing is invented.
local core = require "wsmultiplayer.core"
local ws = require "wsmultiplayer"

local root = debug.getinfo(1, "S").source:match "^@(.*)spec[/\\]types_spec%.lua$"
local stubs = dofile(root .. ".ci/stubs.lua")
local types = stubs.read(root .. "types")

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = tostring(name) end
  table.sort(list)
  return list
end

local function names(list)
  local set = {}
  for _, item in ipairs(list) do set[item.name] = true end
  return set
end

-- Calls visit(class) for a stub's class and all that it inherits from.
local function lineage(name, visit)
  local class = assert(types[name], name)
  visit(class)
  for _, parent in ipairs(class.parents) do lineage(parent, visit) end
end

-- All that a stub's class has, by name: functions, constants, properties, signals.
local function members(name)
  local all = { functions = {}, constants = {}, properties = {}, signals = {} }
  lineage(name, function(class)
    for _, item in ipairs(class.functions) do all.functions[item.name] = all.functions[item.name] or item end
    for _, item in ipairs(class.constants) do all.constants[item.name] = item end
    for _, item in ipairs(class.fields) do
      local kind = item.type:find "^ws%.Signal" and "signals" or "properties"
      all[kind][item.name] = all[kind][item.name] or item
    end
  end)
  return all
end

-- What a class table has, with what it inherits.
local function real_members(class)
  local functions, constants = {}, {}
  while class do
    for name, value in pairs(class) do
      if type(value) == "function" then functions[name] = value else constants[name] = value end
    end
    class = (getmetatable(class) or {}).__index
  end
  return functions, constants
end

local function upvalue(fn, wanted)
  local at = 1
  while true do
    local name, value = debug.getupvalue(fn, at)
    if not name then return end
    if name == wanted or at == wanted then return value end
    at = at + 1
  end
end

-- The property tables: of a class in C the third upvalue of __index, of one in Lua by name. Lua 5.1 hides the former.
local function real_properties(class)
  local c_class = core[class]
  if c_class then return upvalue(c_class.metatable.__index, 3) end
  if class == "MultiplayerAPI" then
    return upvalue(debug.getmetatable(ws.MultiplayerAPI.new()).__index, "properties")
  end
  return {}
end

local function check_arity(name, stub, fn)
  local info = debug.getinfo(fn, "Su")
  if info.what == "C" or not info.nparams then return end -- not known there
  local count = stub.method and 1 or 0
  for word in stub.list:gmatch "[^, ]+" do
    if word ~= "..." then count = count + 1 end
  end
  assert.equals(count, info.nparams, name .. ": parameters")
  assert.equals(stub.vararg, info.isvararg and true or false, name .. ": ...")
end

-- Every parameter of a function is described, under its name.
local function check_params(name, stub)
  local listed = {}
  for word in stub.list:gmatch "[^, ]+" do listed[#listed + 1] = word end
  local described = {}
  for _, param in ipairs(stub.params) do described[#described + 1] = param.name end
  assert.same(listed, described, name)
end

local SIGNALS = {
  WebSocketMultiplayerPeer = function()
    local own, found = core.WebSocketMultiplayerPeer.fields(ws.WebSocketMultiplayerPeer.new()), {}
    for name in pairs(own) do
      if type(name) == "string" then found[name] = true end
    end
    return found
  end,
  MultiplayerAPI = function()
    local found = {}
    for _, name in ipairs(require("wsmultiplayer.multiplayer_api").signals) do found[name] = true end
    return found
  end,
}

local DEFAULTS = { ["{}"] = {}, ["true"] = true, ["false"] = false, ['""'] = "" }

describe("types/", function()
  it("has each file in the list of files", function()
    local found = {}
    local pipe = assert(io.popen(("ls '%stypes'"):format(root)))
    for name in pipe:lines() do found[name:gsub("%.lua$", "")] = true end
    pipe:close()
    local listed = {}
    for _, name in ipairs(stubs.FILES) do listed[name] = true end
    assert.same(sorted(found), sorted(listed))
  end)

  it("is valid Lua", function()
    for _, name in ipairs(stubs.FILES) do assert(loadfile(("%stypes/%s.lua"):format(root, name))) end
  end)

  it("describes each parameter", function()
    for name, class in pairs(types) do
      for _, stub in ipairs(class.functions) do
        if name ~= "ws.OfflineMultiplayerPeer" then check_params(name .. "." .. stub.name, stub) end
      end
    end
  end)

  it("names errors that exist", function()
    for _, file in ipairs(stubs.FILES) do
      for line in io.lines(("%stypes/%s.lua"):format(root, file)) do
        for name in line:gmatch "ERR_[%u_]+" do assert.is_number(ws[name], file .. ": " .. name) end
      end
    end
  end)

  it("knows the module", function()
    local stub = members "wsmultiplayer"
    local known = {}
    for _, kind in pairs(stub) do
      for name in pairs(kind) do known[name] = true end
    end
    assert.same(sorted(ws), sorted(known))
    for name, item in pairs(stub.functions) do
      assert.is_function(ws[name], name)
      -- The types of Variants take what they need of their arguments.
      if not name:find "^%u" then check_arity(name, item, ws[name]) end
    end
    for name, item in pairs(stub.constants) do assert.equals(item.value, ws[name], name) end
  end)

  for _, class in ipairs {
    "WebSocketMultiplayerPeer", "WebSocketPeer", "WebSocketServer", "TLSOptions", "MultiplayerAPI",
    "OfflineMultiplayerPeer", "MultiplayerPeer", "PacketPeer",
  } do
    describe(class, function()
      local stub = members("ws." .. class)
      local functions, constants = real_members(ws[class])

      it("has these methods and no others", function()
        assert.same(sorted(functions), sorted(stub.functions))
        if class == "OfflineMultiplayerPeer" then return end -- they look at no argument
        for name, item in pairs(stub.functions) do check_arity(class .. "." .. name, item, functions[name]) end
      end)

      it("has these constants", function()
        assert.same(sorted(constants), sorted(stub.constants))
        for name, item in pairs(stub.constants) do assert.equals(item.value, constants[name], name) end
      end)

      it("has these properties, with their defaults and accessors", function()
        local properties = real_properties(class)
        if not properties then
          properties = {}
          for name in pairs(stub.properties) do properties[name] = true end
        end
        assert.same(sorted(properties), sorted(stub.properties))
        if not next(properties) then return end
        local object = ws[class].new()
        for name, item in pairs(stub.properties) do
          local default = item.default
          if default == "nil" then
            assert.is_nil(object[name], name)
          elseif default then
            local expected = DEFAULTS[default]
            if expected == nil then expected = assert(tonumber(default), name) end
            assert.same(expected, object[name], name)
          else
            assert.equals("multiplayer_peer", name) -- the one whose default is an object
          end
        end
      end)

      it("has these signals", function()
        assert.same(sorted(SIGNALS[class] and SIGNALS[class]() or {}), sorted(stub.signals))
      end)
    end)
  end

  describe("what objects have that are made by others", function()
    local function check(class, methods)
      local stub, real = members("ws." .. class), {}
      for name, value in pairs(methods) do
        if not name:find "^__" then real[name] = value end
      end
      assert.same(sorted(real), sorted(stub.functions))
      for name, item in pairs(stub.functions) do check_arity(class .. "." .. name, item, real[name]) end
    end

    it("Signal", function() check("Signal", require("wsmultiplayer.signal").class) end)

    it("Task", function() check("Task", getmetatable(ws.spawn(function() end)).__index) end)

    it("MultiplayerNode", function()
      local node = ws.MultiplayerAPI.new():add_node("Main", {})
      check("MultiplayerNode", upvalue(debug.getmetatable(node).__index, "methods"))
    end)

    it("a connection that a multiplayer peer lends", function()
      local methods = upvalue(core.WebSocketPeer.metatable.__index, 2)
      if methods then assert.equals(core.WebSocketPeer.methods, methods) end
    end)
  end)

  it("knows what hooks are told of a request", function()
    local head = "GET /x?y HTTP/1.1\r\nHost: a\r\nOrigin: b\r\nSec-WebSocket-Protocol: c\r\n\r\n"
    local request = require("wsmultiplayer.request").parse(head, "127.0.0.1", 1, false)
    assert.same(sorted(request), sorted(members("ws.Request").properties))
  end)

  it("knows the arguments of @rpc", function()
    local parse = require("wsmultiplayer.multiplayer_api.rpc_config").parse
    local known = names(types["ws.RpcConfig"].fields)
    known["[integer]"] = nil
    assert.same(sorted(parse {}), sorted(known))
    for word in types["ws.RpcConfig"].fields[5].type:gmatch '"([%l_]+)"' do assert.is_table((parse { word })) end
  end)

  it("knows the types of Variants and their fields", function()
    local count = 0
    for _, stub in ipairs(types.wsmultiplayer.functions) do
      local made = stub.returns[1] and types[stub.returns[1].type]
      if made and stub.name:find "^%u" then
        count = count + 1
        local value = ws[stub.name](stub.name == "EncodedObjectAsID" and 1 or nil)
        local fields = members(made.name).properties
        fields["[integer]"] = nil
        assert.same(sorted(value), sorted(fields), stub.name)
      end
    end
    assert.equals(32, count)
  end)
end)

describe("docs/reference.md", function()
  it("is what make reference writes", function()
    local file = assert(io.open(root .. "docs/reference.md", "rb"))
    local text = file:read "*a"
    file:close()
    assert.is_true(dofile(root .. ".ci/reference.lua")(types, stubs.FILES) == text, "run make reference")
  end)
end)
