/* Godot's WebSocketPeer: a client on its own, or a connection that a server handed out. */
#ifndef WSM_WEBSOCKET_H
#define WSM_WEBSOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "client_link.h"
#include "connection.h"
#include "error.h"
#include "packet_queue.h"
#include "tls_options.h"

/* The fields above the line are properties, to be read and set freely; wsm_websocket_settings_changed applies them. */
typedef struct wsm_websocket {
    wsm_settings settings; /* of the next connection; the lists are owned */
    int32_t encode_buffer_max_size;
    wsm_error packet_error; /* result of the last attempt to take a packet */
    bool last_was_text;     /* the last packet taken came as text */
    /* ------------------------------------------------------------------ */
    wsm_connection *connection; /* NULL before the first one */
    wsm_client *client;         /* its link, if this object started it */
    wsm_watch watch;
    bool borrowed;  /* it belongs to a multiplayer peer, which polls and reads it */
    bool end_shown; /* the program has been told that it is CLOSED */
    bool end_seen, taken;
    wsm_packet_queue inbox;
    wsm_reason last_error;
} wsm_websocket;

void wsm_websocket_init(wsm_websocket *socket);
/* Closes a connection of its own and gives everything back. */
void wsm_websocket_release(wsm_websocket *socket);
/* Wraps a connection of a multiplayer peer (`borrowed`), or takes over one that a server accepted. Takes a reference.
 */
void wsm_websocket_wrap(wsm_websocket *socket, wsm_connection *connection, bool borrowed);

/* Hands changed limits on to a living connection: outgoing ones and the heartbeat at once, incoming ones before it is
 * open. */
void wsm_websocket_settings_changed(wsm_websocket *socket);

wsm_error wsm_websocket_connect(wsm_websocket *socket, const char *url, const wsm_tls_options *tls, wsm_reason *reason);
/* Does what is due, waiting at most `wait_ms` for something to happen. */
void wsm_websocket_poll(wsm_websocket *socket, int64_t wait_ms);
/* As for wsm_multiplayer_poll. Only a connection that this object started has them. */
int wsm_websocket_descriptor(wsm_websocket *socket);
int64_t wsm_websocket_time_left(const wsm_websocket *socket);
wsm_wanted wsm_websocket_wanted(const wsm_websocket *socket);
/* As Godot's: CLOSED without a connection. OPEN as long as the program takes packets that came before the end. */
wsm_ready_state wsm_websocket_state(const wsm_websocket *socket);
wsm_error wsm_websocket_send(wsm_websocket *socket, wsm_opcode opcode, const void *data, size_t size,
                             wsm_reason *reason);
void wsm_websocket_close(wsm_websocket *socket, int code, const char *text, size_t size);

size_t wsm_websocket_available(const wsm_websocket *socket);
/* The next packet, which stays in the queue: FAILED unless OPEN, ERR_UNAVAILABLE if there is none. */
wsm_error wsm_websocket_peek_packet(wsm_websocket *socket, wsm_packet *packet);
/* The program has it, so it leaves the queue; false if it is not the next one any more. */
bool wsm_websocket_took_packet(wsm_websocket *socket, const wsm_packet *packet);

#endif
