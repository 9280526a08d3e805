/* Classes as userdata: methods, properties that are fields as well as get_/set_ methods, and further fields (signals)
 * that the Lua layer adds to an object. Reading or writing anything else raises. */
#ifndef WSM_CLASS_H
#define WSM_CLASS_H

#include "compat.h"

typedef struct wsm_property {
    const char *name;
    const char *getter;                                      /* NULL: "get_" and the name */
    void (*get)(lua_State *L);                               /* object at 1; pushes the value */
    void (*set)(lua_State *L, int index, const char *field); /* NULL: read-only */
} wsm_property;

typedef struct wsm_class {
    const char *name;
    size_t size;                 /* of an object */
    const luaL_Reg *methods;     /* each with the metatable as its first upvalue */
    const luaL_Reg *metamethods; /* likewise; __index and __newindex are added */
    const wsm_property *properties;
    /* Four functions that hand over to those below with this class. */
    lua_CFunction index, newindex, getter, setter;
    void (*changed)(void *object); /* after a property was set; NULL: nothing to do */
    /* For classes of few objects with many calls; NULL: none. One more function, which hands over to wsm_class_lookup:
     * each object then has a metatable of its own, in which Lua finds methods without calling anything. */
    lua_CFunction lookup;
} wsm_class;

/* Pushes a table {methods = ..., metatable = ...}. */
void wsm_class_register(lua_State *L, const wsm_class *class);
/* Adds functions to the table on top, which wsm_class_register pushed: each has the metatable as its first upvalue and,
 * if `extra` is not 0, what lies at stack index `extra` as its second. The second puts them among the methods. */
void wsm_class_add_functions(lua_State *L, const luaL_Reg *functions, int extra);
void wsm_class_add_methods(lua_State *L, const luaL_Reg *functions, int extra);
/* Pushes a zeroed object whose metatable is the function's first upvalue or, with `metatable` != 0, at that index. The
 * metatable is only set by wsm_object_finish, once __gc may see the object. */
void *wsm_object_new(lua_State *L, const wsm_class *class);
void wsm_object_finish(lua_State *L, const wsm_class *class, int metatable);
/* The object at `index`, which must be of this class; raises otherwise. */
void *wsm_check_object(lua_State *L, int index, const wsm_class *class);

int wsm_class_index(lua_State *L, const wsm_class *class);
int wsm_class_lookup(lua_State *L, const wsm_class *class);
int wsm_class_newindex(lua_State *L, const wsm_class *class);
int wsm_class_getter(lua_State *L, const wsm_class *class);
int wsm_class_setter(lua_State *L, const wsm_class *class);

#define WSM_CLASS_FUNCTIONS(prefix, class)                                                 \
    static int prefix##_index(lua_State *L) { return wsm_class_index(L, &(class)); }       \
    static int prefix##_newindex(lua_State *L) { return wsm_class_newindex(L, &(class)); } \
    static int prefix##_getter(lua_State *L) { return wsm_class_getter(L, &(class)); }     \
    static int prefix##_setter(lua_State *L) { return wsm_class_setter(L, &(class)); }

#endif
