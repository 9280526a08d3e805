/* Test-only Lua module: the core's socket-free units, and a whole connection over a link that only records. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <float.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/binding/compat.h"
#include "../../src/core/address_counts.h"
#include "../../src/core/connection.h"
#include "../../src/core/memory.h"
#include "../../src/core/peer_map.h"
#include "../../src/core/upgrade.h"
#include "../../src/core/url.h"
#include "../../src/core/utf8.h"

static const uint8_t *opt_mask(lua_State *L, int index) {
    size_t size = 0;
    const char *mask = luaL_optlstring(L, index, NULL, &size);
    luaL_argcheck(L, !mask || size == 4, index, "a mask has four bytes");
    return (const uint8_t *)mask;
}

/* frame_head(opcode, length [, mask]) -> bytes */
static int frame_head(lua_State *L) {
    unsigned char head[WSM_FRAME_HEAD_MAX];
    size_t size = wsm_frame_write_head(head, (wsm_opcode)luaL_checkinteger(L, 1), (uint64_t)luaL_checknumber(L, 2),
                                       opt_mask(L, 3));
    lua_pushlstring(L, (const char *)head, size);
    return 1;
}

/* mask(data, mask, offset) -> bytes */
static int mask(lua_State *L) {
    size_t size;
    const char *data = luaL_checklstring(L, 1, &size);
    unsigned char *out = lua_newuserdata(L, size + 1);
    wsm_frame_mask(out, (const unsigned char *)data, size, opt_mask(L, 2), (uint64_t)luaL_optinteger(L, 3, 0));
    lua_pushlstring(L, (const char *)out, size);
    return 1;
}

/* read_head(masked, chunk...) -> "more" | "invalid" | "ready", bytes used of the last chunk, fin, opcode, length, mask
 */
static int read_head(lua_State *L) {
    static const char *const names[] = {"more", "ready", "invalid"};
    wsm_frame_reader reader = {0};
    wsm_frame_head head = {0};
    wsm_frame_status status = WSM_FRAME_MORE;
    size_t used = 0;
    for (int i = 2; status == WSM_FRAME_MORE && i <= lua_gettop(L); i++) {
        size_t size;
        const char *chunk = luaL_checklstring(L, i, &size);
        status = wsm_frame_read_head(&reader, lua_toboolean(L, 1), (const unsigned char *)chunk, size, &used, &head);
    }
    lua_pushstring(L, names[status]);
    lua_pushinteger(L, (lua_Integer)used);
    if (status != WSM_FRAME_READY) return 2;
    lua_pushboolean(L, head.fin);
    lua_pushinteger(L, head.opcode);
    lua_pushnumber(L, (lua_Number)head.length);
    lua_pushlstring(L, (const char *)head.mask, head.masked ? 4 : 0);
    return 6;
}

/* utf8(chunk...) -> valid so far, complete */
static int utf8(lua_State *L) {
    wsm_utf8 state = {0};
    bool valid = true;
    for (int i = 1; valid && i <= lua_gettop(L); i++) {
        size_t size;
        const char *chunk = luaL_checklstring(L, i, &size);
        valid = wsm_utf8_feed(&state, (const unsigned char *)chunk, size);
    }
    lua_pushboolean(L, valid);
    lua_pushboolean(L, valid && wsm_utf8_complete(&state));
    return 2;
}

/* url(text) -> tls, host, port, path, literal6 | nil, error, reason */
static int url(lua_State *L) {
    wsm_url parsed;
    wsm_reason reason = {""};
    wsm_error error = wsm_url_parse(&parsed, luaL_checkstring(L, 1), &reason);
    if (error) {
        lua_pushnil(L);
        lua_pushinteger(L, error);
        lua_pushstring(L, reason.text);
        return 3;
    }
    lua_pushboolean(L, parsed.tls);
    lua_pushstring(L, parsed.host);
    lua_pushinteger(L, parsed.port);
    lua_pushstring(L, parsed.path);
    lua_pushboolean(L, parsed.literal6);
    wsm_url_release(&parsed);
    return 5;
}

/* queue() runs packets of many sizes through a packet queue against a model; raises where they differ */
static int queue(lua_State *L) {
    wsm_packet_queue packets = {0};
    wsm_packet packet;
    size_t in = 0, out = 0;
    uint32_t dice = 12345;
    while (out < 20000) {
        dice = dice * 1664525u + 1013904223u;
        size_t size = in % 97 == 0 ? 40000 : (dice >> 20) % 300;
        if (in < 20000 && (dice >> 8) % 5 < 3) {
            if (in % 3 == 0) {
                wsm_bytes bytes = {0};
                if (!wsm_bytes_reserve(&bytes, size + 1)) return luaL_error(L, "out of memory");
                memset(bytes.data, (int)(in & 0xff), size);
                bytes.size = size;
                if (!wsm_packet_queue_push_bytes(&packets, &bytes, (int32_t)in, in & 1))
                    return luaL_error(L, "out of memory");
                wsm_bytes_release(&bytes);
            } else {
                unsigned char *to = wsm_packet_queue_reserve(&packets, size + 1);
                if (in % 7 == 0) to = wsm_packet_queue_reserve(&packets, size); /* a reservation that was given up */
                if (!to) return luaL_error(L, "out of memory");
                memset(to, (int)(in & 0xff), size);
                wsm_packet_queue_commit(&packets, size, (int32_t)in, in & 1);
            }
            in++;
        } else if (wsm_packet_queue_take(&packets, &packet)) {
            for (size_t i = 0; i < packet.size; i++)
                if (packet.data[i] != (out & 0xff)) return luaL_error(L, "packet %d: wrong content", (int)out);
            if (packet.source != (int32_t)out || packet.text != (out & 1))
                return luaL_error(L, "packet %d: wrong notes", (int)out);
            wsm_packet_release(&packet);
            out++;
        }
        if (packets.count != in - out) return luaL_error(L, "count is %d, not %d", (int)packets.count, (int)(in - out));
    }
    wsm_packet_queue_clear(&packets);
    return 0;
}

/* peer_map() files and removes thousands of ids and checks after each that all others are found */
static int peer_map(lua_State *L) {
    enum { COUNT = 3000 };
    wsm_peer_map map = {0};
    wsm_connection *connections = lua_newuserdata(L, COUNT * sizeof *connections);
    memset(connections, 0, COUNT * sizeof *connections);
    for (int i = 0; i < COUNT; i++) {
        connections[i].id = i % 2 ? i + 2 : (i + 2) << 18; /* neighbours, and ids that collide */
        if (!wsm_peer_map_put(&map, &connections[i])) return luaL_error(L, "out of memory");
    }
    for (int i = 0; i < COUNT; i++) {
        int gone = (i * 7) % COUNT;
        wsm_peer_map_remove(&map, connections[gone].id);
        wsm_peer_map_remove(&map, connections[gone].id);
        connections[gone].joined = true; /* removed */
        for (int j = 0; j < COUNT; j += i % 100 == 0 ? 1 : 61)
            if (wsm_peer_map_get(&map, connections[j].id) != (connections[j].joined ? NULL : &connections[j]))
                return luaL_error(L, "id %d is not as it should be", (int)connections[j].id);
    }
    lua_pushinteger(L, (lua_Integer)map.count);
    wsm_peer_map_release(&map);
    return 1;
}

/* address_count({"1.2.3.4", ...}, address) -> how many of these count for that address; checks that none is left when
 * they are removed again */
static wsm_address to_address(const char *text) {
    wsm_address address = {.size = 4};
    if (inet_pton(AF_INET, text, address.bytes) != 1)
        address.size = inet_pton(AF_INET6, text, address.bytes) == 1 ? 16 : 0;
    return address;
}
static int address_count(lua_State *L) {
    wsm_address_counts counts = {0};
    wsm_address asked = to_address(luaL_checkstring(L, 2)), address;
    int given = (int)lua_rawlen(L, 1);
    luaL_checkstack(L, given + 1, NULL);
    for (int i = 1; i <= given; i++) {
        lua_rawgeti(L, 1, i);
        address = to_address(lua_tostring(L, -1));
        if (!wsm_address_counts_add(&counts, &address)) return luaL_error(L, "out of memory");
    }
    lua_pushinteger(L, (lua_Integer)wsm_address_counts_get(&counts, &asked));
    for (int i = 1; i <= given; i++) {
        address = to_address(lua_tostring(L, i + 2));
        size_t before = wsm_address_counts_get(&counts, &address);
        wsm_address_counts_remove(&counts, &address);
        if (!before || wsm_address_counts_get(&counts, &address) != before - 1)
            return luaL_error(L, "%s was not counted well", lua_tostring(L, i + 2));
        wsm_address_counts_remove(&counts, &(wsm_address){.size = 4, .bytes = {0}});
    }
    size_t left = counts.used;
    wsm_address_counts_release(&counts);
    return left ? luaL_error(L, "something is left") : 1;
}

/* ---- a connection without a socket ---- */

typedef struct fake {
    wsm_connection *connection;
    wsm_packet_queue inbox;
    wsm_bytes written;
    bool busy;
} fake;

static bool fake_write(wsm_connection *connection, unsigned char *data, size_t size) {
    fake *self = connection->link.service;
    return wsm_bytes_append(&self->written, data, size);
}
static bool fake_busy(const wsm_connection *connection) { return ((fake *)connection->link.service)->busy; }
static void fake_changed(wsm_connection *connection) { (void)connection; }
static bool fake_no_delay(wsm_connection *connection, bool enabled) { return connection && enabled; }
static const wsm_link_ops fake_ops = {
    .write = fake_write, .busy = fake_busy, .changed = fake_changed, .set_no_delay = fake_no_delay};

static fake *check(lua_State *L) { return luaL_checkudata(L, 1, "wsm.fake"); }

/* connection(inbound_buffer_size, max_queued_packets [, protocol]): the server's side, waiting for a request */
static int new_connection(lua_State *L) {
    wsm_settings settings = {.inbound_buffer_size = (int32_t)luaL_optinteger(L, 1, WSM_DEFAULT_BUFFER_SIZE),
                             .outbound_buffer_size = WSM_DEFAULT_BUFFER_SIZE,
                             .max_queued_packets = (int32_t)luaL_optinteger(L, 2, WSM_DEFAULT_MAX_QUEUED_PACKETS)};
    size_t size;
    const char *protocol = luaL_optlstring(L, 3, NULL, &size);
    fake *self = lua_newuserdata(L, sizeof *self);
    memset(self, 0, sizeof *self);
    luaL_getmetatable(L, "wsm.fake");
    lua_setmetatable(L, -2);
    if (protocol) {
        settings.protocols = wsm_string_list_new(1);
        wsm_string_list_set(settings.protocols, 0, protocol, size);
    }
    self->connection = wsm_connection_new(true, &settings, &self->inbox);
    wsm_string_list_unref(settings.protocols);
    self->connection->alive = true;
    self->connection->link.ops = &fake_ops;
    self->connection->link.service = self;
    return 1;
}

/* receive(bytes): in memory of exactly that size, so that a sanitizer sees every byte too many */
static int fake_receive(lua_State *L) {
    fake *self = check(L);
    size_t size;
    const char *data = luaL_checklstring(L, 2, &size);
    unsigned char *copy = wsm_alloc(size ? size : 1);
    memcpy(copy, data, size);
    wsm_connection_receive(self->connection, copy, size);
    wsm_free(copy);
    return 0;
}

/* welcome(): what the owner does when it has announced the connection */
static int fake_welcome(lua_State *L) {
    fake *self = check(L);
    self->connection->on_hold = false;
    wsm_connection_resume(self->connection);
    return 0;
}

/* take() -> packet, is_text | nil */
static int fake_take(lua_State *L) {
    fake *self = check(L);
    wsm_packet packet;
    if (!wsm_packet_queue_take(&self->inbox, &packet)) return 0;
    lua_pushlstring(L, (const char *)packet.data, packet.size);
    lua_pushboolean(L, packet.text);
    wsm_connection_taken(self->connection, packet.size);
    wsm_packet_release(&packet);
    wsm_connection_resume(self->connection);
    return 2;
}

/* sent() -> what was written since the last call */
static int fake_sent(lua_State *L) {
    fake *self = check(L);
    wsm_connection_flush(self->connection);
    lua_pushlstring(L, self->written.data ? (const char *)self->written.data : "", self->written.size);
    self->written.size = 0;
    return 1;
}

/* status() -> state, close code, close reason, unread packets, bytes held back */
static int fake_status(lua_State *L) {
    fake *self = check(L);
    lua_pushinteger(L, self->connection->state);
    lua_pushinteger(L, self->connection->close_code);
    lua_pushstring(L, self->connection->close_reason ? self->connection->close_reason : "");
    lua_pushinteger(L, (lua_Integer)self->inbox.count);
    lua_pushinteger(L, (lua_Integer)self->connection->held.size);
    return 5;
}

static int fake_send(lua_State *L) {
    fake *self = check(L);
    size_t size;
    const char *data = luaL_checklstring(L, 2, &size);
    lua_pushinteger(L, wsm_connection_send(self->connection, WSM_OP_BINARY, data, size, NULL));
    return 1;
}

static int fake_set_busy(lua_State *L) {
    check(L)->busy = lua_toboolean(L, 2);
    return 0;
}

static int fake_close(lua_State *L) {
    fake *self = check(L);
    size_t size;
    const char *reason = luaL_optlstring(L, 3, "", &size);
    wsm_connection_close(self->connection, (int)luaL_checkinteger(L, 2), reason, size);
    return 0;
}

static int fake_gc(lua_State *L) {
    fake *self = check(L);
    if (self->connection) {
        wsm_connection_disown(self->connection);
        self->connection->alive = false;
        self->connection->link.ops = NULL;
    }
    wsm_connection_unref(self->connection);
    wsm_packet_queue_clear(&self->inbox);
    wsm_bytes_release(&self->written);
    self->connection = NULL;
    return 0;
}

/* descriptors() -> how many this process has open, of the first 4096 */
static int descriptors(lua_State *L) {
    lua_Integer count = 0;
    for (int fd = 0; fd < 4096; fd++) count += fcntl(fd, F_GETFD) >= 0;
    lua_pushinteger(L, count);
    return 1;
}

/* in_child(function) -> whether it returned true in a forked child, which ends there */
static int in_child(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    int status = -1;
    pid_t child = fork();
    if (child < 0) return luaL_error(L, "no process");
    if (child == 0) {
        lua_settop(L, 1);
        _exit(lua_pcall(L, 0, 1, 0) == 0 && lua_toboolean(L, -1) ? 0 : 1);
    }
    waitpid(child, &status, 0);
    lua_pushboolean(L, WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 1;
}

static void set_functions(lua_State *L, const luaL_Reg *functions) {
    for (; functions->name; functions++) {
        lua_pushcfunction(L, functions->func);
        lua_setfield(L, -2, functions->name);
    }
}

WSM_EXPORT int luaopen_wsmultiplayer_units(lua_State *L);

int luaopen_wsmultiplayer_units(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"receive", fake_receive},   {"welcome", fake_welcome},
        {"take", fake_take},         {"sent", fake_sent},
        {"status", fake_status},     {"send", fake_send},
        {"set_busy", fake_set_busy}, {"close", fake_close},
        {"__gc", fake_gc},           {NULL, NULL},
    };
    static const luaL_Reg functions[] = {
        {"frame_head", frame_head},
        {"mask", mask},
        {"read_head", read_head},
        {"utf8", utf8},
        {"url", url},
        {"queue", queue},
        {"peer_map", peer_map},
        {"address_count", address_count},
        {"connection", new_connection},
        {"descriptors", descriptors},
        {"in_child", in_child},
        {NULL, NULL},
    };
    luaL_newmetatable(L, "wsm.fake");
    set_functions(L, methods);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_newtable(L);
    set_functions(L, functions);
    lua_pushboolean(L, FLT_EVAL_METHOD == 2);
    lua_setfield(L, -2, "x87"); /* 32-bit x86 */
    return 1;
}
