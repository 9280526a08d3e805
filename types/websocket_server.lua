---@meta _

--- Accepts plain WebSockets. Not Godot's; shaped like its TCPServer.
---@class ws.WebSocketServer : ws.Listener, ws.Pollable
---@overload fun(): ws.WebSocketServer
local WebSocketServer = {}

---@return ws.WebSocketServer server
function WebSocketServer.new() end

--- Listens.
--- Errors: as `create_server`.
---@param port integer 0 asks for a free one: see `get_local_port`.
---@param bind_address? string Default `"*"`: all addresses, IPv4 and IPv6.
---@param tls? ws.TLSOptions Of `TLSOptions.server`: the server speaks `wss://` only.
---@return ws.Error error
---@return string? why
function WebSocketServer:listen(port, bind_address, tls) end

--- Serves all its connections, those that were taken too.
---@param timeout? number Seconds to wait at most for something to happen. Not given: it does not wait.
function WebSocketServer:poll(timeout) end

---@return boolean available
function WebSocketServer:is_connection_available() end

--- The next connection. Keep the peer: one that is dropped is closed.
---@return ws.WebSocketPeer? peer
function WebSocketServer:take_connection() end

--- Waits for a connection and takes it. In a task the others go on meanwhile; the main program polls everything.
---@param timeout? number Seconds. Not given: as long as it takes.
---@return ws.WebSocketPeer? peer
---@return ("timeout"|"closed")? what
---@return string? why
function WebSocketServer:accept(timeout) end

--- Ends all its connections with close code 1001, and listens no more.
function WebSocketServer:stop() end

---@return boolean listening
function WebSocketServer:is_listening() end

---@return integer port 0 if it does not listen.
function WebSocketServer:get_local_port() end

---@return string text Why the last `listen` failed; `""` if it did not.
function WebSocketServer:get_last_error() end
