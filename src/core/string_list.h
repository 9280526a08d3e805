/* An immutable, shared list of texts: sub-protocols and header lines, which many connections use. */
#ifndef WSM_STRING_LIST_H
#define WSM_STRING_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct wsm_string_list {
    unsigned refs;
    size_t count;
    char **items; /* terminated texts without NUL inside */
} wsm_string_list;

/* A list of `count` empty slots, to be filled by wsm_string_list_set before it is shared; NULL without memory. */
wsm_string_list *wsm_string_list_new(size_t count);
/* Copies the text into slot `index`; false without memory. */
bool wsm_string_list_set(wsm_string_list *list, size_t index, const char *text, size_t length);
/* NULL is an empty list for all of these. */
wsm_string_list *wsm_string_list_ref(wsm_string_list *list);
void wsm_string_list_unref(wsm_string_list *list);
size_t wsm_string_list_count(const wsm_string_list *list);
bool wsm_string_list_contains(const wsm_string_list *list, const char *text, size_t length);

#endif
