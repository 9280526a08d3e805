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

    It needs libwebsockets 4.0 or newer with its headers: apt install libwebsockets-dev, dnf install
    libwebsockets-devel, pacman -S libwebsockets, brew install libwebsockets, or vcpkg install libwebsockets.
  ]],
  homepage = "https://github.com/wsmultiplayer/wsmultiplayer",
  issues_url = "https://github.com/wsmultiplayer/wsmultiplayer/issues",
  license = "MIT",
  labels = { "websocket", "network", "networking", "multiplayer", "godot", "love", "game" },
}

dependencies = {
  "lua >= 5.1",
}

-- Only its name, for LIBWEBSOCKETS_DIR= and the others. Were files named here, LuaRocks would miss them in words that help
-- nobody ("you may have to install LIBWEBSOCKETS"); src/core/lws.h names the packages.
external_dependencies = {
  LIBWEBSOCKETS = {},
}

build = {
  type = "builtin",
  -- Both lists are kept by make rockspec.
  modules = {
    ["wsmultiplayer.core"] = {
      sources = {
        "src/binding/arguments.c",
        "src/binding/class.c",
        "src/binding/inbox.c",
        "src/binding/log.c",
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
        "src/core/address_counts.c",
        "src/core/authorities.c",
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
        "src/core/log.c",
        "src/core/lws_context.c",
        "src/core/md5.c",
        "src/core/memory.c",
        "src/core/message.c",
        "src/core/multiplayer.c",
        "src/core/packet_queue.c",
        "src/core/peer_map.c",
        "src/core/plain.c",
        "src/core/platform.c",
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
    ["wsmultiplayer.log"] = "lua/wsmultiplayer/log.lua",
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
    -- Where Homebrew and MacPorts put it, which LuaRocks passes by when it is asked for no file.
    macosx = {
      modules = {
        ["wsmultiplayer.core"] = {
          incdirs = { "$(LIBWEBSOCKETS_INCDIR)", "/opt/homebrew/include", "/usr/local/include", "/opt/local/include" },
          libdirs = { "$(LIBWEBSOCKETS_LIBDIR)", "/opt/homebrew/lib", "/usr/local/lib", "/opt/local/lib" },
        },
      },
    },
    -- By MinGW: the C is that of GCC and Clang.
    windows = {
      modules = {
        ["wsmultiplayer.core"] = {
          defines = { "_WIN32_WINNT=0x0601" },
          libraries = { "websockets", "ws2_32", "crypt32", "pthread" },
        },
      },
    },
  },
  copy_directories = { "docs", "examples", "types" },
}

test_dependencies = {
  "busted >= 2.0",
  "luasocket >= 3.0",
}

test = {
  type = "busted",
}
