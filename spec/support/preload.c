/* Test-only, for LD_PRELOAD: a process whose time of day jumps about, whose random numbers are known, or that may not
 * accept connections.
 *   FAKE_TIME_OF_DAY=1     each look at the time of day finds another year; CLOCK_MONOTONIC is as it is
 *   FAKE_ENTROPY=90        getentropy() gives bytes with this value
 *   FAKE_ENTROPY=none      getentropy() fails
 *   FAKE_ACCEPT=forbidden  accept4() fails */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t jump(void) {
    static int count = -1;
    if (count < 0) count = getenv("FAKE_TIME_OF_DAY") ? 1 : 0;
    return count ? (time_t)(count++ % 7 - 3) * 400 * 24 * 3600 : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += jump();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = (suseconds_t)(exact.tv_nsec / 1000);
    return 0;
}

time_t time(time_t *where) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (where) *where = exact.tv_sec;
    return exact.tv_sec;
}

int getentropy(void *to, size_t size) {
    static int (*real)(void *, size_t);
    const char *fake = getenv("FAKE_ENTROPY");
    if (!real) real = (int (*)(void *, size_t))dlsym(RTLD_NEXT, "getentropy");
    if (!fake) return real(to, size);
    if (!strcmp(fake, "none")) {
        errno = EIO;
        return -1;
    }
    memset(to, atoi(fake), size);
    return 0;
}

int accept4(int listener, struct sockaddr *restrict address, socklen_t *restrict size, int flags) {
    static int (*real)(int, struct sockaddr *, socklen_t *, int);
    if (!real) real = (int (*)(int, struct sockaddr *, socklen_t *, int))dlsym(RTLD_NEXT, "accept4");
    if (!getenv("FAKE_ACCEPT")) return real(listener, address, size, flags);
    errno = EPERM;
    return -1;
}
