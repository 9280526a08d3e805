#include "message.h"

int wsm_message_begin_frame(wsm_message *message, uint8_t opcode, uint64_t length, size_t limit) {
    if ((opcode == WSM_OP_CONTINUATION) != message->started) return WSM_CLOSE_PROTOCOL_ERROR;
    if (!message->started) {
        message->text = opcode == WSM_OP_TEXT;
        message->utf8 = (wsm_utf8){0};
    }
    if (limit && (message->body.size > limit || length > limit - message->body.size)) return WSM_CLOSE_TOO_BIG;
    return 0;
}

int wsm_message_append(wsm_message *message, const unsigned char *data, size_t size) {
    if (message->text && !wsm_utf8_feed(&message->utf8, data, size)) return WSM_CLOSE_INVALID_PAYLOAD;
    return wsm_bytes_append(&message->body, data, size) ? 0 : WSM_CLOSE_INTERNAL_ERROR;
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
