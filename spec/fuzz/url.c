/* libFuzzer target: URLs as a program may be given them. What is accepted has to be safe in a request: the request that
 * a client would send for it is one that our own server takes, with just this target and host, and the URL written out
 * again means the same. */
#include <stdbool.h>
#include <string.h>

#include "../../src/core/memory.h"
#include "../../src/core/upgrade.h"
#include "../../src/core/url.h"
#include "fuzz.h"

static bool same(wsm_span span, const char *text, size_t size) {
    return span.size == size && !memcmp(span.text, text, size);
}

static void check_request(const wsm_url *url) {
    static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
    wsm_bytes request = {0}, host = {0};
    wsm_upgrade_request parsed;
    const char *problem;
    if (!wsm_upgrade_write_request(&request, url, (wsm_span){key, sizeof key - 1}, NULL, NULL) ||
        !wsm_bytes_append(&request, "\r\n", 2) || !wsm_upgrade_write_host(&host, url))
        found("out of memory", NULL);
    if (wsm_upgrade_head_size(request.data, request.size, 0) != request.size) found("the request ends early", NULL);
    if (wsm_upgrade_parse((const char *)request.data, request.size, &parsed, &problem) != 101)
        found("a server would refuse the request", problem);
    if (!same(parsed.target, url->path, strlen(url->path))) found("another target is asked for", NULL);
    if (!same(parsed.host, (const char *)host.data, host.size)) found("another host is asked for", NULL);
    wsm_bytes_release(&request);
    wsm_bytes_release(&host);
}

static void check_again(const wsm_url *url) {
    size_t size = strlen(url->host) + strlen(url->path) + 32, public = wsm_url_public_size(url);
    const char *zone = url->host + public;
    char *text = malloc(size);
    wsm_url again;
    wsm_reason reason;
    snprintf(text, size, "%s://%s%.*s%s%s%s:%u%s", url->tls ? "wss" : "ws", url->literal6 ? "[" : "", (int)public,
             url->host, zone[0] && zone[1] ? "%25" : zone, zone[0] ? zone + 1 : "", url->literal6 ? "]" : "",
             (unsigned)url->port, url->path);
    if (wsm_url_parse(&again, text, &reason)) found("a URL written out again is refused", reason.text);
    if (again.tls != url->tls || again.literal6 != url->literal6 || again.port != url->port ||
        strcmp(again.host, url->host) != 0 || strcmp(again.path, url->path) != 0)
        found("a URL written out again means something else", text);
    wsm_url_release(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wsm_url url = {0};
    wsm_reason reason = {""};
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    wsm_error error = wsm_url_parse(&url, text, &reason);
    free(text);
    if (error) {
        if (url.host || url.path) found("a refused URL was filled in", NULL);
        if (!reason.text[0]) found("a refusal without a reason", NULL);
        return 0;
    }
    if (!url.host[0] || url.path[0] != '/' || !url.port) found("a part is missing", NULL);
    check_request(&url);
    check_again(&url);
    wsm_url_release(&url);
    return 0;
}
