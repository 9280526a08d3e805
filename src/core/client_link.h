/* A client's connection: host look-up, then TCP, the upgrade and the frames that come. Without TLS (client_plain.c)
 * these are ours, with TLS (client_link.c) libwebsockets' ws role; outgoing frames are always connection.c's. */
#ifndef WSM_CLIENT_LINK_H
#define WSM_CLIENT_LINK_H

#include <stdint.h>

#include "connection.h"
#include "error.h"
#include "tls_options.h"
#include "watch.h"

typedef struct wsm_client wsm_client;

/* Starts connecting `connection` (new, CONNECTING) to the URL. `tls` is for wss:// and may be NULL: verify with the
 * system's authorities. See wsm_url_parse, wsm_upgrade_check_lists and wsm_pem_file_open for the errors; FAILED if
 * nothing could be started, ERR_UNAVAILABLE for wss:// without TLS in libwebsockets. `give_up_ms` (wsm_clock_ms time;
 * 0: never) only divides the time between several addresses: the owner watches the limit. `watch`, which is the owner's
 * and outlives the client, is kept up to date. */
wsm_error wsm_client_open(wsm_client **client, wsm_connection *connection, const char *url, const wsm_tls_options *tls,
                          int64_t give_up_ms, wsm_watch *watch, wsm_reason *reason);
/* What is queued is still handed to the socket, then it is cut. In a forked child only memory is given up. */
void wsm_client_close(wsm_client *client);
/* As for a server: read what is there, waiting at most `wait_ms`; act on what changed; time until something is due; the
 * watch's descriptor. A wait should be no longer than the time left. */
bool wsm_client_service(wsm_client *client, int wait_ms);
void wsm_client_settle(wsm_client *client);
int wsm_client_time_left(const wsm_client *client, int limit);
int wsm_client_descriptor(wsm_client *client);
/* What is being done while CONNECTING, for a text about a time-out: "connecting to 127.0.0.1 port 9080". */
void wsm_client_phase(const wsm_client *client, wsm_reason *phase);

#endif
