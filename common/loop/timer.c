#include "common/loop/timer.h"

#include <stdlib.h>
#include <uv.h>

#include "common/base/attr.h"
#include "common/loop/wheel.h"

static const uint64_t tick_ns = 10 * 1000 * 1000;
static const uint64_t delay_max_ms = UINT64_C(36) * 3600 * 1000;

struct timers {
    struct wheel wheel;
    uv_timer_t uv;
    uint64_t origin_ns;  /* when tick 0 was */
    uint64_t armed_tick; /* what `uv` waits for; WHEEL_NEVER: it is stopped */
    bool firing;         /* on_wake() arms when it is through */
};

static void on_wake(uv_timer_t *);

/*
 * uv_now() is the time the loop's turn began: counted from there, a timer set late in a long turn would fire early.
 * uv_hrtime() is the time.
 */
static uint64_t age_ns(const struct timers *timers)
{
    return uv_hrtime() - timers->origin_ns;
}

/* libuv counts the timeout from uv_now(), which may lag; so the timeout is what lies between that and the tick. */
static void arm(struct timers *timers)
{
    uint64_t next = wheel_next(&timers->wheel);
    if (next == timers->armed_tick || timers->firing)
        return;
    timers->armed_tick = next;
    if (next == WHEEL_NEVER) {
        uv_timer_stop(&timers->uv);
        return;
    }
    uint64_t at_ms = (timers->origin_ns + next * tick_ns + 999999) / 1000000, now_ms = uv_now(timers->uv.loop);
    /* Never 0: libuv before 1.45 runs a timer that is set to 0 in its own callback for ever. */
    uv_timer_start(&timers->uv, on_wake, at_ms > now_ms ? at_ms - now_ms : 1, 0);
}

static void on_wake(uv_timer_t *uv)
{
    struct timers *timers = CONTAINER_OF(uv, struct timers, uv);
    timers->armed_tick = WHEEL_NEVER;
    timers->firing = true;
    wheel_advance(&timers->wheel, age_ns(timers) / tick_ns);
    timers->firing = false;
    if (!uv_is_closing((uv_handle_t *)uv))
        arm(timers);
}

static void on_closed(uv_handle_t *uv)
{
    free(CONTAINER_OF((uv_timer_t *)uv, struct timers, uv));
}

struct timers *timers_create(struct uv_loop_s *loop)
{
    struct timers *timers = calloc(1, sizeof *timers);
    if (!timers || uv_timer_init(loop, &timers->uv) != 0)
        abort();
    timers->origin_ns = uv_hrtime();
    timers->armed_tick = WHEEL_NEVER;
    return timers;
}

void timers_destroy(struct timers *timers)
{
    if (!timers)
        return;
    wheel_clear(&timers->wheel);
    uv_close((uv_handle_t *)&timers->uv, on_closed);
}

void timer_set(struct timers *timers, struct timer *t, uint64_t delay_ms, timer_fn *on_fire)
{
    uint64_t age = age_ns(timers);
    if (delay_ms > delay_max_ms)
        delay_ms = delay_max_ms;
    uint64_t due_tick = (age + delay_ms * 1000000 + tick_ns - 1) / tick_ns;
    if (timer_is_set(t))
        wheel_remove(&t->timers->wheel, t);
    t->timers = timers;
    t->on_fire = on_fire;
    t->due_tick = due_tick;
    wheel_skip(&timers->wheel, age / tick_ns);
    wheel_put(&timers->wheel, t);
    /* If what was armed for has gone, one wake-up is in vain: cheaper than arming anew at each set and cancel. */
    if (wheel_next(&timers->wheel) < timers->armed_tick)
        arm(timers);
}

void timer_cancel(struct timer *t)
{
    if (!timer_is_set(t))
        return;
    wheel_remove(&t->timers->wheel, t);
    if (wheel_next(&t->timers->wheel) == WHEEL_NEVER)
        arm(t->timers);
}
