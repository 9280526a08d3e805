/* Connections without TLS. Their bytes on the socket are those of the frames, and in its raw role libwebsockets sends
 * nothing of its own: so they are read and written here, past it, which costs much less. It keeps what the socket does
 * not take, and is told of everything that ends a connection. */
#ifndef WSM_PLAIN_H
#define WSM_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connection.h"

/* For wsm_link_ops. */
bool wsm_plain_write(wsm_connection *connection, unsigned char *data, size_t size);
int wsm_plain_write_parts(wsm_connection *connection, const unsigned char *head, size_t head_size,
                          const unsigned char *data, size_t size);

typedef enum wsm_plain_status {
    WSM_PLAIN_DATA,    /* `size` bytes were read */
    WSM_PLAIN_NOTHING, /* nothing is there now */
    WSM_PLAIN_ENDED    /* no more will come */
} wsm_plain_status;

/* Reads up to *size bytes. */
wsm_plain_status wsm_plain_read(wsm_connection *connection, unsigned char *data, size_t *size);

/* Starts to connect to a numeric address. Returns 0 and the descriptor, or an errno. */
int wsm_plain_connect(const char *address, uint16_t port, int *fd);
/* 0 when it is connected, EINPROGRESS while it is not yet decided, or the errno of the failure. */
int wsm_plain_connected(int fd);
/* Whether the connection was reset. */
bool wsm_plain_hung_up(int fd);

#endif
