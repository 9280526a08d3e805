--- Remote calls: made here and there.

local core = require "wsmultiplayer.core"
local constants = require "wsmultiplayer.constants"
local arguments = require "wsmultiplayer.multiplayer_api.arguments"
local due = require "wsmultiplayer.multiplayer_api.due"
local path_cache = require "wsmultiplayer.multiplayer_api.path_cache"
local protocol = require "wsmultiplayer.multiplayer_api.protocol"
local transport = require "wsmultiplayer.multiplayer_api.transport"
local variant = require "wsmultiplayer.variant"

local errors, codec, modes = core.errors, core.variant, constants.MultiplayerAPI
local OK = errors.OK
local MAX_ARGUMENTS = 255
local PACKED_BYTE_ARRAY = 29

local unpack = table.unpack or unpack -- luacheck: ignore 143

local rpc = {}

-- ---- made here

local function find_method(node, name)
  local method = node.object[name]
  return arguments.is_callable(method) and method or nil
end

-- The bytes of one PackedByteArray, which goes as it is.
local function only_bytes(args, count)
  local meta = count == 1 and type(args[1]) == "table" and getmetatable(args[1])
  return type(meta) == "table" and rawget(meta, "variant_type") == PACKED_BYTE_ARRAY and args[1].bytes
end

-- The packet, as protocol.remote_call has it; or nil, error, text.
local function encode(method, args, count)
  if count == 0 then return protocol.remote_call(method.number, "", true) end
  if count > MAX_ARGUMENTS then
    return nil, errors.ERR_INVALID_PARAMETER, ("a call has at most %d arguments"):format(MAX_ARGUMENTS)
  end
  local bytes = only_bytes(args, count)
  if type(bytes) == "string" then return protocol.remote_call(method.number, bytes, true) end
  local encoded, err, why = codec.encode_arguments(args, count)
  if not encoded then return nil, err, ("the arguments of '%s', %s"):format(method.name, why) end
  return protocol.remote_call(method.number, string.char(count) .. encoded, false)
end

local function list_targets(self, to)
  if to > 0 then return { to } end
  local targets = {}
  for _, id in ipairs(self.connected.list) do
    if id ~= -to then targets[#targets + 1] = id end
  end
  return targets
end

-- Numbers are used in short form only if all who get the packet know them.
local function send(self, node, method, to, call)
  local targets, confirmed, all = list_targets(self, to), {}, true
  for i, id in ipairs(targets) do
    confirmed[i] = path_cache.announce(self, node, id)
    all = all and confirmed[i]
  end
  transport.set_mode(self, method.config.transfer_mode, method.config.channel)
  local err, why = OK, nil
  for i, id in ipairs(targets) do
    local packet = all and call.by_id(node.cache_id) or confirmed[i] and call.by_wide_id(node.cache_id) or
      call.by_path(node.path)
    err, why = transport.send_command(self, id, packet)
  end
  if to > 0 then return err, why end
  return OK
end

-- Calls the method here, with get_remote_sender_id() meanwhile being our own.
local function call_here(self, node, method, args, count, own_id)
  local fn = find_method(node, method.name)
  if not fn then return errors.FAILED, ("node '%s' has no method '%s'"):format(node.path, method.name) end
  local outer = self.sender
  self.sender = own_id
  local ok, err = pcall(fn, node.object, unpack(args, 1, count))
  self.sender = outer
  if not ok then error(err, 0) end
  return OK
end

--- Node.rpc_id; `node` is nil if there is none.
function rpc.call(self, to, node, name, args, count)
  if not self.peer then return errors.ERR_UNCONFIGURED, "there is no multiplayer peer" end
  if not node or self.nodes[node.path] ~= node then return errors.ERR_INVALID_PARAMETER, "there is no such node" end
  if not transport.is_connected(self) then return errors.ERR_CONNECTION_ERROR, "there is no connection" end
  local method = node.by_name[name]
  if not method then
    return errors.ERR_INVALID_PARAMETER, ("node '%s' has no remote method '%s'"):format(node.path, name)
  end
  local own_id, call_local = self.peer:get_unique_id(), method.config.call_local
  if to == own_id and not call_local then
    return errors.ERR_INVALID_PARAMETER, ("'%s' is not called locally: it has no call_local"):format(name)
  end
  local err, why = OK, nil
  if to ~= own_id then
    local call, problem, text = encode(method, args, count)
    if not call then return problem, text end
    if to == 0 or self.connected.get[math.abs(to)] then
      err, why = send(self, node, method, to, call)
    else
      why = ("there is no peer %d"):format(math.abs(to)) -- Godot takes it for no error
    end
  end
  if call_local and (to <= 0 and to ~= -own_id or to == own_id) then
    local failed, text = call_here(self, node, method, args, count, own_id)
    if failed ~= OK then return failed, text end
  end
  return err, why
end

-- ---- made there

local function may_call(node, method, from)
  local mode = method.config.rpc_mode
  return mode == modes.RPC_MODE_ANY_PEER or mode == modes.RPC_MODE_AUTHORITY and from == node.authority
end

local function decode(fields, packet)
  if fields.count == 0 then return {} end
  if fields.raw then return { variant.PackedByteArray(packet:sub(fields.first, fields.last)) } end
  return codec.decode_arguments(packet, fields.first, fields.last, fields.count)
end

local function carry_out(item)
  local node, name = item.node, item.method.name
  local fn = find_method(node, name)
  if not fn then
    local why = "a call of '%s' of node '%s', which has no such method"
    return due.refuse(item.self, item.sender, why, name, node.path)
  end
  fn(node.object, unpack(item.args, 1, item.count))
end

function rpc.receive(self, from, fields, packet)
  local path = fields.path or path_cache.find(self, from, fields.node)
  local node = path and self.nodes[path]
  local method = node and node.by_number[fields.method]
  if not path then
    return due.refuse(self, from, "a call to the node number %d, which it has not told of", fields.node)
  elseif not node then
    return due.refuse(self, from, "a call to '%s', where no node is", path)
  elseif not method then
    return due.refuse(self, from, "a call of method number %d of node '%s', which has none", fields.method, path)
  end
  if not may_call(node, method, from) then
    local whom = method.config.rpc_mode == modes.RPC_MODE_AUTHORITY and
      ("only its authority (peer %d) may"):format(node.authority) or "nobody may"
    return due.refuse(self, from, "a call of '%s' of node '%s', which %s call", method.name, path, whom)
  end
  local args, _, why = decode(fields, packet)
  if not args then
    return due.refuse(self, from, "a call of '%s' of node '%s': %s, in the arguments", method.name, path, why)
  end
  due.call(self, from, carry_out, {
    self = self, node = node, method = method, args = args, count = fields.count,
  })
end

return rpc
