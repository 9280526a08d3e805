/* Waiting for any of several descriptors, as for those of peers that are polled together. */
#ifndef WSM_WAIT_H
#define WSM_WAIT_H

#include <stddef.h>
#include <stdint.h>

/* Returns when one of them is readable, when `wait_ms` are over, or when a signal came. */
void wsm_wait_readable(const int *descriptors, size_t count, int64_t wait_ms);

#endif
