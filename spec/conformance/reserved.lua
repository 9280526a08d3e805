-- Reserved bits and reserved opcodes: the connection fails, at once and whatever surrounds them.
local frames = require "support.frames"

local TEXT, BINARY, CONTINUATION = frames.TEXT, frames.BINARY, frames.CONTINUATION
local CLOSE, PING, PONG = frames.CLOSE, frames.PING, frames.PONG

return function()
  local cases = {}
  local function add(case) cases[#cases + 1] = case end

  for opcode, name in pairs {
    [TEXT] = "text", [BINARY] = "binary", [CONTINUATION] = "a last fragment", [PING] = "a ping", [PONG] = "a pong",
    [CLOSE] = "a close frame",
  } do
    for rsv = 1, 7 do
      local bad = { opcode = opcode, rsv = rsv, payload = opcode == CLOSE and "\3\232" or "x" }
      add {
        ("reserved bits %d on %s fail"):format(rsv, name), ends = 1002,
        autobahn = (opcode == TEXT and rsv == 1 and "3.1") or (opcode == BINARY and rsv == 5 and "3.5") or
          (opcode == PING and rsv == 6 and "3.6") or (opcode == CLOSE and rsv == 7 and "3.7") or nil,
        send = opcode == CONTINUATION and { { fin = false, payload = "a" }, bad } or { bad },
      }
    end
  end
  for rsv, row in pairs {
    [2] = { "at once", nil, "3.2" }, [3] = { "frame by frame", "frames", "3.3" }, [4] = { "byte by byte", 1, "3.4" },
  } do
    add {
      ("reserved bits %d behind a good message, in front of a ping, %s, fail"):format(rsv, row[1]), before = true,
      autobahn = row[3], pieces = row[2], ends = 1002,
      send = { { opcode = TEXT, rsv = rsv, payload = "Hello, world!" }, { opcode = PING } },
    }
  end
  add { "reserved bits fail on the first two bytes of a frame", send = { "\193\254" }, ends = 1002 }

  local AUTOBAHN = { [3] = "4.1.1", [11] = "4.2.1" }
  local FILLED = { [4] = "4.1.2", [12] = "4.2.2" }
  local BEHIND = {
    [5] = "4.1.3", [6] = "4.1.4", [7] = "4.1.5", [13] = "4.2.3", [14] = "4.2.4", [15] = "4.2.5",
  }
  for opcode = 3, 15 do
    if opcode < CLOSE or opcode > PONG then
      add { ("opcode %d fails"):format(opcode), autobahn = AUTOBAHN[opcode],
        send = { { opcode = opcode } }, ends = 1002 }
      add { ("opcode %d with a payload fails"):format(opcode), autobahn = FILLED[opcode],
        send = { { opcode = opcode, payload = "reserved" } }, ends = 1002 }
      add { ("opcode %d behind a good message, in front of a ping, fails"):format(opcode), autobahn = BEHIND[opcode],
        before = true, ends = 1002,
        send = { { opcode = opcode, payload = opcode % 2 == 0 and "reserved" or "" }, { opcode = PING } } }
      add { ("opcode %d byte by byte fails"):format(opcode), pieces = 1,
        send = { { opcode = opcode, payload = "x" } }, ends = 1002 }
      add { ("opcode %d between fragments fails"):format(opcode),
        send = { { fin = false, payload = "a" }, { opcode = opcode }, { opcode = CONTINUATION, payload = "b" } },
        ends = 1002 }
      add { ("opcode %d without FIN fails"):format(opcode), send = { { opcode = opcode, fin = false } }, ends = 1002 }
    end
  end
  return cases
end
