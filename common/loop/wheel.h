/**
 * The wheel inside timers: pure, driven by ticks that its caller counts. Only timer.c and tests look here.
 *
 * A tick's number is read as digits of six bits. A timer lies at the level of the highest digit in which its tick differs from
 * now, in the slot of its own digit there. So whatever lies at a lower level is due earlier, slots at or before now are empty, and
 * the next thing to do is the first set bit of the lowest level that has one. When now reaches a slot of a higher level, what is
 * in it comes down ("cascades"). Seven levels reach further than any process lives, so nothing ever wraps.
 */
#ifndef COMMON_LOOP_WHEEL_H
#define COMMON_LOOP_WHEEL_H

#include <stdint.h>

#include "common/loop/timer.h"

enum { WHEEL_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_BITS, WHEEL_LEVELS = 7 };

/** What wheel_next() says when nothing is set. */
#define WHEEL_NEVER UINT64_MAX

/** Owns nothing: the timers belong to whoever set them. Zeroed, it is an empty wheel at tick 0. */
struct wheel {
    uint64_t now; /* every tick up to and including this one is done */
    uint64_t occupied[WHEEL_LEVELS];
    struct timer *slots[WHEEL_LEVELS][WHEEL_SLOTS];
    struct timer *firing; /* of the tick that is being done */
};

/** Puts in a timer that is not set; it fires at its due_tick, or at the next tick if that is over. */
void wheel_put(struct wheel *, struct timer *);
/** Takes out a timer that is set. */
void wheel_remove(struct wheel *, struct timer *);
/** The tick at which something is to be done: timers fire or come down a level. */
uint64_t wheel_next(const struct wheel *);
/** Moves now on to `tick`, but not to where something is to be done. */
void wheel_skip(struct wheel *, uint64_t tick);
/** Moves now on to `tick` and fires what is due until then, tick by tick; within a tick in no order. `on_fire` may do all of the above. */
void wheel_advance(struct wheel *, uint64_t tick);
/** Takes out all timers. */
void wheel_clear(struct wheel *);

#endif
