#include <stdio.h>

#include "tests/unit/node/signaling/stage.h"

/* What holds for all verbs: their order, sending them again, limits, refusals. */

static struct stage *stage;
static struct conn *c;
static struct id call;

static void begin(void)
{
    stage = stage_open(NULL);
    c = live(stage, "alice");
    call = some_id(5, "call");
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(request, .init = begin, .fini = finish);

static void get(unsigned id)
{
    say(c, "{\"type\":\"call.get\",\"id\":%u,\"call\":\"%s\"}", id, call.text);
}

/* ---- order ---- */

Test(request, verbs_run_one_after_the_other)
{
    get(2);
    get(3);
    say(c, "{\"type\":\"ping\",\"id\":4}");
    cr_expect_eq(fake_open(&stage->store), 1);
    fake_err(&stage->store, asked(stage, ASKED_GET), ERR_NOT_FOUND);
    expect_contains("\"id\":2,\"code\":\"not_found\"", heard(c));
    expect_heard("", c);
    fake_err(&stage->store, asked(stage, ASKED_GET), ERR_NOT_FOUND);
    expect_contains("\"id\":3,", heard(c));
    expect_heard("{\"type\":\"ok\",\"id\":4}", c);
}

Test(request, too_many_that_wait_stop_the_reading_until_half_are_answered)
{
    enum { LOAD_MAX = 256 };
    get(2); /* under way, and waiting no more */
    for (unsigned id = 3; id < 3 + LOAD_MAX - 1; id++)
        get(id);
    cr_expect_not(c->paused);
    get(1000);
    cr_expect(c->paused);
    for (int i = 0; i < LOAD_MAX / 2; i++)
        fake_err(&stage->store, asked(stage, ASKED_GET), ERR_NOT_FOUND);
    cr_expect(c->paused);
    fake_err(&stage->store, asked(stage, ASKED_GET), ERR_NOT_FOUND);
    cr_expect_not(c->paused);
    cr_expect_eq(c->pauses, 2);
}

Test(request, what_waits_when_the_socket_goes_is_forgotten_and_what_runs_ends_unheard)
{
    get(2);
    get(3);
    conn_gone(c);
    fake_err(&stage->store, asked(stage, ASKED_GET), ERR_NOT_FOUND);
    cr_expect_null(fake_find(&stage->store, ASKED_GET));
}

Test(request, changes_carry_the_epoch_and_leaving_the_request_that_says_it)
{
    say(c, "{\"type\":\"call.leave\",\"id\":7,\"call\":\"%s\"}", call.text);
    cr_expect_eq(asked(stage, ASKED_LEAVE)->epoch, 1);
    cr_expect_eq(asked(stage, ASKED_LEAVE)->number, 7);
    cr_expect_str_eq(asked(stage, ASKED_LEAVE)->text, "0 hangup");
    fake_err(&stage->store, asked(stage, ASKED_LEAVE), ERR_STALE);
    expect_contains("\"code\":\"unavailable\"", heard(c));
}

/* ---- sent again ---- */

Test(request, one_that_was_sent_before_gets_the_answer_that_was_kept)
{
    say(c, "{\"type\":\"ping\",\"id\":7}");
    heard(c);
    get(5);
    cr_expect_eq(asked(stage, ASKED_REPLY)->number, 5);
    cr_expect(id_eq(&asked(stage, ASKED_REPLY)->session, &c->session));
    fake_reply(&stage->store, asked(stage, ASKED_REPLY), ERR_OK, body_of(stage, "kept"));
    expect_heard("{\"type\":\"kept\"}", c);
    cr_expect(nothing_asked(stage));
}

Test(request, one_that_was_sent_before_without_effect_runs)
{
    say(c, "{\"type\":\"ping\",\"id\":7}");
    heard(c);
    get(7);
    fake_reply(&stage->store, asked(stage, ASKED_REPLY), ERR_NOT_FOUND, (struct slice){0});
    cr_expect(fake_find(&stage->store, ASKED_GET));
    fake_err(&stage->store, asked(stage, ASKED_GET), ERR_UNAVAILABLE);
    expect_contains("\"id\":7,\"code\":\"unavailable\"", heard(c));
    get(6);
    fake_err(&stage->store, asked(stage, ASKED_REPLY), ERR_UNAVAILABLE);
    expect_contains("\"id\":6,\"code\":\"unavailable\"", heard(c));
    cr_expect(nothing_asked(stage));
}

Test(request, one_whose_answer_may_have_been_kept_once_is_not_done_again)
{
    say(c, "{\"type\":\"ping\",\"id\":7}");
    heard(c);
    say(c, "{\"type\":\"offer.take\",\"id\":5,\"call\":\"%s\"}", some_id(1, "call").text);
    fake_reply(&stage->store, asked(stage, ASKED_REPLY), ERR_GONE, (struct slice){0});
    expect_contains("\"id\":5,\"code\":\"conflict\"", heard(c));
    cr_expect(nothing_asked(stage));
    get(5); /* what changes nothing is answered as ever */
    fake_reply(&stage->store, asked(stage, ASKED_REPLY), ERR_GONE, (struct slice){0});
    cr_expect(fake_find(&stage->store, ASKED_GET));
}

Test(request, a_socket_that_goes_while_the_kept_answer_is_looked_for_hears_nothing)
{
    static const enum err errs[] = {ERR_OK, ERR_NOT_FOUND, ERR_UNAVAILABLE};
    for (size_t i = 0; i < ARRAY_SIZE(errs); i++) {
        struct conn *other = live(stage, "bob");
        say(other, "{\"type\":\"ping\",\"id\":7}");
        say(other, "{\"type\":\"ping\",\"id\":7}");
        conn_gone(other);
        fake_done(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
        fake_reply(&stage->store, asked(stage, ASKED_REPLY), errs[i], body_of(stage, "kept"));
        cr_expect(nothing_asked(stage));
    }
}

/* ---- refusals ---- */

Test(request, a_mistake_is_told_and_the_socket_stays)
{
    static const struct {
        const char *frame;
        const char *message;
    } cases[] = {
        {"{\"type\":\"dance\",\"id\":2}", "`type` is no request of this protocol"},
        {"{\"id\":2}", "`type` is missing"},
        {"{\"type\":7,\"id\":2}", "`type` is an integer; it should be a string"},
        {"{\"type\":\"call.get\",\"id\":2}", "`call` is missing"},
        {"{\"type\":\"call.get\",\"id\":2,\"call\":7}", "`call` is an integer"},
        {"{\"type\":\"call.remove\",\"id\":2,\"call\":\"x\",\"peer\":6}", "`peer`"},
        {"{\"type\":\"ping\",\"id\":2,\"ack\":\"x\"}", "`ack` should be an integer"},
        {"{\"type\":\"ping\",\"id\":2,\"ack\":-1}", "`ack` should be an integer"},
        {"{\"type\":\"hello\",\"id\":2,\"token\":\"x\",\"device\":\"phone\"}", "said hello already"},
        {"{\"type\":\"offer.post\",\"id\":2}", "`offer` is missing"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        say(c, "%s", cases[i].frame);
        const char *error = heard(c);
        expect_contains("{\"type\":\"error\",\"id\":2,\"code\":\"bad_request\"", error);
        expect_contains(cases[i].message, error);
        cr_expect_eq(c->closed, 0);
    }
    cr_expect(nothing_asked(stage));
}

Test(request, what_is_not_this_protocol_closes)
{
    static const char *const frames[] = {
        "{\"type\":\"ping\"",
        "[1]",
        "{\"type\":\"ping\"}",
        "{\"type\":\"ping\",\"id\":0}",
        "{\"type\":\"ping\",\"id\":-1}",
        "{\"type\":\"ping\",\"id\":1.5}",
        "{\"type\":\"ping\",\"id\":\"1\"}",
        "{\"type\":\"ack\"}",
        "{\"type\":\"ack\",\"seq\":\"1\"}",
        "{\"type\":\"ack\",\"seq\":-1}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
        struct conn *other = live(stage, "bob");
        say(other, "%s", frames[i]);
        cr_expect_eq(other->closed, CLOSE_NOT_PROTOCOL, "%s", frames[i]);
        conn_gone(other);
        fake_done(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
    }
}

/* ---- acks ---- */

Test(request, acks_reach_the_store_at_the_latest_when_the_socket_goes)
{
    bus_event(c, 1, "a");
    bus_event(c, 2, "b");
    say(c, "{\"type\":\"ack\",\"seq\":1}");
    say(c, "{\"type\":\"ping\",\"id\":2,\"ack\":2}");
    say(c, "{\"type\":\"ack\",\"seq\":9}");
    conn_gone(c);
    cr_expect_eq(asked(stage, ASKED_ACK)->number, 2);
    fake_err(&stage->store, asked(stage, ASKED_ACK), ERR_OK);
    cr_expect_null(fake_find(&stage->store, ASKED_ACK));
}

Test(request, acks_reach_the_store_soon)
{
    bus_event(c, 1, "a");
    say(c, "{\"type\":\"ack\",\"seq\":1}");
    cr_expect_eq(stage_run_until_asked(stage, ASKED_ACK)->number, 1);
}

/* ---- limits ---- */

static void three_frames(struct signaling_settings *s)
{
    s->frames = (struct bucket_limit){.rate_per_s = 1, .burst = 3};
    s->frames_refused_max = 2;
}

static void few_bytes(struct signaling_settings *s)
{
    s->bytes = (struct bucket_limit){.rate_per_s = 10, .burst = 2000};
}

Test(request_limits, too_many_frames_are_refused_and_far_too_many_close)
{
    stage = stage_open(three_frames);
    c = live(stage, "alice");
    for (unsigned id = 2; id <= 3; id++) {
        say(c, "{\"type\":\"ping\",\"id\":%u}", id);
        expect_contains("\"type\":\"ok\"", heard(c));
    }
    for (unsigned id = 4; id <= 5; id++) {
        say(c, "{\"type\":\"ping\",\"id\":%u}", id);
        const char *error = heard(c);
        expect_contains("\"code\":\"rate_limited\"", error);
        expect_contains("\"retry_after_ms\":", error);
    }
    cr_expect_eq(c->closed, 0);
    say(c, "{\"type\":\"ping\",\"id\":6}");
    cr_expect_eq(c->closed, CLOSE_RATE_LIMIT);
    stage_close(stage);
}

Test(request_limits, acks_count_too_though_nothing_answers_them)
{
    stage = stage_open(three_frames);
    c = live(stage, "alice");
    for (int i = 0; i < 5; i++)
        say(c, "{\"type\":\"ack\",\"seq\":0}");
    cr_expect_eq(c->closed, CLOSE_RATE_LIMIT);
    expect_heard("", c);
    stage_close(stage);
}

Test(request_limits, too_many_bytes_are_refused)
{
    stage = stage_open(few_bytes);
    c = live(stage, "alice");
    say(c, "{\"type\":\"ping\",\"id\":2,\"x\":\"%01900d\"}", 0);
    expect_contains("\"code\":\"rate_limited\"", heard(c));
    stage_close(stage);
}
