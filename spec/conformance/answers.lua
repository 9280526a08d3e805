-- Opening handshakes for a client: { name, what the server answers }, a function of the request's head. `opens` are
-- those that must open; the others are refused. `known`: the defect of libwebsockets that makes it the other way round
-- over TLS.
local raw = require "support.raw"

local cases = {}
local function add(opens, name, answer, properties)
  if type(answer) == "table" then
    local options = answer
    answer = function(head) return raw.response(head, options) end
  end
  cases[#cases + 1] = { name, answer, opens = opens, properties = properties }
  return cases[#cases]
end
local function opens(...) return add(true, ...) end
local function fails(...) return add(false, ...) end

-- The right answer with its text changed.
local function changed(pattern, by)
  return function(head) return (raw.response(head):gsub(pattern, by)) end
end

local function accept(change)
  return function(head)
    return raw.response(head, { accept = change(raw.accept_key(raw.header(head, "Sec-WebSocket-Key"))) })
  end
end

-- The status line.
opens("of the RFC", {})
opens("with another phrase", { line = "HTTP/1.1 101 Web Socket Protocol Handshake" })
opens("with an empty phrase", { line = "HTTP/1.1 101 " })
opens("with a phrase that is not ASCII", { line = "HTTP/1.1 101 \195\156bergang" })
for _, status in ipairs {
  "100 Continue", "102 Processing", "103 Early Hints", "200 OK", "204 No Content", "301 Moved Permanently", "302 Found",
  "307 Temporary Redirect", "400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found",
  "405 Method Not Allowed", "426 Upgrade Required", "429 Too Many Requests", "431 Too Large",
  "500 Internal Server Error",
  "503 Service Unavailable", "505 HTTP Version Not Supported", "10 x", "1 x", "1011 x", "-101 x", "x101 x", "999 x",
} do
  fails("with the status " .. status, { line = "HTTP/1.1 " .. status })
end
fails("with the status 302 and a place to go to", { line = "HTTP/1.1 302 Found", lines = { "Location: /other" } })
fails("with the status 401 and a challenge", { line = "HTTP/1.1 401 Unauthorized",
  lines = { "WWW-Authenticate: Basic" } })
local LAX = { ["HTTP/1.0 101 Switching Protocols"] = true, ["http/1.1 101 x"] = true, ["HTTP/1.1  101 x"] = true,
  ["HTTP/1.1 101 \0"] = true, ["HTTP/1.1 101 a\rb"] = true }
for _, line in ipairs {
  "HTTP/1.0 101 Switching Protocols", "HTTP/2 101 Switching Protocols", "HTTP/1.2 101 x", "http/1.1 101 x",
  " HTTP/1.1 101 x", "HTTP/1.1  101 x", "HTTP/1.1\t101 x", "HTTP/1.1 101 \0", "HTTP/1.1 101 a\rb",
  "HTTP/1.1 abc", "HTTP/1.1", "HTTP", "101", "101 Switching Protocols", "SSH-2.0-OpenSSH_9.2", "HTTP/1.1101 x", "",
} do
  fails(("with the status line %q"):format(line), { line = line }).known = LAX[line] and "form"
end

-- Required headers.
for _, value in ipairs { "websocket", "WebSocket", "WEBSOCKET" } do
  opens(("with the Upgrade %q"):format(value), { upgrade = value })
end
fails("without Upgrade", { upgrade = false })
for _, value in ipairs { "h2c", "websockets", "web", "websocket/13", "\"websocket\"" } do
  fails(("with the Upgrade %q"):format(value), { upgrade = value })
end
for _, value in ipairs { "Upgrade", "upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade, keep-alive" } do
  opens(("with the Connection %q"):format(value), { connection = value })
end
fails("without Connection", { connection = false })
for _, value in ipairs { "close", "keep-alive", "upgraded", "Upgrades", "Up", "U", "keep-alive, up" } do
  fails(("with the Connection %q"):format(value), { connection = value })
end
opens("with two Connections, of which one is Upgrade", { lines = { "Connection: keep-alive" } })
opens("with two Connections of which the second is Upgrade",
  { connection = "keep-alive", lines = { "Connection: Upgrade" } })
fails("without Sec-WebSocket-Accept", { accept = false })
fails("with an empty Sec-WebSocket-Accept", { accept = "" })
fails("with another key's Sec-WebSocket-Accept", { accept = raw.ACCEPT })
fails("with the key for its Sec-WebSocket-Accept", function(head)
  return raw.response(head, { accept = raw.header(head, "Sec-WebSocket-Key") })
end)
fails("with a Sec-WebSocket-Accept in small letters", accept(string.lower))
fails("with a Sec-WebSocket-Accept in capitals", accept(string.upper))
fails("with a Sec-WebSocket-Accept without padding", accept(function(text) return (text:gsub("=", "")) end))
fails("with a Sec-WebSocket-Accept that lacks its first character", accept(function(text) return text:sub(2) end))
fails("with a Sec-WebSocket-Accept with a character more", accept(function(text) return text .. "x" end))
fails("with a Sec-WebSocket-Accept in quotes", accept(function(text) return '"' .. text .. '"' end))
fails("with a Sec-WebSocket-Accept that differs in one character",
  accept(function(text) return (text:sub(1, 1) == "A" and "B" or "A") .. text:sub(2) end))
fails("with two Sec-WebSocket-Accepts, the second wrong", { lines = { "Sec-WebSocket-Accept: " .. raw.ACCEPT } })
fails("with two Sec-WebSocket-Accepts, the first wrong", function(head)
  return raw.response(head, { accept = raw.ACCEPT,
    lines = { "Sec-WebSocket-Accept: " .. raw.accept_key(raw.header(head, "Sec-WebSocket-Key")) } })
end)
opens("with blanks around the Sec-WebSocket-Accept", accept(function(text) return "  " .. text end))

-- What was not asked for.
fails("with an extension", { lines = { "Sec-WebSocket-Extensions: permessage-deflate" } })
fails("with an extension that nobody knows", { lines = { "Sec-WebSocket-Extensions: x-unknown" } })
fails("with a sub-protocol", { lines = { "Sec-WebSocket-Protocol: a" } })
local ASKED = { supported_protocols = { "alpha", "beta" } }
for _, value in ipairs { "alpha", "beta" } do
  opens(("with the sub-protocol %q of alpha and beta"):format(value),
    { lines = { "Sec-WebSocket-Protocol: " .. value } },
    ASKED).protocol = value
end
for _, value in ipairs { "gamma", "Alpha", "alph", "alphabet", "alpha,beta", "alpha, beta", "beta alpha",
  "\"alpha\"" } do
  fails(("with the sub-protocol %q of alpha and beta"):format(value),
    { lines = { "Sec-WebSocket-Protocol: " .. value } },
    ASKED)
end
fails("without one of the sub-protocols that were asked for", {}, ASKED)
fails("with two lines of sub-protocols", { lines = { "Sec-WebSocket-Protocol: alpha",
  "Sec-WebSocket-Protocol: beta" } },
  ASKED)

-- The form of the head.
opens("with header names in small letters", changed("\r\n[%w-]+:", string.lower))
opens("with header names in capitals", changed("\r\n[%w-]+:", string.upper))
opens("without blanks behind colons", changed("\r\n([%w-]+): ", "\r\n%1:"))
opens("with more blanks behind colons", changed("\r\n([%w-]+): ", "\r\n%1:   "))
opens("with headers that it does not know", { lines = { "Server: x", "Date: today", "Set-Cookie: a=b; Path=/",
  "X-Y: z" } })
opens("with fifty headers", { lines = (function()
  local lines = {}
  for i = 1, 50 do lines[i] = "X-" .. i .. ": value" end
  return lines
end)() })
opens("with a header of 3000 bytes", { lines = { "X-Long: " .. ("x"):rep(3000) } })
opens("with a value that is not ASCII", { lines = { "X-Abc: \195\188" } })
-- libwebsockets 4.1 takes such a line for the beginning of a name that goes on in the next line.
opens("with a header whose name is the beginning of another's, at its end", { lines = { "Dat: x" } }).known = "header"
opens("with a header whose name is the beginning of another's, in front of one that is needed", function(head)
  return (raw.response(head):gsub("\r\nUpgrade:", "\r\nX: y%0"))
end).known = "header"
-- Lines that are none, with which a proxy between might see another answer than we.
for name, line in pairs {
  ["without a colon"] = "X", ["without a name"] = ": x", ["with a NUL in its value"] = "X: \0",
} do
  fails("with a header " .. name, { lines = { line } })
end
for name, line in pairs {
  ["with a blank in its name"] = "X y: z", ["with a blank behind its name"] = "X : y",
  ["that is folded"] = "X: a\r\n b: c", ["with a tab in front"] = "\tX: y", ["with a CR in its value"] = "X: a\rb: c",
  ["with an LF"] = "X: a\nY: b", ["with a NUL in its name"] = "X\0: y",
} do
  fails("with a header " .. name, { lines = { line } }).known = "form"
end
fails("whose lines end with LF", function(head) return (raw.response(head):gsub("\r\n", "\n")) end).known = "form"
fails("of whose lines one ends with LF", function(head)
  return (raw.response(head):gsub("\r\n", "\n", 1))
end).known = "form"
fails("with an empty line in front", function(head) return "\r\n" .. raw.response(head) end)
opens("with a header without a value", { lines = { "X-Empty:" } })
opens("with Upgrade twice", { lines = { "Upgrade: websocket" } })
-- Its head has this many bytes.
local function of_size(size)
  return function(head)
    local rest = #raw.response(head, { lines = { "X-Long: " } })
    return raw.response(head, { lines = { "X-Long: " .. ("x"):rep(size - rest) } })
  end
end
opens("of 4096 bytes", of_size(4096))
fails("of 4097 bytes", of_size(4097)).known = "form"
fails("of more than 4096 bytes", { lines = { "X-Long: " .. ("x"):rep(4200) } })
fails("of 70000 bytes", { lines = { "X-Long: " .. ("x"):rep(70000) } })
fails("that is a frame", function() return "\130\4\52\18\0\0" .. ("\0"):rep(100) .. "\r\n\r\n" end)
fails("that is TLS", function() return "\21\3\1\0\2\2\70\r\n\r\n" end)
fails("that is a request", function() return raw.request() end)
return cases
