---@meta _

---@class ws.Signal.nothing : ws.Signal
---@field connect fun(self: ws.Signal, fn: fun(), flags?: integer): ws.Error, string?

---@class ws.Signal.peer : ws.Signal
---@field connect fun(self: ws.Signal, fn: fun(id: integer), flags?: integer): ws.Error, string?

---@class ws.Signal.peer_packet : ws.Signal
---@field connect fun(self: ws.Signal, fn: fun(id: integer, bytes: string), flags?: integer): ws.Error, string?

---@class ws.Signal.packet_refused : ws.Signal
---@field connect fun(self: ws.Signal, fn: fun(id: integer, why: string), flags?: integer): ws.Error, string?

---@class ws.Signal.replication_packet : ws.Signal
---@field connect fun(self: ws.Signal, fn: fun(id: integer, kind: "spawn"|"despawn"|"sync"|"delta", bytes: string), flags?: integer): ws.Error, string?

---@alias ws.MultiplayerAPI.signal_name
---| "connected_to_server"
---| "connection_failed"
---| "server_disconnected"
---| "peer_connected"
---| "peer_disconnected"
---| "peer_packet"
---| "peer_authenticating"
---| "peer_authentication_failed"
---| "packet_refused"
---| "replication_packet"

--- What `@rpc` says about a method: its arguments in any order (`{ "any_peer", "call_local", "unreliable", 2 }`), or these keys.
---@class ws.RpcConfig
---@field rpc_mode? integer Default 2: `RPC_MODE_AUTHORITY`.
---@field call_local? boolean Default `false`.
---@field transfer_mode? integer Default 2: reliable.
---@field channel? integer Default 0.
---@field [integer] "any_peer"|"authority"|"call_local"|"call_remote"|"unreliable"|"unreliable_ordered"|"reliable"|integer

--- Godot's SceneMultiplayer: what Godot games say to each other inside of a peer's packets. [Its page](multiplayer_api.md).
---@class ws.MultiplayerAPI : ws.Pollable
---@field multiplayer_peer? ws.WebSocketMultiplayerPeer|ws.OfflineMultiplayerPeer|table An `OfflineMultiplayerPeer` at first. It must be connecting or connected, or has the methods of one; anything else raises.
---@field root_path string Default "". The absolute path of the part of the scene tree that this is for. It is taken off paths that begin with it.
---@field auth_callback? fun(id: integer, data: string) Default nil. With it, nobody is admitted before `complete_auth` on both sides.
---@field auth_timeout number Seconds; default 3. How long a peer may be authenticating. 0: without limit.
---@field server_relay boolean Default true. Whether clients learn of each other. Not to be changed while the peer is active: that raises.
---@field refuse_new_connections boolean Default false. The peer's.
---@field allow_object_decoding boolean Default false. Only `false` can be set.
---@field max_sync_packet_size integer Bytes; default 1350. Kept; nothing is replicated. From 128.
---@field max_delta_packet_size integer Bytes; default 65535. Kept; nothing is replicated. From 128.
---@field max_cached_paths integer Paths; default 1024. Beyond Godot: how many are remembered for each peer.
---@field connected_to_server ws.Signal.nothing `()`: a client was admitted; just before `peer_connected(1)`.
---@field connection_failed ws.Signal.nothing `()`: a client could not connect; `get_last_error()` says why.
---@field server_disconnected ws.Signal.nothing `()`: the connection has ended, also by `close()` of one's own, a server's too.
---@field peer_connected ws.Signal.peer `(id)`: a peer was admitted. On a client the server (1), then the other clients.
---@field peer_disconnected ws.Signal.peer `(id)`: it left. What it had sent comes first.
---@field peer_packet ws.Signal.peer_packet `(id, bytes)`: `send_bytes` of that peer.
---@field peer_authenticating ws.Signal.peer `(id)`: it is connected and now has to be accepted.
---@field peer_authentication_failed ws.Signal.peer `(id)`: it left before that, or its time was up.
---@field packet_refused ws.Signal.packet_refused `(id, why)`: beyond Godot: a packet was refused, or something is wrong with it.
---@field replication_packet ws.Signal.replication_packet `(id, kind, bytes)`: beyond Godot: what spawners and synchronizers sent. `kind` is `"spawn"`, `"despawn"`, `"sync"` or `"delta"`.
---@overload fun(): ws.MultiplayerAPI
local MultiplayerAPI = {}

MultiplayerAPI.RPC_MODE_DISABLED = 0
MultiplayerAPI.RPC_MODE_ANY_PEER = 1
MultiplayerAPI.RPC_MODE_AUTHORITY = 2

---@return ws.MultiplayerAPI api
function MultiplayerAPI.new() end

---@return ws.WebSocketMultiplayerPeer|ws.OfflineMultiplayerPeer|table|nil multiplayer_peer
function MultiplayerAPI:get_multiplayer_peer() end

---@param multiplayer_peer ws.WebSocketMultiplayerPeer|ws.OfflineMultiplayerPeer|table|nil
function MultiplayerAPI:set_multiplayer_peer(multiplayer_peer) end

---@return string root_path
function MultiplayerAPI:get_root_path() end

---@param root_path string
function MultiplayerAPI:set_root_path(root_path) end

---@return (fun(id: integer, data: string))? auth_callback
function MultiplayerAPI:get_auth_callback() end

---@param auth_callback (fun(id: integer, data: string))?
function MultiplayerAPI:set_auth_callback(auth_callback) end

---@return number auth_timeout
function MultiplayerAPI:get_auth_timeout() end

---@param auth_timeout number
function MultiplayerAPI:set_auth_timeout(auth_timeout) end

---@return boolean server_relay
function MultiplayerAPI:is_server_relay_enabled() end

---@param server_relay boolean
function MultiplayerAPI:set_server_relay_enabled(server_relay) end

---@return boolean refuse_new_connections
function MultiplayerAPI:is_refusing_new_connections() end

---@param refuse_new_connections boolean
function MultiplayerAPI:set_refuse_new_connections(refuse_new_connections) end

---@return boolean allow_object_decoding
function MultiplayerAPI:is_object_decoding_allowed() end

---@param allow_object_decoding boolean
function MultiplayerAPI:set_allow_object_decoding(allow_object_decoding) end

---@return integer max_sync_packet_size
function MultiplayerAPI:get_max_sync_packet_size() end

---@param max_sync_packet_size integer
function MultiplayerAPI:set_max_sync_packet_size(max_sync_packet_size) end

---@return integer max_delta_packet_size
function MultiplayerAPI:get_max_delta_packet_size() end

---@param max_delta_packet_size integer
function MultiplayerAPI:set_max_delta_packet_size(max_delta_packet_size) end

---@return integer max_cached_paths
function MultiplayerAPI:get_max_cached_paths() end

---@param max_cached_paths integer
function MultiplayerAPI:set_max_cached_paths(max_cached_paths) end

--- Polls the peer, takes its packets, and calls handlers and remote methods. An error in one of them is passed on with its traceback; what is
--- still due comes at the next poll.
---@param timeout? number Seconds to wait at most for something to happen. Not given: it does not wait.
---@return ws.Error error
---@return string? why
function MultiplayerAPI:poll(timeout) end

---@return boolean has
function MultiplayerAPI:has_multiplayer_peer() end

---@return integer id One's own: 1 on a server and without a connection; 0 without a peer.
function MultiplayerAPI:get_unique_id() end

---@return boolean server
function MultiplayerAPI:is_server() end

--- Those who were admitted, in their order. On a client with relay, other clients are among them.
---@return integer[] ids
function MultiplayerAPI:get_peers() end

--- Who called the method that runs, or sent the packet of `peer_packet`.
---@return integer id 0 otherwise; in a local call one's own.
function MultiplayerAPI:get_remote_sender_id() end

--- Sends bytes, which are given to `peer_packet` there.
--- Errors: `ERR_UNCONFIGURED`: no connection; `ERR_INVALID_DATA`: nothing to send; those of `put_packet`.
---@param bytes string
---@param id? integer One peer; 0 (default): all; negative: all but that one.
---@param mode? integer Default 2: reliable.
---@param channel? integer Default 0.
---@return ws.Error error
---@return string? why
function MultiplayerAPI:send_bytes(bytes, id, mode, channel) end

--- Sends data to the `auth_callback` of a peer that is authenticating.
--- Errors: `ERR_UNCONFIGURED`: no connection; `ERR_INVALID_PARAMETER`: it is not authenticating, or there is nothing to send; `ERR_FILE_CANT_WRITE`: one side has
--- completed it.
---@param id integer
---@param data string
---@return ws.Error error
---@return string? why
function MultiplayerAPI:send_auth(id, data) end

--- Accepts a peer on this side. It is admitted once the other side has done so, too.
--- Errors: as `send_auth`.
---@param id integer
---@return ws.Error error
---@return string? why
function MultiplayerAPI:complete_auth(id) end

---@return integer[] ids
function MultiplayerAPI:get_authenticating_peers() end

--- Throws a peer out, without a signal on this side.
---@param id integer
function MultiplayerAPI:disconnect_peer(id) end

--- Forgets all peers, without signals.
function MultiplayerAPI:clear() end

--- Makes an object the target of remote calls: `object[method](object, ...)`.
---@param path string Relative to `root_path`, or below it; `"."` is the root itself.
---@param object table|userdata
---@param rpcs? table<string, ws.RpcConfig> All remote methods of Godot's script, by name.
---@return ws.MultiplayerNode node
function MultiplayerAPI:add_node(path, object, rpcs) end

---@param path string
---@return ws.MultiplayerNode? node
function MultiplayerAPI:get_node(path) end

--- `node:rpc_id` with the arguments in a table.
---@param id integer
---@param node ws.MultiplayerNode|table|userdata A node, or the object of one.
---@param method string
---@param args? any[] Their number is `n`, if the table has that.
---@return ws.Error error
---@return string? why
function MultiplayerAPI:rpc(id, node, method, args) end

--- Beyond Godot. Of the peer.
---@return string text
function MultiplayerAPI:get_last_error() end

--- Waits for the next emission of a signal, as Godot's `await`.
---@param name ws.MultiplayerAPI.signal_name
---@param timeout? number Seconds. Not given: as long as it takes.
---@return any ... The signal's arguments (`true` if it has none); or `nil` and `"timeout"`; or `nil`, `"closed"` and why.
function MultiplayerAPI:wait(name, timeout) end

--- Connects a function to a signal by its name.
--- Errors: `ERR_INVALID_PARAMETER`: it is connected already.
---@param name ws.MultiplayerAPI.signal_name
---@param fn function
---@param flags? integer `ws.CONNECT_ONE_SHOT`: only once.
---@return ws.Error error
---@return string? why
---@overload fun(self: ws.MultiplayerAPI, name: "peer_packet", fn: fun(id: integer, bytes: string), flags?: integer): ws.Error, string?
---@overload fun(self: ws.MultiplayerAPI, name: "packet_refused", fn: fun(id: integer, why: string), flags?: integer): ws.Error, string?
---@overload fun(self: ws.MultiplayerAPI, name: "peer_connected"|"peer_disconnected", fn: fun(id: integer), flags?: integer): ws.Error, string?
function MultiplayerAPI:connect(name, fn, flags) end

--- `connect` under the name that many Lua libraries use.
---@param name ws.MultiplayerAPI.signal_name
---@param fn function
---@param flags? integer
---@return ws.Error error
---@return string? why
function MultiplayerAPI:on(name, fn, flags) end

--- Errors: `ERR_INVALID_PARAMETER`: it is not connected.
---@param name ws.MultiplayerAPI.signal_name
---@param fn function
---@return ws.Error error
---@return string? why
function MultiplayerAPI:disconnect(name, fn) end

---@param name ws.MultiplayerAPI.signal_name
---@param fn function
---@return boolean connected
function MultiplayerAPI:is_connected(name, fn) end
