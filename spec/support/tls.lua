-- What the TLS specs share: pairs of our own peers over wss://, with certificates made for the run.
local ws = require "wsmultiplayer"
local collector = require "support.collector"
local certificates = require "support.certificates"
local session = require "support.session"
local wait = require "support.wait"
local websocket = require "support.websocket"
local TLSOptions = ws.TLSOptions
local CONNECTING = 1

local collect = collector.collect

-- A server with this certificate, by its name or as TLSOptions: the peer and its port.
local function start_server(certificate, properties, address)
  local server = session.peer(properties)
  local options = type(certificate) == "string" and certificates.server(certificate) or certificate
  local err, why = server:create_server(0, address or "127.0.0.1", options)
  if err ~= ws.OK then error("create_server: " .. tostring(why), 2) end
  return server, server:get_bound_port()
end

local function start_client(port, options, host, properties)
  local client = session.peer(properties)
  local err, why = client:create_client(("wss://%s:%d"):format(host or "localhost", port), options)
  if err ~= ws.OK then error("create_client: " .. tostring(why), 2) end
  return client
end

-- Waits until the client is in or has given up; gives whether it is in.
local function outcome(server, client)
  wait.until_(function() return client:get_connection_status() ~= CONNECTING end, { server, client })
  return session.is_connected(client)
end

local function join(server, options, host, properties)
  local client = start_client(server:get_bound_port(), options, host, properties)
  if not outcome(server, client) then error("refused: " .. client:get_last_error(), 2) end
  wait.until_(function() return #server:get_peers() > 0 end, { server, client })
  return client, client:get_unique_id()
end

local function trusting() return TLSOptions.client(certificates.root) end

local function pair(server_properties, client_properties)
  local server = start_server("good", server_properties)
  return server, join(server, trusting(), nil, client_properties)
end

local function clean_up()
  session.close()
  websocket.close()
  certificates.remove_files()
end

local all_bytes = {}
for i = 0, 255 do all_bytes[i + 1] = string.char(i * 7 % 256) end
all_bytes = table.concat(all_bytes):rep(300)

-- Bytes of every value, different for each number.
local function content(number, size)
  local text, at = ("%08d"):format(number), number % 256
  if size - 8 > #all_bytes - at then return text .. all_bytes:rep(math.ceil(size / #all_bytes)):sub(1, size - 8) end
  return text .. all_bytes:sub(at + 1, at + size - 8)
end

-- A TLS 1.2 and 1.3 ClientHello for localhost without key shares, as it is sent on the wire.
local function client_hello()
  local function block(size, bytes)
    local length = ""
    for i = size - 1, 0, -1 do length = length .. string.char(math.floor(#bytes / 256 ^ i) % 256) end
    return length .. bytes
  end
  local name = "\0\0" .. block(2, block(2, "\0" .. block(2, "localhost")))
  local groups = "\0\10" .. block(2, block(2, "\0\23"))
  local formats = "\0\11" .. block(2, block(1, "\0"))
  local signatures = "\0\13" .. block(2, block(2, "\4\3\8\4\4\1"))
  local body = "\3\3" .. ("R"):rep(32) .. block(1, "") .. block(2, "\192\43\192\47") .. block(1, "\0") ..
    block(2, name .. groups .. formats .. signatures)
  return "\22\3\1" .. block(2, "\1" .. block(3, body))
end

return {
  collect = collect,
  start_server = start_server,
  start_client = start_client,
  outcome = outcome,
  join = join,
  trusting = trusting,
  pair = pair,
  clean_up = clean_up,
  content = content,
  client_hello = client_hello,
}
