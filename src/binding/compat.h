/* One source for Lua 5.1 to 5.5 and LuaJIT: what differs between them, and nothing else. */
#ifndef WSM_COMPAT_H
#define WSM_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

#if LUA_VERSION_NUM == 501
#define lua_rawlen lua_objlen
/* A userdata's one Lua value: its environment table. */
#define wsm_setfields(L, index) lua_setfenv(L, index)
#define wsm_getfields(L, index) lua_getfenv(L, index)
#define wsm_newuserdata(L, size) lua_newuserdata(L, size)
#elif LUA_VERSION_NUM < 504
#define wsm_setfields(L, index) lua_setuservalue(L, index)
#define wsm_getfields(L, index) lua_getuservalue(L, index)
#define wsm_newuserdata(L, size) lua_newuserdata(L, size)
#else
#define wsm_setfields(L, index) lua_setiuservalue(L, index, 1)
#define wsm_getfields(L, index) lua_getiuservalue(L, index, 1)
#define wsm_newuserdata(L, size) lua_newuserdatauv(L, size, 1)
#endif

#if defined(_WIN32)
#define WSM_EXPORT __declspec(dllexport)
#else
#define WSM_EXPORT __attribute__((visibility("default")))
#endif

#endif
