#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* Sets what may follow a lead byte; false for a byte that starts no character. */
static bool begin(wsm_utf8 *utf8, unsigned char lead) {
    utf8->low = 0x80;
    utf8->high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
        utf8->pending = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        utf8->pending = 2;
        if (lead == 0xe0) utf8->low = 0xa0;  /* no overlong forms */
        if (lead == 0xed) utf8->high = 0x9f; /* no surrogates */
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        utf8->pending = 3;
        if (lead == 0xf0) utf8->low = 0x90;
        if (lead == 0xf4) utf8->high = 0x8f; /* nothing above U+10FFFF */
    } else {
        return false;
    }
    return true;
}

bool wsm_utf8_feed(wsm_utf8 *utf8, const unsigned char *text, size_t size) {
    size_t i = 0;
    while (i < size) {
        if (utf8->pending) {
            if (text[i] < utf8->low || text[i] > utf8->high) return false;
            utf8->low = 0x80;
            utf8->high = 0xbf;
            utf8->pending--;
            i++;
            continue;
        }
        /* Plain ASCII, the common case, eight bytes at a time. */
        uint64_t eight;
        while (size - i >= sizeof eight) {
            memcpy(&eight, text + i, sizeof eight);
            if (eight & UINT64_C(0x8080808080808080)) break;
            i += sizeof eight;
        }
        if (i == size) break;
        if (text[i] >= 0x80 && !begin(utf8, text[i])) return false;
        i++;
    }
    return true;
}

bool wsm_utf8_valid(const void *text, size_t size) {
    wsm_utf8 utf8 = {0};
    return wsm_utf8_feed(&utf8, text, size) && wsm_utf8_complete(&utf8);
}

size_t wsm_utf8_cut(const char *text, size_t size, size_t limit) {
    if (size <= limit) return size;
    while (limit > 0 && ((unsigned char)text[limit] & 0xc0) == 0x80) limit--;
    return limit;
}
