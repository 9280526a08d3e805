/* libwebsockets contexts as this module wants them: silent, without look-ups, timers or signals of their own.
 * The only place that knows how versions 4.0 to 5.x of the library differ. */
#ifndef WSM_LWS_CONTEXT_H
#define WSM_LWS_CONTEXT_H

#include "lws.h"

#include "connection.h"
#include "send_queue.h"

_Static_assert(LWS_PRE <= WSM_HEADROOM, "WSM_HEADROOM must hold LWS_PRE");

/* Largest read, in bytes. At least 16 KiB, or versions 4.0 to 4.2 can loop for ever with TLS. */
enum { WSM_READ_SIZE = 64 * 1024 };

/* A policy without pings and hang-ups of libwebsockets' own: every deadline is ours. */
extern const lws_retry_bo_t wsm_lws_no_timers;

/* A context for up to `connections` sockets (0: as many as the process may open) without any vhost; `options` are added
 * to those that every context has. NULL if it cannot be made. The host program's SIGPIPE handler stays. */
struct lws_context *wsm_lws_context_new(unsigned connections, uint64_t options);
/* Before contexts are made in several threads, with one that stays. */
void wsm_lws_prepare_threads(struct lws_context *context);
/* From outside of callbacks, and with no descriptor of it left open. */
void wsm_lws_context_destroy(struct lws_context *context);

/* Which of its levels libwebsockets logs, besides those that are needed here; see log.h. */
void wsm_lws_set_log_levels(int levels);

/* What libwebsockets reported last in this thread as the reason why a certificate was refused ("certificate has
 * expired"); "" if nothing since the last clear. It has no other way of telling before version 4.3. */
const char *wsm_lws_refused_certificate(void);
void wsm_lws_clear_refused_certificate(void);

/* The parts of wsm_link_ops that are the same for both roles; see there. */
bool wsm_lws_write(wsm_connection *connection, unsigned char *data, size_t size);
bool wsm_lws_busy(const wsm_connection *connection);
bool wsm_lws_set_no_delay(wsm_connection *connection, bool enabled);

/* Whether the peer has sent something that was not read yet. */
bool wsm_lws_has_input(const wsm_connection *connection);
/* Throws away what the peer has sent, before its socket is closed: unread bytes would make the kernel reset the
 * connection, and the reset could destroy the close frame that was just sent. */
void wsm_lws_discard_input(wsm_connection *connection);

/* Closes the socket at once; only from outside of callbacks. LWS_CALLBACK_WSI_DESTROY has come when it returns. */
void wsm_lws_kill(struct lws **wsi);

#endif
