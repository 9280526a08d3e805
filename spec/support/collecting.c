/* Test-only Lua module: loading it makes the garbage collector run at every step that this module takes.
 *  - a full collection, finalizers included, before and after each call of a function of the core;
 *  - from Lua 5.2 on, in such a function each allocation is refused at first: Lua then runs a full collection in the
 *    middle of whatever allocates, and tries again.
 * Not for LuaJIT, whose compiled code knows no hooks. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/binding/compat.h"

static struct {
    lua_Alloc allocate;
    void *ud;
    bool inside, refused, collecting;
    long boundaries, refusals;
} state;

static bool is_core(lua_CFunction function) {
    static struct {
        lua_CFunction function;
        bool core;
    } known[1024];
    union {
        lua_CFunction function;
        void *address;
        uintptr_t number;
    } place = {function};
    size_t at = place.number / 16 % 1024;
    if (known[at].function != function) {
        Dl_info file;
        known[at].function = function;
        known[at].core =
            dladdr(place.address, &file) && file.dli_fname && strstr(file.dli_fname, "wsmultiplayer/core.") != NULL;
    }
    return known[at].core;
}

static bool runs_core(lua_State *L, lua_Debug *call) {
    lua_getinfo(L, "f", call);
    lua_CFunction function = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    return function && is_core(function);
}

/* Found anew at each call and return: an error leaves functions without a word. */
static void on_step(lua_State *L, lua_Debug *call) {
    bool returns = call->event == LUA_HOOKRET, before = state.inside;
    bool core = runs_core(L, call);
    state.inside = false;
    if (core && !state.collecting) {
        state.collecting = true; /* finalizers are functions of the core as well */
        state.boundaries++;
        lua_gc(L, LUA_GCCOLLECT, 0);
        state.collecting = false;
    }
    lua_Debug caller;
    if (state.collecting)
        state.inside = before;
    else if (!returns)
        state.inside = core;
    else
        state.inside = lua_getstack(L, 1, &caller) && runs_core(L, &caller);
}

#if LUA_VERSION_NUM >= 502
static void *allocate(void *ud, void *block, size_t old_size, size_t size) {
    (void)ud;
    bool grows = block ? size > old_size : size > 0;
    if (grows && state.inside && !state.refused) {
        state.refused = true;
        state.refusals++;
        return NULL;
    }
    if (grows) state.refused = false;
    return state.allocate(state.ud, block, old_size, size);
}
#endif

/* counts() -> collections at calls and returns, collections at allocations */
static int counts(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)state.boundaries);
    lua_pushinteger(L, (lua_Integer)state.refusals);
    return 2;
}

WSM_EXPORT int luaopen_wsmultiplayer_collecting(lua_State *L);

int luaopen_wsmultiplayer_collecting(lua_State *L) {
    lua_newtable(L);
    lua_pushcfunction(L, counts);
    lua_setfield(L, -2, "counts");
    lua_sethook(L, on_step, LUA_MASKCALL | LUA_MASKRET, 0);
#if LUA_VERSION_NUM >= 502
    state.allocate = lua_getallocf(L, &state.ud);
    lua_setallocf(L, allocate, NULL);
#endif
    return 1;
}
