/* One descriptor for all that an object waits for, which other event loops can watch. It is made when it is asked for.
 * One that was asked for by the program stays the same until the object goes, whatever is opened and closed behind it;
 * else it goes when there is nothing behind it, since Lua may take long to collect the object. Zero-initialised is
 * nothing. */
#ifndef WSM_WATCH_H
#define WSM_WATCH_H

#include <stdbool.h>

#include "event_set.h"

typedef struct wsm_watch {
    wsm_event_set *set; /* NULL: nobody has asked */
    int fd;             /* what it watches; -1: nothing */
    bool lasting;       /* the program has it */
} wsm_watch;

/* -1 where the system has no such thing (without epoll), or no more descriptors. */
int wsm_watch_descriptor(wsm_watch *watch, bool lasting);
/* What it stands for from now on: WSM_EVENT_* of a descriptor, -1 for none. Call it again whenever that descriptor may
 * have been closed and opened anew: its number can be the same. */
void wsm_watch_set(wsm_watch *watch, int fd, unsigned events);
/* What it stood for is closed. */
void wsm_watch_rest(wsm_watch *watch);
void wsm_watch_release(wsm_watch *watch);

#endif
