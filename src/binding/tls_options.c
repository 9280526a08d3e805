/* TLSOptions: made by its three functions, immutable. */
#include "../core/tls_options.h"

#include "arguments.h"
#include "objects.h"

typedef struct tls_object {
    wsm_tls_options *options;
} tls_object;

static const wsm_class tls_options_class;

/* A finalizer may meet one that was collected before it. */
static wsm_tls_options *existing(lua_State *L, const tls_object *object) {
    if (!object->options) luaL_error(L, "these TLSOptions have been collected");
    return object->options;
}

static wsm_tls_options *check(lua_State *L) { return existing(L, wsm_check_object(L, 1, &tls_options_class)); }

/* A PEM text or a path; nil is none. */
static const char *opt_text(lua_State *L, int index) {
    if (lua_isnoneornil(L, index)) return NULL;
    const char *text = wsm_check_text(L, index);
    if (!text) luaL_argerror(L, index, "contains a zero byte");
    return text;
}

static int push(lua_State *L, wsm_tls_kind kind, const char *trusted, const char *name, const char *key,
                const char *certificate) {
    tls_object *object = wsm_object_new(L, &tls_options_class);
    wsm_object_finish(L, &tls_options_class, 0);
    object->options = wsm_tls_options_new(kind, trusted, name, key, certificate);
    return object->options ? 1 : luaL_error(L, "not enough memory");
}

/* client([trusted_chain [, common_name_override]]) */
static int client(lua_State *L) {
    const char *trusted = opt_text(L, 1), *name = opt_text(L, 2);
    return push(L, WSM_TLS_CLIENT, trusted, name, NULL, NULL);
}

/* client_unsafe([trusted_chain]) */
static int client_unsafe(lua_State *L) { return push(L, WSM_TLS_CLIENT_UNSAFE, opt_text(L, 1), NULL, NULL, NULL); }

/* server(key, certificate) */
static int server(lua_State *L) {
    const char *key = opt_text(L, 1), *certificate = opt_text(L, 2);
    return push(L, WSM_TLS_SERVER, NULL, NULL, key, certificate);
}

static int push_text(lua_State *L, const char *text) {
    if (text)
        lua_pushstring(L, text);
    else
        lua_pushnil(L);
    return 1;
}

static int is_server(lua_State *L) {
    lua_pushboolean(L, check(L)->kind == WSM_TLS_SERVER);
    return 1;
}

static int is_unsafe_client(lua_State *L) {
    lua_pushboolean(L, check(L)->kind == WSM_TLS_CLIENT_UNSAFE);
    return 1;
}

static int get_common_name_override(lua_State *L) {
    const char *name = check(L)->common_name;
    return push_text(L, name ? name : "");
}

static int get_trusted_ca_chain(lua_State *L) { return push_text(L, check(L)->trusted_chain); }
static int get_private_key(lua_State *L) { return push_text(L, check(L)->private_key); }
static int get_own_certificate(lua_State *L) { return push_text(L, check(L)->certificate); }

static int collect(lua_State *L) {
    tls_object *object = wsm_check_object(L, 1, &tls_options_class);
    wsm_tls_options_free(object->options);
    object->options = NULL;
    return 0;
}

static int to_string(lua_State *L) {
    static const char *const kinds[] = {"client", "unsafe client", "server"};
    wsm_tls_options *options = check(L);
    lua_pushfstring(L, "TLSOptions: %p (%s)", (void *)options, kinds[options->kind]);
    return 1;
}

static const luaL_Reg methods[] = {
    {"get_common_name_override", get_common_name_override},
    {"get_own_certificate", get_own_certificate},
    {"get_private_key", get_private_key},
    {"get_trusted_ca_chain", get_trusted_ca_chain},
    {"is_server", is_server},
    {"is_unsafe_client", is_unsafe_client},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {{"__gc", collect}, {"__tostring", to_string}, {NULL, NULL}};
static const wsm_property properties[] = {{NULL, NULL, NULL, NULL}};

WSM_CLASS_FUNCTIONS(tls, tls_options_class)

static const wsm_class tls_options_class = {"TLSOptions", sizeof(tls_object), methods,    metamethods, properties,
                                            tls_index,    tls_newindex,       tls_getter, tls_setter,  NULL,
                                            NULL};

const wsm_tls_options *wsm_opt_tls_options(lua_State *L, int index, int metatable) {
    if (lua_isnoneornil(L, index)) return NULL;
    if (lua_type(L, index) == LUA_TUSERDATA && lua_getmetatable(L, index)) {
        int same = lua_rawequal(L, -1, metatable);
        lua_pop(L, 1);
        if (same) return existing(L, lua_touserdata(L, index));
    }
    luaL_argerror(L, index, lua_pushfstring(L, "TLSOptions expected, got %s", luaL_typename(L, index)));
    return NULL;
}

void wsm_open_tls_options(lua_State *L) {
    static const luaL_Reg makers[] = {
        {"client", client}, {"client_unsafe", client_unsafe}, {"server", server}, {NULL, NULL}};
    wsm_class_register(L, &tls_options_class);
    wsm_class_add_functions(L, makers, 0);
}
