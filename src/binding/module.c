/* wsmultiplayer.core: what the Lua layer builds on. */
#include <libwebsockets.h>

#include "../core/error.h"
#include "../core/handshake.h"
#include "arguments.h"
#include "objects.h"
#include "variant.h"

/* error_string(error) -> Godot's text */
static int error_string(lua_State *L) {
    const char *text = wsm_error_string(wsm_check_int32(L, 1, NULL));
    lua_pushstring(L, text ? text : "(invalid error code)");
    return 1;
}

void wsm_push_packet(lua_State *L, wsm_packet *packet) {
    lua_pushlstring(L, (const char *)packet->data, packet->size);
    wsm_packet_release(packet);
}

int wsm_push_round_trip(lua_State *L, const wsm_connection *connection) {
    if (connection && connection->round_trip_us >= 0)
        lua_pushnumber(L, (lua_Number)connection->round_trip_us / 1e6);
    else
        lua_pushnil(L);
    return 1;
}

int wsm_push_request(lua_State *L, wsm_connection *connection) {
    char address[WSM_ADDRESS_TEXT_SIZE];
    size_t size;
    const char *head = wsm_handshake_request(connection, &size);
    wsm_address_text(&connection->remote, address);
    wsm_connection *held = wsm_connection_ref(connection);
    lua_pushlstring(L, head, size);
    lua_pushstring(L, address);
    lua_pushinteger(L, connection->remote.port);
    lua_pushboolean(L, connection->tls);
    lua_pushboolean(L, connection->plain);
    wsm_connection_unref(held);
    return 5;
}

/* core[name] = the class table on top; pushes its metatable and returns where that lies. */
static int add_class(lua_State *L, int core, const char *name) {
    lua_getfield(L, -1, "metatable");
    lua_insert(L, -2);
    lua_setfield(L, core, name);
    return lua_gettop(L);
}

WSM_EXPORT int luaopen_wsmultiplayer_core(lua_State *L);

int luaopen_wsmultiplayer_core(lua_State *L) {
    lua_settop(L, 0);
    lua_newtable(L);
    int core = lua_gettop(L);
    lua_newtable(L);
    for (int error = 0; error < WSM_ERROR_COUNT; error++) {
        lua_pushinteger(L, error);
        lua_setfield(L, -2, wsm_error_name(error));
    }
    lua_setfield(L, core, "errors");
    lua_pushcfunction(L, error_string);
    lua_setfield(L, core, "error_string");
    lua_pushstring(L, lws_get_library_version());
    lua_setfield(L, core, "libwebsockets_version");
    wsm_open_variant(L);
    lua_getfield(L, -1, "types");
    int types = lua_gettop(L);
    lua_pushvalue(L, -2);
    lua_setfield(L, core, "variant");
    wsm_open_tls_options(L);
    int tls = add_class(L, core, "TLSOptions");
    wsm_open_websocket_peer(L, tls, types);
    int peer = add_class(L, core, "WebSocketPeer");
    wsm_open_websocket_server(L, tls, peer);
    add_class(L, core, "WebSocketServer");
    wsm_open_multiplayer_peer(L, tls, peer, types);
    add_class(L, core, "WebSocketMultiplayerPeer");
    lua_settop(L, core);
    return 1;
}
