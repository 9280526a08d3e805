#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The system cuts it to its own limit; Godot's backlog of 8 loses players who join together. */
enum { BACKLOG = 4096 };

typedef union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
} any_address;

static void prepare(int fd) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static int open_socket(int family) {
    int fd = socket(family, SOCK_STREAM, 0), on = 1;
    if (fd < 0) return -1;
    prepare(fd);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return fd;
}

static socklen_t address_size(const any_address *address) {
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

/* Returns 0, or the errno of bind or listen. */
static int bind_and_listen(int fd, const any_address *address, bool *bound) {
    int only = 0;
    if (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr))
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    *bound = bind(fd, &address->any, address_size(address)) == 0;
    return *bound && listen(fd, BACKLOG) == 0 ? 0 : errno;
}

wsm_error wsm_listener_open(const char *address, uint16_t *port, int *fd, wsm_reason *reason) {
    any_address to = {0};
    bool any = strcmp(address, "*") == 0, bound = false;
    if (any || inet_pton(AF_INET6, address, &to.v6.sin6_addr) == 1) {
        to.v6.sin6_family = AF_INET6;
        to.v6.sin6_port = htons(*port);
    } else if (inet_pton(AF_INET, address, &to.v4.sin_addr) == 1) {
        to.v4.sin_family = AF_INET;
        to.v4.sin_port = htons(*port);
    } else {
        return wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "bind address \"%s\" is neither \"*\" nor an IP address",
                        address);
    }
    int problem = 0;
    *fd = open_socket(to.any.sa_family);
    if (*fd >= 0) problem = bind_and_listen(*fd, &to, &bound);
    if (any && (*fd < 0 || problem == EADDRNOTAVAIL)) { /* a system without IPv6 */
        if (*fd >= 0) close(*fd);
        to = (any_address){.v4 = {.sin_family = AF_INET, .sin_port = htons(*port)}};
        *fd = open_socket(AF_INET);
        if (*fd >= 0) problem = bind_and_listen(*fd, &to, &bound);
    }
    if (*fd < 0) return wsm_fail(reason, WSM_ERR_CANT_CREATE, "no socket: %s", strerror(errno));
    if (problem) {
        close(*fd);
        *fd = -1;
        return wsm_fail(reason, bound ? WSM_FAILED : WSM_ERR_ALREADY_IN_USE, "cannot listen on %s port %u: %s", address,
                        (unsigned)*port, strerror(problem));
    }
    socklen_t size = sizeof to;
    if (getsockname(*fd, &to.any, &size) == 0)
        *port = ntohs(to.any.sa_family == AF_INET6 ? to.v6.sin6_port : to.v4.sin_port);
    return WSM_OK;
}

static wsm_address remote_address(const any_address *from) {
    wsm_address remote = {0};
    if (from->any.sa_family == AF_INET) {
        remote.size = 4;
        memcpy(remote.bytes, &from->v4.sin_addr, 4);
        remote.port = ntohs(from->v4.sin_port);
    } else if (from->any.sa_family == AF_INET6) {
        /* An IPv4 client of a socket for both is shown as what it is. */
        bool mapped = IN6_IS_ADDR_V4MAPPED(&from->v6.sin6_addr);
        remote.size = mapped ? 4 : 16;
        memcpy(remote.bytes, from->v6.sin6_addr.s6_addr + (mapped ? 12 : 0), remote.size);
        remote.port = ntohs(from->v6.sin6_port);
    }
    return remote;
}

wsm_accepted wsm_listener_accept(int listener, int *fd, wsm_address *remote) {
    for (;;) {
        any_address from = {0};
        socklen_t size = sizeof from;
        int on = 1;
#if defined(__linux__)
        *fd = accept4(listener, &from.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
        *fd = accept(listener, &from.any, &size);
        if (*fd >= 0) prepare(*fd);
#endif
        if (*fd >= 0) {
            setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            *remote = remote_address(&from);
            return WSM_ACCEPTED;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) return WSM_ACCEPT_NONE;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return WSM_ACCEPT_EXHAUSTED;
        /* Anything else concerns only the one connection, which is gone. */
        if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) return WSM_ACCEPT_NONE;
    }
}
