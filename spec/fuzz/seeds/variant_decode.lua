-- Seeds for the decoder of Variants: each of the vectors in spec/data, or if there are none each of a few values.

local LONGEST = 8192

local function word(value) return ("<I4"):pack(value) end

local seeds = {}
for _, name in ipairs { "variant_vectors", "variant_malformed" } do
  local file = io.open("spec/data/" .. name .. ".jsonl")
  for line in file and file:lines() or function() end do
    for hex in line:gmatch '"[%w_]*hex[%w_]*":"(%x*)"' do
      local seed = hex:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end)
      if #seed <= LONGEST then seeds[#seeds + 1] = seed end
    end
  end
  if file then file:close() end
end

if #seeds == 0 then
  local text = word(5) .. "hello\0\0\0"
  local string = word(4) .. text
  local wide = 1 << 16
  for type = 0, 38 do -- numbers of all sizes, and counts of zero
    seeds[#seeds + 1] = word(type) .. ("\0"):rep(64)
    seeds[#seeds + 1] = word(type | wide) .. ("\0"):rep(128)
  end
  for _, type in ipairs { 4, 21 } do seeds[#seeds + 1] = word(type) .. text end
  for type = 29, 38 do seeds[#seeds + 1] = word(type) .. word(2) .. ("\1\0\0\0"):rep(8) end
  seeds[#seeds + 1] = word(22) .. word(0x80000001) .. word(1) .. word(1) .. text .. text -- NodePath
  seeds[#seeds + 1] = word(24) .. text .. word(1) .. text .. string -- Object
  seeds[#seeds + 1] = word(26) .. text .. word(7) .. word(0) -- Signal
  seeds[#seeds + 1] = word(27) .. word(2) .. string .. word(0) .. word(3) .. word(0) .. word(28) .. word(0)
  seeds[#seeds + 1] = word(28) .. word(2) .. string .. word(28) .. word(1) .. word(1) .. word(1)
  seeds[#seeds + 1] = word(28 | wide) .. word(2) .. word(1) .. word(2) .. word(7) -- Array[int]
  seeds[#seeds + 1] = word(28 | 2 << 16) .. text .. word(0) -- Array of a class
  seeds[#seeds + 1] = word(27 | 5 << 16) .. word(4) .. word(2) .. word(1) .. string .. word(2) .. word(7)
end

-- Containers in containers, each of which claims all the bytes that are left as its elements.
for type = 27, 28 do
  local parts, left = {}, LONGEST
  while left > 64 do
    local head = word(type) .. word(left // 8 - 2) .. (type == 27 and word(0) or "")
    parts[#parts + 1] = head
    left = left - #head
  end
  seeds[#seeds + 1] = table.concat(parts) .. ("\0"):rep(left)
end

-- What Variants are made of.
local entries = {}
local function entry(bytes) entries[#entries + 1] = bytes end
for type = 0, 39 do
  entry(word(type))
  entry(word(type | 1 << 16))
end
for kinds = 2, 15 do
  entry(word(27 | kinds << 16))
  if kinds < 4 then entry(word(28 | kinds << 16)) end
end
for _, value in ipairs { 0x80000000, 0x80000001, 0x7fffffff, 0xffffffff, 0x7fc00000 } do entry(word(value)) end
entry "\xEF\xBB\xBF"

return { seeds = seeds, words = entries }
