/* Host names to addresses without blocking: one thread per look-up, because getaddrinfo has no other way and
 * libwebsockets would call it in the middle of poll(). */
#ifndef WSM_RESOLVER_H
#define WSM_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum { WSM_LOOKUP_MAX = 16, WSM_LOOKUP_TEXT_SIZE = 64 };

/* Numeric addresses in the order in which they should be tried. */
typedef struct wsm_addresses {
    size_t count;
    char text[WSM_LOOKUP_MAX][WSM_LOOKUP_TEXT_SIZE];
} wsm_addresses;

typedef struct wsm_lookup wsm_lookup;

/* Whether the host is an address already (then it is the only one in `addresses`). Never blocks. */
bool wsm_resolve_literal(const char *host, wsm_addresses *addresses);

/* Slow work with TLS that the thread does besides; `discard` gets rid of it if nobody takes it. */
typedef struct wsm_background {
    void (*run)(void *work);
    void (*discard)(void *work);
    void *work;
} wsm_background;

/* Starts a look-up; a NULL host needs none. FAILED if no thread can be had; the work is then still the caller's. */
wsm_error wsm_lookup_start(wsm_lookup **lookup, const char *host, const wsm_background *background, wsm_reason *reason);
/* A descriptor that becomes readable when the look-up is done. */
int wsm_lookup_fd(const wsm_lookup *lookup);
bool wsm_lookup_done(wsm_lookup *lookup);
/* The result of a look-up that is done (for a NULL host `addresses` stays as it is): OK, or FAILED with the resolver's
 * text. */
wsm_error wsm_lookup_result(wsm_lookup *lookup, wsm_addresses *addresses, wsm_reason *reason);
/* The work of a look-up that is done, which is the caller's from now on. */
void *wsm_lookup_take_work(wsm_lookup *lookup);
/* Gives the look-up up at any moment, done or not, without waiting for its thread. */
void wsm_lookup_drop(wsm_lookup *lookup);

#endif
