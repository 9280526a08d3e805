---@meta _

--- Godot's MultiplayerPeer: its constants, which `WebSocketMultiplayerPeer` and its objects have too.
---@class ws.MultiplayerPeer : ws.PacketPeer
local MultiplayerPeer = {}

MultiplayerPeer.CONNECTION_DISCONNECTED = 0
MultiplayerPeer.CONNECTION_CONNECTING = 1
MultiplayerPeer.CONNECTION_CONNECTED = 2

MultiplayerPeer.TARGET_PEER_BROADCAST = 0
MultiplayerPeer.TARGET_PEER_SERVER = 1

MultiplayerPeer.TRANSFER_MODE_UNRELIABLE = 0
MultiplayerPeer.TRANSFER_MODE_UNRELIABLE_ORDERED = 1
MultiplayerPeer.TRANSFER_MODE_RELIABLE = 2
