-- Both classes of servers, for what is the same in both. listen(properties) gives a server on a free port, the port,
-- and a function that tells how many clients were let in since.
local ws = require "wsmultiplayer"
local session = require "support.session"
local websocket = require "support.websocket"

return {
  {
    name = "WebSocketMultiplayerPeer",
    class = ws.WebSocketMultiplayerPeer,
    listen = function(properties)
      local server, port = session.server(properties)
      local events = session.record(server)
      return server, port, function() return #events end
    end,
    close = function(server) server:close() end,
    again = function(server, port, tls) return server:create_server(port, "127.0.0.1", tls) end,
    port = function(server) return server:get_bound_port() end,
  },
  {
    name = "WebSocketServer",
    class = ws.WebSocketServer,
    listen = function(properties)
      local server, port = websocket.server(properties)
      local taken = {}
      return server, port, function()
        local peer = server:take_connection()
        while peer do
          taken[#taken + 1] = peer
          peer = server:take_connection()
        end
        return #taken
      end
    end,
    close = function(server) server:stop() end,
    again = function(server, port, tls) return server:listen(port, "127.0.0.1", tls) end,
    port = function(server) return server:get_local_port() end,
  },
}
