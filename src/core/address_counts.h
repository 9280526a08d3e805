/* How many connections each remote address has. An IPv4 address counts as it is, an IPv6 address by its first 64 bits,
 * which is what one customer has; but on the link and in private networks, where many share those, as it is. */
#ifndef WSM_ADDRESS_COUNTS_H
#define WSM_ADDRESS_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connection.h"

/* Zero-initialised is empty. */
typedef struct wsm_address_counts {
    struct wsm_address_count *slots;
    size_t capacity, used;
    uint64_t seed; /* so that nobody can choose addresses that collide */
} wsm_address_counts;

size_t wsm_address_counts_get(const wsm_address_counts *counts, const wsm_address *address);
/* False without memory. */
bool wsm_address_counts_add(wsm_address_counts *counts, const wsm_address *address);
/* Nothing happens if there is none. */
void wsm_address_counts_remove(wsm_address_counts *counts, const wsm_address *address);
void wsm_address_counts_release(wsm_address_counts *counts);

#endif
