---@meta wsmultiplayer

--- `local ws = require "wsmultiplayer"`: the classes, the errors, the loop, tasks, and the types of Variants.
---@class wsmultiplayer
---@field WebSocketMultiplayerPeer ws.WebSocketMultiplayerPeer
---@field WebSocketPeer ws.WebSocketPeer
---@field WebSocketServer ws.WebSocketServer
---@field MultiplayerAPI ws.MultiplayerAPI
---@field OfflineMultiplayerPeer ws.OfflineMultiplayerPeer
---@field MultiplayerPeer ws.MultiplayerPeer
---@field PacketPeer ws.PacketPeer
---@field TLSOptions ws.TLSOptions
---@field LIBWEBSOCKETS_VERSION string The version of libwebsockets in use.
---@field _NAME string `"wsmultiplayer"`
---@field _VERSION string The version of this module.
local ws = {}

ws.CONNECT_ONE_SHOT = 4 -- the function is called once and then disconnected

--- Godot's text for an error number: `"Already in use"` for `ws.ERR_ALREADY_IN_USE`.
---@param error ws.Error
---@return string text
function ws.error_string(error) end

--- Seconds since some moment. They never go back, whatever happens to the time of day.
---@return number seconds
function ws.clock() end

--- Has `fn` called, from within `poll`, with each line that libwebsockets logs at this level or a worse one. At most 128 lines wait for the next
--- poll; of more, the oldest are lost, and a line says how many. Without arguments, lines are no longer kept. The log is the whole process's.
---@param level? "error"|"warning"|"notice"|"info"|"debug"
---@param fn? fun(level: string, line: string)
function ws.set_log(level, fn) end

--- Polls everything that is alive once (all peers, servers and APIs of this Lua state) and gives all tasks their turn. An
--- error in a handler or a task is passed on; further ones come at the next poll.
---@param timeout? number Seconds to wait at most for something to happen; it may return earlier. Not given: it does not wait.
function ws.poll(timeout) end

--- `ws.poll()` without waiting: for `love.update`.
function ws.update() end

--- The loop of a plain script: polls everything until `fn`, which it runs as a task, has returned. Without `fn`: until
--- nothing is alive and no task is left. Raises where every task waits for something that can no longer happen, and in a
--- coroutine.
---@param fn? function
---@param ... any The arguments of `fn`.
---@return any ... What `fn` returned (`true` for nothing), or `nil` and its error. Nothing without `fn` or after `ws.stop()`.
function ws.run(fn, ...) end

--- Makes `ws.run` return. From a handler or a task.
function ws.stop() end

--- Starts `fn` as a task: it runs at once, until it waits for the first time. An error in it goes to whoever waits for
--- the task; if nobody does, the next poll raises it.
---@param fn function
---@param ... any The arguments of `fn`.
---@return ws.Task task
function ws.spawn(fn, ...) end

--- Waits: at least this long, and at least until the next poll.
---@param seconds number
function ws.sleep(seconds) end

--- A Variant as bytes. Godot's `var_to_bytes`, and with `full_objects` its `var_to_bytes_with_objects`.
---@param value any
---@param full_objects? boolean Default `false`: objects go as their numbers.
---@return string? bytes `nil` if there is no such Variant.
---@return ws.Error? error
---@return string? why Where in the value, and what.
function ws.var_to_bytes(value, full_objects) end

--- The value of these bytes. Godot's `bytes_to_var`.
---@param bytes string
---@param allow_objects? boolean Default `false`: whole objects are refused.
---@return any value `nil` for null, and if the bytes are refused.
---@return ws.Error? error
---@return string? why At which byte, and what.
function ws.bytes_to_var(bytes, allow_objects) end

return ws
