#include "authorities.h"

#include <stddef.h>

#if defined(WSM_STATIC_TLS)

#include <stdlib.h>
#include <unistd.h>

#include "lws.h"

const char *wsm_authorities_file(void) {
    static const char *const bundles[] = {
        "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Arch, Alpine, Gentoo */
        "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* newer ones of those */
        "/etc/ssl/ca-bundle.pem",                            /* openSUSE */
        "/etc/ssl/cert.pem",                                 /* macOS, BSD */
    };
    /* As those who built it, or who run it, have it: then it is not for us to add any. */
    if (getenv(X509_get_default_cert_file_env()) || getenv(X509_get_default_cert_dir_env())) return NULL;
    if (access(X509_get_default_cert_file(), R_OK) == 0 || access(X509_get_default_cert_dir(), R_OK) == 0) return NULL;
    for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++)
        if (access(bundles[i], R_OK) == 0) return bundles[i];
    return NULL;
}

#else

const char *wsm_authorities_file(void) { return NULL; }

#endif
