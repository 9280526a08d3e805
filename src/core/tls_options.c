#include "tls_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "lws.h"
#include "memory.h"

static bool copy(char **to, const char *text) {
    *to = text ? wsm_strndup(text, strlen(text)) : NULL;
    return !text || *to;
}

wsm_tls_options *wsm_tls_options_new(wsm_tls_kind kind, const char *trusted_chain, const char *common_name,
                                     const char *private_key, const char *certificate) {
    wsm_tls_options *options = wsm_alloc_zero(sizeof *options);
    if (!options) return NULL;
    options->kind = kind;
    if (copy(&options->trusted_chain, trusted_chain) && copy(&options->common_name, common_name) &&
        copy(&options->private_key, private_key) && copy(&options->certificate, certificate))
        return options;
    wsm_tls_options_free(options);
    return NULL;
}

/* A key must not stay readable in freed memory. */
static void wipe(char *text) {
    if (!text) return;
    for (volatile char *c = text; *c; c++) *c = '\0';
    wsm_free(text);
}

void wsm_tls_options_free(wsm_tls_options *options) {
    if (!options) return;
    wsm_free(options->trusted_chain);
    wsm_free(options->common_name);
    wsm_free(options->certificate);
    wipe(options->private_key);
    wsm_free(options);
}

static const char begin_marker[] = "-----BEGIN ";

/* The first PEM block of that kind: its beginning, or NULL. */
static const char *find_block(const char *text, int kind) {
    const char *ending = kind == WSM_PEM_KEY ? "PRIVATE KEY" : "CERTIFICATE";
    size_t size = strlen(ending);
    for (const char *at = text; (at = strstr(at, begin_marker)); at++) {
        const char *name = at + sizeof begin_marker - 1, *end = strstr(name, "-----");
        if (!end) return NULL;
        if ((size_t)(end - name) >= size && !memcmp(end - size, ending, size)) return at;
    }
    return NULL;
}

static bool has_block(const char *text, int kind) { return find_block(text, kind) != NULL; }

/* An anonymous file where there is one; elsewhere a private temporary file that only its descriptor keeps alive. */
static int hold_text(const char *text, char *name, size_t size) {
    size_t left = strlen(text);
#if defined(__linux__)
    int fd = memfd_create("pem", MFD_CLOEXEC);
    if (fd >= 0) snprintf(name, size, "/proc/self/fd/%d", fd);
#elif defined(_WIN32)
    char folder[260];
    DWORD length = GetTempPathA(sizeof folder, folder); /* the user's own */
    int fd = -1;
    if (length && length < sizeof folder && size > MAX_PATH && GetTempFileNameA(folder, "wsm", 0, name))
        fd = open(name, O_WRONLY | O_BINARY); /* removed by wsm_pem_file_close; mkstemp's could not be opened again */
#else
    snprintf(name, size, "/tmp/wsmultiplayer.XXXXXX");
    int fd = mkstemp(name); /* mode 0600; removed by wsm_pem_file_close */
    if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
#endif
    while (fd >= 0 && left) {
        ssize_t part = write(fd, text, left);
        if (part <= 0) {
            close(fd);
            return -1;
        }
        text += part;
        left -= (size_t)part;
    }
    return fd;
}

enum { PEM_FILE_LIMIT = 4 * 1024 * 1024 };

/* The file's content, terminated; NULL (and errno) if it can't be read. */
static char *read_file(const char *path) {
    FILE *stream = fopen(path, "rb");
    if (!stream) return NULL;
    char *text = wsm_alloc(PEM_FILE_LIMIT + 1);
    if (text) text[fread(text, 1, PEM_FILE_LIMIT, stream)] = '\0';
    fclose(stream);
    return text;
}

static wsm_error check_file(const char *path, int kind, const char *what, wsm_reason *reason) {
    char *text = read_file(path);
    if (!text)
        return wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "%s: cannot read the file \"%s\": %s", what, path,
                        strerror(errno)); /* NOLINT(concurrency-mt-unsafe): constant, for every error that there is */
    bool found = has_block(text, kind);
    wipe(text);
    return found ? WSM_OK
                 : wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "%s: the file \"%s\" has no PEM %s in it", what, path,
                            kind == WSM_PEM_KEY ? "private key" : "certificate");
}

/* The algorithm of the key in the first PEM block of that kind, by its object identifier in the DER; -1: unknown. */
static int find_algorithm(const char *text, int kind) {
    static const struct {
        const char *bytes;
        size_t size;
    } identifiers[] = {
        {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9}, /* rsaEncryption */
        {"\x2a\x86\x48\xce\x3d\x02\x01", 7},         /* ecPublicKey */
        {"\x06\x03\x2b\x65\x70", 5},                 /* Ed25519 */
    };
    const char *begin = find_block(text, kind), *body = begin ? strchr(begin, '\n') : NULL;
    const char *end = body ? strstr(body, "-----END") : NULL;
    if (!end) return -1;
    if (!strncmp(begin, "-----BEGIN RSA", 14)) return 0;
    if (!strncmp(begin, "-----BEGIN EC", 13)) return 1;
    char *base64 = wsm_alloc((size_t)(end - body) + 1);
    size_t size = 0;
    if (!base64) return -1;
    for (const char *c = body; c < end; c++)
        if (*c > ' ') base64[size++] = *c;
    base64[size] = '\0';
    int found = -1, length = lws_b64_decode_string_len(base64, (int)size, base64, (int)size + 1);
    for (int i = 0; found < 0 && i < 3; i++)
        for (int at = 0; found < 0 && at + (int)identifiers[i].size <= length; at++)
            if (!memcmp(base64 + at, identifiers[i].bytes, identifiers[i].size)) found = i;
    memset(base64, 0, (size_t)(end - body));
    wsm_free(base64);
    return found;
}

bool wsm_pem_same_algorithm(const wsm_pem_file *key, const wsm_pem_file *certificate) {
    char *key_text = read_file(key->path), *certificate_text = read_file(certificate->path);
    int of_key = key_text ? find_algorithm(key_text, WSM_PEM_KEY) : -1;
    int of_certificate = certificate_text ? find_algorithm(certificate_text, WSM_PEM_CERTIFICATE) : -1;
    wipe(key_text);
    wsm_free(certificate_text);
    return of_key < 0 || of_certificate < 0 || of_key == of_certificate;
}

wsm_error wsm_pem_file_open(wsm_pem_file *file, const char *pem, int kind, const char *what, wsm_reason *reason) {
    *file = (wsm_pem_file){.fd = -1, .path = pem};
    if (!pem || !*pem)
        return wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "%s: neither a PEM text nor a path was given", what);
    if (!strstr(pem, begin_marker)) return check_file(pem, kind, what, reason);
    if (!has_block(pem, kind))
        return wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "%s: no PEM %s in the text", what,
                        kind == WSM_PEM_KEY ? "private key" : "certificate");
    file->fd = hold_text(pem, file->name, sizeof file->name);
    file->path = file->name;
    if (file->fd < 0) return wsm_fail(reason, WSM_FAILED, "%s: no descriptor or memory for the text", what);
    return WSM_OK;
}

void wsm_pem_file_close(wsm_pem_file *file) {
    if (file->fd < 0) return;
    close(file->fd);
#if !defined(__linux__)
    unlink(file->name);
#endif
    file->fd = -1;
}
