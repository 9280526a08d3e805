/* Random bytes from the system's generator, buffered: one system call serves many small requests. */
#ifndef WSM_RANDOM_H
#define WSM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One stream of random bytes; zero-initialised is ready. Not for use on both sides of a fork. */
typedef struct wsm_random {
    unsigned char pool[256];
    size_t left;
} wsm_random;

/* False if the system's generator failed; `out` must not be used then. */
bool wsm_random_bytes(wsm_random *random, void *out, size_t size);
/* An id for a client, 2..2147483647 (MultiplayerPeer.generate_unique_id); 0 if the generator failed. */
int32_t wsm_random_peer_id(wsm_random *random);

#endif
