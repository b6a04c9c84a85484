#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/node/signaling/stage.h"

/* Hellos at a bounded rate: one at once, two more within two seconds, the rest is sent away. */

enum { QUEUE = 2, TICKS = 3 };

static struct stage *stage;

static void one_a_second(struct signaling_settings *s)
{
    s->hellos = (struct bucket_limit){.rate_per_s = 1, .burst = 1};
}

static void many(struct signaling_settings *s)
{
    s->hellos = (struct bucket_limit){.rate_per_s = 1000, .burst = 1000};
}

static void begin(void)
{
    stage = stage_open(one_a_second);
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(admission, .init = begin, .fini = finish);

static struct conn *newcomer(void)
{
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", "");
    return c;
}

static struct conn *comes_back(void)
{
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", ",\"resume\":{\"session\":\"nonsense\",\"key\":\"k\",\"seq\":0}");
    return c;
}

static size_t admitted(void)
{
    return (size_t)stage->metrics.value[METRIC_HELLOS_ADMITTED];
}

static size_t waiting(void)
{
    return (size_t)stage->metrics.value[METRIC_HELLOS_WAITING];
}

static uint64_t sent_away_for(struct conn *c)
{
    static const char before[] = "{\"type\":\"reconnect\",\"after_ms\":";
    const char *notice = heard(c);
    char again[64];
    cr_assert_eq(strncmp(notice, before, strlen(before)), 0, "%s", notice);
    cr_expect_eq(c->closed, CLOSE_OVERLOADED);
    uint64_t after_ms = strtoull(notice + strlen(before), NULL, 10);
    snprintf(again, sizeof again, "\"retry_after_ms\":%llu}", (unsigned long long)after_ms);
    expect_contains(again, notice);
    return after_ms;
}

static void is_waiting(struct conn *c)
{
    cr_expect_eq(c->closed, 0);
    expect_heard("", c);
}

static void run_ticks(void)
{
    struct conn *clock = conn_open(stage); /* the loop runs until its time for a hello would be over */
    int64_t before = stage->metrics.value[METRIC_HELLOS_WAITING];
    for (int i = 0; i < 500 && stage->metrics.value[METRIC_HELLOS_WAITING] == before; i++)
        uv_run(&stage->loop, UV_RUN_ONCE);
    conn_gone(clock);
}

Test(admission, the_first_is_let_in_the_next_wait_and_the_rest_is_told_when_to_come_back)
{
    newcomer();
    cr_expect_eq(admitted(), 1);
    for (int i = 0; i < QUEUE; i++)
        is_waiting(newcomer());
    cr_expect_eq(waiting(), QUEUE);
    uint64_t after_ms = sent_away_for(newcomer());
    cr_expect(after_ms >= QUEUE * 1000, "not before those who wait: %llu", (unsigned long long)after_ms);
    cr_expect_eq(stage->metrics.value[METRIC_HELLOS_REFUSED], 1);
    cr_expect_eq(admitted(), 1);
}

Test(admission, whoever_waits_is_let_in_by_and_by_in_the_order_of_coming)
{
    newcomer();
    fake_err(&stage->store, asked(stage, ASKED_CREATE), ERR_UNAVAILABLE);
    newcomer();
    newcomer();
    run_ticks();
    cr_expect_eq(admitted(), 2);
    cr_expect_eq(waiting(), 1);
    cr_expect(fake_find(&stage->store, ASKED_CREATE));
}

Test(admission, the_more_are_sent_away_the_later_they_are_told_to_come)
{
    uint64_t first = 0;
    for (int i = 0; i < 1 + QUEUE; i++)
        newcomer();
    first = sent_away_for(newcomer());
    for (int i = 0; i < 6; i++)
        newcomer();
    cr_expect_gt(sent_away_for(newcomer()), first + 1000);
    for (int i = 0; i < 100; i++)
        newcomer();
    cr_expect_leq(sent_away_for(newcomer()), 45000, "and it has an end");
}

Test(admission, a_resume_comes_before_newcomers_who_wait)
{
    newcomer();
    fake_err(&stage->store, asked(stage, ASKED_CREATE), ERR_UNAVAILABLE);
    newcomer();
    struct conn *back = comes_back();
    is_waiting(back);
    cr_expect_eq(stage->metrics.value[METRIC_RESUMES_REFUSED], 0);
    run_ticks();
    cr_expect_eq(stage->metrics.value[METRIC_RESUMES_REFUSED], 1, "it was looked at first");
    cr_expect_eq(waiting(), 1);
}

Test(admission, a_resume_takes_the_place_of_the_newcomer_who_came_last)
{
    newcomer();
    struct conn *first = newcomer();
    struct conn *last = newcomer();
    struct conn *back = comes_back();
    sent_away_for(last);
    is_waiting(first);
    is_waiting(back);
    sent_away_for(newcomer());
    is_waiting(first);
}

Test(admission, when_resumes_alone_fill_the_queue_nobody_is_let_in_the_door)
{
    newcomer();
    for (int i = 0; i < QUEUE; i++)
        comes_back();
    sent_away_for(conn_open(stage));
    cr_expect_eq(waiting(), QUEUE);
}

Test(admission, what_comes_behind_a_hello_that_waits_waits_with_it)
{
    newcomer();
    struct conn *c = newcomer();
    say(c, "{\"type\":\"ping\",\"id\":2}");
    is_waiting(c);
}

Test(admission, whoever_hangs_up_while_waiting_costs_nothing)
{
    newcomer();
    conn_gone(newcomer());
    conn_gone(newcomer());
    run_ticks();
    cr_expect_eq(admitted(), 1);
}

Test(admission, those_who_wait_when_the_node_leaves_are_closed)
{
    newcomer();
    struct conn *c = newcomer();
    signaling_drain(stage->signaling, 0);
    stage_run_until(stage, &c->closed);
    cr_expect_eq(c->closed, CLOSE_RESTART);
}

Test(admission, those_who_wait_when_the_node_stops_are_closed)
{
    newcomer();
    struct conn *c = newcomer();
    say(c, "{\"type\":\"ping\",\"id\":2}");
    signaling_stop(stage->signaling);
    cr_expect_eq(c->closed, CLOSE_RESTART);
    expect_heard("", c);
}

/* ---- overload ---- */

/* So many commands without an answer, and the time to notice. */
static void store_lags(int64_t pending)
{
    stage->metrics.value[METRIC_STORE_PENDING] = pending;
    uint64_t until = uv_hrtime() + UINT64_C(300000000);
    while (uv_hrtime() < until)
        uv_run(&stage->loop, UV_RUN_ONCE);
    uv_run(&stage->loop, UV_RUN_ONCE); /* though all that time went by outside of the loop */
}

Test(admission_overload, newcomers_are_refused_and_those_who_resume_are_not)
{
    stage = stage_open(many);
    store_lags(100000);
    sent_away_for(newcomer());
    cr_expect_eq(comes_back()->closed, 0);
    cr_expect_eq(admitted(), 1);
    store_lags(0);
    cr_expect_eq(newcomer()->closed, 0);
    cr_expect_eq(admitted(), 2);
    stage_close(stage);
}

Test(admission_overload, newcomers_who_wait_are_sent_away)
{
    stage = stage_open(one_a_second);
    newcomer();
    struct conn *c = newcomer();
    store_lags(100000);
    sent_away_for(c);
    stage_close(stage);
}
