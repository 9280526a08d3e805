/* Test-only program: several Lua states in one process, each in a thread of its own, with the module in each.
 *   host SCRIPT COUNT [ARGUMENT]   runs the script in COUNT states at once, with its number and the argument in `...`
 * Ends with status 0 if no script raised. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static char **arguments;

/* Returns NULL if nothing went wrong. */
static void *run(void *number) {
    lua_State *L = luaL_newstate();
    if (!L) return number;
    luaL_openlibs(L);
    int status = luaL_loadfile(L, arguments[1]);
    lua_pushinteger(L, *(int *)number);
    lua_pushstring(L, arguments[3]);
    if (!status) status = lua_pcall(L, 2, 0, 0);
    if (status) {
        fprintf(stderr, "%d: %s\n", *(int *)number, lua_tostring(L, -1));
    }
    lua_close(L);
    return status ? number : NULL;
}

int main(int count, char **words) {
    enum { MOST = 16 };
    pthread_t threads[MOST];
    int numbers[MOST], states = count > 2 ? atoi(words[2]) : 0, failed = 0;
    if (states < 1 || states > MOST) return 2;
    arguments = words;
    for (int i = 0; i < states; i++) {
        numbers[i] = i + 1;
        if (pthread_create(&threads[i], NULL, run, &numbers[i])) return 2;
    }
    for (int i = 0; i < states; i++) {
        void *failure;
        pthread_join(threads[i], &failure);
        if (failure) failed = 1;
    }
    return failed;
}
