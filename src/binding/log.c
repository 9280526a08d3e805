/* The log of libwebsockets for one Lua state. Upvalue of all functions: its wsm_log, a userdata. */
#include "../core/log.h"

#include "../core/lws.h"
#include <string.h>

#include "compat.h"
#include "objects.h"

static const struct {
    const char *name;
    int level;
} levels[] = {{"error", LLL_ERR}, {"warning", LLL_WARN}, {"notice", LLL_NOTICE},
              {"info", LLL_INFO}, {"debug", LLL_DEBUG},  {NULL, 0}};

typedef struct own_log {
    wsm_log log;
    bool collected; /* finalizers that run later must not have it listen again */
} own_log;

static own_log *own(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

/* listen(name or nil): to this level and those that are worse -> whether there is such a level */
static int listen_to(lua_State *L) {
    const char *name = luaL_optstring(L, 1, "");
    int mask = 0, found = lua_isnoneornil(L, 1);
    for (int i = 0; !found && levels[i].name; i++) {
        mask |= levels[i].level;
        found = !strcmp(levels[i].name, name);
    }
    if (found && !own(L)->collected) wsm_log_listen(&own(L)->log, mask);
    lua_pushboolean(L, found);
    return 1;
}

/* take() -> name of the level, line, lines lost before it | nothing */
static int take(lua_State *L) {
    wsm_log_line line;
    size_t lost;
    if (!wsm_log_take(&own(L)->log, &line, &lost)) return 0;
    int i = 0;
    while (levels[i].name && levels[i].level != line.level) i++;
    lua_pushstring(L, levels[i].name ? levels[i].name : "debug");
    lua_pushstring(L, line.text);
    lua_pushnumber(L, (lua_Number)lost);
    return 3;
}

static int collect(lua_State *L) {
    own_log *log = lua_touserdata(L, 1);
    wsm_log_listen(&log->log, 0);
    log->collected = true;
    return 0;
}

void wsm_open_log(lua_State *L) {
    lua_newtable(L);
    own_log *log = lua_newuserdata(L, sizeof *log);
    memset(log, 0, sizeof *log);
    lua_newtable(L);
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, listen_to, 1);
    lua_setfield(L, -3, "listen");
    lua_pushcclosure(L, take, 1);
    lua_setfield(L, -2, "take");
}
