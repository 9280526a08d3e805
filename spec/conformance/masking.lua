-- A client's frames are masked, a server's are not.
local frames = require "support.frames"

local TEXT, BINARY, CONTINUATION = frames.TEXT, frames.BINARY, frames.CONTINUATION
local CLOSE, PING, PONG = frames.CLOSE, frames.PING, frames.PONG
local NAMES = { [TEXT] = "text", [BINARY] = "binary", [CLOSE] = "close frame", [PING] = "ping", [PONG] = "pong" }

return function(role)
  local cases = {}
  local function add(case) cases[#cases + 1] = case end
  local wrong = role ~= "server" and frames.MASK or false
  -- From 4.3.3 on libwebsockets answers by itself, and waits for the other end. Our program is told at the end.
  local newer = { ends = { 1002, "srv mask" }, code = -1 }
  local word = role ~= "server" and "masked" or "unmasked"

  for _, opcode in ipairs { TEXT, BINARY, PING, PONG, CLOSE } do
    for _, payload in ipairs { "", opcode == CLOSE and "\3\232" or "four" } do
      local gives = (opcode == TEXT or opcode == BINARY) and { { opcode, payload } } or
        opcode == PING and { { PONG, payload } } or nil
      local ends = opcode == CLOSE and (payload == "" and {} or 1000) or nil
      local known = { "masked", gives = gives, ends = ends, newer = newer }
      local function wrongly(name, case)
        case[1] = ("%s %s %s fails%s"):format(payload == "" and "an empty" or "a", word, NAMES[opcode], name)
        case.ends, case.known = 1002, known
        case.send = { { opcode = opcode, payload = payload, mask = wrong } }
        add(case)
      end
      wrongly("", {})
      wrongly(" byte by byte", { pieces = 1 })
      wrongly(" behind a good message", { before = true })
    end
  end
  add { ("a last fragment that is %s fails"):format(word), ends = 1002,
    send = { { fin = false, payload = "a" }, { opcode = CONTINUATION, payload = "four", mask = wrong } },
    known = { "masked", gives = { { BINARY, "afour" } }, newer = newer } }

  if role ~= "server" then
    add { "two masked messages fail", ends = 1002,
      send = { { payload = "odd", mask = "\1\2\3\4" }, { payload = "odd", mask = "\1\2\3\4" } },
      -- The mask of the second goes on where that of the first stopped.
      known = { "masked", gives = { { BINARY, "odd" }, { BINARY, "jge" } }, newer = newer } }
    return cases
  end
  for _, mask in ipairs {
    "\0\0\0\0", "\255\255\255\255", "\0\0\0\1", "\128\0\0\0", "\1\2\3\4", "\0\255\0\255", "mask",
  } do
    local hex = ("%02x %02x %02x %02x"):format(mask:byte(1, 4))
    for _, size in ipairs { 0, 1, 3, 4, 5, 8, 9, 31, 200 } do
      local payload = ("any bytes \0\255"):rep(20):sub(1, size)
      add { ("the mask %s on %d bytes"):format(hex, size), pieces = size == 31 and 1 or nil,
        send = { { payload = payload, mask = mask } }, gives = { { BINARY, payload } } }
    end
  end
  add { "each frame has a mask of its own",
    send = { { fin = false, payload = "abc", mask = "\1\2\3\4" },
      { opcode = PING, payload = "ping", mask = "\9\8\7\6" },
      { opcode = CONTINUATION, payload = "def", mask = "\255\0\255\0" }, { payload = "g", mask = "\0\0\0\0" } },
    gives = { { PONG, "ping" }, { BINARY, "abcdef" }, { BINARY, "g" } } }
  return cases
end
