-- Seeds for the parser of requests: a byte that chooses, and the request.
local LINES = { "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13" }

local function request(line, ...)
  local lines = { line, table.unpack(LINES) }
  for _, more in ipairs { ... } do lines[#lines + 1] = more end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local good = request "GET / HTTP/1.1"
return {
  seeds = {
    "\0" .. good, "\4" .. good,
    "\1" .. request("GET /a?b HTTP/1.1", "Sec-WebSocket-Protocol: x, chat", "Origin: http://x"),
    "\255" .. request("GET ws://x/y HTTP/1.1", "Sec-WebSocket-Protocol:v2.game", "X-Empty:", "X-Tab:\ta\t"),
    "\2" .. good:gsub("websocket", "h2c, WebSocket"):gsub(": Upgrade", ": keep-alive, Upgrade"),
    "\0" .. request "POST / HTTP/1.1", "\0" .. request "GET / HTTP/1.0", "\0GET\r\n\r\n", "\0\r\n\r\n", "\0garbage",
    "\0" .. good:gsub("\r\n", "\n"), "\0" .. request("GET / HTTP/1.1", " folded"),
    "\0" .. request("GET / HTTP/1.1", "Content-Length: 5") .. "hello", "\0" .. good .. good,
    "\0" .. request("GET / HTTP/1.1", "Host: two"), "\0" .. good:gsub("13", "8"), "\0" .. good:gsub("ZQ==", "ZQ="),
  },
  words = {
    "\r\n", "\r\n\r\n", ": ", ", ", "GET ", " HTTP/1.1", "Host", "Upgrade", "Connection", "websocket",
    "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "13", "chat", "v2.game", "Content-Length",
    "Transfer-Encoding", "://", "dGhlIHNhbXBsZSBub25jZQ==",
  },
}
