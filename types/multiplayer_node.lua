---@meta _

--- A path and an object, for remote calls: made by `api:add_node`. Results of calls: `ERR_UNCONFIGURED` without a peer, `ERR_CONNECTION_ERROR` if it is not
--- connected, `ERR_INVALID_PARAMETER` for a node that is not there, a method without configuration, oneself without `call_local`, or more than 255
--- arguments; `ERR_INVALID_DATA` for values that are no Variants; `FAILED` if the local method is missing. A peer that is not there: `OK`, with a text.
---@class ws.MultiplayerNode
local MultiplayerNode = {}

--- Calls a remote method on all other peers.
---@param method string
---@param ... any Variants.
---@return ws.Error error
---@return string? why
function MultiplayerNode:rpc(method, ...) end

--- Calls it on one peer, on all (0), or on all but one (negative).
---@param id integer
---@param method string
---@param ... any Variants.
---@return ws.Error error
---@return string? why
function MultiplayerNode:rpc_id(id, method, ...) end

--- Godot's `Node.rpc_config`: a second table of remote methods with numbers of its own.
---@param method string
---@param config? ws.RpcConfig `nil`: it is none any more.
function MultiplayerNode:rpc_config(method, config) end

--- Who may call the methods of mode "authority". Nobody tells the other side.
---@param id integer 1 at first.
---@param recursive? boolean Default `true`: of the nodes below, too.
function MultiplayerNode:set_multiplayer_authority(id, recursive) end

---@return integer id
function MultiplayerNode:get_multiplayer_authority() end

---@return boolean authority
function MultiplayerNode:is_multiplayer_authority() end

---@return string path
function MultiplayerNode:get_path() end

--- Takes the node away. What others call there is refused from now on.
function MultiplayerNode:remove() end
