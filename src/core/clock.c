#include "clock.h"

#include <stddef.h>
#if defined(_WIN32)
#include <windows.h>
#else
#include <time.h>
#endif

static int64_t (*custom)(void);

void wsm_set_clock(int64_t (*now_ms)(void)) { custom = now_ms; }

int64_t wsm_clock_ms(void) {
    if (custom) return custom();
#if defined(_WIN32)
    return (int64_t)GetTickCount64();
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
#endif
}
