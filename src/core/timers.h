/* Which connection's heartbeat is due first: a heap ordered by link.timer_ms. */
#ifndef WSM_TIMERS_H
#define WSM_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connection.h"

/* Zero-initialised is empty. */
typedef struct wsm_timers {
    wsm_connection **heap;
    size_t count, capacity;
} wsm_timers;

/* Enters or moves the connection; false without memory. */
bool wsm_timers_set(wsm_timers *timers, wsm_connection *connection, int64_t due_ms);
void wsm_timers_remove(wsm_timers *timers, wsm_connection *connection);
/* The one that is due first; NULL if there is none. */
static inline wsm_connection *wsm_timers_first(const wsm_timers *timers) {
    return timers->count ? timers->heap[0] : NULL;
}
void wsm_timers_release(wsm_timers *timers);

#endif
