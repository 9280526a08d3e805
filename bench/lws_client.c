/* lws_client PORT N - N clients that echo, on libwebsockets used in the ordinary way: one message per WRITEABLE
 * callback. For `loadgen -l`; ends when the server goes away. */
#include <libwebsockets.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct message {
    struct message *next;
    size_t size;
    unsigned char data[];
} message;

typedef struct session {
    message *first, **last;
    unsigned char *part; /* of a message that is not complete */
    size_t size, capacity;
} session;

static int left;

static void answer(struct lws *wsi, session *s, const unsigned char *data, size_t size) {
    message *m = malloc(sizeof *m + LWS_PRE + size);
    m->next = NULL;
    m->size = size;
    memcpy(m->data + LWS_PRE, data, size);
    *s->last = m;
    s->last = &m->next;
    lws_callback_on_writable(wsi);
}

static void receive(struct lws *wsi, session *s, const unsigned char *data, size_t size) {
    size_t rest = lws_remaining_packet_payload(wsi);
    bool complete = lws_is_final_fragment(wsi) && !rest;
    if (complete && lws_is_first_fragment(wsi)) {
        answer(wsi, s, data, size);
        return;
    }
    if (s->size + size > s->capacity) s->part = realloc(s->part, s->capacity = s->size + size + rest);
    memcpy(s->part + s->size, data, size);
    s->size += size;
    if (!complete) return;
    answer(wsi, s, s->part, s->size);
    s->size = 0;
}

static int send_next(struct lws *wsi, session *s) {
    message *m = s->first;
    if (!m) return 0;
    if (lws_write(wsi, m->data + LWS_PRE, m->size, LWS_WRITE_BINARY) < 0) return -1;
    s->first = m->next;
    if (s->first)
        lws_callback_on_writable(wsi);
    else
        s->last = &s->first;
    free(m);
    return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t size) {
    session *s = user;
    switch ((int)why) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED: s->last = &s->first; break;
    case LWS_CALLBACK_CLIENT_RECEIVE: receive(wsi, s, in, size); break;
    case LWS_CALLBACK_CLIENT_WRITEABLE: return send_next(wsi, s);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED: left--; break;
    default: break;
    }
    return 0;
}

int main(int count, char **arguments) {
    static const struct lws_protocols protocols[] = {
        {.name = "bench", .callback = callback, .per_session_data_size = sizeof(session)}, {.name = NULL}};
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN, .protocols = protocols};
    if (count < 3) return 1;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    signal(SIGPIPE, SIG_IGN);
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *context = lws_create_context(&info);
    if (!context) return 1;
    for (int n = atoi(arguments[2]); left < n; left++) {
        struct lws_client_connect_info to = {.context = context, .port = atoi(arguments[1]), .path = "/"};
        to.address = to.host = to.origin = "127.0.0.1";
        to.local_protocol_name = "bench";
        if (!lws_client_connect_via_info(&to)) return 1;
    }
    while (left > 0 && lws_service(context, 0) >= 0) continue;
    lws_context_destroy(context);
    return 0;
}
