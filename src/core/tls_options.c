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

#include "memory.h"

static bool copy(char **to, const char *text) {
    *to = text ? wsm_strndup(text, strlen(text)) : NULL;
    return !text || *to;
}

wsm_tls_options *wsm_tls_options_new(wsm_tls_kind kind, const char *trusted_chain, const char *common_name,
                                     const char *private_key, const char *certificate) {
    wsm_tls_options *options = wsm_alloc_zero(sizeof *options);
    if (!options) return NULL;
    options->refs = 1;
    options->kind = kind;
    if (copy(&options->trusted_chain, trusted_chain) && copy(&options->common_name, common_name) &&
        copy(&options->private_key, private_key) && copy(&options->certificate, certificate))
        return options;
    wsm_tls_options_unref(options);
    return NULL;
}

wsm_tls_options *wsm_tls_options_ref(wsm_tls_options *options) {
    if (options) options->refs++;
    return options;
}

/* A key must not stay readable in freed memory. */
static void wipe(char *text) {
    if (!text) return;
    for (volatile char *c = text; *c; c++) *c = '\0';
    wsm_free(text);
}

void wsm_tls_options_unref(wsm_tls_options *options) {
    if (!options || --options->refs) return;
    wsm_free(options->trusted_chain);
    wsm_free(options->common_name);
    wsm_free(options->certificate);
    wipe(options->private_key);
    wsm_free(options);
}

static const char begin_marker[] = "-----BEGIN ";

static bool has_block(const char *text, int kind) {
    for (const char *at = text; (at = strstr(at, begin_marker)); at++) {
        const char *name = at + sizeof begin_marker - 1, *end = strstr(name, "-----");
        if (!end) return false;
        const char *ending = kind == WSM_PEM_KEY ? "PRIVATE KEY" : "CERTIFICATE";
        size_t size = strlen(ending);
        if ((size_t)(end - name) >= size && !memcmp(end - size, ending, size)) return true;
    }
    return false;
}

/* An anonymous file where there is one; elsewhere a private temporary file that only its descriptor keeps alive. */
static int hold_text(const char *text, char *name, size_t size) {
    size_t left = strlen(text);
#if defined(__linux__)
    int fd = memfd_create("pem", MFD_CLOEXEC);
    if (fd >= 0) snprintf(name, size, "/proc/self/fd/%d", fd);
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

static wsm_error check_file(const char *path, int kind, const char *what, wsm_reason *reason) {
    enum { LIMIT = 4 * 1024 * 1024 };
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "%s: cannot read the file \"%s\": %s", what, path,
                        strerror(errno));
    char *text = wsm_alloc(LIMIT + 1);
    size_t size = text ? fread(text, 1, LIMIT, stream) : 0;
    fclose(stream);
    bool found = false;
    if (text) {
        text[size] = '\0';
        found = has_block(text, kind);
        memset(text, 0, size);
        wsm_free(text);
    }
    return found ? WSM_OK
                 : wsm_fail(reason, WSM_ERR_INVALID_PARAMETER, "%s: the file \"%s\" has no PEM %s in it", what, path,
                            kind == WSM_PEM_KEY ? "private key" : "certificate");
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
