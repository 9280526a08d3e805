#include "frame.h"

#include <string.h>

size_t wsm_frame_write_head(unsigned char *out, wsm_opcode opcode, uint64_t length, const uint8_t mask[4]) {
    size_t size = 2;
    out[0] = (unsigned char)(0x80 | opcode);
    if (length <= 125) {
        out[1] = (unsigned char)length;
    } else if (length <= 0xffff) {
        out[1] = 126;
        out[2] = (unsigned char)(length >> 8);
        out[3] = (unsigned char)length;
        size = 4;
    } else {
        out[1] = 127;
        for (int i = 0; i < 8; i++) out[2 + i] = (unsigned char)(length >> (56 - 8 * i));
        size = 10;
    }
    if (mask) {
        out[1] |= 0x80;
        memcpy(out + size, mask, 4);
        size += 4;
    }
    return size;
}

/* Lets the compiler use whatever wide registers the processor is sure to have. */
typedef uint64_t block __attribute__((vector_size(32)));

void wsm_frame_mask(unsigned char *out, const unsigned char *in, size_t size, const uint8_t mask[4], uint64_t offset) {
    uint32_t four;
    uint8_t turned[4];
    memcpy(turned, mask, sizeof turned);
    for (unsigned i = 0; (offset & 3) && i < 4; i++) turned[i] = mask[(offset + i) & 3];
    memcpy(&four, turned, sizeof four);
    uint64_t eight, wide = (uint64_t)four << 32 | four;
    block many, all = {wide, wide, wide, wide};
    size_t i = 0;
    for (; size - i >= sizeof many; i += sizeof many) {
        memcpy(&many, in + i, sizeof many);
        many ^= all;
        memcpy(out + i, &many, sizeof many);
    }
    for (; size - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, in + i, sizeof eight);
        eight ^= wide;
        memcpy(out + i, &eight, sizeof eight);
    }
    for (unsigned j = 0; i < size; i++, j++) out[i] = in[i] ^ turned[j & 3];
}

/* What the first two bytes must obey, so that a bad frame fails before its length is known. */
static bool start_valid(const uint8_t *bytes, bool masked) {
    uint8_t opcode = bytes[0] & 0x0f, length = bytes[1] & 0x7f;
    if (bytes[0] & 0x70) return false; /* no extension was agreed on */
    if ((opcode > WSM_OP_BINARY && opcode < WSM_OP_CLOSE) || opcode > WSM_OP_PONG) return false;
    if (opcode >= WSM_OP_CLOSE && (length > WSM_CONTROL_MAX || !(bytes[0] & 0x80))) return false;
    return !(bytes[1] & 0x80) == !masked;
}

static size_t head_size(const uint8_t *bytes) {
    uint8_t length = bytes[1] & 0x7f;
    return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + (bytes[1] & 0x80 ? 4u : 0u);
}

static bool decode(const uint8_t *bytes, wsm_frame_head *head) {
    unsigned width = (bytes[1] & 0x7f) == 126 ? 2 : (bytes[1] & 0x7f) == 127 ? 8 : 0;
    head->fin = bytes[0] & 0x80;
    head->opcode = bytes[0] & 0x0f;
    head->masked = bytes[1] & 0x80;
    head->length = width ? 0 : bytes[1] & 0x7f;
    for (unsigned i = 0; i < width; i++) head->length = head->length << 8 | bytes[2 + i];
    if (head->masked) memcpy(head->mask, bytes + 2 + width, 4);
    /* The shortest form is required, and the top bit must be clear. */
    return !(width == 2 && head->length <= 125) && !(width == 8 && (head->length <= 0xffff || head->length >> 63));
}

wsm_frame_status wsm_frame_read_head(wsm_frame_reader *reader, bool masked, const unsigned char *data, size_t size,
                                     size_t *used, wsm_frame_head *head) {
    const uint8_t *bytes = data;
    size_t taken = 0;
    *used = 0;
    if (reader->have || size < WSM_FRAME_HEAD_MAX) {
        bytes = reader->bytes;
        while (reader->have < 2 || reader->have < head_size(bytes)) {
            if (reader->have == 2 && !start_valid(bytes, masked)) return WSM_FRAME_INVALID;
            if (taken == size) {
                *used = taken;
                return WSM_FRAME_MORE;
            }
            reader->bytes[reader->have++] = data[taken++];
        }
    } else {
        taken = head_size(bytes);
    }
    if (!start_valid(bytes, masked) || !decode(bytes, head)) return WSM_FRAME_INVALID;
    reader->have = 0;
    *used = taken;
    return WSM_FRAME_READY;
}

bool wsm_close_code_valid(int code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}
