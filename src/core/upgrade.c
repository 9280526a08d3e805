#include "upgrade.h"

#include <stdio.h>
#include <string.h>

#include "lws.h"

static const char accept_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
enum { KEY_SIZE = 24, SHA1_SIZE = 20 };

static bool is_token_character(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(wsm_span span) {
    for (size_t i = 0; i < span.size; i++)
        if (!is_token_character((unsigned char)span.text[i])) return false;
    return span.size > 0;
}

/* A header value: no control characters but the tab (RFC 9110 section 5.5). */
static bool is_value(wsm_span span) {
    for (size_t i = 0; i < span.size; i++) {
        unsigned char c = (unsigned char)span.text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

/* A request target: neither blanks nor control characters. */
static bool is_target(wsm_span span) {
    for (size_t i = 0; i < span.size; i++)
        if ((unsigned char)span.text[i] <= 0x20 || span.text[i] == 0x7f) return false;
    return span.size > 0;
}

/* "/path", or the absolute form that proxies get. */
static bool names_resource(wsm_span target) {
    return target.text[0] == '/' || memmem(target.text, target.size, "://", 3);
}

static bool equals(wsm_span span, const char *text) {
    return span.size == strlen(text) && !memcmp(span.text, text, span.size);
}

static bool equals_ignoring_case(wsm_span span, const char *lower) {
    if (span.size != strlen(lower)) return false;
    for (size_t i = 0; i < span.size; i++) {
        char c = span.text[i];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != lower[i]) return false;
    }
    return true;
}

static wsm_span trim(wsm_span span) {
    while (span.size && (span.text[0] == ' ' || span.text[0] == '\t')) span.text++, span.size--;
    while (span.size && (span.text[span.size - 1] == ' ' || span.text[span.size - 1] == '\t')) span.size--;
    return span;
}

/* Takes the part before the first `separator` (or all) off the front of `rest`. */
static wsm_span take(wsm_span *rest, char separator) {
    const char *at = rest->size ? memchr(rest->text, separator, rest->size) : NULL;
    size_t size = at ? (size_t)(at - rest->text) : rest->size;
    wsm_span part = {rest->text, size};
    size_t skip = at ? size + 1 : size;
    *rest = (wsm_span){rest->text + skip, rest->size - skip};
    return part;
}

/* Takes the next line of a head, which must end with CR LF. */
static bool take_line(wsm_span *rest, wsm_span *line) {
    *line = take(rest, '\n');
    if (!line->size || line->text[line->size - 1] != '\r') return false;
    line->size--;
    return true;
}

static bool split_header(wsm_span line, wsm_span *name, wsm_span *value) {
    *value = line;
    *name = take(value, ':');
    if (name->size == line.size || !is_token(*name) || !is_value(*value)) return false;
    *value = trim(*value);
    return true;
}

bool wsm_upgrade_list_has(wsm_span list, const char *lower) {
    while (list.size)
        if (equals_ignoring_case(trim(take(&list, ',')), lower)) return true;
    return false;
}

size_t wsm_upgrade_head_size(const unsigned char *data, size_t size, size_t seen) {
    for (size_t i = seen; i < size; i++) {
        const unsigned char *lf = memchr(data + i, '\n', size - i);
        if (!lf) return 0;
        i = (size_t)(lf - data);
        if (i >= 3 && !memcmp(data + i - 3, "\r\n\r\n", 4)) return i + 1;
    }
    return 0;
}

/* What was found in the header lines. */
typedef struct findings {
    unsigned hosts, keys, versions;
    bool upgrade, connection, version13, body, protocol_overflow, old; /* old: HTTP/1.0 */
} findings;

static void note_header(wsm_span name, wsm_span value, wsm_upgrade_request *request, findings *found) {
    if (equals_ignoring_case(name, "host")) {
        request->host = value;
        found->hosts++;
    } else if (equals_ignoring_case(name, "sec-websocket-key")) {
        request->key = value;
        found->keys++;
    } else if (equals_ignoring_case(name, "sec-websocket-version")) {
        found->version13 = equals(value, "13");
        found->versions++;
    } else if (equals_ignoring_case(name, "upgrade")) {
        found->upgrade = found->upgrade || wsm_upgrade_list_has(value, "websocket");
    } else if (equals_ignoring_case(name, "connection")) {
        found->connection = found->connection || wsm_upgrade_list_has(value, "upgrade");
    } else if (equals_ignoring_case(name, "sec-websocket-protocol")) {
        if (request->protocol_lines < sizeof request->protocols / sizeof *request->protocols)
            request->protocols[request->protocol_lines++] = value;
        else
            found->protocol_overflow = true;
    } else if (equals_ignoring_case(name, "transfer-encoding") ||
               (equals_ignoring_case(name, "content-length") && !equals(value, "0"))) {
        found->body = true;
    }
}

/* Returns 101, or the status to refuse with; only after 400 the rest is not worth reading. */
static int parse_request_line(wsm_span line, wsm_upgrade_request *request, findings *found, const char **problem) {
    wsm_span method = take(&line, ' ');
    request->target = take(&line, ' ');
    if (!is_token(method) || !is_target(request->target) || line.size < 5 || memcmp(line.text, "HTTP/", 5) != 0) {
        *problem = "not an HTTP request";
        return 400;
    }
    found->old = equals(line, "HTTP/1.0");
    request->plain = found->old || equals(line, "HTTP/1.1");
    if (!equals(line, "HTTP/1.1")) {
        *problem = "HTTP/1.1 is required";
        return 505;
    }
    if (!equals(method, "GET")) {
        *problem = "the method must be GET";
        return 405;
    }
    return 101;
}

static bool valid_key(wsm_span key) {
    if (key.size != KEY_SIZE || memcmp(key.text + KEY_SIZE - 2, "==", 2) != 0) return false;
    for (size_t i = 0; i < KEY_SIZE - 2; i++) {
        char c = key.text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/'))
            return false;
    }
    return true;
}

static int judge(const wsm_upgrade_request *request, const findings *found, const char **problem) {
    if (found->hosts != 1) {
        *problem = "exactly one Host header is required";
        return 400;
    }
    if (!found->upgrade) {
        *problem = "this is a WebSocket server: an Upgrade to websocket is required";
        return 426;
    }
    *problem = !names_resource(request->target) ? "the target must be a path"
               : !found->connection             ? "Connection must name Upgrade"
               : found->body                    ? "a body is not allowed"
                                                : NULL;
    if (*problem) return 400;
    if (found->versions != 1 || !found->version13) {
        *problem = "Sec-WebSocket-Version must be 13";
        return 426;
    }
    if (found->keys != 1 || !valid_key(request->key))
        *problem = "Sec-WebSocket-Key must be 16 bytes in base64";
    else if (found->protocol_overflow)
        *problem = "too many Sec-WebSocket-Protocol lines";
    return *problem ? 400 : 101;
}

int wsm_upgrade_parse(const char *head, size_t size, wsm_upgrade_request *request, const char **problem) {
    findings found = {0};
    *request = (wsm_upgrade_request){0};
    *problem = NULL;
    int status = 101;
    wsm_span rest = {head, size - 2}; /* without the empty line */
    for (bool first = true; rest.size; first = false) {
        wsm_span line, name, value;
        if (!take_line(&rest, &line)) {
            *problem = "lines must end with CR LF";
            request->plain = false;
            return 400;
        }
        if (first) {
            status = parse_request_line(line, request, &found, problem);
            if (status == 400) return status;
            continue;
        }
        if (!split_header(line, &name, &value)) {
            *problem = "malformed header line";
            request->plain = false;
            return 400;
        }
        note_header(name, value, request, &found);
    }
    request->plain =
        request->plain && !found.upgrade && !found.body && (found.hosts == 1 || (found.old && !found.hosts));
    return status == 101 ? judge(request, &found, problem) : status;
}

bool wsm_upgrade_choose_protocol(const wsm_upgrade_request *request, const wsm_string_list *supported,
                                 wsm_span *chosen) {
    *chosen = (wsm_span){0};
    if (!request->protocol_lines) return wsm_string_list_count(supported) == 0;
    for (size_t i = 0; i < request->protocol_lines; i++) {
        wsm_span list = request->protocols[i];
        while (list.size) {
            wsm_span wanted = trim(take(&list, ','));
            if (wanted.size && wsm_string_list_contains(supported, wanted.text, wanted.size)) {
                *chosen = wanted;
                return true;
            }
        }
    }
    return false;
}

static bool append_line(wsm_bytes *out, const char *name, wsm_span value) {
    return wsm_bytes_append_text(out, name) && wsm_bytes_append(out, value.text, value.size) &&
           wsm_bytes_append(out, "\r\n", 2);
}

static bool append_lines(wsm_bytes *out, const wsm_string_list *lines) {
    for (size_t i = 0; i < wsm_string_list_count(lines); i++)
        if (!append_line(out, "", (wsm_span){lines->items[i], strlen(lines->items[i])})) return false;
    return true;
}

/* The value of Sec-WebSocket-Accept for a key, and its size; not positive if it failed. */
static int accept_value(const char *key, char accept[32]) {
    unsigned char joined[KEY_SIZE + sizeof accept_guid], digest[SHA1_SIZE];
    memcpy(joined, key, KEY_SIZE);
    memcpy(joined + KEY_SIZE, accept_guid, sizeof accept_guid - 1);
    lws_SHA1(joined, KEY_SIZE + sizeof accept_guid - 1, digest);
    return lws_b64_encode_string((const char *)digest, SHA1_SIZE, accept, 32);
}

bool wsm_upgrade_make_key(const unsigned char bytes[16], char key[32]) {
    return lws_b64_encode_string((const char *)bytes, 16, key, 32) == KEY_SIZE;
}

/* "HTTP/1.1 101 ..." -> 101, 0 for anything that is no status line. */
static int status_of(wsm_span line) {
    wsm_span version = take(&line, ' '), code = take(&line, ' ');
    if (version.size != 8 || memcmp(version.text, "HTTP/1.", 7) != 0 || code.size != 3) return 0;
    int status = 0;
    for (size_t i = 0; i < 3; i++) {
        if (code.text[i] < '0' || code.text[i] > '9') return 0;
        status = status * 10 + (code.text[i] - '0');
    }
    return status;
}

const char *wsm_upgrade_judge_answer(const char *head, size_t size, const char *key, const wsm_string_list *protocols,
                                     wsm_span *protocol, int *status) {
    static const char no_answer[] = "the server's answer is not one to a WebSocket request";
    static const char no_protocol[] = "no sub-protocol could be agreed on";
    char expected[32];
    unsigned protocol_lines = 0, accept_lines = 0;
    bool upgrade = false, connection = false, accept = false, extensions = false;
    int expected_size = accept_value(key, expected);
    wsm_span rest = {head, size - 2}; /* without the empty line */
    *protocol = (wsm_span){0};
    *status = 0;
    for (bool first = true; rest.size; first = false) {
        wsm_span line, name, value;
        if (!take_line(&rest, &line)) return no_answer;
        if (first) {
            *status = status_of(line);
            if (*status != 101 || memcmp(line.text, "HTTP/1.1", 8) != 0 || !is_value(line)) return no_answer;
            continue;
        }
        if (!split_header(line, &name, &value)) return no_answer;
        if (equals_ignoring_case(name, "upgrade")) upgrade = upgrade || equals_ignoring_case(value, "websocket");
        if (equals_ignoring_case(name, "connection")) connection = connection || wsm_upgrade_list_has(value, "upgrade");
        if (equals_ignoring_case(name, "sec-websocket-accept")) {
            accept_lines++;
            accept =
                expected_size > 0 && value.size == (size_t)expected_size && !memcmp(value.text, expected, value.size);
        }
        if (equals_ignoring_case(name, "sec-websocket-extensions")) extensions = extensions || value.size;
        if (equals_ignoring_case(name, "sec-websocket-protocol")) {
            *protocol = value;
            protocol_lines++;
        }
    }
    if (!upgrade || !connection || extensions) return no_answer;
    if (!accept || accept_lines != 1) return "the server's Sec-WebSocket-Accept is wrong";
    if (protocol_lines ? protocol_lines > 1 || !wsm_string_list_contains(protocols, protocol->text, protocol->size)
                       : wsm_string_list_count(protocols) > 0)
        return no_protocol;
    return NULL;
}

bool wsm_upgrade_write_accept(wsm_bytes *out, wsm_span key, wsm_span protocol, const wsm_string_list *headers) {
    char accept[32];
    int accept_size = accept_value(key.text, accept);
    return accept_size > 0 &&
           wsm_bytes_append_text(out,
                                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n") &&
           append_line(out, "Sec-WebSocket-Accept: ", (wsm_span){accept, (size_t)accept_size}) &&
           (!protocol.size || append_line(out, "Sec-WebSocket-Protocol: ", protocol)) && append_lines(out, headers) &&
           wsm_bytes_append(out, "\r\n", 2);
}

static const char *status_text(int status) {
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default:
        return status < 300 ? "OK" : status < 400 ? "Redirected" : status < 500 ? "Refused" : "Internal Server Error";
    }
}

bool wsm_upgrade_write_refusal(wsm_bytes *out, int status, const char *problem, bool with_body) {
    char head[256];
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 %d %s\r\n%sConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        status, status_text(status),
                        status == 426   ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                        : status == 405 ? "Allow: GET\r\n"
                                        : "",
                        strlen(problem) + 1);
    return size > 0 && wsm_bytes_append(out, head, (size_t)size) &&
           (!with_body || (wsm_bytes_append_text(out, problem) && wsm_bytes_append(out, "\n", 1)));
}

bool wsm_upgrade_write_response(wsm_bytes *out, int status, const wsm_string_list *lines, const size_t *length) {
    char text[64];
    snprintf(text, sizeof text, "HTTP/1.1 %d %s\r\n", status, status_text(status));
    if (!wsm_bytes_append_text(out, text) || !append_lines(out, lines)) return false;
    if (length) snprintf(text, sizeof text, "Content-Length: %zu\r\n", *length);
    return (!length || wsm_bytes_append_text(out, text)) && wsm_bytes_append_text(out, "Connection: close\r\n\r\n");
}

bool wsm_upgrade_write_host(wsm_bytes *out, const wsm_url *url) {
    char port[8] = "";
    if (!wsm_url_default_port(url)) snprintf(port, sizeof port, ":%u", (unsigned)url->port);
    return (!url->literal6 || wsm_bytes_append(out, "[", 1)) &&
           wsm_bytes_append(out, url->host, wsm_url_public_size(url)) &&
           (!url->literal6 || wsm_bytes_append(out, "]", 1)) && wsm_bytes_append_text(out, port);
}

bool wsm_upgrade_write_request(wsm_bytes *out, const wsm_url *url, wsm_span key, const wsm_string_list *protocols,
                               const wsm_string_list *headers) {
    bool ok = wsm_bytes_append_text(out, "GET ") && wsm_bytes_append_text(out, url->path) &&
              wsm_bytes_append_text(out, " HTTP/1.1\r\nHost: ") && wsm_upgrade_write_host(out, url) &&
              wsm_bytes_append_text(out, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n") &&
              append_line(out, "Sec-WebSocket-Key: ", key) &&
              wsm_bytes_append_text(out, "Sec-WebSocket-Version: 13\r\n");
    size_t count = wsm_string_list_count(protocols);
    for (size_t i = 0; ok && i < count; i++)
        ok = wsm_bytes_append_text(out, i ? "," : "Sec-WebSocket-Protocol: ") &&
             wsm_bytes_append_text(out, protocols->items[i]);
    return ok && (!count || wsm_bytes_append(out, "\r\n", 2)) && append_lines(out, headers);
}

wsm_error wsm_upgrade_check_lines(const wsm_string_list *lines, const char *what, wsm_reason *reason) {
    for (size_t i = 0; i < wsm_string_list_count(lines); i++) {
        const char *item = lines->items[i];
        wsm_span value = {item, strlen(item)}, line = value, name = take(&value, ':');
        if (name.size == line.size || !is_token(name) || !is_value(value))
            return wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "%s[%zu]: \"%s\" is not a line \"Name: value\"", what,
                            i + 1, item);
    }
    return WSM_OK;
}

wsm_error wsm_upgrade_check_lists(const wsm_string_list *protocols, const wsm_string_list *headers,
                                  wsm_reason *reason) {
    for (size_t i = 0; i < wsm_string_list_count(protocols); i++) {
        const char *item = protocols->items[i];
        if (!is_token((wsm_span){item, strlen(item)}))
            return wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "supported_protocols[%zu]: \"%s\" is not a token", i + 1,
                            item);
    }
    return wsm_upgrade_check_lines(headers, "handshake_headers", reason);
}
