#include "lws_context.h"

#include <string.h>
#if !defined(_WIN32)
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#endif

#include "log.h"
#include "platform.h"
#include "process.h"

const lws_retry_bo_t wsm_lws_no_timers;

#if LWS_LIBRARY_VERSION_NUMBER >= 4001000
/* Builds with Secure Streams would look up an outside host name in the first service call, blocking. */
static int no_captive_portal_check(struct lws_context *context) {
    (void)context;
    return 0;
}
static const lws_system_ops_t system_ops = {.captive_portal_detect_request = no_captive_portal_check};
#else
static const lws_system_ops_t system_ops;
#endif

static _Thread_local char refused_certificate[96];

const char *wsm_lws_refused_certificate(void) { return refused_certificate; }
void wsm_lws_clear_refused_certificate(void) { refused_certificate[0] = '\0'; }

/* Nothing is printed. "... SSL error: certificate has expired (preverify_ok=0;err=10;depth=0)" */
static void log_line(int level, const char *line) {
    static const char mark[] = "SSL error: ";
    const char *text = strstr(line, mark), *end = text ? strstr(text, " (preverify_ok") : NULL;
    wsm_log_note(level, line);
    if (!end) return;
    text += sizeof mark - 1;
    size_t size = (size_t)(end - text);
    if (size >= sizeof refused_certificate) size = sizeof refused_certificate - 1;
    memcpy(refused_certificate, text, size);
    refused_certificate[size] = '\0';
}

void wsm_lws_set_log_levels(int levels) { lws_set_log_level(LLL_ERR | levels, log_line); }

/* Above this many descriptors the table that finds a socket by its number would take too much memory. */
enum { INDEXED_DESCRIPTORS = 65536 };

static unsigned descriptor_limit(unsigned connections) {
    if (connections) return connections;
#if !defined(_WIN32)
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= INDEXED_DESCRIPTORS) return 0;
#endif
    return INDEXED_DESCRIPTORS;
}

/* From 4.3.4 on (5.0 still does) libwebsockets forgets to close the descriptor by which other threads can wake a
 * context when it destroys that. Which one it is can be learned in an event loop: this is libwebsockets' own but for
 * that. As a version to come may close it, it gets a mark that another file with the same number would not have. */
#if LWS_LIBRARY_VERSION_NUMBER >= 4003004 && !defined(_WIN32)
#define FORGETS_WAKE_DESCRIPTOR
enum { NONE = -1, UNKNOWN = -2 };
static _Thread_local int wake_descriptor = NONE;

static bool is_marked(int fd) { return fcntl(fd, F_GETOWN) == (int)getpid(); }

static void note_wake_descriptor(struct lws *wsi, unsigned flags) {
    struct stat about;
    if (wake_descriptor != UNKNOWN || !(flags & LWS_EV_STOP) || lws_get_vhost(wsi)) return;
    int fd = (int)lws_get_socket_fd(wsi);
    if (fd < 0 || fstat(fd, &about) != 0 || S_ISSOCK(about.st_mode) || is_marked(fd)) return;
    if (fcntl(fd, F_SETOWN, getpid()) == 0) wake_descriptor = fd;
}

static const struct lws_event_loop_ops loop_ops = {.name = "poll", .io = note_wake_descriptor, .flags = LELOF_ISPOLL};
static const lws_plugin_evlib_t loop = {.hdr = {"poll", "lws_evlib_plugin", "n/a", LWS_PLUGIN_API_MAGIC},
                                        .ops = &loop_ops};

void wsm_lws_context_destroy(struct lws_context *context) {
    wake_descriptor = UNKNOWN;
    lws_context_destroy(context);
    if (wake_descriptor >= 0 && is_marked(wake_descriptor)) close(wake_descriptor);
    wake_descriptor = NONE;
}
#else
void wsm_lws_context_destroy(struct lws_context *context) { lws_context_destroy(context); }
#endif

/* From 4.3 on contexts are counted where they log to, without a lock, and a count that misses one ends the program:
 * hence one that is too high to come to nothing. */
void wsm_lws_prepare_threads(struct lws_context *context) {
#if LWS_LIBRARY_VERSION_NUMBER >= 4003000
    struct lws_log_cx *log = lwsl_context_get_cx(context);
    if (log) log->refcount += 1 << 24;
#else
    (void)context;
#endif
}

struct lws_context *wsm_lws_context_new(unsigned connections, uint64_t options) {
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | options;
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.fd_limit_per_thread = (unsigned)descriptor_limit(connections);
    info.pt_serv_buf_size = WSM_READ_SIZE + 128;
    info.max_http_header_data = 4096; /* of an answer, as in Godot */
    info.timeout_secs = 30;
#if LWS_LIBRARY_VERSION_NUMBER >= 4001000
    info.connect_timeout_secs = 30;
#endif
    info.system_ops = &system_ops;
#if defined(FORGETS_WAKE_DESCRIPTOR)
    info.event_lib_custom = &loop;
#endif
    wsm_process_stay_loaded(); /* libwebsockets keeps the pointer to log_line */
    wsm_lws_set_log_levels(wsm_log_levels());
#if defined(_WIN32)
    return lws_create_context(&info);
#else
    struct sigaction before;
    sigaction(SIGPIPE, NULL, &before);
    struct lws_context *context = lws_create_context(&info);
    /* libwebsockets ignores SIGPIPE, which is right unless the program has a handler of its own. */
    if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) sigaction(SIGPIPE, &before, NULL);
    return context;
#endif
}

bool wsm_lws_write(wsm_connection *connection, unsigned char *data, size_t size) {
    struct lws *wsi = connection->link.wsi;
    return wsi && lws_write(wsi, data, size, LWS_WRITE_RAW) == (int)size;
}

bool wsm_lws_busy(const wsm_connection *connection) {
    return connection->link.wsi && lws_partial_buffered(connection->link.wsi);
}

bool wsm_lws_set_no_delay(wsm_connection *connection, bool enabled) {
    struct lws *wsi = connection->link.wsi;
    int on = enabled;
    return wsi && setsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_NODELAY, (const void *)&on, sizeof on) == 0;
}

bool wsm_lws_has_input(const wsm_connection *connection) {
    char byte;
    return connection->link.wsi && recv(lws_get_socket_fd(connection->link.wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void wsm_lws_discard_input(wsm_connection *connection) {
    enum { ENOUGH = 64 };
    char scrap[4096];
    if (!connection->link.wsi) return;
    int fd = (int)lws_get_socket_fd(connection->link.wsi);
    for (int i = 0; i < ENOUGH && recv(fd, scrap, sizeof scrap, MSG_DONTWAIT) > 0; i++) continue;
}

void wsm_lws_kill(struct lws **wsi) {
    /* With TLS it can take more than one call. */
    for (int tries = 0; *wsi && tries < 4; tries++) lws_set_timeout(*wsi, (enum pending_timeout)1, LWS_TO_KILL_SYNC);
}
