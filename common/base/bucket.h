/**
 * A token bucket: how much of something per second, with a burst. Pure: the caller says what time it is.
 */
#ifndef COMMON_BASE_BUCKET_H
#define COMMON_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
    uint64_t level_milli; /* thousandths of a unit still there */
    uint64_t filled_ms;   /* when it was last filled up */
};

/** What a bucket of its kind may hold; shared by all of them. rate_per_s 0 means no limit. */
struct bucket_limit {
    uint64_t rate_per_s;
    uint64_t burst;
};

/** A full bucket. */
void bucket_init(struct bucket *, const struct bucket_limit *, uint64_t now_ms);
/**
 * Takes `amount`, or takes nothing and says in how many milliseconds it would have worked (at least 1). 0: taken.
 * More than the burst costs the whole burst, so that nothing waits for ever.
 */
uint64_t bucket_take(struct bucket *, const struct bucket_limit *, uint64_t amount, uint64_t now_ms);

#endif
