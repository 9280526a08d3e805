/* The opening handshake (RFC 6455 section 4) as text: requests to parse and write, answers to write. No sockets. */
#ifndef WSM_UPGRADE_H
#define WSM_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "string_list.h"
#include "url.h"

/* The largest request head, its empty line included; larger is answered with 431. */
enum { WSM_REQUEST_HEAD_MAX = 4096 };

/* A part of the head, not terminated. */
typedef struct wsm_span {
    const char *text;
    size_t size;
} wsm_span;

typedef struct wsm_upgrade_request {
    wsm_span target, host, key;
    wsm_span protocols[8]; /* the values of Sec-WebSocket-Protocol lines, each a comma-separated list */
    size_t protocol_lines;
    bool plain; /* well-formed HTTP/1.0 or 1.1 of any method, without a body, that asks for no upgrade to WebSocket */
} wsm_upgrade_request;

/* Where the head ends: the offset behind its empty line, 0 while there is none. `seen` bytes were searched before. */
size_t wsm_upgrade_head_size(const unsigned char *data, size_t size, size_t seen);

/* Judges a complete head. Returns 101 with `request` filled (pointing into `head`), or the HTTP status to refuse with
 * and `problem` set to a text. */
int wsm_upgrade_parse(const char *head, size_t size, wsm_upgrade_request *request, const char **problem);

/* Whether a header's comma-separated list has this item, in any case; `lower` is in small letters. */
bool wsm_upgrade_list_has(wsm_span list, const char *lower);

/* Godot's rule: the first of the client's list that the server has, compared exactly. False where one side wants
 * sub-protocols and the other has none, or none in common. `chosen` is empty if neither wants any. */
bool wsm_upgrade_choose_protocol(const wsm_upgrade_request *request, const wsm_string_list *supported,
                                 wsm_span *chosen);

/* Each appends to `out`; false without memory. */
bool wsm_upgrade_write_accept(wsm_bytes *out, wsm_span key, wsm_span protocol, const wsm_string_list *headers);
bool wsm_upgrade_write_refusal(wsm_bytes *out, int status, const char *problem, bool with_body);
/* The head of an answer that ends the connection; `length` is of its body, NULL: it can have none. */
bool wsm_upgrade_write_response(wsm_bytes *out, int status, const wsm_string_list *lines, const size_t *length);
bool wsm_upgrade_write_request(wsm_bytes *out, const wsm_url *url, wsm_span key, const wsm_string_list *protocols,
                               const wsm_string_list *headers);
/* Judges the complete head of a server's answer to a request with this key and these sub-protocols. Returns NULL and
 * the sub-protocol that was agreed on (in `head`, empty if none), or what is wrong. `status` is 0 without one. */
const char *wsm_upgrade_judge_answer(const char *head, size_t size, const char *key, const wsm_string_list *protocols,
                                     wsm_span *protocol, int *status);
/* A new key of 24 characters, from 16 random bytes. */
bool wsm_upgrade_make_key(const unsigned char bytes[16], char key[32]);
/* "host[:port]" as the Host header has it. */
bool wsm_upgrade_write_host(wsm_bytes *out, const wsm_url *url);

/* ERR_INVALID_PARAMETER if a protocol is not a token, or a header line is not "Name: value" on one line. */
wsm_error wsm_upgrade_check_lists(const wsm_string_list *protocols, const wsm_string_list *headers, wsm_reason *reason);
/* The second half alone, for lines that the reason calls `what`. */
wsm_error wsm_upgrade_check_lines(const wsm_string_list *lines, const char *what, wsm_reason *reason);

#endif
