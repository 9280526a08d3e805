/* The properties that every class with connections has. Its object must begin with wsm_settings. */
#ifndef WSM_BINDING_SETTINGS_H
#define WSM_BINDING_SETTINGS_H

#include "class.h"

void wsm_get_supported_protocols(lua_State *L);
void wsm_set_supported_protocols(lua_State *L, int index, const char *field);
void wsm_get_handshake_headers(lua_State *L);
void wsm_set_handshake_headers(lua_State *L, int index, const char *field);
void wsm_get_inbound_buffer_size(lua_State *L);
void wsm_set_inbound_buffer_size(lua_State *L, int index, const char *field);
void wsm_get_outbound_buffer_size(lua_State *L);
void wsm_set_outbound_buffer_size(lua_State *L, int index, const char *field);
void wsm_get_max_queued_packets(lua_State *L);
void wsm_set_max_queued_packets(lua_State *L, int index, const char *field);
void wsm_get_heartbeat_interval(lua_State *L);
void wsm_set_heartbeat_interval(lua_State *L, int index, const char *field);

#define WSM_SETTINGS_PROPERTIES                                                                     \
    {"supported_protocols", NULL, wsm_get_supported_protocols, wsm_set_supported_protocols},        \
        {"handshake_headers", NULL, wsm_get_handshake_headers, wsm_set_handshake_headers},          \
        {"inbound_buffer_size", NULL, wsm_get_inbound_buffer_size, wsm_set_inbound_buffer_size},    \
        {"outbound_buffer_size", NULL, wsm_get_outbound_buffer_size, wsm_set_outbound_buffer_size}, \
        {"max_queued_packets", NULL, wsm_get_max_queued_packets, wsm_set_max_queued_packets}, {     \
        "heartbeat_interval", NULL, wsm_get_heartbeat_interval, wsm_set_heartbeat_interval          \
    }

#endif
