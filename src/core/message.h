/* Puts the frames of a message together: order of fragments, size limit, UTF-8 (RFC 6455 sections 5.4, 5.6, 8.1). */
#ifndef WSM_MESSAGE_H
#define WSM_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "frame.h"
#include "utf8.h"

/* The message being received; zero-initialised is none. */
typedef struct wsm_message {
    wsm_bytes body;
    wsm_utf8 utf8;
    bool started; /* a fragment without FIN was received, more must follow */
    bool text;
} wsm_message;

/* Each returns 0, or the close code with which the connection has to fail. */

/* A data frame begins; `limit` is the largest message in bytes, 0 for none. Fails on the head alone. */
int wsm_message_begin_frame(wsm_message *message, uint8_t opcode, uint64_t length, size_t limit);
/* Payload in any pieces; `mask` is NULL if it is not masked (any more), `rest` what the frame still has behind it. */
int wsm_message_append(wsm_message *message, const unsigned char *data, size_t size, const uint8_t *mask,
                       uint64_t offset, uint64_t rest);
/* The frame's payload is complete. With `fin` the message is complete: take body and text, then reset. */
int wsm_message_end_frame(wsm_message *message, bool fin);
void wsm_message_reset(wsm_message *message);

#endif
