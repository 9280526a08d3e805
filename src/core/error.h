/* Godot's Error values (core/error/error_list.h) and the texts that go with a failure. */
#ifndef WSM_ERROR_H
#define WSM_ERROR_H

typedef enum wsm_error {
    WSM_OK = 0,
    WSM_FAILED = 1,
    WSM_ERR_UNAVAILABLE = 2,
    WSM_ERR_UNCONFIGURED = 3,
    WSM_ERR_UNAUTHORIZED = 4,
    WSM_ERR_OUT_OF_MEMORY = 6,
    WSM_ERR_FILE_EOF = 18,
    WSM_ERR_CANT_CREATE = 20,
    WSM_ERR_ALREADY_IN_USE = 22,
    WSM_ERR_INVALID_DATA = 30,
    WSM_ERR_INVALID_PARAMETER = 31,
} wsm_error;

enum { WSM_ERROR_COUNT = 49, WSM_REASON_SIZE = 320 };

/* Text for a person about what went wrong; always terminated, "" if nothing did. */
typedef struct wsm_reason {
    char text[WSM_REASON_SIZE];
} wsm_reason;

/* Godot's constant name ("ERR_TIMEOUT") and error_string() text ("Timeout"); NULL outside 0..48. */
const char *wsm_error_name(int error);
const char *wsm_error_string(int error);

/* Writes the text (cut to fit; control characters become '?') and returns `error`. */
wsm_error wsm_fail(wsm_reason *reason, wsm_error error, const char *format, ...)
#if defined(__MINGW32__) && !defined(__clang__)
    __attribute__((format(gnu_printf, 3, 4)))
#elif defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

#endif
