/* What the Lua layer needs of the codec: encoding to and decoding from strings. First upvalue: the table of types. */
#include "arguments.h"
#include "variant.h"

static int release_buffer(lua_State *L) {
    wsm_encode_buffer *buffer = lua_touserdata(L, 1);
    wsm_bytes_release(&buffer->bytes);
    return 0;
}

wsm_encode_buffer *wsm_push_encode_buffer(lua_State *L, int types) {
    wsm_encode_buffer *buffer = lua_newuserdata(L, sizeof *buffer);
    *buffer = (wsm_encode_buffer){0};
    lua_rawgeti(L, types, WSM_TYPE_BUFFER_META);
    lua_setmetatable(L, -2);
    return buffer;
}

/* The results of both functions that encode. */
static int push_encoded(lua_State *L, wsm_error error, wsm_encode_buffer *buffer, const wsm_reason *reason) {
    if (error) return wsm_push_failure(L, error, reason->text);
    lua_pushlstring(L, (const char *)buffer->bytes.data, buffer->bytes.size);
    buffer->busy = false;
    return 1;
}

/* encode(value [, full_objects]) -> bytes | nil, error, text */
static int encode(lua_State *L) {
    wsm_encode_buffer *buffer;
    wsm_reason reason;
    luaL_checkany(L, 1);
    bool full = lua_toboolean(L, 2) != 0;
    wsm_error error = wsm_encode_variant(L, lua_upvalueindex(1), 1, full, &buffer, &reason);
    return push_encoded(L, error, buffer, &reason);
}

/* decode(bytes [, allow_objects]) -> value | nil, error, text */
static int decode(lua_State *L) {
    wsm_reason reason;
    size_t size;
    luaL_checktype(L, 1, LUA_TSTRING);
    const char *data = lua_tolstring(L, 1, &size);
    bool allow = lua_toboolean(L, 2) != 0;
    wsm_error error = wsm_decode_variant(L, lua_upvalueindex(1), (const unsigned char *)data, size, allow, &reason);
    return error ? wsm_push_failure(L, error, reason.text) : 1;
}

enum { ARGUMENTS_MAX = 255 };

/* encode_arguments(list, count) -> bytes | nil, error, text */
static int encode_arguments(lua_State *L) {
    wsm_encode_buffer *buffer;
    wsm_reason reason;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_argcheck(L, count >= 0 && count <= ARGUMENTS_MAX, 2, "too many arguments");
    wsm_error error = wsm_encode_arguments(L, lua_upvalueindex(1), 1, (int)count, &buffer, &reason);
    return push_encoded(L, error, buffer, &reason);
}

/* decode_arguments(packet, first, last, count) -> list | nil, error, text: from the bytes `first` to `last` */
static int decode_arguments(lua_State *L) {
    wsm_reason reason;
    size_t size;
    luaL_checktype(L, 1, LUA_TSTRING);
    const char *data = lua_tolstring(L, 1, &size);
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3), count = luaL_checkinteger(L, 4);
    luaL_argcheck(L, first >= 1 && (size_t)first <= size + 1, 2, "out of range");
    luaL_argcheck(L, last >= first - 1 && (size_t)last <= size, 3, "out of range");
    luaL_argcheck(L, count >= 0 && count <= ARGUMENTS_MAX, 4, "too many arguments");
    wsm_error error = wsm_decode_arguments(L, lua_upvalueindex(1), (const unsigned char *)data + first - 1,
                                           (size_t)(last - first + 1), (int)count, &reason);
    return error ? wsm_push_failure(L, error, reason.text) : 1;
}

int wsm_put_var(lua_State *L, void *object, int32_t limit, wsm_send_fn *send) {
    wsm_encode_buffer *buffer;
    wsm_reason reason = {""};
    luaL_checkany(L, 2);
    bool full = wsm_opt_boolean(L, 3, false);
    wsm_error error = wsm_encode_variant(L, lua_upvalueindex(2), 2, full, &buffer, &reason);
    if (error) return wsm_push_error(L, error, &reason);
    size_t size = buffer->bytes.size;
    if (size > (size_t)limit)
        error = wsm_fail(&reason, WSM_ERR_OUT_OF_MEMORY, "%zu bytes are more than encode_buffer_max_size", size);
    else
        error = send(object, buffer->bytes.data, size, &reason);
    buffer->busy = false;
    return wsm_push_error(L, error, &reason);
}

int wsm_decode_next(lua_State *L, const wsm_packet_queue *queue, bool allow_objects, wsm_error *error) {
    wsm_packet packet;
    wsm_reason reason;
    if (!wsm_packet_queue_peek(queue, &packet)) return 0;
    *error = wsm_decode_variant(L, lua_upvalueindex(1), packet.data, packet.size, allow_objects, &reason);
    return *error ? wsm_push_failure(L, *error, reason.text) : 1;
}

void wsm_open_variant(lua_State *L) {
    static const luaL_Reg functions[] = {{"encode", encode},
                                         {"decode", decode},
                                         {"encode_arguments", encode_arguments},
                                         {"decode_arguments", decode_arguments},
                                         {NULL, NULL}};
    lua_newtable(L);
    lua_newtable(L);
    int codec = lua_gettop(L) - 1, types = codec + 1;
    lua_newtable(L);
    lua_pushcfunction(L, release_buffer);
    lua_setfield(L, -2, "__gc");
    lua_rawseti(L, types, WSM_TYPE_BUFFER_META);
    lua_newtable(L);
    lua_rawseti(L, types, WSM_TYPE_SHAPES);
    wsm_push_encode_buffer(L, types);
    lua_rawseti(L, types, WSM_TYPE_BUFFER);
    for (const luaL_Reg *function = functions; function->name; function++) {
        lua_pushvalue(L, types);
        lua_pushcclosure(L, function->func, 1);
        lua_setfield(L, codec, function->name);
    }
    lua_setfield(L, codec, "types");
}
