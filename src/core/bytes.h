/* A growable run of bytes. Zero-initialised is empty and owns nothing. */
#ifndef WSM_BYTES_H
#define WSM_BYTES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct wsm_bytes {
    unsigned char *data;
    size_t size;
    size_t capacity;
} wsm_bytes;

/* Makes room for `extra` bytes behind the content; false without memory, content unchanged. */
bool wsm_bytes_reserve(wsm_bytes *bytes, size_t extra);
bool wsm_bytes_append(wsm_bytes *bytes, const void *data, size_t size);
bool wsm_bytes_append_text(wsm_bytes *bytes, const char *text);
void wsm_bytes_drop_front(wsm_bytes *bytes, size_t size);
/* Gives the memory back; the run is empty and usable again. */
void wsm_bytes_release(wsm_bytes *bytes);

#endif
