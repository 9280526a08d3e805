#include "listener.h"

#include <string.h>

#include "platform.h"

/* The system cuts it to its own limit; Godot's backlog of 8 loses players who join together. */
enum { BACKLOG = 4096 };

typedef union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
} any_address;

#if defined(_WIN32)
/* SO_REUSEADDR would let others take the port over there, and is not needed after a restart. */
enum { ADDRESS_OPTION = SO_EXCLUSIVEADDRUSE };
#else
enum { ADDRESS_OPTION = SO_REUSEADDR };
#endif

/* Numbers as they are, or as pointers to char. */
static void set_option(int fd, int level, int option, int value) {
    setsockopt(fd, level, option, (const void *)&value, sizeof value);
}

static int open_socket(int family) {
    int fd = (int)socket(family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    wsm_socket_prepare(fd);
    set_option(fd, SOL_SOCKET, ADDRESS_OPTION, 1);
    return fd;
}

static socklen_t address_size(const any_address *address) {
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

/* Returns 0, or the error of bind or listen. */
static int bind_and_listen(int fd, const any_address *address, bool *bound) {
    if (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr))
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    *bound = bind(fd, &address->any, address_size(address)) == 0;
    return *bound && listen(fd, BACKLOG) == 0 ? 0 : wsm_socket_error();
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
    if (any &&
        (*fd < 0 || (problem && wsm_socket_problem_of(problem) == WSM_SOCKET_NO_ADDRESS))) { /* a system without IPv6 */
        if (*fd >= 0) wsm_socket_close(*fd);
        to = (any_address){.v4 = {.sin_family = AF_INET, .sin_port = htons(*port)}};
        *fd = open_socket(AF_INET);
        if (*fd >= 0) problem = bind_and_listen(*fd, &to, &bound);
    }
    if (*fd < 0) return wsm_fail(reason, WSM_ERR_CANT_CREATE, "no socket: %s", wsm_socket_text(wsm_socket_error()));
    if (problem) {
        wsm_socket_close(*fd);
        *fd = -1;
        return wsm_fail(reason, bound ? WSM_FAILED : WSM_ERR_ALREADY_IN_USE, "cannot listen on %s port %u: %s", address,
                        (unsigned)*port, wsm_socket_text(problem));
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
    enum { GONE_IN_A_ROW = 1024 };
    for (int tries = 0; tries < GONE_IN_A_ROW; tries++) {
        any_address from = {0};
        socklen_t size = sizeof from;
#if defined(__linux__)
        *fd = accept4(listener, &from.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
        *fd = (int)accept(listener, &from.any, &size);
        if (*fd >= 0) wsm_socket_prepare(*fd);
#endif
        if (*fd >= 0) {
            set_option(*fd, IPPROTO_TCP, TCP_NODELAY, 1);
            *remote = remote_address(&from);
            return WSM_ACCEPTED;
        }
        switch (wsm_socket_problem_of(wsm_socket_error())) {
        case WSM_SOCKET_WOULD_BLOCK:
        case WSM_SOCKET_NOT_SERVING: return WSM_ACCEPT_NONE;
        case WSM_SOCKET_EXHAUSTED: return WSM_ACCEPT_EXHAUSTED;
        default: break; /* concerns only the one connection, which is gone */
        }
    }
    return WSM_ACCEPT_EXHAUSTED; /* or the system forbids it */
}
