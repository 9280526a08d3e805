/* WebSocketPeer, with what it inherits from PacketPeer. The core's struct lies inside the userdata. */
#include "../core/websocket.h"

#include <string.h>

#include "../core/frame.h"
#include "../core/utf8.h"
#include "arguments.h"
#include "inbox.h"
#include "objects.h"
#include "settings.h"
#include "variant.h"

static const wsm_class websocket_peer_class;

static wsm_websocket *check(lua_State *L) { return wsm_check_object(L, 1, &websocket_peer_class); }

/* A multiplayer peer's connections are polled and read by it alone. */
static wsm_websocket *check_own(lua_State *L) {
    wsm_websocket *socket = check(L);
    if (socket->borrowed)
        luaL_error(L, "this WebSocketPeer belongs to a WebSocketMultiplayerPeer, which polls and reads it");
    return socket;
}

static void get_encode_buffer_max_size(lua_State *L) {
    lua_pushinteger(L, ((wsm_websocket *)lua_touserdata(L, 1))->encode_buffer_max_size);
}

static void set_encode_buffer_max_size(lua_State *L, int index, const char *field) {
    int32_t size = wsm_check_encode_buffer_size(L, index, field);
    if (size) ((wsm_websocket *)lua_touserdata(L, 1))->encode_buffer_max_size = size;
}

static const wsm_property properties[] = {
    WSM_SETTINGS_PROPERTIES,
    {"encode_buffer_max_size", NULL, get_encode_buffer_max_size, set_encode_buffer_max_size},
    {NULL, NULL, NULL, NULL},
};

static void settings_changed(void *object) { wsm_websocket_settings_changed(object); }

/* ---- connecting and closing ---- */

/* Second upvalue: the metatable of TLSOptions. */
static int connect_to_url(lua_State *L) {
    wsm_websocket *socket = check(L);
    wsm_reason reason = {""};
    const char *url = wsm_check_text(L, 2);
    const wsm_tls_options *tls = wsm_opt_tls_options(L, 3, lua_upvalueindex(2));
    wsm_error error = url ? wsm_websocket_connect(socket, url, tls, &reason)
                          : wsm_fail(&reason, WSM_ERR_INVALID_PARAMETER, "zero byte in the URL");
    if (!error) wsm_note_active(L, 1);
    return wsm_push_error(L, error, &reason);
}

static int pollfd(lua_State *L) { return wsm_push_descriptor(L, wsm_websocket_descriptor(check(L))); }
static int timeout(lua_State *L) { return wsm_push_time_left(L, wsm_websocket_time_left(check(L))); }

static int close_peer(lua_State *L) {
    wsm_websocket *socket = check(L);
    size_t size = 0;
    int32_t code = lua_isnoneornil(L, 2) ? WSM_CLOSE_NORMAL : wsm_check_int32(L, 2, NULL);
    const char *reason = luaL_optlstring(L, 3, "", &size);
    if (code > 0 && !wsm_close_code_valid(code))
        luaL_argerror(L, 2, "a close code is 1000..1003, 1007..1014 or 3000..4999");
    if (!wsm_utf8_valid(reason, size)) luaL_argerror(L, 3, "the reason is not UTF-8");
    wsm_websocket_close(socket, code, reason, size);
    return 0;
}

/* ---- messages ---- */

static int send_message(lua_State *L, wsm_opcode opcode) {
    wsm_websocket *socket = check(L);
    wsm_reason reason = {""};
    size_t size;
    luaL_checktype(L, 2, LUA_TSTRING);
    const char *data = lua_tolstring(L, 2, &size);
    wsm_error error = opcode == WSM_OP_TEXT && !wsm_utf8_valid(data, size)
                          ? wsm_fail(&reason, WSM_ERR_INVALID_DATA, "the text is not UTF-8")
                          : wsm_websocket_send(socket, opcode, data, size, &reason);
    return wsm_push_error(L, error, &reason);
}

static int send_mode(lua_State *L) {
    enum { WRITE_MODE_TEXT = 0, WRITE_MODE_BINARY = 1 };
    int32_t mode = lua_isnoneornil(L, 3) ? WRITE_MODE_BINARY : wsm_check_int32(L, 3, NULL);
    if (mode != WRITE_MODE_TEXT && mode != WRITE_MODE_BINARY)
        luaL_argerror(L, 3, "WRITE_MODE_TEXT or WRITE_MODE_BINARY expected");
    return send_message(L, mode == WRITE_MODE_TEXT ? WSM_OP_TEXT : WSM_OP_BINARY);
}

static int send_text(lua_State *L) { return send_message(L, WSM_OP_TEXT); }

static int put_packet(lua_State *L) {
    check(L);
    luaL_checktype(L, 2, LUA_TSTRING);
    if (lua_rawlen(L, 2)) return send_message(L, WSM_OP_BINARY);
    lua_pushinteger(L, WSM_OK); /* PacketPeer: nothing is no packet, even on a closed peer */
    return 1;
}

static int push_no_packet(lua_State *L, wsm_error error) {
    return wsm_push_failure(L, error,
                            error == WSM_ERR_UNAVAILABLE ? "no packet is waiting" : "the connection is not open");
}

static wsm_error send_value(void *object, const void *data, size_t size, wsm_reason *reason) {
    return wsm_websocket_send(object, WSM_OP_BINARY, data, size, reason);
}

/* Second upvalue: the codec's types. */
static int put_var(lua_State *L) {
    wsm_websocket *socket = check(L);
    return wsm_put_var(L, socket, socket->encode_buffer_max_size, send_value);
}

static wsm_error peek_packet(void *object, wsm_packet *packet) { return wsm_websocket_peek_packet(object, packet); }
static bool took_packet(void *object, const wsm_packet *packet) { return wsm_websocket_took_packet(object, packet); }
static const wsm_inbox inbox = {peek_packet, took_packet};

static int push_next(lua_State *L) { return wsm_inbox_push_next(L, &((wsm_websocket *)lua_touserdata(L, 1))->inbox); }
static int decode_next(lua_State *L) {
    wsm_websocket *socket = lua_touserdata(L, 1);
    return wsm_decode_next(L, &socket->inbox, lua_toboolean(L, 2) != 0, &socket->packet_error);
}

static int get_var(lua_State *L) {
    wsm_websocket *socket = check_own(L);
    wsm_packet packet;
    wsm_opt_boolean(L, 2, false);
    wsm_error error = wsm_inbox_make(L, &inbox, socket, &packet);
    return error ? push_no_packet(L, error) : lua_gettop(L) - 2;
}

static int get_packet(lua_State *L) {
    wsm_websocket *socket = check_own(L);
    wsm_packet packet;
    wsm_error error = wsm_inbox_take(L, &inbox, socket, &packet);
    return error ? push_no_packet(L, error) : 1;
}

/* packets() -> iterator of packet, is_text */
static int next_packet(lua_State *L) {
    wsm_websocket *socket = check_own(L);
    wsm_packet packet;
    if (wsm_inbox_take(L, &inbox, socket, &packet) != WSM_OK) return 0;
    lua_pushboolean(L, packet.text);
    return 2;
}

/* The second upvalue of both functions that take packets is push_next. */
static void push_iterator(lua_State *L) {
    lua_pushnil(L);
    lua_pushcfunction(L, push_next);
    lua_pushcclosure(L, next_packet, 2);
}

/* Second upvalue: next_packet, the same for all, because LuaJIT compiles a loop anew for each other function. */
static int packets(lua_State *L) {
    check_own(L);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushvalue(L, 1);
    return 2;
}

/* ---- what it is ---- */

static int push_integer(lua_State *L, lua_Integer value) {
    lua_pushinteger(L, value);
    return 1;
}

static int push_text(lua_State *L, const char *text) {
    lua_pushstring(L, text ? text : "");
    return 1;
}

static int get_available_packet_count(lua_State *L) {
    return push_integer(L, (lua_Integer)wsm_websocket_available(check(L)));
}
static int get_packet_error(lua_State *L) { return push_integer(L, check(L)->packet_error); }
static int get_ready_state(lua_State *L) { return push_integer(L, wsm_websocket_state(check(L))); }

static int was_string_packet(lua_State *L) {
    lua_pushboolean(L, check(L)->last_was_text);
    return 1;
}

static int get_close_code(lua_State *L) {
    wsm_connection *connection = check(L)->connection;
    return push_integer(L, connection ? connection->close_code : -1);
}

/* A text of the connection; held meanwhile, because the collector may run a finalizer that connects anew. */
static int push_connection_text(lua_State *L, wsm_connection *connection, char *const *text) {
    if (!connection) return push_text(L, NULL);
    wsm_connection_ref(connection);
    push_text(L, *text);
    wsm_connection_unref(connection);
    return 1;
}

static int get_close_reason(lua_State *L) {
    wsm_connection *connection = check(L)->connection;
    return push_connection_text(L, connection, connection ? &connection->close_reason : NULL);
}

static int get_selected_protocol(lua_State *L) {
    wsm_connection *connection = check(L)->connection;
    return push_connection_text(L, connection, connection ? &connection->protocol : NULL);
}

static int get_requested_url(lua_State *L) {
    wsm_connection *connection = check(L)->connection;
    return push_connection_text(L, connection, connection ? &connection->url : NULL);
}

static wsm_connection *with_remote(lua_State *L) {
    wsm_websocket *socket = check(L);
    return wsm_websocket_state(socket) == WSM_STATE_CLOSED ? NULL : socket->connection;
}

static int get_connected_host(lua_State *L) {
    char text[WSM_ADDRESS_TEXT_SIZE] = "";
    wsm_connection *connection = with_remote(L);
    if (connection) wsm_address_text(&connection->remote, text);
    return push_text(L, text);
}

static int get_connected_port(lua_State *L) {
    wsm_connection *connection = with_remote(L);
    return push_integer(L, connection ? connection->remote.port : 0);
}

static int get_current_outbound_buffered_amount(lua_State *L) {
    wsm_connection *connection = check(L)->connection;
    lua_pushnumber(L, connection ? (lua_Number)wsm_connection_buffered(connection) : 0);
    return 1;
}

static int set_no_delay(lua_State *L) {
    wsm_connection *connection = check(L)->connection;
    bool enabled = wsm_check_boolean(L, 2, NULL);
    if (connection && connection->alive && connection->link.ops)
        connection->link.ops->set_no_delay(connection, enabled);
    return 0;
}

static int get_last_error(lua_State *L) {
    wsm_websocket *socket = check(L);
    wsm_connection *connection = socket->connection;
    wsm_reason reason = socket->last_error; /* a copy: what is shown can change while Lua makes a string of it */
    if (connection && connection->why && (socket->borrowed || connection->state == WSM_STATE_CLOSED))
        wsm_fail(&reason, WSM_OK, "%s", connection->why);
    return push_text(L, reason.text);
}

/* Seconds between the last answered heartbeat and its answer; nil while there is none. */
static int get_round_trip_time(lua_State *L) { return wsm_push_round_trip(L, check(L)->connection); }

static const luaL_Reg methods[] = {
    /* PacketPeer */
    {"get_available_packet_count", get_available_packet_count},
    {"get_packet_error", get_packet_error},
    {"put_packet", put_packet},
    /* WebSocketPeer */
    {"close", close_peer},
    {"get_close_code", get_close_code},
    {"get_close_reason", get_close_reason},
    {"get_connected_host", get_connected_host},
    {"get_connected_port", get_connected_port},
    {"get_current_outbound_buffered_amount", get_current_outbound_buffered_amount},
    {"get_ready_state", get_ready_state},
    {"get_requested_url", get_requested_url},
    {"get_selected_protocol", get_selected_protocol},
    {"send", send_mode},
    {"send_text", send_text},
    {"set_no_delay", set_no_delay},
    {"was_string_packet", was_string_packet},
    /* beyond Godot */
    {"events", wsm_events},
    {"get_last_error", get_last_error},
    {"get_rtt", get_round_trip_time},
    {"pollfd", pollfd},
    {"timeout", timeout},
    {NULL, NULL},
};

/* ---- life ---- */

wsm_websocket *wsm_push_websocket(lua_State *L, int metatable) {
    wsm_websocket *socket = wsm_object_new(L, &websocket_peer_class);
    wsm_websocket_init(socket);
    wsm_object_finish(L, &websocket_peer_class, metatable);
    return socket;
}

static int new_peer(lua_State *L) {
    wsm_push_websocket(L, 0);
    return 1;
}

/* ---- for the Lua layer ---- */

static int poll_peer(lua_State *L) {
    wsm_websocket_poll(check_own(L), wsm_opt_milliseconds(L, 2));
    return 0;
}

/* request_head(peer) -> the head of the request that a server accepted, or nil */
static int request_head(lua_State *L) {
    wsm_connection *connection = check(L)->connection;
    if (connection && connection->head) return push_connection_text(L, connection, &connection->head);
    lua_pushnil(L);
    return 1;
}

static int wanted(lua_State *L) { return wsm_push_wanted(L, wsm_websocket_wanted(check(L))); }

static int is_borrowed(lua_State *L) {
    lua_pushboolean(L, check(L)->borrowed);
    return 1;
}

static int collect(lua_State *L) {
    wsm_websocket_release(check(L));
    return 0;
}

static int to_string(lua_State *L) {
    static const char *const states[] = {"connecting", "open", "closing", "closed"};
    wsm_websocket *socket = check(L);
    lua_pushfstring(L, "WebSocketPeer: %p (%s)", (void *)socket, states[wsm_websocket_state(socket)]);
    return 1;
}

static int close_scope(lua_State *L) {
    wsm_websocket *socket = check(L);
    wsm_websocket_close(socket, WSM_CLOSE_NORMAL, "", 0);
    return 0;
}

static const luaL_Reg metamethods[] = {
    {"__gc", collect}, {"__close", close_scope}, {"__tostring", to_string}, {NULL, NULL}};

WSM_CLASS_FUNCTIONS(peer, websocket_peer_class)

static const wsm_class websocket_peer_class = {
    "WebSocketPeer", sizeof(wsm_websocket), methods,     metamethods,      properties, peer_index,
    peer_newindex,   peer_getter,           peer_setter, settings_changed, NULL};

void wsm_open_websocket_peer(lua_State *L, int tls_metatable, int variant_types) {
    static const luaL_Reg functions[] = {{"new", new_peer},
                                         {"poll", poll_peer},
                                         {"is_borrowed", is_borrowed},
                                         {"wanted", wanted},
                                         {"request_head", request_head},
                                         {NULL, NULL}};
    static const luaL_Reg with_tls[] = {{"connect_to_url", connect_to_url}, {NULL, NULL}};
    static const luaL_Reg with_iterator[] = {{"packets", packets}, {NULL, NULL}};
    static const luaL_Reg with_types[] = {{"put_var", put_var}, {NULL, NULL}};
    static const luaL_Reg with_push[] = {{"get_packet", get_packet}, {NULL, NULL}};
    static const luaL_Reg with_decode[] = {{"get_var", get_var}, {NULL, NULL}};
    push_iterator(L);
    int iterator = lua_gettop(L);
    wsm_class_register(L, &websocket_peer_class);
    wsm_class_add_functions(L, functions, 0);
    wsm_class_add_methods(L, with_tls, tls_metatable);
    wsm_class_add_methods(L, with_types, variant_types);
    wsm_inbox_add_methods(L, with_push, push_next, with_decode, decode_next, variant_types);
    wsm_class_add_methods(L, with_iterator, iterator);
    lua_remove(L, iterator);
}
