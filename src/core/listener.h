/* The listening TCP socket: ours, because libwebsockets binds differently in every second version. */
#ifndef WSM_LISTENER_H
#define WSM_LISTENER_H

#include <stdint.h>

#include "connection.h"
#include "error.h"

/* Binds and listens by the rules of Godot's TCPServer.listen: "*" is every interface, IPv6 and IPv4 where the system
 * has both; an address literal binds only there; anything else is ERR_INVALID_PARAMETER. ERR_ALREADY_IN_USE if bind
 * fails. Port 0 asks for a free one; `port` receives the one in use. */
wsm_error wsm_listener_open(const char *address, uint16_t *port, int *fd, wsm_reason *reason);

typedef enum wsm_accepted {
    WSM_ACCEPTED,
    WSM_ACCEPT_NONE,     /* nobody waits */
    WSM_ACCEPT_EXHAUSTED /* descriptors or memory ran out, or none can be had: try again later */
} wsm_accepted;

/* Takes the next waiting connection: non-blocking, not inherited by child processes, without Nagle's delay. */
wsm_accepted wsm_listener_accept(int listener, int *fd, wsm_address *remote);

#endif
