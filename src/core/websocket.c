/* Who owns what: the object holds one reference to its connection; a link that it started is its own as well. */
#include "websocket.h"

#include <string.h>

#include "clock.h"

void wsm_websocket_init(wsm_websocket *socket) {
    *socket = (wsm_websocket){
        .settings = wsm_settings_default(),
        .encode_buffer_max_size = WSM_DEFAULT_ENCODE_BUFFER_MAX_SIZE,
    };
}

static void close_link(wsm_websocket *socket) {
    wsm_client_close(socket->client);
    socket->client = NULL;
}

/* Lets go of the connection; one of its own is cut if it is still there. */
static void let_go(wsm_websocket *socket) {
    wsm_connection *connection = socket->connection;
    if (!connection) return;
    if (!socket->borrowed) {
        wsm_connection_disown(connection);
        wsm_connection_leave(connection, WSM_CLOSE_GOING_AWAY);
    }
    close_link(socket);
    wsm_connection_unref(connection);
    wsm_packet_queue_clear(&socket->inbox);
    socket->connection = NULL;
    socket->end_shown = socket->end_seen = socket->taken = socket->borrowed = false;
}

void wsm_websocket_release(wsm_websocket *socket) {
    let_go(socket);
    wsm_string_list_unref(socket->settings.protocols);
    wsm_string_list_unref(socket->settings.headers);
    socket->settings.protocols = socket->settings.headers = NULL;
    wsm_watch_release(&socket->watch);
}

void wsm_websocket_wrap(wsm_websocket *socket, wsm_connection *connection, bool borrowed) {
    socket->connection = wsm_connection_ref(connection);
    socket->borrowed = borrowed;
    socket->settings = connection->settings;
    wsm_string_list_ref(socket->settings.protocols);
    wsm_string_list_ref(socket->settings.headers);
    if (borrowed) return;
    connection->inbox = &socket->inbox;
    connection->on_hold = false;
    wsm_connection_resume(connection);
}

void wsm_websocket_settings_changed(wsm_websocket *socket) {
    wsm_connection *connection = socket->connection;
    if (!connection) return;
    connection->settings.outbound_buffer_size = socket->settings.outbound_buffer_size;
    connection->settings.max_queued_packets = socket->settings.max_queued_packets;
    if (connection->state == WSM_STATE_CONNECTING)
        connection->settings.inbound_buffer_size = socket->settings.inbound_buffer_size;
    if (connection->settings.heartbeat_ms != socket->settings.heartbeat_ms)
        wsm_connection_set_heartbeat(connection, socket->settings.heartbeat_ms);
}

wsm_error wsm_websocket_connect(wsm_websocket *socket, const char *url, const wsm_tls_options *tls,
                                wsm_reason *reason) {
    wsm_ready_state state = wsm_websocket_state(socket);
    wsm_connection *connection = NULL;
    wsm_error error = WSM_OK;
    /* Godot's order of checks */
    if (!*url)
        error = wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "invalid URL: it is empty");
    else if (tls && tls->kind == WSM_TLS_SERVER)
        error = wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "these TLSOptions are for servers");
    else if (socket->borrowed)
        return wsm_fail(reason, WSM_ERR_ALREADY_IN_USE, "this peer belongs to a multiplayer peer");
    else if (state == WSM_STATE_CONNECTING || state == WSM_STATE_OPEN)
        return wsm_fail(reason, WSM_ERR_ALREADY_IN_USE, "this peer is in use already: close() it first");
    if (!error) {
        let_go(socket);
        connection = wsm_connection_new(false, &socket->settings, &socket->inbox);
        error = connection ? wsm_client_open(&socket->client, connection, url, tls, 0, &socket->watch, reason)
                           : wsm_fail(reason, WSM_ERR_OUT_OF_MEMORY, "out of memory");
    }
    if (error) {
        socket->last_error = *reason;
        wsm_connection_unref(connection);
        return error;
    }
    socket->last_error.text[0] = '\0';
    socket->connection = connection;
    return WSM_OK;
}

wsm_ready_state wsm_websocket_state(const wsm_websocket *socket) {
    if (!socket->connection) return WSM_STATE_CLOSED;
    const wsm_connection *connection = socket->connection;
    /* What arrived together with the end is delivered first. */
    bool ended = connection->state == WSM_STATE_CLOSED || connection->deaf;
    bool delivering = ended && !socket->end_shown && !socket->borrowed && socket->inbox.count;
    return delivering ? WSM_STATE_OPEN : connection->state;
}

static void show_end(wsm_websocket *socket) {
    if (socket->end_shown || socket->connection->state != WSM_STATE_CLOSED) return;
    bool wait = socket->inbox.count && (!socket->end_seen || socket->taken);
    socket->end_seen = true;
    if (wait) return;
    socket->end_shown = true;
    wsm_packet_queue_clear(&socket->inbox);
    if (socket->connection->why) wsm_fail(&socket->last_error, WSM_OK, "%s", socket->connection->why);
    close_link(socket);
}

enum { WAIT_SLICE_MS = 1000 };

int wsm_websocket_descriptor(wsm_websocket *socket) {
    return socket->client ? wsm_client_descriptor(socket->client) : -1;
}

wsm_wanted wsm_websocket_wanted(const wsm_websocket *socket) {
    return socket->client ? wsm_client_wanted(socket->client) : (wsm_wanted){.fd = -1};
}

int64_t wsm_websocket_time_left(const wsm_websocket *socket) {
    if (!socket->connection || socket->borrowed || socket->end_shown) return -1;
    if ((socket->taken && socket->inbox.count) || socket->connection->state == WSM_STATE_CLOSED) return 0;
    if (!socket->client) return -1;
    wsm_client_settle(socket->client);
    return wsm_client_time_left(socket->client, WAIT_SLICE_MS);
}

void wsm_websocket_poll(wsm_websocket *socket, int64_t wait_ms) {
    wsm_connection *connection = socket->connection;
    if (!connection) return;
    int64_t until = wsm_clock_ms() + wait_ms;
    size_t unread = socket->taken ? 0 : socket->inbox.count;
    wsm_ready_state before = connection->state;
    while (socket->client) {
        wsm_client_settle(socket->client);
        int64_t left = until - wsm_clock_ms();
        bool news = connection->state != before || socket->inbox.count > unread;
        int wait = news || left <= 0
                       ? 0
                       : wsm_client_time_left(socket->client, left > WAIT_SLICE_MS ? WAIT_SLICE_MS : (int)left);
        bool finished = wsm_client_service(socket->client, wait);
        wsm_client_settle(socket->client);
        if (!finished || connection->state != before || connection->state == WSM_STATE_CLOSED ||
            socket->inbox.count > unread || wsm_clock_ms() >= until)
            break;
    }
    show_end(socket);
    socket->taken = false;
}

wsm_error wsm_websocket_send(wsm_websocket *socket, wsm_opcode opcode, const void *data, size_t size,
                             wsm_reason *reason) {
    if (!socket->connection || socket->connection->state != WSM_STATE_OPEN)
        return wsm_fail(reason, WSM_FAILED, "the connection is not open");
    wsm_error error = wsm_connection_send(socket->connection, opcode, data, size, NULL);
    if (error == WSM_OK) wsm_connection_flush(socket->connection);
    if (error == WSM_ERR_OUT_OF_MEMORY)
        return wsm_fail(reason, error,
                        "%zu bytes do not fit into what may wait (outbound_buffer_size %d, max_queued_packets %d)",
                        size, (int)socket->connection->settings.outbound_buffer_size,
                        (int)socket->connection->settings.max_queued_packets);
    return error ? wsm_fail(reason, error, "the connection is broken") : WSM_OK;
}

void wsm_websocket_close(wsm_websocket *socket, int code, const char *text, size_t size) {
    if (!socket->connection) return;
    wsm_connection_close(socket->connection, code, text, size);
    if (!socket->borrowed) wsm_packet_queue_clear(&socket->inbox);
    if (socket->connection->state != WSM_STATE_CLOSED) return;
    socket->end_seen = true;
    /* A program that has closed need not poll any more. */
    close_link(socket);
}

size_t wsm_websocket_available(const wsm_websocket *socket) {
    return wsm_websocket_state(socket) == WSM_STATE_OPEN && !socket->borrowed ? socket->inbox.count : 0;
}

wsm_error wsm_websocket_peek_packet(wsm_websocket *socket, wsm_packet *packet) {
    if (wsm_websocket_state(socket) != WSM_STATE_OPEN) return socket->packet_error = WSM_FAILED;
    bool any = wsm_packet_queue_peek(&socket->inbox, packet);
    return socket->packet_error = any ? WSM_OK : WSM_ERR_UNAVAILABLE;
}

bool wsm_websocket_took_packet(wsm_websocket *socket, const wsm_packet *packet) {
    if (!wsm_packet_queue_remove(&socket->inbox, packet)) return false;
    socket->last_was_text = packet->text;
    wsm_connection_taken(socket->connection, packet->size);
    socket->taken = true;
    return true;
}
