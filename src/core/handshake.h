/* The server's side of the opening handshake (RFC 6455 section 4.2): from the first bytes of a connection to its 101
 * answer, to a refusal, or to the answer of a plain HTTP request. */
#ifndef WSM_HANDSHAKE_H
#define WSM_HANDSHAKE_H

#include "connection.h"
#include "string_list.h"

/* How long the answer to a plain HTTP request may take in all, and stand still (WSM_CLOSING_LIMIT_MS). */
enum { WSM_RESPONSE_LIMIT_MS = 30000 };

/* Bytes were appended to the `held` ones of a connection that is CONNECTING; `seen` had been looked at before. */
void wsm_handshake_receive(wsm_connection *connection, size_t seen);

/* The head of the request that waits to be answered, its empty line included; `connection->plain` tells of which kind
 * it is. */
const char *wsm_handshake_request(const wsm_connection *connection, size_t *size);
/* Answers it: with another HTTP status and a text for its body, or with 101. A plain request then gets what it would
 * get from a server that serves none. */
void wsm_handshake_admit(wsm_connection *connection, int status, const char *text);
/* Answers a plain request: header lines "Name: value", a body. The length is added; a body is not sent where there can
 * be none (HEAD, 204, 304). ERR_INVALID_PARAMETER, with nothing answered, if a line is not one. */
wsm_error wsm_handshake_respond(wsm_connection *connection, int status, const wsm_string_list *lines, const void *body,
                                size_t size, wsm_reason *reason);

#endif
