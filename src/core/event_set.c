#include "event_set.h"

#include "memory.h"

#if WSM_EVENT_SET_EPOLL

#include <sys/epoll.h>
#include <unistd.h>

enum { BATCH = 256 };

struct wsm_event_set {
    int fd;
};

wsm_event_set *wsm_event_set_open(void) {
    wsm_event_set *set = wsm_alloc(sizeof *set);
    if (!set) return NULL;
    set->fd = epoll_create1(EPOLL_CLOEXEC);
    if (set->fd >= 0) return set;
    wsm_free(set);
    return NULL;
}

void wsm_event_set_close(wsm_event_set *set) {
    if (!set) return;
    close(set->fd);
    wsm_free(set);
}

int wsm_event_set_fd(const wsm_event_set *set) { return set->fd; }

static bool control(wsm_event_set *set, int operation, int fd, unsigned events, void *data) {
    struct epoll_event event = {0};
    event.events = (events & WSM_EVENT_READ ? (uint32_t)EPOLLIN : 0) |
                   (events & WSM_EVENT_WRITE ? (uint32_t)EPOLLOUT : 0) |
                   (events & WSM_EVENT_EDGE ? (uint32_t)EPOLLET : 0);
    event.data.ptr = data;
    return epoll_ctl(set->fd, operation, fd, &event) == 0;
}

bool wsm_event_set_add(wsm_event_set *set, int fd, unsigned events, void *data) {
    return control(set, EPOLL_CTL_ADD, fd, events, data);
}

bool wsm_event_set_modify(wsm_event_set *set, int fd, unsigned events, void *data) {
    return control(set, EPOLL_CTL_MOD, fd, events, data);
}

void wsm_event_set_remove(wsm_event_set *set, int fd) { control(set, EPOLL_CTL_DEL, fd, 0, NULL); }

int wsm_event_set_wait(wsm_event_set *set, wsm_event *events, int max, int timeout_ms) {
    struct epoll_event ready[BATCH];
    int count = epoll_wait(set->fd, ready, max < BATCH ? max : BATCH, timeout_ms);
    for (int i = 0; i < count; i++) {
        uint32_t is = ready[i].events;
        events[i].data = ready[i].data.ptr;
        events[i].events = (is & EPOLLIN ? WSM_EVENT_READ : 0u) | (is & EPOLLOUT ? WSM_EVENT_WRITE : 0u) |
                           (is & (EPOLLHUP | EPOLLERR) ? WSM_EVENT_HANGUP : 0u);
    }
    return count;
}

#else

#include "platform.h"

struct wsm_event_set {
    struct pollfd *polled;
    void **data;
    size_t count, capacity;
    size_t turn; /* where the next wait starts to report, so that nobody starves */
};

wsm_event_set *wsm_event_set_open(void) { return wsm_alloc_zero(sizeof(wsm_event_set)); }

void wsm_event_set_close(wsm_event_set *set) {
    if (!set) return;
    wsm_free(set->polled);
    wsm_free(set->data);
    wsm_free(set);
}

int wsm_event_set_fd(const wsm_event_set *set) {
    (void)set;
    return -1;
}

static short poll_events(unsigned events) {
    return (short)((events & WSM_EVENT_READ ? POLLIN : 0) | (events & WSM_EVENT_WRITE ? POLLOUT : 0));
}

static size_t find(const wsm_event_set *set, int fd) {
    size_t i = 0;
    while (i < set->count && (int)set->polled[i].fd != fd) i++;
    return i;
}

static bool grow(wsm_event_set *set) {
    size_t capacity = set->capacity ? set->capacity * 2 : 16;
    struct pollfd *polled = wsm_realloc(set->polled, capacity * sizeof *polled);
    if (!polled) return false;
    set->polled = polled;
    void **data = wsm_realloc(set->data, capacity * sizeof *data);
    if (!data) return false;
    set->data = data;
    set->capacity = capacity;
    return true;
}

bool wsm_event_set_add(wsm_event_set *set, int fd, unsigned events, void *data) {
    if (set->count == set->capacity && !grow(set)) return false;
    set->polled[set->count] = wsm_polled(fd, poll_events(events));
    set->data[set->count++] = data;
    return true;
}

bool wsm_event_set_modify(wsm_event_set *set, int fd, unsigned events, void *data) {
    size_t at = find(set, fd);
    if (at == set->count) return false;
    set->polled[at].events = poll_events(events);
    set->data[at] = data;
    return true;
}

void wsm_event_set_remove(wsm_event_set *set, int fd) {
    size_t at = find(set, fd);
    if (at == set->count) return;
    set->count--;
    set->polled[at] = set->polled[set->count];
    set->data[at] = set->data[set->count];
}

int wsm_event_set_wait(wsm_event_set *set, wsm_event *events, int max, int timeout_ms) {
    int found = 0, count = wsm_poll(set->polled, set->count, timeout_ms);
    if (count <= 0) return count;
    for (size_t i = 0; i < set->count && found < max; i++) {
        size_t at = (set->turn + i) % set->count;
        short is = set->polled[at].revents;
        if (!is) continue;
        events[found].data = set->data[at];
        events[found++].events = (is & POLLIN ? WSM_EVENT_READ : 0u) | (is & POLLOUT ? WSM_EVENT_WRITE : 0u) |
                                 (is & (POLLHUP | POLLERR | POLLNVAL) ? WSM_EVENT_HANGUP : 0u);
        if (found == max) set->turn = at + 1;
    }
    return found;
}

#endif
