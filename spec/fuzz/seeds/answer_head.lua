-- Seeds for the parser of answers: a byte that chooses, and the answer.
local function answer(line, ...)
  local lines = { line, "Upgrade: websocket", "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", ... }
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local good = answer "HTTP/1.1 101 Switching Protocols"
return {
  seeds = {
    "\0" .. good, "\1" .. good, "\0" .. good .. "\130\1x", "\0" .. answer "HTTP/1.1 101",
    "\1" .. answer("HTTP/1.1 101 x", "Sec-WebSocket-Protocol: chat", "Server: x"),
    "\3" .. answer("HTTP/1.1 101 x", "sec-websocket-protocol:v2.game\t", "X-Empty:"),
    "\0" .. answer("HTTP/1.1 101 x", "Sec-WebSocket-Protocol: chat"),
    "\0" .. answer("HTTP/1.1 101 x", "Sec-WebSocket-Extensions: permessage-deflate"),
    "\0" .. good:gsub(": Upgrade", ": keep-alive, upgrade"), "\0" .. good:gsub("xOo", "xoO"),
    "\0" .. answer "HTTP/1.1 404 Not Found", "\0" .. answer "HTTP/1.0 101 x", "\0\r\n\r\n",
    "\0" .. good:gsub("\r\n", "\n") .. "\r\n\r\n", "\0" .. answer("HTTP/1.1 101 x", "X: a", " folded: b"),
  },
  words = {
    "\r\n", "\r\n\r\n", ": ", ", ", "HTTP/1.1 101 ", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "Sec-WebSocket-Protocol: chat\r\n", "chat", "v2.game",
    "Sec-WebSocket-Extensions: ", "keep-alive", "\n", "\r", "\t",
  },
}
