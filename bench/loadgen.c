/* Load generator and checker for WebSocket programs on this machine: one thread, epoll, no library. It opens
 * connections, shakes hands, keeps a window of messages in flight, verifies every byte of every message and their
 * order, and prints one line of key=value pairs: messages a second, latency percentiles and, told the process under
 * test, that process's CPU time per message as the scheduler counts it (all threads, user and system).
 *
 *   -m echo   every connection sends, the peer sends each message back
 *   -m bcast  connection 0 sends, the peer sends each message to all others (-c of them); a message is one delivery
 *   -m idle   opens the connections and holds them: cost of accepting, memory
 *
 * With -l it is the server and drives clients that echo. -R is plain TCP; -g Godot's conduct: the server's first
 * message is a 4-byte id. Exit status: 2 the peer misbehaved, 3 connection trouble. loadgen -? lists the options. */
#include "wire.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAT_PERIOD 4096         /* distinct message contents            */
#define MAX_PAYLOAD (16u << 20) /* largest -s                           */
#define SCRATCH_MIN (256u << 10)
#define RBUF (512u << 10)

enum mode { M_ECHO, M_BCAST, M_IDLE };
enum cstate { C_CONNECTING, C_HANDSHAKE, C_WAIT_ID, C_READY };

struct conn {
    int fd;
    uint32_t index;
    uint8_t state, epollout, in_op;
    /* receive side: header bytes collected so far, then payload left */
    uint8_t hdr[WIRE_MAX_HDR], hlen, hneed;
    uint8_t mask[4], masked;
    uint64_t frame_left, frame_pos; /* of the current frame              */
    uint64_t msg_pos;               /* of the current (data) message     */
    uint8_t fin, in_payload, small[128];
    /* send side */
    uint8_t *out; /* what the kernel did not take yet  */
    size_t out_off, out_len, out_cap;
    uint32_t sent, rcvd; /* messages, all phases              */
    uint64_t *stamp;     /* send time by sequence % window    */
    char key[25];
    char *head; /* handshake bytes                   */
    size_t head_len;
};

/* ---- options ---- */
static enum mode mode = M_ECHO;
static const char *pid_file;
static int port = 9001, do_listen, raw, godot;
static uint32_t nconn = 1, window = 1, size = 64, burst = 64, ping_every;
static int rcvbuf;
static double duration = 2, warmup = 0.3, rate;
static uint64_t count;
static pid_t pid;

/* ---- state ---- */
static int ep, lfd = -1;
static struct conn *conns;
static uint32_t total, opened, ready;
static uint8_t *pat, *scratch, *rbuf;
static size_t scratch_cap;
static uint32_t rng = 2463534242u;
static int sending;                    /* new messages may be started    */
static uint64_t done_msgs, done_bytes; /* completed (echo) / delivered   */
static uint64_t sent_msgs;
static uint64_t pings, pongs;
static uint64_t stalls;   /* paced sends dropped: window full */
static uint32_t *bc_left; /* bcast: receivers left, by seq % window */
static uint32_t bc_done;  /* bcast: messages fully delivered  */

/* log-linear histogram of nanoseconds: 64 exponents x 32 steps (3 %) */
static uint64_t hist[64 * 32], hist_n;
static double hist_sum, hist_max;

static void die(const char *what) {
    fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
    exit(3);
}

static void bad(const struct conn *c, const char *what) {
    fprintf(stderr, "loadgen: connection %u: %s (sent %u, received %u)\n", c ? c->index : 0, what, c ? c->sent : 0,
            c ? c->rcvd : 0);
    exit(2);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t rnd(void) {
    rng ^= rng << 13;
    rng ^= rng >> 17;
    return rng ^= rng << 5;
}

static void hist_add(uint64_t ns) {
    unsigned e = ns < 32 ? 0 : 63u - (unsigned)__builtin_clzll(ns) - 4u;
    unsigned s = e ? (unsigned)(ns >> (e - 1)) & 31u : (unsigned)ns;
    /* e == 0: exact 0..31; e >= 1: 32 steps from 2^(e+4) on */
    hist[e * 32 + s]++;
    hist_n++;
    hist_sum += (double)ns;
    if ((double)ns > hist_max) hist_max = (double)ns;
}

static double hist_pct(double p) {
    uint64_t want = (uint64_t)(p * (double)hist_n), seen = 0;
    for (unsigned i = 0; i < 64 * 32; i++) {
        seen += hist[i];
        if (seen > want) {
            unsigned e = i / 32, s = i % 32;
            return e ? (double)((uint64_t)(32 + s) << (e - 1)) : s;
        }
    }
    return hist_max;
}

/* ---- the program under test, from /proc ---- */
struct usage {
    double cpu_us, user_us, sys_us; /* cpu_us: scheduler's exact sum      */
    long rss_kb;
};

static struct usage read_usage(pid_t p) {
    struct usage u = {0, 0, 0, 0};
    char f[300], buf[1024];
    if (!p) return u;
    snprintf(f, sizeof f, "/proc/%d/task", (int)p);
    DIR *d = opendir(f);
    if (!d) die(f);
    for (struct dirent *e; (e = readdir(d));) {
        unsigned long long ns;
        if (e->d_name[0] == '.') continue;
        snprintf(f, sizeof f, "/proc/%d/task/%s/schedstat", (int)p, e->d_name);
        FILE *s = fopen(f, "r");
        if (!s) continue;
        if (fscanf(s, "%llu", &ns) == 1) u.cpu_us += (double)ns / 1e3;
        fclose(s);
    }
    closedir(d);
    snprintf(f, sizeof f, "/proc/%d/stat", (int)p);
    FILE *s = fopen(f, "r");
    if (s && fgets(buf, sizeof buf, s)) {
        unsigned long ut = 0, st = 0;
        char *q = strrchr(buf, ')');
        if (q && sscanf(q + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &ut, &st) == 2) {
            double tick = 1e6 / (double)sysconf(_SC_CLK_TCK);
            u.user_us = (double)ut * tick;
            u.sys_us = (double)st * tick;
        }
    }
    if (s) fclose(s);
    snprintf(f, sizeof f, "/proc/%d/status", (int)p);
    s = fopen(f, "r");
    while (s && fgets(buf, sizeof buf, s))
        if (sscanf(buf, "VmRSS: %ld", &u.rss_kb) == 1) break;
    if (s) fclose(s);
    return u;
}

/* ---- sending ---- */
static void set_events(struct conn *c, int want_out) {
    if (c->epollout == want_out) return;
    struct epoll_event ev = {.events = EPOLLIN | (want_out ? EPOLLOUT : 0u), .data.ptr = c};
    if (epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev)) die("epoll_ctl");
    c->epollout = (uint8_t)want_out;
}

/* Content of message 'seq' of connection 'index': a slice of random bytes. */
static const uint8_t *content(uint32_t index, uint32_t seq) { return pat + (index * 31u + seq * 17u) % PAT_PERIOD; }

static void keep_rest(struct conn *c, const uint8_t *p, size_t n) {
    size_t have = c->out_len - c->out_off;
    if (c->out_off) {
        memmove(c->out, c->out + c->out_off, have);
        c->out_off = 0;
        c->out_len = have;
    }
    if (have + n > c->out_cap) {
        c->out_cap = have + n;
        c->out = realloc(c->out, c->out_cap);
        if (!c->out) die("realloc");
    }
    memcpy(c->out + have, p, n);
    c->out_len = have + n;
}

/* Returns 1 when nothing is left in the connection's own buffer. */
static int flush_rest(struct conn *c) {
    while (c->out_off < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EAGAIN) {
                set_events(c, 1);
                return 0;
            }
            die("send");
        }
        c->out_off += (size_t)n;
    }
    c->out_off = c->out_len = 0;
    set_events(c, 0);
    return 1;
}

static int send_bytes(struct conn *c, const uint8_t *p, size_t n) {
    ssize_t k = send(c->fd, p, n, MSG_NOSIGNAL);
    if (k < 0) {
        if (errno != EAGAIN) die("send");
        k = 0;
    }
    if ((size_t)k == n) return 1;
    keep_rest(c, p + k, n - (size_t)k);
    set_events(c, 1);
    return 0;
}

static size_t build_message(struct conn *c, uint8_t *p) {
    const uint8_t *src = content(c->index, c->sent);
    size_t o = 0, before = 0;
    if (ping_every && c->sent % ping_every == 0) { /* a ping with 4 bytes */
        uint8_t mask[4] = {9, 8, 7, 6};
        before = wire_put_header(p, WIRE_OP_PING, 4, do_listen ? NULL : mask);
        memcpy(p + before, "ping", 4);
        if (!do_listen) wire_mask(p + before, p + before, 4, mask, 0);
        before += 4;
        p += before;
        pings++;
    }
    c->stamp[c->sent % window] = now_ns();
    if (mode == M_BCAST) bc_left[c->sent % window] = nconn;
    if (raw) {
        memcpy(p, src, size);
    } else if (do_listen) {
        o = wire_put_header(p, WIRE_OP_BIN, size, NULL);
        memcpy(p + o, src, size);
    } else {
        uint8_t mask[4];
        uint32_t m = rnd();
        memcpy(mask, &m, 4);
        o = wire_put_header(p, WIRE_OP_BIN, size, mask);
        wire_mask(p + o, src, size, mask, 0);
    }
    c->sent++;
    sent_msgs++;
    return before + o + size;
}

static int may_send(const struct conn *c) {
    uint32_t inflight = mode == M_BCAST ? c->sent - bc_done : c->sent - c->rcvd;
    if (!sending || inflight >= window) return 0;
    if (!count) return 1;
    /* count mode: an equal quota for each sending connection */
    uint64_t senders = mode == M_BCAST ? 1 : total;
    return c->sent < (count + senders - 1) / senders;
}

/* Sends all that the window allows, many messages in one send() unless -k. */
static void pump(struct conn *c, int at_most) {
    if (mode == M_BCAST && c->index != 0) return;
    if (c->out_len && !flush_rest(c)) return;
    size_t one = wire_header_size(size, !do_listen) + size + (ping_every ? 10 : 0);
    while (at_most && may_send(c)) {
        size_t fill = 0;
        do {
            fill += build_message(c, scratch + fill);
            at_most--;
        } while (at_most && may_send(c) && fill + one <= scratch_cap);
        if (!send_bytes(c, scratch, fill)) return;
    }
}

/* ---- receiving ---- */
static void message_done(struct conn *c) {
    uint64_t t = now_ns();
    if (mode == M_BCAST) {
        hist_add(t - conns[0].stamp[c->rcvd % window]);
        if (--bc_left[c->rcvd % window] == 0) bc_done++; /* in order: every receiver gets them in order */
    } else {
        hist_add(t - c->stamp[c->rcvd % window]);
    }
    c->rcvd++;
    done_msgs++;
    done_bytes += size;
}

static void become_ready(struct conn *c) {
    c->state = C_READY;
    ready++;
}

/* Checks 'n' unmasked payload bytes of a data message. */
static void check_data(struct conn *c, const uint8_t *p, size_t n) {
    if (c->state == C_WAIT_ID) {
        if (c->msg_pos + n > 4) bad(c, "id message longer than 4 bytes");
        memcpy(c->small + c->msg_pos, p, n);
        c->msg_pos += n;
        return;
    }
    if (mode == M_IDLE || (mode == M_BCAST && c->index == 0)) bad(c, "unexpected data");
    uint32_t from = mode == M_BCAST ? 0 : c->index;
    uint32_t sent = mode == M_BCAST ? conns[0].sent : c->sent;
    if (c->rcvd == sent) bad(c, "more messages than were sent");
    if (c->msg_pos + n > size) bad(c, "message too long");
    if (memcmp(p, content(from, c->rcvd) + c->msg_pos, n)) bad(c, "payload differs");
    c->msg_pos += n;
}

static void frame_end(struct conn *c) {
    c->in_payload = 0;
    c->hlen = 0;
    c->hneed = 2;
    switch (c->in_op) {
    case WIRE_OP_CONT:
    case WIRE_OP_TEXT:
    case WIRE_OP_BIN:
        if (!c->fin) return;
        if (c->state == C_WAIT_ID) {
            uint32_t id;
            memcpy(&id, c->small, 4);
            if (c->msg_pos != 4 || id < 2 || id > 0x7fffffff) bad(c, "bad peer id message");
            c->msg_pos = 0;
            become_ready(c);
            return;
        }
        if (c->msg_pos != size) bad(c, "message too short");
        c->msg_pos = 0;
        message_done(c);
        return;
    case WIRE_OP_PING: {
        uint8_t f[WIRE_MAX_HDR + 128], mask[4] = {1, 2, 3, 4};
        size_t o = wire_put_header(f, WIRE_OP_PONG, c->frame_pos, do_listen ? NULL : mask);
        if (do_listen)
            memcpy(f + o, c->small, c->frame_pos);
        else
            wire_mask(f + o, c->small, c->frame_pos, mask, 0);
        o += c->frame_pos;
        if (c->out_len > c->out_off)
            keep_rest(c, f, o);
        else
            send_bytes(c, f, o);
        return;
    }
    case WIRE_OP_PONG:
        if (c->frame_pos != 4 || memcmp(c->small, "ping", 4)) bad(c, "wrong pong");
        pongs++;
        return;
    case WIRE_OP_CLOSE: bad(c, "peer closed (close frame)");
    }
}

static void header_done(struct conn *c) {
    uint8_t *h = c->hdr;
    unsigned l7 = h[1] & 127, o = 2;
    uint64_t len = l7;
    if (l7 == 126) {
        len = (uint64_t)h[2] << 8 | h[3];
        o = 4;
    } else if (l7 == 127) {
        len = 0;
        for (int i = 0; i < 8; i++) len = len << 8 | h[2 + i];
        o = 10;
    }
    if (h[0] & 0x70) bad(c, "reserved bits set");
    c->masked = h[1] >> 7;
    if (c->masked != (do_listen ? 1 : 0)) bad(c, "wrong masking");
    if (c->masked) memcpy(c->mask, h + o, 4);
    c->fin = h[0] >> 7;
    c->in_op = h[0] & 15;
    if (c->in_op > 2 && len > 125) bad(c, "control frame too long");
    c->frame_left = len;
    c->frame_pos = 0;
    c->in_payload = 1;
    if (!len) frame_end(c);
}

static void consume(struct conn *c, uint8_t *p, size_t n) {
    if (raw) {
        while (n) {
            size_t k = size - c->msg_pos < n ? size - c->msg_pos : n;
            check_data(c, p, k);
            p += k;
            n -= k;
            if (c->msg_pos == size) {
                c->msg_pos = 0;
                message_done(c);
            }
        }
        return;
    }
    while (n) {
        if (!c->in_payload) {
            c->hdr[c->hlen++] = *p++;
            n--;
            if (c->hlen == 2) {
                unsigned l7 = c->hdr[1] & 127;
                c->hneed = (uint8_t)(2 + (l7 == 126 ? 2 : l7 == 127 ? 8 : 0) + (c->hdr[1] & 128 ? 4 : 0));
            }
            if (c->hlen >= 2 && c->hlen == c->hneed) header_done(c);
            continue;
        }
        size_t k = c->frame_left < n ? (size_t)c->frame_left : n;
        if (c->masked) wire_mask(p, p, k, c->mask, (unsigned)c->frame_pos);
        if (c->in_op <= 2)
            check_data(c, p, k);
        else
            memcpy(c->small + c->frame_pos, p, k);
        c->frame_pos += k;
        c->frame_left -= k;
        p += k;
        n -= k;
        if (!c->frame_left) frame_end(c);
    }
}

/* ---- handshake ---- */
static void conn_established(struct conn *c) {
    c->hneed = 2;
    free(c->head);
    c->head = NULL;
    if (godot && do_listen) {
        uint8_t f[6];
        uint32_t id = 2 + c->index;
        wire_put_header(f, WIRE_OP_BIN, 4, NULL);
        memcpy(f + 2, &id, 4);
        send_bytes(c, f, 6);
        become_ready(c);
    } else if (godot) {
        c->state = C_WAIT_ID;
    } else {
        become_ready(c);
    }
}

static void send_request(struct conn *c) {
    char req[1024];
    uint8_t k[16];
    for (int i = 0; i < 16; i++) k[i] = (uint8_t)rnd();
    wire_b64(k, 16, c->key);
    int n = snprintf(req, sizeof req,
                     "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                     port, c->key);
    send_bytes(c, (uint8_t *)req, (size_t)n);
    c->state = C_HANDSHAKE;
}

static void handshake_bytes(struct conn *c, uint8_t *p, size_t n) {
    char acc[29];
    c->head = realloc(c->head, c->head_len + n + 1);
    memcpy(c->head + c->head_len, p, n);
    c->head_len += n;
    c->head[c->head_len] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) {
        if (c->head_len > 16384) bad(c, "handshake too long");
        return;
    }
    size_t used = (size_t)(end + 4 - c->head), rest = c->head_len - used;
    if (do_listen) {
        char rsp[512];
        const char *k = wire_header(c->head, "Sec-WebSocket-Key");
        if (!k) bad(c, "no Sec-WebSocket-Key");
        wire_accept(k, acc);
        int m = snprintf(rsp, sizeof rsp,
                         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                         acc);
        send_bytes(c, (uint8_t *)rsp, (size_t)m);
        if (rest) bad(c, "data before the handshake ended");
        conn_established(c);
        return;
    }
    wire_accept(c->key, acc);
    const char *a = wire_header(c->head, "Sec-WebSocket-Accept");
    if (strncmp(c->head, "HTTP/1.1 101", 12) || !a || strncmp(a, acc, 28)) {
        fprintf(stderr, "%s\n", c->head);
        bad(c, "handshake refused");
    }
    uint8_t *more = malloc(rest + 1);
    memcpy(more, c->head + used, rest);
    conn_established(c);
    consume(c, more, rest);
    free(more);
}

/* ---- opening ---- */
static void watch(struct conn *c, uint32_t events) {
    struct epoll_event ev = {.events = events, .data.ptr = c};
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev)) die("epoll_ctl");
    c->epollout = (events & EPOLLOUT) != 0;
}

/* A small receive buffer makes the peer's writes partial. */
static void shrink(int fd) {
    if (rcvbuf) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
}

static struct sockaddr_in address(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static void open_one(void) {
    struct sockaddr_in a = address();
    struct conn *c = &conns[opened];
    c->index = opened++;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) die("socket");
    shrink(c->fd);
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a) && errno != EINPROGRESS) die("connect");
    c->state = C_CONNECTING;
    watch(c, EPOLLIN | EPOLLOUT);
}

static void accept_some(void) {
    while (opened < total) {
        int fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) return;
        struct conn *c = &conns[opened];
        c->index = opened++;
        c->fd = fd;
        c->state = C_HANDSHAKE;
        watch(c, EPOLLIN);
        if (raw) become_ready(c);
    }
}

static void on_event(struct conn *c, uint32_t ev) {
    if (c->state == C_CONNECTING) {
        int e = 0;
        socklen_t l = sizeof e;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &l);
        if (e) {
            errno = e;
            die("connect");
        }
        if (!(ev & EPOLLOUT)) return;
        set_events(c, 0);
        if (raw)
            become_ready(c);
        else
            send_request(c);
        return;
    }
    if (ev & EPOLLOUT) {
        if (flush_rest(c) && c->state == C_READY && rate == 0) pump(c, INT32_MAX);
    }
    if (ev & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t n = recv(c->fd, rbuf, RBUF, 0);
        if (n == 0) bad(c, "peer closed the socket");
        if (n < 0) {
            if (errno == EAGAIN) return;
            die("recv");
        }
        if (c->state == C_HANDSHAKE)
            handshake_bytes(c, rbuf, (size_t)n);
        else
            consume(c, rbuf, (size_t)n);
        if (sending && rate == 0) {
            if (mode == M_BCAST)
                pump(&conns[0], INT32_MAX);
            else
                pump(c, INT32_MAX);
        }
    }
}

static int loop_once(int timeout_ms) {
    struct epoll_event ev[256];
    int n = epoll_wait(ep, ev, 256, timeout_ms);
    if (n < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < n; i++) {
        if (!ev[i].data.ptr)
            accept_some();
        else
            on_event(ev[i].data.ptr, ev[i].events);
    }
    return n;
}

static uint64_t all_done_count(void) {
    if (mode == M_BCAST) return (uint64_t)conns[0].sent * nconn;
    return sent_msgs;
}

static void usage(void) {
    fprintf(stderr, "usage: loadgen [options]\n"
                    "  -m echo|bcast|idle   mode (echo)\n"
                    "  -p PORT              on 127.0.0.1; with -l 0 takes a free one and prints it\n"
                    "  -c N                 connections; bcast: receivers (1)\n"
                    "  -w N                 window: messages in flight per sender (1)\n"
                    "  -s BYTES             payload (64)\n"
                    "  -d SEC -u SEC        measured seconds (2) after warm-up (0.3)\n"
                    "  -n COUNT             exactly COUNT messages instead\n"
                    "  -r RATE              RATE messages a second in all instead of as many as the window allows\n"
                    "  -P PID | -F FILE     process under test, or a file that will hold its number\n"
                    "  -l                   listen, and drive clients that echo\n"
                    "  -R                   plain TCP\n"
                    "  -g                   Godot's conduct: a 4-byte id first\n"
                    "  -b N                 handshakes at once while connecting (64)\n"
                    "  -B BYTES             small receive buffers: the peer's writes become partial\n"
                    "  -I N                 a ping before every Nth message; pongs are verified\n");
    exit(1);
}

/* Who started the process under test writes its number there, perhaps after it has connected. */
static pid_t read_pid_file(void) {
    int number = 0;
    for (int tries = 0; tries < 1000 && number <= 0; tries++) {
        FILE *f = fopen(pid_file, "r");
        if (f) {
            if (fscanf(f, "%d", &number) != 1) number = 0;
            fclose(f);
        }
        if (number <= 0) usleep(10000);
    }
    if (number <= 0) die(pid_file);
    return number;
}

int main(int argc, char **argv) {
    for (int o; (o = getopt(argc, argv, "m:p:c:w:s:d:u:n:r:P:F:lRgb:B:I:")) != -1;) {
        switch (o) {
        case 'm':
            mode = !strcmp(optarg, "echo")    ? M_ECHO
                   : !strcmp(optarg, "bcast") ? M_BCAST
                   : !strcmp(optarg, "idle")  ? M_IDLE
                                              : (usage(), M_ECHO);
            break;
        case 'p': port = atoi(optarg); break;
        case 'c': nconn = (uint32_t)atoi(optarg); break;
        case 'w': window = (uint32_t)atoi(optarg); break;
        case 's': size = (uint32_t)atoi(optarg); break;
        case 'd': duration = atof(optarg); break;
        case 'u': warmup = atof(optarg); break;
        case 'n': count = strtoull(optarg, NULL, 10); break;
        case 'r': rate = atof(optarg); break;
        case 'P': pid = atoi(optarg); break;
        case 'F': pid_file = optarg; break;
        case 'l': do_listen = 1; break;
        case 'R': raw = 1; break;
        case 'g': godot = 1; break;
        case 'b': burst = (uint32_t)atoi(optarg); break;
        case 'B': rcvbuf = atoi(optarg); break;
        case 'I': ping_every = (uint32_t)atoi(optarg); break;
        default: usage();
        }
    }
    if (!nconn || !window || !size || size > MAX_PAYLOAD || !burst) usage();
    signal(SIGPIPE, SIG_IGN);
    total = nconn + (mode == M_BCAST);
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);

    pat = malloc(PAT_PERIOD + MAX_PAYLOAD);
    for (size_t i = 0; i < PAT_PERIOD + size; i++) pat[i] = (uint8_t)(rnd() >> 11);
    scratch_cap = SCRATCH_MIN > size + 64 ? SCRATCH_MIN : size + 64;
    scratch = malloc(scratch_cap);
    rbuf = malloc(RBUF);
    conns = calloc(total, sizeof *conns);
    bc_left = calloc(window, sizeof *bc_left);
    for (uint32_t i = 0; i < total; i++)
        if (mode == M_ECHO || (mode == M_BCAST && i == 0)) conns[i].stamp = calloc(window, sizeof(uint64_t));

    ep = epoll_create1(0);
    struct usage u_before = read_usage(pid);
    uint64_t t_open = now_ns();
    if (do_listen) {
        struct sockaddr_in a = address();
        int one = 1;
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
        lfd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        shrink(lfd);
        if (bind(lfd, (struct sockaddr *)&a, sizeof a) || listen(lfd, 4096)) die("listen");
        socklen_t length = sizeof a;
        getsockname(lfd, (struct sockaddr *)&a, &length);
        printf("port %d\n", ntohs(a.sin_port));
        fflush(stdout);
        epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &ev);
    }
    while (ready < total) {
        while (!do_listen && opened < total && opened - ready < burst) open_one();
        loop_once(1000);
        if (now_ns() - t_open > 120u * 1000000000ull) {
            fprintf(stderr, "loadgen: only %u of %u connections ready after 120 s\n", ready, total);
            exit(3);
        }
    }
    double open_s = (double)(now_ns() - t_open) / 1e9;
    if (pid_file) pid = read_pid_file();
    struct usage u_open = read_usage(pid);
    double accept_us = (u_open.cpu_us - u_before.cpu_us) / total;

    if (mode == M_IDLE) {
        uint64_t end = now_ns() + (uint64_t)(duration * 1e9);
        while (now_ns() < end) loop_once(10);
        struct usage u = read_usage(pid);
        printf("mode=idle conns=%u open_s=%.3f accepts_per_s=%.0f cpu_us_per_accept=%.1f "
               "rss_before_kb=%ld rss_after_kb=%ld rss_per_conn_b=%.0f idle_cpu_pct=%.2f\n",
               total, open_s, total / open_s, accept_us, u_before.rss_kb, u.rss_kb,
               (double)(u.rss_kb - u_before.rss_kb) * 1024 / total, (u.cpu_us - u_open.cpu_us) / (duration * 1e4));
        return 0;
    }

    /* ---- run: warm-up, measure, drain ---- */
    if (count) warmup = 0;
    uint64_t t_start = now_ns(), t_warm = t_start + (uint64_t)(warmup * 1e9), t_m0 = 0, t_m1 = 0;
    uint64_t t_end = t_warm + (uint64_t)(duration * 1e9), msgs0 = 0, bytes0 = 0, msgs1 = 0, bytes1 = 0;
    struct usage u0 = {0}, u1 = {0};
    struct timespec c0 = {0}, c1 = {0};
    uint64_t paced = 0;
    uint32_t turn = 0;
    sending = 1;
    if (rate == 0)
        for (uint32_t i = 0; i < total; i++) pump(&conns[i], INT32_MAX);
    for (;;) {
        uint64_t t = now_ns();
        if (!t_m0 && t >= t_warm) { /* the measured part begins */
            memset(hist, 0, sizeof hist);
            hist_n = 0;
            hist_sum = hist_max = 0;
            u0 = read_usage(pid);
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &c0);
            t_m0 = count ? t_start : now_ns();
            msgs0 = count ? 0 : done_msgs;
            bytes0 = count ? 0 : done_bytes;
        }
        int finished = count ? (sent_msgs >= count && done_msgs >= all_done_count()) : t >= t_end;
        if (finished) {
            t_m1 = now_ns();
            msgs1 = done_msgs;
            bytes1 = done_bytes;
            u1 = read_usage(pid);
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &c1);
            break;
        }
        int timeout = 5;
        if (rate > 0) {
            uint64_t due = (uint64_t)((double)(t - t_start) / 1e9 * rate);
            while (paced < due) {
                struct conn *c = &conns[mode == M_BCAST ? 0 : turn];
                turn = (turn + 1) % total;
                paced++;
                if (may_send(c))
                    pump(c, 1);
                else
                    stalls++;
            }
            timeout = 1;
        }
        loop_once(timeout);
        if (t - t_start > 600u * 1000000000ull) bad(NULL, "gave up after 600 s");
    }
    sending = 0;
    uint64_t t_drain = now_ns();
    while (done_msgs < all_done_count()) {
        loop_once(50);
        for (uint32_t i = 0; i < total; i++)
            if (conns[i].out_len) flush_rest(&conns[i]);
        if (now_ns() - t_drain > 60u * 1000000000ull) {
            fprintf(stderr, "loadgen: %" PRIu64 " messages never came back\n", all_done_count() - done_msgs);
            exit(2);
        }
    }

    double secs = (double)(t_m1 - t_m0) / 1e9, n = (double)(msgs1 - msgs0);
    double self_us = (double)(c1.tv_sec - c0.tv_sec) * 1e6 + (double)(c1.tv_nsec - c0.tv_nsec) / 1e3;
    double cpu = u1.cpu_us - u0.cpu_us, ut = u1.user_us - u0.user_us, st = u1.sys_us - u0.sys_us;
    printf("mode=%s conns=%u window=%u size=%u secs=%.2f msgs=%.0f msgs_per_s=%.0f "
           "mb_per_s=%.1f p50_us=%.1f p90_us=%.1f p99_us=%.1f p999_us=%.1f max_us=%.0f mean_us=%.1f",
           mode == M_BCAST ? "bcast" : "echo", nconn, window, size, secs, n, n / secs,
           (double)(bytes1 - bytes0) / secs / 1e6, hist_pct(.5) / 1e3, hist_pct(.9) / 1e3, hist_pct(.99) / 1e3,
           hist_pct(.999) / 1e3, hist_max / 1e3, hist_n ? hist_sum / (double)hist_n / 1e3 : 0);
    if (pid)
        printf(" srv_cpu_us_per_msg=%.3f srv_cpu_pct=%.0f srv_user_share=%.2f srv_rss_kb=%ld "
               "cpu_us_per_accept=%.1f",
               n > 0 ? cpu / n : 0, cpu / secs / 1e4, ut + st > 0 ? ut / (ut + st) : 0, u1.rss_kb, accept_us);
    if (rate > 0) printf(" rate=%.0f stalls=%" PRIu64, rate, stalls);
    if (ping_every) printf(" pings=%" PRIu64 " pongs=%" PRIu64, pings, pongs);
    printf(" gen_cpu_us_per_msg=%.3f open_s=%.3f verified=ok\n", n > 0 ? self_us / n : 0, open_s);
    return 0;
}
