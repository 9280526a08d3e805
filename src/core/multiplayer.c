/* Who owns what: a server holds a reference to each connection from the moment it is open until it is forgotten; a
 * client holds one to its only connection. The links hold their own. Owner callbacks only take notes; what follows from
 * them happens in the turn. */
#include "multiplayer.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "handshake.h"
#include "upgrade.h"

enum { ID_PACKET_SIZE = 4, WAIT_SLICE_MS = 1000 };
/* Memory for packets that stays between turns. */
enum { SERVER_KEEPS = 1024 * 1024, CLIENT_KEEPS = 64 * 1024 };

void wsm_multiplayer_init(wsm_multiplayer *peer) {
    *peer = (wsm_multiplayer){
        .settings = wsm_settings_default(),
        .serving = wsm_serving_default(),
        .transfer_mode = WSM_TRANSFER_MODE_RELIABLE,
        .encode_buffer_max_size = WSM_DEFAULT_ENCODE_BUFFER_MAX_SIZE,
        .autoflush = true,
    };
}

bool wsm_multiplayer_is_server(const wsm_multiplayer *peer) { return peer->server != NULL; }

uint16_t wsm_multiplayer_bound_port(const wsm_multiplayer *peer) {
    return peer->server ? wsm_server_port(peer->server) : 0;
}

/* ---- notes taken while the links work ---- */

static void server_connection_changed(wsm_connection *connection) {
    wsm_multiplayer *peer = connection->owner;
    if (connection->state == WSM_STATE_OPEN) {
        connection->event_noted = false;
        wsm_connection_queue_push(&peer->opened, wsm_connection_ref(connection));
    } else if (connection->joined && !connection->event_noted) {
        connection->event_noted = true;
        wsm_connection_queue_push(&peer->ended, connection);
    }
}

static int admit(wsm_connection *connection, const char **problem) {
    wsm_multiplayer *peer = connection->owner;
    if (peer->refuse_new_connections) {
        *problem = "no new connections are taken at the moment";
        return 503;
    }
    if (!peer->serving.asks) return 101;
    wsm_connection_queue_push(&peer->requested, wsm_connection_ref(connection));
    return 0;
}

static bool serve(wsm_connection *connection) {
    wsm_multiplayer *peer = connection->owner;
    if (peer->serving.serves) wsm_connection_queue_push(&peer->requested, wsm_connection_ref(connection));
    return peer->serving.serves;
}

static const wsm_owner_ops server_ops = {.admit = admit, .serve = serve, .changed = server_connection_changed};

static void client_connection_changed(wsm_connection *connection) { (void)connection; }

static void receive_id(wsm_connection *connection, const unsigned char *data, size_t size) {
    wsm_multiplayer *peer = connection->owner;
    int32_t id =
        size == ID_PACKET_SIZE
            ? (int32_t)((uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24)
            : 0;
    peer->offered_id = id >= 2 ? id : -1;
    connection->drop_empty = true;
}

static const wsm_owner_ops client_ops = {.changed = client_connection_changed, .first_message = receive_id};

static wsm_connection *accept_connection(void *owner) {
    wsm_multiplayer *peer = owner;
    wsm_connection *connection = wsm_connection_new(true, &peer->settings, &peer->inbox);
    if (!connection) return NULL;
    connection->owner_ops = &server_ops;
    connection->owner = peer;
    connection->drop_empty = true;
    connection->serial = ++peer->serials;
    return connection;
}

/* ---- starting and ending ---- */

static wsm_error failed(wsm_multiplayer *peer, wsm_error error, const wsm_reason *reason) {
    peer->last_error = *reason;
    return error;
}

static wsm_error in_use(wsm_reason *reason) {
    return wsm_fail(reason, WSM_ERR_ALREADY_IN_USE, "this peer is in use already: close() it first");
}

wsm_error wsm_multiplayer_create_server(wsm_multiplayer *peer, int64_t port, const char *bind_address,
                                        const wsm_tls_options *tls, wsm_reason *reason) {
    if (peer->status != WSM_STATUS_DISCONNECTED) return in_use(reason);
    if (tls && tls->kind != WSM_TLS_SERVER)
        return failed(peer, wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "these TLSOptions are for clients"), reason);
    wsm_multiplayer_close(peer);
    if (port < 0 || port > 65535)
        return failed(peer,
                      wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "port %lld is outside 0..65535", (long long)port),
                      reason);
    wsm_error error = wsm_upgrade_check_lists(peer->settings.protocols, peer->settings.headers, reason);
    if (!error)
        error = wsm_server_open(&peer->server, bind_address, (uint16_t)port, tls, accept_connection, peer, reason);
    if (error) return failed(peer, error, reason);
    peer->last_error.text[0] = '\0';
    peer->inbox.keep = SERVER_KEEPS;
    peer->status = WSM_STATUS_CONNECTED;
    peer->unique_id = 1;
    return WSM_OK;
}

wsm_error wsm_multiplayer_create_client(wsm_multiplayer *peer, const char *url, const wsm_tls_options *tls,
                                        wsm_reason *reason) {
    if (peer->status != WSM_STATUS_DISCONNECTED) return in_use(reason);
    if (tls && tls->kind == WSM_TLS_SERVER)
        return failed(peer, wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "these TLSOptions are for servers"), reason);
    wsm_multiplayer_close(peer);
    wsm_connection *connection = wsm_connection_new(false, &peer->settings, &peer->inbox);
    if (!connection) return failed(peer, wsm_fail(reason, WSM_ERR_OUT_OF_MEMORY, "out of memory"), reason);
    connection->owner_ops = &client_ops;
    connection->owner = peer;
    connection->id = WSM_TARGET_SERVER;
    connection->serial = ++peer->serials;
    int64_t now = wsm_clock_ms();
    wsm_error error = wsm_client_open(&peer->client, connection, url, tls, now + peer->serving.handshake_timeout_ms,
                                      &peer->watch, reason);
    if (error) {
        wsm_connection_unref(connection);
        return failed(peer, error, reason);
    }
    peer->last_error.text[0] = '\0';
    peer->connection = connection;
    peer->inbox.keep = CLIENT_KEEPS;
    peer->connecting_since_ms = now;
    peer->status = WSM_STATUS_CONNECTING;
    peer->packets_hidden = true;
    return WSM_OK;
}

static void unlink_peer(wsm_multiplayer *peer, wsm_connection *connection) {
    *(connection->previous_peer ? &connection->previous_peer->next_peer : &peer->first_peer) = connection->next_peer;
    *(connection->next_peer ? &connection->next_peer->previous_peer : &peer->last_peer) = connection->previous_peer;
    connection->previous_peer = connection->next_peer = NULL;
    wsm_peer_map_remove(&peer->peers, connection->id);
    connection->joined = false;
}

/* The program will not hear of this connection any more. */
static void forget(wsm_multiplayer *peer, wsm_connection *connection) {
    if (connection->joined) unlink_peer(peer, connection);
    wsm_connection_disown(connection);
    wsm_connection_unref(connection);
}

static void forget_asking(wsm_multiplayer *peer) {
    wsm_connection_unref(peer->asking);
    peer->asking = NULL;
}

/* A peer that is forgotten while its end is still to be announced must not be found there. */
static void strike_note(wsm_connection_queue *queue, wsm_connection *connection) {
    wsm_connection *previous = NULL;
    for (wsm_connection *at = queue->first; at; previous = at, at = at->next_event) {
        if (at != connection) continue;
        *(previous ? &previous->next_event : &queue->first) = at->next_event;
        if (queue->last == at) queue->last = previous;
        return;
    }
}

void wsm_multiplayer_close(wsm_multiplayer *peer) {
    wsm_connection *connection;
    peer->status = WSM_STATUS_DISCONNECTED;
    peer->unique_id = 0;
    peer->leaving = NULL;
    while ((connection = wsm_connection_queue_pop(&peer->requested)) ||
           (connection = wsm_connection_queue_pop(&peer->opened))) {
        wsm_connection_abandon(connection, "the server closed");
        forget(peer, connection);
    }
    forget_asking(peer);
    peer->ended = (wsm_connection_queue){0};
    while ((connection = peer->first_peer)) {
        unlink_peer(peer, connection);
        wsm_connection_disown(connection);
        wsm_connection_leave(connection, WSM_CLOSE_GOING_AWAY);
        wsm_connection_unref(connection);
    }
    if (peer->connection) {
        wsm_connection_disown(peer->connection);
        wsm_connection_leave(peer->connection, WSM_CLOSE_NORMAL);
    }
    wsm_client_close(peer->client);
    wsm_server_close(peer->server);
    wsm_connection_unref(peer->connection);
    peer->client = NULL;
    peer->server = NULL;
    peer->connection = NULL;
    wsm_packet_queue_clear(&peer->inbox);
    wsm_peer_map_release(&peer->peers);
    peer->offered_id = 0;
    peer->ended_seen = peer->packets_hidden = false;
}

void wsm_multiplayer_release(wsm_multiplayer *peer) {
    wsm_multiplayer_close(peer);
    wsm_string_list_unref(peer->settings.protocols);
    wsm_string_list_unref(peer->settings.headers);
    peer->settings.protocols = peer->settings.headers = NULL;
    wsm_watch_release(&peer->watch);
}

void wsm_multiplayer_disconnect_peer(wsm_multiplayer *peer, int32_t id, bool force) {
    wsm_connection *connection = wsm_multiplayer_get_peer(peer, id);
    if (!connection) return;
    if (!force) {
        wsm_connection_close(connection, WSM_CLOSE_NORMAL, "", 0);
    } else if (wsm_multiplayer_is_server(peer)) {
        strike_note(&peer->ended, connection);
        if (peer->leaving == connection) peer->leaving = NULL;
        unlink_peer(peer, connection);
        wsm_connection_disown(connection);
        wsm_connection_leave(connection, WSM_CLOSE_NORMAL);
        wsm_connection_unref(connection);
    } else {
        wsm_multiplayer_close(peer);
    }
}

static void end_client(wsm_multiplayer *peer, const char *why) {
    wsm_reason reason;
    wsm_fail(&reason, WSM_FAILED, "%s", why ? why : "");
    wsm_multiplayer_close(peer);
    peer->last_error = reason;
}

/* The end of a connection has been announced. */
static void forget_leaving(wsm_multiplayer *peer) {
    wsm_connection *connection = peer->leaving;
    peer->leaving = NULL;
    if (!connection) return;
    if (wsm_multiplayer_is_server(peer))
        forget(peer, connection);
    else
        end_client(peer, connection->why);
}

/* ---- turns ---- */

/* Whether the program should hear of something; `unread` is the number of packets it left lying on purpose. */
static bool something_to_tell(const wsm_multiplayer *peer, size_t unread) {
    if (peer->status == WSM_STATUS_DISCONNECTED) return true;
    return (peer->inbox.count > unread && !peer->packets_hidden) || peer->requested.first || peer->opened.first ||
           peer->ended.first || peer->offered_id > 0 ||
           (peer->connection && peer->connection->state == WSM_STATE_CLOSED);
}

static void settle(wsm_multiplayer *peer) {
    if (peer->server) wsm_server_settle(peer->server);
    if (peer->client) wsm_client_settle(peer->client);
}

void wsm_multiplayer_flush(wsm_multiplayer *peer) {
    if (peer->server) wsm_server_flush(peer->server);
    if (peer->connection) wsm_connection_flush(peer->connection);
}

static bool service(wsm_multiplayer *peer, int wait_ms, bool in_parts) {
    if (peer->server) {
        wsm_server_set_refusing(peer->server, peer->refuse_new_connections);
        wsm_server_set_limits(peer->server, &peer->serving);
        return wsm_server_service(peer->server, wait_ms, in_parts);
    }
    return wsm_client_service(peer->client, wait_ms);
}

/* What a client that is CONNECTING has to watch. */
static void watch_handshake(wsm_multiplayer *peer) {
    wsm_connection *connection = peer->connection;
    int64_t left = peer->connecting_since_ms + peer->serving.handshake_timeout_ms - wsm_clock_ms();
    if (peer->offered_id < 0 && connection->state == WSM_STATE_OPEN) {
        wsm_connection_explain(connection,
                               "the server's first message was not a valid id: is it a Godot multiplayer server?");
        wsm_connection_close(connection, WSM_CLOSE_NORMAL, "", 0);
    }
    if (connection->state == WSM_STATE_CLOSED && peer->offered_id <= 0) {
        end_client(peer, connection->why);
    } else if (left < 0 && peer->offered_id <= 0) {
        wsm_reason phase, why;
        wsm_client_phase(peer->client, &phase);
        if (peer->offered_id < 0)
            wsm_fail(&why, WSM_FAILED, "%s", connection->why);
        else
            wsm_fail(&why, WSM_FAILED, "timed out after %g s %s", (double)peer->serving.handshake_timeout_ms / 1000.0,
                     connection->state == WSM_STATE_CONNECTING ? phase.text : "waiting for the server's id packet");
        wsm_connection_abandon(connection, why.text);
        end_client(peer, why.text);
    }
}

int wsm_multiplayer_descriptor(wsm_multiplayer *peer) {
    if (!peer->server) return peer->client ? wsm_client_descriptor(peer->client) : -1;
    return wsm_server_descriptor(peer->server, &peer->watch);
}

wsm_wanted wsm_multiplayer_wanted(const wsm_multiplayer *peer) {
    if (peer->server) return wsm_server_wanted(peer->server);
    return peer->client ? wsm_client_wanted(peer->client) : (wsm_wanted){.fd = -1};
}

/* How long to wait at most; `unread` as for something_to_tell. */
static int time_left(const wsm_multiplayer *peer, size_t unread) {
    int64_t limit = WAIT_SLICE_MS;
    if (something_to_tell(peer, unread)) return 0;
    if (peer->server) return wsm_server_time_left(peer->server, (int)limit);
    if (peer->status == WSM_STATUS_CONNECTING) {
        int64_t allowed = peer->connecting_since_ms + peer->serving.handshake_timeout_ms + 1 - wsm_clock_ms();
        if (allowed < limit) limit = allowed > 0 ? allowed : 0;
    }
    return wsm_client_time_left(peer->client, (int)limit);
}

int64_t wsm_multiplayer_time_left(wsm_multiplayer *peer) {
    if (peer->status == WSM_STATUS_DISCONNECTED) return -1;
    settle(peer);
    return time_left(peer, peer->taken ? 0 : peer->inbox.count);
}

void wsm_multiplayer_poll(wsm_multiplayer *peer, int64_t wait_ms) {
    int64_t until = wsm_clock_ms() + wait_ms;
    peer->turns++;
    peer->took = peer->taken;
    peer->taken = false;
    /* A program that takes one packet a turn must not wait for each; one that takes none wants to wait. */
    size_t unread = peer->took ? 0 : peer->inbox.count;
    while (peer->status != WSM_STATUS_DISCONNECTED) {
        settle(peer);
        int64_t left = wait_ms > 0 ? until - wsm_clock_ms() : 0;
        /* Settling may have taken all the time; a negative wait would have no end. */
        int due = left > 0 ? time_left(peer, unread) : 0;
        /* Who waits comes back for the rest; who polls once a frame wants all. */
        bool finished = service(peer, left > 0 && left < due ? (int)left : due, wait_ms > 0);
        if (peer->status == WSM_STATUS_CONNECTING) watch_handshake(peer);
        if (!finished || wait_ms <= 0 || something_to_tell(peer, unread) || wsm_clock_ms() >= until) break;
    }
}

void wsm_multiplayer_end_turn(wsm_multiplayer *peer) {
    wsm_multiplayer_answer(peer, 500, "the server failed");
    forget_leaving(peer);
    settle(peer);
    if (peer->turns) peer->turns--;
}

/* ---- events ---- */

/* Gives a connection that is open its id and its place; false if it is gone already. */
static bool join(wsm_multiplayer *peer, wsm_connection *connection) {
    unsigned char packet[ID_PACKET_SIZE];
    connection->id = wsm_multiplayer_generate_id(peer);
    for (unsigned i = 0; i < ID_PACKET_SIZE; i++) packet[i] = (unsigned char)((uint32_t)connection->id >> (8 * i));
    if (connection->id == 0 || connection->state != WSM_STATE_OPEN ||
        wsm_connection_send(connection, WSM_OP_BINARY, packet, sizeof packet, NULL) != WSM_OK ||
        !wsm_peer_map_put(&peer->peers, connection)) {
        wsm_connection_abandon(connection, "could not be welcomed");
        forget(peer, connection);
        return false;
    }
    connection->joined = true;
    connection->on_hold = false;
    connection->previous_peer = peer->last_peer;
    *(peer->last_peer ? &peer->last_peer->next_peer : &peer->first_peer) = connection;
    peer->last_peer = connection;
    return true;
}

static void describe_end(wsm_peer_event *event, const wsm_connection *connection) {
    *event =
        (wsm_peer_event){.kind = WSM_PEER_DISCONNECTED,
                         .id = connection->id,
                         .close_code = connection->close_code >= 0 ? connection->close_code : connection->sent_code,
                         .close_reason = connection->close_reason ? connection->close_reason : "",
                         .clean = connection->clean};
}

wsm_connection *wsm_multiplayer_request(const wsm_multiplayer *peer) {
    return peer->asking && peer->asking->state == WSM_STATE_CONNECTING ? peer->asking : NULL;
}

void wsm_multiplayer_answer(wsm_multiplayer *peer, int status, const char *text) {
    if (!peer->asking) return;
    wsm_handshake_admit(peer->asking, status, text);
    forget_asking(peer);
}

wsm_error wsm_multiplayer_respond(wsm_multiplayer *peer, int status, const wsm_string_list *lines, const void *body,
                                  size_t size, wsm_reason *reason) {
    if (!peer->asking) return WSM_OK;
    wsm_error error = wsm_handshake_respond(peer->asking, status, lines, body, size, reason);
    if (!error) forget_asking(peer);
    return error;
}

static bool next_server_event(wsm_multiplayer *peer, wsm_peer_event *event) {
    wsm_connection *connection;
    /* What the program did not answer is not let in. */
    wsm_multiplayer_answer(peer, 403, "not admitted");
    if ((connection = wsm_connection_queue_pop(&peer->requested))) {
        peer->asking = connection;
        *event = (wsm_peer_event){.kind = WSM_PEER_REQUESTED};
        return true;
    }
    while ((connection = wsm_connection_queue_pop(&peer->opened))) {
        if (!join(peer, connection)) continue;
        *event = (wsm_peer_event){.kind = WSM_PEER_CONNECTED, .id = connection->id};
        return true;
    }
    /* Those who just joined may have sent packets, and an end, behind their request. */
    wsm_server_settle(peer->server);
    connection = wsm_connection_queue_pop(&peer->ended);
    if (!connection) return false;
    describe_end(event, connection);
    peer->leaving = connection;
    if (connection->why) wsm_fail(&peer->last_error, WSM_OK, "%s", connection->why);
    return true;
}

static bool next_client_event(wsm_multiplayer *peer, wsm_peer_event *event) {
    wsm_connection *connection = peer->connection;
    if (peer->status == WSM_STATUS_CONNECTING && peer->offered_id > 0) {
        peer->status = WSM_STATUS_CONNECTED;
        peer->unique_id = peer->offered_id;
        *event = (wsm_peer_event){.kind = WSM_PEER_CONNECTED, .id = WSM_TARGET_SERVER};
        return true;
    }
    peer->offered_id = 0;
    peer->packets_hidden = peer->status != WSM_STATUS_CONNECTED;
    if (peer->status != WSM_STATUS_CONNECTED || connection->state != WSM_STATE_CLOSED) return false;
    /* Godot throws away what arrived together with the end. Here the end waits while the program takes packets. */
    bool wait = peer->inbox.count && (!peer->ended_seen || peer->took);
    peer->ended_seen = true;
    if (wait) return false;
    describe_end(event, connection);
    peer->leaving = connection;
    return true;
}

bool wsm_multiplayer_next_event(wsm_multiplayer *peer, wsm_peer_event *event) {
    forget_leaving(peer);
    if (peer->server) return next_server_event(peer, event);
    return peer->client && next_client_event(peer, event);
}

/* ---- packets ---- */

static void count_drop(wsm_multiplayer *peer, wsm_connection *connection) {
    peer->dropped++;
    connection->dropped++;
}

static wsm_error send_to(wsm_multiplayer *peer, wsm_connection *connection, const void *data, size_t size,
                         wsm_chunk **shared, wsm_reason *reason) {
    wsm_error error = wsm_connection_send(connection, WSM_OP_BINARY, data, size, shared);
    if (error == WSM_OK) return WSM_OK;
    count_drop(peer, connection);
    if (error == WSM_FAILED)
        return wsm_fail(reason, error, "the connection to peer %d is closing", (int)connection->id);
    return wsm_fail(
        reason, error,
        "%zu bytes do not fit into what may wait for peer %d (outbound_buffer_size %d, max_queued_packets %d)", size,
        (int)connection->id, (int)connection->settings.outbound_buffer_size,
        (int)connection->settings.max_queued_packets);
}

static void broadcast(wsm_multiplayer *peer, const void *data, size_t size) {
    wsm_chunk *shared = NULL;
    for (wsm_connection *connection = peer->first_peer; connection; connection = connection->next_peer)
        if (peer->target_peer == WSM_TARGET_BROADCAST || (int64_t)connection->id != -(int64_t)peer->target_peer)
            if (wsm_connection_send(connection, WSM_OP_BINARY, data, size, &shared) != WSM_OK)
                count_drop(peer, connection);
    wsm_chunk_unref(shared);
}

static bool sends_at_once(wsm_multiplayer *peer) { return peer->autoflush && !peer->turns && !peer->inbox.count; }

wsm_error wsm_multiplayer_put_packet(wsm_multiplayer *peer, const void *data, size_t size, wsm_reason *reason) {
    wsm_error error = WSM_OK;
    if (size == 0) return WSM_OK;
    if (peer->status != WSM_STATUS_CONNECTED)
        return wsm_fail(reason, WSM_ERR_UNCONFIGURED, "this peer is not connected");
    if (!wsm_multiplayer_is_server(peer)) {
        error = send_to(peer, peer->connection, data, size, NULL, reason);
    } else if (peer->target_peer > 0) {
        wsm_connection *connection = wsm_peer_map_get(&peer->peers, peer->target_peer);
        if (!connection)
            return wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "there is no peer %d", (int)peer->target_peer);
        error = send_to(peer, connection, data, size, NULL, reason);
    } else {
        broadcast(peer, data, size);
    }
    wsm_multiplayer_flush_if_idle(peer);
    return error;
}

void wsm_multiplayer_flush_if_idle(wsm_multiplayer *peer) {
    if (sends_at_once(peer)) wsm_multiplayer_flush(peer);
}

size_t wsm_multiplayer_available(wsm_multiplayer *peer) {
    wsm_multiplayer_flush_if_idle(peer);
    return peer->packets_hidden ? 0 : peer->inbox.count;
}

wsm_error wsm_multiplayer_peek_packet(wsm_multiplayer *peer, wsm_packet *packet) {
    if (peer->status != WSM_STATUS_CONNECTED) return peer->packet_error = WSM_ERR_UNCONFIGURED;
    if (peer->packets_hidden || !wsm_packet_queue_peek(&peer->inbox, packet)) {
        wsm_multiplayer_flush_if_idle(peer);
        return peer->packet_error = WSM_ERR_UNAVAILABLE;
    }
    return peer->packet_error = WSM_OK;
}

bool wsm_multiplayer_took_packet(wsm_multiplayer *peer, const wsm_packet *packet) {
    if (!wsm_packet_queue_remove(&peer->inbox, packet)) return false;
    wsm_connection *connection = peer->connection ? peer->connection : wsm_peer_map_get(&peer->peers, packet->source);
    if (connection) wsm_connection_taken(connection, packet->size);
    peer->taken = true;
    return true;
}

int32_t wsm_multiplayer_packet_peer(const wsm_multiplayer *peer) {
    wsm_packet packet;
    return !peer->packets_hidden && wsm_packet_queue_peek(&peer->inbox, &packet) ? packet.source : 1;
}

/* ---- peers ---- */

void wsm_multiplayer_settings_changed(wsm_multiplayer *peer) {
    int64_t interval = peer->settings.heartbeat_ms;
    if (peer->heartbeat_ms == interval) return;
    peer->heartbeat_ms = interval;
    for (wsm_connection *connection = peer->first_peer; connection; connection = connection->next_peer)
        wsm_connection_set_heartbeat(connection, interval);
    if (peer->connection) wsm_connection_set_heartbeat(peer->connection, interval);
}

wsm_connection *wsm_multiplayer_get_peer(const wsm_multiplayer *peer, int32_t id) {
    if (wsm_multiplayer_is_server(peer)) return id > 0 ? wsm_peer_map_get(&peer->peers, id) : NULL;
    return id == WSM_TARGET_SERVER ? peer->connection : NULL;
}

int32_t wsm_multiplayer_generate_id(wsm_multiplayer *peer) {
    int32_t id;
    do id = wsm_random_peer_id(&peer->random);
    while (id && (id == peer->unique_id || wsm_peer_map_get(&peer->peers, id)));
    return id;
}
