#include "inbox.h"

#include <string.h>

#include "class.h"

/* Up to this size a copy is cheaper than a protected call. */
enum { SMALL = 1024 };

/* The memory of the packet is held until Lua has what it needs, so an error must not pass this by. */
static void make_protected(lua_State *L, wsm_packet *packet) {
    wsm_packet_hold(packet);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    int status = lua_pcall(L, 2, LUA_MULTRET, 0);
    wsm_packet_release(packet);
    if (status) lua_error(L);
}

wsm_error wsm_inbox_take(lua_State *L, const wsm_inbox *inbox, void *object, wsm_packet *packet) {
    unsigned char copy[SMALL];
    wsm_error error;
    while (lua_settop(L, 2), !(error = inbox->peek(object, packet))) {
        if (packet->size <= SMALL) {
            memcpy(copy, packet->data, packet->size);
            lua_pushlstring(L, (const char *)copy, packet->size);
        } else {
            make_protected(L, packet);
        }
        if (inbox->took(object, packet)) break; /* or a finalizer was faster */
    }
    return error;
}

wsm_error wsm_inbox_make(lua_State *L, const wsm_inbox *inbox, void *object, wsm_packet *packet) {
    wsm_error error;
    while (lua_settop(L, 2), !(error = inbox->peek(object, packet))) {
        make_protected(L, packet);
        if (inbox->took(object, packet)) break;
    }
    return error;
}

int wsm_inbox_push_next(lua_State *L, const wsm_packet_queue *queue) {
    wsm_packet packet;
    if (!wsm_packet_queue_peek(queue, &packet)) return 0;
    lua_pushlstring(L, (const char *)packet.data, packet.size);
    return 1;
}

/* The function is what lies on top, above the class. */
static void add_methods(lua_State *L, const luaL_Reg *methods) {
    lua_insert(L, -2);
    wsm_class_add_methods(L, methods, lua_gettop(L) - 1);
    lua_remove(L, -2);
}

void wsm_inbox_add_methods(lua_State *L, const luaL_Reg *pushing, lua_CFunction push, const luaL_Reg *decoding,
                           lua_CFunction decode, int types) {
    lua_pushcfunction(L, push);
    add_methods(L, pushing);
    lua_pushvalue(L, types);
    lua_pushcclosure(L, decode, 1);
    add_methods(L, decoding);
}
