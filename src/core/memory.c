#include "memory.h"

#include <stdlib.h>
#include <string.h>

static void *(*custom)(void *block, size_t size);

void wsm_set_allocator(void *(*reallocate)(void *block, size_t size)) { custom = reallocate; }

void *wsm_realloc(void *block, size_t size) { return custom ? custom(block, size) : realloc(block, size); }

void *wsm_alloc(size_t size) { return custom ? custom(NULL, size) : malloc(size); }

void *wsm_alloc_zero(size_t size) {
    if (!custom) return calloc(1, size);
    void *block = custom(NULL, size);
    if (block) memset(block, 0, size);
    return block;
}

void wsm_free(void *block) {
    if (!block) return;
    if (custom)
        custom(block, 0);
    else
        free(block);
}

char *wsm_strndup(const char *text, size_t length) {
    char *copy = wsm_alloc(length + 1);
    if (!copy) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}
