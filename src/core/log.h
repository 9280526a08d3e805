/* What libwebsockets logs, kept for those who asked for it. Lines come from any thread and in the middle of anything,
 * so they are only queued here; each listener takes them when it suits. */
#ifndef WSM_LOG_H
#define WSM_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum { WSM_LOG_LINES = 128, WSM_LOG_LINE_SIZE = 256 };

typedef struct wsm_log_line {
    int level; /* one of libwebsockets' LLL_* */
    char text[WSM_LOG_LINE_SIZE];
} wsm_log_line;

typedef struct wsm_log {
    struct wsm_log *next;
    int levels; /* those that are wanted; 0: it is not listening */
    size_t first, count, lost;
    wsm_log_line lines[WSM_LOG_LINES];
} wsm_log;

/* Starts or goes on to listen to these levels, 0 stops. The log must stay where it is meanwhile. */
void wsm_log_listen(wsm_log *log, int levels);
/* The oldest line; false if there is none. `lost` receives how many were lost before it for want of room. */
bool wsm_log_take(wsm_log *log, wsm_log_line *line, size_t *lost);

/* All levels that anybody listens to. */
int wsm_log_levels(void);
void wsm_log_note(int level, const char *text);

#endif
