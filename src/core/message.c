#include "message.h"

#include <string.h>

int wsm_message_begin_frame(wsm_message *message, uint8_t opcode, uint64_t length, size_t limit) {
    if ((opcode == WSM_OP_CONTINUATION) != message->started) return WSM_CLOSE_PROTOCOL_ERROR;
    if (!message->started) {
        message->text = opcode == WSM_OP_TEXT;
        message->utf8 = (wsm_utf8){0};
    }
    if (limit && (message->body.size > limit || length > limit - message->body.size)) return WSM_CLOSE_TOO_BIG;
    return 0;
}

/* Room that is made for what a frame has announced but not sent yet: no more, so that it costs a stranger something. */
enum { FORESEEN = 128 * 1024 };

int wsm_message_append(wsm_message *message, const unsigned char *data, size_t size, const uint8_t *mask,
                       uint64_t offset, uint64_t rest) {
    wsm_bytes *body = &message->body;
    if (!size) return 0;
    if (!wsm_bytes_reserve(body, size + (size_t)(rest < FORESEEN ? rest : FORESEEN))) return WSM_CLOSE_INTERNAL_ERROR;
    unsigned char *to = body->data + body->size;
    if (mask)
        wsm_frame_mask(to, data, size, mask, offset);
    else
        memcpy(to, data, size);
    body->size += size;
    return message->text && !wsm_utf8_feed(&message->utf8, to, size) ? WSM_CLOSE_INVALID_PAYLOAD : 0;
}

int wsm_message_end_frame(wsm_message *message, bool fin) {
    message->started = !fin;
    if (fin && message->text && !wsm_utf8_complete(&message->utf8)) return WSM_CLOSE_INVALID_PAYLOAD;
    return 0;
}

void wsm_message_reset(wsm_message *message) {
    wsm_bytes_release(&message->body);
    *message = (wsm_message){0};
}
