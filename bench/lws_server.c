/* lws_server echo|bcast - a server on libwebsockets used in the ordinary way: RECEIVE queues the message and asks for a
 * WRITEABLE callback, each WRITEABLE writes one. Prints its port. */
#include <libwebsockets.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct message {
    int refs;
    size_t size;
    unsigned char data[];
} message;

typedef struct node {
    struct node *next;
    message *message;
} node;

typedef struct session {
    struct lws *wsi;
    struct session *previous, *next;
    node *first, **last;
    unsigned char *part; /* of a message that is not complete */
    size_t size, capacity;
} session;

static bool bcast;
static volatile sig_atomic_t quit;
static session *sessions;

static void enqueue(session *s, message *m) {
    node *n = malloc(sizeof *n);
    *n = (node){NULL, m};
    m->refs++;
    *s->last = n;
    s->last = &n->next;
    lws_callback_on_writable(s->wsi);
}

static void dequeue(session *s) {
    node *n = s->first;
    s->first = n->next;
    if (!s->first) s->last = &s->first;
    if (!--n->message->refs) free(n->message);
    free(n);
}

static void deliver(session *from, const unsigned char *data, size_t size) {
    message *m = malloc(sizeof *m + LWS_PRE + size);
    m->refs = 1;
    m->size = size;
    memcpy(m->data + LWS_PRE, data, size);
    if (!bcast) enqueue(from, m);
    for (session *to = sessions; bcast && to; to = to->next)
        if (to != from) enqueue(to, m);
    if (!--m->refs) free(m);
}

static void receive(session *s, const unsigned char *data, size_t size) {
    size_t rest = lws_remaining_packet_payload(s->wsi);
    bool complete = lws_is_final_fragment(s->wsi) && !rest;
    if (complete && lws_is_first_fragment(s->wsi)) {
        deliver(s, data, size);
        return;
    }
    if (s->size + size > s->capacity) s->part = realloc(s->part, s->capacity = s->size + size + rest);
    memcpy(s->part + s->size, data, size);
    s->size += size;
    if (!complete) return;
    deliver(s, s->part, s->size);
    s->size = 0;
}

static int send_next(session *s) {
    if (!s->first) return 0;
    message *m = s->first->message;
    if (lws_write(s->wsi, m->data + LWS_PRE, m->size, LWS_WRITE_BINARY) < 0) return -1;
    dequeue(s);
    if (s->first) lws_callback_on_writable(s->wsi);
    return 0;
}

static void enter(session *s, struct lws *wsi) {
    s->wsi = wsi;
    s->last = &s->first;
    s->next = sessions;
    if (sessions) sessions->previous = s;
    sessions = s;
}

static void leave(session *s) {
    *(s->previous ? &s->previous->next : &sessions) = s->next;
    if (s->next) s->next->previous = s->previous;
    while (s->first) dequeue(s);
    free(s->part);
}

static int callback(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t size) {
    switch ((int)why) {
    case LWS_CALLBACK_ESTABLISHED: enter(user, wsi); break;
    case LWS_CALLBACK_RECEIVE: receive(user, in, size); break;
    case LWS_CALLBACK_SERVER_WRITEABLE: return send_next(user);
    case LWS_CALLBACK_CLOSED: leave(user); break;
    default: break;
    }
    return 0;
}

static void stop(int signal) {
    (void)signal;
    quit = 1;
}

int main(int count, char **arguments) {
    static const struct lws_protocols protocols[] = {
        {.name = "bench", .callback = callback, .per_session_data_size = sizeof(session)}, {.name = NULL}};
    struct lws_context_creation_info info = {.protocols = protocols, .iface = "127.0.0.1"};
    struct rlimit files;
    bcast = count > 1 && !strcmp(arguments[1], "bcast");
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGTERM, stop);
    lws_set_log_level(LLL_ERR, NULL);
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    struct lws_context *context = lws_create_context(&info);
    struct lws_vhost *vhost = context ? lws_create_vhost(context, &info) : NULL;
    if (!vhost) return 1;
    printf("port %d\n", lws_get_vhost_listen_port(vhost));
    fflush(stdout);
    while (!quit && lws_service(context, 0) >= 0) continue;
    lws_context_destroy(context);
    return 0;
}
