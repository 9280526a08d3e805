/* The properties that every class with connections has, and those of a class that serves, and what both servers do with
 * requests. Its object must begin with wsm_settings, and that of one that serves go on with wsm_serving. */
#ifndef WSM_BINDING_SETTINGS_H
#define WSM_BINDING_SETTINGS_H

#include "../core/error.h"
#include "../core/string_list.h"
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

void wsm_get_handshake_timeout(lua_State *L);
void wsm_set_handshake_timeout(lua_State *L, int index, const char *field);
void wsm_get_max_connections_per_address(lua_State *L);
void wsm_set_max_connections_per_address(lua_State *L, int index, const char *field);
void wsm_get_max_pending_handshakes(lua_State *L);
void wsm_set_max_pending_handshakes(lua_State *L, int index, const char *field);
void wsm_get_on_request(lua_State *L);
void wsm_set_on_request(lua_State *L, int index, const char *field);
void wsm_get_on_http_request(lua_State *L);
void wsm_set_on_http_request(lua_State *L, int index, const char *field);

#define WSM_SERVING_PROPERTIES                                                                            \
    {"handshake_timeout", NULL, wsm_get_handshake_timeout, wsm_set_handshake_timeout},                    \
        {"max_connections_per_address", NULL, wsm_get_max_connections_per_address,                        \
         wsm_set_max_connections_per_address},                                                            \
        {"max_pending_handshakes", NULL, wsm_get_max_pending_handshakes, wsm_set_max_pending_handshakes}, \
        {"on_request", NULL, wsm_get_on_request, wsm_set_on_request}, {                                   \
        "on_http_request", NULL, wsm_get_on_http_request, wsm_set_on_http_request                         \
    }

/* Of the functions respond(object, status, lines, body) of the classes: as methods that return an Error. */
typedef wsm_error wsm_respond_fn(void *object, int status, const wsm_string_list *lines, const void *body, size_t size,
                                 wsm_reason *reason);
int wsm_respond(lua_State *L, void *object, wsm_respond_fn *respond);

#endif
