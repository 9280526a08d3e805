/* libFuzzer target: what may come to a server first. The end of the head must not depend on the pieces it comes in, parts
 * must lie inside it, every answer has to be whole, and what the on_request hook is told must be what was judged. The first
 * byte of the input chooses the pieces and the server's sub-protocols. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <string.h>

#include "../../src/core/upgrade.h"
#include "fuzz.h"

int luaopen_wsmultiplayer_core(lua_State *L);

static lua_State *L;
static wsm_string_list *protocols;

static const char setup[] = "package.path = 'lua/?.lua;' .. package.path\n"
                            "return require('wsmultiplayer.request').parse\n";

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    L = luaL_newstate();
    luaL_openlibs(L);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_wsmultiplayer_core);
    lua_setfield(L, -2, "wsmultiplayer.core");
    lua_pop(L, 1);
    if (luaL_loadstring(L, setup) || lua_pcall(L, 0, 1, 0)) {
        fprintf(stderr, "%s\nRun this in the directory that has lua/.\n", lua_tostring(L, -1));
        exit(1);
    }
    protocols = wsm_string_list_new(2);
    wsm_string_list_set(protocols, 0, "chat", 4);
    wsm_string_list_set(protocols, 1, "v2.game", 7);
    return 0;
}

static void check_inside(wsm_span span, const char *head, size_t size) {
    if (span.size && (span.text < head || span.text + span.size > head + size)) found("a part outside of the head", NULL);
}

/* The answer must be one head, and behind it as many bytes as it says. */
static void check_answer(const wsm_bytes *answer, bool accepts) {
    size_t head = wsm_upgrade_head_size(answer->data, answer->size, 0);
    if (!head) found("an answer without an end", NULL);
    if (accepts && head != answer->size) found("something behind the answer", NULL);
    for (size_t i = 0; i < head; i++)
        if (answer->data[i] == '\n' && (i == 0 || answer->data[i - 1] != '\r')) found("a bare LF in the answer", NULL);
    const char *length = memmem(answer->data, head, "Content-Length: ", 16);
    if (!accepts && (!length || strtoul(length + 16, NULL, 10) != answer->size - head))
        found("an answer of another length", NULL);
}

static void check_field(const char *name, wsm_span expected) {
    size_t size;
    lua_getfield(L, -1, name);
    const char *text = lua_tolstring(L, -1, &size);
    if (!text || size != expected.size || memcmp(text, expected.text, size) != 0) found("the hook sees another", name);
    lua_pop(L, 1);
}

/* What the hook sees: judged heads only. */
static void check_hook(const char *head, size_t size, const wsm_upgrade_request *request) {
    lua_pushvalue(L, 1);
    lua_pushlstring(L, head, size);
    lua_pushliteral(L, "127.0.0.1");
    lua_pushinteger(L, 1);
    lua_pushboolean(L, false);
    if (lua_pcall(L, 4, 1, 0)) found("the hook's request raises an error", lua_tostring(L, -1));
    check_field("target", request->target);
    check_field("host", request->host);
    lua_getfield(L, -1, "headers");
    check_field("sec-websocket-key", request->key);
    lua_settop(L, 1);
}

static void judge(const char *head, size_t size, bool negotiates) {
    wsm_upgrade_request request;
    wsm_span chosen;
    wsm_bytes answer = {0};
    const char *problem = NULL;
    int status = wsm_upgrade_parse(head, size, &request, &problem);
    if (status == 101) {
        check_inside(request.target, head, size);
        check_inside(request.host, head, size);
        check_inside(request.key, head, size);
        for (size_t i = 0; i < request.protocol_lines; i++) check_inside(request.protocols[i], head, size);
        check_hook(head, size, &request);
        if (!wsm_upgrade_choose_protocol(&request, negotiates ? protocols : NULL, &chosen)) return;
        if (chosen.size && !wsm_string_list_contains(protocols, chosen.text, chosen.size))
            found("a sub-protocol that nobody has", NULL);
        if (!wsm_upgrade_write_accept(&answer, request.key, chosen, NULL)) found("no answer", NULL);
    } else {
        if (status < 400 || status > 599 || !problem) found("a refusal without a status or a text", NULL);
        if (!wsm_upgrade_write_refusal(&answer, status, problem, true)) found("no answer", NULL);
    }
    check_answer(&answer, status == 101);
    wsm_bytes_release(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    uint8_t mode = data[0];
    data++, size--;
    size_t whole = head_in_pieces(data, size, mode / 2u);
    if (!whole) return 0;
    char *head = malloc(whole);
    memcpy(head, data, whole);
    judge(head, whole, mode & 1);
    free(head);
    return 0;
}
