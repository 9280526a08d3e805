/* Allocation for the whole core, so that tests can make every allocation fail in turn. */
#ifndef WSM_MEMORY_H
#define WSM_MEMORY_H

#include <stddef.h>

/* All return NULL when there is no memory; wsm_free(NULL) does nothing. */
void *wsm_alloc(size_t size);
void *wsm_alloc_zero(size_t size);
void *wsm_realloc(void *block, size_t size);
void wsm_free(void *block);
char *wsm_strndup(const char *text, size_t length);

/* Replaces realloc for all later allocations (size 0 frees); NULL restores it. Called from several threads. For tests
 * only. */
void wsm_set_allocator(void *(*reallocate)(void *block, size_t size));

#endif
