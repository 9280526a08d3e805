/* What the libFuzzer targets share. */
#ifndef WSM_FUZZ_H
#define WSM_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/upgrade.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reports what is wrong; libFuzzer keeps the input. `detail` may be NULL. */
static inline void found(const char *what, const char *detail) {
    fprintf(stderr, "FOUND: %s%s%s\n", what, detail ? ": " : "", detail ? detail : "");
    abort();
}

/* Where the head ends, which must not depend on the pieces it comes in. */
static inline size_t head_in_pieces(const uint8_t *data, size_t size, unsigned choice) {
    size_t whole = wsm_upgrade_head_size(data, size, 0), piece = 1 + size / (1 + choice % 32u), stepwise = 0;
    for (size_t have = 0; have < size && !stepwise;) {
        size_t seen = have;
        have = size - have < piece ? size : have + piece;
        unsigned char *part = malloc(have);
        memcpy(part, data, have);
        stepwise = wsm_upgrade_head_size(part, have, seen);
        free(part);
    }
    if (whole != stepwise) found("the end of the head depends on the pieces", NULL);
    return whole;
}

#endif
