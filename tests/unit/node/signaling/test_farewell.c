#include <stdio.h>

#include "tests/unit/node/signaling/stage.h"

/* bye: ended, its seats freed, forgotten, then ok; each step may fail and be done again */

static struct stage *stage;
static struct conn *c;
static struct id calls[2];

static void begin(void)
{
    stage = stage_open(NULL);
    c = live(stage, "alice");
    calls[0] = some_id(5, "one");
    calls[1] = some_id(6, "two");
    say(c, "{\"type\":\"bye\",\"id\":2}");
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(farewell, .init = begin, .fini = finish);

static void ended(void)
{
    struct session_answer a = {.err = ERR_OK, .seating_count = 2};
    a.seatings[0].call = calls[0];
    a.seatings[1].call = calls[1];
    fake_session(&stage->store, asked(stage, ASKED_END), &a);
}

Test(farewell, its_seats_are_freed_then_it_is_forgotten_then_the_socket_closes)
{
    char targets[64];
    const struct id bob = some_id(9, "bob");
    snprintf(targets, sizeof targets, "+%s", bob.text);
    const struct call_entry e = {
        .version = 9, .targets = slice_of(targets), .seating = SLICE(";20;"), .body = SLICE("\x80")};
    const struct call_answer left = {.err = ERR_OK, .version = 9, .fanned = 8, .entries = &e, .entry_count = 1};
    cr_expect_eq(asked(stage, ASKED_END)->number, 1);
    ended();
    cr_expect_str_eq(asked(stage, ASKED_LEAVE)->text, "0 hangup");
    fake_call(&stage->store, asked(stage, ASKED_LEAVE), &left);
    fake_err(&stage->store, asked(stage, ASKED_LEAVE), ERR_GONE);
    cr_expect_null(fake_find(&stage->store, ASKED_FORGET), "the others hear of it first");
    fake_delivered(&stage->store, asked(stage, ASKED_DELIVER), ERR_OK, 0);
    expect_heard("", c);
    cr_expect_str_eq(asked(stage, ASKED_FORGET)->text, "alice");
    fake_err(&stage->store, asked(stage, ASKED_FORGET), ERR_OK);
    expect_heard("{\"type\":\"ok\",\"id\":2}", c);
    cr_expect_eq(c->closed, CLOSE_NORMAL);
    fake_err(&stage->store, stage_run_until_asked(stage, ASKED_DONE), ERR_OK);
    cr_expect(nothing_asked(stage));
}

/* The store closes whoever holds the session; that is this socket itself, and its ok comes first. */
Test(farewell, its_own_end_does_not_cut_the_answer_off)
{
    say(c, "{\"type\":\"ping\",\"id\":3}");
    stage->bus.on_detached(stage->bus.context, &c->session, 1, ERR_GONE);
    cr_expect_eq(c->closed, 0);
    fake_err(&stage->store, asked(stage, ASKED_END), ERR_OK);
    fake_err(&stage->store, asked(stage, ASKED_FORGET), ERR_OK);
    expect_heard("{\"type\":\"ok\",\"id\":2}", c);
    cr_expect_eq(c->closed, CLOSE_NORMAL);
    expect_heard("", c);
}

Test(farewell, one_with_more_seats_than_an_answer_tells_is_not_forgotten_yet)
{
    struct session_answer a = {.err = ERR_OK, .seating_count = STORE_SEATINGS_MAX};
    fake_session(&stage->store, asked(stage, ASKED_END), &a);
    while (fake_find(&stage->store, ASKED_LEAVE))
        fake_err(&stage->store, asked(stage, ASKED_LEAVE), ERR_NOT_FOUND);
    cr_expect_null(fake_find(&stage->store, ASKED_FORGET));
    expect_contains("\"code\":\"unavailable\"", heard(c));
}

Test(farewell, a_session_without_seats_is_forgotten_at_once)
{
    fake_err(&stage->store, asked(stage, ASKED_END), ERR_OK);
    fake_err(&stage->store, asked(stage, ASKED_FORGET), ERR_OK);
    cr_expect_eq(c->closed, CLOSE_NORMAL);
}

Test(farewell, what_was_done_before_is_as_good)
{
    fake_err(&stage->store, asked(stage, ASKED_END), ERR_GONE);
    expect_heard("{\"type\":\"ok\",\"id\":2}", c);
    cr_expect_eq(c->closed, CLOSE_NORMAL);
}

Test(farewell, each_step_may_find_the_store_away_and_nothing_is_forgotten_too_early)
{
    static const enum asked_kind steps[] = {ASKED_END, ASKED_LEAVE, ASKED_FORGET};
    for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
        if (i > 0)
            say(c, "{\"type\":\"bye\",\"id\":%u}", i + 2);
        if (steps[i] != ASKED_END)
            ended();
        if (steps[i] == ASKED_LEAVE)
            fake_err(&stage->store, asked(stage, ASKED_LEAVE), ERR_UNAVAILABLE);
        for (int k = 0; steps[i] != ASKED_END && fake_find(&stage->store, ASKED_LEAVE); k++)
            fake_err(&stage->store, asked(stage, ASKED_LEAVE), ERR_NOT_FOUND);
        if (steps[i] != ASKED_LEAVE)
            fake_err(&stage->store, asked(stage, steps[i]), ERR_UNAVAILABLE);
        expect_contains("\"code\":\"unavailable\"", heard(c));
        cr_expect_eq(c->closed, 0);
        cr_expect(nothing_asked(stage));
    }
}

Test(farewell, it_goes_on_without_the_socket)
{
    conn_gone(c);
    fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_STALE);
    ended();
    fake_err(&stage->store, asked(stage, ASKED_LEAVE), ERR_NOT_FOUND);
    fake_err(&stage->store, asked(stage, ASKED_LEAVE), ERR_NOT_FOUND);
    fake_err(&stage->store, asked(stage, ASKED_FORGET), ERR_OK);
    cr_expect(nothing_asked(stage));
}
