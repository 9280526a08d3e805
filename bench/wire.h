/* The few pieces of WebSocket (RFC 6455) that the measuring programs share. Not hardened: no part of the product. */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define WIRE_OP_CONT 0x0
#define WIRE_OP_TEXT 0x1
#define WIRE_OP_BIN 0x2
#define WIRE_OP_CLOSE 0x8
#define WIRE_OP_PING 0x9
#define WIRE_OP_PONG 0xA

#define WIRE_MAX_HDR 14 /* 2 + 8 (length) + 4 (mask) */

static inline uint32_t wire_rol(uint32_t v, int n) { return (v << n) | (v >> (32 - n)); }

/* SHA-1 of at most 119 bytes (two blocks): enough for key + GUID (60). */
static inline void wire_sha1_short(const char *msg, size_t len, uint8_t out[20]) {
    uint8_t b[128] = {0};
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    size_t blocks = len + 9 <= 64 ? 1 : 2;
    memcpy(b, msg, len);
    b[len] = 0x80;
    uint64_t bits = (uint64_t)len * 8;
    for (int i = 0; i < 8; i++) b[blocks * 64 - 1 - i] = (uint8_t)(bits >> (8 * i));
    for (size_t k = 0; k < blocks; k++) {
        uint32_t w[80];
        const uint8_t *p = b + k * 64;
        for (int i = 0; i < 16; i++)
            w[i] = (uint32_t)p[i * 4] << 24 | (uint32_t)p[i * 4 + 1] << 16 | (uint32_t)p[i * 4 + 2] << 8 | p[i * 4 + 3];
        for (int i = 16; i < 80; i++) w[i] = wire_rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        uint32_t a = h[0], bb = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 80; i++) {
            uint32_t f, kk;
            if (i < 20) {
                f = (bb & c) | (~bb & d);
                kk = 0x5A827999;
            } else if (i < 40) {
                f = bb ^ c ^ d;
                kk = 0x6ED9EBA1;
            } else if (i < 60) {
                f = (bb & c) | (bb & d) | (c & d);
                kk = 0x8F1BBCDC;
            } else {
                f = bb ^ c ^ d;
                kk = 0xCA62C1D6;
            }
            uint32_t t = wire_rol(a, 5) + f + e + kk + w[i];
            e = d;
            d = c;
            c = wire_rol(bb, 30);
            bb = a;
            a = t;
        }
        h[0] += a;
        h[1] += bb;
        h[2] += c;
        h[3] += d;
        h[4] += e;
    }
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 4; j++) out[i * 4 + j] = (uint8_t)(h[i] >> (24 - 8 * j));
}

/* base64 with padding and a terminating NUL; returns the length. */
static inline size_t wire_b64(const uint8_t *in, size_t n, char *out) {
    static const char t[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t o = 0;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (i + 1 < n ? in[i + 1] << 8 : 0) | (i + 2 < n ? in[i + 2] : 0);
        out[o++] = t[v >> 18];
        out[o++] = t[v >> 12 & 63];
        out[o++] = i + 1 < n ? t[v >> 6 & 63] : '=';
        out[o++] = i + 2 < n ? t[v & 63] : '=';
    }
    out[o] = 0;
    return o;
}

/* Sec-WebSocket-Accept (28 characters + NUL) for a 24-character key. */
static inline void wire_accept(const char *key24, char out[29]) {
    char buf[24 + 36];
    uint8_t dig[20];
    memcpy(buf, key24, 24);
    memcpy(buf + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    wire_sha1_short(buf, 60, dig);
    wire_b64(dig, 20, out);
}

/* Finds a header's value in a complete HTTP head; NULL when absent. */
static inline const char *wire_header(const char *head, const char *name) {
    size_t nl = strlen(name);
    for (const char *p = strstr(head, "\r\n"); p; p = strstr(p, "\r\n")) {
        p += 2;
        if (!strncasecmp(p, name, nl) && p[nl] == ':') {
            p += nl + 1;
            while (*p == ' ') p++;
            return p;
        }
    }
    return NULL;
}

/* Writes a frame header (FIN set) and returns its length.  mask may be NULL. */
static inline size_t wire_put_header(uint8_t *p, int opcode, uint64_t len, const uint8_t *mask) {
    size_t o = 2;
    uint8_t m = mask ? 0x80 : 0;
    p[0] = (uint8_t)(0x80 | opcode);
    if (len < 126) {
        p[1] = m | (uint8_t)len;
    } else if (len < 65536) {
        p[1] = m | 126;
        p[2] = (uint8_t)(len >> 8);
        p[3] = (uint8_t)len;
        o = 4;
    } else {
        p[1] = m | 127;
        for (int i = 0; i < 8; i++) p[2 + i] = (uint8_t)(len >> (56 - 8 * i));
        o = 10;
    }
    if (mask) {
        memcpy(p + o, mask, 4);
        o += 4;
    }
    return o;
}

static inline size_t wire_header_size(uint64_t len, int masked) {
    return (size_t)(2 + (len < 126 ? 0 : len < 65536 ? 2 : 8) + (masked ? 4 : 0));
}

/* dst = src ^ mask, mask rotated so that payload byte 'phase' comes first. */
static inline void wire_mask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t mask[4], unsigned phase) {
    uint8_t r[8];
    uint64_t m8;
    size_t i = 0;
    for (int k = 0; k < 8; k++) r[k] = mask[(phase + (unsigned)k) & 3];
    memcpy(&m8, r, 8);
    for (; i + 8 <= n; i += 8) {
        uint64_t v;
        memcpy(&v, src + i, 8);
        v ^= m8;
        memcpy(dst + i, &v, 8);
    }
    for (; i < n; i++) dst[i] = src[i] ^ r[i & 7];
}

#endif
