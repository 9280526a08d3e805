#include "bytes.h"

#include <stdint.h>
#include <string.h>

#include "memory.h"

bool wsm_bytes_reserve(wsm_bytes *bytes, size_t extra) {
    if (extra <= bytes->capacity - bytes->size) return true;
    if (extra > SIZE_MAX / 2 - bytes->size) return false;
    size_t needed = bytes->size + extra;
    size_t capacity = bytes->capacity < 64 ? 64 : bytes->capacity;
    while (capacity < needed) capacity *= 2;
    unsigned char *data = wsm_realloc(bytes->data, capacity);
    if (!data) return false;
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

bool wsm_bytes_append(wsm_bytes *bytes, const void *data, size_t size) {
    if (!size) return true;
    if (!wsm_bytes_reserve(bytes, size)) return false;
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return true;
}

bool wsm_bytes_append_text(wsm_bytes *bytes, const char *text) { return wsm_bytes_append(bytes, text, strlen(text)); }

void wsm_bytes_drop_front(wsm_bytes *bytes, size_t size) {
    bytes->size -= size;
    if (bytes->size) memmove(bytes->data, bytes->data + size, bytes->size);
}

void wsm_bytes_release(wsm_bytes *bytes) {
    wsm_free(bytes->data);
    *bytes = (wsm_bytes){0};
}
