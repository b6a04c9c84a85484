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
    uv_prepare_t turn_end;
    struct timer *ending, **ending_end; /* what fires at the turn's end, in order */
    unsigned handles;
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
    struct timers *timers = uv->data;
    if (--timers->handles == 0)
        free(timers);
}

/* ---- the turn's end ---- */

static bool is_ending(const struct timer *t)
{
    return t->due_tick == WHEEL_NEVER;
}

static void ending_remove(struct timer *t)
{
    *t->pprev = t->next;
    if (t->next)
        t->next->pprev = t->pprev;
    else
        t->timers->ending_end = t->pprev;
    t->next = NULL;
    t->pprev = NULL;
}

static void on_turn_end(uv_prepare_t *uv)
{
    struct timers *timers = uv->data;
    while (timers->ending) {
        struct timer *t = timers->ending;
        ending_remove(t);
        t->on_fire(t);
    }
    uv_prepare_stop(uv);
}

static void take_out(struct timer *t)
{
    if (is_ending(t))
        ending_remove(t);
    else
        wheel_remove(&t->timers->wheel, t);
}

/* ---- the wheel ---- */

struct timers *timers_create(struct uv_loop_s *loop)
{
    struct timers *timers = calloc(1, sizeof *timers);
    if (!timers || uv_timer_init(loop, &timers->uv) != 0 || uv_prepare_init(loop, &timers->turn_end) != 0)
        abort();
    timers->uv.data = timers->turn_end.data = timers;
    timers->handles = 2;
    timers->ending_end = &timers->ending;
    timers->origin_ns = uv_hrtime();
    timers->armed_tick = WHEEL_NEVER;
    return timers;
}

void timers_destroy(struct timers *timers)
{
    if (!timers)
        return;
    wheel_clear(&timers->wheel);
    while (timers->ending)
        ending_remove(timers->ending);
    uv_close((uv_handle_t *)&timers->turn_end, on_closed);
    uv_close((uv_handle_t *)&timers->uv, on_closed);
}

void timer_set(struct timers *timers, struct timer *t, uint64_t delay_ms, timer_fn *on_fire)
{
    uint64_t age = age_ns(timers);
    if (delay_ms > delay_max_ms)
        delay_ms = delay_max_ms;
    uint64_t due_tick = (age + delay_ms * 1000000 + tick_ns - 1) / tick_ns;
    if (timer_is_set(t))
        take_out(t);
    t->timers = timers;
    t->on_fire = on_fire;
    t->due_tick = due_tick;
    wheel_skip(&timers->wheel, age / tick_ns);
    wheel_put(&timers->wheel, t);
    /* If what was armed for has gone, one wake-up is in vain: cheaper than arming anew at each set and cancel. */
    if (wheel_next(&timers->wheel) < timers->armed_tick)
        arm(timers);
}

void timer_set_turn_end(struct timers *timers, struct timer *t, timer_fn *on_fire)
{
    if (timer_is_set(t))
        take_out(t);
    t->timers = timers;
    t->on_fire = on_fire;
    t->due_tick = WHEEL_NEVER;
    t->pprev = timers->ending_end;
    *timers->ending_end = t;
    timers->ending_end = &t->next;
    uv_prepare_start(&timers->turn_end, on_turn_end); /* no matter if it is */
}

void timer_cancel(struct timer *t)
{
    if (!timer_is_set(t))
        return;
    bool was_ending = is_ending(t);
    take_out(t);
    if (!was_ending && wheel_next(&t->timers->wheel) == WHEEL_NEVER)
        arm(t->timers);
}

uint64_t timer_late_us(const struct timer *t)
{
    uint64_t age = age_ns(t->timers), due = t->due_tick * tick_ns;
    return age > due ? (age - due) / 1000 : 0;
}
