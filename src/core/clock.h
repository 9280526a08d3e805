/* The monotonic clock that every deadline uses. */
#ifndef WSM_CLOCK_H
#define WSM_CLOCK_H

#include <stdint.h>

/* Milliseconds since some fixed moment; never goes back. */
int64_t wsm_clock_ms(void);
/* The same in microseconds. */
int64_t wsm_clock_us(void);

#endif
