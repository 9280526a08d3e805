#include "timers.h"

#include "memory.h"

static void place(wsm_timers *timers, size_t at, wsm_connection *connection) {
    timers->heap[at] = connection;
    connection->link.timer_place = at + 1;
}

/* Moves the connection from the hole at `at` to where it belongs. */
static void sift(wsm_timers *timers, size_t at, wsm_connection *connection) {
    int64_t due = connection->link.timer_ms;
    while (at > 0 && timers->heap[(at - 1) / 2]->link.timer_ms > due) {
        place(timers, at, timers->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= timers->count) break;
        if (child + 1 < timers->count && timers->heap[child + 1]->link.timer_ms < timers->heap[child]->link.timer_ms)
            child++;
        if (timers->heap[child]->link.timer_ms >= due) break;
        place(timers, at, timers->heap[child]);
        at = child;
    }
    place(timers, at, connection);
}

bool wsm_timers_set(wsm_timers *timers, wsm_connection *connection, int64_t due_ms) {
    if (!connection->link.timer_place) {
        if (timers->count == timers->capacity) {
            size_t capacity = timers->capacity ? timers->capacity * 2 : 16;
            wsm_connection **heap = wsm_realloc(timers->heap, capacity * sizeof *heap);
            if (!heap) return false;
            timers->heap = heap;
            timers->capacity = capacity;
        }
        place(timers, timers->count++, connection);
    }
    connection->link.timer_ms = due_ms;
    sift(timers, connection->link.timer_place - 1, connection);
    return true;
}

void wsm_timers_remove(wsm_timers *timers, wsm_connection *connection) {
    if (!connection->link.timer_place) return;
    size_t at = connection->link.timer_place - 1;
    connection->link.timer_place = 0;
    wsm_connection *last = timers->heap[--timers->count];
    if (last != connection) sift(timers, at, last);
}

void wsm_timers_release(wsm_timers *timers) {
    wsm_free(timers->heap);
    *timers = (wsm_timers){0};
}
