-- Variants to a real Godot 4 and back: it takes them with get_var and sends them with put_var. Godot is found as in
-- godot_spec.lua; without one these specs are pending.
local godot = require "support.godot"
local variants = require "support.variants"
local ws = require "wsmultiplayer"

local missing = godot.missing()
local it = it
if missing then
  it = function(name) pending(name .. " [NOT RUN: " .. missing .. "]") end
end

local BATCH = 32 -- values on their way at a time

describe("with a real Godot: Variants", function()
  local engine

  lazy_setup(function()
    if not missing then engine = godot.start() end
  end)
  lazy_teardown(function()
    if engine then engine:quit() end
  end)
  after_each(function()
    if engine then engine:reset() end
  end)

  -- A Lua peer, a Godot peer that echoes, and the Godot peer's id.
  local function connect(server_kind)
    local server = engine:peer(server_kind)
    local client = engine:peer(server_kind == "lua" and "godot" or "lua")
    assert.equal(ws.OK, (client:create_client(server:listen())))
    local id = server:expect("connected")[2]
    client:expect("connected", 1)
    client:expect("status", 2)
    local ours, theirs = server, client
    if server_kind ~= "lua" then ours, theirs = client, server end
    theirs:echo()
    return ours, server_kind == "lua" and id or 1
  end

  local function is_typed_dictionary(kind, value) return kind == "Dictionary" and variants.is_typed(kind, value) end

  -- The golden values that this Godot knows: their names, values and bytes.
  local function golden_values()
    local knows_typed_dictionaries = tonumber(engine.version:match "^4%.(%d+)") >= 4
    local values = {}
    for _, case in ipairs(variants.load "vectors") do
      local is_known = knows_typed_dictionaries or not variants.any(case.type, case.value, is_typed_dictionary)
      if not case.volatile and is_known then
        local value, err = ws.bytes_to_var(variants.from_hex(case.hex))
        assert.is_nil(err)
        values[#values + 1] = { name = case.name, value = value, bytes = assert(ws.var_to_bytes(value)) }
        local result = case.decoded or case
        if case.type ~= "String" and not variants.any(result.type, result.value, variants.is_typed) and
          not variants.has_nan(result.type, result.value) then
          local built = variants.build(result.type, result.value)
          values[#values + 1] = { name = case.name, value = built, bytes = variants.from_hex(case.hex) }
        end
      end
    end
    return values
  end

  for _, server_kind in ipairs { "lua", "godot" } do
    it(("come back from a Godot %s as they were"):format(server_kind == "lua" and "client" or "server"), function()
      local ours, theirs = connect(server_kind)
      local values, failures = golden_values(), {}
      assert.is_true(#values > 400)
      for first = 1, #values, BATCH do
        local last = math.min(first + BATCH - 1, #values)
        for i = first, last do assert.equal(ws.OK, (ours:put_var(theirs, values[i].value))) end
        for i = first, last do
          local bytes = ours:expect("packet", theirs)[3]
          if bytes ~= values[i].bytes then
            failures[#failures + 1] = ("%s: %s became %s"):format(
              values[i].name, variants.to_hex(values[i].bytes), variants.to_hex(bytes))
          end
        end
      end
      assert.equal("", table.concat(failures, "\n"))
    end)

    it(("of a game's kind pass by way of a Godot %s"):format(server_kind == "lua" and "client" or "server"), function()
      local ours, theirs = connect(server_kind)
      local state = ws.Dictionary()
      state.name = "Zo\195\171"
      state.position = ws.Vector3(1, 2.5, -3)
      state.inventory = { "sword", "rope", { uses = 3 } }
      state.color = ws.Color(1, 0.5, 0.25)
      state.empty = ws.null
      assert.equal(ws.OK, (ours:put_var(theirs, state)))
      local back = ws.bytes_to_var(ours:expect("packet", theirs)[3])
      assert.same({ "name", "position", "inventory", "color", "empty" }, ws.keys(back))
      assert.equal("Zo\195\171", back.name)
      assert.is_true(back.position == state.position)
      assert.equal("rope", back.inventory[2])
      assert.equal(3, back.inventory[3].uses)
      assert.is_true(back.color == state.color)
      assert.is_true(rawequal(ws.null, back.empty))
    end)
  end
end)
