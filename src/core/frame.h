/* WebSocket frames (RFC 6455 section 5.2): writing for both roles, and an incremental reader of frame heads. */
#ifndef WSM_FRAME_H
#define WSM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum wsm_opcode {
    WSM_OP_CONTINUATION = 0,
    WSM_OP_TEXT = 1,
    WSM_OP_BINARY = 2,
    WSM_OP_CLOSE = 8,
    WSM_OP_PING = 9,
    WSM_OP_PONG = 10,
} wsm_opcode;

/* Close codes that this side raises (RFC 6455 section 7.4.1). */
enum {
    WSM_CLOSE_NORMAL = 1000,
    WSM_CLOSE_GOING_AWAY = 1001,
    WSM_CLOSE_PROTOCOL_ERROR = 1002,
    WSM_CLOSE_INVALID_PAYLOAD = 1007,
    WSM_CLOSE_TOO_BIG = 1009,
    WSM_CLOSE_INTERNAL_ERROR = 1011,
};

enum { WSM_FRAME_HEAD_MAX = 14, WSM_CONTROL_MAX = 125, WSM_CLOSE_REASON_MAX = 123 };

typedef struct wsm_frame_head {
    uint64_t length; /* payload bytes */
    uint8_t opcode;
    bool fin;
    bool masked;
    uint8_t mask[4];
} wsm_frame_head;

/* Writes the head of an unfragmented frame into `out` (WSM_FRAME_HEAD_MAX bytes) and returns its size;
 * `mask` is NULL for a server's frame. */
size_t wsm_frame_write_head(unsigned char *out, wsm_opcode opcode, uint64_t length, const uint8_t mask[4]);
/* Masks or unmasks (the same operation); `offset` is the position of in[0] in the payload. In place is allowed. */
void wsm_frame_mask(unsigned char *out, const unsigned char *in, size_t size, const uint8_t mask[4], uint64_t offset);

/* Collects the bytes of one head; zero-initialised is ready. */
typedef struct wsm_frame_reader {
    uint8_t bytes[WSM_FRAME_HEAD_MAX];
    uint8_t have;
} wsm_frame_reader;

typedef enum wsm_frame_status {
    WSM_FRAME_MORE,   /* all of `data` was used, the head is not complete */
    WSM_FRAME_READY,  /* `head` is filled, the reader is ready for the next one */
    WSM_FRAME_INVALID /* a violation of RFC 6455: fail the connection with 1002 */
} wsm_frame_status;

/* `masked` says what this side must receive: true on a server. Puts the bytes taken from `data` into `used`. */
wsm_frame_status wsm_frame_read_head(wsm_frame_reader *reader, bool masked, const unsigned char *data, size_t size,
                                     size_t *used, wsm_frame_head *head);

/* Whether a close frame may carry this code (RFC 6455 section 7.4 and the IANA registry). */
bool wsm_close_code_valid(int code);

#endif
