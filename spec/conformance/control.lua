-- Pings and pongs.
local frames = require "support.frames"

local TEXT, BINARY, CLOSE, PING, PONG = frames.TEXT, frames.BINARY, frames.CLOSE, frames.PING, frames.PONG

return function()
  local cases = {}
  local function add(case) cases[#cases + 1] = case end

  for _, row in ipairs {
    { "without payload", "", "2.1" }, { "with text", "Hello, world!", "2.2" },
    { "with bytes that are no text", "\0\255\254\253\252\251\0\255", "2.3" },
    { "with 1 byte", "\0" }, { "with 124 bytes", ("\254"):rep(124) }, { "with 125 bytes", ("\254"):rep(125), "2.4" },
  } do
    add { "ping " .. row[1] .. " is answered with the same", autobahn = row[3],
      send = { { opcode = PING, payload = row[2] } }, gives = { { PONG, row[2] } } }
    add { "ping " .. row[1] .. " is answered with the same when it comes byte by byte", pieces = 1,
      autobahn = #row[2] == 125 and "2.6" or nil,
      send = { { opcode = PING, payload = row[2] } }, gives = { { PONG, row[2] } } }
    add { "pong " .. row[1] .. " that nobody asked for is ignored",
      autobahn = ({ ["2.1"] = "2.7", ["2.2"] = "2.8" })[row[3]],
      send = { { opcode = PONG, payload = row[2] }, { opcode = TEXT, payload = "behind" } },
      gives = { { TEXT, "behind" } } }
  end
  add { "ping behind a pong that nobody asked for is answered", autobahn = "2.9",
    send = { { opcode = PONG, payload = "unsolicited" }, { opcode = PING, payload = "ping" } },
    gives = { { PONG, "ping" } } }

  for opcode, name in pairs { [PING] = "ping", [PONG] = "pong", [CLOSE] = "close frame" } do
    local lead = opcode == CLOSE and "\3\232" or ""
    for _, size in ipairs { 126, 127, 128, 65535, 65536 } do
      add { ("a %s of %d bytes fails"):format(name, size), ends = 1002,
        autobahn = size == 126 and ({ [PING] = "2.5", [CLOSE] = "7.3.6" })[opcode] or nil,
        send = { { opcode = opcode, payload = lead .. ("x"):rep(size - #lead) } } }
    end
    for _, form in ipairs { 16, 64 } do
      add { ("a %s with a length of %d bits fails"):format(name, form), ends = 1002,
        send = { { opcode = opcode, form = form, payload = lead } } }
    end
    add { ("a %s without FIN fails"):format(name), ends = 1002,
      send = { { opcode = opcode, fin = false, payload = lead } } }
    add { ("a %s in two fragments fails"):format(name), ends = 1002,
      autobahn = ({ [PING] = "5.1", [PONG] = "5.2" })[opcode],
      send = { { opcode = opcode, fin = false, payload = lead },
        { opcode = frames.CONTINUATION, payload = "fragment2" } } }
    add { ("a %s without FIN fails behind a good message"):format(name), ends = 1002, before = true,
      send = { { opcode = opcode, fin = false, payload = lead } } }
  end

  local pings, pongs = {}, {}
  for i = 1, 10 do
    pings[i] = { opcode = PING, payload = "payload-" .. i }
    pongs[i] = { PONG, "payload-" .. i }
  end
  add { "ten pings at once are all answered, in order", autobahn = "2.10", send = pings, gives = pongs,
    known = { "pings", gives = { pongs[1] } } }
  add { "ten pings are all answered when they come frame by frame", send = pings, gives = pongs, pieces = "frames" }
  add { "ten pings are all answered when they come byte by byte", autobahn = "2.11", send = pings, gives = pongs,
    pieces = 1 }
  add { "a ping in front of a message", send = { { opcode = PING, payload = "p" }, { payload = "m" } },
    gives = { { PONG, "p" }, { BINARY, "m" } } }
  add { "a ping behind a message", send = { { payload = "m" }, { opcode = PING, payload = "p" } },
    gives = { { BINARY, "m" }, { PONG, "p" } } }
  add { "a ping that looks like a close frame's payload", send = { { opcode = PING, payload = "\3\232bye" } },
    gives = { { PONG, "\3\232bye" } } }
  add { "a pong that is no text, behind a text", before = true,
    send = { { opcode = PONG, payload = "\255\254" }, { opcode = TEXT, payload = "behind" } },
    gives = { { TEXT, "behind" } } }
  for at = 1, 8 do
    add { ("a ping in two pieces, cut behind byte %d"):format(at), pieces = { at },
      send = { { opcode = PING, payload = "four-five" } }, gives = { { PONG, "four-five" } } }
  end
  return cases
end
