/* What concerns the whole process. Everything here may be called from any thread. */
#ifndef WSM_PROCESS_H
#define WSM_PROCESS_H

#include <stdbool.h>

/* Keeps this module in memory although its Lua state ends: a thread of ours, or libwebsockets' use of OpenSSL, goes on.
 */
void wsm_process_stay_loaded(void);

/* Prepares TLS for the process, once; false if libwebsockets has none or cannot. Takes milliseconds the first time. */
bool wsm_process_start_tls(void);

#endif
