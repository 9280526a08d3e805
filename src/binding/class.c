#include "class.h"

#include <string.h>

/* Upvalues of __index and __newindex: metatable, methods, {property name -> number}. Of getters and setters: metatable,
 * property number. (Numbers instead of pointers: LuaJIT does not take every pointer as light userdata.) */
enum { METATABLE = 1, METHODS = 2, NUMBERS = 3, NUMBER = 2 };
/* Of a lookup: those of __index, and the object. */
enum { OBJECT = 4 };

/* An object is followed by the address of its class, which tells it from any other userdata. */
static size_t whole_size(const wsm_class *class) { return class->size + sizeof class; }

void *wsm_object_new(lua_State *L, const wsm_class *class) {
    unsigned char *object = wsm_newuserdata(L, whole_size(class));
    memset(object, 0, class->size);
    memcpy(object + class->size, &class, sizeof class);
    lua_newtable(L);
    wsm_setfields(L, -2);
    return object;
}

/* Replaces the class's metatable on top by one for the object below it: a copy, but __index is a table. */
static void make_own_metatable(lua_State *L, const wsm_class *class) {
    int metatable = lua_gettop(L), object = metatable - 1;
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, metatable);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, metatable + 1);
    }
    lua_newtable(L); /* the methods that were looked up so far */
    lua_newtable(L);
    lua_getfield(L, metatable, "__index");
    int index = lua_gettop(L);
    for (int i = METATABLE; i <= NUMBERS; i++) lua_getupvalue(L, index, i);
    lua_pushvalue(L, object);
    lua_pushcclosure(L, class->lookup, OBJECT);
    lua_setfield(L, index - 1, "__index");
    lua_settop(L, index - 1);
    lua_setmetatable(L, -2);
    lua_setfield(L, metatable + 1, "__index");
    lua_replace(L, metatable);
}

void wsm_object_finish(lua_State *L, const wsm_class *class, int metatable) {
    lua_pushvalue(L, metatable ? metatable : lua_upvalueindex(METATABLE));
    if (class->lookup) make_own_metatable(L, class);
    lua_setmetatable(L, -2);
}

void *wsm_check_object(lua_State *L, int index, const wsm_class *class) {
    unsigned char *object = lua_touserdata(L, index);
    const wsm_class *other = NULL;
    /* The length comes first: nothing is read from userdata that is too short. */
    if (object && lua_rawlen(L, index) == whole_size(class)) memcpy(&other, object + class->size, sizeof other);
    if (other == class) return object;
    luaL_argerror(L, index,
                  lua_pushfstring(L, "%s expected, got %s", class->name,
                                  lua_type(L, index) == LUA_TNONE ? "no value" : luaL_typename(L, index)));
    return NULL;
}

static const wsm_property *find_property(lua_State *L, const wsm_class *class) {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(NUMBERS));
    const wsm_property *property = lua_isnil(L, -1) ? NULL : &class->properties[lua_tointeger(L, -1)];
    lua_pop(L, 1);
    return property;
}

/* The key as text for a message, without changing it. */
static const char *key_text(lua_State *L) {
    if (lua_type(L, 2) == LUA_TSTRING) return lua_tostring(L, 2);
    if (lua_type(L, 2) == LUA_TNUMBER) return lua_pushfstring(L, "%f", lua_tonumber(L, 2));
    return luaL_typename(L, 2);
}

int wsm_class_index(lua_State *L, const wsm_class *class) {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(METHODS));
    if (!lua_isnil(L, -1)) return 1;
    lua_pop(L, 1);
    const wsm_property *property = find_property(L, class);
    if (property) {
        wsm_check_object(L, 1, class);
        property->get(L);
        return 1;
    }
    wsm_check_object(L, 1, class);
    wsm_getfields(L, 1);
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    if (lua_isnil(L, -1) || lua_type(L, 2) != LUA_TSTRING)
        return luaL_error(L, "%s has no field '%s'", class->name, key_text(L));
    return 1;
}

int wsm_class_lookup(lua_State *L, const wsm_class *class) {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(METHODS));
    if (!lua_isnil(L, -1)) {
        lua_pushvalue(L, 2);
        lua_pushvalue(L, -2);
        lua_rawset(L, 1);
        return 1;
    }
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(OBJECT));
    lua_replace(L, 1);
    return wsm_class_index(L, class);
}

int wsm_class_newindex(lua_State *L, const wsm_class *class) {
    const wsm_property *property = find_property(L, class);
    wsm_check_object(L, 1, class);
    if (!property) return luaL_error(L, "%s has no field '%s' that can be set", class->name, key_text(L));
    if (!property->set) return luaL_error(L, "field '%s' of %s is read-only", property->name, class->name);
    property->set(L, 3, property->name);
    if (class->changed) class->changed(lua_touserdata(L, 1));
    return 0;
}

int wsm_class_getter(lua_State *L, const wsm_class *class) {
    wsm_check_object(L, 1, class);
    class->properties[lua_tointeger(L, lua_upvalueindex(NUMBER))].get(L);
    return 1;
}

int wsm_class_setter(lua_State *L, const wsm_class *class) {
    wsm_check_object(L, 1, class);
    class->properties[lua_tointeger(L, lua_upvalueindex(NUMBER))].set(L, 2, NULL);
    if (class->changed) class->changed(lua_touserdata(L, 1));
    return 0;
}

/* methods[name] = a closure over the metatable and the property's number */
static void set_accessor(lua_State *L, int metatable, int methods, const char *name, int number,
                         lua_CFunction function) {
    lua_pushvalue(L, metatable);
    lua_pushinteger(L, number);
    lua_pushcclosure(L, function, 2);
    lua_setfield(L, methods, name);
}

static void set_functions(lua_State *L, int table, int metatable, const luaL_Reg *functions) {
    for (; functions->name; functions++) {
        lua_pushvalue(L, metatable);
        lua_pushcclosure(L, functions->func, 1);
        lua_setfield(L, table, functions->name);
    }
}

void wsm_class_register(lua_State *L, const wsm_class *class) {
    lua_newtable(L);
    int metatable = lua_gettop(L), methods = metatable + 1, numbers = metatable + 2;
    lua_newtable(L);
    lua_newtable(L);
    set_functions(L, methods, metatable, class->methods);
    set_functions(L, metatable, metatable, class->metamethods);
    for (int i = 0; class->properties[i].name; i++) {
        const wsm_property *property = &class->properties[i];
        lua_pushinteger(L, i);
        lua_setfield(L, numbers, property->name);
        const char *getter = property->getter ? property->getter : lua_pushfstring(L, "get_%s", property->name);
        set_accessor(L, metatable, methods, getter, i, class->getter);
        if (property->set)
            set_accessor(L, metatable, methods, lua_pushfstring(L, "set_%s", property->name), i, class->setter);
        lua_settop(L, numbers);
    }
    const luaL_Reg access[] = {{"__index", class->index}, {"__newindex", class->newindex}};
    for (int i = 0; i < 2; i++) {
        lua_pushvalue(L, metatable);
        lua_pushvalue(L, methods);
        lua_pushvalue(L, numbers);
        lua_pushcclosure(L, access[i].func, 3);
        lua_setfield(L, metatable, access[i].name);
    }
    lua_pushstring(L, class->name);
    lua_setfield(L, metatable, "__name");
    /* getmetatable must not be a way around the checks. */
    lua_pushstring(L, class->name);
    lua_setfield(L, metatable, "__metatable");
    lua_settop(L, methods);
    lua_newtable(L);
    lua_insert(L, -3);
    lua_setfield(L, -3, "methods");
    lua_setfield(L, -2, "metatable");
}

static void add(lua_State *L, int class, int to, const luaL_Reg *functions, int extra) {
    for (; functions->name; functions++) {
        lua_getfield(L, class, "metatable");
        if (extra) lua_pushvalue(L, extra);
        lua_pushcclosure(L, functions->func, extra ? 2 : 1);
        lua_setfield(L, to, functions->name);
    }
}

void wsm_class_add_functions(lua_State *L, const luaL_Reg *functions, int extra) {
    add(L, lua_gettop(L), lua_gettop(L), functions, extra);
}

void wsm_class_add_methods(lua_State *L, const luaL_Reg *functions, int extra) {
    int class = lua_gettop(L);
    lua_getfield(L, class, "methods");
    add(L, class, class + 1, functions, extra);
    lua_settop(L, class);
}
