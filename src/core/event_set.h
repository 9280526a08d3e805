/* Waiting for many sockets at once: epoll where there is one, poll(2) elsewhere. */
#ifndef WSM_EVENT_SET_H
#define WSM_EVENT_SET_H

#include <stdbool.h>
#include <stddef.h>

enum { WSM_EVENT_READ = 1, WSM_EVENT_WRITE = 2, WSM_EVENT_HANGUP = 4 };

typedef struct wsm_event {
    void *data;      /* as given to wsm_event_set_add */
    unsigned events; /* WSM_EVENT_*; HANGUP comes unasked */
} wsm_event;

typedef struct wsm_event_set wsm_event_set;

/* NULL if the system refuses or without memory. */
wsm_event_set *wsm_event_set_open(void);
void wsm_event_set_close(wsm_event_set *set);
/* Level-triggered. False if the system refuses. */
bool wsm_event_set_add(wsm_event_set *set, int fd, unsigned events, void *data);
bool wsm_event_set_modify(wsm_event_set *set, int fd, unsigned events, void *data);
void wsm_event_set_remove(wsm_event_set *set, int fd);
/* Waits at most `timeout_ms` (0: not at all) and returns the number of events written, -1 if a signal interrupted it. */
int wsm_event_set_wait(wsm_event_set *set, wsm_event *events, int max, int timeout_ms);

#endif
