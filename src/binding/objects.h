/* The classes that the binding offers. */
#ifndef WSM_OBJECTS_H
#define WSM_OBJECTS_H

#include "../core/connection.h"
#include "../core/multiplayer.h"
#include "class.h"

/* Each pushes a table for the Lua layer: methods, metatable, and functions that are no methods. */
void wsm_open_websocket_peer(lua_State *L);
/* Expects the WebSocketPeer metatable on top of the stack (and leaves it). */
void wsm_open_multiplayer_peer(lua_State *L);

/* Pushes a new WebSocketPeer object for the connection (taking a reference of its own); `metatable` is its index. */
void wsm_push_connection(lua_State *L, wsm_connection *connection, int metatable);

#endif
