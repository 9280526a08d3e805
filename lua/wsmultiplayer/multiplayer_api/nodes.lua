--- Nodes: what remote calls are for. A node is a path and an object of the program; there is no tree.

local core = require "wsmultiplayer.core"
local arguments = require "wsmultiplayer.multiplayer_api.arguments"
local class = require "wsmultiplayer.multiplayer_api.class"
local path_cache = require "wsmultiplayer.multiplayer_api.path_cache"
local rpc = require "wsmultiplayer.multiplayer_api.rpc"
local rpc_config = require "wsmultiplayer.multiplayer_api.rpc_config"

local nodes, methods = {}, {}

local new, state_of, find_state = class("MultiplayerNode", methods, nil, nil, function(node) return node.path end)

-- ---- paths

local function is_text(path) return core.variant.encode(path) ~= nil end

--- A path relative to the root, as it goes over the wire; or nil and what is wrong with it.
function nodes.relative_path(self, path)
  local root = self.root_path
  local relative = path
  if path:sub(1, 1) == "/" then
    if root == "" then return nil, "an absolute path, and there is no root_path" end
    if path == root then return "." end
    local prefix = root:sub(-1) == "/" and root or root .. "/"
    if path:sub(1, #prefix) ~= prefix then return nil, ("not below the root_path '%s'"):format(root) end
    relative = path:sub(#prefix + 1)
  end
  if relative == "." then return relative end
  if relative == "" or ("/" .. relative .. "/"):find("//", 1, true) then return nil, "an empty name" end
  -- What Godot does not allow in names. ("@" is in those that it makes itself.)
  local bad = relative:match '[.:"%%]'
  if bad then return nil, ("'%s' in a name"):format(bad) end
  if not is_text(relative) then return nil, "not UTF-8 text" end
  return relative
end

local function check_path(self, path, method)
  local relative, problem = nodes.relative_path(self, arguments.string(path, 1, method))
  if not relative then error(("bad argument #1 to '%s' (%s)"):format(method, problem), 3) end
  return relative
end

-- ---- remote methods

local function index_methods(node)
  node.by_number, node.by_name, node.checksum = rpc_config.index(node.own_methods, node.script_methods)
end

local function check_config(given, position, method, name)
  local config, problem = rpc_config.parse(given)
  if not config then error(("bad argument #%d to '%s' (%s: %s)"):format(position, method, name, problem), 3) end
  return config
end

local function check_name(name, position, method)
  if type(name) ~= "string" or name == "" or not is_text(name) then
    error(("bad argument #%d to '%s' ('%s' is no name of a method)"):format(position, method, tostring(name)), 3)
  end
  return name
end

-- ---- the API's methods

function nodes.add(self, path, object, rpcs)
  path = check_path(self, path, "add_node")
  if type(object) ~= "table" and type(object) ~= "userdata" then
    error(("bad argument #2 to 'add_node' (object expected, got %s)"):format(type(object)), 3)
  end
  if self.nodes[path] then error(("bad argument #1 to 'add_node' (there is a node at '%s')"):format(path), 3) end
  local node = {
    api = self, path = path, object = object, authority = 1, own_methods = {}, script_methods = {},
  }
  if rpcs ~= nil then
    for name, given in pairs(arguments.table(rpcs, 3, "add_node")) do
      node.script_methods[check_name(name, 3, "add_node")] = check_config(given, 3, "add_node", name)
    end
  end
  index_methods(node)
  node.handle = new(node)
  self.nodes[path] = node
  self.nodes_of[object] = node
  return node.handle
end

function nodes.get(self, path)
  local node = self.nodes[check_path(self, path, "get_node")]
  return node and node.handle
end

--- The node of its handle, or of the object that it was made for; or nil.
function nodes.find(self, thing)
  local node = find_state(thing)
  if node then return node.api == self and node or nil end
  return thing ~= nil and self.nodes_of[thing] or nil
end

-- ---- methods of nodes

--- Calls a remote method on all other peers: Node.rpc.
-- @treturn integer OK or an error; then a text
function methods.rpc(handle, name, ...)
  local node = state_of(handle, "rpc")
  return rpc.call(node.api, 0, node, arguments.string(name, 1, "rpc"), { ... }, select("#", ...))
end

--- Calls it on one peer, on all (0), or on all but one (negative): Node.rpc_id.
function methods.rpc_id(handle, id, name, ...)
  local node = state_of(handle, "rpc_id")
  arguments.integer(id, 1, "rpc_id")
  arguments.string(name, 2, "rpc_id")
  return rpc.call(node.api, id, node, name, { ... }, select("#", ...))
end

--- Makes a method a remote one, or with nil not any more: Node.rpc_config.
function methods.rpc_config(handle, name, config)
  local node = state_of(handle, "rpc_config")
  check_name(name, 1, "rpc_config")
  node.own_methods[name] = config ~= nil and check_config(config, 2, "rpc_config", name) or nil
  index_methods(node)
end

--- Who may call the methods of mode "authority". Of the nodes below, too, unless `recursive` is false.
function methods.set_multiplayer_authority(handle, id, recursive)
  local node = state_of(handle, "set_multiplayer_authority")
  node.authority = arguments.integer(id, 1, "set_multiplayer_authority")
  if recursive == false then return end
  local prefix = node.path == "." and "" or node.path .. "/"
  for path, other in pairs(node.api.nodes) do
    if path:sub(1, #prefix) == prefix then other.authority = id end
  end
end

function methods.get_multiplayer_authority(handle) return state_of(handle, "get_multiplayer_authority").authority end

function methods.is_multiplayer_authority(handle)
  local node = state_of(handle, "is_multiplayer_authority")
  local peer = node.api.peer
  return peer ~= nil and peer:get_unique_id() == node.authority
end

function methods.get_path(handle) return state_of(handle, "get_path").path end

--- Takes the node away. What others call there is refused from now on.
function methods.remove(handle)
  local node = state_of(handle, "remove")
  local self = node.api
  if self.nodes[node.path] ~= node then return end
  self.nodes[node.path] = nil
  if self.nodes_of[node.object] == node then self.nodes_of[node.object] = nil end
  path_cache.remove_node(self, node)
end

return nodes
