/* Sockets under one set of names for POSIX and Windows. A socket is an int on both: Windows' handles have 32
 * significant bits. Errors of sockets are errno on the one and WSAGetLastError() on the other, which strerror() does
 * not know. */
#ifndef WSM_PLATFORM_H
#define WSM_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#endif
#include <unistd.h>

#if defined(_WIN32)
#define MSG_DONTWAIT 0 /* all of them are non-blocking */
#if !defined(SHUT_WR)
#define SHUT_WR SD_SEND
#endif
#endif

typedef enum wsm_socket_problem {
    WSM_SOCKET_WOULD_BLOCK,
    WSM_SOCKET_EXHAUSTED,   /* out of descriptors or memory */
    WSM_SOCKET_NO_ADDRESS,  /* this system does not have it */
    WSM_SOCKET_NOT_SERVING, /* not a socket that can do this */
    WSM_SOCKET_OTHER,
} wsm_socket_problem;

/* Before anything else here; more than once does no harm. */
void wsm_platform_start(void);

/* Of the last call that failed, in this thread. */
int wsm_socket_error(void);
wsm_socket_problem wsm_socket_problem_of(int error);
const char *wsm_socket_text(int error);

/* Never blocks, and is not inherited by programs that are started. */
void wsm_socket_prepare(int fd);
void wsm_socket_close(int fd);
static inline struct pollfd wsm_polled(int fd, int events) {
    struct pollfd polled = {.events = (short)events};
#if defined(_WIN32)
    polled.fd = (SOCKET)fd; /* -1 becomes INVALID_SOCKET */
#else
    polled.fd = fd;
#endif
    return polled;
}
/* poll(); the negative descriptors among them are left out. */
int wsm_poll(struct pollfd *polled, size_t count, int timeout_ms);

/* Two ends: when [1] is closed, [0] becomes readable. False if there are none left. */
bool wsm_signal_open(int ends[2]);

#endif
