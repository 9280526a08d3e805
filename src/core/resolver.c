/* Who owns what: a look-up is shared by its thread and the one who started it; whoever lets go last frees it. */
#include "resolver.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "memory.h"
#include "platform.h"
#include "process.h"

struct wsm_lookup {
    atomic_int refs;
    atomic_bool done;
    int wake[2]; /* closed for writing when done */
    int status;  /* of getaddrinfo */
    wsm_addresses found;
    wsm_background background;
    char host[]; /* "": none */
};

static void release(wsm_lookup *lookup) {
    if (atomic_fetch_sub(&lookup->refs, 1) != 1) return;
    wsm_socket_close(lookup->wake[0]);
    if (lookup->wake[1] >= 0) wsm_socket_close(lookup->wake[1]);
    if (lookup->background.work) lookup->background.discard(lookup->background.work);
    wsm_free(lookup);
}

static int resolve(const char *host, int flags, wsm_addresses *addresses) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags}, *list = NULL;
    addresses->count = 0;
    int status = getaddrinfo(host, NULL, &hints, &list);
    if (status) return status;
    for (struct addrinfo *at = list; at && addresses->count < WSM_LOOKUP_MAX; at = at->ai_next)
        if (getnameinfo(at->ai_addr, at->ai_addrlen, addresses->text[addresses->count], WSM_LOOKUP_TEXT_SIZE, NULL, 0,
                        NI_NUMERICHOST) == 0)
            addresses->count++;
    freeaddrinfo(list);
    return addresses->count ? 0 : EAI_NONAME;
}

static void *run(void *argument) {
    wsm_lookup *lookup = argument;
    if (lookup->host[0]) lookup->status = resolve(lookup->host, 0, &lookup->found);
    /* The work is about TLS. The end of the program waits until it is done, or discarded. */
    bool works = lookup->background.work && wsm_process_enter_tls_thread();
    if (works) lookup->background.run(lookup->background.work);
    int end = lookup->wake[1];
    lookup->wake[1] = -1;
    atomic_store(&lookup->done, true);
    wsm_socket_close(end);
    release(lookup);
    return NULL;
}

bool wsm_resolve_literal(const char *host, wsm_addresses *addresses) {
    return resolve(host, AI_NUMERICHOST, addresses) == 0;
}

wsm_error wsm_lookup_start(wsm_lookup **out, const char *host, const wsm_background *background, wsm_reason *reason) {
    pthread_t thread;
    pthread_attr_t attributes;
    if (!host) host = "";
    size_t size = strlen(host) + 1;
    wsm_lookup *lookup = wsm_alloc_zero(sizeof *lookup + size);
    if (!lookup) return wsm_fail(reason, WSM_ERR_OUT_OF_MEMORY, "out of memory");
    memcpy(lookup->host, host, size);
    if (background) lookup->background = *background;
    atomic_init(&lookup->refs, 2);
    if (!wsm_signal_open(lookup->wake)) {
        wsm_free(lookup);
        return wsm_fail(reason, WSM_FAILED, "out of descriptors");
    }
    wsm_process_stay_loaded(); /* the thread may outlive the Lua state, whose end unloads C modules */
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
#if !defined(_WIN32)
    sigset_t all, before;
    sigfillset(&all); /* the program's signal handlers belong to its own threads */
    pthread_sigmask(SIG_SETMASK, &all, &before);
#endif
    int problem = pthread_create(&thread, &attributes, run, lookup);
#if !defined(_WIN32)
    pthread_sigmask(SIG_SETMASK, &before, NULL);
#endif
    pthread_attr_destroy(&attributes);
    if (problem) {
        atomic_store(&lookup->refs, 1);
        lookup->background.work = NULL;
        release(lookup);
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): a constant text, for every error that there is */
        return wsm_fail(reason, WSM_FAILED, "no thread for connecting: %s", strerror(problem));
    }
    *out = lookup;
    return WSM_OK;
}

int wsm_lookup_fd(const wsm_lookup *lookup) { return lookup->wake[0]; }

bool wsm_lookup_done(wsm_lookup *lookup) { return atomic_load(&lookup->done); }

wsm_error wsm_lookup_result(wsm_lookup *lookup, wsm_addresses *addresses, wsm_reason *reason) {
    if (lookup->status)
        return wsm_fail(reason, WSM_FAILED, "the host name \"%s\" was not found: %s", lookup->host,
                        gai_strerror(lookup->status));
    if (lookup->host[0]) *addresses = lookup->found;
    return WSM_OK;
}

void *wsm_lookup_take_work(wsm_lookup *lookup) {
    void *work = lookup->background.work;
    lookup->background.work = NULL;
    return work;
}

void wsm_lookup_drop(wsm_lookup *lookup) {
    if (lookup) release(lookup);
}
