-- lua_http.lua echo|bcast - lua-http (on cqueues). Prints its port.
local http_server = require "http.server"
local websocket = require "http.websocket"

local mode = arg[1]
local clients = {}

local function serve(socket)
  while true do
    local data = socket:receive()
    if not data then return end
    if mode == "echo" then
      socket:send(data, "binary")
    else
      for other in pairs(clients) do
        if other ~= socket then other:send(data, "binary") end
      end
    end
  end
end

local server = assert(http_server.listen {
  host = "127.0.0.1",
  port = 0,
  max_concurrent = 1e6,
  onstream = function(_, stream)
    local socket = assert(websocket.new_from_stream(stream, assert(stream:get_headers())))
    assert(socket:accept())
    clients[socket] = true
    serve(socket)
    clients[socket] = nil
  end,
  onerror = function() end,
})
assert(server:listen())
print("port " .. select(3, server:localname()))
io.stdout:flush()
assert(server:loop())
