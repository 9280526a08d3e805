-- Exclusive or, and what is built on it, in plain arithmetic: the same file loads on every Lua.
local bits = {}

local NIBBLE = {}
for a = 0, 15 do
  NIBBLE[a] = {}
  for b = 0, 15 do
    local sum, bit, x, y = 0, 1, a, b
    for _ = 1, 4 do
      if x % 2 ~= y % 2 then sum = sum + bit end
      x, y, bit = math.floor(x / 2), math.floor(y / 2), bit * 2
    end
    NIBBLE[a][b] = sum
  end
end

local function xor(a, b)
  local sum, place = 0, 1
  while a > 0 or b > 0 do
    local x, y = a % 16, b % 16
    sum = sum + NIBBLE[x][y] * place
    a, b, place = (a - x) / 16, (b - y) / 16, place * 16
  end
  return sum
end

local WORD = 4294967296

-- and and or by way of exclusive or: x + y == (x ~ y) + 2 * (x & y)
local function band(a, b)
  return (a + b - xor(a, b)) / 2
end

local function bor(a, b)
  return (a + b + xor(a, b)) / 2
end

local function rotate(word, count)
  local high = 2 ^ (32 - count)
  local low = word % high
  return low * 2 ^ count + (word - low) / high
end

local function word_at(text, at)
  local a, b, c, d = text:byte(at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

-- `size` bytes of `value`, most significant first.
function bits.big_endian(value, size)
  local bytes = {}
  for i = size, 1, -1 do
    bytes[i] = string.char(math.floor(value % 256))
    value = math.floor(value / 256)
  end
  return table.concat(bytes)
end

function bits.little_endian(value, size)
  return bits.big_endian(value % 256 ^ size, size):reverse()
end

-- XORs `text` with the four bytes of `mask`, over and over: masking and unmasking alike.
function bits.mask(text, mask)
  if mask == "\0\0\0\0" then return text end
  local tables = {}
  for i = 1, 4 do
    local key, map = mask:byte(i), {}
    for byte = 0, 255 do map[byte] = string.char(xor(byte, key)) end
    tables[i % 4] = map
  end
  local out = {}
  for i = 1, #text do out[i] = tables[i % 4][text:byte(i)] end
  return table.concat(out)
end

-- The 20 bytes of the SHA-1 digest.
function bits.sha1(text)
  local padded = text .. "\128" .. ("\0"):rep((55 - #text) % 64) .. bits.big_endian(#text * 8, 8)
  local h = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0 }
  for block = 1, #padded, 64 do
    local w = {}
    for i = 0, 15 do w[i] = word_at(padded, block + i * 4) end
    for i = 16, 79 do w[i] = rotate(xor(xor(w[i - 3], w[i - 8]), xor(w[i - 14], w[i - 16])), 1) end
    local a, b, c, d, e = h[1], h[2], h[3], h[4], h[5]
    for i = 0, 79 do
      local f, k
      if i < 20 then
        f, k = bor(band(b, c), band(WORD - 1 - b, d)), 0x5A827999
      elseif i < 40 then
        f, k = xor(xor(b, c), d), 0x6ED9EBA1
      elseif i < 60 then
        f, k = bor(bor(band(b, c), band(b, d)), band(c, d)), 0x8F1BBCDC
      else
        f, k = xor(xor(b, c), d), 0xCA62C1D6
      end
      a, b, c, d, e = (rotate(a, 5) + f + e + k + w[i]) % WORD, a, rotate(b, 30), c, d
    end
    h[1], h[2], h[3] = (h[1] + a) % WORD, (h[2] + b) % WORD, (h[3] + c) % WORD
    h[4], h[5] = (h[4] + d) % WORD, (h[5] + e) % WORD
  end
  local out = {}
  for i = 1, 5 do out[i] = bits.big_endian(h[i], 4) end
  return table.concat(out)
end

return bits
