/* WebSocketMultiplayerPeer, with what it inherits from MultiplayerPeer and PacketPeer. The core's struct lies inside
 * the userdata. Functions that create or return objects have WebSocketPeer's metatable as a second upvalue. */
#include "../core/multiplayer.h"

#include <string.h>

#include "arguments.h"
#include "inbox.h"
#include "objects.h"
#include "settings.h"
#include "variant.h"

static const wsm_class multiplayer_class;

static wsm_multiplayer *check(lua_State *L) { return wsm_check_object(L, 1, &multiplayer_class); }

/* ---- properties ---- */

static wsm_multiplayer *self(lua_State *L) { return lua_touserdata(L, 1); }

#define INTEGER_PROPERTY(name, member)                                            \
    static void get_##name(lua_State *L) { lua_pushinteger(L, self(L)->member); } \
    static void set_##name(lua_State *L, int index, const char *field) {          \
        self(L)->member = wsm_check_int32(L, index, field);                       \
    }

#define BOOLEAN_PROPERTY(name)                                                  \
    static void get_##name(lua_State *L) { lua_pushboolean(L, self(L)->name); } \
    static void set_##name(lua_State *L, int index, const char *field) {        \
        self(L)->name = wsm_check_boolean(L, index, field);                     \
    }

INTEGER_PROPERTY(transfer_mode, transfer_mode)
INTEGER_PROPERTY(transfer_channel, transfer_channel)
BOOLEAN_PROPERTY(refuse_new_connections)
BOOLEAN_PROPERTY(autoflush)

static void get_encode_buffer_max_size(lua_State *L) { lua_pushinteger(L, self(L)->encode_buffer_max_size); }
static void set_encode_buffer_max_size(lua_State *L, int index, const char *field) {
    int32_t size = wsm_check_encode_buffer_size(L, index, field);
    if (size) self(L)->encode_buffer_max_size = size;
}

static const wsm_property properties[] = {
    WSM_SETTINGS_PROPERTIES,
    WSM_SERVING_PROPERTIES,
    {"refuse_new_connections", "is_refusing_new_connections", get_refuse_new_connections, set_refuse_new_connections},
    {"transfer_mode", NULL, get_transfer_mode, set_transfer_mode},
    {"transfer_channel", NULL, get_transfer_channel, set_transfer_channel},
    {"encode_buffer_max_size", NULL, get_encode_buffer_max_size, set_encode_buffer_max_size},
    /* beyond Godot */
    {"autoflush", "is_autoflushing", get_autoflush, set_autoflush},
    {NULL, NULL, NULL, NULL},
};

/* ---- methods ---- */

static int push_integer(lua_State *L, lua_Integer value) {
    lua_pushinteger(L, value);
    return 1;
}

static int push_boolean(lua_State *L, bool value) {
    lua_pushboolean(L, value);
    return 1;
}

static int zero_byte(lua_State *L, const char *what) {
    wsm_reason reason;
    return wsm_push_error(L, wsm_fail(&reason, WSM_ERR_INVALID_PARAMETER, "zero byte in the %s", what), &reason);
}

/* Both: second upvalue: the metatable of TLSOptions. */
static int create_server(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    wsm_reason reason = {""};
    int64_t port = wsm_check_port(L, 2);
    const char *address = lua_isnoneornil(L, 3) ? "*" : wsm_check_text(L, 3);
    const wsm_tls_options *tls = wsm_opt_tls_options(L, 4, lua_upvalueindex(2));
    if (!address) return zero_byte(L, "bind address");
    wsm_error error = wsm_multiplayer_create_server(peer, port, address, tls, &reason);
    if (!error) wsm_note_active(L, 1);
    return wsm_push_error(L, error, &reason);
}

static int create_client(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    wsm_reason reason = {""};
    const char *url = wsm_check_text(L, 2);
    const wsm_tls_options *tls = wsm_opt_tls_options(L, 3, lua_upvalueindex(2));
    if (!url) return zero_byte(L, "URL");
    wsm_error error = wsm_multiplayer_create_client(peer, url, tls, &reason);
    if (!error) wsm_note_active(L, 1);
    return wsm_push_error(L, error, &reason);
}

static int close_peer(lua_State *L) {
    wsm_multiplayer_close(check(L));
    return 0;
}

static int disconnect_peer(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    int32_t id = wsm_check_int32(L, 2, NULL);
    wsm_multiplayer_disconnect_peer(peer, id, wsm_opt_boolean(L, 3, false));
    return 0;
}

/* One object per connection for as long as a program holds it: kept in a weak table among the peer's fields. */
static int get_peer(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    int32_t id = wsm_check_int32(L, 2, NULL);
    wsm_connection *connection = wsm_multiplayer_get_peer(peer, id);
    if (!connection) {
        lua_pushnil(L);
        return 1;
    }
    wsm_getfields(L, 1);
    lua_rawgeti(L, -1, 1);
    lua_pushnumber(L, (lua_Number)connection->serial);
    lua_rawget(L, -2);
    if (!lua_isnil(L, -1)) return 1;
    lua_pop(L, 1);
    wsm_websocket *socket = wsm_push_websocket(L, lua_upvalueindex(2));
    connection = wsm_multiplayer_get_peer(peer, id); /* the collector may have run a finalizer that closed this peer */
    if (!connection) {
        lua_pushnil(L);
        return 1;
    }
    wsm_websocket_wrap(socket, connection, true);
    lua_pushnumber(L, (lua_Number)connection->serial);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
    return 1;
}

static wsm_connection *reachable(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    wsm_connection *connection = wsm_multiplayer_get_peer(peer, wsm_check_int32(L, 2, NULL));
    return connection && connection->state != WSM_STATE_CLOSED ? connection : NULL;
}

static int get_peer_address(lua_State *L) {
    char text[WSM_ADDRESS_TEXT_SIZE] = "";
    wsm_connection *connection = reachable(L);
    if (connection) wsm_address_text(&connection->remote, text);
    lua_pushstring(L, text);
    return 1;
}

static int get_peer_port(lua_State *L) {
    wsm_connection *connection = reachable(L);
    return push_integer(L, connection ? connection->remote.port : 0);
}

static int get_peers(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    int count = 0;
    lua_newtable(L);
    for (wsm_connection *connection = peer->first_peer; connection; connection = connection->next_peer) {
        lua_pushinteger(L, connection->id);
        lua_rawseti(L, -2, ++count);
    }
    if (peer->connection && peer->status == WSM_STATUS_CONNECTED) {
        lua_pushinteger(L, WSM_TARGET_SERVER);
        lua_rawseti(L, -2, 1);
    }
    return 1;
}

static int set_target_peer(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    peer->target_peer = wsm_check_int32(L, 2, NULL);
    return 0;
}

static int put_packet(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    wsm_reason reason;
    size_t size;
    if (lua_type(L, 2) != LUA_TSTRING) luaL_checktype(L, 2, LUA_TSTRING);
    const char *data = lua_tolstring(L, 2, &size);
    reason.text[0] = '\0';
    return wsm_push_error(L, wsm_multiplayer_put_packet(peer, data, size, &reason), &reason);
}

static int push_no_packet(lua_State *L, wsm_error error) {
    return wsm_push_failure(L, error,
                            error == WSM_ERR_UNAVAILABLE ? "no packet is waiting" : "this peer is not connected");
}

static wsm_error peek_packet(void *object, wsm_packet *packet) { return wsm_multiplayer_peek_packet(object, packet); }
static bool took_packet(void *object, const wsm_packet *packet) { return wsm_multiplayer_took_packet(object, packet); }
static const wsm_inbox inbox = {peek_packet, took_packet};

static int push_next(lua_State *L) { return wsm_inbox_push_next(L, &self(L)->inbox); }
static int decode_next(lua_State *L) {
    return wsm_decode_next(L, &self(L)->inbox, lua_toboolean(L, 2) != 0, &self(L)->packet_error);
}

static int get_packet(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    wsm_packet packet;
    wsm_error error = wsm_inbox_take(L, &inbox, peer, &packet);
    if (error) return push_no_packet(L, error);
    wsm_multiplayer_flush_if_idle(peer);
    return 1;
}

static wsm_error send_value(void *object, const void *data, size_t size, wsm_reason *reason) {
    return wsm_multiplayer_put_packet(object, data, size, reason);
}

/* Second upvalue: the codec's types. */
static int put_var(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    return wsm_put_var(L, peer, peer->encode_buffer_max_size, send_value);
}

static int get_var(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    wsm_packet packet;
    wsm_opt_boolean(L, 2, false);
    wsm_error error = wsm_inbox_make(L, &inbox, peer, &packet);
    if (error) return push_no_packet(L, error);
    wsm_multiplayer_flush_if_idle(peer);
    return lua_gettop(L) - 2;
}

/* Unlike get_packet it sends when it finds the queue empty, so that the answer to the last packet goes with the others.
 */
static int next_packet(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    wsm_packet packet;
    if (wsm_inbox_take(L, &inbox, peer, &packet) != WSM_OK) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, packet.source);
    lua_pushinteger(L, 0);
    lua_pushinteger(L, WSM_TRANSFER_MODE_RELIABLE);
    return 4;
}

/* The second upvalue of both functions that take packets is push_next. */
static void push_iterator(lua_State *L) {
    lua_pushnil(L);
    lua_pushcfunction(L, push_next);
    lua_pushcclosure(L, next_packet, 2);
}

/* Second upvalue: next_packet, the same for all, because LuaJIT compiles a loop anew for each other function. */
static int packets(lua_State *L) {
    check(L);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushvalue(L, 1);
    return 2;
}

static int get_available_packet_count(lua_State *L) {
    return push_integer(L, (lua_Integer)wsm_multiplayer_available(check(L)));
}
static int get_packet_error(lua_State *L) { return push_integer(L, check(L)->packet_error); }
static int get_packet_peer(lua_State *L) { return push_integer(L, wsm_multiplayer_packet_peer(check(L))); }
static int get_packet_channel(lua_State *L) { return check(L), push_integer(L, 0); }
static int get_packet_mode(lua_State *L) { return check(L), push_integer(L, WSM_TRANSFER_MODE_RELIABLE); }
static int get_connection_status(lua_State *L) { return push_integer(L, check(L)->status); }
static int get_unique_id(lua_State *L) { return push_integer(L, check(L)->unique_id); }
static int is_server(lua_State *L) { return push_boolean(L, wsm_multiplayer_is_server(check(L))); }
static int is_server_relay_supported(lua_State *L) { return check(L), push_boolean(L, true); }
static int get_bound_port(lua_State *L) { return push_integer(L, wsm_multiplayer_bound_port(check(L))); }
/* Godot still counts the 9 bytes of a header that its protocol had before version 4. */
static int get_max_packet_size(lua_State *L) {
    return push_integer(L, (lua_Integer)check(L)->settings.outbound_buffer_size - 9);
}

static int generate_unique_id(lua_State *L) {
    int32_t id = wsm_multiplayer_generate_id(check(L));
    return id ? push_integer(L, id) : luaL_error(L, "the system's random generator failed");
}

static int flush(lua_State *L) {
    wsm_multiplayer_flush(check(L));
    return 0;
}

static int pollfd(lua_State *L) { return wsm_push_descriptor(L, wsm_multiplayer_descriptor(check(L))); }

static int get_last_error(lua_State *L) {
    lua_pushstring(L, check(L)->last_error.text);
    return 1;
}

static int get_dropped_packet_count(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    size_t dropped = peer->dropped;
    if (!lua_isnoneornil(L, 2)) {
        wsm_connection *connection = wsm_multiplayer_get_peer(peer, wsm_check_int32(L, 2, NULL));
        dropped = connection ? connection->dropped : 0;
    }
    lua_pushnumber(L, (lua_Number)dropped);
    return 1;
}

/* Seconds between the last answered heartbeat of a peer and its answer; nil while there is none. */
static int get_peer_rtt(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    return wsm_push_round_trip(L, wsm_multiplayer_get_peer(peer, wsm_check_int32(L, 2, NULL)));
}

static const luaL_Reg methods[] = {
    /* PacketPeer */
    {"get_available_packet_count", get_available_packet_count},
    {"get_packet_error", get_packet_error},
    {"put_packet", put_packet},
    /* MultiplayerPeer */
    {"close", close_peer},
    {"disconnect_peer", disconnect_peer},
    {"generate_unique_id", generate_unique_id},
    {"get_connection_status", get_connection_status},
    {"get_packet_channel", get_packet_channel},
    {"get_packet_mode", get_packet_mode},
    {"get_packet_peer", get_packet_peer},
    {"get_unique_id", get_unique_id},
    {"is_server_relay_supported", is_server_relay_supported},
    {"set_target_peer", set_target_peer},
    /* WebSocketMultiplayerPeer */
    {"get_peer_address", get_peer_address},
    {"get_peer_port", get_peer_port},
    /* beyond Godot */
    {"events", wsm_events},
    {"flush", flush},
    {"get_bound_port", get_bound_port},
    {"get_dropped_packet_count", get_dropped_packet_count},
    {"get_last_error", get_last_error},
    {"get_max_packet_size", get_max_packet_size},
    {"get_peer_rtt", get_peer_rtt},
    {"get_peers", get_peers},
    {"is_server", is_server},
    {"pollfd", pollfd},
    {NULL, NULL},
};

/* ---- life ---- */

static int collect(lua_State *L) {
    wsm_multiplayer_release(check(L));
    return 0;
}

static int to_string(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    const char *state = peer->status == WSM_STATUS_DISCONNECTED ? "disconnected"
                        : peer->status == WSM_STATUS_CONNECTING ? "connecting"
                        : wsm_multiplayer_is_server(peer)       ? "server"
                                                                : "client";
    lua_pushfstring(L, "%s: %p (%s)", multiplayer_class.name, (void *)peer, state);
    return 1;
}

static const luaL_Reg metamethods[] = {
    {"__gc", collect}, {"__close", close_peer}, {"__tostring", to_string}, {NULL, NULL}};

static void settings_changed(void *object) { wsm_multiplayer_settings_changed(object); }

WSM_CLASS_FUNCTIONS(multiplayer, multiplayer_class)
static int multiplayer_lookup(lua_State *L) { return wsm_class_lookup(L, &multiplayer_class); }

static const wsm_class multiplayer_class = {
    "WebSocketMultiplayerPeer",
    sizeof(wsm_multiplayer),
    methods,
    metamethods,
    properties,
    multiplayer_index,
    multiplayer_newindex,
    multiplayer_getter,
    multiplayer_setter,
    settings_changed,
    multiplayer_lookup,
};

/* new() -> object; its second upvalue is the metatable {__mode = "v"} */
static int new_peer(lua_State *L) {
    wsm_multiplayer *peer = wsm_object_new(L, &multiplayer_class);
    wsm_multiplayer_init(peer);
    wsm_object_finish(L, &multiplayer_class, 0);
    wsm_getfields(L, -1);
    lua_newtable(L);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_setmetatable(L, -2);
    lua_rawseti(L, -2, 1);
    lua_pop(L, 1);
    return 1;
}

/* ---- for the Lua layer ---- */

/* poll(peer, seconds or nil): see wsm_multiplayer_poll */
static int poll_peer(lua_State *L) {
    wsm_multiplayer *peer = check(L);
    wsm_multiplayer_poll(peer, wsm_opt_milliseconds(L, 2));
    return 0;
}

/* next_event(peer) -> nothing, or: kind, id [, close_code, close_reason, clean] */
static int next_event(lua_State *L) {
    static const char *const kinds[] = {"request", "peer_connected", "peer_disconnected"};
    wsm_multiplayer *peer = check(L);
    wsm_peer_event event;
    char reason[WSM_CONTROL_MAX] = "";
    if (!wsm_multiplayer_next_event(peer, &event)) return 0;
    if (event.kind == WSM_PEER_DISCONNECTED) strncpy(reason, event.close_reason, sizeof reason - 1);
    lua_pushstring(L, kinds[event.kind]);
    lua_pushinteger(L, event.id);
    if (event.kind != WSM_PEER_DISCONNECTED) return 2;
    lua_pushinteger(L, event.close_code);
    lua_pushstring(L, reason);
    lua_pushboolean(L, event.clean);
    return 5;
}

/* request(peer) -> head, address, port, tls, plain | nothing if it is gone */
static int request(lua_State *L) {
    wsm_connection *connection = wsm_multiplayer_request(check(L));
    return connection ? wsm_push_request(L, connection) : 0;
}

static int answer(lua_State *L) {
    wsm_multiplayer_answer(check(L), (int)luaL_checkinteger(L, 2), luaL_optstring(L, 3, ""));
    return 0;
}

static wsm_error send_response(void *object, int status, const wsm_string_list *lines, const void *body, size_t size,
                               wsm_reason *reason) {
    return wsm_multiplayer_respond(object, status, lines, body, size, reason);
}
static int respond(lua_State *L) { return wsm_respond(L, check(L), send_response); }

/* time_left(peer) -> seconds until poll is due without the descriptor telling, or nil */
static int time_left(lua_State *L) { return wsm_push_time_left(L, wsm_multiplayer_time_left(check(L))); }

static int wanted(lua_State *L) { return wsm_push_wanted(L, wsm_multiplayer_wanted(check(L))); }

static int end_turn(lua_State *L) {
    wsm_multiplayer_end_turn(check(L));
    return 0;
}

/* fields(peer) -> the table in which __index looks for what is neither method nor property */
static int fields(lua_State *L) {
    check(L);
    wsm_getfields(L, 1);
    return 1;
}

void wsm_open_multiplayer_peer(lua_State *L, int tls_metatable, int peer_metatable, int variant_types) {
    static const luaL_Reg functions[] = {{"poll", poll_peer},      {"next_event", next_event},
                                         {"request", request},     {"answer", answer},
                                         {"respond", respond},     {"end_turn", end_turn},
                                         {"time_left", time_left}, {"fields", fields},
                                         {"wanted", wanted},       {NULL, NULL}};
    static const luaL_Reg maker[] = {{"new", new_peer}, {NULL, NULL}};
    static const luaL_Reg with_tls[] = {
        {"create_client", create_client}, {"create_server", create_server}, {NULL, NULL}};
    static const luaL_Reg with_peer[] = {{"get_peer", get_peer}, {NULL, NULL}};
    static const luaL_Reg with_iterator[] = {{"packets", packets}, {NULL, NULL}};
    static const luaL_Reg with_types[] = {{"put_var", put_var}, {NULL, NULL}};
    static const luaL_Reg with_push[] = {{"get_packet", get_packet}, {NULL, NULL}};
    static const luaL_Reg with_decode[] = {{"get_var", get_var}, {NULL, NULL}};
    lua_newtable(L);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    int weak = lua_gettop(L), iterator = weak + 1;
    push_iterator(L);
    wsm_class_register(L, &multiplayer_class);
    wsm_class_add_functions(L, functions, 0);
    wsm_class_add_functions(L, maker, weak);
    wsm_class_add_methods(L, with_tls, tls_metatable);
    wsm_class_add_methods(L, with_peer, peer_metatable);
    wsm_class_add_methods(L, with_types, variant_types);
    wsm_inbox_add_methods(L, with_push, push_next, with_decode, decode_next, variant_types);
    wsm_class_add_methods(L, with_iterator, iterator);
    lua_remove(L, iterator);
    lua_remove(L, weak);
}
