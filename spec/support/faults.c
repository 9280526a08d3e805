/* Test-only: what is linked into a second wsmultiplayer/core.so, whose allocations can be counted and made to fail.
 * Reached by package.loadlib(that file, "luaopen_wsmultiplayer_faults"). */
#include <stdatomic.h>
#include <stdlib.h>

#include "../../src/binding/compat.h"
#include "../../src/core/memory.h"

static atomic_long live, made, failed, first, last;

static void *reallocate(void *block, size_t size) {
    if (!size) {
        atomic_fetch_sub(&live, 1);
        free(block);
        return NULL;
    }
    long number = atomic_fetch_add(&made, 1) + 1;
    if (number >= first && number <= last) {
        atomic_fetch_add(&failed, 1);
        return NULL;
    }
    void *result = realloc(block, size);
    if (result && !block) atomic_fetch_add(&live, 1);
    return result;
}

/* fail(first, last): counts anew, and lets the allocations with these numbers fail; none without arguments */
static int fail(lua_State *L) {
    atomic_store(&made, 0);
    atomic_store(&failed, 0);
    atomic_store(&first, (long)luaL_optinteger(L, 1, 1));
    atomic_store(&last, (long)luaL_optinteger(L, 2, 0));
    return 0;
}

/* counts() -> allocations since fail(), those that failed, blocks that are held now */
static int counts(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)atomic_load(&made));
    lua_pushinteger(L, (lua_Integer)atomic_load(&failed));
    lua_pushinteger(L, (lua_Integer)atomic_load(&live));
    return 3;
}

WSM_EXPORT int luaopen_wsmultiplayer_faults(lua_State *L);

int luaopen_wsmultiplayer_faults(lua_State *L) {
    atomic_store(&first, 1);
    wsm_set_allocator(reallocate);
    lua_newtable(L);
    lua_pushcfunction(L, fail);
    lua_setfield(L, -2, "fail");
    lua_pushcfunction(L, counts);
    lua_setfield(L, -2, "counts");
    return 1;
}
