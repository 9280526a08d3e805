---@meta _

--- A number from `ws.OK` (0) to `ws.ERR_PRINTER_ON_FIRE` (48).
---@alias ws.Error integer

--- What all objects with sockets have: other loops watch the descriptor and call `poll()`.
---@class ws.Pollable
local Pollable = {}

--- A descriptor that becomes readable when `poll()` has something to do. It stays the same for the life of the object.
---@return integer? descriptor `nil` while it is closed, and where the system has no epoll.
function Pollable:pollfd() end

--- What to watch the descriptor for. With `pollfd()` and `timeout()`, the protocol by which cqueues waits for objects.
---@return "r" events
function Pollable:events() end

--- When `poll()` is due although the descriptor is not readable.
---@return number? seconds One at most; 0: at once; `nil`: the object is closed.
function Pollable:timeout() end

--- Whether it is alive: listening, connected or connecting, or with something left to tell.
---@return boolean active
function Pollable:is_active() end

--- The properties of everything that has connections. A value outside of 32-bit integers, a wrong type, and a list that is no sequence of
--- strings raise.
---@class ws.Connections
---@field supported_protocols string[] Default {}. Sub-protocols, the preferred one first. A copy when it is read. Both sides need one in common, or neither has any.
---@field handshake_headers string[] Default {}. Lines `"Name: value"` that go with the request, or the answer. A copy when it is read.
---@field inbound_buffer_size integer Bytes; default 65535. The largest message that is taken (more ends the connection with code 1009), and what may lie unread for one connection before it is read no further. 0 or less: no limit.
---@field outbound_buffer_size integer Bytes; default 65535. What may wait for one connection to be sent. What does not fit is refused with `ERR_OUT_OF_MEMORY`. 0 or less: no limit.
---@field max_queued_packets integer Packets; default 2048. The same two limits as counts of messages.
---@field heartbeat_interval number Seconds; default 0. How often a ping is sent. A link without a sign of life is ended within two intervals, with code -1. 0: never. Negative: the old value stays.
local Connections = {}

---@return string[] supported_protocols
function Connections:get_supported_protocols() end

---@param supported_protocols string[]
function Connections:set_supported_protocols(supported_protocols) end

---@return string[] handshake_headers
function Connections:get_handshake_headers() end

---@param handshake_headers string[]
function Connections:set_handshake_headers(handshake_headers) end

---@return integer inbound_buffer_size
function Connections:get_inbound_buffer_size() end

---@param inbound_buffer_size integer
function Connections:set_inbound_buffer_size(inbound_buffer_size) end

---@return integer outbound_buffer_size
function Connections:get_outbound_buffer_size() end

---@param outbound_buffer_size integer
function Connections:set_outbound_buffer_size(outbound_buffer_size) end

---@return integer max_queued_packets
function Connections:get_max_queued_packets() end

---@param max_queued_packets integer
function Connections:set_max_queued_packets(max_queued_packets) end

---@return number heartbeat_interval
function Connections:get_heartbeat_interval() end

---@param heartbeat_interval number
function Connections:set_heartbeat_interval(heartbeat_interval) end

--- What servers have besides.
---@class ws.Listener : ws.Connections
---@field handshake_timeout number Seconds; default 3. For the whole way from TCP to the end of the handshake; on a client also for the name, TLS, and the id. 0 or less: the old value stays.
---@field max_pending_handshakes integer Handshakes; default 1024. At once. The oldest is dropped for a new one. 0 or less: no limit.
---@field max_connections_per_address integer Connections; default 0. From one address at once, those in the handshake too; a public IPv6 address counts by its first 64 bits. More are closed at once. 0 or less: no limit.
---@field on_request? fun(request: ws.Request): boolean|integer|nil, string? Default nil. Judges each WebSocket request before it is accepted: `nil` or `true` admits, `false` (403) or a status from 400 to 599, with a text, refuses. Runs inside `poll`. An error in it refuses with 500 and reaches the caller of `poll`.
---@field on_http_request? fun(request: ws.Request): integer?, table<string, string|number|(string|number)[]>?, string? Default nil. Answers plain HTTP requests: a status from 200 to 599, headers, a body. Nothing: 426, as without it. An error in it is answered with 500 and reaches the caller of `poll`.
local Listener = {}

---@return number handshake_timeout
function Listener:get_handshake_timeout() end

---@param handshake_timeout number
function Listener:set_handshake_timeout(handshake_timeout) end

---@return integer max_pending_handshakes
function Listener:get_max_pending_handshakes() end

---@param max_pending_handshakes integer
function Listener:set_max_pending_handshakes(max_pending_handshakes) end

---@return integer max_connections_per_address
function Listener:get_max_connections_per_address() end

---@param max_connections_per_address integer
function Listener:set_max_connections_per_address(max_connections_per_address) end

---@return (fun(request: ws.Request): boolean|integer|nil, string?)? on_request
function Listener:get_on_request() end

---@param on_request (fun(request: ws.Request): boolean|integer|nil, string?)?
function Listener:set_on_request(on_request) end

---@return (fun(request: ws.Request): integer?, table<string, string|number|(string|number)[]>?, string?)? on_http_request
function Listener:get_on_http_request() end

---@param on_http_request (fun(request: ws.Request): integer?, table<string, string|number|(string|number)[]>?, string?)?
function Listener:set_on_http_request(on_http_request) end
