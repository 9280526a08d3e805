/* Godot's WebSocketMultiplayerPeer: a server with its clients, or one client; ids, targets, packets, events. */
#ifndef WSM_MULTIPLAYER_H
#define WSM_MULTIPLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client_link.h"
#include "connection.h"
#include "connection_queue.h"
#include "error.h"
#include "packet_queue.h"
#include "peer_map.h"
#include "random.h"
#include "server_link.h"

/* MultiplayerPeer.ConnectionStatus */
typedef enum wsm_connection_status {
    WSM_STATUS_DISCONNECTED = 0,
    WSM_STATUS_CONNECTING = 1,
    WSM_STATUS_CONNECTED = 2,
} wsm_connection_status;

enum { WSM_TARGET_BROADCAST = 0, WSM_TARGET_SERVER = 1, WSM_TRANSFER_MODE_RELIABLE = 2 };

typedef enum wsm_event_kind { WSM_PEER_REQUESTED, WSM_PEER_CONNECTED, WSM_PEER_DISCONNECTED } wsm_event_kind;

typedef struct wsm_peer_event {
    wsm_event_kind kind;
    int32_t id;
    /* of a disconnect */
    int close_code;           /* the peer's, or ours if this side closed; -1: none */
    const char *close_reason; /* valid until the next call */
    bool clean;               /* ended by a close frame */
} wsm_peer_event;

/* The fields above the line are properties, to be read and set freely. */
typedef struct wsm_multiplayer {
    wsm_settings settings; /* for connections made from now on; the lists are owned */
    wsm_serving serving;   /* the handshake's time is a client's, too; see wsm_multiplayer_answer and _respond */
    int32_t target_peer;   /* 0: all, n: that one, -n: all but that one */
    int32_t transfer_mode, transfer_channel;
    int32_t encode_buffer_max_size;
    bool refuse_new_connections;
    bool autoflush;
    wsm_error packet_error; /* result of the last attempt to take a packet */
    wsm_reason last_error;  /* why the last connection ended or could not be made */
    size_t dropped;         /* packets that could not be queued for a peer */
    /* ------------------------------------------------------------------ */
    wsm_connection_status status;
    int32_t unique_id;
    wsm_server *server;
    wsm_client *client;
    wsm_watch watch;
    wsm_connection *connection; /* a client's, to the server */
    int64_t connecting_since_ms;
    int32_t offered_id;  /* what the id packet says; 0: none yet, -1: a bad one */
    bool ended_seen;     /* the end waits for the program to take its packets */
    bool taken, took;    /* packets were taken since the last poll; before it */
    bool packets_hidden; /* received, but peer_connected comes first */

    wsm_packet_queue inbox;
    wsm_peer_map peers;
    wsm_connection *first_peer, *last_peer;        /* in the order of joining */
    wsm_connection_queue requested, opened, ended; /* to be announced */
    wsm_connection *asking;                        /* whose request is being announced */
    wsm_connection *leaving;                       /* whose end is being announced */
    wsm_random random;
    uint64_t serials;
    int64_t heartbeat_ms; /* what the living connections have */
    unsigned turns;       /* depth of poll */
} wsm_multiplayer;

void wsm_multiplayer_init(wsm_multiplayer *peer);
/* As close(), and gives everything back. */
void wsm_multiplayer_release(wsm_multiplayer *peer);

/* See Godot's class for the errors; on failure `reason` says why and is also kept in last_error. */
wsm_error wsm_multiplayer_create_server(wsm_multiplayer *peer, int64_t port, const char *bind_address,
                                        const wsm_tls_options *tls, wsm_reason *reason);
wsm_error wsm_multiplayer_create_client(wsm_multiplayer *peer, const char *url, const wsm_tls_options *tls,
                                        wsm_reason *reason);
/* Close frames, no events, reusable at once. May be called at any moment. */
void wsm_multiplayer_close(wsm_multiplayer *peer);
void wsm_multiplayer_disconnect_peer(wsm_multiplayer *peer, int32_t id, bool force);

/* One turn: poll reads what is there, waiting at most `wait_ms` for an event or a packet; then next_event is called
 * until it returns false, its events being announced in between; then end_turn. Any call is allowed between them. */
void wsm_multiplayer_poll(wsm_multiplayer *peer, int64_t wait_ms);
/* For those who wait elsewhere: poll is due when the descriptor (see wsm_watch) becomes readable, and after this many
 * milliseconds; -1: there is no such descriptor, no such time. */
int wsm_multiplayer_descriptor(wsm_multiplayer *peer);
int64_t wsm_multiplayer_time_left(wsm_multiplayer *peer);
/* What it waits for just now, for those who ask before each wait. */
wsm_wanted wsm_multiplayer_wanted(const wsm_multiplayer *peer);
bool wsm_multiplayer_next_event(wsm_multiplayer *peer, wsm_peer_event *event);
void wsm_multiplayer_end_turn(wsm_multiplayer *peer);
/* The request that WSM_PEER_REQUESTED is about; NULL if it is gone. Until it is answered it is the program's turn. */
wsm_connection *wsm_multiplayer_request(const wsm_multiplayer *peer);
/* Admits it with status 101, or refuses it with another HTTP status and a text. */
void wsm_multiplayer_answer(wsm_multiplayer *peer, int status, const char *text);
/* Answers a plain one; see wsm_handshake_respond. */
wsm_error wsm_multiplayer_respond(wsm_multiplayer *peer, int status, const wsm_string_list *lines, const void *body,
                                  size_t size, wsm_reason *reason);
/* Hands a changed heartbeat on to all living connections. */
void wsm_multiplayer_settings_changed(wsm_multiplayer *peer);
/* Sends what was gathered; the second only by the rule of autoflush: outside of a turn, with no unread packets. */
void wsm_multiplayer_flush(wsm_multiplayer *peer);
void wsm_multiplayer_flush_if_idle(wsm_multiplayer *peer);

/* Sends to target_peer. On a server the result is OK for broadcasts, and the real one for a single peer. */
wsm_error wsm_multiplayer_put_packet(wsm_multiplayer *peer, const void *data, size_t size, wsm_reason *reason);
size_t wsm_multiplayer_available(wsm_multiplayer *peer);
/* The next packet, which stays in the queue: ERR_UNCONFIGURED unless connected, ERR_UNAVAILABLE if there is none. */
wsm_error wsm_multiplayer_peek_packet(wsm_multiplayer *peer, wsm_packet *packet);
/* The program has it, so it leaves the queue; false if it is not the next one any more. */
bool wsm_multiplayer_took_packet(wsm_multiplayer *peer, const wsm_packet *packet);
/* Sender of the next packet, 1 if there is none. */
int32_t wsm_multiplayer_packet_peer(const wsm_multiplayer *peer);

/* The connection of a peer id, borrowed; NULL if unknown. */
wsm_connection *wsm_multiplayer_get_peer(const wsm_multiplayer *peer, int32_t id);
/* 2..2147483647 and not in use; 0 if the system has no random numbers. */
int32_t wsm_multiplayer_generate_id(wsm_multiplayer *peer);
bool wsm_multiplayer_is_server(const wsm_multiplayer *peer);
/* 0 unless a server. */
uint16_t wsm_multiplayer_bound_port(const wsm_multiplayer *peer);

#endif
