/* libFuzzer target: bytes that a peer may send, through the codec as Lua programs use it. Run it with make fuzz.
 *
 * Whatever decodes has to encode, that has to decode again, and the second encoding has to be the first one: the first
 * may differ from the input, which can be in a form that Godot reads but does not write. (One exception, as in Godot: each
 * reading takes a byte order mark off a text, and there may be several.) Decoding must not take memory out of proportion
 * to the input. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"

/* A decoded value may take this many bytes for each byte of input (an empty Dictionary is 8 bytes), besides what the
 * weak tables of the Lua layer take when they grow. */
#ifndef MEMORY_FACTOR
#define MEMORY_FACTOR 128
#endif
enum { MEMORY_BASE = 4 << 20, COLLECT_EVERY = 32 };

int luaopen_wsmultiplayer_core(lua_State *L);

static lua_State *state;
static size_t in_use, peak;
static int encode_ref, decode_ref;

static void *allocate(void *context, void *block, size_t old_size, size_t new_size) {
    (void)context;
    if (!block) old_size = 0;
    if (!new_size) {
        free(block);
        in_use -= old_size;
        return NULL;
    }
    void *moved = realloc(block, new_size);
    if (!moved) return NULL;
    in_use += new_size - old_size;
    if (in_use > peak) peak = in_use;
    return moved;
}

/* Encodes the value at `index` and pushes the bytes. */
static void encode(lua_State *L, int index, bool objects) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, encode_ref);
    lua_pushvalue(L, index);
    lua_pushboolean(L, objects);
    lua_call(L, 2, 3);
    if (lua_type(L, -3) != LUA_TSTRING) found("what was decoded does not encode", lua_tostring(L, -1));
    lua_pop(L, 2);
}

/* Decodes the string on top and pushes the value; false if it is refused. */
static bool decode(lua_State *L, bool objects) {
    size_t size, before = in_use;
    lua_tolstring(L, -1, &size);
    lua_rawgeti(L, LUA_REGISTRYINDEX, decode_ref);
    lua_pushvalue(L, -2);
    lua_pushboolean(L, objects);
    peak = in_use;
    lua_call(L, 2, 3);
    if (peak > before && peak - before > MEMORY_BASE + MEMORY_FACTOR * size) {
        char text[80];
        snprintf(text, sizeof text, "%zu bytes for an input of %zu", peak - before, size);
        found("memory out of proportion", text);
    }
    /* value | nil, error, text */
    bool refused = lua_isnil(L, -3) && lua_type(L, -2) == LUA_TNUMBER;
    if (refused && lua_type(L, -1) != LUA_TSTRING) found("a refusal without a text", NULL);
    lua_pop(L, 2);
    return !refused;
}

static void round_trip(lua_State *L, bool objects) {
    lua_settop(L, 1);
    if (!decode(L, objects)) return;
    encode(L, 2, objects);
    if (!decode(L, objects)) found("the encoding of what was decoded does not decode", NULL);
    encode(L, 4, objects);
    if (lua_rawequal(L, 3, 5)) return;
    size_t size;
    const char *first = lua_tolstring(L, 3, &size);
    if (!memmem(first, size, "\xEF\xBB\xBF", 3)) found("the second encoding is not the first one", NULL);
}

static int one_input(lua_State *L) {
    round_trip(L, false);
    round_trip(L, true);
    return 0;
}

static const char setup[] = "package.path = 'lua/?.lua;lua/?/init.lua;' .. package.path\n"
                            "local variant = require 'wsmultiplayer.variant'\n"
                            "return variant.var_to_bytes, variant.bytes_to_var\n";

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    lua_State *L = lua_newstate(allocate, NULL);
    state = L;
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_wsmultiplayer_core);
    lua_setfield(L, -2, "wsmultiplayer.core");
    lua_pop(L, 1);
    if (luaL_loadstring(L, setup) || lua_pcall(L, 0, 2, 0)) {
        fprintf(stderr, "%s\nRun this in the directory that has lua/.\n", lua_tostring(L, -1));
        exit(1);
    }
    decode_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    encode_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static unsigned inputs;
    lua_pushcfunction(state, one_input);
    lua_pushlstring(state, (const char *)data, size);
    if (lua_pcall(state, 1, 0, 0)) found("an error was raised", lua_tostring(state, -1));
    if (++inputs % COLLECT_EVERY == 0) lua_gc(state, LUA_GCCOLLECT);
    return 0;
}
