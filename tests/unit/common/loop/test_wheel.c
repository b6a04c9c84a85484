#include "common/loop/wheel.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/attr.h"

/* A timer that writes down when it fired. */
struct probe {
    struct timer timer;
    struct wheel *wheel;
    uint64_t fired_at; /* 0: not yet */
    unsigned fired;
};

static void on_probe(struct timer *t)
{
    struct probe *p = CONTAINER_OF(t, struct probe, timer);
    cr_assert_not(timer_is_set(t), "a timer that fires is not set any more");
    p->fired_at = p->wheel->now;
    p->fired++;
}

static void put(struct wheel *w, struct probe *p, uint64_t due_tick)
{
    p->wheel = w;
    p->timer.on_fire = on_probe;
    p->timer.due_tick = due_tick;
    wheel_put(w, &p->timer);
}

static void expect_empty(const struct wheel *w)
{
    cr_assert_eq(wheel_next(w), WHEEL_NEVER);
    cr_assert_null(w->firing);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            cr_assert_null(w->slots[level][slot]);
}

Test(wheel, fires_at_its_tick_however_far)
{
    static const uint64_t delays[] = {1, 2, 63, 64, 65, 4095, 4096, 4097, 262143, 262144, 12960000, 16777215, 16777216};
    static const uint64_t starts[] = {0,      1,        63,       64,         4095,
                                      262143, 16777215, 16777216, 1073741823, UINT64_C(68719476735)};
    for (size_t i = 0; i < ARRAY_SIZE(delays); i++)
        for (size_t k = 0; k < ARRAY_SIZE(starts); k++) {
            struct wheel w = {.now = starts[k]};
            struct probe p = {0};
            uint64_t due = starts[k] + delays[i];
            put(&w, &p, due);
            wheel_advance(&w, due - 1);
            cr_assert_eq(p.fired, 0, "%lu after %lu is early", delays[i], starts[k]);
            wheel_advance(&w, due);
            cr_assert_eq(p.fired_at, due, "%lu after %lu", delays[i], starts[k]);
            expect_empty(&w);
        }
}

Test(wheel, a_leap_fires_each_timer_at_its_own_tick)
{
    struct wheel w = {0};
    static struct probe probes[2000];
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
        put(&w, &probes[i], 1 + i * i);
    wheel_advance(&w, 10000000);
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        cr_assert_eq(probes[i].fired, 1);
        cr_assert_eq(probes[i].fired_at, 1 + i * i);
    }
    cr_assert_eq(w.now, 10000000);
    expect_empty(&w);
}

Test(wheel, what_is_over_fires_at_the_next_tick)
{
    struct wheel w = {.now = 500};
    struct probe p = {0};
    put(&w, &p, 3);
    cr_assert_eq(wheel_next(&w), 501);
    wheel_advance(&w, 500);
    cr_assert_eq(p.fired, 0);
    wheel_advance(&w, 501);
    cr_assert_eq(p.fired_at, 501);
}

Test(wheel, an_emptied_slot_wakes_nobody)
{
    struct wheel w = {0};
    struct probe a = {0}, b = {0}, c = {0};
    put(&w, &a, 10);
    put(&w, &b, 10);
    put(&w, &c, 5000);
    wheel_remove(&w, &b.timer); /* the head */
    cr_assert_eq(wheel_next(&w), 10);
    wheel_remove(&w, &a.timer);
    cr_assert_eq(wheel_next(&w), 4096);
    wheel_remove(&w, &c.timer);
    expect_empty(&w);
}

Test(wheel, the_next_thing_to_do_is_never_after_what_is_due)
{
    struct wheel w = {.now = 60};
    struct probe near = {0}, far = {0};
    put(&w, &far, 70000);
    cr_assert_eq(wheel_next(&w), 69632, "it comes down a level there");
    put(&w, &near, 64);
    cr_assert_eq(wheel_next(&w), 64);
    wheel_advance(&w, 64);
    cr_assert_eq(near.fired_at, 64);
    cr_assert_eq(wheel_next(&w), 69632);
}

Test(wheel, skip_stops_before_there_is_something_to_do)
{
    struct wheel w = {0};
    struct probe p = {0};
    wheel_skip(&w, 1000);
    cr_assert_eq(w.now, 1000);
    put(&w, &p, 1010);
    wheel_skip(&w, 2000);
    cr_assert_eq(w.now, 1009);
    wheel_skip(&w, 5);
    cr_assert_eq(w.now, 1009, "never back");
    wheel_advance(&w, 1010);
    cr_assert_eq(p.fired_at, 1010);
}

struct pair {
    struct probe probe;
    struct timer *victim;
};

static void on_pair(struct timer *t)
{
    struct pair *p = CONTAINER_OF(t, struct pair, probe.timer);
    on_probe(t);
    if (timer_is_set(p->victim))
        wheel_remove(p->probe.wheel, p->victim);
}

Test(wheel, a_timer_may_take_out_another_of_the_same_tick)
{
    struct wheel w = {0};
    struct pair a = {0}, b = {0};
    a.victim = &b.probe.timer;
    b.victim = &a.probe.timer;
    put(&w, &a.probe, 7);
    put(&w, &b.probe, 7);
    a.probe.timer.on_fire = b.probe.timer.on_fire = on_pair;
    wheel_advance(&w, 100);
    cr_assert_eq(a.probe.fired + b.probe.fired, 1);
    expect_empty(&w);
}

static void on_again(struct timer *t)
{
    struct probe *p = CONTAINER_OF(t, struct probe, timer);
    on_probe(t);
    wheel_put(p->wheel, t); /* at a tick that is over */
}

Test(wheel, a_timer_that_sets_itself_again_at_once_fires_once_a_tick)
{
    struct wheel w = {0};
    struct probe p = {0};
    put(&w, &p, 1);
    p.timer.on_fire = on_again;
    wheel_advance(&w, 200);
    cr_assert_eq(p.fired, 200);
    cr_assert(timer_is_set(&p.timer));
}

static void on_clear(struct timer *t)
{
    struct probe *p = CONTAINER_OF(t, struct probe, timer);
    on_probe(t);
    wheel_clear(p->wheel);
}

Test(wheel, clear_forgets_everything_also_amid_a_tick)
{
    struct wheel w = {0};
    struct probe probes[5] = {0};
    for (size_t i = 0; i < 3; i++) {
        put(&w, &probes[i], 7);
        probes[i].timer.on_fire = on_clear;
    }
    put(&w, &probes[3], 8);
    put(&w, &probes[4], 800000);
    wheel_advance(&w, 1000000);
    unsigned fired = 0;
    for (size_t i = 0; i < 5; i++) {
        fired += probes[i].fired;
        cr_assert_not(timer_is_set(&probes[i].timer));
    }
    cr_assert_eq(fired, 1);
    expect_empty(&w);
}

/* The model: a plain array of when each timer is due; what the wheel does must be what the array says. */
enum { MODEL_TIMERS = 300, MODEL_STEPS = 60000 };

struct model {
    struct wheel wheel;
    struct probe probes[MODEL_TIMERS];
    uint64_t due[MODEL_TIMERS]; /* 0: not set */
    uint64_t random;
};

static uint64_t draw(struct model *m, uint64_t below)
{
    m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (m->random >> 33) % below;
}

/* As many short delays as long ones: 1 to 2^24 ticks, evenly over their lengths in bits. */
static uint64_t draw_delay(struct model *m)
{
    uint64_t most = UINT64_C(1) << draw(m, 25);
    return 1 + draw(m, most);
}

static void set_one(struct model *m, size_t i, uint64_t due)
{
    if (timer_is_set(&m->probes[i].timer))
        wheel_remove(&m->wheel, &m->probes[i].timer);
    put(&m->wheel, &m->probes[i], due);
    m->due[i] = due;
}

static void cancel_one(struct model *m, size_t i)
{
    cr_assert_eq(timer_is_set(&m->probes[i].timer), m->due[i] != 0);
    if (m->due[i] != 0)
        wheel_remove(&m->wheel, &m->probes[i].timer);
    m->due[i] = 0;
}

static void expect_next_covers_all(struct model *m)
{
    uint64_t first = WHEEL_NEVER, next = wheel_next(&m->wheel);
    for (size_t i = 0; i < MODEL_TIMERS; i++)
        if (m->due[i] != 0 && m->due[i] < first)
            first = m->due[i];
    cr_assert_leq(next, first);
    cr_assert_gt(next, m->wheel.now);
    cr_assert_eq(next == WHEEL_NEVER, first == WHEEL_NEVER);
}

static void advance_both(struct model *m, uint64_t to)
{
    wheel_advance(&m->wheel, to);
    cr_assert_eq(m->wheel.now, to);
    for (size_t i = 0; i < MODEL_TIMERS; i++) {
        bool fires = m->due[i] != 0 && m->due[i] <= to;
        cr_assert_eq(m->probes[i].fired, fires, "timer %zu due %lu, now %lu", i, m->due[i], to);
        cr_assert(!fires || m->probes[i].fired_at == m->due[i]);
        m->probes[i].fired = 0;
        if (fires)
            m->due[i] = 0;
    }
}

static void run_model(uint64_t seed, uint64_t start)
{
    struct model *m = calloc(1, sizeof *m);
    m->random = seed;
    m->wheel.now = start;
    for (unsigned step = 0; step < MODEL_STEPS; step++) {
        size_t i = draw(m, MODEL_TIMERS);
        switch (draw(m, 8)) {
        case 0:
            cancel_one(m, i);
            break;
        case 1:
            advance_both(m, m->wheel.now + draw_delay(m) / 16);
            break;
        case 2:
            expect_next_covers_all(m);
            if (wheel_next(&m->wheel) != WHEEL_NEVER)
                advance_both(m, wheel_next(&m->wheel));
            break;
        case 3:
            wheel_skip(&m->wheel, m->wheel.now + draw_delay(m));
            break;
        default:
            set_one(m, i, m->wheel.now + draw_delay(m));
        }
    }
    for (size_t i = 0; i < MODEL_TIMERS; i++)
        cancel_one(m, i);
    expect_empty(&m->wheel);
    free(m);
}

Test(wheel, thousands_of_random_steps_are_as_a_plain_list_says)
{
    run_model(1, 0);
    run_model(2, 16777216 - 1000);
    run_model(3, (UINT64_C(1) << 30) - 1000);
    run_model(4, (UINT64_C(1) << 36) - 1000);
}
