---@meta _

--- Godot's Signal: an ordered list of functions that are called when something happens.
---@class ws.Signal
local Signal = {}

--- Calls `fn` at each emission, after those connected before.
--- Errors: `ERR_INVALID_PARAMETER`: it is connected already.
---@param fn function Or a table or userdata with `__call`.
---@param flags? integer `ws.CONNECT_ONE_SHOT`: only once.
---@return ws.Error error
---@return string? why
function Signal:connect(fn, flags) end

--- Stops calling `fn`, at once.
--- Errors: `ERR_INVALID_PARAMETER`: it is not connected.
---@param fn function
---@return ws.Error error
---@return string? why
function Signal:disconnect(fn) end

---@param fn function
---@return boolean connected
function Signal:is_connected(fn) end

--- What is connected, in order.
---@return { callable: function, flags: integer, signal: ws.Signal }[] connections
function Signal:get_connections() end

---@return boolean some
function Signal:has_connections() end

---@return string name
function Signal:get_name() end

--- Calls all connected functions with the arguments, now. An error in one of them ends it and is passed on.
---@param ... any
function Signal:emit(...) end
