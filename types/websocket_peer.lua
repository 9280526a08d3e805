---@meta _

--- One WebSocket, without ids: a client of its own, what `WebSocketServer` gives, or what `get_peer(id)` lends.
---@class ws.WebSocketPeer : ws.PacketPeer, ws.Connections, ws.Pollable
---@field encode_buffer_max_size integer Bytes; default 8388608. As of `WebSocketMultiplayerPeer`.
---@overload fun(): ws.WebSocketPeer
local WebSocketPeer = {}

WebSocketPeer.WRITE_MODE_TEXT = 0
WebSocketPeer.WRITE_MODE_BINARY = 1

WebSocketPeer.STATE_CONNECTING = 0
WebSocketPeer.STATE_OPEN = 1
WebSocketPeer.STATE_CLOSING = 2
WebSocketPeer.STATE_CLOSED = 3

---@return ws.WebSocketPeer peer
function WebSocketPeer.new() end

---@return integer encode_buffer_max_size
function WebSocketPeer:get_encode_buffer_max_size() end

---@param encode_buffer_max_size integer
function WebSocketPeer:set_encode_buffer_max_size(encode_buffer_max_size) end

--- Starts to connect. `OK` means started: `get_ready_state()` tells when it is open, `get_last_error()` what went wrong. There is no time limit but
--- the system's own.
--- Errors: `ERR_INVALID_PARAMETER`: URL, TLS options, sub-protocol or header line; `ERR_ALREADY_IN_USE`: connecting or open already; `FAILED`: out of
--- descriptors, threads or memory; `ERR_UNAVAILABLE`: libwebsockets has no TLS.
---@param url string `ws://` or `wss://`.
---@param tls? ws.TLSOptions Of `TLSOptions.client` or `client_unsafe`. Not given: verified with the system's authorities.
---@return ws.Error error
---@return string? why
function WebSocketPeer:connect_to_url(url, tls) end

--- Does what is due: connects, reads, sends. Of a peer that a server gave, it only shows the end; the server's `poll` moves the bytes.
---@param timeout? number Seconds to wait at most for something to happen. Not given: it does not wait.
function WebSocketPeer:poll(timeout) end

--- Closes. The state is `STATE_CLOSING` until the other side has answered, 3 s at most; also while our answer to its close waits behind what is unsent.
---@param code? integer Default 1000. 1000 to 1003, 1007 to 1014, 3000 to 4999; 0: none; negative: cut at once. Others raise.
---@param reason? string UTF-8; what is beyond 123 bytes is left out.
function WebSocketPeer:close(code, reason) end

---@return integer state `STATE_CONNECTING`, `STATE_OPEN`, `STATE_CLOSING` or `STATE_CLOSED`.
function WebSocketPeer:get_ready_state() end

--- The other side's close code.
---@return integer code 0: its close frame had none; -1: there was no close frame.
function WebSocketPeer:get_close_code() end

---@return string reason The text of the other side's close frame.
function WebSocketPeer:get_close_reason() end

--- Sends a message.
--- Errors: `FAILED`: not open; `ERR_OUT_OF_MEMORY`: it does not fit into what may wait; `ERR_INVALID_DATA`: a text that is not UTF-8.
---@param message string
---@param write_mode? integer Default `WRITE_MODE_BINARY`; or `WRITE_MODE_TEXT`.
---@return ws.Error error
---@return string? why
function WebSocketPeer:send(message, write_mode) end

--- `send` as text.
---@param message string
---@return ws.Error error
---@return string? why
function WebSocketPeer:send_text(message) end

--- `send` as binary; an empty packet is none.
---@param packet string
---@return ws.Error error
---@return string? why
function WebSocketPeer:put_packet(packet) end

--- Takes the next message.
--- Errors: `ERR_UNAVAILABLE`: none is waiting; `FAILED`: not open.
---@return string? message
---@return ws.Error? error
---@return string? why
function WebSocketPeer:get_packet() end

--- Whether the message that was taken last came as text.
---@return boolean text
function WebSocketPeer:was_string_packet() end

--- Sends a Variant as a binary message. Errors: those of `send`; `ERR_INVALID_DATA`: no Variant; `ERR_OUT_OF_MEMORY`: also more than `encode_buffer_max_size`.
---@param value any
---@param full_objects? boolean Default `false`.
---@return ws.Error error
---@return string? why
function WebSocketPeer:put_var(value, full_objects) end

--- Takes the next message as a Variant. Errors: those of `get_packet`; `ERR_INVALID_DATA`, `ERR_FILE_EOF`: no Variant; `ERR_UNAUTHORIZED`: a whole object.
---@param allow_objects? boolean Default `false`.
---@return any value `nil` for null too, but without an error.
---@return ws.Error? error
---@return string? why
function WebSocketPeer:get_var(allow_objects) end

--- Beyond Godot. Takes all messages in a loop: `for message, is_text in peer:packets() do`.
---@return fun(peer: ws.WebSocketPeer): string?, boolean next
---@return ws.WebSocketPeer peer
function WebSocketPeer:packets() end

---@return integer count Messages that are waiting.
function WebSocketPeer:get_available_packet_count() end

--- The result of the last `get_packet` or `get_var`.
---@return ws.Error error
function WebSocketPeer:get_packet_error() end

---@return integer bytes Of messages that the socket has not taken yet.
function WebSocketPeer:get_current_outbound_buffered_amount() end

---@return string address Of the other side, `""` when closed.
function WebSocketPeer:get_connected_host() end

---@return integer port Of the other side, 0 when closed.
function WebSocketPeer:get_connected_port() end

---@return string url `""` if it was never connected.
function WebSocketPeer:get_requested_url() end

---@return string protocol The sub-protocol that was agreed on, or `""`.
function WebSocketPeer:get_selected_protocol() end

--- TCP_NODELAY, which is on at first. `false` is for programs that send much and do not care when.
---@param enabled boolean
function WebSocketPeer:set_no_delay(enabled) end

--- Beyond Godot. Why the last connection could not be made or has ended.
---@return string text `""` if nothing went wrong.
function WebSocketPeer:get_last_error() end

--- Beyond Godot. Of a server's connection: the headers of the request that opened it.
---@return table<string, string> headers By names in lower case. Empty for a client.
function WebSocketPeer:get_request_headers() end

--- Beyond Godot. The round-trip time that the last heartbeat has shown.
---@return number? seconds `nil` while there is none.
function WebSocketPeer:get_rtt() end

--- Waits for a message and takes it. In a task the others go on meanwhile; the main program polls everything.
---@param timeout? number Seconds. Not given: as long as it takes.
---@return string? message
---@return boolean is_text Without a message `"timeout"` or `"closed"`.
---@return string? why
function WebSocketPeer:receive(timeout) end

--- Waits until it is open, in the same way.
---@param timeout? number Seconds. Not given: as long as it takes.
---@return true? open
---@return ("timeout"|"closed")? what
---@return string? why
function WebSocketPeer:wait_open(timeout) end
