-- Opening handshakes for a server: { name, request, status [, properties of the server] }. Those with 101 must open,
-- all others get an answer with this status, whole and understood by HTTP clients, and TCP ends.
local raw = require "support.raw"

local cases = {}
local function add(name, status, request, properties) cases[#cases + 1] = { name, request, status, properties } end

-- A request with these lines behind (or instead of) the usual ones.
local function with(...) return raw.request { lines = { ... } } end

-- A request of exactly `size` bytes.
local function sized(size)
  return with("X-Fill: " .. ("x"):rep(size - #with "X-Fill: "))
end

local function many(count, text)
  local lines = {}
  for i = 1, count do lines[i] = text:format(i) end
  return lines
end

add("as in RFC 6455", 101, "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n" ..
  "Connection: Upgrade\r\nSec-WebSocket-Key: " .. raw.KEY .. "\r\nOrigin: http://example.com\r\n" ..
  "Sec-WebSocket-Version: 13\r\n\r\n")

-- The request line.
for _, target in ipairs {
  "/", "/chat", "/a/b/c/../d", "/?", "/?a=b&c=d", "/%20%ff", "//", "/~user;x=1", "/#part", "/\195\188",
  "ws://example.com/chat", "http://example.com:81/chat?x", "/" .. ("long"):rep(700),
} do
  add(("with the target %s"):format(#target < 50 and target or #target .. " bytes long"), 101,
    raw.request { path = target })
end
for _, method in ipairs { "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "CONNECT", "TRACE", "PATCH", "get", "Get",
  "GETS", "G" } do
  add("by the method " .. method, 405, raw.request { line = method .. " / HTTP/1.1" })
end
for _, version in ipairs { "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/2", "HTTP/3", "HTTP/11", "HTTP/1.1.1",
  "HTTP/1.1x" } do
  add("in the version " .. version, 505, raw.request { line = "GET / " .. version })
end
for name, line in pairs {
  ["of one word"] = "GET", ["of a method and a space"] = "GET ", ["without a version"] = "GET /",
  ["without a target"] = "GET HTTP/1.1", ["with an empty target"] = "GET  HTTP/1.1",
  ["with two spaces behind the target"] = "GET /  HTTP/1.1", ["with a tab for a space"] = "GET\t/ HTTP/1.1",
  ["with a tab in the target"] = "GET /a\tb HTTP/1.1",
  ["with a space in front"] = " GET / HTTP/1.1", ["with http in small letters"] = "GET / http/1.1",
  ["with another protocol"] = "GET / WS/1.1", ["with a NUL in the target"] = "GET /\0 HTTP/1.1",
  ["with a control character in the target"] = "GET /\7 HTTP/1.1", ["with a colon in the method"] = "GE:T / HTTP/1.1",
  ["with a CR in the target"] = "GET /\rx HTTP/1.1", ["with a target that is no path"] = "GET chat HTTP/1.1",
  ["with a target for another host's proxy"] = "GET example.com:80 HTTP/1.1", ["with the target *"] = "GET * HTTP/1.1",
  ["of four words"] = "GET / x HTTP/1.1", ["that is empty"] = "",
} do
  add("with a request line " .. name, 400, raw.request { line = line })
end

-- Required headers: missing, empty, with another value, more than once.
add("without Host", 400, raw.request { host = false })
add("with an empty Host", 101, raw.request { host = "" })
for _, host in ipairs { "localhost", "example.com:8080", "[::1]", "[::1]:80", "EXAMPLE.com", "10.0.0.1:1" } do
  add("with the Host " .. host, 101, raw.request { host = host })
end
add("with two Hosts", 400, with "Host: other")
add("with the same Host twice", 400, with "Host: 127.0.0.1")
add("without Upgrade", 426, raw.request { upgrade = false })
add("without Connection", 400, raw.request { connection = false })
for _, value in ipairs { "", "h2c", "websockets", "web socket", "\"websocket\"", "WebSocket/13", "http/1.1" } do
  add(("with the Upgrade %q"):format(value), 426, raw.request { upgrade = value })
end
for _, value in ipairs { "websocket", "WebSocket", "WEBSOCKET", "h2c, websocket", "websocket,h2c", " websocket\t" } do
  add(("with the Upgrade %q"):format(value), 101, raw.request { upgrade = value })
end
for _, value in ipairs { "", "close", "keep-alive", "upgraded", "up grade", "Up", "websocket",
  "keep-alive; Upgrade" } do
  add(("with the Connection %q"):format(value), 400, raw.request { connection = value })
end
for _, value in ipairs { "Upgrade", "upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade,keep-alive", ",, Upgrade ,",
  "keep-alive ,\tupgrade" } do
  add(("with the Connection %q"):format(value), 101, raw.request { connection = value })
end
add("with two Connections, of which one names Upgrade", 101, with "Connection: keep-alive")
add("with two Connections of which the second names Upgrade", 101,
  raw.request { connection = "keep-alive", lines = { "Connection: Upgrade" } })
add("with two Upgrades of which the second is websocket", 101,
  raw.request { upgrade = "h2c", lines = { "Upgrade: websocket" } })
add("without Sec-WebSocket-Version", 426, raw.request { version = false })
for _, version in ipairs { "", "0", "7", "8", "12", "14", "113", "130", "13, 8", "8, 13", "13.0", "-13", "0x0d",
  "thirteen" } do
  add(("with the Sec-WebSocket-Version %q"):format(version), 426, raw.request { version = version })
end
add("with a Sec-WebSocket-Version among blanks", 101, raw.request { version = " \t13 \t" })
add("with two Sec-WebSocket-Versions", 426, with "Sec-WebSocket-Version: 8")
add("with the same Sec-WebSocket-Version twice", 426, with "Sec-WebSocket-Version: 13")
add("without Sec-WebSocket-Key", 400, raw.request { key = false })
for name, key in pairs {
  ["that is empty"] = "", ["of 15 bytes"] = "AAECAwQFBgcICQoLDA0O", ["of 17 bytes"] = "AAECAwQFBgcICQoLDA0ODxA=",
  ["of 23 characters"] = "dGhlIHNhbXBsZSBub25jZQ=", ["of 25 characters"] = "dGhlIHNhbXBsZSBub25jZQ===",
  ["without its padding"] = "dGhlIHNhbXBsZSBub25jZQ", ["with padding alone"] = ("="):rep(24),
  ["with padding inside"] = "dGhlIHNhbXBs=SBub25jZQ==",
  ["with characters that base64 has not"] = "dGhlIHNhbXBs*SBub25jZQ==",
  ["in the base64 of URLs"] = "dGhlIHNhb-Bs_SBub25jZQ==", ["with a blank inside"] = "dGhlIHNhbXBs SBub25jZQ==",
  ["of a kilobyte"] = ("A"):rep(1022) .. "==", ["with one character of padding"] = "dGhlIHNhbXBsZSBub25jZQA=",
  ["in quotes"] = '"dGhlIHNhbXBsZSBub25jZQ=="',
} do
  add("with a Sec-WebSocket-Key " .. name, 400, raw.request { key = key })
end
add("with two Sec-WebSocket-Keys", 400, with "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==")
add("with the same Sec-WebSocket-Key twice", 400, with("Sec-WebSocket-Key: " .. raw.KEY))
add("with two keys in one Sec-WebSocket-Key", 400, raw.request { key = raw.KEY .. ", " .. raw.KEY })

-- The form of header lines.
for name, line in pairs {
  ["without a colon"] = "nonsense", ["without a name"] = ": value", ["with a blank in front of the colon"] = "X-A : 1",
  ["with a blank in its name"] = "X A: 1", ["with a tab in front of the colon"] = "X-A\t: 1",
  ["with a name in brackets"] = "(X): 1", ["with a name that is not ASCII"] = "X-\195\188: 1",
  ["with a NUL in its value"] = "X-A: \0", ["with a control character in its value"] = "X-A: a\8b",
  ["with a DEL in its value"] = "X-A: \127", ["with a CR in its value"] = "X-A: a\rb",
  ["with a LF alone"] = "X-A: a\nX-B: b",
  ["that is folded"] = "X-A: 1\r\n folded", ["that is folded by a tab"] = "X-A: 1\r\n\tfolded", ["of blanks"] = "   ",
} do
  add("with a header line " .. name, 400, with(line))
end
for name, line in pairs {
  ["with an empty value"] = "X-A:", ["with a blank for its value"] = "X-A: ", ["with a tab in its value"] = "X-A: a\tb",
  ["with a value that is not ASCII"] = "X-A: \195\188", ["with a value that is not UTF-8"] = "X-A: \255\128",
  ["with colons in its value"] = "X-A: a:b::c",
  ["with every character that a name may have"] = "!#$%&'*+-.^_`|~09azAZ: x",
  ["of a browser's extensions"] = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
  ["of an extension that nobody knows"] = "Sec-WebSocket-Extensions: x-unknown; a=\"b\"",
  ["of a cookie"] = "Cookie: a=b; c=d", ["of an expectation"] = "Expect: 100-continue",
  ["of an empty body"] = "Content-Length: 0", ["of 3000 bytes"] = "X-A: " .. ("x"):rep(2995),
} do
  add("with a header line " .. name, 101, with(line))
end
add("with a body", 400, with "Content-Length: 5" .. "hello")
add("with a body in chunks", 400, with "Transfer-Encoding: chunked" .. "0\r\n\r\n")
add("with header names in small letters", 101, (raw.request():gsub("\r\n[%w-]+:", string.lower)))
add("with header names in capitals", 101, (raw.request():gsub("\r\n[%w-]+:", string.upper)))
add("with no blanks behind colons", 101, (raw.request():gsub(": ", ":")))
add("with many blanks behind colons", 101, (raw.request():gsub(": ", ": \t   ")))
add("with blanks behind values", 101, (raw.request():gsub("(:[^\r]*)\r", "%1 \t \r")))
add("with its headers in another order", 101, "GET / HTTP/1.1\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " ..
  raw.KEY .. "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nHost: x\r\n\r\n")
add("with a hundred headers", 101, raw.request { lines = many(100, "X-%d: value") })
add("with lines that end in LF alone at its end", 400, (raw.request():gsub("\r\n\r\n", "\n\r\n\r\n")))

-- Size.
for _, size in ipairs { 4095, 4096 } do add(("of %d bytes"):format(size), 101, sized(size)) end
for _, size in ipairs { 4097, 4098, 8192, 70000 } do add(("of %d bytes"):format(size), 431, sized(size)) end
add("with a target of 5000 bytes", 431, raw.request { path = "/" .. ("x"):rep(5000) })
add("with a thousand headers", 431, raw.request { lines = many(1000, "X-%d: value") })
add("of 4096 bytes without an end", 431, (sized(8000):sub(1, 4096)))

-- Something else altogether.
add("that is TLS", 400, "\22\3\1\2\0\1\0\1\252\3\3" .. ("\0"):rep(100))
add("that is empty lines", 400, "\r\n\r\n\r\n")
add("that is HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
add("that is a frame", 400, "\129\133\55\250\33\61\127\159\77\81\88")
add("that is a word", 400, "garbage\r\n\r\n")
add("that is an answer", 400, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
add("of a browser that wants a page", 426, "GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n")

-- Sub-protocols, by Godot's rule: asked for by the one side must mean spoken by the other.
for _, row in ipairs {
  { 101, "b", "b" }, { 101, "x, b", "b" }, { 101, "b,a", "b" }, { 101, "a , b", "a" }, { 101, ",,a,", "a" },
  { 101, " \ta\t ", "a" }, { 400, "x" }, { 400, "A" }, { 400, "ab" }, { 400, "" }, { 400, "a b" }, { 400, "a;b" },
} do
  add(("for the sub-protocol %q of a server that has a and b"):format(row[2]), row[1],
    with("Sec-WebSocket-Protocol: " .. row[2]), { supported_protocols = { "a", "b" } })
  cases[#cases].protocol = row[3]
end
add("for sub-protocols in two lines", 101, with("Sec-WebSocket-Protocol: x", "Sec-WebSocket-Protocol: y, b"),
  { supported_protocols = { "a", "b" } })
cases[#cases].protocol = "b"
add("for no sub-protocol of a server that has one", 400, raw.request(), { supported_protocols = { "a" } })
add("for a sub-protocol of a server that has none", 400, with "Sec-WebSocket-Protocol: a")
return cases
