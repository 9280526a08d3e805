#include "settings.h"

#include <math.h>

#include "../core/connection.h"
#include "../core/server_link.h"
#include "arguments.h"

/* How the object of a class that serves begins. */
typedef struct served {
    wsm_settings settings;
    wsm_serving serving;
} served;

static wsm_settings *settings(lua_State *L) { return lua_touserdata(L, 1); }
static wsm_serving *serving(lua_State *L) { return &((served *)lua_touserdata(L, 1))->serving; }

#define INTEGER_PROPERTY(name, of, member)                                   \
    void wsm_get_##name(lua_State *L) { lua_pushinteger(L, of(L)->member); } \
    void wsm_set_##name(lua_State *L, int index, const char *field) {        \
        of(L)->member = wsm_check_int32(L, index, field);                    \
    }

/* The function itself lies among the object's fields, where the Lua layer finds it. */
#define HOOK_PROPERTY(name, hook, member)                             \
    void wsm_get_##name(lua_State *L) { wsm_push_hook(L, hook); }     \
    void wsm_set_##name(lua_State *L, int index, const char *field) { \
        serving(L)->member = wsm_set_hook(L, hook, index, field);     \
    }

#define STRINGS_PROPERTY(name, member, strip)                                       \
    void wsm_get_##name(lua_State *L) { wsm_push_strings(L, settings(L)->member); } \
    void wsm_set_##name(lua_State *L, int index, const char *field) {               \
        wsm_string_list *list = wsm_check_strings(L, index, field, strip);          \
        wsm_string_list_unref(settings(L)->member);                                 \
        settings(L)->member = list;                                                 \
    }

INTEGER_PROPERTY(inbound_buffer_size, settings, inbound_buffer_size)
INTEGER_PROPERTY(outbound_buffer_size, settings, outbound_buffer_size)
INTEGER_PROPERTY(max_queued_packets, settings, max_queued_packets)
INTEGER_PROPERTY(max_pending_handshakes, serving, max_pending)
INTEGER_PROPERTY(max_connections_per_address, serving, max_per_address)
HOOK_PROPERTY(on_request, WSM_ON_REQUEST, asks)
HOOK_PROPERTY(on_http_request, WSM_ON_HTTP_REQUEST, serves)
STRINGS_PROPERTY(supported_protocols, protocols, true)
STRINGS_PROPERTY(handshake_headers, headers, false)

void wsm_get_heartbeat_interval(lua_State *L) { lua_pushnumber(L, (lua_Number)settings(L)->heartbeat_ms / 1000); }

/* Whole milliseconds; a negative interval keeps the old one. */
void wsm_set_heartbeat_interval(lua_State *L, int index, const char *field) {
    lua_Number seconds = wsm_check_number(L, index, field);
    if (seconds >= 0) settings(L)->heartbeat_ms = (int64_t)floor((seconds < 1e9 ? seconds : 1e9) * 1000);
}

void wsm_get_handshake_timeout(lua_State *L) { wsm_push_seconds(L, serving(L)->handshake_timeout_ms); }
void wsm_set_handshake_timeout(lua_State *L, int index, const char *field) {
    wsm_check_timeout(L, index, field, &serving(L)->handshake_timeout_ms);
}

int wsm_respond(lua_State *L, void *object, wsm_respond_fn *respond) {
    wsm_reason reason = {""};
    size_t size;
    int status = (int)luaL_checkinteger(L, 2);
    const char *body = luaL_checklstring(L, 4, &size);
    wsm_string_list *lines = wsm_try_strings(L, 3, NULL, false);
    wsm_error error = lines ? respond(object, status, lines, body, size, &reason)
                            : wsm_fail(&reason, WSM_ERR_OUT_OF_MEMORY, "out of memory");
    wsm_string_list_unref(lines);
    return wsm_push_error(L, error, &reason);
}
