#include "url.h"

#include <string.h>

#include "bytes.h"
#include "memory.h"

typedef struct span {
    const char *start;
    size_t size;
} span;

static wsm_error invalid(wsm_reason *reason, const char *what) {
    return wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "invalid URL: %s", what);
}

static char lower(char c) {
    if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
    return c;
}

static bool equals_lower(span text, const char *expected) {
    if (text.size != strlen(expected)) return false;
    for (size_t i = 0; i < text.size; i++)
        if (lower(text.start[i]) != expected[i]) return false;
    return true;
}

/* Takes "scheme://" off the front; a "://" that comes later belongs to the query. */
static bool take_scheme(span *rest, span *scheme) {
    for (size_t i = 0; i + 2 < rest->size; i++) {
        char c = lower(rest->start[i]);
        if (!memcmp(rest->start + i, "://", 3)) {
            *scheme = (span){rest->start, i};
            *rest = (span){rest->start + i + 3, rest->size - i - 3};
            return true;
        }
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')) break;
    }
    return false;
}

static bool parse_port(span text, uint16_t *port) {
    unsigned long value = 0;
    if (!text.size || text.size > 5) return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.start[i] < '0' || text.start[i] > '9') return false;
        value = value * 10 + (unsigned long)(text.start[i] - '0');
    }
    if (value < 1 || value > 65535) return false;
    *port = (uint16_t)value;
    return true;
}

/* Splits "host", "host:port", "[v6]" or "[v6]:port". */
static const char *parse_authority(span authority, wsm_url *url, span *host) {
    const char *end = authority.start + authority.size, *colon;
    if (authority.size && authority.start[0] == '[') {
        const char *bracket = memchr(authority.start, ']', authority.size);
        if (!bracket) return "'[' without ']'";
        *host = (span){authority.start + 1, (size_t)(bracket - authority.start - 1)};
        url->literal6 = true;
        colon = bracket + 1;
        if (colon < end && *colon != ':') return "unexpected text behind ']'";
        if (colon == end) colon = NULL;
    } else {
        colon = memchr(authority.start, ':', authority.size);
        *host = (span){authority.start, colon ? (size_t)(colon - authority.start) : authority.size};
    }
    if (colon && !parse_port((span){colon + 1, (size_t)(end - colon - 1)}, &url->port))
        return "the port must be a number from 1 to 65535";
    if (!host->size) return "no host";
    for (size_t i = 0; i < host->size; i++) {
        unsigned char c = (unsigned char)host->start[i];
        if (c <= 0x20 || c == 0x7f || strchr("\"<>\\^`{|}[]?", c)) return "a character that no host name has";
        if (url->literal6 && !strchr("0123456789abcdefABCDEF:.%", c) && !memchr(host->start, '%', i))
            return "not an IPv6 address between '[' and ']'";
    }
    return NULL;
}

/* Blanks would split the request line and control characters would add lines to the request. */
static wsm_error copy_path(span path, wsm_url *url, wsm_reason *reason) {
    wsm_bytes out = {0};
    bool ok = path.size > 0 || wsm_bytes_append(&out, "/", 1);
    for (size_t i = 0; ok && i < path.size; i++) {
        unsigned char c = (unsigned char)path.start[i];
        if (c < 0x20 || c == 0x7f) {
            wsm_bytes_release(&out);
            return invalid(reason, "a control character in the path");
        }
        ok = c == ' ' ? wsm_bytes_append(&out, "%20", 3) : wsm_bytes_append(&out, &c, 1);
    }
    if (!ok || !wsm_bytes_append(&out, "", 1)) {
        wsm_bytes_release(&out);
        return wsm_fail(reason, WSM_ERR_OUT_OF_MEMORY, "out of memory");
    }
    url->path = (char *)out.data;
    return WSM_OK;
}

wsm_error wsm_url_parse(wsm_url *url, const char *text, wsm_reason *reason) {
    wsm_url parsed = {0};
    span rest = {text, strcspn(text, "#")}, scheme = {0}, host = {0};

    if (take_scheme(&rest, &scheme)) {
        parsed.tls = equals_lower(scheme, "wss");
        if (!parsed.tls && !equals_lower(scheme, "ws")) return invalid(reason, "the scheme must be ws:// or wss://");
    }
    parsed.port = parsed.tls ? 443 : 80;

    const char *slash = memchr(rest.start, '/', rest.size);
    span authority = {rest.start, slash ? (size_t)(slash - rest.start) : rest.size};
    span path = {rest.start + authority.size, rest.size - authority.size};
    for (size_t i = authority.size; i-- > 0;)
        if (authority.start[i] == '@') {
            authority = (span){authority.start + i + 1, authority.size - i - 1};
            break;
        }

    const char *problem = parse_authority(authority, &parsed, &host);
    if (problem) return invalid(reason, problem);
    wsm_error error = copy_path(path, &parsed, reason);
    if (error) return error;
    parsed.host = wsm_strndup(host.start, host.size);
    if (!parsed.host) {
        wsm_url_release(&parsed);
        return wsm_fail(reason, WSM_ERR_OUT_OF_MEMORY, "out of memory");
    }
    size_t public = wsm_url_public_size(&parsed);
    for (size_t i = 0; i < public; i++) parsed.host[i] = lower(parsed.host[i]);
    /* RFC 6874 has the zone behind "%25", where others have a bare "%". */
    char *zone = parsed.host + public;
    if (!strncmp(zone, "%25", 3) && zone[3]) memmove(zone + 1, zone + 3, strlen(zone + 3) + 1);
    *url = parsed;
    return WSM_OK;
}

void wsm_url_release(wsm_url *url) {
    wsm_free(url->host);
    wsm_free(url->path);
    *url = (wsm_url){0};
}

size_t wsm_url_public_size(const wsm_url *url) { return url->literal6 ? strcspn(url->host, "%") : strlen(url->host); }

bool wsm_url_default_port(const wsm_url *url) { return url->port == (url->tls ? 443 : 80); }
