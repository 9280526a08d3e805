--- wsmultiplayer: Godot 4's WebSocketMultiplayerPeer for Lua and LÖVE.

local core = require "wsmultiplayer.core"
local constants = require "wsmultiplayer.constants"
local log = require "wsmultiplayer.log"
local loop = require "wsmultiplayer.loop"
local multiplayer_api = require "wsmultiplayer.multiplayer_api"
local multiplayer_peer = require "wsmultiplayer.multiplayer_peer"
local offline_multiplayer_peer = require "wsmultiplayer.offline_multiplayer_peer"
local tasks = require "wsmultiplayer.tasks"
local variant = require "wsmultiplayer.variant"
local websocket_peer = require "wsmultiplayer.websocket_peer"
local websocket_server = require "wsmultiplayer.websocket_server"

local ws = {
  _NAME = "wsmultiplayer",
  _VERSION = "wsmultiplayer scm",
  --- The version of libwebsockets in use.
  LIBWEBSOCKETS_VERSION = core.libwebsockets_version,
  --- Godot's error_string(error): "Already in use" for ERR_ALREADY_IN_USE.
  error_string = core.error_string,
  CONNECT_ONE_SHOT = constants.CONNECT_ONE_SHOT,
  --- Seconds since some moment; they never go back, whatever happens to the time of day.
  clock = core.clock,
  poll = loop.poll,
  update = loop.update,
  run = loop.run,
  stop = loop.stop,
  set_log = log.set_log,
  spawn = tasks.spawn,
  sleep = tasks.sleep,
}

for name, value in pairs(core.errors) do ws[name] = value end

local function add(to, from)
  for key, value in pairs(from) do to[key] = value end
  return to
end

-- A class is a table of its constants, its methods, and new(); a parent's constants are inherited. Objects find their
-- constants among their methods.
local function class(name, parent, methods, new)
  local members = add(add({ new = new }, constants[name] or {}), methods or {})
  return setmetatable(members, {
    __index = parent,
    __call = new and function(_, ...) return new(...) end,
    __tostring = function() return "class " .. name end,
  })
end

add(ws, variant)
add(websocket_peer.methods, constants.WebSocketPeer)
add(multiplayer_peer.methods, constants.MultiplayerPeer)
add(multiplayer_api.methods, constants.MultiplayerAPI)

ws.PacketPeer = class("PacketPeer")
ws.MultiplayerPeer = class("MultiplayerPeer", ws.PacketPeer)
ws.WebSocketPeer = class("WebSocketPeer", ws.PacketPeer, websocket_peer.methods, websocket_peer.new)
ws.WebSocketMultiplayerPeer =
  class("WebSocketMultiplayerPeer", ws.MultiplayerPeer, multiplayer_peer.methods, multiplayer_peer.new)
ws.OfflineMultiplayerPeer =
  class("OfflineMultiplayerPeer", ws.MultiplayerPeer, offline_multiplayer_peer.methods, offline_multiplayer_peer.new)
ws.MultiplayerAPI = class("MultiplayerAPI", nil, multiplayer_api.methods, multiplayer_api.new)
ws.WebSocketServer = class("WebSocketServer", nil, websocket_server.methods, websocket_server.new)

-- Made by its three functions only.
ws.TLSOptions = class("TLSOptions", nil, core.TLSOptions.methods)
ws.TLSOptions.client = core.TLSOptions.client
ws.TLSOptions.client_unsafe = core.TLSOptions.client_unsafe
ws.TLSOptions.server = core.TLSOptions.server

return ws
