--- SceneMultiplayer's packets: bytes from fields and fields from bytes. It knows no state; whoever sends and receives
-- them is elsewhere. Numbers are little-endian.

local protocol = {
  PATH_FLAG = 0x80000000, -- in a call's node field: the rest is where its path begins
  NODE_METHOD = 0x8000, -- in a method's number: of the node-level table
}

-- The command: the lowest three bits of the first byte. What lies above them are flags of some commands.
local REMOTE_CALL, SIMPLIFY_PATH, CONFIRM_PATH, RAW, SPAWN, DESPAWN, SYNC, SYS = 0, 1, 2, 3, 4, 5, 6, 7
-- The second byte of SYS.
local AUTH, ADD_PEER, DEL_PEER, RELAY = 0, 1, 2, 3

local byte, char, find, sub = string.byte, string.char, string.find, string.sub
local floor = math.floor

-- ---- numbers

local function u16(value) return char(value % 256, floor(value / 256)) end

-- Negative numbers become their two's complement.
local function u32(value)
  value = value % 4294967296
  return char(value % 256, floor(value / 256) % 256, floor(value / 65536) % 256, floor(value / 16777216))
end

local function read_u16(packet, at)
  local a, b = byte(packet, at, at + 1)
  return a + b * 256
end

local function read_u32(packet, at)
  local a, b, c, d = byte(packet, at, at + 3)
  return a + b * 256 + c * 65536 + d * 16777216
end

local function read_i32(packet, at)
  local value = read_u32(packet, at)
  return value >= 2147483648 and value - 4294967296 or value
end

-- A text that ends at its NUL, or with the packet.
local function read_text(packet, at)
  return sub(packet, at, (find(packet, "\0", at, true) or #packet + 1) - 1)
end

-- ---- writing

function protocol.raw(bytes) return char(RAW) .. bytes end

--- Without data: the notice that authentication is complete.
function protocol.auth(data) return char(SYS, AUTH) .. (data or "") end

function protocol.add_peer(id) return char(SYS, ADD_PEER) .. u32(id) end

function protocol.del_peer(id) return char(SYS, DEL_PEER) .. u32(id) end

--- To the server: `id` is the target. From it: the source.
function protocol.relay(id, packet) return char(SYS, RELAY) .. u32(id) .. packet end

function protocol.simplify_path(checksum, id, path)
  return char(SIMPLIFY_PATH) .. checksum .. "\0" .. u32(id) .. path .. "\0"
end

function protocol.confirm_path(id, same_methods) return char(CONFIRM_PATH, same_methods and 1 or 0) .. u32(id) end

--- A call, as a function that gives the packet for a node named by its cache id, in the shortest form; or by its id in
-- four bytes, for receivers that share the packet with others who do not know the id; or by its path.
-- @tparam integer method
-- @tparam string arguments encoded; with their count in front unless `raw`
-- @tparam boolean raw no arguments, or the bytes of the only one
function protocol.remote_call(method, arguments, raw)
  local flags = (raw and 128 or 0) + (method > 255 and 64 or 0)
  local rest = (method > 255 and u16(method) or char(method)) .. arguments
  return {
    by_id = function(id)
      if id <= 255 then return char(flags, id) .. rest end
      if id <= 65535 then return char(flags + 16) .. u16(id) .. rest end
      return char(flags + 32) .. u32(id) .. rest
    end,
    by_wide_id = function(id) return char(flags + 32) .. u32(id) .. rest end,
    by_path = function(path)
      return char(flags + 32) .. u32(protocol.PATH_FLAG + 5 + #rest) .. rest .. path .. "\0"
    end,
  }
end

-- ---- reading

local readers = {}

local function too_short(packet, what) return nil, ("%s of %d bytes is too short"):format(what, #packet) end

readers[REMOTE_CALL] = function(packet)
  local flags = byte(packet)
  local node_size = floor(flags / 16) % 4
  if node_size == 3 then return nil, "a call with an impossible size of the node field" end
  local raw, wide_method = flags >= 128, floor(flags / 64) % 2 == 1
  local method_at = node_size == 0 and 3 or node_size == 1 and 4 or 6
  local first, last = method_at + (wide_method and 2 or 1), #packet
  if first - 1 > last then return too_short(packet, "a call") end
  local node = node_size == 0 and byte(packet, 2) or node_size == 1 and read_u16(packet, 2) or read_u32(packet, 2)
  local path
  if node >= protocol.PATH_FLAG then
    local offset = node - protocol.PATH_FLAG
    if offset < first - 1 or offset >= last then return nil, "a call with its path outside of the packet" end
    node, path, last = nil, read_text(packet, offset + 1), offset
  end
  local count
  if raw then
    count = first <= last and 1 or 0
  else
    if first > last then return too_short(packet, "a call") end
    count = byte(packet, first)
    first = first + 1
  end
  return {
    kind = "remote_call", node = node, path = path, raw = raw, count = count, first = first, last = last,
    method = (wide_method and read_u16 or byte)(packet, method_at),
  }
end

readers[SIMPLIFY_PATH] = function(packet)
  if #packet < 38 then return too_short(packet, "a path to remember") end
  local checksum, id, path = sub(packet, 2, 33), read_u32(packet, 35), read_text(packet, 39)
  return { kind = "simplify_path", checksum = checksum, id = id, path = path }
end

readers[CONFIRM_PATH] = function(packet)
  if #packet ~= 6 then return nil, ("the confirmation of a path has 6 bytes, not %d"):format(#packet) end
  return { kind = "confirm_path", same_methods = byte(packet, 2) ~= 0, id = read_u32(packet, 3) }
end

readers[RAW] = function(packet)
  if #packet < 2 then return nil, "raw bytes without any" end
  return { kind = "raw", bytes = sub(packet, 2) }
end

-- What spawners and synchronizers send is recognised, and left as it is.
local function replication(kind, shortest)
  return function(packet)
    if #packet < shortest then return too_short(packet, "a " .. kind .. " packet") end
    return { kind = "replication", what = kind, bytes = packet }
  end
end

readers[SPAWN] = replication("spawn", 18)
readers[DESPAWN] = replication("despawn", 5)
local read_sync, read_delta = replication("sync", 11), replication("delta", 11)
readers[SYNC] = function(packet) return (floor(byte(packet) / 16) % 2 == 1 and read_delta or read_sync)(packet) end

readers[SYS] = function(packet)
  local what = byte(packet, 2)
  if what == AUTH then return { kind = "auth", data = sub(packet, 3) } end
  if #packet < 6 then return too_short(packet, "a system packet") end
  local peer = read_i32(packet, 3)
  if what == ADD_PEER then return { kind = "add_peer", peer = peer } end
  if what == DEL_PEER then return { kind = "del_peer", peer = peer } end
  if what ~= RELAY then return nil, ("a system packet of the unknown kind %d"):format(what) end
  if #packet < 7 then return nil, "a relay packet with nothing in it" end
  return { kind = "relay", peer = peer, packet = sub(packet, 7) }
end

--- The fields of a packet, with its `kind`; or nil and what is wrong with it.
function protocol.read(packet)
  if packet == "" then return nil, "an empty packet" end
  return readers[byte(packet) % 8](packet)
end

return protocol
