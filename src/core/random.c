#if defined(_WIN32)
#define _CRT_RAND_S
#endif
#include "random.h"

#include <stdlib.h>
#include <string.h>
#if !defined(_WIN32)
#include <unistd.h>
#endif
#if defined(__APPLE__)
#include <sys/random.h>
#endif

/* At most 256 bytes, the limit of getentropy(). */
static bool from_system(void *out, size_t size) {
#if defined(_WIN32)
    unsigned char *bytes = out;
    for (size_t i = 0; i < size; i += sizeof(unsigned)) {
        unsigned value;
        if (rand_s(&value)) return false;
        memcpy(bytes + i, &value, size - i < sizeof value ? size - i : sizeof value);
    }
    return true;
#else
    return getentropy(out, size) == 0;
#endif
}

bool wsm_random_bytes(wsm_random *random, void *out, size_t size) {
    unsigned char *to = out;
    while (size) {
        if (!random->left) {
            if (!from_system(random->pool, sizeof random->pool)) return false;
            random->left = sizeof random->pool;
        }
        size_t part = size < random->left ? size : random->left;
        random->left -= part;
        memcpy(to, random->pool + random->left, part);
        /* What was handed out must not stay readable in memory. */
        memset(random->pool + random->left, 0, part);
        to += part;
        size -= part;
    }
    return true;
}

int32_t wsm_random_peer_id(wsm_random *random) {
    uint32_t value;
    do {
        if (!wsm_random_bytes(random, &value, sizeof value)) return 0;
        value &= 0x7fffffff;
    } while (value < 2);
    return (int32_t)value;
}
