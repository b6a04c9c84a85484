/**
 * Randomness: from the kernel for what must not be guessed, from a small generator for what must only spread.
 */
#ifndef COMMON_BASE_RANDOM_H
#define COMMON_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** getrandom(2); aborts if the kernel has none. */
void random_bytes(void *, size_t);
/** Evenly from 0 to below - 1 (0 if `below` is 0): jitter and back-off, never a secret. */
uint64_t random_below(uint64_t below);

#endif
