-- The other end of a connection by hand: plain TCP without blocking, HTTP heads and frames as bytes. Our peers
-- are polled while something is awaited, since they live in the same thread.
local socket = require "socket"
local mime = require "mime"
local bits = require "support.bits"
local frames = require "support.frames"
local wait = require "support.wait"

local raw = {
  KEY = "dGhlIHNhbXBsZSBub25jZQ==",
  ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
}

local Connection = {}
Connection.__index = Connection

local open = {}

local function track(object)
  open[#open + 1] = object
  return object
end

local function wrap(sock, role)
  sock:settimeout(0)
  pcall(sock.setoption, sock, "tcp-nodelay", true)
  return track(setmetatable({
    socket = sock, role = role, inbox = "", at = 1, outbox = "", ended = nil,
  }, Connection))
end

-- A client's connection to `port`. The connect itself needs nobody to poll.
function raw.connect(port, address)
  address = address or "127.0.0.1"
  local sock = assert(address:find(":", 1, true) and socket.tcp6() or socket.tcp4())
  sock:settimeout(0)
  local ok, err = sock:connect(address, port)
  if not ok and err ~= "timeout" and err ~= "Operation already in progress" then
    sock:close()
    return nil, err
  end
  return wrap(sock, "client")
end

-- Whether anybody listens there (waits for the answer, at most two seconds).
function raw.reachable(port, address)
  local sock = assert(address:find(":", 1, true) and socket.tcp6() or socket.tcp4())
  sock:settimeout(2)
  local ok, err = sock:connect(address, port)
  sock:close()
  return ok ~= nil, err
end

-- Moves what can be moved in both directions, without waiting.
function Connection:pump()
  if #self.outbox > 0 and not self.write_error then
    local last, err, partial = self.socket:send(self.outbox)
    last = last or partial or 0
    self.outbox = self.outbox:sub(last + 1)
    if err and err ~= "timeout" then self.write_error = err end
  end
  if self.ended then return self end
  local pieces = {}
  repeat
    local data, err, partial = self.socket:receive(65536)
    pieces[#pieces + 1] = data or partial
    if err and err ~= "timeout" then self.ended = err end
  until err
  local arrived = table.concat(pieces)
  if #arrived > 0 then
    self.inbox = self.inbox:sub(self.at) .. arrived
    self.at = 1
  end
  return self
end

function Connection:send(bytes)
  self.outbox = #self.outbox == 0 and bytes or self.outbox .. bytes
  return self:pump()
end

-- Byte by byte, or in pieces of `size`, with a poll of `peers` after each piece.
function Connection:trickle(bytes, peers, size)
  size = size or 1
  for at = 1, #bytes, size do
    self:send(bytes:sub(at, at + size - 1))
    for _, peer in ipairs(peers) do peer:poll() end
  end
  return self
end

-- Everything that is still to be sent is given to the system.
function Connection:flush(peers)
  wait.until_(function()
    self:pump()
    return #self.outbox == 0 or self.write_error
  end, peers, nil, "the bytes to leave")
  return self
end

-- A frame with the mask that this role needs, unless fields.mask says otherwise (false: none).
function Connection:frame_bytes(fields)
  local copy = {}
  for name, value in pairs(fields) do copy[name] = value end
  if copy.mask == nil and self.role == "client" then
    copy.mask = #(copy.payload or "") > 4096 and "\0\0\0\0" or frames.MASK
  end
  copy.mask = copy.mask or nil
  return frames.build(copy)
end

function Connection:send_frame(fields)
  return self:send(self:frame_bytes(fields))
end

function Connection:send_binary(payload)
  return self:send_frame { opcode = frames.BINARY, payload = payload }
end

function Connection:send_close(code, reason)
  return self:send_frame { opcode = frames.CLOSE, payload = frames.close_payload(code, reason) }
end

-- Waits for bytes up to `terminator` and takes them. nil and why if the connection ends before.
function Connection:read_to(terminator, peers, what)
  local found
  wait.until_(function()
    self:pump()
    local _, last = self.inbox:find(terminator, self.at, true)
    found = last
    return last or self.ended
  end, peers, nil, what)
  if not found then return nil, self.ended end
  local text = self.inbox:sub(self.at, found)
  self.at = found + 1
  return text
end

function Connection:read_head(peers)
  return self:read_to("\r\n\r\n", peers, "an HTTP head")
end

-- The next complete frame that is already here, or nil.
function Connection:take_frame()
  self:pump()
  local frame, next_at = frames.read(self.inbox, self.at)
  if frame then self.at = next_at end
  return frame
end

-- The next frame; nil and why if the connection ends before it is complete.
function Connection:read_frame(peers, seconds)
  local frame
  wait.until_(function()
    frame = self:take_frame()
    return frame or self.ended
  end, peers, seconds, "a frame")
  if frame then return frame end
  return nil, self.ended
end

-- The payload of the next frame, which must be binary.
function Connection:read_binary(peers)
  local frame, why = self:read_frame(peers)
  if not frame then error("expected a binary frame, but the connection ended: " .. why, 2) end
  if frame.opcode ~= frames.BINARY then
    error(("expected a binary frame, got opcode %d (code %s)"):format(frame.opcode, tostring(frame.code)), 2)
  end
  return frame.payload
end

-- Waits for the end of TCP; gives luasocket's word for it. What arrives before is kept.
function Connection:read_end(peers, seconds)
  wait.until_(function()
    self:pump()
    return self.ended
  end, peers, seconds, "the end of TCP")
  return self.ended
end

-- Bytes received and not yet taken.
function Connection:unread()
  self:pump()
  return self.inbox:sub(self.at)
end

function Connection:local_port()
  local _, port = self.socket:getsockname()
  return tonumber(port)
end

function Connection:shut_write()
  self.socket:shutdown("send")
end

-- Ends TCP by a reset instead of an orderly end.
function Connection:reset()
  self.socket:setoption("linger", { on = true, timeout = 0 })
  self:close()
end

function Connection:close()
  if not self.closed then
    self.closed = true
    self.ended = self.ended or "closed here"
    self.socket:close()
  end
end

-- A request head. Options: path, host, line (the whole request line), upgrade, connection, key, version
-- (false leaves the header out), lines (an array of further header lines).
function raw.request(options)
  options = options or {}
  local lines = { options.line or ("GET %s HTTP/1.1"):format(options.path or "/") }
  local function add(name, value, default)
    if value == nil then value = default end
    if value then lines[#lines + 1] = name .. ": " .. value end
  end
  add("Host", options.host, "127.0.0.1")
  add("Upgrade", options.upgrade, "websocket")
  add("Connection", options.connection, "Upgrade")
  add("Sec-WebSocket-Key", options.key, raw.KEY)
  add("Sec-WebSocket-Version", options.version, "13")
  for _, line in ipairs(options.lines or {}) do lines[#lines + 1] = line end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

function raw.accept_key(key)
  return (mime.b64(bits.sha1(key .. "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")))
end

-- A response head to the request `head`. Options: line, upgrade, connection, accept (false leaves it out), lines.
function raw.response(head, options)
  options = options or {}
  local lines = { options.line or "HTTP/1.1 101 Switching Protocols" }
  local function add(name, value, default)
    if value == nil then value = default end
    if value then lines[#lines + 1] = name .. ": " .. value end
  end
  add("Upgrade", options.upgrade, "websocket")
  add("Connection", options.connection, "Upgrade")
  add("Sec-WebSocket-Accept", options.accept, raw.accept_key(raw.header(head, "Sec-WebSocket-Key") or ""))
  for _, line in ipairs(options.lines or {}) do lines[#lines + 1] = line end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- The value of a header in a head, or nil. `name` in any case.
function raw.header(head, name)
  for line in head:gmatch("[^\r\n]+") do
    local key, value = line:match("^([^:]+):%s*(.-)%s*$")
    if key and key:lower() == name:lower() then return value end
  end
  return nil
end

function raw.status(head)
  return tonumber(head:match("^HTTP/1%.1 (%d%d%d)"))
end

-- The bytes of an id packet's payload.
function raw.id(number)
  return bits.little_endian(number, 4)
end

local function id_of(payload)
  local a, b, c, d = payload:byte(1, 4)
  return ((d * 256 + c) * 256 + b) * 256 + a
end

-- As a client: the whole handshake with our server, and the id. Gives the connection; its id is in `.id`.
function Connection:join(peers, request)
  self:send(request or raw.request())
  local head, why = self:read_head(peers)
  if not head then error("the server ended the connection in the handshake: " .. why, 2) end
  if raw.status(head) ~= 101 then error("the server refused: " .. head, 2) end
  self.response = head
  local payload = self:read_binary(peers)
  if #payload ~= 4 then error("the id packet has " .. #payload .. " bytes", 2) end
  self.id = id_of(payload)
  return self
end

function raw.join(port, peers, request)
  return assert(raw.connect(port)):join(peers, request)
end

local Listener = {}
Listener.__index = Listener

-- A listening socket for our client to connect to.
function raw.listen(address, port)
  address = address or "127.0.0.1"
  local sock = assert(address:find(":", 1, true) and socket.tcp6() or socket.tcp4())
  sock:setoption("reuseaddr", true)
  local ok, err = sock:bind(address, port or 0)
  if ok then ok, err = sock:listen(16) end
  if not ok then
    sock:close()
    return nil, err
  end
  sock:settimeout(0)
  local _, bound = sock:getsockname()
  return track(setmetatable({ socket = sock, port = tonumber(bound) }, Listener))
end

function Listener:accept(peers)
  local sock
  wait.until_(function()
    sock = self.socket:accept()
    return sock
  end, peers, nil, "a TCP connection")
  return wrap(sock, "server")
end

-- Accepts our client and reads its request, which is left in `.request`.
function Listener:accept_request(peers)
  local connection = self:accept(peers)
  local head, why = connection:read_head(peers)
  if not head then error("the client ended the connection: " .. why, 2) end
  connection.request = head
  return connection
end

-- Accepts our client, upgrades, and gives it `id` (none if false).
function Listener:welcome(peers, id, options)
  local connection = self:accept_request(peers)
  connection:send(raw.response(connection.request, options))
  if id ~= false then connection:send_binary(raw.id(id or 4660)) end
  return connection
end

function Listener:close()
  if not self.closed then
    self.closed = true
    self.socket:close()
  end
end

-- A port that nobody listens on.
function raw.free_port()
  local listener = assert(raw.listen())
  listener:close()
  return listener.port
end

-- Can this machine do IPv6 at all?
function raw.has_ipv6()
  local listener = raw.listen("::1")
  if listener then listener:close() end
  return listener ~= nil
end

function raw.close_all()
  for i = #open, 1, -1 do
    open[i]:close()
    open[i] = nil
  end
end

return raw
