/* Connections that wait for their owner to do something about them, first come first served, by next_event. A
 * connection is in one queue at the most. Whether the queue holds references is its owner's business. */
#ifndef WSM_CONNECTION_QUEUE_H
#define WSM_CONNECTION_QUEUE_H

#include <stddef.h>

#include "connection.h"

/* Zero-initialised is empty. */
typedef struct wsm_connection_queue {
    wsm_connection *first, *last;
} wsm_connection_queue;

static inline void wsm_connection_queue_push(wsm_connection_queue *queue, wsm_connection *connection) {
    connection->next_event = NULL;
    *(queue->last ? &queue->last->next_event : &queue->first) = connection;
    queue->last = connection;
}

/* NULL if it is empty. */
static inline wsm_connection *wsm_connection_queue_pop(wsm_connection_queue *queue) {
    wsm_connection *connection = queue->first;
    if (!connection) return NULL;
    queue->first = connection->next_event;
    if (!queue->first) queue->last = NULL;
    return connection;
}

#endif
