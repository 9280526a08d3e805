/* wsmultiplayer.core: what the Lua layer builds on. */
#include <string.h>

#include "../core/clock.h"
#include "../core/error.h"
#include "../core/handshake.h"
#include "../core/lws.h"
#include "../core/md5.h"
#include "../core/platform.h"
#include "../core/upgrade.h"
#include "../core/wait.h"
#include "arguments.h"
#include "objects.h"
#include "variant.h"

/* error_string(error) -> Godot's text */
static int error_string(lua_State *L) {
    const char *text = wsm_error_string(wsm_check_int32(L, 1, NULL));
    lua_pushstring(L, text ? text : "(invalid error code)");
    return 1;
}

/* md5(text) -> its digest in hexadecimal digits */
static int md5(lua_State *L) {
    size_t size;
    char digest[WSM_MD5_TEXT_SIZE];
    const char *text = luaL_checklstring(L, 1, &size);
    wsm_md5_text(text, size, digest);
    lua_pushstring(L, digest);
    return 1;
}

int wsm_push_descriptor(lua_State *L, int descriptor) {
    if (descriptor >= 0)
        lua_pushinteger(L, descriptor);
    else
        lua_pushnil(L);
    return 1;
}

int wsm_push_time_left(lua_State *L, int64_t milliseconds) {
    if (milliseconds >= 0)
        lua_pushnumber(L, (lua_Number)milliseconds / 1000);
    else
        lua_pushnil(L);
    return 1;
}

int wsm_events(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushliteral(L, "r");
    return 1;
}

static const char active_key[] = "wsmultiplayer.active";

void wsm_note_active(lua_State *L, int index) {
    lua_pushvalue(L, index);
    lua_getfield(L, LUA_REGISTRYINDEX, active_key);
    lua_insert(L, -2);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* Pushes the set of active objects, which does not keep them alive. */
static void open_active(lua_State *L) {
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, active_key);
}

/* clock() -> seconds since some moment, which never go back */
static int clock_seconds(lua_State *L) {
    lua_pushnumber(L, (lua_Number)wsm_clock_us() / 1e6);
    return 1;
}

int wsm_push_wanted(lua_State *L, wsm_wanted wanted) {
    wsm_push_descriptor(L, wanted.fd);
    lua_pushinteger(L, (lua_Integer)wanted.events);
    return 2;
}

/* wait({descriptor, events, descriptor, events, ...}, count of both, seconds): until one of them has what is wanted */
static int wait_for_any(lua_State *L) {
    lua_Integer count = luaL_checkinteger(L, 2) / 2;
    int64_t wait_ms = wsm_opt_milliseconds(L, 3);
    luaL_checktype(L, 1, LUA_TTABLE);
    wsm_wanted *wanted = lua_newuserdata(L, ((size_t)count + 1) * sizeof *wanted);
    for (int i = 0; i < (int)count; i++) {
        lua_rawgeti(L, 1, 2 * i + 1);
        lua_rawgeti(L, 1, 2 * i + 2);
        wanted[i] = (wsm_wanted){.fd = (int)lua_tointeger(L, -2), .events = (unsigned)lua_tointeger(L, -1)};
        lua_pop(L, 2);
    }
    wsm_wait(wanted, (size_t)count, wait_ms);
    return 0;
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
    char head[WSM_REQUEST_HEAD_MAX];
    size_t size;
    const char *text = wsm_handshake_request(connection, &size);
    wsm_address_text(&connection->remote, address);
    memcpy(head, text, size);
    lua_pushinteger(L, connection->remote.port);
    lua_pushboolean(L, connection->tls);
    lua_pushboolean(L, connection->plain);
    /* From here on a finalizer may end the connection. */
    lua_pushlstring(L, head, size);
    lua_insert(L, -4);
    lua_pushstring(L, address);
    lua_insert(L, -4);
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
    wsm_platform_start();
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
    lua_pushcfunction(L, md5);
    lua_setfield(L, core, "md5");
    lua_pushcfunction(L, clock_seconds);
    lua_setfield(L, core, "clock");
    lua_pushcfunction(L, wait_for_any);
    lua_setfield(L, core, "wait");
    wsm_open_log(L);
    lua_setfield(L, core, "log");
    open_active(L);
    lua_setfield(L, core, "active");
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
