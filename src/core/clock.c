#include "clock.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <time.h>
#endif

int64_t wsm_clock_us(void) {
#if defined(_WIN32)
    LARGE_INTEGER count, frequency;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&count);
    return (int64_t)((double)count.QuadPart * 1e6 / (double)frequency.QuadPart);
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
#endif
}

int64_t wsm_clock_ms(void) { return wsm_clock_us() / 1000; }
