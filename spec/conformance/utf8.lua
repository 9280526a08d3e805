-- Text must be UTF-8: what is valid comes back, what is not ends the connection with 1007, as soon as it is known.
local echo = require "conformance.echo"
local frames = require "support.frames"

local TEXT, CONTINUATION = frames.TEXT, frames.CONTINUATION

local function text(payload) return { opcode = TEXT, payload = payload } end
local function start(payload) return { opcode = TEXT, fin = false, payload = payload } end
local function middle(payload) return { opcode = CONTINUATION, fin = false, payload = payload } end
local function last(payload) return { opcode = CONTINUATION, payload = payload } end

local function hex(bytes)
  return (bytes:gsub(".", function(byte) return ("%02x "):format(byte:byte()) end):gsub(" $", ""))
end

local function each(low, high, after)
  local bytes = {}
  for byte = low, high do bytes[#bytes + 1] = string.char(byte) .. after end
  return table.concat(bytes)
end

local KOSME = "\206\186\225\189\185\207\131\206\188\206\181"

local INCOMPLETE = { "\192", "\224\128", "\240\128\128", "\248\128\128\128", "\252\128\128\128\128", "\223", "\239\191",
  "\247\191\191", "\251\191\191\191", "\253\191\191\191\191" }

local NONCHARACTERS = { "\239\191\190", "\239\191\191" }
for lead = 0xf0, 0xf4 do
  for _, second in ipairs { 0x8f, 0x9f, 0xaf, 0xbf } do
    -- Not the overlong ones, nor those above U+10FFFF.
    if not (lead == 0xf0 and second == 0x8f) and not (lead == 0xf4 and second ~= 0x8f) then
      for tail = 0xbe, 0xbf do NONCHARACTERS[#NONCHARACTERS + 1] = string.char(lead, second, 0xbf, tail) end
    end
  end
end

-- After the UTF-8 decoder test of Markus Kuhn; each group is a section of Autobahn, from 6.5 on.
local GROUPS = {
  { "a text", true, "hello$world", "hello\194\162world", "hello\226\130\172world", "hello\240\164\173\162world",
    KOSME },
  { "a prefix of a text", function(bytes) return ({ [2] = 1, [5] = 1, [7] = 1, [9] = 1, [11] = 1 })[#bytes] ~= nil end,
    (unpack or table.unpack)((function()
      local prefixes = {}
      for i = 1, #KOSME do prefixes[i] = KOSME:sub(1, i) end
      return prefixes
    end)()) },
  { "the first character of a length", true, "\0", "\194\128", "\224\160\128", "\240\144\128\128" },
  { "the first sequence of five or six bytes", false, "\248\136\128\128\128", "\252\132\128\128\128\128" },
  { "the last character of a length", true, "\127", "\223\191", "\239\191\191", "\244\143\191\191" },
  { "the last sequence of four, five or six bytes", false, "\247\191\191\191", "\251\191\191\191\191",
    "\253\191\191\191\191\191" },
  { "a boundary", function(bytes) return bytes ~= "\244\144\128\128" end, "\237\159\191",
    "\238\128\128", "\239\191\189",
    "\244\143\191\191", "\244\144\128\128" },
  { "an unexpected continuation", false, "\128", "\191", "\128\191", "\128\191\128", "\128\191\128\191",
    "\128\191\128\191\128", "\128\191\128\191\128\191", each(0x80, 0xbe, "") },
  { "lonely starts", false, each(0xc0, 0xde, " "), each(0xe0, 0xee, " "), each(0xf0, 0xf6, " "),
    each(0xf8, 0xfa, " "), each(0xfc, 0xfc, " ") },
  { "a sequence without its last byte", false, (unpack or table.unpack)(INCOMPLETE) },
  { "incomplete sequences in a row", false, table.concat(INCOMPLETE) },
  { "an impossible byte", false, "\254", "\255", "\254\254\255\255" },
  { "an overlong slash", false, "\192\175", "\224\128\175", "\240\128\128\175", "\248\128\128\128\175",
    "\252\128\128\128\128\175" },
  { "the largest overlong sequence", false, "\193\191", "\224\159\191", "\240\143\191\191", "\248\135\191\191\191",
    "\252\131\191\191\191\191" },
  { "an overlong NUL", false, "\192\128", "\224\128\128", "\240\128\128\128", "\248\128\128\128\128",
    "\252\128\128\128\128\128" },
  { "a surrogate", false, "\237\160\128", "\237\173\191", "\237\174\128", "\237\175\191", "\237\176\128",
    "\237\190\128", "\237\191\191" },
  { "a pair of surrogates", false, "\237\160\128\237\176\128", "\237\160\128\237\191\191", "\237\173\191\237\176\128",
    "\237\173\191\237\191\191", "\237\174\128\237\176\128", "\237\174\128\237\191\191", "\237\175\191\237\176\128",
    "\237\175\191\237\191\191" },
  { "a noncharacter", true, (unpack or table.unpack)(NONCHARACTERS) },
  { "a special", true, "\239\191\185", "\239\191\186", "\239\191\187", "\239\191\188", "\239\191\189", "\239\191\190",
    "\239\191\191" },
}

local LINE = "Hello-\194\181@\195\159\195\182\195\164\195\188\195\160\195\161-UTF-8!!"
local BAD = KOSME .. "\237\160\128edited"
local LATE = KOSME .. "\244\144\128\128edited" -- invalid from byte 13 on

return function(role)
  local cases = {}
  local function add(case) cases[#cases + 1] = case end

  for number, group in ipairs(GROUPS) do
    for i = 3, #group do
      local bytes, valid = group[i], group[2]
      if type(valid) == "function" then valid = valid(bytes) end
      add { ("%s, %s, is %s"):format(group[1], #bytes < 20 and hex(bytes) or #bytes .. " bytes",
          valid and "valid" or "not valid"),
        autobahn = ("6.%d.%d"):format(number + 4, i - 2), send = { text(bytes) },
        gives = valid and { { TEXT, bytes } } or nil, ends = not valid and 1007 or nil }
    end
  end

  add { "an empty text", autobahn = "6.1.1", send = { text "" }, gives = { { TEXT, "" } } }
  add { "a text with characters of two bytes", autobahn = "6.2.1", send = { text(LINE) }, gives = { { TEXT, LINE } } }
  add { "a text cut between two characters", autobahn = "6.2.2", send = { start(LINE:sub(1, 14)), last(LINE:sub(15)) },
    gives = { { TEXT, LINE } } }

  local function in_bytes(bytes)
    local parts = {}
    for i = 1, #bytes do
      parts[i] = i == 1 and start(bytes:sub(1, 1)) or i == #bytes and last(bytes:sub(i)) or middle(bytes:sub(i, i))
    end
    return parts
  end
  add { "a text in fragments of one byte", autobahn = "6.2.3", send = in_bytes(LINE), gives = { { TEXT, LINE } } }
  add { "a Greek word in fragments of one byte", autobahn = "6.2.4", send = in_bytes(KOSME),
    gives = { { TEXT, KOSME } } }
  add { "a Greek word in fragments of one byte, byte by byte", send = in_bytes(KOSME), gives = { { TEXT, KOSME } },
    pieces = 1 }
  add { "a surrogate in a text", autobahn = "6.3.1", send = { text(BAD) }, ends = 1007 }
  add { "a surrogate in a text in fragments of one byte", autobahn = "6.3.2", send = in_bytes(BAD), ends = 1007 }

  -- Failing fast: the rest of the message never comes. Over TLS a client learns of a frame when all of it is there, or
  -- 64 KiB.
  add { "fails on the fragment that is not valid, without waiting for the last", autobahn = "6.4.1", ends = 1007,
    send = { start(KOSME), echo.PAUSE, middle "\244\144\128\128" } }
  add { "fails on the first byte that can't be valid, in a fragment of its own", autobahn = "6.4.2", ends = 1007,
    send = { start(LATE:sub(1, 12)), echo.PAUSE, middle(LATE:sub(13, 13)) } }
  local head = role == "server" and 6 or 2
  if role ~= "secure client" then
    add { "fails on the piece of a frame that is not valid, without waiting for the rest", autobahn = "6.4.3",
      ends = 1007, pieces = { head + #KOSME, head + #KOSME + 4 }, send = { text(LATE) } }
    for _, at in ipairs { 0, 1, 11, 12 } do
      local whole = frames.build { opcode = TEXT, payload = LATE, mask = role == "server" and frames.MASK or nil }
      add { ("fails on byte 13 of a frame whose first piece had %d"):format(at), ends = 1007,
        autobahn = at == 12 and "6.4.4" or nil,
        send = { whole:sub(1, head + at), echo.PAUSE, whole:sub(head + at + 1, head + 13) } }
    end
  else
    local whole = frames.build { opcode = TEXT, payload = LATE .. ("x"):rep(100000) }
    for i, at in ipairs { #KOSME, 12 } do
      add { ("fails on 64 KiB of a larger frame whose first piece ends behind byte %d"):format(at),
        autobahn = "6.4." .. i + 2, ends = 1007,
        send = { whole:sub(1, 10 + at), echo.PAUSE, whole:sub(11 + at, 70000) } }
    end
  end

  for at = 1, #LINE - 1 do
    add { ("a text in two fragments, cut behind byte %d"):format(at), send = { start(LINE:sub(1, at)),
      last(LINE:sub(at + 1)) }, gives = { { TEXT, LINE } } }
  end
  for at = 1, #KOSME do
    add { ("a Greek word in one frame in two pieces, cut behind byte %d"):format(at), pieces = { head + at },
      send = { text(KOSME), text "." }, gives = { { TEXT, KOSME }, { TEXT, "." } } }
  end
  for at = 1, #BAD - 1 do
    add { ("a text with a surrogate in two fragments, cut behind byte %d"):format(at), ends = 1007,
      send = { start(BAD:sub(1, at)), last(BAD:sub(at + 1)) } }
  end
  for _, char in ipairs { "\206\181", "\226\130\172", "\240\157\132\158" } do
    for at = 1, #char - 1 do
      local cut = char:sub(1, at)
      add { ("a text that stops behind byte %d of a character of %d"):format(at, #char), ends = 1007,
        send = { text("abc" .. cut) } }
      add { ("a text that stops behind byte %d of a character of %d and ends with an empty fragment"):format(at, #char),
        ends = 1007, send = { start("abc" .. cut), last "" } }
      add { ("a character of %d bytes whose rest, behind byte %d, is in the next message"):format(#char, at),
        ends = 1007, send = { text(cut), text(char:sub(at + 1)) } }
      add { ("a character of %d bytes with a ping behind its byte %d"):format(#char, at),
        send = { start(cut), { opcode = frames.PING, payload = "\255" }, last(char:sub(at + 1)) },
        gives = { { frames.PONG, "\255" }, { TEXT, char } } }
      add { ("a binary message that stops behind byte %d of a character of %d"):format(at, #char),
        send = { { payload = cut }, text "next" }, gives = { { frames.BINARY, cut }, { TEXT, "next" } } }
    end
  end
  add { "a text behind one with a cut character in a binary message", before = true,
    send = { { payload = "\226\130" }, text(KOSME) }, gives = { { frames.BINARY, "\226\130" }, { TEXT, KOSME } } }
  add { "70000 bytes of text whose last character is cut", ends = 1007,
    send = { text(("\226\130\172"):rep(23333) .. "\226") } }
  add { "70000 bytes of text", send = { text(("\226\130\172"):rep(23333)) },
    gives = { { TEXT, ("\226\130\172"):rep(23333) } } }
  add { "70000 bytes of text in pieces of 997", pieces = 997, send = { text(("\226\130\172"):rep(23333)) },
    gives = { { TEXT, ("\226\130\172"):rep(23333) } } }
  return cases
end
