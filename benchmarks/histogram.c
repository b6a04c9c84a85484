#include "benchmarks/histogram.h"

/* Values below 64 have a bucket each; above, 64 buckets for each doubling. */

static unsigned power_of(uint64_t us)
{
    unsigned power = 0;
    while (us >> power >= HISTOGRAM_STEPS)
        power++;
    return power;
}

void histogram_add(struct histogram *h, uint64_t us)
{
    unsigned power = power_of(us);
    if (power >= HISTOGRAM_POWERS) {
        power = HISTOGRAM_POWERS - 1;
        us = (uint64_t)(HISTOGRAM_STEPS - 1) << power;
    }
    h->bucket[power][us >> power]++;
    h->count++;
    if (us > h->max)
        h->max = us;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
    uint64_t seen = 0;
    for (unsigned power = 0; power < HISTOGRAM_POWERS; power++) {
        for (uint64_t step = 0; step < HISTOGRAM_STEPS; step++) {
            seen += h->bucket[power][step];
            if (seen > 0 && (double)seen >= share * (double)h->count) {
                uint64_t bound = ((step + 1) << power) - 1;
                return bound < h->max ? bound : h->max;
            }
        }
    }
    return 0;
}
