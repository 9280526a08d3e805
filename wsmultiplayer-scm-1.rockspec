rockspec_format = "3.0"
package = "wsmultiplayer"
version = "scm-1"

source = {
  url = "git+https://github.com/wsmultiplayer/wsmultiplayer.git",
  branch = "main",
}

description = {
  summary = "Godot 4's WebSocketMultiplayerPeer for Lua",
  detailed = [[
    Servers and clients of Godot 4's WebSocket multiplayer protocol, with Godot's own API: peers with ids,
    broadcast, to one, to all but one, signals. In C, on libwebsockets; for scripts, servers and LÖVE games.
  ]],
  homepage = "https://github.com/wsmultiplayer/wsmultiplayer",
  issues_url = "https://github.com/wsmultiplayer/wsmultiplayer/issues",
  license = "MIT",
  labels = { "websocket", "network", "networking", "multiplayer", "godot", "love", "game" },
}

dependencies = {
  "lua >= 5.1",
}

external_dependencies = {
  LIBWEBSOCKETS = { header = "libwebsockets.h", library = "websockets" },
}

build = {
  type = "builtin",
  -- Both lists are kept by make rockspec.
  modules = {
    ["wsmultiplayer.core"] = {
      sources = {
        "src/binding/arguments.c",
        "src/binding/class.c",
        "src/binding/module.c",
        "src/binding/multiplayer_peer.c",
        "src/binding/settings.c",
        "src/binding/tls_options.c",
        "src/binding/variant_codec.c",
        "src/binding/variant_decode.c",
        "src/binding/variant_encode.c",
        "src/binding/variant_layout.c",
        "src/binding/variant_shape.c",
        "src/binding/websocket_peer.c",
        "src/binding/websocket_server.c",
        "src/core/bytes.c",
        "src/core/client_link.c",
        "src/core/client_plain.c",
        "src/core/clock.c",
        "src/core/connection.c",
        "src/core/error.c",
        "src/core/event_set.c",
        "src/core/frame.c",
        "src/core/handshake.c",
        "src/core/listener.c",
        "src/core/lws_context.c",
        "src/core/md5.c",
        "src/core/memory.c",
        "src/core/message.c",
        "src/core/multiplayer.c",
        "src/core/packet_queue.c",
        "src/core/peer_map.c",
        "src/core/plain.c",
        "src/core/process.c",
        "src/core/random.c",
        "src/core/resolver.c",
        "src/core/send_queue.c",
        "src/core/server_link.c",
        "src/core/string_list.c",
        "src/core/timers.c",
        "src/core/tls_options.c",
        "src/core/upgrade.c",
        "src/core/url.c",
        "src/core/utf8.c",
        "src/core/variant.c",
        "src/core/wait.c",
        "src/core/watch.c",
        "src/core/websocket.c",
        "src/core/websocket_server.c",
      },
      incdirs = { "$(LIBWEBSOCKETS_INCDIR)" },
      libdirs = { "$(LIBWEBSOCKETS_LIBDIR)" },
    },
    -- The Lua files.
    ["wsmultiplayer.constants"] = "lua/wsmultiplayer/constants.lua",
    ["wsmultiplayer.deadlines"] = "lua/wsmultiplayer/deadlines.lua",
    ["wsmultiplayer"] = "lua/wsmultiplayer/init.lua",
    ["wsmultiplayer.int64"] = "lua/wsmultiplayer/int64.lua",
    ["wsmultiplayer.loop"] = "lua/wsmultiplayer/loop.lua",
    ["wsmultiplayer.multiplayer_api.arguments"] = "lua/wsmultiplayer/multiplayer_api/arguments.lua",
    ["wsmultiplayer.multiplayer_api.auth"] = "lua/wsmultiplayer/multiplayer_api/auth.lua",
    ["wsmultiplayer.multiplayer_api.class"] = "lua/wsmultiplayer/multiplayer_api/class.lua",
    ["wsmultiplayer.multiplayer_api.due"] = "lua/wsmultiplayer/multiplayer_api/due.lua",
    ["wsmultiplayer.multiplayer_api"] = "lua/wsmultiplayer/multiplayer_api/init.lua",
    ["wsmultiplayer.multiplayer_api.nodes"] = "lua/wsmultiplayer/multiplayer_api/nodes.lua",
    ["wsmultiplayer.multiplayer_api.ordered_set"] = "lua/wsmultiplayer/multiplayer_api/ordered_set.lua",
    ["wsmultiplayer.multiplayer_api.path_cache"] = "lua/wsmultiplayer/multiplayer_api/path_cache.lua",
    ["wsmultiplayer.multiplayer_api.peers"] = "lua/wsmultiplayer/multiplayer_api/peers.lua",
    ["wsmultiplayer.multiplayer_api.protocol"] = "lua/wsmultiplayer/multiplayer_api/protocol.lua",
    ["wsmultiplayer.multiplayer_api.receive"] = "lua/wsmultiplayer/multiplayer_api/receive.lua",
    ["wsmultiplayer.multiplayer_api.rpc"] = "lua/wsmultiplayer/multiplayer_api/rpc.lua",
    ["wsmultiplayer.multiplayer_api.rpc_config"] = "lua/wsmultiplayer/multiplayer_api/rpc_config.lua",
    ["wsmultiplayer.multiplayer_api.transport"] = "lua/wsmultiplayer/multiplayer_api/transport.lua",
    ["wsmultiplayer.multiplayer_peer"] = "lua/wsmultiplayer/multiplayer_peer.lua",
    ["wsmultiplayer.offline_multiplayer_peer"] = "lua/wsmultiplayer/offline_multiplayer_peer.lua",
    ["wsmultiplayer.poll"] = "lua/wsmultiplayer/poll.lua",
    ["wsmultiplayer.request"] = "lua/wsmultiplayer/request.lua",
    ["wsmultiplayer.schedulers"] = "lua/wsmultiplayer/schedulers.lua",
    ["wsmultiplayer.signal"] = "lua/wsmultiplayer/signal.lua",
    ["wsmultiplayer.tasks"] = "lua/wsmultiplayer/tasks.lua",
    ["wsmultiplayer.variant"] = "lua/wsmultiplayer/variant.lua",
    ["wsmultiplayer.waiting"] = "lua/wsmultiplayer/waiting.lua",
    ["wsmultiplayer.websocket_peer"] = "lua/wsmultiplayer/websocket_peer.lua",
    ["wsmultiplayer.websocket_server"] = "lua/wsmultiplayer/websocket_server.lua",
  },
  platforms = {
    unix = {
      modules = {
        ["wsmultiplayer.core"] = { defines = { "_GNU_SOURCE" }, libraries = { "websockets", "pthread" } },
      },
    },
    windows = {
      modules = {
        ["wsmultiplayer.core"] = { libraries = { "websockets", "ws2_32" } },
      },
    },
  },
  copy_directories = { "examples" },
}

test_dependencies = {
  "busted >= 2.0",
  "luasocket >= 3.0",
}

test = {
  type = "busted",
}
