#include "node/redis/redis_clock.h"

void redis_clock_heard(struct redis_clock *clock, uint64_t redis_us, uint64_t asked_us, uint64_t answered_us)
{
    int64_t most = (int64_t)redis_us - (int64_t)asked_us;
    int64_t least = (int64_t)redis_us - (int64_t)answered_us;
    if (!clock->is_known || clock->ahead_us > most)
        clock->ahead_us = most;
    else if (clock->ahead_us < least)
        clock->ahead_us = least;
    clock->is_known = true;
}

uint64_t redis_clock_at(const struct redis_clock *clock, uint64_t steady_us)
{
    return clock->is_known ? (uint64_t)((int64_t)steady_us + clock->ahead_us) : 0;
}
