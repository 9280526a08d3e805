#include "wait.h"

#include <limits.h>

#include "event_set.h"
#include "memory.h"
#include "platform.h"

void wsm_wait(const wsm_wanted *wanted, size_t count, int64_t wait_ms) {
    enum { FEW = 64 };
    struct pollfd few[FEW], *polled = count <= FEW ? few : wsm_alloc(count * sizeof *polled);
    if (!polled) return;
    for (size_t i = 0; i < count; i++)
        polled[i] = wsm_polled(wanted[i].fd, (wanted[i].events & WSM_EVENT_READ ? POLLIN : 0) |
                                                 (wanted[i].events & WSM_EVENT_WRITE ? POLLOUT : 0));
    wsm_poll(polled, count, wait_ms > INT_MAX ? INT_MAX : (int)wait_ms);
    if (polled != few) wsm_free(polled);
}
