---@meta _

---@class ws.Signal.peer_connected : ws.Signal
---@field connect fun(self: ws.Signal, fn: fun(id: integer), flags?: integer): ws.Error, string?

---@class ws.Signal.peer_disconnected : ws.Signal
---@field connect fun(self: ws.Signal, fn: fun(id: integer, close_code: integer, close_reason: string, was_clean: boolean), flags?: integer): ws.Error, string?

--- Peers with ids over WebSockets: a server (id 1) and its clients. Object and class have the constants of `MultiplayerPeer`.
---@class ws.WebSocketMultiplayerPeer : ws.MultiplayerPeer, ws.Listener, ws.Pollable
---@field refuse_new_connections boolean Default false. Whether a server leaves new connections waiting.
---@field transfer_mode integer Default 2. Kept; WebSockets are always reliable and ordered.
---@field transfer_channel integer Default 0. Kept; there is one channel.
---@field encode_buffer_max_size integer Bytes; default 8388608. The largest Variant of `put_var`; from 1024 to 268435456, rounded up to a power of two. Others: the old value stays.
---@field autoflush boolean Default true. Whether packets put outside of `poll` are sent at once (while nothing received is left to be read); otherwise by `flush()` or the next `poll`.
---@field peer_connected ws.Signal.peer_connected `(id)`: a client has joined; on a client: the server (1).
---@field peer_disconnected ws.Signal.peer_disconnected `(id, close_code, close_reason, was_clean)`: it is gone. Beyond Godot's `id` there are the code and the text of its close frame (-1 and `""` without one), and whether both sides have said goodbye.
---@overload fun(): ws.WebSocketMultiplayerPeer
local WebSocketMultiplayerPeer = {}

---@return ws.WebSocketMultiplayerPeer peer
function WebSocketMultiplayerPeer.new() end

---@return boolean refuse_new_connections
function WebSocketMultiplayerPeer:is_refusing_new_connections() end

---@param refuse_new_connections boolean
function WebSocketMultiplayerPeer:set_refuse_new_connections(refuse_new_connections) end

---@return integer transfer_mode
function WebSocketMultiplayerPeer:get_transfer_mode() end

---@param transfer_mode integer
function WebSocketMultiplayerPeer:set_transfer_mode(transfer_mode) end

---@return integer transfer_channel
function WebSocketMultiplayerPeer:get_transfer_channel() end

---@param transfer_channel integer
function WebSocketMultiplayerPeer:set_transfer_channel(transfer_channel) end

---@return integer encode_buffer_max_size
function WebSocketMultiplayerPeer:get_encode_buffer_max_size() end

---@param encode_buffer_max_size integer
function WebSocketMultiplayerPeer:set_encode_buffer_max_size(encode_buffer_max_size) end

---@return boolean autoflush
function WebSocketMultiplayerPeer:is_autoflushing() end

---@param autoflush boolean
function WebSocketMultiplayerPeer:set_autoflush(autoflush) end

--- Listens, and becomes peer 1.
--- Errors: `ERR_INVALID_PARAMETER`: port, address, TLS options, sub-protocol or header line; `ERR_ALREADY_IN_USE`: this object is in use, or
--- the port is taken; `ERR_CANT_CREATE`: no socket; `ERR_UNAVAILABLE`: libwebsockets has no TLS.
---@param port integer 0 asks for a free one: see `get_bound_port`.
---@param bind_address? string Default `"*"`: all addresses, IPv4 and IPv6.
---@param tls? ws.TLSOptions Of `TLSOptions.server`: the server speaks `wss://` only.
---@return ws.Error error
---@return string? why
function WebSocketMultiplayerPeer:create_server(port, bind_address, tls) end

--- Starts to connect. `OK` means started: `peer_connected(1)` tells that it is done, `get_last_error()` what went wrong.
--- Errors: `ERR_INVALID_PARAMETER`: URL, TLS options, sub-protocol or header line; `ERR_ALREADY_IN_USE`: this object is in use; `FAILED`: out of
--- descriptors, threads or memory; `ERR_UNAVAILABLE`: libwebsockets has no TLS.
---@param url string `ws://` or `wss://`. Without a port: 80, 443.
---@param tls? ws.TLSOptions Of `TLSOptions.client` or `client_unsafe`. Not given: verified with the system's authorities.
---@return ws.Error error
---@return string? why
function WebSocketMultiplayerPeer:create_client(url, tls) end

--- Does what is due: accepts, reads, sends, and calls the handlers of signals. An error in a handler is passed on with its traceback; what is
--- still to be told comes at the next poll.
---@param timeout? number Seconds to wait at most for something to happen. Not given: it does not wait, and reads all that is there. A server
---  that waits takes a part of much (some 200 KB), and the rest at once in the next calls.
function WebSocketMultiplayerPeer:poll(timeout) end

--- Ends all connections with close frames (1001 from a server, 1000 from a client), without signals. The object can be used anew at once.
function WebSocketMultiplayerPeer:close() end

--- Ends one connection, with code 1000. `peer_disconnected` comes by a poll.
---@param id integer
---@param force? boolean Default `false`. `true`: it is forgotten at once, without a signal.
function WebSocketMultiplayerPeer:disconnect_peer(id, force) end

--- The connection of a peer. It is borrowed: `poll`, `get_packet`, `get_var`, `packets`, `receive` and `wait_open` of it raise.
---@param id integer
---@return ws.WebSocketPeer? peer The same object each time.
function WebSocketMultiplayerPeer:get_peer(id) end

---@param id integer
---@return string address `""` if there is no such peer.
function WebSocketMultiplayerPeer:get_peer_address(id) end

---@param id integer
---@return integer port 0 if there is no such peer.
function WebSocketMultiplayerPeer:get_peer_port(id) end

--- Beyond Godot. Who is connected.
---@return integer[] ids
function WebSocketMultiplayerPeer:get_peers() end

--- For whom the next packets are, until it is set again. A client's packets go to the server, whatever it is.
---@param id integer One peer; 0 (as at first): all; negative: all but that one.
function WebSocketMultiplayerPeer:set_target_peer(id) end

--- Queues a packet for the target. An empty one is none. What does not fit for one of many is counted by `get_dropped_packet_count`.
--- Errors: `ERR_UNCONFIGURED`: not connected; `ERR_INVALID_PARAMETER`: no such peer; `ERR_OUT_OF_MEMORY`: it does not fit into what may
--- wait for the one peer it is for: try again later.
---@param packet string Any bytes.
---@return ws.Error error
---@return string? why
function WebSocketMultiplayerPeer:put_packet(packet) end

--- Takes the next packet.
--- Errors: `ERR_UNAVAILABLE`: none is waiting; `ERR_UNCONFIGURED`: not connected.
---@return string? packet
---@return ws.Error? error
---@return string? why
function WebSocketMultiplayerPeer:get_packet() end

--- Sends a Variant as a packet.
--- Errors: those of `put_packet`; `ERR_INVALID_DATA`: no Variant; `ERR_OUT_OF_MEMORY`: also more than `encode_buffer_max_size`.
---@param value any
---@param full_objects? boolean Default `false`.
---@return ws.Error error
---@return string? why
function WebSocketMultiplayerPeer:put_var(value, full_objects) end

--- Takes the next packet as a Variant.
--- Errors: those of `get_packet`; `ERR_INVALID_DATA`, `ERR_FILE_EOF`: no Variant; `ERR_UNAUTHORIZED`: a whole object.
---@param allow_objects? boolean Default `false`.
---@return any value `nil` for null too, but without an error.
---@return ws.Error? error
---@return string? why
function WebSocketMultiplayerPeer:get_var(allow_objects) end

--- Beyond Godot. Takes all packets in a loop: `for packet, from in peer:packets() do`.
---@return fun(peer: ws.WebSocketMultiplayerPeer): string?, integer, integer, integer next Gives packet, sender, channel (0) and mode (2).
---@return ws.WebSocketMultiplayerPeer peer
function WebSocketMultiplayerPeer:packets() end

---@return integer count Packets that are waiting.
function WebSocketMultiplayerPeer:get_available_packet_count() end

--- The result of the last `get_packet` or `get_var`.
---@return ws.Error error
function WebSocketMultiplayerPeer:get_packet_error() end

--- Who sent the packet that `get_packet` will give next.
---@return integer id 1 if there is none.
function WebSocketMultiplayerPeer:get_packet_peer() end

---@return integer channel Always 0.
function WebSocketMultiplayerPeer:get_packet_channel() end

---@return integer mode Always 2, reliable.
function WebSocketMultiplayerPeer:get_packet_mode() end

---@return integer status `CONNECTION_DISCONNECTED`, `CONNECTION_CONNECTING` or `CONNECTION_CONNECTED`.
function WebSocketMultiplayerPeer:get_connection_status() end

---@return integer id One's own: 1 on a server; 0 without a connection.
function WebSocketMultiplayerPeer:get_unique_id() end

--- A random id for a peer.
---@return integer id From 2 to 2147483647.
function WebSocketMultiplayerPeer:generate_unique_id() end

---@return boolean supported Always `true`.
function WebSocketMultiplayerPeer:is_server_relay_supported() end

--- Beyond Godot.
---@return boolean server
function WebSocketMultiplayerPeer:is_server() end

--- Beyond Godot. Where a server listens.
---@return integer port 0 if it does not.
function WebSocketMultiplayerPeer:get_bound_port() end

--- Beyond Godot.
---@return integer bytes `outbound_buffer_size` less the nine bytes that Godot counts.
function WebSocketMultiplayerPeer:get_max_packet_size() end

--- Beyond Godot. How many packets did not fit into what may wait: for this peer, or for all of this server's life.
---@param id? integer
---@return integer count
function WebSocketMultiplayerPeer:get_dropped_packet_count(id) end

--- Beyond Godot. Why the last connection could not be made or has ended.
---@return string text `""` if nothing went wrong.
function WebSocketMultiplayerPeer:get_last_error() end

--- Beyond Godot. The round-trip time that the last heartbeat has shown.
---@param id integer
---@return number? seconds `nil` while there is none.
function WebSocketMultiplayerPeer:get_peer_rtt(id) end

--- Beyond Godot. Sends now what was put.
function WebSocketMultiplayerPeer:flush() end

--- Waits for the next emission of a signal, as Godot's `await`. In a task the others go on meanwhile; the main program polls everything.
---@param name "peer_connected"|"peer_disconnected"
---@param timeout? number Seconds. Not given: as long as it takes.
---@return any ... The signal's arguments; or `nil` and `"timeout"`; or `nil`, `"closed"` and why.
function WebSocketMultiplayerPeer:wait(name, timeout) end

--- Waits for a packet and takes it, in the same way.
---@param timeout? number Seconds. Not given: as long as it takes.
---@return string? packet
---@return integer from Without a packet `"timeout"` or `"closed"`.
---@return string? why
function WebSocketMultiplayerPeer:receive(timeout) end

--- Connects a function to a signal by its name: `peer.peer_connected:connect(fn)`.
--- Errors: `ERR_INVALID_PARAMETER`: it is connected already.
---@param name "peer_connected"|"peer_disconnected"
---@param fn function
---@param flags? integer `ws.CONNECT_ONE_SHOT`: only once.
---@return ws.Error error
---@return string? why
---@overload fun(self: ws.WebSocketMultiplayerPeer, name: "peer_connected", fn: fun(id: integer), flags?: integer): ws.Error, string?
---@overload fun(self: ws.WebSocketMultiplayerPeer, name: "peer_disconnected", fn: fun(id: integer, close_code: integer, close_reason: string, was_clean: boolean), flags?: integer): ws.Error, string?
function WebSocketMultiplayerPeer:connect(name, fn, flags) end

--- `connect` under the name that many Lua libraries use.
---@param name "peer_connected"|"peer_disconnected"
---@param fn function
---@param flags? integer
---@return ws.Error error
---@return string? why
---@overload fun(self: ws.WebSocketMultiplayerPeer, name: "peer_connected", fn: fun(id: integer), flags?: integer): ws.Error, string?
---@overload fun(self: ws.WebSocketMultiplayerPeer, name: "peer_disconnected", fn: fun(id: integer, close_code: integer, close_reason: string, was_clean: boolean), flags?: integer): ws.Error, string?
function WebSocketMultiplayerPeer:on(name, fn, flags) end

--- Errors: `ERR_INVALID_PARAMETER`: it is not connected.
---@param name "peer_connected"|"peer_disconnected"
---@param fn function
---@return ws.Error error
---@return string? why
function WebSocketMultiplayerPeer:disconnect(name, fn) end

---@param name "peer_connected"|"peer_disconnected"
---@param fn function
---@return boolean connected
function WebSocketMultiplayerPeer:is_connected(name, fn) end
