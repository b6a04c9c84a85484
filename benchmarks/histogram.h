/**
 * Durations in microseconds, sorted into buckets that are 1.6 % wide: any percentile of any number of them in fixed memory.
 */
#ifndef BENCHMARKS_HISTOGRAM_H
#define BENCHMARKS_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_POWERS = 32 };

struct histogram {
    uint64_t count, max;
    uint64_t bucket[HISTOGRAM_POWERS][HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *, uint64_t us);
/** The upper bound of the bucket below which `share` (0 to 1) of the values lie; 0 when there are none. */
uint64_t histogram_at(const struct histogram *, double share);

#endif
