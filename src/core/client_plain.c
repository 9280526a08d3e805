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

static void answer_complete(wsm_client *client, size_t head_size) {
    wsm_connection *connection = client->connection;
    wsm_bytes answer = client->answer;
    wsm_span protocol;
    const char *problem = wsm_upgrade_judge_answer((const char *)answer.data, head_size, client->key,
                                                   connection->settings.protocols, &protocol, &client->http_status);
    if (problem) {
        snprintf(client->error, sizeof client->error, "%s", problem);
        client->failed = true; /* its socket is closed by whoever called the service */
        return;
    }
    if (protocol.size) connection->protocol = wsm_strndup(protocol.text, protocol.size);
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
        snprintf(client->error, sizeof client->error, kept ? "the server's answer is too large" : "out of memory");
        client->failed = true;
    } else if (head_size) {
        answer_complete(client, head_size);
    }
}

static bool send_request(wsm_client *client) {
    wsm_connection *connection = client->connection;
    unsigned char bytes[16];
    wsm_bytes request = {0};
    bool ok = wsm_random_bytes(&client->random, bytes, sizeof bytes) && wsm_upgrade_make_key(bytes, client->key) &&
              wsm_upgrade_write_request(&request, &client->url, (wsm_span){client->key, strlen(client->key)},
                                        connection->settings.protocols, connection->settings.headers) &&
              wsm_bytes_append(&request, "\r\n", 2) && wsm_plain_write(connection, request.data, request.size);
    wsm_bytes_release(&request);
    client->request_sent = true;
    return ok;
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

static void plain_failed(wsm_client *client, const char *why) {
    if (!client->error[0]) snprintf(client->error, sizeof client->error, "%s", why);
    client->failed = true;
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
    } else if (!send_request(client)) {
        plain_failed(client, "out of memory, or the system has no random numbers");
    }
}

/* Lets libwebsockets write what it kept, if the socket is ready for that. */
static void drain(wsm_client *client) {
    struct pollfd polled = wsm_polled(client->connection->link.fd, POLLOUT);
    if (wsm_poll(&polled, 1, 0) <= 0) return;
    struct lws_pollfd ready;
    memset(&ready, 0, sizeof ready);
    ready.fd = (lws_sockfd_type)client->connection->link.fd;
    ready.events = LWS_POLLIN | LWS_POLLOUT;
    ready.revents = LWS_POLLOUT;
    lws_service_fd(client->lws->context, &ready);
}

void wsm_client_plain_pump(wsm_client *client) {
    static _Thread_local unsigned char input[WSM_READ_SIZE];
    wsm_connection *connection = client->connection;
    int64_t started = wsm_clock_ms();
    watch_connect(client);
    if (wsm_lws_busy(connection)) drain(client);
    for (int round = 0; round < WSM_CLIENT_ROUNDS_MAX && connection->link.wsi && wsm_connection_wants_input(connection);
         round++) {
        size_t size = sizeof input;
        wsm_plain_status status = wsm_plain_read(connection, input, &size);
        if (status == WSM_PLAIN_DATA) wsm_client_plain_take(client, input, size);
        if (status == WSM_PLAIN_ENDED) wsm_client_close_socket(client);
        bool more = status == WSM_PLAIN_DATA && size == sizeof input && !client->failed;
        if (!more || connection->state == WSM_STATE_CLOSED || wsm_clock_ms() - started > WSM_CLIENT_BUDGET_MS) break;
    }
    /* A program that takes no packets must hear of a reset all the same, which destroys what was not read. */
    bool deaf = connection->link.wsi && !wsm_connection_wants_input(connection);
    bool reset = deaf && wsm_plain_hung_up(connection->link.fd);
    if (reset) wsm_bytes_release(&connection->held);
    if (client->failed || reset) wsm_client_close_socket(client);
}
