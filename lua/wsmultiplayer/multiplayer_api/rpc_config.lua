--- What Godot's @rpc says about a method, and the numbers and the checksum of a node's methods.

local core = require "wsmultiplayer.core"
local constants = require "wsmultiplayer.constants"
local protocol = require "wsmultiplayer.multiplayer_api.protocol"

local modes, peer_modes = constants.MultiplayerAPI, constants.MultiplayerPeer

local rpc_config = {}

local WORDS = {
  any_peer = { "rpc_mode", modes.RPC_MODE_ANY_PEER },
  authority = { "rpc_mode", modes.RPC_MODE_AUTHORITY },
  call_local = { "call_local", true },
  call_remote = { "call_local", false },
  unreliable = { "transfer_mode", peer_modes.TRANSFER_MODE_UNRELIABLE },
  unreliable_ordered = { "transfer_mode", peer_modes.TRANSFER_MODE_UNRELIABLE_ORDERED },
  reliable = { "transfer_mode", peer_modes.TRANSFER_MODE_RELIABLE },
}

local function whole(limit)
  return function(value) return type(value) == "number" and value % 1 == 0 and value >= 0 and value <= limit end
end

local KEYS = {
  rpc_mode = whole(2), transfer_mode = whole(2), channel = whole(2147483647),
  call_local = function(value) return type(value) == "boolean" end,
}

--- A configuration from the arguments of @rpc in any order, or from a table with Godot's keys; nil and what is wrong
-- with it.
function rpc_config.parse(given)
  if type(given) ~= "table" then return nil, ("a table expected, got %s"):format(type(given)) end
  local config = {
    rpc_mode = modes.RPC_MODE_AUTHORITY, call_local = false,
    transfer_mode = peer_modes.TRANSFER_MODE_RELIABLE, channel = 0,
  }
  for given_key, given_value in pairs(given) do
    local key, value = given_key, given_value
    if type(key) == "number" then
      local word = WORDS[value]
      if word then
        key, value = word[1], word[2]
      elseif type(value) == "number" then
        key = "channel"
      else
        return nil, ("'%s' is no argument of @rpc"):format(tostring(value))
      end
    end
    local check = KEYS[key]
    if not check then return nil, ("there is no '%s'"):format(tostring(key)) end
    if not check(value) then return nil, ("%s can't be %s"):format(key, tostring(value)) end
    config[key] = value
  end
  return config
end

-- By bytes, which for UTF-8 is by code points; `<` asks the locale.
local function precedes(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- Numbers of methods are their places among all names of a table.
local function number(configs, first, by_number, by_name, names)
  local own = {}
  for name in pairs(configs) do own[#own + 1] = name end
  table.sort(own, precedes)
  for i, name in ipairs(own) do
    local method = { name = name, number = first + i - 1, config = configs[name] }
    by_number[method.number], by_name[name] = method, method
    names[#names + 1] = name
  end
end

--- Methods by number and by name, and what both sides compare.
-- @tparam table of_node configurations by name: Node.rpc_config
-- @tparam table of_script the same: @rpc
function rpc_config.index(of_node, of_script)
  local by_number, by_name, names = {}, {}, {}
  number(of_node, protocol.NODE_METHOD, by_number, by_name, names)
  number(of_script, 0, by_number, by_name, names) -- where both have a name, this is the one that is called
  return by_number, by_name, core.md5(table.concat(names))
end

return rpc_config
