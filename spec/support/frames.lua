-- RFC 6455 frames as bytes: a builder that can also build wrong ones, and a reader.
local bits = require "support.bits"

local frames = {
  CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10,
  MASK = "\55\250\33\61",
}

-- The bytes of a frame. `fields`: opcode (binary), payload, fin (true), rsv (0 to 7), mask (4 bytes, or nil for
-- none), form (7, 16 or 64: how the length is written; the shortest if not given), length (what is announced).
function frames.build(fields)
  local payload = fields.payload or ""
  local length = fields.length or #payload
  local form = fields.form or (length < 126 and 7 or length < 65536 and 16 or 64)
  local first = (fields.fin == false and 0 or 128) + (fields.rsv or 0) * 16 + (fields.opcode or frames.BINARY)
  local masked = fields.mask and 128 or 0
  local head
  if form == 7 then
    head = string.char(first, masked + length)
  elseif form == 16 then
    head = string.char(first, masked + 126) .. bits.big_endian(length, 2)
  else
    head = string.char(first, masked + 127) .. (fields.length_bytes or bits.big_endian(length, 8))
  end
  if not fields.mask then return head .. payload end
  return head .. fields.mask .. bits.mask(payload, fields.mask)
end

-- The payload of a close frame.
function frames.close_payload(code, reason)
  if not code then return "" end
  return bits.big_endian(code, 2) .. (reason or "")
end

-- Reads the frame that begins at `at`: a table and the position behind it, or nil while it is incomplete.
function frames.read(text, at)
  local first, second = text:byte(at, at + 1)
  if not second then return nil end
  local length, next_at = second % 128, at + 2
  local form = 7
  if length >= 126 then
    local size = length == 126 and 2 or 8
    if #text < next_at + size - 1 then return nil end
    form, length = size * 8, 0
    for i = next_at, next_at + size - 1 do length = length * 256 + text:byte(i) end
    next_at = next_at + size
  end
  local mask
  if second >= 128 then
    mask = text:sub(next_at, next_at + 3)
    next_at = next_at + 4
  end
  if #text < next_at + length - 1 then return nil end
  local payload = text:sub(next_at, next_at + length - 1)
  if mask and #mask == 4 then payload = bits.mask(payload, mask) end
  local frame = {
    opcode = first % 16, fin = first >= 128, rsv = math.floor(first / 16) % 8,
    mask = mask, form = form, payload = payload,
  }
  if frame.opcode == frames.CLOSE and length >= 2 then
    frame.code = payload:byte(1) * 256 + payload:byte(2)
    frame.reason = payload:sub(3)
  end
  return frame, next_at + length
end

return frames
