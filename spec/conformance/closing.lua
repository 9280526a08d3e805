-- Close frames: every code, every kind of reason, and what may come around them.
local frames = require "support.frames"

local TEXT, BINARY, CONTINUATION = frames.TEXT, frames.BINARY, frames.CONTINUATION
local CLOSE, PING, PONG = frames.CLOSE, frames.PING, frames.PONG

local function close(code, reason) return { opcode = CLOSE, payload = frames.close_payload(code, reason) } end

local LARGE = ("BAsd7&jh23"):rep(26215):sub(1, 262144)
local KOSME = "\206\186\225\189\185\207\131\206\188\206\181"

return function(role)
  local cases = {}
  local function add(case) cases[#cases + 1] = case end

  add { "a close frame without code is answered with one", autobahn = "7.3.1", send = { close() },
    ends = {} }
  add { "a close frame with one byte fails", autobahn = "7.3.2", send = { { opcode = CLOSE, payload = "\3" } },
    ends = 1002 }
  add { "a close frame with a code is answered with the same", autobahn = "7.3.3", send = { close(1000) }, ends = 1000 }
  add { "a close frame with a reason is answered with the same", autobahn = "7.3.4",
    send = { close(1000, "Hello World!") }, ends = { 1000, "Hello World!" } }
  add { "a reason may have 123 bytes", autobahn = "7.3.5", send = { close(1000, ("*"):rep(123)) },
    ends = { 1000, ("*"):rep(123) } }

  local number = 0
  for _, code in ipairs {
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999, 1012, 1013, 1014, 3500,
  } do
    number = number + 1
    local given = code >= 1012 and code <= 1014
    local function known(reason) return given and { "close codes", ends = { 1002, reason } } or nil end
    add { ("code %d is answered with the same"):format(code), autobahn = number <= 13 and "7.7." .. number or nil,
      send = { close(code) }, ends = code, known = known "" }
    add { ("code %d with a reason is answered with the same"):format(code), send = { close(code, "because") },
      ends = { code, "because" }, known = known "because" }
    add { ("code %d byte by byte is answered with the same"):format(code), send = { close(code, "x") }, pieces = 1,
      ends = { code, "x" }, known = known "x" }
  end

  number = 0
  for _, code in ipairs {
    0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 1015, 5000, 65535, 1, 500, 1500, 32768, 10000,
  } do
    number = number + 1
    local autobahn = number <= 9 and "7.9." .. number or code == 5000 and "7.13.1" or code == 65535 and "7.13.2" or nil
    -- libwebsockets turns these into 1002 before it shows them; the reason stays and comes back with the answer.
    add { ("code %d, which must not be sent, fails"):format(code), autobahn = autobahn, send = { close(code) },
      ends = 1002 }
    add { ("code %d with a reason fails"):format(code), send = { close(code, "reason") }, ends = 1002,
      known = code < 5000 and { "close codes", ends = { 1002, "reason" } } or nil }
  end

  for _, reason in ipairs { KOSME, "\240\157\132\158", ("\226\130\172"):rep(41), "\0", "\239\191\190" } do
    add { ("a reason of %d bytes in UTF-8, from byte %d on"):format(#reason, reason:byte()),
      send = { close(1000, reason) }, ends = { 1000, reason } }
  end
  add { "a reason with a surrogate fails", autobahn = "7.5.1", send = { close(1000, KOSME .. "\237\160\128edited") },
    ends = 1007 }
  for name, reason in pairs {
    ["a stray byte"] = "\255", ["a continuation in front"] = "\128", ["an overlong slash"] = "\192\175",
    ["a character cut short"] = "abc\226\130", ["more than U+10FFFF"] = "\244\144\128\128",
    ["a start without an end"] = "\195(",
  } do
    add { ("a reason with %s fails"):format(name), send = { close(1000, reason) }, ends = 1007 }
  end

  local function around(name, autobahn, send, gives, ends)
    add { name .. ", at once", autobahn = autobahn, send = send, gives = gives, ends = ends or 1000 }
    add { name .. ", frame by frame", send = send, gives = gives, ends = ends or 1000, pieces = "frames" }
  end
  around("a message in front of a close frame is taken", "7.1.1",
    { { opcode = TEXT, payload = "Hello World!" }, close(1000) }, { { TEXT, "Hello World!" } })
  around("a second close frame is ignored", "7.1.2", { close(1000), close(1000) })
  around("a second close frame with another code is ignored", nil, { close(1000), close(4000, "no, wait") })
  around("a ping behind a close frame is not answered", "7.1.3", { close(1000), { opcode = PING, payload = "ping" } })
  around("a message behind a close frame is not taken", "7.1.4",
    { close(1000), { opcode = TEXT, payload = "Hello World!" } })
  around("half a message in front of a close frame is not taken", "7.1.5",
    { { opcode = TEXT, fin = false, payload = "fragment1" }, close(1000),
      { opcode = CONTINUATION, payload = "fragment2" } })
  around("a large message, one more and a ping around a close frame", "7.1.6",
    { { opcode = TEXT, payload = LARGE }, { opcode = TEXT, payload = "Hello World!" }, close(1000), { opcode = PING } },
    { { TEXT, LARGE }, { TEXT, "Hello World!" } })
  around("a ping in front of a close frame", nil, { { opcode = PING, payload = "ping" }, close(1000) },
    { { PONG, "ping" } })
  around("bytes that are no frame behind a close frame are ignored", nil, { close(1001), ("\255"):rep(50) }, nil, 1001)
  around("a close frame inside a text that stops in a character", nil,
    { { opcode = TEXT, fin = false, payload = "\226" }, close(1000) })
  around("a message that is not valid behind a close frame is ignored", nil,
    { close(1000), { opcode = TEXT, payload = "\255" } })
  around("twenty messages in front of a close frame are all taken", nil, (function()
    local send = {}
    for i = 1, 20 do send[i] = { payload = "number " .. i } end
    send[21] = close(1000)
    return send
  end)(), (function()
    local gives = {}
    for i = 1, 20 do gives[i] = { BINARY, "number " .. i } end
    return gives
  end)())

  local head = role == "server" and 6 or 2
  for at = 1, head + 7 do
    add { ("a close frame in two pieces, cut behind byte %d of %d"):format(at, head + 8), pieces = { at },
      send = { close(4001, "reason") }, ends = { 4001, "reason" } }
  end
  return cases
end
