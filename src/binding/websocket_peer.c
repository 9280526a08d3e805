/* WebSocketPeer: a reference to one connection. */
#include <stdio.h>

#include "../core/frame.h"
#include "../core/utf8.h"
#include "arguments.h"
#include "objects.h"

typedef struct websocket_peer {
    wsm_connection *connection;
} websocket_peer;

static const wsm_class websocket_peer_class;

static wsm_connection *check(lua_State *L) {
    websocket_peer *peer = wsm_check_object(L, 1, &websocket_peer_class);
    return peer->connection;
}

void wsm_push_connection(lua_State *L, wsm_connection *connection, int metatable) {
    websocket_peer *peer = wsm_object_new(L, sizeof *peer);
    wsm_object_finish(L, metatable);
    peer->connection = wsm_connection_ref(connection);
}

static int get_ready_state(lua_State *L) {
    lua_pushinteger(L, check(L)->state);
    return 1;
}

static int get_close_code(lua_State *L) {
    lua_pushinteger(L, check(L)->close_code);
    return 1;
}

static int push_text(lua_State *L, const char *text) {
    lua_pushstring(L, text ? text : "");
    return 1;
}

static int get_close_reason(lua_State *L) { return push_text(L, check(L)->close_reason); }
static int get_selected_protocol(lua_State *L) { return push_text(L, check(L)->protocol); }
static int get_requested_url(lua_State *L) { return push_text(L, check(L)->url); }

static int get_connected_host(lua_State *L) {
    char text[WSM_ADDRESS_TEXT_SIZE];
    wsm_connection *connection = check(L);
    if (connection->state == WSM_STATE_CLOSED) return push_text(L, "");
    wsm_address_text(&connection->remote, text);
    return push_text(L, text);
}

static int get_connected_port(lua_State *L) {
    wsm_connection *connection = check(L);
    lua_pushinteger(L, connection->state == WSM_STATE_CLOSED ? 0 : connection->remote.port);
    return 1;
}

static int get_current_outbound_buffered_amount(lua_State *L) {
    lua_pushnumber(L, (lua_Number)wsm_connection_buffered(check(L)));
    return 1;
}

static int set_no_delay(lua_State *L) {
    wsm_connection *connection = check(L);
    bool enabled = wsm_check_boolean(L, 2, NULL);
    if (connection->alive) connection->link.ops->set_no_delay(connection, enabled);
    return 0;
}

static int peer_close(lua_State *L) {
    wsm_connection *connection = check(L);
    size_t size = 0;
    int32_t code = lua_isnoneornil(L, 2) ? WSM_CLOSE_NORMAL : wsm_check_int32(L, 2, NULL);
    const char *reason = luaL_optlstring(L, 3, "", &size);
    if (code > 0 && !wsm_close_code_valid(code)) luaL_argerror(L, 2, "a close code is 1000..1003, 1007..1014 or 3000..4999");
    if (!wsm_utf8_valid(reason, size)) luaL_argerror(L, 3, "the reason is not UTF-8");
    wsm_connection_close(connection, code, reason, size);
    return 0;
}

static int collect(lua_State *L) {
    websocket_peer *peer = wsm_check_object(L, 1, &websocket_peer_class);
    wsm_connection *connection = peer->connection;
    peer->connection = NULL;
    wsm_connection_unref(connection);
    return 0;
}

static int to_string(lua_State *L) {
    static const char *const states[] = {"connecting", "open", "closing", "closed"};
    websocket_peer *peer = wsm_check_object(L, 1, &websocket_peer_class);
    lua_pushfstring(L, "WebSocketPeer: %p (%s)", (void *)peer, states[peer->connection->state]);
    return 1;
}

static const luaL_Reg methods[] = {
    {"get_ready_state", get_ready_state},
    {"get_close_code", get_close_code},
    {"get_close_reason", get_close_reason},
    {"get_selected_protocol", get_selected_protocol},
    {"get_requested_url", get_requested_url},
    {"get_connected_host", get_connected_host},
    {"get_connected_port", get_connected_port},
    {"get_current_outbound_buffered_amount", get_current_outbound_buffered_amount},
    {"set_no_delay", set_no_delay},
    {"close", peer_close},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {{"__gc", collect}, {"__tostring", to_string}, {NULL, NULL}};

static const wsm_property properties[] = {{NULL, NULL, NULL, NULL}};

WSM_CLASS_FUNCTIONS(peer, websocket_peer_class)

static const wsm_class websocket_peer_class = {
    "WebSocketPeer", methods, metamethods, properties, peer_index, peer_newindex, peer_getter, peer_setter,
};

void wsm_open_websocket_peer(lua_State *L) { wsm_class_register(L, &websocket_peer_class); }
