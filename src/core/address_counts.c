#include "address_counts.h"

#include "memory.h"
#include "random.h"

typedef struct wsm_address_count {
    uint64_t high, low; /* the address */
    size_t count;       /* 0: a free slot */
} wsm_address_count;

static uint64_t big_endian(const uint8_t *bytes, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++) value = value << 8 | bytes[i];
    return value;
}

static wsm_address_count key_of(const wsm_address *address) {
    wsm_address_count key = {0};
    if (address->size == 4) {
        key.low = UINT64_C(1) << 32 | big_endian(address->bytes, 4);
    } else {
        const uint8_t *b = address->bytes;
        bool shared = (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || (b[0] & 0xfe) == 0xfc;
        key.high = big_endian(b, 8);
        if (shared) key.low = big_endian(b + 8, 8);
    }
    return key;
}

static size_t home(const wsm_address_counts *counts, const wsm_address_count *key) {
    uint64_t x = key->high ^ counts->seed;
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93) + key->low;
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return (size_t)(x >> 32 ^ x) & (counts->capacity - 1);
}

static size_t find(const wsm_address_counts *counts, const wsm_address_count *key) {
    size_t at = home(counts, key);
    while (counts->slots[at].count && (counts->slots[at].high != key->high || counts->slots[at].low != key->low))
        at = (at + 1) & (counts->capacity - 1);
    return at;
}

size_t wsm_address_counts_get(const wsm_address_counts *counts, const wsm_address *address) {
    wsm_address_count key = key_of(address);
    return counts->capacity ? counts->slots[find(counts, &key)].count : 0;
}

static bool grow(wsm_address_counts *counts) {
    wsm_address_counts larger = {
        .capacity = counts->capacity ? counts->capacity * 2 : 16, .used = counts->used, .seed = counts->seed};
    wsm_random random = {0};
    if (!counts->capacity && !wsm_random_bytes(&random, &larger.seed, sizeof larger.seed)) return false;
    larger.slots = wsm_alloc_zero(larger.capacity * sizeof *larger.slots);
    if (!larger.slots) return false;
    for (size_t i = 0; i < counts->capacity; i++)
        if (counts->slots[i].count) larger.slots[find(&larger, &counts->slots[i])] = counts->slots[i];
    wsm_free(counts->slots);
    *counts = larger;
    return true;
}

bool wsm_address_counts_add(wsm_address_counts *counts, const wsm_address *address) {
    wsm_address_count key = key_of(address);
    if ((counts->used + 1) * 2 > counts->capacity && !grow(counts)) return false;
    wsm_address_count *slot = &counts->slots[find(counts, &key)];
    if (!slot->count) {
        *slot = key;
        counts->used++;
    }
    slot->count++;
    return true;
}

void wsm_address_counts_remove(wsm_address_counts *counts, const wsm_address *address) {
    wsm_address_count key = key_of(address);
    if (!counts->capacity) return;
    size_t mask = counts->capacity - 1, hole = find(counts, &key);
    if (!counts->slots[hole].count || --counts->slots[hole].count) return;
    counts->used--;
    /* Moves those behind the hole back that would not be found any more. */
    for (size_t at = (hole + 1) & mask; counts->slots[at].count; at = (at + 1) & mask) {
        size_t wanted = home(counts, &counts->slots[at]);
        if (((at - wanted) & mask) >= ((at - hole) & mask)) {
            counts->slots[hole] = counts->slots[at];
            hole = at;
        }
    }
    counts->slots[hole].count = 0;
}

void wsm_address_counts_release(wsm_address_counts *counts) {
    wsm_free(counts->slots);
    *counts = (wsm_address_counts){0};
}
