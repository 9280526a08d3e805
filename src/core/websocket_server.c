/* Who owns what: a reference for each connection that waits in a queue, or whose request is being answered. */
#include "websocket_server.h"

#include "clock.h"
#include "handshake.h"
#include "upgrade.h"

enum { WAIT_SLICE_MS = 1000 };

void wsm_websocket_server_init(wsm_websocket_server *server) {
    *server = (wsm_websocket_server){
        .settings = wsm_settings_default(),
        .serving = wsm_serving_default(),
    };
}

static int admit(wsm_connection *connection, const char **problem) {
    wsm_websocket_server *server = connection->owner;
    (void)problem;
    if (!server->serving.asks) return 101;
    wsm_connection_queue_push(&server->requested, wsm_connection_ref(connection));
    return 0;
}

static bool serve(wsm_connection *connection) {
    wsm_websocket_server *server = connection->owner;
    if (server->serving.serves) wsm_connection_queue_push(&server->requested, wsm_connection_ref(connection));
    return server->serving.serves;
}

static void connection_changed(wsm_connection *connection) {
    wsm_websocket_server *server = connection->owner;
    if (connection->state == WSM_STATE_OPEN) wsm_connection_queue_push(&server->opened, wsm_connection_ref(connection));
}

static const wsm_owner_ops owner_ops = {.admit = admit, .serve = serve, .changed = connection_changed};

static wsm_connection *accept_connection(void *owner) {
    wsm_websocket_server *server = owner;
    wsm_connection *connection = wsm_connection_new(true, &server->settings, NULL);
    if (!connection) return NULL;
    connection->owner_ops = &owner_ops;
    connection->owner = server;
    return connection;
}

wsm_error wsm_websocket_server_listen(wsm_websocket_server *server, int64_t port, const char *bind_address,
                                      const wsm_tls_options *tls, wsm_reason *reason) {
    if (server->server)
        return wsm_fail(reason, WSM_ERR_ALREADY_IN_USE, "this server is listening already: stop() it first");
    wsm_error error = WSM_OK;
    if (tls && tls->kind != WSM_TLS_SERVER)
        error = wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "these TLSOptions are for clients");
    else if (port < 0 || port > 65535)
        error = wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "port %lld is outside 0..65535", (long long)port);
    if (!error) error = wsm_upgrade_check_lists(server->settings.protocols, server->settings.headers, reason);
    if (!error)
        error = wsm_server_open(&server->server, bind_address, (uint16_t)port, tls, accept_connection, server, reason);
    if (error)
        server->last_error = *reason;
    else
        server->last_error.text[0] = '\0';
    return error;
}

void wsm_websocket_server_stop(wsm_websocket_server *server) {
    wsm_connection *connection;
    while ((connection = wsm_connection_queue_pop(&server->requested)) ||
           (connection = wsm_connection_queue_pop(&server->opened))) {
        wsm_connection_disown(connection);
        wsm_connection_leave(connection, WSM_CLOSE_GOING_AWAY);
        wsm_connection_unref(connection);
    }
    wsm_connection_unref(server->asking);
    server->asking = NULL;
    wsm_server_close(server->server);
    server->server = NULL;
}

void wsm_websocket_server_release(wsm_websocket_server *server) {
    wsm_websocket_server_stop(server);
    wsm_string_list_unref(server->settings.protocols);
    wsm_string_list_unref(server->settings.headers);
    server->settings.protocols = server->settings.headers = NULL;
    wsm_watch_release(&server->watch);
}

void wsm_websocket_server_poll(wsm_websocket_server *server, int64_t wait_ms) {
    int64_t until = wsm_clock_ms() + wait_ms, left;
    bool finished = true;
    if (!server->server) return;
    wsm_server_set_limits(server->server, &server->serving);
    wsm_server_take_news(server->server);
    do {
        wsm_server_settle(server->server);
        left = until - wsm_clock_ms();
        /* What happens on connections that were taken shows only as news. */
        bool news = wsm_server_take_news(server->server) || server->requested.first || server->opened.first;
        int wait = news || left <= 0 ? 0 : left > WAIT_SLICE_MS ? WAIT_SLICE_MS : (int)left;
        finished =
            wsm_server_service(server->server, wait > 0 ? wsm_server_time_left(server->server, wait) : 0, wait_ms > 0);
        if (news) break;
    } while (finished && left > 0 && !wsm_server_take_news(server->server));
}

int wsm_websocket_server_descriptor(wsm_websocket_server *server) {
    return server->server ? wsm_server_descriptor(server->server, &server->watch) : -1;
}

wsm_wanted wsm_websocket_server_wanted(const wsm_websocket_server *server) {
    return server->server ? wsm_server_wanted(server->server) : (wsm_wanted){.fd = -1};
}

int64_t wsm_websocket_server_time_left(wsm_websocket_server *server) {
    if (!server->server) return -1;
    wsm_server_settle(server->server);
    if (server->requested.first) return 0;
    return wsm_server_time_left(server->server, WAIT_SLICE_MS);
}

wsm_connection *wsm_websocket_server_next_request(wsm_websocket_server *server) {
    wsm_websocket_server_answer(server, 403, "not admitted");
    while ((server->asking = wsm_connection_queue_pop(&server->requested))) {
        if (server->asking->state == WSM_STATE_CONNECTING) return server->asking;
        wsm_connection_unref(server->asking);
    }
    return NULL;
}

void wsm_websocket_server_answer(wsm_websocket_server *server, int status, const char *text) {
    wsm_connection *connection = server->asking;
    if (!connection) return;
    server->asking = NULL;
    wsm_handshake_admit(connection, status, text);
    wsm_connection_unref(connection);
}

wsm_error wsm_websocket_server_respond(wsm_websocket_server *server, int status, const wsm_string_list *lines,
                                       const void *body, size_t size, wsm_reason *reason) {
    if (!server->asking) return WSM_OK;
    wsm_error error = wsm_handshake_respond(server->asking, status, lines, body, size, reason);
    if (error) return error;
    wsm_connection_unref(server->asking);
    server->asking = NULL;
    return WSM_OK;
}

void wsm_websocket_server_end_turn(wsm_websocket_server *server) {
    wsm_websocket_server_answer(server, 500, "the server failed");
    if (server->server) wsm_server_settle(server->server);
}

bool wsm_websocket_server_is_available(const wsm_websocket_server *server) { return server->opened.first != NULL; }

wsm_connection *wsm_websocket_server_take(wsm_websocket_server *server) {
    wsm_connection *connection = wsm_connection_queue_pop(&server->opened);
    /* From now on its object is its owner; this server only carries its bytes. */
    if (connection) wsm_connection_disown(connection);
    return connection;
}
