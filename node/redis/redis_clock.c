#include "node/redis/redis_clock.h"

void redis_clock_heard(struct redis_clock *clock, uint64_t redis_ms, uint64_t asked_ms, uint64_t answered_ms)
{
    int64_t most = (int64_t)redis_ms - (int64_t)asked_ms;
    int64_t least = (int64_t)redis_ms - (int64_t)answered_ms;
    if (!clock->is_known || clock->ahead_ms > most)
        clock->ahead_ms = most;
    else if (clock->ahead_ms < least)
        clock->ahead_ms = least;
    clock->is_known = true;
}

uint64_t redis_clock_at(const struct redis_clock *clock, uint64_t steady_ms)
{
    return clock->is_known ? (uint64_t)((int64_t)steady_ms + clock->ahead_ms) : 0;
}
