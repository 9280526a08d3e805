/* A client without TLS: the handshake and the frames are ours, libwebsockets has the socket in its raw role. */
#include "client_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "plain.h"
#include "platform.h"
#include "upgrade.h"

enum { ANSWER_HEAD_MAX = 4096 }; /* as in Godot */

const wsm_link_ops wsm_client_plain_ops = {.write = wsm_plain_write,
                                           .busy = wsm_lws_busy,
                                           .changed = wsm_client_changed,
                                           .set_no_delay = wsm_lws_set_no_delay};

void wsm_client_close_socket(wsm_client *client) {
    wsm_link *link = &client->connection->link;
    if (link->wsi)
        wsm_lws_kill(&link->wsi);
    else if (link->fd >= 0)
        wsm_socket_close(link->fd);
    link->fd = -1;
}

/* The turn closes the socket. */
static void plain_failed(wsm_client *client, const char *why) {
    if (!client->error[0]) snprintf(client->error, sizeof client->error, "%s", why);
    client->failed = true;
}

static void answer_complete(wsm_client *client, size_t head_size) {
    wsm_connection *connection = client->connection;
    wsm_bytes answer = client->answer;
    wsm_span protocol;
    const char *problem = wsm_upgrade_judge_answer((const char *)answer.data, head_size, client->key,
                                                   connection->settings.protocols, &protocol, &client->http_status);
    if (problem) {
        plain_failed(client, problem);
        return;
    }
    if (protocol.size && !(connection->protocol = wsm_strndup(protocol.text, protocol.size))) {
        plain_failed(client, "out of memory");
        return;
    }
    client->attempting = false;
    client->answer = (wsm_bytes){0};
    wsm_connection_opened(connection);
    if (answer.size > head_size) wsm_connection_receive(connection, answer.data + head_size, answer.size - head_size);
    wsm_bytes_release(&answer);
}

void wsm_client_plain_take(wsm_client *client, unsigned char *data, size_t size) {
    wsm_bytes *answer = &client->answer;
    client->progress++;
    if (client->connection->state != WSM_STATE_CONNECTING) {
        wsm_connection_receive(client->connection, data, size);
        return;
    }
    if (client->failed) return;
    size_t seen = answer->size;
    bool kept = wsm_bytes_append(answer, data, size);
    size_t head_size = kept ? wsm_upgrade_head_size(answer->data, answer->size, seen) : 0;
    if (!kept || head_size > ANSWER_HEAD_MAX || (!head_size && answer->size > ANSWER_HEAD_MAX)) {
        plain_failed(client, kept ? "the server's answer is too large" : "out of memory");
    } else if (head_size) {
        answer_complete(client, head_size);
    }
}

/* NULL, or why not. */
static const char *send_request(wsm_client *client) {
    wsm_connection *connection = client->connection;
    static const char room[WSM_HEADROOM]; /* in front of what is written */
    unsigned char bytes[16];
    wsm_bytes request = {0};
    bool composed = wsm_bytes_append(&request, room, sizeof room) &&
                    wsm_random_bytes(&client->random, bytes, sizeof bytes) &&
                    wsm_upgrade_make_key(bytes, client->key) &&
                    wsm_upgrade_write_request(&request, &client->url, (wsm_span){client->key, strlen(client->key)},
                                              connection->settings.protocols, connection->settings.headers) &&
                    wsm_bytes_append(&request, "\r\n", 2);
    bool sent = composed && wsm_plain_write(connection, request.data + WSM_HEADROOM, request.size - WSM_HEADROOM);
    wsm_bytes_release(&request);
    client->request_sent = true;
    return !composed ? "out of memory, or the system has no random numbers"
           : !sent   ? "the server closed the connection"
                     : NULL;
}

/* Hands the connected socket over; libwebsockets closes it if it can't take it. */
static bool adopt(wsm_client *client) {
    wsm_connection *connection = client->connection;
    lws_adopt_desc_t description;
    memset(&description, 0, sizeof description);
    description.vh = client->lws->vhost;
    description.type = LWS_ADOPT_SOCKET;
    description.fd.sockfd = (lws_sockfd_type)connection->link.fd;
    description.vh_prot_name = "raw";
    description.opaque = connection;
    return lws_adopt_descriptor_vhost_via_info(&description) && connection->link.wsi;
}

void wsm_client_plain_connect(wsm_client *client, const char *address) {
    int problem = wsm_plain_connect(address, client->url.port, &client->connection->link.fd);
    if (problem) plain_failed(client, wsm_socket_text(problem));
}

/* Goes on when TCP is connected. */
static void watch_connect(wsm_client *client) {
    wsm_link *link = &client->connection->link;
    if (!client->attempting || client->failed || client->tcp_connected || link->fd < 0) return;
    int problem = wsm_plain_connected(link->fd);
    if (problem == EINPROGRESS) return;
    client->progress++;
    if (problem) {
        plain_failed(client, wsm_socket_text(problem));
        return;
    }
    client->tcp_connected = true;
    if (!adopt(client)) {
        link->fd = -1;
        plain_failed(client, "out of descriptors or memory");
        return;
    }
    const char *why = send_request(client);
    if (why) plain_failed(client, why);
}

/* Lets libwebsockets write what it kept, if the socket is ready for that. A connection that is broken is left to the
 * one who reads: libwebsockets would close it, and what came before would be lost. */
static void drain(wsm_client *client) {
    struct pollfd polled = wsm_polled(client->connection->link.fd, POLLOUT);
    if (wsm_poll(&polled, 1, 0) <= 0 || polled.revents != POLLOUT) return;
    struct lws_pollfd ready;
    memset(&ready, 0, sizeof ready);
    ready.fd = (lws_sockfd_type)client->connection->link.fd;
    ready.events = LWS_POLLIN | LWS_POLLOUT;
    ready.revents = LWS_POLLOUT;
    lws_service_fd(client->lws->context, &ready);
}

static void read_all(wsm_client *client) {
    static _Thread_local unsigned char input[WSM_READ_SIZE];
    wsm_connection *connection = client->connection;
    int64_t started = wsm_clock_ms();
    for (int round = 0; round < WSM_CLIENT_ROUNDS_MAX; round++) {
        size_t size = sizeof input;
        if (!connection->link.wsi || !wsm_connection_wants_input(connection)) break;
        wsm_plain_status status = wsm_plain_read(connection, input, &size);
        if (status == WSM_PLAIN_DATA) wsm_client_plain_take(client, input, size);
        if (status == WSM_PLAIN_ENDED) wsm_client_close_socket(client);
        bool more = status == WSM_PLAIN_DATA && size == sizeof input && !client->failed;
        if (!more || connection->state == WSM_STATE_CLOSED || wsm_clock_ms() - started > WSM_CLIENT_BUDGET_MS) break;
    }
}

void wsm_client_plain_pump(wsm_client *client) {
    wsm_connection *connection = client->connection;
    watch_connect(client);
    read_all(client);
    if (client->failed) wsm_client_close_socket(client);
    if (!connection->link.wsi) return;
    /* A program that takes no packets must hear of a reset all the same; what it has not taken by then is lost. */
    if (!wsm_connection_wants_input(connection) && wsm_plain_hung_up(connection->link.fd))
        wsm_connection_abandon(connection, "the connection was lost");
    else if (wsm_lws_busy(connection))
        drain(client);
}
