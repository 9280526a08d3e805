--- Godot's enums by class. Source: scene/main/multiplayer_peer.h, modules/websocket/websocket_peer.h, Object.

return {
  MultiplayerPeer = {
    -- ConnectionStatus
    CONNECTION_DISCONNECTED = 0,
    CONNECTION_CONNECTING = 1,
    CONNECTION_CONNECTED = 2,
    -- set_target_peer
    TARGET_PEER_BROADCAST = 0,
    TARGET_PEER_SERVER = 1,
    -- TransferMode
    TRANSFER_MODE_UNRELIABLE = 0,
    TRANSFER_MODE_UNRELIABLE_ORDERED = 1,
    TRANSFER_MODE_RELIABLE = 2,
  },
  WebSocketPeer = {
    -- WriteMode
    WRITE_MODE_TEXT = 0,
    WRITE_MODE_BINARY = 1,
    -- State
    STATE_CONNECTING = 0,
    STATE_OPEN = 1,
    STATE_CLOSING = 2,
    STATE_CLOSED = 3,
  },
  MultiplayerAPI = {
    -- RPCMode
    RPC_MODE_DISABLED = 0,
    RPC_MODE_ANY_PEER = 1,
    RPC_MODE_AUTHORITY = 2,
  },
  -- ConnectFlags
  CONNECT_ONE_SHOT = 4,
}
