/* A server of plain WebSocket connections, each of which becomes a WebSocketPeer; shaped like Godot's TCPServer. */
#ifndef WSM_WEBSOCKET_SERVER_H
#define WSM_WEBSOCKET_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"
#include "connection_queue.h"
#include "error.h"
#include "server_link.h"

/* The fields above the line are properties, to be read and set freely. */
typedef struct wsm_websocket_server {
    wsm_settings settings; /* for connections made from now on; the lists are owned */
    wsm_serving serving;   /* see wsm_websocket_server_answer and _respond */
    /* ------------------------------------------------------------------ */
    wsm_watch watch;
    wsm_server *server;                     /* NULL: not listening */
    wsm_connection_queue requested, opened; /* to be answered; to be taken */
    wsm_connection *asking;
    wsm_reason last_error;
} wsm_websocket_server;

void wsm_websocket_server_init(wsm_websocket_server *server);
/* As stop(), and gives everything back. */
void wsm_websocket_server_release(wsm_websocket_server *server);

/* See wsm_server_open; ERR_ALREADY_IN_USE while listening. */
wsm_error wsm_websocket_server_listen(wsm_websocket_server *server, int64_t port, const char *bind_address,
                                      const wsm_tls_options *tls, wsm_reason *reason);
/* Ends listening and all connections, those that were taken too. */
void wsm_websocket_server_stop(wsm_websocket_server *server);
/* Serves all connections, waiting at most `wait_ms` for something to happen. Then: requests, as long as there are any.
 */
void wsm_websocket_server_poll(wsm_websocket_server *server, int64_t wait_ms);
/* As for wsm_multiplayer_poll. */
int wsm_websocket_server_descriptor(wsm_websocket_server *server);
int64_t wsm_websocket_server_time_left(wsm_websocket_server *server);
wsm_wanted wsm_websocket_server_wanted(const wsm_websocket_server *server);
/* The next request to answer; NULL if there is none. */
wsm_connection *wsm_websocket_server_next_request(wsm_websocket_server *server);
void wsm_websocket_server_answer(wsm_websocket_server *server, int status, const char *text);
/* Answers a plain one; see wsm_handshake_respond. */
wsm_error wsm_websocket_server_respond(wsm_websocket_server *server, int status, const wsm_string_list *lines,
                                       const void *body, size_t size, wsm_reason *reason);
void wsm_websocket_server_end_turn(wsm_websocket_server *server);

/* Whether an open connection waits; and the next one, whose reference becomes the caller's (NULL if there is none). */
bool wsm_websocket_server_is_available(const wsm_websocket_server *server);
wsm_connection *wsm_websocket_server_take(wsm_websocket_server *server);

#endif
