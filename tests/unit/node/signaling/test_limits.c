#include <stdio.h>

#include "tests/unit/node/signaling/stage.h"

/* What a user may do of calls: counted by the store, with the socket's own count before it. */

static struct stage *stage;
static struct conn *c;
static struct id call;

static void two_guesses_and_calls(struct signaling_settings *s)
{
    s->wrong_ids = (struct bucket_limit){.rate_per_s = 2, .burst = 2 * 60};
    s->calls_open_max = 2;
}

static void begin(void)
{
    stage = stage_open(two_guesses_and_calls);
    c = live(stage, "alice");
    call = some_id(5, "call");
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(limits, .init = begin, .fini = finish);

/* ---- wrong ids ---- */

/* call.get of a call that is not there; the question whether it may be charged is open now. */
static struct asked *guess(unsigned id)
{
    say(c, "{\"type\":\"call.get\",\"id\":%u,\"call\":\"%s\"}", id, call.text);
    fake_err(&stage->store, asked(stage, ASKED_GET), ERR_NOT_FOUND);
    return fake_find(&stage->store, ASKED_WRONG_ID);
}

Test(limits, a_wrong_id_is_charged_to_the_user_before_it_is_answered)
{
    struct asked *q = guess(2);
    cr_assert(q);
    cr_expect_str_eq(q->text, "alice");
    cr_expect_eq(q->number, 2);
    expect_heard("", c);
    fake_charged(&stage->store, q, ERR_OK, 0);
    expect_contains("\"id\":2,\"code\":\"not_found\"", heard(c));
}

Test(limits, another_error_than_not_found_is_charged_to_nobody)
{
    say(c, "{\"type\":\"call.get\",\"id\":2,\"call\":\"%s\"}", call.text);
    fake_err(&stage->store, asked(stage, ASKED_GET), ERR_GONE);
    cr_expect(nothing_asked(stage));
    expect_contains("\"code\":\"gone\"", heard(c));
}

Test(limits, a_user_who_has_guessed_enough_elsewhere_is_stopped_here_without_the_store)
{
    fake_charged(&stage->store, guess(2), ERR_RATE_LIMITED, 29990);
    expect_contains("\"code\":\"rate_limited\",\"message\":\"too many ids that name no call of yours\","
                    "\"retry_after_ms\":29990",
                    heard(c));
    cr_expect_null(guess(3));
    const char *error = heard(c);
    expect_contains("\"code\":\"rate_limited\"", error);
    expect_contains("\"retry_after_ms\":", error);
}

Test(limits, one_socket_cannot_ask_the_store_more_often_than_a_user_may_guess)
{
    fake_charged(&stage->store, guess(2), ERR_OK, 0);
    fake_charged(&stage->store, guess(3), ERR_OK, 0);
    cr_expect_null(guess(4));
    heard(c);
    heard(c);
    expect_contains("\"code\":\"rate_limited\"", heard(c));
    say(c, "{\"type\":\"call.get\",\"id\":5,\"call\":\"nonsense\"}");
    expect_contains("\"code\":\"rate_limited\"", heard(c));
}

Test(limits, without_a_store_a_wrong_id_is_still_told_to_be_one)
{
    fake_charged(&stage->store, guess(2), ERR_UNAVAILABLE, 0);
    expect_contains("\"code\":\"not_found\"", heard(c));
}

Test(limits, a_guesser_who_hangs_up_is_charged_and_not_answered)
{
    struct asked *q = guess(2);
    conn_gone(c);
    fake_charged(&stage->store, q, ERR_RATE_LIMITED, 1000);
    fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
    cr_expect(nothing_asked(stage));
}

/* ---- seats ---- */

enum { CALLS_OF_A_SOCKET = 16 }; /* whatever a user may have */

static void sit_in(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%u", i);
        const struct id id = some_id(5, name);
        seat(c, &id, 1, (const struct id *const[5]){&c->session, NULL, NULL, NULL, NULL});
    }
}

static const char *const verbs[] = {"call.join\",\"call\":\"05new-------------------",
                                    "offer.take\",\"call\":\"05new-------------------"};

Test(limits, a_session_that_sits_in_as_many_calls_as_one_ever_may_gets_no_more_without_the_store)
{
    sit_in(CALLS_OF_A_SOCKET);
    for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++) {
        say(c, "{\"id\":%u,\"type\":\"%s\"}", i + 2, verbs[i]);
        expect_contains("you sit in as many calls as one may", heard(c));
    }
    cr_expect(nothing_asked(stage));
}

/* It may have been what took the last seat, and be sent again: the store knows it then, and lets nothing new in. */
Test(limits, a_start_by_such_a_session_is_the_stores_to_refuse)
{
    say(c, "{\"type\":\"call.start\",\"id\":2,\"to\":[]}");
    cr_expect_null(strstr(asked(stage, ASKED_CALL_CREATE)->text, "full"));
    fake_err(&stage->store, asked(stage, ASKED_CALL_CREATE), ERR_UNAVAILABLE);
    sit_in(CALLS_OF_A_SOCKET);
    say(c, "{\"type\":\"call.start\",\"id\":3,\"to\":[]}");
    expect_contains(" full", asked(stage, ASKED_CALL_CREATE)->text);
    fake_err(&stage->store, asked(stage, ASKED_CALL_CREATE), ERR_UNAVAILABLE);
    say(c,
        "{\"type\":\"offer.post\",\"id\":4,\"offer\":\"v=0\\r\\no=- 0 0 IN IP4 0.0.0.0\\r\\ns=-\\r\\nt=0 0\\r\\n\"}");
    expect_contains(" full", asked(stage, ASKED_CALL_CREATE)->text);
}

Test(limits, the_seat_that_a_session_has_is_no_new_one)
{
    sit_in(CALLS_OF_A_SOCKET);
    say(c, "{\"type\":\"call.join\",\"id\":9,\"call\":\"%s\"}", some_id(5, "c1").text);
    fake_seats(&stage->store, asked(stage, ASKED_SEATS), 1);
    cr_expect(fake_find(&stage->store, ASKED_JOIN));
}

Test(limits, a_call_that_is_over_and_not_yet_heard_of_counts_no_more)
{
    sit_in(2); /* as many as a user may */
    say(c, "{\"type\":\"call.start\",\"id\":2,\"to\":[]}");
    cr_expect_null(strstr(asked(stage, ASKED_CALL_CREATE)->text, "full"));
    fake_err(&stage->store, asked(stage, ASKED_CALL_CREATE), ERR_UNAVAILABLE);
    say(c, "{\"id\":3,\"type\":\"%s\"}", verbs[0]);
    fake_seats(&stage->store, asked(stage, ASKED_SEATS), 1);
    cr_expect(fake_find(&stage->store, ASKED_JOIN));
}

static void join(unsigned id)
{
    say(c, "{\"type\":\"call.join\",\"id\":%u,\"call\":\"%s\"}", id, call.text);
}

Test(limits, a_join_waits_for_the_count_of_all_devices)
{
    join(2);
    struct asked *q = asked(stage, ASKED_SEATS);
    cr_expect_str_eq(q->text, "alice");
    cr_expect_eq(q->number, 1, "in the epoch of its attach");
    fake_seats(&stage->store, q, 1);
    cr_expect(fake_find(&stage->store, ASKED_JOIN));
}

Test(limits, who_has_come_in_elsewhere_since_takes_no_seat_by_what_was_said_before)
{
    join(2);
    fake_err(&stage->store, asked(stage, ASKED_SEATS), ERR_STALE);
    expect_contains("\"code\":\"unavailable\"", heard(c));
    cr_expect(nothing_asked(stage));
}

Test(limits, a_user_who_holds_all_seats_on_other_devices_is_refused)
{
    join(2);
    fake_seats(&stage->store, asked(stage, ASKED_SEATS), 2);
    fake_err(&stage->store, asked(stage, ASKED_GET), ERR_NOT_FOUND);
    const char *error = heard(c);
    expect_contains("\"code\":\"rate_limited\"", error);
    expect_contains("\"retry_after_ms\":1000", error);
    cr_expect(nothing_asked(stage));
}

Test(limits, a_member_on_another_device_only_takes_a_new_seat)
{
    join(2);
    fake_seats(&stage->store, asked(stage, ASKED_SEATS), 2);
    fake_call(&stage->store, asked(stage, ASKED_GET), &(struct call_answer){.err = ERR_OK});
    expect_contains("\"code\":\"rate_limited\"", heard(c));
}

Test(limits, a_device_whose_seat_waits_for_it_takes_it_back)
{
    join(2);
    fake_seats(&stage->store, asked(stage, ASKED_SEATS), 2);
    fake_call(&stage->store, asked(stage, ASKED_GET),
              &(struct call_answer){.err = ERR_OK, .seating = SLICE(";51;1=x;")});
    cr_expect(fake_find(&stage->store, ASKED_JOIN));
}

Test(limits, an_idle_device_answers_without_being_counted_first)
{
    say(c, "{\"type\":\"call.accept\",\"id\":2,\"call\":\"%s\"}", call.text);
    cr_expect_null(fake_find(&stage->store, ASKED_SEATS));
    cr_expect(fake_find(&stage->store, ASKED_ACCEPT));
}

Test(limits, one_that_is_in_a_call_is_counted_before_it_answers)
{
    const struct id other = some_id(5, "one");
    seat(c, &other, 1, (const struct id *const[5]){&c->session, NULL, NULL, NULL, NULL});
    say(c, "{\"type\":\"call.accept\",\"id\":2,\"call\":\"%s\"}", call.text);
    fake_seats(&stage->store, asked(stage, ASKED_SEATS), 1);
    cr_expect(fake_find(&stage->store, ASKED_ACCEPT));
}

Test(limits, a_count_that_fails_or_comes_too_late_joins_nothing)
{
    join(2);
    fake_err(&stage->store, asked(stage, ASKED_SEATS), ERR_UNAVAILABLE);
    expect_contains("\"code\":\"unavailable\"", heard(c));
    join(3);
    struct asked *q = asked(stage, ASKED_SEATS);
    conn_gone(c);
    fake_seats(&stage->store, q, 0);
    cr_expect_null(fake_find(&stage->store, ASKED_JOIN));
}

/* ---- starts ---- */

static const char *refused_start(const struct call_answer *a)
{
    say(c, "{\"type\":\"call.start\",\"id\":2,\"to\":[]}");
    fake_call(&stage->store, asked(stage, ASKED_CALL_CREATE), a);
    return heard(c);
}

Test(limits, a_start_too_many_is_told_when_the_next_is_free)
{
    expect_contains(
        "\"code\":\"rate_limited\",\"message\":\"too many calls started in a minute\",\"retry_after_ms\":777",
        refused_start(&(struct call_answer){.err = ERR_RATE_LIMITED, .retry_after_ms = 777}));
}

Test(limits, a_start_by_one_who_sits_in_too_many_says_so)
{
    expect_contains(
        "\"code\":\"rate_limited\",\"message\":\"you sit in as many calls",
        refused_start(&(struct call_answer){.err = ERR_RATE_LIMITED, .retry_after_ms = 1000, .seated = true}));
}

Test(limits, refusals_are_counted)
{
    refused_start(&(struct call_answer){.err = ERR_RATE_LIMITED, .retry_after_ms = 777});
    cr_expect_eq(stage->metrics.value[METRIC_RATE_LIMITED], 1);
}
