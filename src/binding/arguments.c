#include "arguments.h"

#include <math.h>
#include <string.h>

int wsm_bad_value(lua_State *L, int index, const char *field, const char *problem) {
    if (field) return luaL_error(L, "bad value for field '%s' (%s)", field, problem);
    return luaL_argerror(L, index, problem);
}

static void check_type(lua_State *L, int index, const char *field, int type) {
    if (lua_type(L, index) == type) return;
    const char *given =
        lua_isnoneornil(L, index) && lua_type(L, index) == LUA_TNONE ? "no value" : luaL_typename(L, index);
    wsm_bad_value(L, index, field, lua_pushfstring(L, "%s expected, got %s", lua_typename(L, type), given));
}

lua_Number wsm_check_number(lua_State *L, int index, const char *field) {
    check_type(L, index, field, LUA_TNUMBER);
    return lua_tonumber(L, index);
}

int32_t wsm_check_int32(lua_State *L, int index, const char *field) {
    lua_Number value = wsm_check_number(L, index, field);
    if (value >= INT32_MIN && value <= INT32_MAX && (lua_Number)(int32_t)value == value) return (int32_t)value;
    if (value != floor(value)) wsm_bad_value(L, index, field, "number has no integer representation");
    return wsm_bad_value(L, index, field, "out of range of a 32-bit integer");
}

bool wsm_check_boolean(lua_State *L, int index, const char *field) {
    check_type(L, index, field, LUA_TBOOLEAN);
    return lua_toboolean(L, index) != 0;
}

bool wsm_opt_boolean(lua_State *L, int index, bool otherwise) {
    return lua_isnoneornil(L, index) ? otherwise : wsm_check_boolean(L, index, NULL);
}

int64_t wsm_opt_milliseconds(lua_State *L, int index) {
    static const lua_Number longest = 1e9; /* seconds: as good as for ever */
    if (lua_isnoneornil(L, index)) return 0;
    lua_Number seconds = wsm_check_number(L, index, NULL);
    if (!(seconds >= 0)) wsm_bad_value(L, index, NULL, "must not be negative");
    return (int64_t)ceil((seconds < longest ? seconds : longest) * 1000);
}

int64_t wsm_check_port(lua_State *L, int index) {
    lua_Number port = wsm_check_number(L, index, NULL);
    if (port != floor(port)) luaL_argerror(L, index, "number has no integer representation");
    return port >= 0 && port <= 65535 ? (int64_t)port : -1;
}

void wsm_check_timeout(lua_State *L, int index, const char *field, int64_t *milliseconds) {
    lua_Number seconds = wsm_check_number(L, index, field);
    if (seconds > 0) *milliseconds = (int64_t)floor((seconds < 1e9 ? seconds : 1e9) * 1000);
}

void wsm_push_seconds(lua_State *L, int64_t milliseconds) { lua_pushnumber(L, (lua_Number)milliseconds / 1000); }

int32_t wsm_check_encode_buffer_size(lua_State *L, int index, const char *field) {
    int32_t size = wsm_check_int32(L, index, field), power = 1024;
    if (size < 1024 || size > 256 * 1024 * 1024) return 0;
    while (power < size) power *= 2;
    return power;
}

/* In the fields under a number, where programs do not reach it. */
void wsm_push_hook(lua_State *L, wsm_hook hook) {
    wsm_getfields(L, 1);
    lua_rawgeti(L, -1, (int)hook);
}

bool wsm_set_hook(lua_State *L, wsm_hook hook, int index, const char *field) {
    if (!lua_isfunction(L, index) && !lua_isnil(L, index))
        wsm_bad_value(L, index, field, lua_pushfstring(L, "function or nil expected, got %s", luaL_typename(L, index)));
    wsm_getfields(L, 1);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, (int)hook);
    return lua_isfunction(L, index);
}

const char *wsm_check_text(lua_State *L, int index) {
    check_type(L, index, NULL, LUA_TSTRING);
    size_t size;
    const char *text = lua_tolstring(L, index, &size);
    return strlen(text) == size ? text : NULL;
}

/* Everything that can raise, so that building the list afterwards can't leave it behind. */
static size_t check_items(lua_State *L, int index, const char *field) {
    size_t count = 0, size;
    check_type(L, index, field, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) count++;
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, index, (int)i);
        if (lua_isnil(L, -1))
            wsm_bad_value(L, index, field,
                          lua_pushfstring(L, "a sequence of strings expected, [%d] is missing", (int)i));
        if (lua_type(L, -1) != LUA_TSTRING)
            wsm_bad_value(L, index, field,
                          lua_pushfstring(L, "string expected at [%d], got %s", (int)i, luaL_typename(L, -1)));
        const char *text = lua_tolstring(L, -1, &size);
        if (strlen(text) != size)
            wsm_bad_value(L, index, field, lua_pushfstring(L, "zero byte in the string at [%d]", (int)i));
        lua_pop(L, 1);
    }
    return count;
}

wsm_string_list *wsm_try_strings(lua_State *L, int index, const char *field, bool strip) {
    static const char blanks[] = " \t\r\n\v\f";
    size_t count = check_items(L, index, field);
    wsm_string_list *list = wsm_string_list_new(count);
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        lua_rawgeti(L, index, (int)(i + 1));
        const char *text = lua_tostring(L, -1);
        size_t size = strlen(text);
        if (strip) {
            size_t leading = strspn(text, blanks);
            text += leading;
            size -= leading;
            while (size && strchr(blanks, text[size - 1])) size--;
        }
        ok = wsm_string_list_set(list, i, text, size);
        lua_pop(L, 1);
    }
    if (ok) return list;
    wsm_string_list_unref(list);
    return NULL;
}

wsm_string_list *wsm_check_strings(lua_State *L, int index, const char *field, bool strip) {
    wsm_string_list *list = wsm_try_strings(L, index, field, strip);
    if (!list) luaL_error(L, "not enough memory");
    return list;
}

/* Held meanwhile, because the collector may run a finalizer that sets the property anew. */
void wsm_push_strings(lua_State *L, wsm_string_list *list) {
    size_t count = wsm_string_list_count(wsm_string_list_ref(list));
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushstring(L, list->items[i]);
        lua_rawseti(L, -2, (int)(i + 1));
    }
    wsm_string_list_unref(list);
}

int wsm_push_error(lua_State *L, wsm_error error, const wsm_reason *reason) {
    lua_pushinteger(L, error);
    if (error == WSM_OK) return 1;
    lua_pushstring(L, reason->text[0] ? reason->text : wsm_error_string((int)error));
    return 2;
}

int wsm_push_failure(lua_State *L, wsm_error error, const char *text) {
    lua_pushnil(L);
    lua_pushinteger(L, error);
    lua_pushstring(L, text);
    return 3;
}
