/* Checks of values that a program passes. Misuse raises: with the argument's position, or with the field's name where a
 * field is assigned (`field` not NULL). */
#ifndef WSM_ARGUMENTS_H
#define WSM_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/error.h"
#include "../core/string_list.h"
#include "compat.h"

int wsm_bad_value(lua_State *L, int index, const char *field, const char *problem);
int32_t wsm_check_int32(lua_State *L, int index, const char *field);
bool wsm_check_boolean(lua_State *L, int index, const char *field);
lua_Number wsm_check_number(lua_State *L, int index, const char *field);
/* A number of seconds >= 0, nil or none counting as 0, as whole milliseconds rounded up. */
int64_t wsm_opt_milliseconds(lua_State *L, int index);
/* NULL if the text contains a zero byte. */
const char *wsm_check_text(lua_State *L, int index);
bool wsm_opt_boolean(lua_State *L, int index, bool otherwise);
/* A whole number; what is no port becomes -1, for which the core has an error. */
int64_t wsm_check_port(lua_State *L, int index);
/* Seconds into whole milliseconds; zero and less keep the old value. */
void wsm_check_timeout(lua_State *L, int index, const char *field, int64_t *milliseconds);
void wsm_push_seconds(lua_State *L, int64_t milliseconds);
/* PacketPeer.encode_buffer_max_size: 1 KiB to 256 MiB, rounded up to a power of two; 0 for anything else. */
int32_t wsm_check_encode_buffer_size(lua_State *L, int index, const char *field);
/* A new list from a sequence of strings; `strip` takes white space off their ends. Without memory
 * the first raises, the second returns NULL. */
wsm_string_list *wsm_check_strings(lua_State *L, int index, const char *field, bool strip);
wsm_string_list *wsm_try_strings(lua_State *L, int index, const char *field, bool strip);
void wsm_push_strings(lua_State *L, wsm_string_list *list);

/* A hook, a function or nil, lies among the fields of the object at 1. Setting it returns whether it is one. */
typedef enum wsm_hook { WSM_ON_REQUEST = 3, WSM_ON_HTTP_REQUEST = 4 } wsm_hook;
void wsm_push_hook(lua_State *L, wsm_hook hook);
bool wsm_set_hook(lua_State *L, wsm_hook hook, int index, const char *field);

/* The results of a method that returns Godot's Error: the number and, unless it is OK, a text. */
int wsm_push_error(lua_State *L, wsm_error error, const wsm_reason *reason);
/* The results of a failed method that otherwise returns a value: nil, the number, the text. */
int wsm_push_failure(lua_State *L, wsm_error error, const char *text);

#endif
