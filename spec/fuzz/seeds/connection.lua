-- Seeds for whole connections: a byte of switches (see connection.c), a byte for the pieces, and the stream.
local AS_CLIENT, WITHOUT_REQUEST, TIGHT, SLOW_PROGRAM, BUSY_LINK, ECHOES, CLOSES = 1, 2, 4, 8, 16, 32, 64

-- A frame whose mask of zeros, for a server, leaves the payload as it is.
local function frame(client, first, payload)
  local length, bit = #payload, client and 0 or 128
  local short = string.char(first, bit + (length < 126 and length or 126))
  return short .. (length < 126 and "" or (">I2"):pack(length)) .. (client and "" or "\0\0\0\0") .. payload
end

local STREAMS = {
  { { 130, "binary" }, { 129, "gr\195\188n" }, { 137, "ping" }, { 138, "" }, { 136, "\3\232bye" } },
  { { 2, "one" }, { 137, "p" }, { 0, "" }, { 0, "two" }, { 138, "q" }, { 128, "three" }, { 129, "next" } },
  { { 1, "\226" }, { 0, "\130" }, { 128, "\172" }, { 1, "\240\157" }, { 128, "(" } },
  { { 130, ("x"):rep(200) }, { 130, "" }, { 129, ("\195\188"):rep(100) }, { 130, "y" }, { 130, "z" }, { 130, "!" } },
  { { 130, ("x"):rep(201) } }, { { 2, ("x"):rep(150) }, { 128, ("y"):rep(100) } },
  { { 136, "" } }, { { 136, "\3" } }, { { 136, "\3\237" } }, { { 136, "\3\232\255" } },
  { { 136, "\15\160end" }, { 130, "x" } },
  { { 193, "rsv" } }, { { 131, "opcode" } }, { { 128, "nothing" } }, { { 9, "fin" } }, { { 2, "a" }, { 130, "b" } },
}
local MODES = {
  0, TIGHT, TIGHT + SLOW_PROGRAM, TIGHT + BUSY_LINK + ECHOES, ECHOES, CLOSES, TIGHT + SLOW_PROGRAM + ECHOES + CLOSES,
}

local seeds = {}
for i, stream in ipairs(STREAMS) do
  for client = 0, 1 do
    local bytes = {}
    for j, row in ipairs(stream) do bytes[j] = frame(client == AS_CLIENT, row[1], row[2]) end
    seeds[#seeds + 1] = string.char(MODES[i % #MODES + 1] + client, i * 7) .. table.concat(bytes)
  end
end
local request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" ..
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
seeds[#seeds + 1] = string.char(WITHOUT_REQUEST, 3) .. request .. frame(false, 130, "first")
seeds[#seeds + 1] = string.char(WITHOUT_REQUEST, 3) .. request:gsub("13", "12")
return {
  seeds = seeds,
  words = {
    "\129\128\0\0\0\0", "\130\254\0\126\0\0\0\0", "\136\130\0\0\0\0\3\232", "\137\128\0\0\0\0",
    "\130\127\0\0\0\0\0\1\0\0", "\1\128\0\0\0\0", "\128\128\0\0\0\0", "\0\128\0\0\0\0", "\129\0", "\128\0",
    "\1\0", "\136\2\3\232", "\195\188", "\240\157\132\158",
  },
}
