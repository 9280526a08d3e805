#include "process.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "lws_context.h"

void wsm_process_stay_loaded(void) {
    Dl_info self;
    static const char anchor = 0;
    if (dladdr(&anchor, &self) && self.dli_fname) dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

#if defined(LWS_WITH_TLS)

/* Versions 4.0 and 4.1 mix up connections, and 4.5 tears OpenSSL down for the whole process, when several contexts come
 * and go with the flag DO_SSL_GLOBAL_INIT. One context that has it, is never served and never destroyed, prevents both.
 */
static struct lws_context *keeper;

static void make_keeper(void) { keeper = wsm_lws_context_new(8, LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT); }

bool wsm_process_start_tls(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_keeper);
    return keeper != NULL;
}

#else

bool wsm_process_start_tls(void) { return false; }

#endif
