/* Server connections: a listening socket of ours, libwebsockets' raw role for each accepted connection, and an event
 * set that finds the ready ones. The WebSocket protocol on top is connection.c's. */
#ifndef WSM_SERVER_LINK_H
#define WSM_SERVER_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"
#include "error.h"
#include "tls_options.h"
#include "wait.h"
#include "watch.h"

/* What the owner of a server decides: properties, to be read and set freely. */
typedef struct wsm_serving {
    int64_t handshake_timeout_ms;
    int32_t max_pending;     /* handshakes at once: the oldest is dropped for a new one; <= 0: no limit */
    int32_t max_per_address; /* connections of one remote address, in whatever state; <= 0: no limit */
    bool asks;               /* each request becomes the program's to admit */
    bool serves;             /* and each plain HTTP request to answer */
} wsm_serving;

wsm_serving wsm_serving_default(void);

typedef struct wsm_server wsm_server;

/* Makes the connection object for a socket that was accepted; NULL drops the socket. */
typedef wsm_connection *wsm_server_accept_fn(void *owner);

/* Listens at once; see wsm_listener_open for the errors. With server-side TLS options it speaks wss://:
 * ERR_INVALID_PARAMETER if key and certificate can't be used, ERR_UNAVAILABLE without TLS in libwebsockets. `owner` is
 * handed to `accept`. */
wsm_error wsm_server_open(wsm_server **server, const char *address, uint16_t port, const wsm_tls_options *tls,
                          wsm_server_accept_fn *accept, void *owner, wsm_reason *reason);
/* Ends everything: what lies in a connection's queue and a close frame 1001 are still handed to its socket, nothing is
 * read. In a child process made by fork only this process's memory and descriptors are given up. */
void wsm_server_close(wsm_server *server);

uint16_t wsm_server_port(const wsm_server *server);
/* While refusing, waiting TCP connections are not accepted. */
void wsm_server_set_refusing(wsm_server *server, bool refusing);
/* Heeds its limits from now on. Connections above that of their address are reset as soon as they are accepted: that
 * costs least, and leaves nothing behind in the system. */
void wsm_server_set_limits(wsm_server *server, const wsm_serving *serving);

/* Reads what is there (of much, in_parts: only a part, the rest at once in the next turns), waiting at most `wait_ms`
 * (0: not at all) for something to be there, and drops what is overdue. False if a signal interrupted the wait: the
 * program may want to react. */
bool wsm_server_service(wsm_server *server, int wait_ms, bool in_parts);
/* Whether anything was received, let through or ended since the last call. */
bool wsm_server_take_news(wsm_server *server);
/* Only sends what is queued. */
void wsm_server_flush(wsm_server *server);
/* Acts on what changed since: sends what is queued, reads on where the program made room, ends what is closed. */
void wsm_server_settle(wsm_server *server);
/* Milliseconds until something is overdue, at most `limit`. */
int wsm_server_time_left(const wsm_server *server, int limit);
/* Has the watch stand for this server; see wsm_watch_descriptor. */
int wsm_server_descriptor(const wsm_server *server, wsm_watch *watch);
/* What it waits for. */
wsm_wanted wsm_server_wanted(const wsm_server *server);

#endif
