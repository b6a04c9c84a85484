/**
 * What Redis's clock shows, as this node can tell: so that things asked at several nodes can be put in the order in which they were asked, whenever Redis gets
 * to hear of them, and however wrong the nodes' own clocks are.
 *
 * Each answer that carries Redis's time was given between the question and its arrival, which bounds the distance of the two clocks from both sides. The
 * estimate is the upper bound (what it says is never too early), and moves only as far as a new answer makes it. All times are in microseconds.
 */
#ifndef NODE_REDIS_REDIS_CLOCK_H
#define NODE_REDIS_REDIS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct redis_clock {
    bool is_known;
    int64_t ahead_us; /* of the steady clock */
};

/** Redis said `redis_us` in an answer that was asked for and came at these times of the steady clock. */
void redis_clock_heard(struct redis_clock *, uint64_t redis_us, uint64_t asked_us, uint64_t answered_us);
/** Redis's time at that time of the steady clock. 0: not known yet. */
uint64_t redis_clock_at(const struct redis_clock *, uint64_t steady_us);

#endif
