-- Talks to a WebSocket server: sends lines as text, and shows what comes back.
--   lua connect.lua [--ca FILE | --insecure] URL [LINE...]
--   lua connect.lua wss://echo.example.org "Hello!" "Is anybody there?"
-- Without a LINE the lines come from the standard input. Reading it blocks, so what arrives is shown between the lines,
-- until nothing has come for half a second. After the last line and its answers the connection is closed.
--   --ca FILE    trusts these certificates (PEM) instead of the system's
--   --insecure   verifies nothing
-- Ends with status 0 if the connection was closed properly by either side, else with the reason and status 1.
local ws = require "wsmultiplayer"

local PATIENCE = 0.5 -- seconds
local OPEN, CLOSED = ws.WebSocketPeer.STATE_OPEN, ws.WebSocketPeer.STATE_CLOSED
io.stdout:setvbuf "line"

local function fail(text)
  io.stderr:write(text, "\n")
  os.exit(1)
end

local tls, at = ws.TLSOptions.client(), 1 -- which verifies
if arg[at] == "--insecure" then
  tls, at = ws.TLSOptions.client_unsafe(), at + 1
elseif arg[at] == "--ca" and arg[at + 1] then
  tls, at = ws.TLSOptions.client(arg[at + 1]), at + 2
end
local url, from_arguments = arg[at], arg[at + 1] ~= nil
if not url or url:find "^%-" then fail "usage: lua connect.lua [--ca FILE | --insecure] URL [LINE...]" end

local function next_line()
  if not from_arguments then return io.read() end
  at = at + 1
  return arg[at]
end

local peer = ws.WebSocketPeer.new()

local function show(message, is_text)
  if is_text then
    print("< " .. message:gsub("[%c\127]", "?")) -- it must not control the terminal
  else
    local hex = message:gsub(".", function(c) return (" %02x"):format(c:byte()) end)
    print(("< %d bytes:%s"):format(#message, hex))
  end
end

-- Shows what arrives, until nothing more does.
local function listen()
  local heard
  repeat
    heard = false
    peer:poll(PATIENCE)
    for message, is_text in peer:packets() do
      show(message, is_text)
      heard = true
    end
  until not heard
end

local err, why = peer:connect_to_url(url, tls)
if err ~= ws.OK then fail(why) end
while peer:get_ready_state() == ws.WebSocketPeer.STATE_CONNECTING do peer:poll(1) end

listen()
while peer:get_ready_state() == OPEN do
  local line = next_line()
  if not line then break end
  err, why = peer:send_text(line)
  if err ~= ws.OK then io.stderr:write("not sent: ", why, "\n") end
  listen()
end

peer:close()
while peer:get_ready_state() ~= CLOSED do peer:poll(1) end
peer:poll()
if peer:get_close_code() < 0 then fail(peer:get_last_error()) end
print(("closed with code %d %s"):format(peer:get_close_code(), peer:get_close_reason()))
