#include "settings.h"

#include <math.h>

#include "../core/connection.h"
#include "arguments.h"

static wsm_settings *settings(lua_State *L) { return lua_touserdata(L, 1); }

#define INTEGER_PROPERTY(name)                                                   \
    void wsm_get_##name(lua_State *L) { lua_pushinteger(L, settings(L)->name); } \
    void wsm_set_##name(lua_State *L, int index, const char *field) {            \
        settings(L)->name = wsm_check_int32(L, index, field);                    \
    }

#define STRINGS_PROPERTY(name, member, strip)                                       \
    void wsm_get_##name(lua_State *L) { wsm_push_strings(L, settings(L)->member); } \
    void wsm_set_##name(lua_State *L, int index, const char *field) {               \
        wsm_string_list *list = wsm_check_strings(L, index, field, strip);          \
        wsm_string_list_unref(settings(L)->member);                                 \
        settings(L)->member = list;                                                 \
    }

INTEGER_PROPERTY(inbound_buffer_size)
INTEGER_PROPERTY(outbound_buffer_size)
INTEGER_PROPERTY(max_queued_packets)
STRINGS_PROPERTY(supported_protocols, protocols, true)
STRINGS_PROPERTY(handshake_headers, headers, false)

void wsm_get_heartbeat_interval(lua_State *L) { lua_pushnumber(L, (lua_Number)settings(L)->heartbeat_ms / 1000); }

/* Whole milliseconds; a negative interval keeps the old one. */
void wsm_set_heartbeat_interval(lua_State *L, int index, const char *field) {
    lua_Number seconds = wsm_check_number(L, index, field);
    if (seconds >= 0) settings(L)->heartbeat_ms = (int64_t)floor((seconds < 1e9 ? seconds : 1e9) * 1000);
}
