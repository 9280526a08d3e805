/* Test-only Lua module: what specs of faults need from the system and Lua has no word for. */
#include <dirent.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/binding/compat.h"

/* fork() -> 0 in the child, the child's id in the parent */
static int fork_process(lua_State *L) {
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) return luaL_error(L, "fork failed");
    lua_pushinteger(L, (lua_Integer)child);
    return 1;
}

/* wait(id) -> exit status | nil, signal */
static int wait_process(lua_State *L) {
    int status = 0;
    if (waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0) < 0) return luaL_error(L, "waitpid failed");
    if (WIFEXITED(status)) {
        lua_pushinteger(L, WEXITSTATUS(status));
        return 1;
    }
    lua_pushnil(L);
    lua_pushinteger(L, WTERMSIG(status));
    return 2;
}

/* leave(status): ends the process without anything that exit() does */
static int leave(lua_State *L) {
    fflush(NULL);
    _exit((int)luaL_optinteger(L, 1, 0));
    return 0;
}

/* take_descriptors(free): takes all that the process may have, but for as many; release_descriptors() gives them back */
enum { MOST = 256 };
static int taken[MOST], taken_count;
static rlim_t limit_before;

static int release_descriptors(lua_State *L) {
    struct rlimit limit;
    while (taken_count) close(taken[--taken_count]);
    if (!limit_before || getrlimit(RLIMIT_NOFILE, &limit)) return 0;
    limit.rlim_cur = limit_before;
    if (setrlimit(RLIMIT_NOFILE, &limit)) return luaL_error(L, "setrlimit failed");
    limit_before = 0;
    return 0;
}

static int take_descriptors(lua_State *L) {
    struct rlimit limit;
    lua_Integer unused = luaL_checkinteger(L, 1);
    release_descriptors(L);
    if (getrlimit(RLIMIT_NOFILE, &limit)) return luaL_error(L, "getrlimit failed");
    limit_before = limit.rlim_cur;
    limit.rlim_cur = MOST;
    if (setrlimit(RLIMIT_NOFILE, &limit)) return luaL_error(L, "setrlimit failed");
    while (taken_count < MOST && (taken[taken_count] = dup(0)) >= 0) taken_count++;
    while (unused-- > 0 && taken_count) close(taken[--taken_count]);
    return 0;
}

/* descriptors() -> how many are open; only on systems with /proc */
static int descriptors(lua_State *L) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) return 0;
    while (readdir(folder)) count++;
    closedir(folder);
    lua_pushinteger(L, count - 3 - taken_count); /* ".", "..", and the folder itself */
    return 1;
}

/* memory() -> bytes of this process in memory, now; only on systems with /proc */
static int memory(lua_State *L) {
    unsigned long size, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    int read = fscanf(file, "%lu %lu", &size, &resident);
    fclose(file);
    if (read != 2) return 0;
    lua_pushnumber(L, (lua_Number)resident * (lua_Number)sysconf(_SC_PAGESIZE));
    return 1;
}

/* heap() -> bytes that malloc has handed out and not got back; nil where it cannot tell */
static int heap(lua_State *L) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    struct mallinfo2 info = mallinfo2();
    lua_pushnumber(L, (lua_Number)(info.uordblks + info.hblkhd));
#else
    lua_pushnil(L);
#endif
    return 1;
}

/* small_buffer(fd): a socket's receive buffer as small as the system allows */
static int small_buffer(lua_State *L) {
    int fd = (int)luaL_checkinteger(L, 1), size = 1;
    lua_pushboolean(L, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0);
    return 1;
}

/* raise(signal); default_signal(signal): its default action */
static int raise_signal(lua_State *L) {
    lua_pushboolean(L, raise((int)luaL_checkinteger(L, 1)) == 0);
    return 1;
}
static int default_signal(lua_State *L) {
    signal((int)luaL_checkinteger(L, 1), SIG_DFL);
    return 0;
}

/* ---- Lua's own memory ---- */

static lua_Alloc usual;
static void *usual_data;
static long left;

static void *allocate(void *data, void *block, size_t old_size, size_t size) {
    (void)data;
    if (size && (!block || size > old_size) && left-- <= 0) return NULL;
    return usual(usual_data, block, old_size, size);
}

/* lua_allocations(n): after n more of them Lua gets no memory; without n it gets some again */
static int lua_allocations(lua_State *L) {
    if (!usual) usual = lua_getallocf(L, &usual_data);
    if (lua_isnoneornil(L, 1)) {
        lua_setallocf(L, usual, usual_data);
    } else {
        left = (long)luaL_checkinteger(L, 1);
        lua_setallocf(L, allocate, NULL);
    }
    return 0;
}

WSM_EXPORT int luaopen_wsmultiplayer_system(lua_State *L);

int luaopen_wsmultiplayer_system(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"fork", fork_process},
        {"wait", wait_process},
        {"leave", leave},
        {"take_descriptors", take_descriptors},
        {"release_descriptors", release_descriptors},
        {"descriptors", descriptors},
        {"memory", memory},
        {"heap", heap},
        {"small_buffer", small_buffer},
        {"lua_allocations", lua_allocations},
        {"raise", raise_signal},
        {"default_signal", default_signal},
        {NULL, NULL},
    };
    lua_newtable(L);
    for (const luaL_Reg *f = functions; f->name; f++) {
        lua_pushcfunction(L, f->func);
        lua_setfield(L, -2, f->name);
    }
    lua_pushinteger(L, SIGPIPE);
    lua_setfield(L, -2, "SIGPIPE");
    return 1;
}
