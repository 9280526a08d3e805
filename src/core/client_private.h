/* What client_link.c and client_plain.c share: the first connects, keeps the time and speaks TLS, the second has the
 * socket of a connection without TLS. Nobody else includes this. */
#ifndef WSM_CLIENT_PRIVATE_H
#define WSM_CLIENT_PRIVATE_H

#include <sys/types.h>

#include "client_link.h"
#include "lws.h"
#include "lws_context.h"
#include "resolver.h"
#include "send_queue.h"
#include "url.h"

/* A turn reads no more often and no longer than this. */
enum { WSM_CLIENT_ROUNDS_MAX = 256, WSM_CLIENT_BUDGET_MS = 4 };

/* A context and what it is made from. A thread may free it. */
typedef struct client_context {
    wsm_client *client; /* NULL until it is taken over */
    struct lws_context *context;
    struct lws_vhost *vhost;
    bool tls, own_authorities;
    char *trusted_chain; /* a copy: the program's options may be gone when the thread comes to it */
    wsm_pem_file authorities;
} client_context;

struct wsm_client {
    wsm_connection *connection;
    wsm_random random;
    wsm_url url;
    char *protocols; /* "a,b" for libwebsockets to check the answer against; NULL: none */
    pid_t process;

    wsm_lookup *lookup; /* while the name is looked up */
    wsm_addresses addresses;
    size_t next_address;
    int64_t give_up_ms, attempt_until_ms;

    client_context *lws; /* NULL while it is being made */
    wsm_watch *watch;    /* its owner's */
    int tls_flags;       /* LCCSCF_* */
    char *verified_name; /* instead of the URL's host; NULL: that */
    bool attempting, tcp_connected, request_sent, failed;
    bool reading_stopped;
    int64_t closing_since_ms;
    int64_t heartbeat_ms; /* when to look at the heartbeat; 0: never */
    unsigned progress;    /* counts callbacks that show that a service call did something */

    /* without TLS */
    char key[32];     /* of the request */
    wsm_bytes answer; /* to it, as far as it has come */
    wsm_chunk_pool chunks;
    int http_status;
    char error[160]; /* why the attempt failed */
};

extern const wsm_link_ops wsm_client_plain_ops;

/* Starts to connect to a numeric address; `failed` if that is impossible. */
void wsm_client_plain_connect(wsm_client *client, const char *address);
/* A turn: goes on connecting, reads, and lets libwebsockets write what it kept. */
void wsm_client_plain_pump(wsm_client *client);
/* Bytes that came. */
void wsm_client_plain_take(wsm_client *client, unsigned char *data, size_t size);
/* Closes the socket, whoever has it. Also with TLS. */
void wsm_client_close_socket(wsm_client *client);
/* The connection asks to be looked at in the next turn. */
void wsm_client_changed(wsm_connection *connection);

#endif
