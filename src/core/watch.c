#include "watch.h"

int wsm_watch_descriptor(wsm_watch *watch, bool lasting) {
    if (!WSM_EVENT_SET_EPOLL) return -1;
    if (!watch->set) {
        watch->set = wsm_event_set_open();
        watch->fd = -1;
    }
    if (!watch->set) return -1;
    watch->lasting = watch->lasting || lasting;
    return wsm_event_set_fd(watch->set);
}

/* A descriptor that was closed has left the set by itself. */
void wsm_watch_set(wsm_watch *watch, int fd, unsigned events) {
    if (!watch->set) return;
    if (watch->fd >= 0 && watch->fd != fd) wsm_event_set_remove(watch->set, watch->fd);
    watch->fd = fd;
    if (fd >= 0 && !wsm_event_set_modify(watch->set, fd, events, watch))
        wsm_event_set_add(watch->set, fd, events, watch);
}

void wsm_watch_rest(wsm_watch *watch) {
    if (watch->lasting)
        wsm_watch_set(watch, -1, 0);
    else
        wsm_watch_release(watch);
}

void wsm_watch_release(wsm_watch *watch) {
    wsm_event_set_close(watch->set);
    watch->set = NULL;
}
