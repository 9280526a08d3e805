/* Waiting for any of several descriptors, as for those of peers that are polled together. */
#ifndef WSM_WAIT_H
#define WSM_WAIT_H

#include <stddef.h>
#include <stdint.h>

typedef struct wsm_wanted {
    int fd;          /* -1: none */
    unsigned events; /* WSM_EVENT_READ, WSM_EVENT_WRITE */
} wsm_wanted;

/* Returns when one of them has what is wanted of it, when `wait_ms` are over, or when a signal came. */
void wsm_wait(const wsm_wanted *wanted, size_t count, int64_t wait_ms);

#endif
