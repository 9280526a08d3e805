/* raw_echo echo|bcast - plain TCP over epoll, the floor: one recv and one send per wake-up, no framing. echo sends back
 * what it reads, bcast sends it to all others. Prints its port. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct conn {
    int fd, slot, want_out;
    char *out; /* unsent bytes */
    size_t off, len, cap;
};

static int ep;
static struct conn **all;
static int nall, capall;

static void events(struct conn *c, int out) {
    if (c->want_out == out) return;
    struct epoll_event ev = {.events = EPOLLIN | (out ? EPOLLOUT : 0u), .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
    c->want_out = out;
}

static void put(struct conn *c, const char *p, size_t n) {
    if (c->off == c->len) {
        ssize_t k = send(c->fd, p, n, MSG_NOSIGNAL);
        if (k < 0) k = 0;
        if ((size_t)k == n) return;
        p += k;
        n -= (size_t)k;
    }
    if (c->off) {
        memmove(c->out, c->out + c->off, c->len - c->off);
        c->len -= c->off;
        c->off = 0;
    }
    if (c->len + n > c->cap) c->out = realloc(c->out, c->cap = (c->len + n) * 2);
    memcpy(c->out + c->len, p, n);
    c->len += n;
    events(c, 1);
}

static void drop(struct conn *c) {
    all[c->slot] = all[--nall];
    all[c->slot]->slot = c->slot;
    close(c->fd);
    free(c->out);
    free(c);
}

int main(int argc, char **argv) {
    static char buf[256 << 10];
    int bcast = argc > 1 && !strcmp(argv[1], "bcast"), one = 1;
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t length = sizeof a;
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    signal(SIGPIPE, SIG_IGN);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(l, (struct sockaddr *)&a, sizeof a) || listen(l, 4096)) {
        perror("raw_echo");
        return 1;
    }
    getsockname(l, (struct sockaddr *)&a, &length);
    printf("port %d\n", ntohs(a.sin_port));
    fflush(stdout);
    ep = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL}, evs[256];
    epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev);
    for (;;) {
        int n = epoll_wait(ep, evs, 256, -1);
        for (int i = 0; i < n; i++) {
            struct conn *c = evs[i].data.ptr;
            if (!c) {
                for (int fd; (fd = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    c = calloc(1, sizeof *c);
                    c->fd = fd;
                    if (nall == capall) all = realloc(all, sizeof *all * (size_t)(capall = capall * 2 + 64));
                    c->slot = nall;
                    all[nall++] = c;
                    ev.data.ptr = c;
                    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
                }
                continue;
            }
            if ((evs[i].events & EPOLLOUT) && c->off < c->len) {
                ssize_t k = send(c->fd, c->out + c->off, c->len - c->off, MSG_NOSIGNAL);
                if (k > 0) c->off += (size_t)k;
                if (c->off == c->len) {
                    c->off = c->len = 0;
                    events(c, 0);
                }
            }
            if (evs[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                ssize_t k = recv(c->fd, buf, sizeof buf, 0);
                if (k == 0 || (k < 0 && errno != EAGAIN)) {
                    drop(c);
                    continue;
                }
                if (k > 0 && !bcast) put(c, buf, (size_t)k);
                for (int j = 0; k > 0 && bcast && j < nall; j++)
                    if (all[j] != c) put(all[j], buf, (size_t)k);
            }
        }
    }
}
