/* Test-only, for LD_PRELOAD: a process whose time of day jumps about, whose random numbers are known, that may not
 * accept connections, or that ends slowly.
 *   FAKE_TIME_OF_DAY=1     each look at the time of day finds another year; CLOCK_MONOTONIC is as it is
 *   FAKE_ENTROPY=90        getentropy() gives bytes with this value
 *   FAKE_ENTROPY=none      getentropy() fails
 *   FAKE_ACCEPT=forbidden  accept4() fails
 *   SLOW_ENDS=1            what threads and the process run at their end takes its time: a race between them has a loser */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
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

static void pause_for(long milliseconds) { nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL); }

enum { SLOW_MAX = 4 };
static void (*thread_ends[SLOW_MAX])(void *);
#define SLOW_END(n) \
    static void slow_end_##n(void *value) { \
        pause_for(50); \
        thread_ends[n](value); \
    }
SLOW_END(0) SLOW_END(1) SLOW_END(2) SLOW_END(3)
static void (*const slow_ends[SLOW_MAX])(void *) = {slow_end_0, slow_end_1, slow_end_2, slow_end_3};

int pthread_key_create(pthread_key_t *key, void (*end)(void *)) {
    static int (*real)(pthread_key_t *, void (*)(void *));
    static int count;
    if (!real) real = (int (*)(pthread_key_t *, void (*)(void *)))dlsym(RTLD_NEXT, "pthread_key_create");
    if (!end || !getenv("SLOW_ENDS") || count == SLOW_MAX) return real(key, end);
    thread_ends[count] = end;
    return real(key, slow_ends[count++]);
}

static void end_slowly(void) { pause_for(200); }

__attribute__((constructor)) static void start(void) {
    if (getenv("SLOW_ENDS")) atexit(end_slowly); /* early, so that it runs late: behind OpenSSL's */
}
