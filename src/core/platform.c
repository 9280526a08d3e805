#include "platform.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#if defined(_WIN32)

#include <windows.h>

void wsm_platform_start(void) {
    WSADATA data;
    static bool started;
    if (!started) started = WSAStartup(MAKEWORD(2, 2), &data) == 0;
}

int wsm_socket_error(void) { return WSAGetLastError(); }

wsm_socket_problem wsm_socket_problem_of(int error) {
    switch (error) {
    case WSAEWOULDBLOCK: return WSM_SOCKET_WOULD_BLOCK;
    case WSAEMFILE:
    case WSAENOBUFS: return WSM_SOCKET_EXHAUSTED;
    case WSAEADDRNOTAVAIL: return WSM_SOCKET_NO_ADDRESS;
    case WSAEINVAL:
    case WSAENOTSOCK: return WSM_SOCKET_NOT_SERVING;
    default: return WSM_SOCKET_OTHER;
    }
}

const char *wsm_socket_text(int error) {
    static _Thread_local char text[160];
    DWORD size = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, (DWORD)error, 0, text,
                                sizeof text, NULL);
    while (size && strchr(" .\r\n", text[size - 1])) text[--size] = '\0';
    if (!size) snprintf(text, sizeof text, "error %d of Windows' sockets", error);
    return text;
}

void wsm_socket_prepare(int fd) {
    u_long on = 1;
    ioctlsocket((SOCKET)fd, (long)FIONBIO, &on);
    SetHandleInformation((HANDLE)(intptr_t)fd, HANDLE_FLAG_INHERIT, 0);
}

void wsm_socket_close(int fd) { closesocket((SOCKET)fd); }

/* WSAPoll fails where poll() skips or just waits: negative descriptors, and none at all. */
int wsm_poll(struct pollfd *polled, size_t count, int timeout_ms) {
    size_t some = 0;
    for (size_t i = 0; i < count; i++) {
        polled[i].revents = 0;
        if (polled[i].fd != INVALID_SOCKET) some++;
    }
    if (some) return WSAPoll(polled, (ULONG)count, timeout_ms);
    Sleep(timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms);
    return 0;
}

/* There are no pipes that can be polled: a connection within the machine. */
bool wsm_signal_open(int ends[2]) {
    struct sockaddr_in address = {.sin_family = AF_INET}, from;
    int size = sizeof address;
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0), reader = socket(AF_INET, SOCK_STREAM, 0),
           writer = INVALID_SOCKET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool ok = listener != INVALID_SOCKET && reader != INVALID_SOCKET &&
              bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0 &&
              getsockname(listener, (struct sockaddr *)&address, &size) == 0 &&
              connect(reader, (struct sockaddr *)&address, sizeof address) == 0;
    if (ok) writer = accept(listener, NULL, NULL);
    /* Another program may have been faster. */
    size = sizeof from;
    ok = ok && writer != INVALID_SOCKET && getsockname(reader, (struct sockaddr *)&address, &size) == 0 &&
         getpeername(writer, (struct sockaddr *)&from, &size) == 0 && from.sin_port == address.sin_port;
    if (listener != INVALID_SOCKET) closesocket(listener);
    if (!ok) {
        if (reader != INVALID_SOCKET) closesocket(reader);
        if (writer != INVALID_SOCKET) closesocket(writer);
        return false;
    }
    ends[0] = (int)reader;
    ends[1] = (int)writer;
    wsm_socket_prepare(ends[0]);
    wsm_socket_prepare(ends[1]);
    return true;
}

#else

#include <fcntl.h>

void wsm_platform_start(void) {}

int wsm_socket_error(void) { return errno; }

wsm_socket_problem wsm_socket_problem_of(int error) {
    if (error == EAGAIN || error == EWOULDBLOCK) return WSM_SOCKET_WOULD_BLOCK;
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) return WSM_SOCKET_EXHAUSTED;
    if (error == EADDRNOTAVAIL) return WSM_SOCKET_NO_ADDRESS;
    if (error == EBADF || error == EINVAL || error == ENOTSOCK) return WSM_SOCKET_NOT_SERVING;
    return WSM_SOCKET_OTHER;
}

/* NOLINTNEXTLINE(concurrency-mt-unsafe): a constant text, for every error that there is */
const char *wsm_socket_text(int error) { return strerror(error); }

void wsm_socket_prepare(int fd) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void wsm_socket_close(int fd) { close(fd); }

int wsm_poll(struct pollfd *polled, size_t count, int timeout_ms) { return poll(polled, (nfds_t)count, timeout_ms); }

bool wsm_signal_open(int ends[2]) {
    if (pipe(ends) != 0) return false;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return true;
}

#endif
