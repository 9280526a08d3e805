/* Godot's TLSOptions: immutable. Keys and certificates are PEM texts or paths of PEM files. */
#ifndef WSM_TLS_OPTIONS_H
#define WSM_TLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

typedef enum wsm_tls_kind {
    WSM_TLS_CLIENT,        /* chain, dates and name are verified */
    WSM_TLS_CLIENT_UNSAFE, /* the name is not; without trusted authorities nothing is */
    WSM_TLS_SERVER,
} wsm_tls_kind;

typedef struct wsm_tls_options {
    wsm_tls_kind kind;
    char *trusted_chain; /* authorities instead of the system's; NULL: the system's */
    char *common_name;   /* to verify instead of the URL's host; NULL: none */
    char *private_key, *certificate;
} wsm_tls_options;

/* Texts are copied and may be NULL. NULL without memory. */
wsm_tls_options *wsm_tls_options_new(wsm_tls_kind kind, const char *trusted_chain, const char *common_name,
                                     const char *private_key, const char *certificate);
/* Links read them only while they start. */
void wsm_tls_options_free(wsm_tls_options *options);

/* A PEM text or path as a file name that libwebsockets can read, which it needs for several certificates in one text.
 */
typedef struct wsm_pem_file {
    int fd; /* -1: the name is the program's own file */
    char name[300];
    const char *path;
} wsm_pem_file;

enum { WSM_PEM_CERTIFICATE, WSM_PEM_KEY };

/* ERR_INVALID_PARAMETER if the file can't be read, or it or the text has no PEM block of that kind; `what` names it in
 * the reason. */
wsm_error wsm_pem_file_open(wsm_pem_file *file, const char *pem, int kind, const char *what, wsm_reason *reason);
/* False if key and certificate are known to be of different algorithms (RSA, EC, Ed25519), which libwebsockets takes.
 */
bool wsm_pem_same_algorithm(const wsm_pem_file *key, const wsm_pem_file *certificate);
/* Not before libwebsockets has read it. */
void wsm_pem_file_close(wsm_pem_file *file);

#endif
