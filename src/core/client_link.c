/* Who owns what: the client holds one reference to its connection, and is the only user of its libwebsockets context.
 * For TLS the context is made by the look-up's thread, because reading the system's authorities takes tens of
 * milliseconds; until the client takes it over it belongs to the look-up. */
#include "client_private.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authorities.h"
#include "clock.h"
#include "memory.h"
#include "platform.h"
#include "process.h"
#include "upgrade.h"
#include "watch.h"

enum { ADDRESS_LIMIT_MS = 30000 };
/* Not all that libwebsockets waits for is visible from here while it connects, or speaks TLS. */
enum { CONNECTING_SLICE_MS = 10, TLS_SLICE_MS = 50 };

/* ---- what the connection asks for ---- */

void wsm_client_changed(wsm_connection *connection) { connection->link.attention = true; }

static const wsm_link_ops tls_ops = {
    .write = wsm_lws_write, .busy = wsm_lws_busy, .changed = wsm_client_changed, .set_no_delay = wsm_lws_set_no_delay};

/* ---- libwebsockets ---- */

/* Whether the server has reset the connection. Versions 4.2 to 4.5 read freed memory when a request can't be sent; this
 * leaves that to a reset that arrives in the microseconds until it is, and then nothing else has had the memory yet. */
static bool was_reset(struct lws *wsi) {
    struct pollfd polled = wsm_polled(lws_get_socket_fd(wsi), 0);
    return wsm_poll(&polled, 1, 0) > 0 && (polled.revents & (POLLERR | POLLHUP));
}

/* Replaces the request that libwebsockets composed by our own, which is Godot's to the byte; only the key stays. */
static int compose_request(wsm_client *client, struct lws *wsi, char **end, size_t room) {
    static const char key_name[] = "Sec-WebSocket-Key: ";
    wsm_bytes request = {0};
    char *start = *end;
    for (size_t back = 0; memcmp(start, "GET ", 4) != 0; back++) {
        if (back == 8192) return -1;
        start--;
    }
    size_t composed = (size_t)(*end - start);
    char *key = NULL;
    for (size_t i = 0; !key && i + sizeof key_name + 24 < composed; i++)
        if (!memcmp(start + i, key_name, sizeof key_name - 1)) key = start + i + sizeof key_name - 1;
    bool ok =
        key && wsm_upgrade_write_request(&request, &client->url, (wsm_span){key, 24},
                                         client->connection->settings.protocols, client->connection->settings.headers);
    if (ok && request.size > composed + room) {
        snprintf(client->error, sizeof client->error, "the request is too large");
        ok = false;
    }
    if (ok && was_reset(wsi)) {
        snprintf(client->error, sizeof client->error, "the server closed the connection");
        ok = false;
    }
    if (ok) {
        memcpy(start, request.data, request.size);
        *end = start + request.size;
    }
    wsm_bytes_release(&request);
    client->request_sent = true;
    return ok ? 0 : -1;
}

/* libwebsockets takes "Up" for an upgrade, and looks at the first of several Sec-WebSocket-Accept lines only. */
static bool upgrades(struct lws *wsi) {
    enum { ACCEPT_SIZE = 28 };
    char list[256];
    int length = lws_hdr_copy(wsi, list, sizeof list, WSI_TOKEN_CONNECTION);
    return length > 0 && wsm_upgrade_list_has((wsm_span){list, (size_t)length}, "upgrade") &&
           lws_hdr_total_length(wsi, WSI_TOKEN_ACCEPT) == ACCEPT_SIZE;
}

/* libwebsockets takes an answer without a sub-protocol although one was asked for; Godot does not. */
static int check_answer(wsm_client *client, struct lws *wsi) {
    if (!upgrades(wsi)) {
        snprintf(client->error, sizeof client->error, "HS: Connection or Sec-WebSocket-Accept");
        return -1;
    }
    char protocol[256];
    const wsm_string_list *asked = client->connection->settings.protocols;
    int length = lws_hdr_copy(wsi, protocol, sizeof protocol, WSI_TOKEN_PROTOCOL);
    bool agreed =
        length > 0 ? wsm_string_list_contains(asked, protocol, strlen(protocol)) : !wsm_string_list_count(asked);
    if (!agreed) snprintf(client->error, sizeof client->error, "no sub-protocol could be agreed on");
    if (agreed && length > 0) client->connection->protocol = wsm_strndup(protocol, strlen(protocol));
    return agreed ? 0 : -1;
}

static int receive_close(wsm_client *client, const unsigned char *payload, size_t size) {
    wsm_connection *connection = client->connection;
    wsm_connection_receive_close(connection, payload, size);
    /* Our answer is sent (or is not wanted any more): libwebsockets must not send a second one. */
    if (connection->state == WSM_STATE_CLOSED) return -1;
    /* When it has sent what it holds, it sends an answer of its own, and closes. */
    wsm_send_queue_clear(&connection->out);
    return 0;
}

static void receive(wsm_client *client, struct lws *wsi, const unsigned char *data, size_t size) {
    wsm_connection_receive_part(client->connection, !lws_frame_is_binary(wsi), lws_is_final_fragment(wsi), data, size,
                                lws_remaining_packet_payload(wsi));
    if (client->connection->stopped && !client->reading_stopped) {
        client->reading_stopped = true;
        lws_rx_flow_control(wsi, 0);
    }
}

static void note_error(wsm_client *client, const char *text, size_t size) {
    if (client->error[0] || !text || !size) return;
    snprintf(client->error, sizeof client->error, "%.*s", (int)(size < 120 ? size : 120), text);
}

static int callback(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t size) {
    struct lws_vhost *vhost = lws_get_vhost(wsi);
    client_context *own = vhost ? lws_vhost_user(vhost) : NULL;
    wsm_client *client = own ? own->client : NULL;
    (void)user;
    if (!client) return 0;
    switch ((int)why) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: client->progress++; return compose_request(client, wsi, in, size);
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        client->progress++;
        client->http_status = (int)lws_http_client_http_response(wsi);
        break;
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH: return check_answer(client, wsi);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        client->progress++;
        client->attempting = false;
        wsm_connection_opened(client->connection);
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        client->progress++;
        receive(client, wsi, in, size);
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        client->progress++;
        wsm_connection_receive_pong(client->connection, in, size);
        break;
    case LWS_CALLBACK_CLIENT_WRITEABLE: client->progress++; break;
    case LWS_CALLBACK_RAW_ADOPT: client->connection->link.wsi = wsi; break;
    case LWS_CALLBACK_RAW_RX: wsm_client_plain_take(client, in, size); break;
    case LWS_CALLBACK_WSI_CREATE:
        client->progress++;
        client->tcp_connected = true;
        break;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: client->progress++; return receive_close(client, in, size);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        client->progress++;
        note_error(client, in, size);
        break;
    case LWS_CALLBACK_WSI_DESTROY:
        client->progress++;
        if (client->connection->link.wsi != wsi && !client->attempting) break;
        client->connection->link.wsi = NULL;
        client->connection->link.fd = -1;
        if (client->attempting)
            client->failed = true;
        else
            wsm_connection_lost(client->connection);
        break;
    default: break;
    }
    return 0;
}

static void drop_socket(wsm_client *client) {
    if (client->connection->close_sent) wsm_lws_discard_input(client->connection);
    client->attempting = false;
    wsm_client_close_socket(client);
}

static const struct lws_protocols protocols[] = {
    {.name = "ws", .callback = callback, .rx_buffer_size = WSM_READ_SIZE, .tx_packet_size = 1 << 20},
    {.name = "raw", .callback = callback, .rx_buffer_size = WSM_READ_SIZE, .tx_packet_size = 1 << 20},
    {.name = NULL},
};

/* Perhaps in the look-up's thread, and perhaps while the program ends: then it is too late for TLS. */
static void discard_context(void *work) {
    client_context *own = work;
    own->client = NULL;
    if (own->context && own->tls) {
        if (!wsm_process_enter_tls()) return;
        wsm_lws_context_destroy(own->context);
        wsm_process_leave_tls();
    } else if (own->context) {
        wsm_lws_context_destroy(own->context);
    }
    wsm_pem_file_close(&own->authorities);
    wsm_free(own->trusted_chain);
    wsm_free(own);
}

static void make_context(void *work) {
    client_context *own = work;
    struct lws_context_creation_info info;
    own->context = wsm_lws_context_new(16, 0);
    if (!own->context) return;
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.user = own;
    info.vhost_name = "client";
    info.retry_and_idle_policy = &wsm_lws_no_timers;
    info.http_proxy_address = ""; /* or the variable http_proxy would divert even connections to this machine */
#if defined(LWS_WITH_SOCKS5)
    info.socks_proxy_address = "";
#endif
#if defined(LWS_WITH_TLS)
    if (own->tls) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        if (own->own_authorities) {
            info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
            info.client_ssl_ca_filepath = own->authorities.path;
        } else {
            info.client_ssl_ca_filepath = wsm_authorities_file();
        }
    }
#endif
    own->vhost = lws_create_vhost(own->context, &info);
    wsm_pem_file_close(&own->authorities);
}

/* ---- connecting ---- */

static const char *current_address(const wsm_client *client) {
    return client->next_address ? client->addresses.text[client->next_address - 1] : client->url.host;
}

/* What libwebsockets says, in words for a person: "conn fail: 111" is an errno, others are known by their beginning. */
static const char *translate(const char *text, bool connected) {
    static const struct {
        const char *begins, *means;
    } known[] = {
        {"Unable to connect", "connection refused or unreachable"},
        {"read failed", "the server closed the connection"},
        {"connect SSL err", "the server does not speak TLS, or no version that both sides have"},
        {"client connect failed", "the server does not speak TLS, or no version that both sides have"},
        {"HS: Accept", "the server's Sec-WebSocket-Accept is wrong"},
        {"HS: PROTOCOL", "no sub-protocol could be agreed on"},
        {"HS: ", "the server's answer is not one to a WebSocket request"},
    };
    const char *colon = strrchr(text, ':');
    long problem = !strncmp(text, "conn fail", 9) && colon ? strtol(colon + 1, NULL, 10) : 0;
    if (problem > 0 && problem <= INT_MAX) return wsm_socket_text((int)problem);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strncmp(text, known[i].begins, strlen(known[i].begins))) return known[i].means;
    return text[0] ? text : connected ? "the server closed the connection" : "connection refused or unreachable";
}

static void describe_failure(wsm_client *client, wsm_reason *reason) {
    const char *refused = wsm_lws_refused_certificate(), *what = translate(client->error, client->tcp_connected),
               *address = current_address(client);
    unsigned port = client->url.port;
    if (!client->request_sent && client->url.tls && refused[0])
        wsm_fail(reason, WSM_FAILED, "the certificate of %s was refused: %s", client->url.host, refused);
    else if (client->http_status && client->http_status != 101)
        wsm_fail(reason, WSM_FAILED, "the server answered with HTTP status %d instead of accepting the WebSocket",
                 client->http_status);
    else if (client->request_sent)
        wsm_fail(reason, WSM_FAILED, "the handshake with %s port %u failed: %s", address, port, what);
    else if (client->tcp_connected && client->url.tls)
        wsm_fail(reason, WSM_FAILED, "the TLS handshake with %s port %u failed: %s", address, port, what);
    else
        wsm_fail(reason, WSM_FAILED, "could not connect to %s port %u: %s", address, port, what);
}

static void note_remote(wsm_client *client, const char *text) {
    wsm_address *remote = &client->connection->remote;
    char address[WSM_LOOKUP_TEXT_SIZE];
    snprintf(address, sizeof address, "%.*s", (int)strcspn(text, "%"), text); /* without a zone */
    remote->port = client->url.port;
    remote->size = inet_pton(AF_INET, address, remote->bytes) == 1 ? 4 : 16;
    if (remote->size == 16 && inet_pton(AF_INET6, address, remote->bytes) != 1) remote->size = 0;
}

static void start_attempt(wsm_client *client) {
    struct lws_client_connect_info info;
    int64_t now = wsm_clock_ms(), left = client->give_up_ms ? client->give_up_ms - now : ADDRESS_LIMIT_MS;
    size_t addresses = client->addresses.count - client->next_address;
    client->attempt_until_ms = now + (client->give_up_ms ? left / (int64_t)addresses : left);
    client->error[0] = '\0';
    note_remote(client, client->addresses.text[client->next_address]);
    client->attempting = true;
    client->failed = client->request_sent = client->tcp_connected = false;
    wsm_lws_clear_refused_certificate();
    if (!client->url.tls) {
        wsm_bytes_release(&client->answer);
        wsm_client_plain_connect(client, client->addresses.text[client->next_address++]);
        return;
    }
    memset(&info, 0, sizeof info);
    info.context = client->lws->context;
    info.vhost = client->lws->vhost;
    info.address = client->addresses.text[client->next_address++];
    info.port = client->url.port;
    info.path = "/";
    info.host = client->verified_name ? client->verified_name : client->url.host; /* the Host line is ours anyway */
    info.protocol = client->protocols;
    info.local_protocol_name = "ws";
    info.retry_and_idle_policy = &wsm_lws_no_timers;
    info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | client->tls_flags;
    info.pwsi = &client->connection->link.wsi;
    info.opaque_user_data = client->connection;
    if (!lws_client_connect_via_info(&info)) client->failed = true;
}

static void take_context(wsm_client *client, client_context *own) {
    own->client = client;
    client->lws = own;
}

/* Moves on: from the look-up to the first address, from one that failed to the next. */
static void advance(wsm_client *client) {
    wsm_reason reason = {""};
    if (client->connection->state != WSM_STATE_CONNECTING) return;
    if (client->lookup) {
        if (!wsm_lookup_done(client->lookup)) return;
        wsm_error error = wsm_lookup_result(client->lookup, &client->addresses, &reason);
        if (client->url.tls) take_context(client, wsm_lookup_take_work(client->lookup));
        wsm_lookup_drop(client->lookup);
        client->lookup = NULL;
        if (!error && !client->lws->vhost)
            error = wsm_fail(&reason, WSM_FAILED, "TLS could not be prepared: are the trusted certificates valid?");
        if (error) {
            wsm_connection_abandon(client->connection, reason.text);
            return;
        }
    }
    while (!client->attempting || client->failed) {
        bool again = !client->request_sent && client->next_address < client->addresses.count;
        if (client->failed && !again) {
            describe_failure(client, &reason);
            wsm_connection_abandon(client->connection, reason.text);
            return;
        }
        client->connection->link.wsi = NULL;
        start_attempt(client);
    }
    if (!client->request_sent && client->next_address < client->addresses.count &&
        wsm_clock_ms() >= client->attempt_until_ms) {
        snprintf(client->error, sizeof client->error, "no answer");
        wsm_client_close_socket(client);
        client->failed = true;
        advance(client);
    }
}

void wsm_client_phase(const wsm_client *client, wsm_reason *phase) {
    if (client->lookup && client->addresses.count)
        wsm_fail(phase, WSM_OK, "preparing TLS");
    else if (client->lookup)
        wsm_fail(phase, WSM_OK, "looking up the host name \"%s\"", client->url.host);
    else if (client->url.tls && client->tcp_connected && !client->request_sent)
        wsm_fail(phase, WSM_OK, "in the TLS handshake with %s port %u", current_address(client),
                 (unsigned)client->url.port);
    else if (!client->request_sent)
        wsm_fail(phase, WSM_OK, "connecting to %s port %u", current_address(client), (unsigned)client->url.port);
    else
        wsm_fail(phase, WSM_OK, "waiting for the answer of %s port %u to the handshake", current_address(client),
                 (unsigned)client->url.port);
}

/* ---- turns ---- */

/* What there is to wait for; the descriptor is -1 if there is nothing. */
static struct pollfd wanted(const wsm_client *client) {
    struct pollfd polled = wsm_polled(-1, POLLIN);
    wsm_connection *connection = client->connection;
    struct lws *wsi = connection->link.wsi;
    bool connecting = connection->state == WSM_STATE_CONNECTING;
    if (!client->lookup && !client->url.tls) {
        polled = wsm_polled(connection->link.fd, POLLIN);
        if (!client->tcp_connected || !wsm_connection_wants_input(connection)) polled.events = 0;
        if (!client->tcp_connected || wsm_lws_busy(connection)) polled.events |= POLLOUT;
        return polled;
    }
    if (client->lookup)
        polled.fd = wsm_lookup_fd(client->lookup);
    else if (wsi)
        polled.fd = lws_get_socket_fd(wsi);
    if (client->reading_stopped) polled.events = 0;
    if (!client->lookup && ((connecting && !client->tcp_connected) || wsm_lws_busy(client->connection)))
        polled.events |= POLLOUT;
    return polled;
}

wsm_wanted wsm_client_wanted(const wsm_client *client) {
    struct pollfd polled = wanted(client);
    return (wsm_wanted){.fd = (int)polled.fd,
                        .events = (polled.events & POLLIN ? WSM_EVENT_READ : 0u) |
                                  (polled.events & POLLOUT ? WSM_EVENT_WRITE : 0u)};
}

static void update_watch(wsm_client *client) {
    wsm_wanted now = wsm_client_wanted(client);
    wsm_watch_set(client->watch, now.fd, now.events);
}

int wsm_client_descriptor(wsm_client *client) {
    int descriptor = wsm_watch_descriptor(client->watch);
    update_watch(client);
    return descriptor;
}

/* False if a signal interrupted it. */
static bool wait_for_socket(const wsm_client *client, int wait_ms) {
    struct pollfd polled = wanted(client);
    return wsm_poll(&polled, 1, wait_ms) >= 0;
}

/* One service call reads once and may leave more behind: repeat while it gets somewhere. */
static void pump(wsm_client *client) {
    int64_t started = wsm_clock_ms();
    for (int round = 0; round < WSM_CLIENT_ROUNDS_MAX; round++) {
        unsigned before = client->progress;
        lws_service(client->lws->context, -1);
        if (client->progress == before || wsm_clock_ms() - started > WSM_CLIENT_BUDGET_MS) break;
    }
}

bool wsm_client_service(wsm_client *client, int wait_ms) {
    if (client->connection->state == WSM_STATE_CLOSED) return true;
    bool finished = wait_ms <= 0 || wait_for_socket(client, wait_ms);
    advance(client);
    /* libwebsockets says nothing of pings, nor of parts of a frame, but they are signs of life. */
    if (client->url.tls && client->heartbeat_ms && !client->connection->heard)
        client->connection->heard = wsm_lws_has_input(client->connection);
    if (client->lws && client->url.tls)
        pump(client);
    else if (client->lws && !client->lookup)
        wsm_client_plain_pump(client);
    advance(client);
    client->heartbeat_ms = wsm_connection_heartbeat(client->connection, wsm_clock_ms());
    if (client->closing_since_ms && wsm_clock_ms() - client->closing_since_ms > WSM_CLOSING_LIMIT_MS)
        wsm_connection_abandon_closing(client->connection);
    update_watch(client);
    return finished;
}

/* The answer to a close frame has left: the server is the one to end TCP, but should not wait for more. (With TLS,
 * libwebsockets closes.) */
static void half_close(wsm_client *client) {
    wsm_link *link = &client->connection->link;
    if (client->url.tls || link->half_closed || link->fd < 0) return;
    link->half_closed = true;
    shutdown(link->fd, SHUT_WR);
}

void wsm_client_settle(wsm_client *client) {
    wsm_connection *connection = client->connection;
    if (!connection->link.attention && !connection->deaf && !wsm_connection_has_output(connection)) return;
    connection->link.attention = false;
    wsm_connection_resume(connection);
    wsm_connection_flush(connection);
    if (connection->state >= WSM_STATE_CLOSING && !client->closing_since_ms) client->closing_since_ms = wsm_clock_ms();
    if (client->reading_stopped && wsm_connection_wants_input(connection) && connection->link.wsi) {
        client->reading_stopped = false;
        lws_rx_flow_control(connection->link.wsi, 1);
    }
    if (client->url.tls && wsm_connection_has_output(connection) && connection->link.wsi)
        lws_callback_on_writable(connection->link.wsi);
    bool sent = !wsm_connection_has_output(connection) && !wsm_lws_busy(connection);
    if (connection->state == WSM_STATE_CLOSED && (connection->cut || connection->write_failed || sent))
        drop_socket(client);
    else if (connection->deaf && sent)
        half_close(client);
    update_watch(client);
}

static int earlier(int limit, int64_t due_ms, int64_t now_ms) {
    if (!due_ms || due_ms - now_ms >= limit) return limit;
    return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

int wsm_client_time_left(const wsm_client *client, int limit) {
    int64_t now = wsm_clock_ms();
    bool connecting = client->connection->state == WSM_STATE_CONNECTING;
    bool more = client->attempting && !client->request_sent && client->next_address < client->addresses.count;
    bool tls = client->lws && !client->lookup && client->url.tls;
    /* TLS may have decrypted more than was asked for. */
    if (tls && lws_service_adjust_timeout(client->lws->context, 1000, 0) == 0) return 0;
    int slice = !tls ? limit : connecting ? CONNECTING_SLICE_MS : TLS_SLICE_MS;
    if (slice < limit) limit = slice;
    limit = earlier(limit, client->closing_since_ms ? client->closing_since_ms + WSM_CLOSING_LIMIT_MS + 1 : 0, now);
    limit = earlier(limit, more ? client->attempt_until_ms : 0, now);
    return earlier(limit, client->heartbeat_ms, now);
}

/* ---- life ---- */

static bool join_protocols(wsm_client *client) {
    const wsm_string_list *list = client->connection->settings.protocols;
    wsm_bytes joined = {0};
    if (!wsm_string_list_count(list)) return true;
    for (size_t i = 0; i < list->count; i++)
        if (!wsm_bytes_append_text(&joined, i ? "," : "") || !wsm_bytes_append_text(&joined, list->items[i])) {
            wsm_bytes_release(&joined);
            return false;
        }
    bool ok = wsm_bytes_append(&joined, "", 1);
    client->protocols = (char *)joined.data;
    return ok;
}

static wsm_error prepare_tls(wsm_client *client, client_context *own, const wsm_tls_options *tls, wsm_reason *reason) {
    enum {
        ANYTHING = LCCSCF_ALLOW_SELFSIGNED | LCCSCF_ALLOW_INSECURE | LCCSCF_ALLOW_EXPIRED |
                   LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK
    };
    bool unsafe = tls && tls->kind == WSM_TLS_CLIENT_UNSAFE;
    const char *name = tls ? tls->common_name : NULL;
    if (!wsm_process_start_tls())
        return wsm_fail(reason, WSM_ERR_UNAVAILABLE, "this libwebsockets was built without TLS");
    own->tls = true;
    client->tls_flags = LCCSCF_USE_SSL;
    if (unsafe) client->tls_flags |= tls->trusted_chain ? LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK : ANYTHING;
    if (name && *name && !(client->verified_name = wsm_strndup(name, strlen(name))))
        return wsm_fail(reason, WSM_ERR_OUT_OF_MEMORY, "out of memory");
    /* libwebsockets would cut "::1" at its first colon and then verify no name at all. */
    if (client->url.literal6 && !unsafe && !client->verified_name)
        return wsm_fail(reason, WSM_ERR_INVALID_PARAMETER,
                        "a certificate can't be verified for an IPv6 address: give a common name to verify");
    if (tls && tls->trusted_chain &&
        !(own->trusted_chain = wsm_strndup(tls->trusted_chain, strlen(tls->trusted_chain))))
        return wsm_fail(reason, WSM_ERR_OUT_OF_MEMORY, "out of memory");
    char *text = own->trusted_chain ? NULL : wsm_authorities_text();
    const char *chain = own->trusted_chain ? own->trusted_chain : text;
    wsm_error error = WSM_OK;
    own->own_authorities = chain != NULL;
    if (chain) error = wsm_pem_file_open(&own->authorities, chain, WSM_PEM_CERTIFICATE, "trusted certificates", reason);
    wsm_free(text);
    return error;
}

/* With TLS the context is made by a thread, which also looks the name up; without, at once. */
static wsm_error prepare_context(wsm_client *client, const wsm_tls_options *tls, bool literal, wsm_reason *reason) {
    const char *host = literal ? NULL : client->url.host;
    client_context *own = wsm_alloc_zero(sizeof *own);
    wsm_error error = WSM_OK;
    if (!own) return wsm_fail(reason, WSM_ERR_OUT_OF_MEMORY, "out of memory");
    own->authorities.fd = -1;
    if (client->url.tls) {
        wsm_background background = {make_context, discard_context, own};
        error = prepare_tls(client, own, tls, reason);
        if (!error) error = wsm_lookup_start(&client->lookup, host, &background, reason);
        if (error) discard_context(own);
        return error;
    }
    take_context(client, own);
    make_context(own);
    if (!own->vhost)
        return wsm_fail(reason, WSM_FAILED, "libwebsockets could not be started (out of descriptors or memory?)");
    return host ? wsm_lookup_start(&client->lookup, host, NULL, reason) : WSM_OK;
}

static wsm_error start(wsm_client *client, const char *url, const wsm_tls_options *tls, wsm_reason *reason) {
    wsm_connection *connection = client->connection;
    wsm_error error = wsm_url_parse(&client->url, url, reason);
    if (!error) error = wsm_upgrade_check_lists(connection->settings.protocols, connection->settings.headers, reason);
    if (error) return error;
    connection->tls = client->url.tls;
    connection->url = wsm_strndup(url, strlen(url));
    if (!connection->url || !join_protocols(client)) return wsm_fail(reason, WSM_ERR_OUT_OF_MEMORY, "out of memory");
    bool literal = wsm_resolve_literal(client->url.host, &client->addresses);
    if (client->url.literal6 && !literal)
        return wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "invalid URL: not an IPv6 address between '[' and ']'");
    return prepare_context(client, tls, literal, reason);
}

wsm_error wsm_client_open(wsm_client **out, wsm_connection *connection, const char *url, const wsm_tls_options *tls,
                          int64_t give_up_ms, wsm_watch *watch, wsm_reason *reason) {
    wsm_client *client = wsm_alloc_zero(sizeof *client);
    if (!client) return wsm_fail(reason, WSM_ERR_OUT_OF_MEMORY, "out of memory");
    client->process = getpid();
    client->connection = wsm_connection_ref(connection);
    connection->out.pool = &client->chunks;
    client->give_up_ms = give_up_ms;
    client->watch = watch;
    wsm_error error = start(client, url, tls, reason);
    if (error) {
        wsm_client_close(client);
        return error;
    }
    connection->random = &client->random;
    connection->alive = true;
    connection->link.ops = client->url.tls ? &tls_ops : &wsm_client_plain_ops;
    connection->link.service = client;
    connection->link.process = (long)client->process;
    advance(client);
    *out = client;
    return WSM_OK;
}

void wsm_client_close(wsm_client *client) {
    if (!client) return;
    wsm_connection *connection = client->connection;
    bool ours = client->process == getpid();
    if (ours && connection->link.ops) wsm_connection_flush(connection);
    wsm_lookup_drop(client->lookup);
    if (ours)
        wsm_watch_set(client->watch, -1, 0);
    else
        wsm_watch_release(client->watch); /* what the set has in it is the parent's, too */
    if (ours && client->lws) {
        drop_socket(client);
        discard_context(client->lws);
    }
    connection->alive = false;
    connection->random = NULL;
    connection->link.ops = NULL;
    connection->link.service = NULL;
    connection->link.wsi = NULL;
    connection->out.pool = NULL;
    wsm_chunk_pool_release(&client->chunks);
    wsm_connection_unref(connection);
    wsm_url_release(&client->url);
    wsm_free(client->protocols);
    wsm_free(client->verified_name);
    wsm_bytes_release(&client->answer);
    if (ours) wsm_free(client); /* in a forked child the context, which points here, is left alone */
}
