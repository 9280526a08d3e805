#include "handshake.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "upgrade.h"

/* Their answers have no body. */
static bool asks_for_head(const wsm_connection *connection) {
    return connection->head_size > 5 && !memcmp(connection->held.data, "HEAD ", 5);
}

static void refuse(wsm_connection *connection, int status, const char *problem) {
    wsm_bytes answer = {0};
    char why[WSM_REASON_SIZE];
    snprintf(why, sizeof why, "request refused with HTTP status %d: %s", status, problem);
    wsm_connection_explain(connection, why);
    if (!wsm_upgrade_write_refusal(&answer, status, problem, !asks_for_head(connection)) ||
        !wsm_send_queue_raw(&connection->out, answer.data, answer.size))
        connection->cut = true;
    wsm_bytes_release(&answer);
    wsm_connection_set_state(connection, WSM_STATE_CLOSED);
}

static bool note_request(wsm_connection *connection, const wsm_upgrade_request *request, wsm_span protocol) {
    wsm_bytes url = {0};
    if (!wsm_bytes_append_text(&url, connection->tls ? "wss://" : "ws://") ||
        !wsm_bytes_append(&url, request->host.text, request->host.size) ||
        !wsm_bytes_append(&url, request->target.text, request->target.size) || !wsm_bytes_append(&url, "", 1)) {
        wsm_bytes_release(&url);
        return false;
    }
    connection->url = (char *)url.data;
    connection->head = wsm_strndup((const char *)connection->held.data, connection->head_size);
    if (!connection->head) return false;
    return !protocol.size || (connection->protocol = wsm_strndup(protocol.text, protocol.size));
}

/* Judges the request in front of `held`; the status is 101 if it is a good one. */
static int judge_request(wsm_connection *connection, wsm_upgrade_request *request, wsm_span *protocol,
                         const char **problem) {
    int status = wsm_upgrade_parse((const char *)connection->held.data, connection->head_size, request, problem);
    if (status != 101 || wsm_upgrade_choose_protocol(request, connection->settings.protocols, protocol)) return status;
    *problem = request->protocol_lines ? "none of these sub-protocols is spoken here" : "a sub-protocol is required";
    return 400;
}

static void accept_request(wsm_connection *connection, const wsm_upgrade_request *request, wsm_span protocol) {
    wsm_bytes answer = {0};
    bool ok = note_request(connection, request, protocol) &&
              wsm_upgrade_write_accept(&answer, request->key, protocol, connection->settings.headers) &&
              wsm_send_queue_raw(&connection->out, answer.data, answer.size);
    wsm_bytes_release(&answer);
    if (!ok) {
        wsm_connection_abandon(connection, "out of memory");
        return;
    }
    connection->greeting = true;
    wsm_bytes_drop_front(&connection->held, connection->head_size);
    connection->head_size = 0;
    connection->on_hold = true; /* until the owner has announced it */
    wsm_connection_set_state(connection, WSM_STATE_OPEN);
}

const char *wsm_handshake_request(const wsm_connection *connection, size_t *size) {
    *size = connection->head_size;
    return (const char *)connection->held.data;
}

void wsm_handshake_admit(wsm_connection *connection, int status, const char *text) {
    wsm_upgrade_request request;
    wsm_span protocol;
    const char *problem = text;
    if (connection->state != WSM_STATE_CONNECTING || !connection->head_size) return;
    if (status == 101) status = judge_request(connection, &request, &protocol, &problem);
    if (status == 101)
        accept_request(connection, &request, protocol);
    else
        refuse(connection, status, problem);
}

/* Queued in parts, so that libwebsockets never has to keep much of a large answer. */
static bool queue_body(wsm_connection *connection, const unsigned char *body, size_t size) {
    enum { PART = 16 * 1024 };
    while (size) {
        size_t part = size < PART ? size : PART;
        if (!wsm_send_queue_raw(&connection->out, body, part)) return false;
        body += part;
        size -= part;
    }
    return true;
}

wsm_error wsm_handshake_respond(wsm_connection *connection, int status, const wsm_string_list *lines, const void *body,
                                size_t size, wsm_reason *reason) {
    wsm_bytes head = {0};
    wsm_error error = wsm_upgrade_check_lines(lines, "response headers", reason);
    if (error) return error;
    if (connection->state != WSM_STATE_CONNECTING || !connection->head_size || !connection->plain) return WSM_OK;
    bool has_body = status != 204 && status != 304;
    if (!wsm_upgrade_write_response(&head, status, lines, has_body ? &size : NULL) ||
        !wsm_send_queue_raw(&connection->out, head.data, head.size) ||
        (has_body && !asks_for_head(connection) && !queue_body(connection, body, size)))
        connection->cut = true;
    wsm_bytes_release(&head);
    wsm_connection_explain(connection, "a plain HTTP request was answered");
    connection->respond_until_ms = wsm_clock_ms() + WSM_RESPONSE_LIMIT_MS;
    wsm_connection_set_state(connection, WSM_STATE_CLOSED);
    return WSM_OK;
}

static void answer_request(wsm_connection *connection) {
    wsm_upgrade_request request;
    wsm_span protocol;
    const char *problem;
    int status = judge_request(connection, &request, &protocol, &problem);
    const wsm_owner_ops *owner = connection->owner_ops;
    connection->plain = request.plain;
    if (request.plain && owner && owner->serve && owner->serve(connection))
        status = 0;
    else if (status == 101 && owner && owner->admit)
        status = owner->admit(connection, &problem);
    if (status == 0)
        connection->on_hold = true;
    else if (status == 101)
        accept_request(connection, &request, protocol);
    else
        refuse(connection, status, problem);
}

void wsm_handshake_receive(wsm_connection *connection, size_t seen) {
    if (connection->head_size) return; /* waits to be admitted */
    /* TLS on a port without it, or another protocol altogether: no reason to wait for an empty line. */
    if (connection->held.data[0] < 'A' || connection->held.data[0] > 'z') {
        refuse(connection, 400, "not an HTTP request");
        return;
    }
    size_t head_size = wsm_upgrade_head_size(connection->held.data, connection->held.size, seen);
    if (head_size > WSM_REQUEST_HEAD_MAX || (!head_size && connection->held.size >= WSM_REQUEST_HEAD_MAX)) {
        refuse(connection, 431, "the request head is larger than 4096 bytes");
    } else if (head_size) {
        connection->head_size = head_size;
        answer_request(connection);
    }
}
