/* Who owns what: the server holds one reference to each connection from accepting until libwebsockets has destroyed
 * its socket (LWS_CALLBACK_WSI_DESTROY) and the turn is over; until then the connection is in exactly one of the lists.
 */
#include "server_link.h"

#include <string.h>
#ifdef __linux__
#include <linux/sockios.h>
#include <sys/ioctl.h>
#endif

#include "address_counts.h"
#include "clock.h"
#include "event_set.h"
#include "listener.h"
#include "lws_context.h"
#include "memory.h"
#include "plain.h"
#include "platform.h"
#include "process.h"
#include "timers.h"

/* Largest read: that of libwebsockets, or more from those who may send that much. */
enum { WSM_SERVER_READ_SIZE = 260 * 1024 };
/* Of a turn in parts: what it reads should still be in the processor's cache when the program has it and answers. */
enum { PART_BYTES = 192 * 1024 };
enum { EVENT_BATCH = 256, ROUNDS_MAX = 256, BUDGET_MS = 8, HOUSEKEEPING_MS = 1000, EXHAUSTED_PAUSE_MS = 100 };

typedef struct wsm_connection_list {
    wsm_connection *first, *last;
    size_t count;
} wsm_connection_list;

struct wsm_server {
    struct lws_context *context;
    struct lws_vhost *vhost;
    wsm_event_set *events;
    int listener;
    uint16_t port;
    pid_t process;
    wsm_server_accept_fn *accept;
    void *owner;

    wsm_connection_list pending; /* in the handshake, oldest first */
    wsm_connection_list open;
    wsm_connection_list closing; /* the first to be cut first */
    wsm_connection_list gone;    /* without a socket, released at the end of the turn */
    wsm_connection *attention;   /* connections that changed, by link.next_attention */

    /* Events that were not handled before the time of the turn was up, or its part was read. */
    wsm_event ready[EVENT_BATCH];
    int ready_at, ready_count;
    bool accepting;  /* among those that were: somebody waits to be accepted */
    size_t received; /* bytes in this turn */

    wsm_timers heartbeats;
    bool tls;
    int64_t handshake_timeout_ms;
    size_t max_pending;
    size_t address_limit; /* 0: none */
    wsm_address_counts addresses;
    int64_t housekeeping_at, accept_again_at;
    bool refusing, watching_listener;
    bool more; /* a read filled its buffer: there may be more behind it */
    bool news; /* see wsm_server_take_news */

    wsm_chunk_pool chunks;
    unsigned char *input; /* of WSM_SERVER_READ_SIZE bytes; NULL with TLS */
};

/* ---- lists ---- */

static void list_remove(wsm_connection *connection) {
    wsm_link *link = &connection->link;
    wsm_connection_list *list = link->list;
    if (!list) return;
    *(link->previous ? &link->previous->link.next : &list->first) = link->next;
    *(link->next ? &link->next->link.previous : &list->last) = link->previous;
    list->count--;
    link->previous = link->next = NULL;
    link->list = NULL;
}

static void list_move(wsm_connection_list *list, wsm_connection *connection) {
    if (connection->link.list == list) return;
    list_remove(connection);
    connection->link.list = list;
    connection->link.previous = list->last;
    *(list->last ? &list->last->link.next : &list->first) = connection;
    list->last = connection;
    list->count++;
    connection->link.since_ms = wsm_clock_ms();
}

static wsm_server *server_of(const wsm_connection *connection) { return connection->link.service; }

static void let_go(wsm_connection *connection) {
    wsm_server *server = server_of(connection);
    for (int i = server->ready_at; i < server->ready_count; i++)
        if (server->ready[i].data == connection) server->ready[i].data = NULL;
    wsm_timers_remove(&server->heartbeats, connection);
    list_remove(connection);
    connection->link.ops = NULL;
    connection->link.service = NULL;
    connection->out.pool = NULL;
    wsm_connection_unref(connection);
}

/* ---- connections of an address ---- */

static void count_address(wsm_connection *connection) {
    wsm_server *server = server_of(connection);
    connection->link.counted = server->address_limit && wsm_address_counts_add(&server->addresses, &connection->remote);
}

static void uncount_address(wsm_connection *connection) {
    if (connection->link.counted) wsm_address_counts_remove(&server_of(connection)->addresses, &connection->remote);
    connection->link.counted = false;
}

static void count_list(const wsm_connection_list *list) {
    for (wsm_connection *connection = list->first; connection; connection = connection->link.next)
        count_address(connection);
}

static void set_address_limit(wsm_server *server, size_t limit) {
    bool was_off = !server->address_limit;
    server->address_limit = limit;
    if (!limit) {
        wsm_address_counts_release(&server->addresses);
    } else if (was_off) {
        count_list(&server->pending);
        count_list(&server->open);
        count_list(&server->closing);
    }
}

static bool too_many_of(const wsm_server *server, const wsm_address *remote) {
    return server->address_limit && wsm_address_counts_get(&server->addresses, remote) >= server->address_limit;
}

/* ---- what connections ask for ---- */

static void link_changed(wsm_connection *connection) {
    if (connection->link.attention) return;
    connection->link.attention = true;
    connection->link.next_attention = server_of(connection)->attention;
    server_of(connection)->attention = connection;
}

static const wsm_link_ops tls_ops = {
    .write = wsm_lws_write, .busy = wsm_lws_busy, .changed = link_changed, .set_no_delay = wsm_lws_set_no_delay};

static const wsm_link_ops plain_ops = {.write = wsm_plain_write,
#if !defined(_WIN32)
                                       .write_parts = wsm_plain_write_parts,
#endif
                                       .busy = wsm_lws_busy,
                                       .changed = link_changed,
                                       .set_no_delay = wsm_lws_set_no_delay};

/* ---- libwebsockets ---- */

static void receive(wsm_connection *connection, unsigned char *data, size_t size, size_t largest) {
    server_of(connection)->more |= size >= largest;
    server_of(connection)->news = true;
    server_of(connection)->received += size;
    wsm_connection_receive(connection, data, size);
}

static int callback(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t size) {
    wsm_connection *connection = lws_get_opaque_user_data(wsi);
    (void)user;
    if (!connection) return 0;
    switch ((int)why) {
    case LWS_CALLBACK_RAW_ADOPT: connection->link.wsi = wsi; break;
    case LWS_CALLBACK_RAW_RX:
        connection->link.tls_handshake = false;
        receive(connection, in, size, WSM_READ_SIZE);
        break;
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        connection->link.wsi = NULL;
        /* An epoll has lost it already, and the number may not be its own any more. */
        if (!WSM_EVENT_SET_EPOLL) wsm_event_set_remove(server_of(connection)->events, connection->link.fd);
        connection->link.fd = -1;
        uncount_address(connection);
        list_move(&server_of(connection)->gone, connection);
        server_of(connection)->news = true;
        wsm_connection_lost(connection);
        break;
    default: break;
    }
    return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = "raw", .callback = callback, .rx_buffer_size = WSM_READ_SIZE, .tx_packet_size = 1 << 20},
    {.name = NULL},
};

static bool adopt(wsm_server *server, wsm_connection *connection, int fd) {
    lws_adopt_desc_t description;
    memset(&description, 0, sizeof description);
    description.vh = server->vhost;
    /* The flag on a server without TLS would hang the connection in version 4.0. */
    description.type = server->tls ? LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL : LWS_ADOPT_SOCKET;
    description.fd.sockfd = fd;
    description.vh_prot_name = "raw";
    description.opaque = connection;
    return lws_adopt_descriptor_vhost_via_info(&description) != NULL;
}

/* ---- accepting ---- */

static void cut(wsm_connection *connection) { wsm_lws_kill(&connection->link.wsi); }

static void welcome(wsm_server *server, int fd, const wsm_address *remote) {
    wsm_connection *connection = server->accept(server->owner);
    if (!connection) {
        wsm_socket_close(fd);
        return;
    }
    connection->remote = *remote;
    connection->alive = true;
    connection->link.ops = server->tls ? &tls_ops : &plain_ops;
    connection->out.pool = &server->chunks;
    connection->link.service = server;
    connection->link.fd = fd;
    connection->link.process = (long)server->process;
    connection->tls = connection->link.tls_handshake = server->tls;
    /* While TLS shakes hands, libwebsockets does not say when it wants to write. */
    connection->link.interest = server->tls ? WSM_EVENT_READ | WSM_EVENT_WRITE | WSM_EVENT_EDGE : WSM_EVENT_READ;
    /* libwebsockets closes the descriptor itself if it can't take it: usually without a callback, but with one if what
     * is there already is no TLS, and then the connection is among those that are gone. */
    bool adopted = adopt(server, connection, fd) && connection->link.wsi;
    if (!adopted && connection->link.list) return;
    if (!adopted || !wsm_event_set_add(server->events, fd, connection->link.interest, connection)) {
        connection->owner_ops = NULL;
        if (adopted) {
            cut(connection);
        } else {
            connection->alive = false;
            let_go(connection);
        }
        return;
    }
    if (server->pending.count >= server->max_pending && server->pending.first) {
        wsm_connection_abandon(server->pending.first, "too many handshakes at once");
        cut(server->pending.first);
    }
    list_move(&server->pending, connection);
    count_address(connection);
}

static void refuse(int fd) {
    struct linger at_once = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

static void watch_listener(wsm_server *server, bool watch) {
    if (watch == server->watching_listener) return;
    server->watching_listener = watch;
    wsm_event_set_modify(server->events, server->listener, watch ? WSM_EVENT_READ : 0, server);
}

/* All that wait, but for a flood, whose rest must not hold the program up. */
static void accept_all(wsm_server *server, int64_t started) {
    wsm_address remote;
    wsm_accepted result;
    int fd;
    while ((result = wsm_listener_accept(server->listener, &fd, &remote)) == WSM_ACCEPTED) {
        if (too_many_of(server, &remote))
            refuse(fd);
        else
            welcome(server, fd, &remote);
        if (wsm_clock_ms() - started > BUDGET_MS) break;
    }
    if (result == WSM_ACCEPT_EXHAUSTED) {
        /* The waiting connection would wake us again and again. */
        server->accept_again_at = wsm_clock_ms() + EXHAUSTED_PAUSE_MS;
        watch_listener(server, false);
    }
}

/* ---- turns ---- */

/* False at the end, which libwebsockets has to see. */
static bool read_plain(wsm_server *server, wsm_connection *connection) {
    int32_t wanted = connection->settings.inbound_buffer_size;
    size_t largest = wanted > 0 && wanted <= WSM_READ_SIZE ? WSM_READ_SIZE : WSM_SERVER_READ_SIZE, size = largest;
    wsm_plain_status status = wsm_plain_read(connection, server->input, &size);
    if (status == WSM_PLAIN_DATA) receive(connection, server->input, size, largest);
    return status != WSM_PLAIN_ENDED;
}

static void serve(wsm_server *server, wsm_connection *connection, unsigned events) {
    /* Besides costing more, libwebsockets would look the descriptor up in a list if the process may have very many. */
    if (server->input && (events & WSM_EVENT_READ) && !wsm_lws_busy(connection) && read_plain(server, connection)) {
        link_changed(connection);
        return;
    }
    /* Without POLLERR: with it, libwebsockets 4.3 would not read any more what is there. */
    const int hangup = LWS_POLLHUP & ~POLLERR;
    struct lws_pollfd ready;
    memset(&ready, 0, sizeof ready);
    ready.fd = (lws_sockfd_type)connection->link.fd;
    ready.events = LWS_POLLIN | LWS_POLLOUT;
    ready.revents = (short)((events & WSM_EVENT_READ ? LWS_POLLIN : 0) | (events & WSM_EVENT_WRITE ? LWS_POLLOUT : 0) |
                            (events & WSM_EVENT_HANGUP ? hangup : 0));
    lws_service_fd(server->context, &ready);
    link_changed(connection);
}

static void handle_event(wsm_server *server, wsm_connection *connection, unsigned events) {
    /* It may have ended earlier in this batch; its descriptor could be somebody else's by now. */
    if (!connection->alive || connection->on_hold) return;
    if (connection->stopped && !(events & WSM_EVENT_WRITE)) {
        if (events & WSM_EVENT_HANGUP) {
            /* Can't be masked, and serving it would lose what the program has not read yet. */
            wsm_event_set_remove(server->events, connection->link.fd);
            connection->link.hung_up = true;
        }
        return;
    }
    serve(server, connection, events);
    /* The edge that told of the last part of the TLS handshake told of the request behind it, too. */
    for (int i = 0; i < 4 && connection->link.tls_handshake && wsm_lws_has_input(connection); i++)
        serve(server, connection, WSM_EVENT_READ);
}

static void update_interest(wsm_server *server, wsm_connection *connection) {
    if (connection->on_hold || connection->link.tls_handshake) return;
    unsigned interest = wsm_lws_busy(connection) ? WSM_EVENT_WRITE
                        : connection->state == WSM_STATE_CLOSED || wsm_connection_wants_input(connection)
                            ? WSM_EVENT_READ
                            : 0;
    if (connection->link.hung_up || interest == connection->link.interest) return;
    connection->link.interest = interest;
    wsm_event_set_modify(server->events, connection->link.fd, interest, connection);
}

/* The last steps of a closed connection: what is queued, then the end of our direction, then that of the peer's. */
static void farewell(wsm_connection *connection) {
    bool sent = !wsm_connection_has_output(connection) && !wsm_lws_busy(connection);
    if (connection->cut || connection->write_failed || (sent && connection->close_received)) {
        cut(connection);
    } else if (sent && !connection->link.half_closed) {
        /* Closing at once with unread input would reset the connection and could destroy what we just sent. */
        connection->link.half_closed = true;
        shutdown(connection->link.fd, SHUT_WR);
    }
}

static void watch_heartbeat(wsm_server *server, wsm_connection *connection) {
    int64_t due = wsm_connection_heartbeat(connection, wsm_clock_ms());
    if (!due) wsm_timers_remove(&server->heartbeats, connection);
    /* Without memory it is tried again when next there is something to do for the connection. */
    bool timed = due && wsm_timers_set(&server->heartbeats, connection, due);
    connection->link.heartbeat_ms = timed ? connection->settings.heartbeat_ms : 0;
}

static void look_after(wsm_server *server, wsm_connection *connection) {
    if (wsm_connection_can_resume(connection)) {
        server->news = true;
        wsm_connection_resume(connection);
    }
    if (!connection->alive) return;
    while (connection->link.hung_up && connection->alive && wsm_connection_wants_input(connection))
        serve(server, connection, WSM_EVENT_READ | WSM_EVENT_HANGUP);
    if (!connection->alive) return; /* it is among those that are gone */
    if (connection->state == WSM_STATE_OPEN && connection->link.heartbeat_ms != connection->settings.heartbeat_ms)
        watch_heartbeat(server, connection);
    wsm_connection_flush(connection);
    if (connection->state >= WSM_STATE_CLOSING || connection->write_failed)
        list_move(&server->closing, connection);
    else if (connection->state == WSM_STATE_OPEN)
        list_move(&server->open, connection);
    if (connection->state == WSM_STATE_CLOSED) farewell(connection);
    if (connection->alive) update_interest(server, connection);
}

bool wsm_server_take_news(wsm_server *server) {
    bool news = server->news;
    server->news = false;
    return news;
}

void wsm_server_flush(wsm_server *server) {
    wsm_connection **at = &server->attention;
    while (*at) {
        wsm_connection *connection = *at;
        wsm_connection_flush(connection);
        bool settled = connection->alive && connection->link.list == &server->open &&
                       connection->state == WSM_STATE_OPEN && !connection->write_failed && !wsm_lws_busy(connection) &&
                       connection->link.interest == WSM_EVENT_READ && !wsm_connection_can_resume(connection);
        if (settled) {
            *at = connection->link.next_attention;
            connection->link.attention = false;
        } else {
            at = &connection->link.next_attention;
        }
    }
}

void wsm_server_settle(wsm_server *server) {
    while (server->attention) {
        wsm_connection *connection = server->attention;
        server->attention = connection->link.next_attention;
        connection->link.attention = false;
        look_after(server, connection);
    }
}

/* What the client has not received yet, but for the part that libwebsockets holds. The system alone can hold megabytes,
 * and takes nothing more before a third of them is gone. */
static size_t unreceived(const wsm_connection *connection) {
    int held = 0;
#ifdef SIOCOUTQ
    if (ioctl(connection->link.fd, SIOCOUTQ, &held) < 0) held = 0;
#elif defined SO_NWRITE
    socklen_t size = sizeof held;
    if (getsockopt(connection->link.fd, SOL_SOCKET, SO_NWRITE, &held, &size) < 0) held = 0;
#endif
    return connection->out.size + (size_t)held;
}

/* The answer to a plain request may take as long as it gets on, within its limit. */
static void extend_answers(wsm_server *server, int64_t now) {
    wsm_connection *next = server->closing.first;
    for (size_t count = server->closing.count; count; count--) {
        wsm_connection *connection = next;
        next = connection->link.next;
        if (now + WSM_CLOSING_LIMIT_MS > connection->respond_until_ms) continue;
        size_t left = unreceived(connection);
        if (left == connection->link.unreceived) continue;
        connection->link.unreceived = left;
        list_remove(connection);
        list_move(&server->closing, connection);
    }
}

/* One that libwebsockets does not let go of yet has to wait for another turn. */
static void drop(wsm_connection_list *list, wsm_connection *connection) {
    cut(connection);
    if (list->first != connection) return;
    list_remove(connection);
    list_move(list, connection);
}

static void drop_overdue(wsm_server *server, int64_t now) {
    wsm_connection *first;
    while ((first = server->pending.first) && now - first->link.since_ms > server->handshake_timeout_ms) {
        if (first->state == WSM_STATE_OPEN) { /* accepted a moment ago, not settled yet */
            list_move(&server->open, first);
            continue;
        }
        wsm_connection_abandon(first, "the handshake took too long");
        drop(&server->pending, first);
    }
    while ((first = server->closing.first) && now - first->link.since_ms > WSM_CLOSING_LIMIT_MS) {
        wsm_connection_abandon_closing(first);
        drop(&server->closing, first);
    }
}

/* Those without a socket that still have received bytes for the program stay until it has taken them. */
static void release_gone(wsm_server *server) {
    for (wsm_connection *next, *connection = server->gone.first; connection; connection = next) {
        next = connection->link.next;
        if (connection->link.attention || connection->state != WSM_STATE_CLOSED) continue;
        let_go(connection);
    }
}

static void watch_heartbeats(wsm_server *server, int64_t now) {
    wsm_connection *first;
    while ((first = wsm_timers_first(&server->heartbeats)) && first->link.timer_ms <= now)
        watch_heartbeat(server, first);
}

/* False when the time of this turn is up; the rest is handled in the next. */
static bool handle_ready(wsm_server *server, int64_t started, size_t enough) {
    while (server->ready_at < server->ready_count && server->received < enough) {
        const wsm_event *event = &server->ready[server->ready_at++];
        if (event->data == server)
            server->accepting = true;
        else if (event->data)
            handle_event(server, event->data, event->events);
        /* One TLS handshake takes a millisecond or two. */
        if (server->tls && wsm_clock_ms() - started > BUDGET_MS) return false;
    }
    return true;
}

bool wsm_server_service(wsm_server *server, int wait_ms, bool in_parts) {
    bool interrupted = false, in_time = true;
    int64_t now = wsm_clock_ms(), started = now;
    size_t enough = in_parts ? PART_BYTES : SIZE_MAX;
    server->received = 0;
    watch_listener(server, !server->refusing && now >= server->accept_again_at);
    for (int round = 0; in_time && round < ROUNDS_MAX; round++) {
        server->more = false;
        if (server->ready_at == server->ready_count) {
            server->ready_at = 0;
            server->ready_count = wsm_event_set_wait(server->events, server->ready, EVENT_BATCH, round ? 0 : wait_ms);
            interrupted |= server->ready_count < 0;
            if (server->ready_count < 0) server->ready_count = 0;
            if (round == 0 && wait_ms) started = wsm_clock_ms();
        }
        in_time = handle_ready(server, started, enough);
        if (server->ready_at < server->ready_count) break;
        /* Last, so that no new connection gets the number of one that ended in this batch. */
        bool accepting = server->accepting;
        server->accepting = false;
        if (accepting && in_time && server->watching_listener) accept_all(server, started);
        if ((server->ready_count < EVENT_BATCH && !server->more && !accepting) || server->received >= enough) break;
        in_time = in_time && wsm_clock_ms() - started <= BUDGET_MS;
    }
    now = wsm_clock_ms();
    /* Its timers, and whatever the event set missed. */
    if (now >= server->housekeeping_at || (server->tls && !WSM_EVENT_SET_EPOLL && server->pending.first)) {
        server->housekeeping_at = now + HOUSEKEEPING_MS;
        lws_service(server->context, -1);
        extend_answers(server, now);
    }
    drop_overdue(server, now);
    /* Only when everything was read is silence a sign of death. */
    if (in_time && server->ready_at == server->ready_count) watch_heartbeats(server, now);
    release_gone(server);
    return !interrupted;
}

static int earlier(int limit, const wsm_connection *first, int64_t allowed, int64_t now) {
    if (!first) return limit;
    int64_t left = first->link.since_ms + allowed + 1 - now;
    return left >= limit ? limit : left > 0 ? (int)left : 0;
}

int wsm_server_time_left(const wsm_server *server, int limit) {
    int64_t now = wsm_clock_ms();
    const wsm_connection *beat = wsm_timers_first(&server->heartbeats);
    if (server->ready_at < server->ready_count) return 0;
    if (beat && beat->link.timer_ms - now < limit)
        limit = beat->link.timer_ms > now ? (int)(beat->link.timer_ms - now) : 0;
    limit = earlier(limit, server->pending.first, server->handshake_timeout_ms, now);
    limit = earlier(limit, server->closing.first, WSM_CLOSING_LIMIT_MS, now);
    if (server->accept_again_at > now && server->accept_again_at - now < limit)
        limit = (int)(server->accept_again_at - now);
    return limit;
}

wsm_wanted wsm_server_wanted(const wsm_server *server) {
    return (wsm_wanted){.fd = wsm_event_set_fd(server->events), .events = WSM_EVENT_READ};
}

int wsm_server_descriptor(const wsm_server *server, wsm_watch *watch) {
    int descriptor = wsm_watch_descriptor(watch);
    wsm_watch_set(watch, wsm_event_set_fd(server->events), WSM_EVENT_READ);
    return descriptor;
}

/* ---- life ---- */

uint16_t wsm_server_port(const wsm_server *server) { return server->port; }
void wsm_server_set_refusing(wsm_server *server, bool refusing) { server->refusing = refusing; }

wsm_serving wsm_serving_default(void) { return (wsm_serving){.handshake_timeout_ms = 3000, .max_pending = 1024}; }

void wsm_server_set_limits(wsm_server *server, const wsm_serving *serving) {
    server->handshake_timeout_ms = serving->handshake_timeout_ms;
    server->max_pending = serving->max_pending > 0 ? (size_t)serving->max_pending : SIZE_MAX;
    set_address_limit(server, serving->max_per_address > 0 ? (size_t)serving->max_per_address : 0);
}

static wsm_error out_of_resources(wsm_reason *reason) {
    return wsm_fail(reason, WSM_ERR_CANT_CREATE, "libwebsockets could not be started (out of descriptors or memory?)");
}

static wsm_error unusable_key(wsm_reason *reason) {
    return wsm_fail(reason, WSM_ERR_INVALID_PARAMETER,
                    "TLS: the private key does not belong to the certificate, or one of them can't be used");
}

static wsm_error open_vhost(wsm_server *server, const char *certificate, const char *key, wsm_reason *reason) {
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.vhost_name = "server";
    info.retry_and_idle_policy = &wsm_lws_no_timers;
#if defined(LWS_WITH_TLS)
    info.alpn = "http/1.1"; /* or TLS clients that offer HTTP/2 are taken away from the raw role */
    if (server->tls) {
        /* It has no use for the system's authorities, which take tens of milliseconds to read. */
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
        info.ssl_cert_filepath = certificate;
        info.ssl_private_key_filepath = key;
    }
#else
    (void)certificate;
    (void)key;
#endif
    server->vhost = lws_create_vhost(server->context, &info);
    if (server->vhost) return WSM_OK;
    /* It does not say why; without descriptors it could not read the files. */
    int spare = dup(server->listener);
    if (spare >= 0) close(spare);
    return server->tls && spare >= 0 ? unusable_key(reason) : out_of_resources(reason);
}

static wsm_error open_context(wsm_server *server, const wsm_tls_options *tls, wsm_reason *reason) {
    wsm_pem_file certificate = {.fd = -1}, key = {.fd = -1};
    wsm_error error = WSM_OK;
    if (tls) {
        if (!wsm_process_start_tls())
            return wsm_fail(reason, WSM_ERR_UNAVAILABLE, "this libwebsockets was built without TLS");
        error = wsm_pem_file_open(&certificate, tls->certificate, WSM_PEM_CERTIFICATE, "TLS certificate", reason);
        if (!error) error = wsm_pem_file_open(&key, tls->private_key, WSM_PEM_KEY, "TLS private key", reason);
    }
    if (tls && !error && !wsm_pem_same_algorithm(&key, &certificate)) error = unusable_key(reason);
    server->tls = tls != NULL;
    if (!error && !(server->context = wsm_lws_context_new(0, 0))) error = out_of_resources(reason);
    if (!error) error = open_vhost(server, certificate.path, key.path, reason);
    wsm_pem_file_close(&certificate);
    wsm_pem_file_close(&key);
    return error;
}

wsm_error wsm_server_open(wsm_server **out, const char *address, uint16_t port, const wsm_tls_options *tls,
                          wsm_server_accept_fn *accept, void *owner, wsm_reason *reason) {
    wsm_server *server = wsm_alloc_zero(sizeof *server);
    if (!server) return wsm_fail(reason, WSM_ERR_OUT_OF_MEMORY, "out of memory");
    server->listener = -1;
    server->port = port;
    if (!tls && !(server->input = wsm_alloc(WSM_SERVER_READ_SIZE))) {
        wsm_free(server);
        return wsm_fail(reason, WSM_ERR_OUT_OF_MEMORY, "out of memory");
    }
    server->process = getpid();
    server->accept = accept;
    server->owner = owner;
    wsm_serving serving = wsm_serving_default();
    wsm_server_set_limits(server, &serving);
    wsm_error error = wsm_listener_open(address, &server->port, &server->listener, reason);
    if (!error) error = open_context(server, tls, reason);
    if (!error && (!(server->events = wsm_event_set_open()) ||
                   !wsm_event_set_add(server->events, server->listener, WSM_EVENT_READ, server)))
        error = out_of_resources(reason);
    if (error) {
        wsm_server_close(server);
        return error;
    }
    server->watching_listener = true;
    server->housekeeping_at = wsm_clock_ms() + HOUSEKEEPING_MS;
    *out = server;
    return WSM_OK;
}

static void discard_input(wsm_connection_list *list) {
    for (wsm_connection *connection = list->first; connection; connection = connection->link.next)
        wsm_lws_discard_input(connection);
}

static void dismiss_list(wsm_connection_list *list) {
    for (wsm_connection *connection = list->first; connection; connection = connection->link.next) {
        wsm_connection_disown(connection);
        if (connection->state == WSM_STATE_OPEN) wsm_connection_leave(connection, WSM_CLOSE_GOING_AWAY);
    }
}

static void drop_list(wsm_connection_list *list) {
    while (list->first) {
        wsm_connection *connection = list->first;
        connection->alive = false;
        let_go(connection);
    }
}

void wsm_server_close(wsm_server *server) {
    if (!server) return;
    if (server->process != getpid()) {
        /* The sockets belong to the parent as well: closing them properly would shut them down for it too. */
        if (server->listener >= 0) wsm_socket_close(server->listener);
        wsm_event_set_close(server->events);
        return;
    }
    if (server->listener >= 0) wsm_socket_close(server->listener);
    dismiss_list(&server->pending);
    dismiss_list(&server->open); /* close frames for those whom their owner has not sent any */
    dismiss_list(&server->closing);
    dismiss_list(&server->gone);
    wsm_server_settle(server);
    discard_input(&server->open);
    discard_input(&server->closing);
    if (server->context) wsm_lws_context_destroy(server->context);
    drop_list(&server->pending);
    drop_list(&server->open);
    drop_list(&server->closing);
    drop_list(&server->gone);
    wsm_event_set_close(server->events);
    wsm_timers_release(&server->heartbeats);
    wsm_address_counts_release(&server->addresses);
    wsm_chunk_pool_release(&server->chunks);
    wsm_free(server->input);
    wsm_free(server);
}
