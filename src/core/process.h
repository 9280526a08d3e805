/* What concerns the whole process. Everything here may be called from any thread. */
#ifndef WSM_PROCESS_H
#define WSM_PROCESS_H

#include <stdbool.h>

/* Keeps this module in memory although its Lua state ends: a thread of ours, or libwebsockets' use of OpenSSL, goes on.
 */
void wsm_process_stay_loaded(void);

/* Prepares TLS for the process, once; false if libwebsockets has none or cannot. Takes milliseconds the first time. */
bool wsm_process_start_tls(void);

/* Around the use of TLS in a thread of ours: the end of the program waits for it, because it tears OpenSSL down. False
 * if the program is ending already: then the thread must not begin, and not leave. May be nested. */
bool wsm_process_enter_tls(void);
void wsm_process_leave_tls(void);
/* The same from here to the end of a thread of ours, without leaving: OpenSSL cleans up behind its last function. */
bool wsm_process_enter_tls_thread(void);

#endif
