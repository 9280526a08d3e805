#include "plain.h"

#include <errno.h>
#include <stdio.h>
#if !defined(_WIN32)
#include <sys/uio.h>
#endif

#include "lws_context.h"
#include "platform.h"

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0
#endif

bool wsm_plain_write(wsm_connection *connection, unsigned char *data, size_t size) {
    ssize_t sent = send(connection->link.fd, (const char *)data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == (ssize_t)size) return true;
    size_t taken = sent > 0 ? (size_t)sent : 0;
    return wsm_lws_write(connection, data + taken, size - taken);
}

#if !defined(_WIN32)
int wsm_plain_write_parts(wsm_connection *connection, const unsigned char *head, size_t head_size,
                          const unsigned char *data, size_t size) {
    /* The interfaces have no const, but do not write. */
    unsigned char *first = (unsigned char *)(uintptr_t)head, *second = (unsigned char *)(uintptr_t)data;
    struct iovec parts[2] = {{first, head_size}, {second, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    struct lws *wsi = connection->link.wsi;
    ssize_t sent = sendmsg(connection->link.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return 0;
    size_t taken = (size_t)sent, of_data = taken > head_size ? taken - head_size : 0;
    if (taken == head_size + size) return 1;
    if (taken < head_size && lws_write(wsi, first + taken, head_size - taken, LWS_WRITE_RAW) < 0) return -1;
    return lws_write(wsi, second + of_data, size - of_data, LWS_WRITE_RAW) < 0 ? -1 : 1;
}
#endif

wsm_plain_status wsm_plain_read(wsm_connection *connection, unsigned char *data, size_t *size) {
    ssize_t result = recv(connection->link.fd, (char *)data, *size, MSG_DONTWAIT);
    *size = result > 0 ? (size_t)result : 0;
    if (result > 0) return WSM_PLAIN_DATA;
    int problem = result < 0 ? wsm_socket_error() : 0;
    bool later = problem && (problem == EINTR || wsm_socket_problem_of(problem) == WSM_SOCKET_WOULD_BLOCK);
    return later ? WSM_PLAIN_NOTHING : WSM_PLAIN_ENDED;
}

int wsm_plain_connect(const char *address, uint16_t port, int *fd) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *found;
    char service[8];
    int on = 1, problem = 0;
    *fd = -1;
    snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(address, service, &hints, &found) != 0) return EADDRNOTAVAIL;
    int opened = (int)socket(found->ai_family, SOCK_STREAM, 0);
    if (opened < 0) {
        problem = wsm_socket_error();
    } else {
        wsm_socket_prepare(opened);
        setsockopt(opened, IPPROTO_TCP, TCP_NODELAY, (const void *)&on, sizeof on);
        if (connect(opened, found->ai_addr, (socklen_t)found->ai_addrlen) < 0) problem = wsm_socket_error();
        /* It goes on by itself. */
        if (problem == EINPROGRESS || problem == EINTR || wsm_socket_problem_of(problem) == WSM_SOCKET_WOULD_BLOCK)
            problem = 0;
    }
    freeaddrinfo(found);
    if (problem && opened >= 0) wsm_socket_close(opened);
    if (!problem) *fd = opened;
    return problem;
}

bool wsm_plain_hung_up(int fd) {
    struct pollfd polled = wsm_polled(fd, 0);
    return wsm_poll(&polled, 1, 0) > 0 && (polled.revents & (POLLHUP | POLLERR));
}

int wsm_plain_connected(int fd) {
    struct pollfd polled = wsm_polled(fd, POLLOUT);
    int problem = 0;
    socklen_t size = sizeof problem;
    if (wsm_poll(&polled, 1, 0) <= 0) return EINPROGRESS;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, (void *)&problem, &size) < 0 ? wsm_socket_error() : problem;
}
