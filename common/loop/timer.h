/**
 * Timers for many sockets: a hierarchical timing wheel (Varghese & Lauck, 1987) on one uv_timer.
 *
 * Setting and cancelling cost O(1) however many there are; libwebsockets' own list costs O(n) and libuv's heap O(log n).
 * A timer fires once, at its time or up to one tick (10 ms) later, never early, from the loop. When nothing is set, nothing wakes up.
 * Longest delay: 36 hours; longer ones are cut to that.
 */
#ifndef COMMON_LOOP_TIMER_H
#define COMMON_LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct uv_loop_s;
struct timers;
struct timer;

typedef void timer_fn(struct timer *);

/**
 * Embed it in the object that waits and find that again with CONTAINER_OF. Zeroed memory is a timer that is not set.
 * The object's owner cancels it before freeing the object.
 */
struct timer {
    struct timer *next;
    struct timer **pprev; /* NULL: not set */
    uint64_t due_tick;
    timer_fn *on_fire;
    struct timers *timers;
};

/** The wheel of one loop. Aborts when memory is out. */
struct timers *timers_create(struct uv_loop_s *);
/** Forgets all timers that are set; run the loop once more afterwards so that libuv can close its handle. NULL is fine. */
void timers_destroy(struct timers *);

/** Sets, or sets anew. `on_fire` may set it again or free the object that holds it. */
void timer_set(struct timers *, struct timer *, uint64_t delay_ms, timer_fn *on_fire);
/**
 * Sets it for the end of this turn of the loop, when its input is done and before it sleeps: for what is worth collecting over a turn. Those who were set first
 * fire first; one that is set while they fire does so behind them, in the same turn. Not from a uv_prepare_t of your own.
 */
void timer_set_turn_end(struct timers *, struct timer *, timer_fn *on_fire);
/** Fine if it is not set. */
void timer_cancel(struct timer *);
/**
 * In its on_fire: how long ago the tick was that it fires for. An idle loop is up to two milliseconds late, as it sleeps in whole ones; what timer_set() rounds
 * up is not counted. Not for one of the turn's end, and not after it was set again.
 */
uint64_t timer_late_us(const struct timer *);

static inline bool timer_is_set(const struct timer *t)
{
    return t->pprev != 0;
}

#endif
