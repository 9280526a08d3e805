/* Incremental check of UTF-8 (RFC 3629, required by RFC 6455 section 8.1). */
#ifndef WSM_UTF8_H
#define WSM_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is the start of a text. */
typedef struct wsm_utf8 {
    unsigned char pending;   /* continuation bytes still due */
    unsigned char low, high; /* allowed range of the next one */
} wsm_utf8;

/* False at the first byte that cannot belong to valid text. */
bool wsm_utf8_feed(wsm_utf8 *utf8, const unsigned char *text, size_t size);
/* Whether the text fed so far does not end inside a character. */
static inline bool wsm_utf8_complete(const wsm_utf8 *utf8) { return utf8->pending == 0; }

bool wsm_utf8_valid(const void *text, size_t size);
/* The longest length <= limit that does not cut a character of valid text. */
size_t wsm_utf8_cut(const char *text, size_t size, size_t limit);

#endif
