-- Messages in fragments, with control frames between them, cut in every way.
local echo = require "conformance.echo"
local frames = require "support.frames"

local TEXT, BINARY, CONTINUATION = frames.TEXT, frames.BINARY, frames.CONTINUATION
local PING, PONG = frames.PING, frames.PONG

local function start(payload, opcode) return { opcode = opcode or TEXT, fin = false, payload = payload } end
local function middle(payload) return { opcode = CONTINUATION, fin = false, payload = payload } end
local function last(payload) return { opcode = CONTINUATION, payload = payload } end
local function text(payload) return { opcode = TEXT, payload = payload } end
local function ping(payload) return { opcode = PING, payload = payload } end

-- How a stream may be cut: the words for it, and what echo.run wants.
local CHOPS = { { "at once" }, { "frame by frame", "frames" }, { "byte by byte", 1 } }

return function(role)
  local cases = {}
  local function add(case) cases[#cases + 1] = case end

  -- A case in each of CHOPS; `autobahn` is the number in section 5 of the first one.
  local function chopped(case, autobahn)
    for i, chop in ipairs(CHOPS) do
      local copy = {}
      for key, value in pairs(case) do copy[key] = value end
      copy[1], copy.pieces = ("%s, %s"):format(case[1], chop[1]), chop[2]
      copy.autobahn = autobahn and "5." .. autobahn + i - 1
      add(copy)
    end
  end

  chopped({ "text in two fragments is joined", send = { start "fragment1", last "fragment2" },
    gives = { { TEXT, "fragment1fragment2" } } }, 3)
  chopped({ "a ping between two fragments is answered, and is no part of the message",
    send = { start "fragment1", ping "ping", last "fragment2" },
    gives = { { PONG, "ping" }, { TEXT, "fragment1fragment2" } } }, 6)
  chopped({ "a last fragment that continues nothing fails", ends = 1002, send = { last "cont", text "text" } }, 9)
  chopped({ "a fragment that continues nothing and is not the last fails", ends = 1002,
    send = { middle "cont", text "text" } }, 12)
  chopped { "a pong between two fragments is ignored",
    send = { start "a", { opcode = PONG, payload = "pong" }, last "b" }, gives = { { TEXT, "ab" } } }
  chopped { "binary in three fragments is joined", send = { start("\0\255", BINARY), middle "\254", last "\1" },
    gives = { { BINARY, "\0\255\254\1" } } }

  add { "a fragment that continues nothing fails behind a fragmented message", autobahn = "5.15",
    send = { start "fragment1", last "fragment2", middle "fragment3", text "fragment4" },
    gives = { { TEXT, "fragment1fragment2" } }, ends = 1002 }
  for name, continues in pairs { ["5.16"] = middle, ["5.17"] = last } do
    add { ("messages behind a fragment%s that continues nothing are not taken"):format(
        name == "5.17" and ", the last of its message," or ""),
      autobahn = name, ends = 1002,
      send = { continues "fragment1", start "fragment2", last "fragment3",
        continues "fragment1", start "fragment2", last "fragment3" } }
  end
  add { "a text frame inside a message fails", autobahn = "5.18", ends = 1002,
    send = { start "fragment1", text "fragment2" } }
  add { "the start of a message inside a message fails", ends = 1002, send = { start "fragment1", start "fragment2" } }
  add { "a binary frame inside a text fails", ends = 1002, send = { start "fragment1", { payload = "x" } } }
  add { "a binary frame inside a binary message fails", ends = 1002,
    send = { start("fragment1", BINARY), { payload = "x" } } }
  add { "an empty frame inside a message fails", ends = 1002, send = { start "", text "" } }
  for name, pause in pairs { ["5.19"] = true, ["5.20"] = false } do
    add { ("five fragments with two pings among them%s"):format(pause and ", and a pause" or ""), autobahn = name,
      pieces = not pause and "frames" or nil,
      send = { start "fragment1", middle "fragment2", ping "pongme 1!", pause and echo.PAUSE or "",
        middle "fragment3", middle "fragment4", ping "pongme 2!", last "fragment5" },
      gives = { { PONG, "pongme 1!" }, { PONG, "pongme 2!" },
        { TEXT, "fragment1fragment2fragment3fragment4fragment5" } } }
  end

  add { "three empty fragments are an empty message", autobahn = "6.1.2", send = { start "", middle "", last "" },
    gives = { { TEXT, "" } } }
  add { "an empty first and last fragment add nothing", autobahn = "6.1.3",
    send = { start "", middle "middle frame payload", last "" }, gives = { { TEXT, "middle frame payload" } } }
  add { "an empty binary message in two fragments", send = { start("", BINARY), last "" }, gives = { { BINARY, "" } } }
  add { "a whole message behind a fragmented one", send = { start "a", last "b", text "c" },
    gives = { { TEXT, "ab" }, { TEXT, "c" } } }
  add { "two fragmented messages in a row keep their kinds",
    send = { start "a", last "b", start("c", BINARY), last "d" }, gives = { { TEXT, "ab" }, { BINARY, "cd" } } }
  add { "fragments of 100 bytes each in all three forms of length", pieces = 997,
    send = { start(("a"):rep(100), BINARY), middle(("b"):rep(70000)), middle(("c"):rep(300)), last "" },
    gives = { { BINARY, ("a"):rep(100) .. ("b"):rep(70000) .. ("c"):rep(300) } } }

  for _, size in ipairs { 1, 2, 3, 10, 100 } do
    local message, parts = ("0123456789"):rep(20), {}
    for at = 1, #message, size do
      local part = message:sub(at, at + size - 1)
      parts[#parts + 1] = at == 1 and start(part) or at + size > #message and last(part) or middle(part)
    end
    add { ("200 bytes in fragments of %d"):format(size), send = parts, gives = { { TEXT, message } } }
    add { ("200 bytes in fragments of %d, byte by byte"):format(size), send = parts, gives = { { TEXT, message } },
      pieces = 1 }
  end

  -- One stream that has everything, in two pieces, for every place of the cut.
  local stream = { start("ab", BINARY), ping "p", middle "", { opcode = PONG, payload = "q" }, middle "cd",
    ping "", last "e", text "f" }
  local gives = { { PONG, "p" }, { BINARY, "abcde" }, { PONG, "" }, { TEXT, "f" } }
  local size = (role == "server" and 6 or 2) * #stream + 2 + 1 + 1 + 2 + 1 + 1
  for at = 1, size - 1 do
    add { ("fragments with control frames among them, cut behind byte %d of %d"):format(at, size), send = stream,
      gives = gives, pieces = { at } }
  end
  add { "fragments with control frames among them, at once", send = stream, gives = gives }
  for pieces = 1, 12 do
    add { ("fragments with control frames among them, in pieces of %d bytes"):format(pieces), send = stream,
      gives = gives, pieces = pieces }
  end
  return cases
end
