#include "common/base/bucket.h"

static uint64_t full(const struct bucket_limit *limit)
{
    return limit->burst > UINT64_MAX / 1000 ? UINT64_MAX : limit->burst * 1000;
}

/* One unit a second is one thousandth a millisecond: the rate needs no division, and nothing is lost by rounding. */
static void fill(struct bucket *b, const struct bucket_limit *limit, uint64_t now_ms)
{
    if (now_ms <= b->filled_ms)
        return;
    uint64_t elapsed = now_ms - b->filled_ms, top = full(limit), gain;
    if (__builtin_mul_overflow(elapsed, limit->rate_per_s, &gain) || gain > top - b->level_milli)
        gain = top - b->level_milli;
    b->level_milli += gain;
    b->filled_ms = now_ms;
}

void bucket_init(struct bucket *b, const struct bucket_limit *limit, uint64_t now_ms)
{
    *b = (struct bucket){.level_milli = full(limit), .filled_ms = now_ms};
}

uint64_t bucket_take(struct bucket *b, const struct bucket_limit *limit, uint64_t amount, uint64_t now_ms)
{
    if (limit->rate_per_s == 0)
        return 0;
    uint64_t top = full(limit);
    if (b->level_milli > top) /* the limit was lowered meanwhile */
        b->level_milli = top;
    fill(b, limit, now_ms);
    uint64_t price = amount > limit->burst ? top : amount * 1000;
    if (price <= b->level_milli) {
        b->level_milli -= price;
        return 0;
    }
    uint64_t missing = price - b->level_milli;
    return missing / limit->rate_per_s + (missing % limit->rate_per_s != 0);
}
