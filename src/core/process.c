#include "process.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#if !defined(_WIN32)
#include <dlfcn.h>
#endif

#include "lws_context.h"

void wsm_process_stay_loaded(void) {
    static const char anchor = 0;
#if defined(_WIN32)
    HMODULE self;
    GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN, &anchor, &self);
#else
    Dl_info self;
    if (dladdr(&anchor, &self) && self.dli_fname) dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
#endif
}

#if defined(LWS_WITH_TLS)

/* Versions 4.0 and 4.1 mix up connections, and 4.5 tears OpenSSL down for the whole process, when several contexts come
 * and go with the flag DO_SSL_GLOBAL_INIT. One context that has it, is never served and never destroyed, prevents both.
 */
static struct lws_context *keeper;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static unsigned inside;
static bool ending;
static pid_t process;
static pthread_key_t in_thread; /* set in a thread that is inside until its end */

#if !defined(_WIN32) /* where threads have been ended before this could run */
static void wait_for_threads(void) {
    if (getpid() != process) return; /* a forked child has the count, but not the threads */
    pthread_mutex_lock(&lock);
    ending = true;
    while (inside) pthread_cond_wait(&left, &lock);
    pthread_mutex_unlock(&lock);
}
#endif

/* The functions that threads run at their end, OpenSSL's among them, come in no defined order, but in rounds: in the
 * second one all of the first are done. */
static void end_thread(void *round) {
    static char second;
    if (round == &second || pthread_setspecific(in_thread, &second)) wsm_process_leave_tls();
}

/* In this order, so that the wait comes before OpenSSL's own handler. */
static void make_keeper(void) {
    process = getpid();
    if (pthread_key_create(&in_thread, end_thread)) return;
    keeper = wsm_lws_context_new(8, LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT);
    if (keeper) wsm_lws_prepare_threads(keeper);
#if !defined(_WIN32)
    atexit(wait_for_threads);
#endif
}

bool wsm_process_start_tls(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_keeper);
    return keeper != NULL;
}

bool wsm_process_enter_tls(void) {
    pthread_mutex_lock(&lock);
    bool allowed = !ending || pthread_getspecific(in_thread);
    if (allowed) inside++;
    pthread_mutex_unlock(&lock);
    return allowed;
}

void wsm_process_leave_tls(void) {
    pthread_mutex_lock(&lock);
    if (!--inside) pthread_cond_signal(&left);
    pthread_mutex_unlock(&lock);
}

bool wsm_process_enter_tls_thread(void) {
    static char first;
    if (!wsm_process_enter_tls()) return false;
    if (!pthread_setspecific(in_thread, &first)) return true;
    wsm_process_leave_tls();
    return false;
}

#else

bool wsm_process_start_tls(void) { return false; }
bool wsm_process_enter_tls(void) { return false; }
void wsm_process_leave_tls(void) {}
bool wsm_process_enter_tls_thread(void) { return false; }

#endif
