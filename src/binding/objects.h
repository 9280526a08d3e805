/* The classes that the binding offers, each opened once; the Lua layer finishes them. */
#ifndef WSM_OBJECTS_H
#define WSM_OBJECTS_H

#include "../core/connection.h"
#include "../core/tls_options.h"
#include "../core/wait.h"
#include "../core/websocket.h"
#include "class.h"

/* Each pushes a table for the Lua layer: methods, metatable, and functions that are no methods. The metatables that
 * other classes need lie at the given stack indexes. */
void wsm_open_log(lua_State *L);
void wsm_open_tls_options(lua_State *L);
void wsm_open_websocket_peer(lua_State *L, int tls_metatable, int variant_types);
void wsm_open_websocket_server(lua_State *L, int tls_metatable, int peer_metatable);
void wsm_open_multiplayer_peer(lua_State *L, int tls_metatable, int peer_metatable, int variant_types);

/* TLSOptions or nil at `index`; raises for anything else. Borrowed. */
const wsm_tls_options *wsm_opt_tls_options(lua_State *L, int index, int metatable);
/* Pushes a new WebSocketPeer, without a connection yet; see wsm_websocket_wrap. */
wsm_websocket *wsm_push_websocket(lua_State *L, int metatable);
/* What the methods of cqueues' protocol return: pollfd, timeout (both nil for a negative number), and events, which is
 * the same for all classes and is no method of a certain one. */
int wsm_push_descriptor(lua_State *L, int descriptor);
int wsm_push_time_left(lua_State *L, int64_t milliseconds);
/* Of the functions wanted(object) of the classes: descriptor, events; nil where there is none. */
int wsm_push_wanted(lua_State *L, wsm_wanted wanted);
int wsm_events(lua_State *L);
/* Notes the object at `index` as one that ws.poll has to look after. */
void wsm_note_active(lua_State *L, int index);
/* Pushes the seconds that the last answered heartbeat took; nil while there is none. The connection may be NULL. */
int wsm_push_round_trip(lua_State *L, const wsm_connection *connection);
/* Pushes what the Lua layer makes a request object of: head, address, port, over TLS, plain HTTP. */
int wsm_push_request(lua_State *L, wsm_connection *connection);

#endif
