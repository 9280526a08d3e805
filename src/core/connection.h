/* One WebSocket connection, whichever way its bytes travel: states, messages in and out, limits, closing.
 * It is what Godot calls a WebSocketPeer. A link (server_link, client_link) moves its bytes; an owner (multiplayer)
 * is told when it changes. Reference counted: the link, the owner and every Lua object hold one reference each. */
#ifndef WSM_CONNECTION_H
#define WSM_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "frame.h"
#include "message.h"
#include "packet_queue.h"
#include "random.h"
#include "send_queue.h"
#include "string_list.h"

/* WebSocketPeer.State */
typedef enum wsm_ready_state {
    WSM_STATE_CONNECTING = 0,
    WSM_STATE_OPEN = 1,
    WSM_STATE_CLOSING = 2,
    WSM_STATE_CLOSED = 3,
} wsm_ready_state;

/* How long a connection that is closing may take, in milliseconds, before its socket is cut. */
enum { WSM_CLOSING_LIMIT_MS = 3000 };

/* Limits and handshake texts, fixed for a connection when it is made. */
typedef struct wsm_settings {
    int32_t inbound_buffer_size;  /* bytes: largest message, and unread bytes at which reading stops; <= 0: no limit */
    int32_t outbound_buffer_size; /* bytes of payload not yet taken by the socket; <= 0: no limit */
    int32_t max_queued_packets;   /* unread packets at which reading stops; unsent packets */
    int64_t heartbeat_ms;         /* a ping each so many milliseconds; 0: none */
    wsm_string_list *protocols;
    wsm_string_list *headers;
} wsm_settings;

/* Godot's limits, no lists, no heartbeat. */
wsm_settings wsm_settings_default(void);

/* PacketPeer.encode_buffer_max_size: largest value that put_var sends, in bytes */
enum { WSM_DEFAULT_ENCODE_BUFFER_MAX_SIZE = 8 * 1024 * 1024 };
enum { WSM_DEFAULT_BUFFER_SIZE = 65535, WSM_DEFAULT_MAX_QUEUED_PACKETS = 2048 };

typedef struct wsm_address {
    uint8_t bytes[16]; /* IPv4 in the first four */
    uint8_t size;      /* 4, 16, or 0: unknown */
    uint16_t port;
} wsm_address;

/* "1.2.3.4", or eight hexadecimal groups, as Godot writes addresses; "" if unknown. */
enum { WSM_ADDRESS_TEXT_SIZE = 40 };
void wsm_address_text(const wsm_address *address, char text[WSM_ADDRESS_TEXT_SIZE]);

struct wsm_connection;

/* What a link does for its connections. None of these calls back into the connection. */
typedef struct wsm_link_ops {
    /* Sends, or keeps what the socket does not take. `data` has WSM_HEADROOM writable bytes in front and holds whole
     * frames. Only while not busy. False: the link is broken and its end will be noticed by its service. */
    bool (*write)(struct wsm_connection *connection, unsigned char *data, size_t size);
    /* The same for one frame in two pieces, of which nothing is changed or kept. 1: sent, or what is left of it is
     * kept; 0: nothing of it was taken; -1: the link is broken. NULL: not possible here. */
    int (*write_parts)(struct wsm_connection *connection, const unsigned char *head, size_t head_size,
                       const unsigned char *data, size_t size);
    /* Whether bytes handed over earlier still wait for the socket. */
    bool (*busy)(const struct wsm_connection *connection);
    /* Output, the state, or the readiness for input changed: the link looks at the connection in its next turn. */
    void (*changed)(struct wsm_connection *connection);
    bool (*set_no_delay)(struct wsm_connection *connection, bool enabled);
} wsm_link_ops;

/* What an owner is told; always from inside the link's service or a wsm_connection_* call, so it only takes notes. */
typedef struct wsm_owner_ops {
    /* Server only: what becomes of a good request: 101 accepts, another HTTP status refuses with `problem` as its text,
     * 0 puts it off until wsm_handshake_admit. NULL: accept all. */
    int (*admit)(struct wsm_connection *connection, const char **problem);
    /* Server only: whether a plain HTTP request is put off until wsm_handshake_respond. NULL: none is. */
    bool (*serve)(struct wsm_connection *connection);
    /* The state became OPEN, CLOSING or CLOSED. */
    void (*changed)(struct wsm_connection *connection);
    /* The first message, which does not become a packet. NULL: it does. */
    void (*first_message)(struct wsm_connection *connection, const unsigned char *data, size_t size);
} wsm_owner_ops;

struct lws;

/* The link's own notes about a connection; nobody else reads them. */
typedef struct wsm_link {
    const wsm_link_ops *ops; /* NULL: no link has to do with it (any more) */
    void *service;
    struct lws *wsi;
    int fd;
    long process;       /* the one that opened the socket */
    unsigned interest;  /* what the event set watches for */
    bool attention;     /* noted for the next turn */
    bool tls_handshake; /* server: still going on */
    bool hung_up;       /* the peer reset while we had stopped reading */
    bool half_closed;   /* our direction of TCP is shut down */
    bool counted;       /* among those of its address */
    struct wsm_connection *next_attention;
    struct wsm_connection *previous, *next; /* in `list` */
    struct wsm_connection_list *list;
    int64_t since_ms;     /* when it entered that list */
    size_t unreceived;    /* of an answer to a plain request, when it was last looked at */
    int64_t heartbeat_ms; /* the interval that its timer goes by */
    int64_t timer_ms;     /* when to look at its heartbeat */
    size_t timer_place;   /* in the heap of timers, counted from 1; 0: not there */
} wsm_link;

typedef struct wsm_connection {
    unsigned refs;
    uint64_t serial; /* tells the connections of one owner apart */
    bool server;     /* this side is the server */
    bool alive;      /* the link still has a socket */
    bool tls;        /* came in over TLS */
    wsm_ready_state state;
    wsm_settings settings;
    wsm_link link;
    wsm_random *random; /* for masks; NULL on a server */

    const wsm_owner_ops *owner_ops; /* NULL: nobody is interested any more */
    void *owner;
    int32_t id;      /* source of its packets */
    bool drop_empty; /* messages without content are no packets */
    bool first_message_seen;
    bool joined; /* the owner has announced it */
    bool event_noted;
    struct wsm_connection *previous_peer, *next_peer, *next_event; /* the owner's lists */
    size_t dropped;                                                /* packets for it that could not be queued */

    /* receiving */
    wsm_frame_reader reader;
    wsm_frame_head frame;
    bool in_frame;
    bool stopped; /* the unread packets are at the bound */
    bool deaf;    /* what still comes is for nobody: a close frame was received, or nonsense */
    bool on_hold; /* its owner has to act first: to admit the request, or to announce the connection */
    uint8_t control_size;
    uint64_t frame_left;
    wsm_message message;
    size_t head_size; /* of the request that waits at the front of `held` to be answered */
    bool plain;       /* it asks for no WebSocket: plain HTTP */
    wsm_bytes held;   /* received, not yet looked at: the request head, or what came while stopped or on hold */
    wsm_packet_queue *inbox;
    size_t unread_bytes, unread_packets;

    /* sending */
    wsm_send_queue out;
    bool greeting; /* the 101 answer is still in the queue: nothing may overtake it */
    bool write_failed;
    size_t inflight_payload, inflight_packets; /* handed to a link that is busy */

    /* heartbeat */
    bool heard;            /* something was received since the last ping */
    bool ping_repeated;    /* because the program had not polled in time */
    int64_t pinged_ms;     /* when the last ping was sent; 0: never */
    int64_t pinged_us;     /* the same, exactly; its payload */
    int64_t round_trip_us; /* of the last answered ping; -1: unknown */

    /* closing */
    bool close_sent, close_received;
    bool cut;                 /* no farewell: drop the socket */
    int64_t respond_until_ms; /* of the answer to a plain request; 0: it is none */
    bool clean;               /* ended by a close frame of either side */
    int close_code;           /* of the close frame received, or raised by a failure; -1: none */
    int sent_code;            /* of the close frame this program asked for; -1: none */
    char *close_reason;       /* NULL: "" */
    char *why;                /* text of what ended or refused it; NULL: nothing to say */

    wsm_address remote;
    char *url;      /* as requested */
    char *head;     /* server side: of the request that opened it, with its empty line; NULL before */
    char *protocol; /* agreed sub-protocol; NULL: none */

    unsigned char control[WSM_CONTROL_MAX]; /* payload of the control frame being received; last, because rarely used */
} wsm_connection;

/* A connection in CONNECTING with copies of the settings; NULL without memory. */
wsm_connection *wsm_connection_new(bool server, const wsm_settings *settings, wsm_packet_queue *inbox);
wsm_connection *wsm_connection_ref(wsm_connection *connection);
void wsm_connection_unref(wsm_connection *connection);
/* The owner is gone or no longer interested: it will not be called again, packets are no longer stored. */
void wsm_connection_disown(wsm_connection *connection);

/* --- for users --- */

/* One message: OK, FAILED unless OPEN, ERR_OUT_OF_MEMORY at the limits. For a message to many connections `shared`
 * points to a chunk pointer that starts as NULL and which the caller unrefs at the end; else it is NULL.
 * Gathers; wsm_connection_flush sends. */
wsm_error wsm_connection_send(wsm_connection *connection, wsm_opcode opcode, const void *data, size_t size,
                              wsm_chunk **shared);
void wsm_connection_flush(wsm_connection *connection);
/* WebSocketPeer.close: code < 0 cuts at once, 0 sends a close frame without a code; the reason is cut to 123 bytes. */
void wsm_connection_close(wsm_connection *connection, int code, const char *reason, size_t size);
/* Closes without waiting for the answer: what is queued and the close frame still go out, the state is CLOSED. */
void wsm_connection_leave(wsm_connection *connection, int code);
/* The user took a packet of `size` bytes that came from this connection. */
void wsm_connection_taken(wsm_connection *connection, size_t size);
/* Changes the interval of a living connection, in milliseconds; 0 switches pings off. */
void wsm_connection_set_heartbeat(wsm_connection *connection, int64_t interval_ms);
/* Payload bytes not yet completely handed to the socket; 0 unless OPEN. */
size_t wsm_connection_buffered(const wsm_connection *connection);

/* --- for links and the handshake --- */

void wsm_connection_set_state(wsm_connection *connection, wsm_ready_state state);
/* Why it ends, for a person, unless that is known already. */
void wsm_connection_explain(wsm_connection *connection, const char *why);

/* Checks for signs of life and sends the next ping when it is due. Returns when to call again (wsm_clock_ms time), 0 if
 * there is nothing to watch. Call it after reading: what waits in the socket is a sign of life. */
int64_t wsm_connection_heartbeat(wsm_connection *connection, int64_t now_ms);
void wsm_connection_receive_pong(wsm_connection *connection, const unsigned char *payload, size_t size);

/* Bytes of the stream: on a server the request, then frames. Changes `data`. */
void wsm_connection_receive(wsm_connection *connection, unsigned char *data, size_t size);
/* Looks at what was held back, now that its owner is ready or the program took packets. */
void wsm_connection_resume(wsm_connection *connection);
/* Whether bytes from the socket are welcome. */
bool wsm_connection_wants_input(const wsm_connection *connection);
/* Whether wsm_connection_resume would get anywhere. */
bool wsm_connection_can_resume(const wsm_connection *connection);
/* Client side: the answer was accepted (`protocol` is set). */
void wsm_connection_opened(wsm_connection *connection);
/* A client over TLS: a part of a data message, as libwebsockets hands it out. `frame_rest` is what the frame still has
 * behind this part. */
void wsm_connection_receive_part(wsm_connection *connection, bool text, bool final, const unsigned char *data,
                                 size_t size, size_t frame_rest);
/* A close frame arrived. */
void wsm_connection_receive_close(wsm_connection *connection, const unsigned char *payload, size_t size);
/* The socket is gone. */
void wsm_connection_lost(wsm_connection *connection);
/* CLOSED without a close frame, with a reason for a person unless there is one already; the socket is cut. */
void wsm_connection_abandon(wsm_connection *connection, const char *why);
/* The same because the closing handshake was not finished in time, which is then the reason. */
void wsm_connection_abandon_closing(wsm_connection *connection);
/* Bytes are queued that a link could write now. */
bool wsm_connection_has_output(const wsm_connection *connection);

#endif
