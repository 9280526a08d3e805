/* How a packet comes from an object's queue to Lua. Making its string or its value can fail for want of memory, and can
 * run finalizers that close the object or take the packet themselves: it leaves the queue when Lua has it, and its
 * memory stays until then. */
#ifndef WSM_BINDING_INBOX_H
#define WSM_BINDING_INBOX_H

#include <stdbool.h>

#include "../core/error.h"
#include "../core/packet_queue.h"
#include "compat.h"

/* The object's own functions; see wsm_multiplayer_peek_packet. */
typedef struct wsm_inbox {
    wsm_error (*peek)(void *object, wsm_packet *packet);
    bool (*took)(void *object, const wsm_packet *packet);
} wsm_inbox;

/* Both take the next packet of the object at 1 and return OK, or the error; then nothing is pushed. `packet` tells of
 * it afterwards, but for its data. The results lie above index 2, and are what the function in the second upvalue makes
 * of it, called with the object and what lies at 2. The first knows that this is a string, and may do without. */
wsm_error wsm_inbox_take(lua_State *L, const wsm_inbox *inbox, void *object, wsm_packet *packet);
wsm_error wsm_inbox_make(lua_State *L, const wsm_inbox *inbox, void *object, wsm_packet *packet);

/* What such a function does for wsm_inbox_take. */
int wsm_inbox_push_next(lua_State *L, const wsm_packet_queue *queue);

/* Adds methods to the class on top (see wsm_class_add_methods): those of `pushing` have the function `push` in their
 * second upvalue, those of `decoding` have `decode`, whose own upvalue is what lies at stack index `types`. */
void wsm_inbox_add_methods(lua_State *L, const luaL_Reg *pushing, lua_CFunction push, const luaL_Reg *decoding,
                           lua_CFunction decode, int types);

#endif
