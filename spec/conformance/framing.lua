-- Frames of every length, in each of the three ways to write it, cut at every byte of the head.
local bits = require "support.bits"
local frames = require "support.frames"

local TEXT, BINARY, PING = frames.TEXT, frames.BINARY, frames.PING
local KIND = { [TEXT] = "text", [BINARY] = "binary" }
local AUTOBAHN = { [0] = 1, [125] = 2, [126] = 3, [127] = 4, [128] = 5, [65535] = 6, [65536] = 7 }

local function payload(opcode, size)
  return ((opcode == TEXT and "The fifty bytes of this text are its unit, my lord " or "\0\1\254\255binary"):rep(
    math.ceil(size / 10)):sub(1, size))
end

return function(role)
  local cases = {}
  local function add(case) cases[#cases + 1] = case end

  for _, opcode in ipairs { TEXT, BINARY } do
    local section = opcode == TEXT and "1.1." or "1.2."
    for _, size in ipairs { 0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537, 200000 } do
      local content = payload(opcode, size)
      add {
        ("%s message of %d bytes"):format(KIND[opcode], size),
        autobahn = AUTOBAHN[size] and section .. AUTOBAHN[size],
        send = { { opcode = opcode, payload = content } }, gives = { { opcode, content } },
      }
      if size <= 256 then
        add {
          ("%s message of %d bytes, byte by byte"):format(KIND[opcode], size), pieces = 1,
          send = { { opcode = opcode, payload = content } }, gives = { { opcode, content } },
        }
      end
    end
    for _, size in ipairs { 65535, 65536 } do
      local content = payload(opcode, size)
      add {
        ("%s message of %d bytes in pieces of 997"):format(KIND[opcode], size), pieces = 997,
        autobahn = size == 65536 and section .. 8 or nil,
        send = { { opcode = opcode, payload = content } }, gives = { { opcode, content } },
      }
    end
  end

  local mask = role == "server" and 4 or 0
  for form, size in pairs { [7] = 5, [16] = 300, [64] = 65536 } do
    local head = (form == 7 and 2 or form == 16 and 4 or 10) + mask
    for at = 1, head do
      local content = payload(BINARY, size)
      add {
        ("message with a length of %d bits, cut behind byte %d of its head of %d"):format(form, at, head),
        pieces = { at }, send = { { payload = content } }, gives = { { BINARY, content } },
      }
    end
  end

  for _, row in ipairs {
    { 16, 0 }, { 16, 1 }, { 16, 125 }, { 64, 0 }, { 64, 125 }, { 64, 126 }, { 64, 65535 },
  } do
    local content = payload(BINARY, row[2])
    add {
      ("a length of %d in %d bits, which is not its shortest form, fails"):format(row[2], row[1]),
      send = { { payload = content, form = row[1] } }, ends = 1002,
      known = { "length", gives = { { BINARY, content } } },
    }
  end
  for name, length in pairs {
    ["alone"] = "\128\0\0\0\0\0\0\0", ["and a small length"] = "\128\0\0\0\0\0\0\5",
    ["and all others"] = ("\255"):rep(8),
  } do
    add {
      "a length of 64 bits with its top bit " .. name .. " fails",
      send = { { payload = "12345", form = 64, length_bytes = length } }, ends = 1002,
    }
  end
  for _, power in ipairs { 20, 31, 32, 40, 62 } do
    add {
      ("a frame announced with 2^%d + 65536 bytes is too big"):format(power),
      -- libwebsockets tells of a frame when 64 KiB of it are there.
      send = { { form = 64, length_bytes = bits.big_endian(2 ^ power + 65536, 8), payload = ("x"):rep(65536) } },
      ends = 1009,
    }
  end
  if role ~= "secure client" then
    add { "a frame announced with a byte more than a mebibyte is too big before any of it is there", ends = 1009,
      send = { { form = 64, length_bytes = bits.big_endian(1048577, 8), payload = "" } } }
  end
  add { "a message of a mebibyte fits exactly", send = { { payload = ("m"):rep(1048576) } },
    gives = { { BINARY, ("m"):rep(1048576) } } }
  add { "one byte more than a mebibyte is too big", send = { { payload = ("m"):rep(1048577) } }, ends = 1009 }
  add { "fragments of more than a mebibyte together are too big",
    send = { { fin = false, payload = ("m"):rep(1048576) }, { opcode = frames.CONTINUATION, payload = "m" } },
    ends = 1009 }

  local many, back = {}, {}
  for i = 1, 100 do
    many[i] = { opcode = i % 2 == 0 and TEXT or BINARY, payload = ("%d."):format(i):rep(i) }
    back[i] = { many[i].opcode, many[i].payload }
  end
  for _, size in ipairs { 1, 2, 3, 5, 7, 13, 64, 1000, 4096 } do
    add { ("a hundred messages in pieces of %d bytes"):format(size), send = many, gives = back, pieces = size }
  end
  add { "a hundred messages at once", send = many, gives = back }
  add { "a hundred messages, frame by frame", send = many, gives = back, pieces = "frames" }
  add { "two frames whose border is in the middle of a piece", pieces = { 9 },
    send = { { payload = "abc" }, { opcode = PING, payload = "p" }, { payload = "def" } },
    gives = { { BINARY, "abc" }, { frames.PONG, "p" }, { BINARY, "def" } } }
  return cases
end
