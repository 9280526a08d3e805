/* WebSocketServer: not Godot's; shaped like its TCPServer, for plain WebSocket connections. */
#include "../core/websocket_server.h"

#include "arguments.h"
#include "objects.h"
#include "settings.h"

static const wsm_class websocket_server_class;

static wsm_websocket_server *check(lua_State *L) { return wsm_check_object(L, 1, &websocket_server_class); }

static const wsm_property properties[] = {
    WSM_SETTINGS_PROPERTIES,
    WSM_SERVING_PROPERTIES,
    {NULL, NULL, NULL, NULL},
};

/* listen(port [, bind_address [, tls_options]]); second upvalue: the metatable of TLSOptions. */
static int listen_at(lua_State *L) {
    wsm_websocket_server *server = check(L);
    wsm_reason reason = {""};
    int64_t port = wsm_check_port(L, 2);
    const char *address = lua_isnoneornil(L, 3) ? "*" : wsm_check_text(L, 3);
    const wsm_tls_options *tls = wsm_opt_tls_options(L, 4, lua_upvalueindex(2));
    wsm_error error = address ? wsm_websocket_server_listen(server, port, address, tls, &reason)
                              : wsm_fail(&reason, WSM_ERR_INVALID_PARAMETER, "zero byte in the bind address");
    if (!error) wsm_note_active(L, 1);
    return wsm_push_error(L, error, &reason);
}

static int stop(lua_State *L) {
    wsm_websocket_server_stop(check(L));
    return 0;
}

static int is_listening(lua_State *L) {
    lua_pushboolean(L, check(L)->server != NULL);
    return 1;
}

static int get_local_port(lua_State *L) {
    wsm_websocket_server *server = check(L);
    lua_pushinteger(L, server->server ? wsm_server_port(server->server) : 0);
    return 1;
}

static int is_connection_available(lua_State *L) {
    lua_pushboolean(L, wsm_websocket_server_is_available(check(L)));
    return 1;
}

/* Second upvalue: the metatable of WebSocketPeer. The peer keeps the server alive, which carries its bytes. */
static int take_connection(lua_State *L) {
    wsm_websocket_server *server = check(L);
    if (!wsm_websocket_server_is_available(server)) {
        lua_pushnil(L);
        return 1;
    }
    /* Everything that can fail, or run a finalizer, comes before the connection leaves the queue. */
    wsm_websocket *socket = wsm_push_websocket(L, lua_upvalueindex(2));
    wsm_getfields(L, -1);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    lua_pop(L, 1);
    wsm_note_active(L, -1);
    wsm_connection *connection = wsm_websocket_server_take(server);
    if (connection)
        wsm_websocket_wrap(socket, connection, false);
    else
        lua_pushnil(L);
    wsm_connection_unref(connection);
    return 1;
}

static int get_last_error(lua_State *L) {
    lua_pushstring(L, check(L)->last_error.text);
    return 1;
}

static int pollfd(lua_State *L) { return wsm_push_descriptor(L, wsm_websocket_server_descriptor(check(L))); }
static int timeout(lua_State *L) { return wsm_push_time_left(L, wsm_websocket_server_time_left(check(L))); }

static const luaL_Reg methods[] = {
    {"events", wsm_events},
    {"get_last_error", get_last_error},
    {"get_local_port", get_local_port},
    {"is_connection_available", is_connection_available},
    {"is_listening", is_listening},
    {"pollfd", pollfd},
    {"stop", stop},
    {"timeout", timeout},
    {NULL, NULL},
};

/* ---- life, and what the Lua layer needs ---- */

static int new_server(lua_State *L) {
    wsm_websocket_server *server = wsm_object_new(L, &websocket_server_class);
    wsm_websocket_server_init(server);
    wsm_object_finish(L, &websocket_server_class, 0);
    return 1;
}

static int poll_server(lua_State *L) {
    wsm_websocket_server *server = check(L);
    wsm_websocket_server_poll(server, wsm_opt_milliseconds(L, 2));
    return 0;
}

/* next_request(server) -> head, address, port, tls, plain | nothing */
static int next_request(lua_State *L) {
    wsm_connection *connection = wsm_websocket_server_next_request(check(L));
    return connection ? wsm_push_request(L, connection) : 0;
}

static int answer(lua_State *L) {
    wsm_websocket_server_answer(check(L), (int)luaL_checkinteger(L, 2), luaL_optstring(L, 3, ""));
    return 0;
}

static wsm_error send_response(void *object, int status, const wsm_string_list *lines, const void *body, size_t size,
                               wsm_reason *reason) {
    return wsm_websocket_server_respond(object, status, lines, body, size, reason);
}
static int respond(lua_State *L) { return wsm_respond(L, check(L), send_response); }

static int wanted(lua_State *L) { return wsm_push_wanted(L, wsm_websocket_server_wanted(check(L))); }

static int end_turn(lua_State *L) {
    wsm_websocket_server_end_turn(check(L));
    return 0;
}

static int collect(lua_State *L) {
    wsm_websocket_server_release(check(L));
    return 0;
}

static int to_string(lua_State *L) {
    wsm_websocket_server *server = check(L);
    lua_pushfstring(L, "WebSocketServer: %p (%s)", (void *)server, server->server ? "listening" : "stopped");
    return 1;
}

static const luaL_Reg metamethods[] = {{"__gc", collect}, {"__close", stop}, {"__tostring", to_string}, {NULL, NULL}};

WSM_CLASS_FUNCTIONS(server, websocket_server_class)

static const wsm_class websocket_server_class = {"WebSocketServer",
                                                 sizeof(wsm_websocket_server),
                                                 methods,
                                                 metamethods,
                                                 properties,
                                                 server_index,
                                                 server_newindex,
                                                 server_getter,
                                                 server_setter,
                                                 NULL,
                                                 NULL};

void wsm_open_websocket_server(lua_State *L, int tls_metatable, int peer_metatable) {
    static const luaL_Reg functions[] = {{"new", new_server}, {"poll", poll_server}, {"next_request", next_request},
                                         {"answer", answer},  {"respond", respond},  {"end_turn", end_turn},
                                         {"wanted", wanted},  {NULL, NULL}};
    static const luaL_Reg with_tls[] = {{"listen", listen_at}, {NULL, NULL}};
    static const luaL_Reg with_peer[] = {{"take_connection", take_connection}, {NULL, NULL}};
    wsm_class_register(L, &websocket_server_class);
    wsm_class_add_functions(L, functions, 0);
    wsm_class_add_methods(L, with_tls, tls_metatable);
    wsm_class_add_methods(L, with_peer, peer_metatable);
}
