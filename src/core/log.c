#include "log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "lws_context.h"

/* libwebsockets has one log a process, so its listeners are known to the process as well. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static wsm_log *listeners;
static atomic_int wanted;

void wsm_log_listen(wsm_log *log, int levels) {
    int all = 0;
    pthread_mutex_lock(&lock);
    wsm_log **at = &listeners;
    while (*at && *at != log) at = &(*at)->next;
    if (levels && !*at) {
        log->next = NULL;
        log->first = log->count = log->lost = 0;
        *at = log;
    } else if (!levels && *at) {
        *at = log->next;
    }
    log->levels = levels;
    for (wsm_log *listener = listeners; listener; listener = listener->next) all |= listener->levels;
    atomic_store(&wanted, all);
    wsm_lws_set_log_levels(all);
    pthread_mutex_unlock(&lock);
}

bool wsm_log_take(wsm_log *log, wsm_log_line *line, size_t *lost) {
    pthread_mutex_lock(&lock);
    bool any = log->levels && log->count;
    if (any) {
        *line = log->lines[log->first];
        *lost = log->lost;
        log->lost = 0;
        log->first = (log->first + 1) % WSM_LOG_LINES;
        log->count--;
    }
    pthread_mutex_unlock(&lock);
    return any;
}

int wsm_log_levels(void) { return atomic_load(&wanted); }

static void append(wsm_log *log, int level, const char *text) {
    if (log->count == WSM_LOG_LINES) { /* the newest tell more */
        log->first = (log->first + 1) % WSM_LOG_LINES;
        log->count--;
        log->lost++;
    }
    wsm_log_line *line = &log->lines[(log->first + log->count++) % WSM_LOG_LINES];
    size_t size = strlen(text);
    while (size && (text[size - 1] == '\n' || text[size - 1] == '\r')) size--;
    if (size >= sizeof line->text) size = sizeof line->text - 1;
    memcpy(line->text, text, size);
    line->text[size] = '\0';
    line->level = level;
}

void wsm_log_note(int level, const char *text) {
    if (!(atomic_load(&wanted) & level)) return;
    pthread_mutex_lock(&lock);
    for (wsm_log *log = listeners; log; log = log->next)
        if (log->levels & level) append(log, level, text);
    pthread_mutex_unlock(&lock);
}
