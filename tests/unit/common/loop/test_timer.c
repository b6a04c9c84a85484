#include "common/loop/timer.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdlib.h>
#include <uv.h>

#include "common/base/attr.h"

enum { TICK_MS = 10, NS_PER_MS = 1000000 };

static struct {
    uv_loop_t loop;
    struct timers *timers;
} world;

static void set_up(void)
{
    cr_assert_eq(uv_loop_init(&world.loop), 0);
    world.timers = timers_create(&world.loop);
}

static void tear_down(void)
{
    timers_destroy(world.timers);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&world.loop), 0, "no handle is left behind");
}

TestSuite(timer, .init = set_up, .fini = tear_down, .timeout = 120);

struct probe {
    struct timer timer;
    uint64_t set_ns, fired_ns;
    uint64_t delay_ms;
    uint64_t late_us;
    unsigned fired;
};

static void on_probe(struct timer *t)
{
    struct probe *p = CONTAINER_OF(t, struct probe, timer);
    p->late_us = timer_late_us(t);
    p->fired_ns = uv_hrtime();
    p->fired++;
}

static void set_probe(struct probe *p, uint64_t delay_ms)
{
    p->delay_ms = delay_ms;
    p->set_ns = uv_hrtime();
    timer_set(world.timers, &p->timer, delay_ms, on_probe);
}

static void busy_for_ms(uint64_t ms)
{
    uint64_t end = uv_hrtime() + ms * NS_PER_MS;
    while (uv_hrtime() < end)
        ;
}

Test(timer, fires_once_never_early_and_the_loop_ends)
{
    static struct probe probes[300];
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
        set_probe(&probes[i], i * 7 % 301);
    uv_run(&world.loop, UV_RUN_DEFAULT); /* returns because nothing is set any more */
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        cr_assert_eq(probes[i].fired, 1);
        cr_assert_geq(probes[i].fired_ns - probes[i].set_ns, probes[i].delay_ms * NS_PER_MS, "timer %zu is early", i);
    }
}

Test(timer, fires_within_a_tick)
{
    uint64_t best_ns = UINT64_MAX; /* of several, for this machine may be busy with something else */
    for (uint64_t i = 0; best_ns > (TICK_MS + 1) * NS_PER_MS && i < 2000; i++) {
        struct probe p = {0};
        set_probe(&p, 5 + i % 20);
        uv_run(&world.loop, UV_RUN_DEFAULT);
        uint64_t late_ns = p.fired_ns - p.set_ns - p.delay_ms * NS_PER_MS;
        best_ns = late_ns < best_ns ? late_ns : best_ns;
    }
    cr_assert_leq(best_ns, (TICK_MS + 1) * NS_PER_MS);
}

/* By when it was asked for, the tick's rounding included. */
static uint64_t behind_us(const struct probe *p)
{
    return (p->fired_ns - p->set_ns) / 1000 - p->delay_ms * 1000;
}

Test(timer, what_is_rounded_up_to_a_tick_is_not_late)
{
    struct probe probes[TICK_MS] = {0};
    uint64_t late_us = 0, all_us = 0;
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
        set_probe(&probes[i], 20 + i);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        cr_assert_leq(probes[i].late_us, behind_us(&probes[i]));
        late_us += probes[i].late_us;
        all_us += behind_us(&probes[i]);
    }
    /* Delays of all digits are rounded up by 45 ms together, whenever they were set. */
    cr_assert_geq(all_us - late_us, 30 * 1000);
}

Test(timer, a_loop_that_was_busy_is_late)
{
    struct probe p = {0};
    set_probe(&p, 10);
    busy_for_ms(60);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    cr_assert_geq(p.late_us, (60 - 10 - TICK_MS) * 1000);
    cr_assert_leq(p.late_us, behind_us(&p));
}

Test(timer, a_timer_set_late_in_a_long_turn_is_not_early)
{
    struct probe p = {0};
    uv_update_time(&world.loop);
    busy_for_ms(50);
    set_probe(&p, 30);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    cr_assert_geq(p.fired_ns - p.set_ns, UINT64_C(30) * NS_PER_MS);
}

Test(timer, cancelled_does_not_fire_and_keeps_no_loop_alive)
{
    struct probe p = {0};
    set_probe(&p, 3600 * 1000);
    cr_assert(timer_is_set(&p.timer));
    cr_assert(uv_loop_alive(&world.loop));
    timer_cancel(&p.timer);
    timer_cancel(&p.timer);
    cr_assert_not(timer_is_set(&p.timer));
    cr_assert_not(uv_loop_alive(&world.loop));
    uv_run(&world.loop, UV_RUN_DEFAULT);
    cr_assert_eq(p.fired, 0);
}

Test(timer, set_anew_fires_only_at_the_new_time)
{
    struct probe p = {0}, q = {0};
    set_probe(&p, 10);
    set_probe(&p, 60);
    set_probe(&q, 3600 * 1000);
    set_probe(&q, 10);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    cr_assert_eq(p.fired, 1);
    cr_assert_eq(q.fired, 1);
    cr_assert_geq(p.fired_ns - p.set_ns, UINT64_C(60) * NS_PER_MS);
    cr_assert_lt(q.fired_ns, p.fired_ns);
}

Test(timer, a_nearer_timer_wakes_the_loop_though_a_far_one_was_armed)
{
    struct probe far = {0}, near = {0};
    set_probe(&far, 3600 * 1000);
    set_probe(&near, 20);
    while (near.fired == 0)
        uv_run(&world.loop, UV_RUN_ONCE);
    cr_assert_eq(far.fired, 0);
    timer_cancel(&far.timer);
}

static void on_prepare(uv_prepare_t *prepare)
{
    unsigned *turns = prepare->data;
    ++*turns;
}

Test(timer, an_idle_wheel_wakes_nobody)
{
    uv_prepare_t prepare;
    unsigned turns = 0;
    struct probe far = {0}, near = {0};
    uv_prepare_init(&world.loop, &prepare);
    prepare.data = &turns;
    uv_prepare_start(&prepare, on_prepare);
    set_probe(&far, 3600 * 1000);
    set_probe(&near, 500);
    while (near.fired == 0)
        uv_run(&world.loop, UV_RUN_ONCE);
    /* 50 ticks go by: one turn fires, a few bring timers down a level or find the clock a millisecond short. */
    cr_assert_lt(turns, 10, "%u turns", turns);
    timer_cancel(&far.timer);
    uv_close((uv_handle_t *)&prepare, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
}

static struct probe early, late;

static void on_early(struct timer *t)
{
    on_probe(t);
    timer_set_turn_end(world.timers, &late.timer, on_probe);
}

Test(timer, the_turns_end_comes_before_the_loop_sleeps_and_takes_those_set_meanwhile)
{
    struct probe far = {0}, middle = {0};
    set_probe(&far, 3600 * 1000);
    timer_set_turn_end(world.timers, &early.timer, on_early);
    timer_set_turn_end(world.timers, &middle.timer, on_probe);
    timer_set_turn_end(world.timers, &early.timer, on_early); /* set anew: behind the other */
    uv_run(&world.loop, UV_RUN_NOWAIT);
    cr_expect_eq(early.fired + middle.fired + late.fired, 3);
    cr_expect_leq(middle.fired_ns, early.fired_ns);
    cr_expect_leq(early.fired_ns, late.fired_ns);
    cr_expect_not(timer_is_set(&early.timer) || timer_is_set(&middle.timer) || timer_is_set(&late.timer));
    uv_run(&world.loop, UV_RUN_NOWAIT);
    cr_expect_eq(early.fired + middle.fired + late.fired, 3, "once");
    timer_cancel(&far.timer);
}

Test(timer, the_turns_end_may_be_cancelled_or_put_off)
{
    struct probe first = {0}, second = {0}, third = {0};
    timer_set_turn_end(world.timers, &first.timer, on_probe);
    timer_set_turn_end(world.timers, &second.timer, on_probe);
    timer_set_turn_end(world.timers, &third.timer, on_probe);
    timer_cancel(&third.timer); /* the last: the next stands where it stood */
    timer_set(world.timers, &first.timer, 3600 * 1000, on_probe);
    timer_set_turn_end(world.timers, &third.timer, on_probe);
    timer_cancel(&second.timer);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    cr_expect_eq(first.fired, 0);
    cr_expect_eq(second.fired, 0);
    cr_expect_eq(third.fired, 1);
    timer_set(world.timers, &first.timer, 1, on_probe);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    cr_expect_eq(first.fired, 1);
}

Test(timer, what_waits_for_the_turns_end_is_forgotten_with_the_wheel)
{
    static struct probe p;
    timer_set_turn_end(world.timers, &p.timer, on_probe); /* tear_down() runs the loop */
}

struct repeater {
    struct timer timer;
    uint64_t set_ns;
    unsigned left;
};

static void on_repeat(struct timer *t)
{
    struct repeater *r = CONTAINER_OF(t, struct repeater, timer);
    cr_assert_geq(uv_hrtime(), r->set_ns + 12 * NS_PER_MS);
    if (--r->left == 0)
        return;
    busy_for_ms(r->left); /* the loop's own time falls behind */
    r->set_ns = uv_hrtime();
    timer_set(world.timers, t, 12, on_repeat);
}

Test(timer, on_fire_may_set_it_again)
{
    struct repeater r = {.left = 10, .set_ns = uv_hrtime()};
    timer_set(world.timers, &r.timer, 12, on_repeat);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    cr_assert_eq(r.left, 0);
}

static void on_at_once(struct timer *t)
{
    struct repeater *r = CONTAINER_OF(t, struct repeater, timer);
    if (--r->left > 0)
        timer_set(world.timers, t, 0, on_at_once);
}

static void on_check(uv_check_t *check)
{
    unsigned *turns = check->data;
    ++*turns;
}

Test(timer, set_again_with_no_delay_lets_the_loop_turn)
{
    uv_check_t check;
    unsigned turns = 0;
    struct repeater r = {.left = 10};
    uv_check_init(&world.loop, &check);
    check.data = &turns;
    uv_check_start(&check, on_check);
    timer_set(world.timers, &r.timer, 0, on_at_once);
    while (r.left > 0)
        uv_run(&world.loop, UV_RUN_ONCE);
    cr_assert_geq(turns, 9);
    uv_close((uv_handle_t *)&check, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
}

struct owner {
    struct timer timer;
    struct owner *other;
    unsigned *freed;
};

static void on_free(struct timer *t)
{
    struct owner *o = CONTAINER_OF(t, struct owner, timer);
    unsigned *freed = o->freed;
    timer_cancel(&o->other->timer);
    free(o->other);
    free(o);
    *freed += 2;
}

Test(timer, on_fire_may_free_its_owner_and_others_of_the_same_tick)
{
    unsigned freed = 0;
    for (int i = 0; i < 50; i++) {
        struct owner *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
        *a = (struct owner){.other = b, .freed = &freed};
        *b = (struct owner){.other = a, .freed = &freed};
        timer_set(world.timers, &a->timer, 20, on_free);
        timer_set(world.timers, &b->timer, 20, on_free);
    }
    uv_run(&world.loop, UV_RUN_DEFAULT);
    cr_assert_eq(freed, 100);
}

static void on_destroy(struct timer *t)
{
    on_probe(t);
    timers_destroy(world.timers);
    world.timers = NULL;
}

Test(timer, destroy_forgets_what_is_set_even_from_on_fire)
{
    struct probe first = {0}, same = {0}, later = {0};
    set_probe(&later, 40);
    timer_set(world.timers, &first.timer, 10, on_destroy);
    timer_set(world.timers, &same.timer, 200, on_probe);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    cr_assert_eq(first.fired, 1);
    cr_assert_eq(same.fired + later.fired, 0);
    cr_assert_not(timer_is_set(&later.timer));
    timer_cancel(&later.timer);
    timers_destroy(NULL);
}

Test(timer, the_longest_delay_is_36_hours)
{
    struct probe p = {0}, q = {0};
    set_probe(&p, UINT64_MAX);
    uint64_t cut = p.timer.due_tick;
    set_probe(&q, UINT64_C(36) * 3600 * 1000);
    cr_assert_leq(cut, q.timer.due_tick);
    cr_assert_geq(cut + 1000, q.timer.due_tick);
    timer_cancel(&p.timer);
    timer_cancel(&q.timer);
}
