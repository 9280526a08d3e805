/* Waiting for many sockets at once: epoll where there is one, poll(2) elsewhere. */
#ifndef WSM_EVENT_SET_H
#define WSM_EVENT_SET_H

#include <stdbool.h>
#include <stddef.h>

/* EDGE asks to be told only of changes, where the system can (epoll). */
enum { WSM_EVENT_READ = 1, WSM_EVENT_WRITE = 2, WSM_EVENT_HANGUP = 4, WSM_EVENT_EDGE = 8 };

#if defined(__linux__) && !defined(WSM_NO_EPOLL)
#define WSM_EVENT_SET_EPOLL 1
#else
#define WSM_EVENT_SET_EPOLL 0
#endif

typedef struct wsm_event {
    void *data;      /* as given to wsm_event_set_add */
    unsigned events; /* WSM_EVENT_*; HANGUP comes unasked */
} wsm_event;

typedef struct wsm_event_set wsm_event_set;

/* NULL if the system refuses or without memory. */
wsm_event_set *wsm_event_set_open(void);
void wsm_event_set_close(wsm_event_set *set);
/* A descriptor that becomes readable when there is an event to wait for; -1 without epoll. */
int wsm_event_set_fd(const wsm_event_set *set);
/* Level-triggered but for EDGE. False if the system refuses. */
bool wsm_event_set_add(wsm_event_set *set, int fd, unsigned events, void *data);
bool wsm_event_set_modify(wsm_event_set *set, int fd, unsigned events, void *data);
void wsm_event_set_remove(wsm_event_set *set, int fd);
/* Waits at most `timeout_ms` (0: not at all) and returns the number of events written, -1 if a signal interrupted it.
 */
int wsm_event_set_wait(wsm_event_set *set, wsm_event *events, int max, int timeout_ms);

#endif
