#include "variant.h"

#include <string.h>

#include "utf8.h"

/* ---- reading ---- */

static const unsigned char *take(wsm_reader *reader, size_t size) {
    const unsigned char *data = reader->at;
    if (size > reader->left) return NULL;
    reader->at += size;
    reader->left -= size;
    return data;
}

static uint32_t get_u32(const unsigned char *b) {
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

wsm_error wsm_read_u32(wsm_reader *reader, uint32_t *value) {
    const unsigned char *data = take(reader, 4);
    if (!data) return WSM_ERR_INVALID_DATA;
    *value = get_u32(data);
    return WSM_OK;
}

wsm_error wsm_read_u64(wsm_reader *reader, uint64_t *value) {
    const unsigned char *data = take(reader, 8);
    if (!data) return WSM_ERR_INVALID_DATA;
    *value = (uint64_t)get_u32(data) | (uint64_t)get_u32(data + 4) << 32;
    return WSM_OK;
}

wsm_error wsm_read_float(wsm_reader *reader, bool wide, double *value) {
    uint64_t bits;
    uint32_t half;
    float single;
    if (wide) {
        wsm_error error = wsm_read_u64(reader, &bits);
        if (!error) memcpy(value, &bits, sizeof bits);
        return error;
    }
    wsm_error error = wsm_read_u32(reader, &half);
    if (error) return error;
    memcpy(&single, &half, sizeof half);
    *value = (double)single;
    return WSM_OK;
}

wsm_error wsm_read_count(wsm_reader *reader, size_t element_size, size_t *count) {
    uint32_t value;
    wsm_reader before = *reader;
    wsm_error error = wsm_read_u32(reader, &value);
    if (!error && (value > INT32_MAX || value > reader->left / element_size)) error = WSM_ERR_INVALID_DATA;
    if (error) {
        *reader = before;
        return error;
    }
    *count = value;
    return WSM_OK;
}

static size_t padding(size_t size) { return (4 - size % 4) % 4; }

wsm_error wsm_read_text(wsm_reader *reader, const char **text, size_t *size) {
    static const char mark[] = "\xEF\xBB\xBF";
    uint32_t length;
    wsm_error error = wsm_read_u32(reader, &length);
    if (error) return error;
    const char *data = length > INT32_MAX ? NULL : (const char *)take(reader, length + padding(length));
    if (!data) return WSM_ERR_FILE_EOF;
    const char *end = length ? memchr(data, '\0', length) : NULL;
    size_t used = end ? (size_t)(end - data) : length;
    if (used >= 3 && !memcmp(data, mark, 3)) {
        data += 3;
        used -= 3;
    }
    if (!wsm_utf8_valid(data, used)) return WSM_ERR_INVALID_DATA;
    *text = data;
    *size = used;
    return WSM_OK;
}

wsm_error wsm_read_padded(wsm_reader *reader, size_t size, const unsigned char **data) {
    *data = take(reader, size);
    if (!*data) return WSM_ERR_INVALID_DATA;
    size_t pad = padding(size);
    take(reader, pad < reader->left ? pad : reader->left);
    return WSM_OK;
}

/* Type and, in the upper two bits, a flag or a width. */
enum { SHORT_TYPE = 0x3f, SHORT_WIDTH_SHIFT = 6, SHORT_TRUE = 0x80 };

wsm_error wsm_read_short(wsm_reader *reader, wsm_variant_type *type, int64_t *value) {
    if (!reader->left) return WSM_ERR_INVALID_DATA;
    unsigned char head = *reader->at;
    *type = WSM_NIL;
    if ((head & SHORT_TYPE) == WSM_BOOL) {
        take(reader, 1);
        *type = WSM_BOOL;
        *value = head & SHORT_TRUE ? 1 : 0;
    } else if ((head & SHORT_TYPE) == WSM_INT) {
        size_t width = (size_t)1 << (head >> SHORT_WIDTH_SHIFT);
        const unsigned char *data = take(reader, 1 + width);
        if (!data) return WSM_ERR_INVALID_DATA;
        uint64_t bits = 0;
        for (size_t i = 0; i < width; i++) bits |= (uint64_t)data[1 + i] << (8 * i);
        *type = WSM_INT;
        *value = width == 1 ? (int8_t)bits : width == 2 ? (int16_t)bits : width == 4 ? (int32_t)bits : (int64_t)bits;
    }
    return WSM_OK;
}

/* ---- writing ---- */

static void put_u32(unsigned char *b, uint32_t value) {
    b[0] = (unsigned char)value;
    b[1] = (unsigned char)(value >> 8);
    b[2] = (unsigned char)(value >> 16);
    b[3] = (unsigned char)(value >> 24);
}

bool wsm_write_u32(wsm_bytes *out, uint32_t value) {
    if (!wsm_bytes_reserve(out, 4)) return false;
    put_u32(out->data + out->size, value);
    out->size += 4;
    return true;
}

bool wsm_write_u64(wsm_bytes *out, uint64_t value) {
    return wsm_write_u32(out, (uint32_t)value) && wsm_write_u32(out, (uint32_t)(value >> 32));
}

bool wsm_write_f32(wsm_bytes *out, double value) {
    float single = (float)value;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    return wsm_write_u32(out, bits);
}

bool wsm_write_f64(wsm_bytes *out, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return wsm_write_u64(out, bits);
}

bool wsm_write_padding(wsm_bytes *out, size_t size) { return wsm_bytes_append(out, "\0\0\0", padding(size)); }

bool wsm_write_text(wsm_bytes *out, const char *text, size_t size, bool terminated) {
    size_t length = size + (terminated ? 1 : 0);
    return length <= INT32_MAX && wsm_write_u32(out, (uint32_t)length) && wsm_bytes_append(out, text, size) &&
           (!terminated || wsm_bytes_append(out, "", 1)) && wsm_write_padding(out, length);
}

wsm_error wsm_write_string(wsm_bytes *out, const char *text, size_t size) {
    if (size > INT32_MAX || !wsm_bytes_reserve(out, size + 11)) return WSM_ERR_OUT_OF_MEMORY;
    unsigned char *at = out->data + out->size + 8, odd = 0;
    /* Copied and looked at in one go: what is ASCII without a NUL needs no closer look. */
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        at[i] = c;
        odd |= (unsigned char)(c | (unsigned char)(c - 1)); /* the top bit: NUL, or not ASCII */
    }
    if (odd & 0x80 && (memchr(text, '\0', size) || !wsm_utf8_valid(text, size))) return WSM_ERR_INVALID_DATA;
    put_u32(out->data + out->size, WSM_STRING);
    put_u32(out->data + out->size + 4, (uint32_t)size);
    memset(at + size, 0, 3);
    out->size += 8 + size + padding(size);
    return WSM_OK;
}

bool wsm_write_int(wsm_bytes *out, int64_t value) {
    if (value >= INT32_MIN && value <= INT32_MAX)
        return wsm_write_u32(out, WSM_INT) && wsm_write_u32(out, (uint32_t)(int32_t)value);
    return wsm_write_u32(out, WSM_INT | WSM_VARIANT_WIDE) && wsm_write_u64(out, (uint64_t)value);
}

bool wsm_write_float(wsm_bytes *out, double value) {
    if ((double)(float)value == value) return wsm_write_u32(out, WSM_FLOAT) && wsm_write_f32(out, value);
    return wsm_write_u32(out, WSM_FLOAT | WSM_VARIANT_WIDE) && wsm_write_f64(out, value);
}

void wsm_shorten(wsm_bytes *out, size_t offset) {
    wsm_reader reader = {out->data + offset, out->size - offset};
    uint32_t header, low;
    uint64_t bits;
    unsigned char *at = out->data + offset;
    if (wsm_read_u32(&reader, &header)) return;
    if ((header & 0xff) == WSM_BOOL) {
        if (wsm_read_u32(&reader, &low)) return;
        *at = (unsigned char)(WSM_BOOL | (low ? SHORT_TRUE : 0));
        out->size = offset + 1;
    } else if ((header & 0xff) == WSM_INT) {
        if (header & WSM_VARIANT_WIDE) {
            if (wsm_read_u64(&reader, &bits)) return;
        } else {
            if (wsm_read_u32(&reader, &low)) return;
            bits = (uint64_t)(int64_t)(int32_t)low;
        }
        int64_t value = (int64_t)bits;
        unsigned mode = value >= INT8_MIN && value <= INT8_MAX     ? 0
                        : value >= INT16_MIN && value <= INT16_MAX ? 1
                        : value >= INT32_MIN && value <= INT32_MAX ? 2
                                                                   : 3;
        *at++ = (unsigned char)(WSM_INT | mode << SHORT_WIDTH_SHIFT);
        for (unsigned i = 0; i < 1u << mode; i++) *at++ = (unsigned char)(bits >> (8 * i));
        out->size = offset + 1 + (1u << mode);
    }
}

void wsm_patch_u32(wsm_bytes *out, size_t offset, uint32_t value) { put_u32(out->data + offset, value); }
