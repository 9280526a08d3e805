#include <string.h>

#include "variant_decoder.h"

/* The next string key if its bytes are `text`: taken without looking at it any further. */
static bool take_key(wsm_decoder *d, const char *text, size_t size) {
    size_t padded = (size + 3) & ~(size_t)3;
    const unsigned char *at = d->reader.at;
    if (d->reader.left < 8 + padded) return false;
    if (at[0] != WSM_STRING || at[1] || at[2] || at[3]) return false;
    if (((size_t)at[4] | (size_t)at[5] << 8 | (size_t)at[6] << 16 | (size_t)at[7] << 24) != size) return false;
    if (memcmp(at + 8, text, size) != 0) return false;
    d->reader.at += 8 + padded;
    d->reader.left -= 8 + padded;
    return true;
}

/* They lie in types[WSM_TYPE_SHAPES][count][first key]; at [0] a shape has the next one with the same count and first
 * key. Their number is bounded, because the other side chooses the keys. */
enum { SHAPE_CHAIN_MAX = 8, SHAPES_MAX = 256 };

/* Replaces the shape at `shape` by one behind it that has the same first `same` keys, and then what comes next. */
static bool other_shape(wsm_decoder *d, int shape, int same) {
    lua_State *L = d->L;
    lua_pushvalue(L, shape);
    int candidate = lua_gettop(L);
    for (;;) {
        lua_rawgeti(L, candidate, 0);
        if (lua_isnil(L, -1)) {
            lua_settop(L, candidate - 1);
            return false;
        }
        lua_rawgeti(L, -1, same + 1);
        size_t size;
        const char *text = lua_tolstring(L, -1, &size);
        wsm_reader before = d->reader;
        bool fits = take_key(d, text, size);
        d->reader = before;
        lua_pop(L, 1);
        for (int i = 1; fits && i <= same; i++) {
            lua_rawgeti(L, -1, i);
            lua_rawgeti(L, shape, i);
            fits = lua_rawequal(L, -1, -2);
            lua_pop(L, 2);
        }
        lua_replace(L, candidate);
        if (!fits) continue;
        lua_replace(L, shape);
        return true;
    }
}

wsm_error wsm_decode_by_shape(wsm_decoder *d, size_t count, int depth, size_t *done) {
    lua_State *L = d->L;
    int table = lua_gettop(L), shape = table + 1;
    const char *text;
    size_t size, i;
    wsm_reader ahead = d->reader;
    uint32_t header;
    if (wsm_read_u32(&ahead, &header) || header != WSM_STRING || wsm_read_text(&ahead, &text, &size)) return WSM_OK;
    if (size > WSM_SHAPE_KEY_SIZE_MAX) return WSM_OK;
    lua_rawgeti(L, d->types, WSM_TYPE_SHAPES);
    lua_rawgeti(L, -1, (int)count);
    if (lua_istable(L, -1)) {
        lua_pushlstring(L, text, size);
        lua_rawget(L, -2);
    }
    lua_replace(L, shape);
    lua_settop(L, shape);
    if (lua_isnil(L, shape)) {
        lua_settop(L, table);
        return WSM_OK;
    }
    for (i = 0; i < count; i++) {
        lua_rawgeti(L, shape, (int)i + 1);
        text = lua_tolstring(L, -1, &size);
        if (!take_key(d, text, size)) {
            lua_pop(L, 1);
            if (!other_shape(d, shape, (int)i)) break;
            i--;
            continue;
        }
        wsm_error error = wsm_decode_value(d, depth + 1);
        if (error) return error;
        wsm_decoder_replace_nil(d);
        lua_rawset(L, table);
    }
    lua_settop(L, shape);
    *done = i;
    if (i == count) {
        lua_setmetatable(L, table);
        return WSM_OK;
    }
    if (i) {
        lua_createtable(L, wsm_decoder_reserve(d, count), 0);
        for (int j = 1; j <= (int)i; j++) {
            lua_rawgeti(L, shape, j);
            lua_rawseti(L, -2, j);
        }
        lua_replace(L, shape);
    } else {
        lua_settop(L, table);
    }
    return WSM_OK;
}

bool wsm_add_shape(wsm_decoder *d, int count) {
    static const char *const names[] = {"__index", "__newindex", "__pairs", "__name", "variant_type"};
    lua_State *L = d->L;
    int shape = lua_gettop(L), shapes = shape + 1, chain = shape + 2, first = shape + 3;
    lua_rawgeti(L, d->types, WSM_TYPE_SHAPES);
    lua_rawgeti(L, shapes, 0);
    int total = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (total >= SHAPES_MAX) { /* begins anew: what is in use will be there again soon */
        total = 0;
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawseti(L, d->types, WSM_TYPE_SHAPES);
        lua_replace(L, shapes);
    }
    lua_rawgeti(L, shapes, count);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawseti(L, shapes, count);
    }
    lua_rawgeti(L, shape, 1);
    lua_rawget(L, chain); /* at `first` */
    int length = 0;
    for (lua_pushvalue(L, first); lua_istable(L, -1) && length < SHAPE_CHAIN_MAX; length++) {
        lua_rawgeti(L, -1, 0);
        lua_remove(L, -2);
    }
    lua_settop(L, first);
    if (length == SHAPE_CHAIN_MAX) {
        lua_settop(L, shape);
        return false;
    }
    lua_rawgeti(L, d->types, WSM_DICTIONARY);
    for (int i = 0; i < 5; i++) {
        lua_getfield(L, -1, names[i]);
        lua_setfield(L, shape, names[i]);
    }
    lua_pop(L, 1);
    lua_rawseti(L, shape, 0);
    lua_rawgeti(L, shape, 1);
    lua_pushvalue(L, shape);
    lua_rawset(L, chain);
    lua_pushinteger(L, total + 1);
    lua_rawseti(L, shapes, 0);
    lua_settop(L, shape);
    return true;
}
