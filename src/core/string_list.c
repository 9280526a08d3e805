#include "string_list.h"

#include <string.h>

#include "memory.h"

wsm_string_list *wsm_string_list_new(size_t count) {
    wsm_string_list *list = wsm_alloc_zero(sizeof *list);
    if (!list) return NULL;
    list->refs = 1;
    list->count = count;
    if (count && !(list->items = wsm_alloc_zero(count * sizeof *list->items))) {
        wsm_free(list);
        return NULL;
    }
    return list;
}

bool wsm_string_list_set(wsm_string_list *list, size_t index, const char *text, size_t length) {
    list->items[index] = wsm_strndup(text, length);
    return list->items[index] != NULL;
}

wsm_string_list *wsm_string_list_ref(wsm_string_list *list) {
    if (list) list->refs++;
    return list;
}

void wsm_string_list_unref(wsm_string_list *list) {
    if (!list || --list->refs) return;
    for (size_t i = 0; i < list->count; i++) wsm_free(list->items[i]);
    wsm_free(list->items);
    wsm_free(list);
}

size_t wsm_string_list_count(const wsm_string_list *list) { return list ? list->count : 0; }

bool wsm_string_list_contains(const wsm_string_list *list, const char *text, size_t length) {
    for (size_t i = 0; i < wsm_string_list_count(list); i++)
        if (strlen(list->items[i]) == length && !memcmp(list->items[i], text, length)) return true;
    return false;
}
