/* Variants as Lua values: the layout of the compound types, and what the codec knows of the Lua layer's types. */
#ifndef WSM_BINDING_VARIANT_H
#define WSM_BINDING_VARIANT_H

#include <stdbool.h>

#include "../core/variant.h"
#include "../core/error.h"
#include "../core/packet_queue.h"
#include "compat.h"

/* Places in the codec's table of types: the metatable of each Variant type that is not a plain Lua value, at the type's
 * number; then these. */
enum {
    WSM_TYPE_NULL = 40,        /* what stands for null inside of containers */
    WSM_TYPE_ORDERS = 41,      /* dictionary -> list of its keys in their order; weak keys */
    WSM_TYPE_ELEMENTS = 42,    /* typed container -> its type as bytes; weak keys */
    WSM_TYPE_MAKE_INT = 43,    /* function(high, low) -> value for an integer that is no exact Lua number */
    WSM_TYPE_SPLIT_INT = 44,   /* function(value) -> high, low; nil if it is no such value */
    WSM_TYPE_BUFFER = 45,      /* wsm_encode_buffer */
    WSM_TYPE_BUFFER_META = 46, /* its metatable */
    WSM_TYPE_SHAPES = 47,      /* see variant_shape.c */
};

/* A part of a compound value: a number, an integer, or another compound type. */
enum { WSM_PART_FLOAT = 0, WSM_PART_INT = 1 };
typedef struct wsm_part {
    const char *name;
    unsigned char type;
} wsm_part;

/* Parts in the order in which they are written; count 0 for types that are no compound. A Basis is written by rows. */
typedef struct wsm_layout {
    unsigned char count;
    wsm_part parts[4];
} wsm_layout;

extern const wsm_layout wsm_layouts[WSM_VARIANT_TYPES];
/* Bytes of a compound value's narrow form. */
size_t wsm_layout_size(int type);
/* The element type of a packed array of compounds (Vector2, Color ...); 0 for other types. */
int wsm_packed_element(int type);

/* Pushes the value decoded from the bytes. On failure pushes nothing and sets the reason. `types` is a stack index. */
wsm_error wsm_decode_variant(lua_State *L, int types, const unsigned char *data, size_t size, bool allow_objects,
                             wsm_reason *reason);
/* Memory for encoded values, owned by a userdata. */
typedef struct wsm_encode_buffer {
    wsm_bytes bytes;
    bool busy;
} wsm_encode_buffer;
wsm_encode_buffer *wsm_push_encode_buffer(lua_State *L, int types);

/* Encodes the value at `index` into a buffer, which stays on the stack as its top and, when OK, is the caller's until
 * it sets busy to false. The reason names the path to what can't be encoded. */
wsm_error wsm_encode_variant(lua_State *L, int types, int index, bool full_objects, wsm_encode_buffer **out,
                             wsm_reason *reason);

/* The same for the arguments of a remote call, the elements 1 to `count` of the list at `index`, one behind the other
 * in the form of remote calls. */
wsm_error wsm_encode_arguments(lua_State *L, int types, int index, int count, wsm_encode_buffer **out,
                               wsm_reason *reason);
/* Pushes the list of `count` arguments that the bytes hold; on failure nothing. Bytes behind them are ignored. */
wsm_error wsm_decode_arguments(lua_State *L, int types, const unsigned char *data, size_t size, int count,
                               wsm_reason *reason);

/* PacketPeer.put_var(value [, full_objects]) for the object at 1; the codec's types are the second upvalue. `send`
 * carries out what put_packet would. */
typedef wsm_error wsm_send_fn(void *object, const void *data, size_t size, wsm_reason *reason);
int wsm_put_var(lua_State *L, void *object, int32_t limit, wsm_send_fn *send);
/* Pushes the results of get_var for the next packet; the codec's types are the first upvalue. `error` receives what
 * get_packet_error() is to say. */
int wsm_decode_next(lua_State *L, const wsm_packet_queue *queue, bool allow_objects, wsm_error *error);

/* Pushes {types = ..., encode = ..., decode = ..., encode_arguments = ..., decode_arguments = ...} for the Lua layer,
 * which fills `types`. */
void wsm_open_variant(lua_State *L);

#endif
