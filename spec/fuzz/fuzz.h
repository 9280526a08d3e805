/* What the libFuzzer targets share. */
#ifndef WSM_FUZZ_H
#define WSM_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reports what is wrong; libFuzzer keeps the input. `detail` may be NULL. */
static inline void found(const char *what, const char *detail) {
    fprintf(stderr, "FOUND: %s%s%s\n", what, detail ? ": " : "", detail ? detail : "");
    abort();
}

#endif
