#include "authorities.h"

#include <stddef.h>

#if defined(WSM_STATIC_TLS) && !defined(_WIN32)

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

#if defined(_WIN32)

#include <winsock2.h>
#include <windows.h>
#include <wincrypt.h>

#include "bytes.h"

char *wsm_authorities_text(void) {
    wsm_bytes text = {0};
    HCERTSTORE store = CertOpenSystemStoreA(0, "ROOT");
    bool ok = store != NULL;
    for (PCCERT_CONTEXT each = NULL; store && (each = CertEnumCertificatesInStore(store, each));) {
        char pem[16384];
        DWORD size = sizeof pem;
        /* One that is too large to be an authority's is left out. */
        if (CryptBinaryToStringA(each->pbCertEncoded, each->cbCertEncoded, CRYPT_STRING_BASE64HEADER, pem, &size))
            ok = ok && wsm_bytes_append(&text, pem, size);
    }
    if (store) CertCloseStore(store, 0);
    if (ok && wsm_bytes_append(&text, "", 1)) return (char *)text.data;
    wsm_bytes_release(&text);
    return NULL;
}

#else

char *wsm_authorities_text(void) { return NULL; }

#endif
