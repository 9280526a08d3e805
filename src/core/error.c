#include "error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static const struct {
    const char *name, *text;
} errors[WSM_ERROR_COUNT] = {
    {"OK", "OK"},
    {"FAILED", "Failed"},
    {"ERR_UNAVAILABLE", "Unavailable"},
    {"ERR_UNCONFIGURED", "Unconfigured"},
    {"ERR_UNAUTHORIZED", "Unauthorized"},
    {"ERR_PARAMETER_RANGE_ERROR", "Parameter out of range"},
    {"ERR_OUT_OF_MEMORY", "Out of memory"},
    {"ERR_FILE_NOT_FOUND", "File not found"},
    {"ERR_FILE_BAD_DRIVE", "File: Bad drive"},
    {"ERR_FILE_BAD_PATH", "File: Bad path"},
    {"ERR_FILE_NO_PERMISSION", "File: Permission denied"},
    {"ERR_FILE_ALREADY_IN_USE", "File already in use"},
    {"ERR_FILE_CANT_OPEN", "Can't open file"},
    {"ERR_FILE_CANT_WRITE", "Can't write file"},
    {"ERR_FILE_CANT_READ", "Can't read file"},
    {"ERR_FILE_UNRECOGNIZED", "File unrecognized"},
    {"ERR_FILE_CORRUPT", "File corrupt"},
    {"ERR_FILE_MISSING_DEPENDENCIES", "Missing dependencies for file"},
    {"ERR_FILE_EOF", "End of file"},
    {"ERR_CANT_OPEN", "Can't open"},
    {"ERR_CANT_CREATE", "Can't create"},
    {"ERR_QUERY_FAILED", "Query failed"},
    {"ERR_ALREADY_IN_USE", "Already in use"},
    {"ERR_LOCKED", "Locked"},
    {"ERR_TIMEOUT", "Timeout"},
    {"ERR_CANT_CONNECT", "Can't connect"},
    {"ERR_CANT_RESOLVE", "Can't resolve"},
    {"ERR_CONNECTION_ERROR", "Connection error"},
    {"ERR_CANT_ACQUIRE_RESOURCE", "Can't acquire resource"},
    {"ERR_CANT_FORK", "Can't fork"},
    {"ERR_INVALID_DATA", "Invalid data"},
    {"ERR_INVALID_PARAMETER", "Invalid parameter"},
    {"ERR_ALREADY_EXISTS", "Already exists"},
    {"ERR_DOES_NOT_EXIST", "Does not exist"},
    {"ERR_DATABASE_CANT_READ", "Can't read database"},
    {"ERR_DATABASE_CANT_WRITE", "Can't write database"},
    {"ERR_COMPILATION_FAILED", "Compilation failed"},
    {"ERR_METHOD_NOT_FOUND", "Method not found"},
    {"ERR_LINK_FAILED", "Link failed"},
    {"ERR_SCRIPT_FAILED", "Script failed"},
    {"ERR_CYCLIC_LINK", "Cyclic link detected"},
    {"ERR_INVALID_DECLARATION", "Invalid declaration"},
    {"ERR_DUPLICATE_SYMBOL", "Duplicate symbol"},
    {"ERR_PARSE_ERROR", "Parse error"},
    {"ERR_BUSY", "Busy"},
    {"ERR_SKIP", "Skip"},
    {"ERR_HELP", "Help"},
    {"ERR_BUG", "Bug"},
    {"ERR_PRINTER_ON_FIRE", "Printer on fire"},
};

const char *wsm_error_name(int error) { return error >= 0 && error < WSM_ERROR_COUNT ? errors[error].name : NULL; }

const char *wsm_error_string(int error) { return error >= 0 && error < WSM_ERROR_COUNT ? errors[error].text : NULL; }

wsm_error wsm_fail(wsm_reason *reason, wsm_error error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): LLVM 14 forgets va_start when it has read several files */
    if (vsnprintf(reason->text, sizeof reason->text, format, arguments) < 0) reason->text[0] = '\0';
    va_end(arguments);
    /* Parts may come from the network: keep terminals and logs safe. */
    for (char *c = reason->text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    return error;
}
