/**
 * The two clocks. Durations come from the steady one, which never jumps; the wall clock is for tokens' `exp` and for people.
 * Shared state knows neither: there time is Redis's.
 */
#ifndef COMMON_BASE_CLOCK_H
#define COMMON_BASE_CLOCK_H

#include <stdint.h>

/** Milliseconds since some moment; CLOCK_MONOTONIC. */
uint64_t clock_steady_ms(void);
uint64_t clock_steady_us(void);
/** Milliseconds since 1970. */
uint64_t clock_wall_ms(void);

#endif
