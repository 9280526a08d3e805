/* wsmultiplayer.core: what the Lua layer builds on. */
#include <libwebsockets.h>

#include "../core/error.h"
#include "arguments.h"
#include "objects.h"

/* error_string(error) -> Godot's text */
static int error_string(lua_State *L) {
    const char *text = wsm_error_string(wsm_check_int32(L, 1, NULL));
    lua_pushstring(L, text ? text : "(invalid error code)");
    return 1;
}

WSM_EXPORT int luaopen_wsmultiplayer_core(lua_State *L);

int luaopen_wsmultiplayer_core(lua_State *L) {
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
    wsm_open_websocket_peer(L);
    lua_getfield(L, -1, "metatable");
    wsm_open_multiplayer_peer(L);
    lua_setfield(L, core, "WebSocketMultiplayerPeer");
    lua_pop(L, 1);
    lua_setfield(L, core, "WebSocketPeer");
    lua_settop(L, core);
    return 1;
}
