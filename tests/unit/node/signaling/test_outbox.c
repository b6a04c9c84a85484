#include <stdio.h>

#include "tests/unit/node/signaling/stage.h"

/* signal: what is relayed to one peer goes in order, one store call at a time */

static struct stage *stage;
static struct conn *c;
static struct id call, bob, carol;

static void begin(void)
{
    stage = stage_open(NULL);
    c = live(stage, "alice");
    call = some_id(5, "call");
    bob = some_id(6, "bob");
    carol = some_id(7, "carol");
    seat(c, &call, 2, (const struct id *const[5]){&c->session, &bob, &carol, NULL, NULL});
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(outbox, .init = begin, .fini = finish);

static void signal_to(unsigned to, unsigned id)
{
    say(c, "{\"type\":\"signal\",\"id\":%u,\"call\":\"%s\",\"to\":%u,\"data\":{}}", id, call.text, to);
}

/* The oldest batch goes to this one and holds these. */
static void expect_batch(const struct id *recipient, const char *requests)
{
    struct asked *q = asked(stage, ASKED_SIGNAL);
    cr_expect(id_eq(&q->session, recipient));
    cr_expect(id_eq(&q->call, &call));
    cr_expect_eq(q->number, 1);
    cr_expect_str_eq(q->text, requests);
}

/* The one behind it; what nodes ask of their own accord may stand between the two. */
static struct asked *second_batch(void)
{
    struct asked *q = asked(stage, ASKED_SIGNAL)->next;
    while (q && q->kind != ASKED_SIGNAL)
        q = q->next;
    cr_assert(q, "there is one batch only");
    return q;
}

static void stored(enum err err)
{
    fake_done(&stage->store, asked(stage, ASKED_SIGNAL), err);
    stage_end_turn(stage);
}

Test(outbox, what_comes_while_one_is_under_way_goes_together_with_the_next)
{
    signal_to(2, 2);
    signal_to(2, 3);
    signal_to(2, 4);
    cr_expect_eq(fake_open(&stage->store), 1);
    expect_batch(&bob, "2<0");
    stored(ERR_OK);
    expect_heard("{\"type\":\"ok\",\"id\":2}", c);
    expect_heard("", c);
    expect_batch(&bob, "3<2 4<3");
    stored(ERR_OK);
    expect_heard("{\"type\":\"ok\",\"id\":3}", c);
    expect_heard("{\"type\":\"ok\",\"id\":4}", c);
    cr_expect(nothing_asked(stage));
}

Test(outbox, what_comes_in_one_turn_goes_together)
{
    for (unsigned id = 2; id < 5; id++)
        say_on(c, "{\"type\":\"signal\",\"id\":%u,\"call\":\"%s\",\"to\":%u,\"data\":{}}", id, call.text,
               id == 3 ? 3u : 2u);
    cr_expect(nothing_asked(stage));
    stage_end_turn(stage);
    expect_batch(&bob, "2<0 4<2");
    cr_expect(id_eq(&second_batch()->session, &carol));
    stored(ERR_OK);
    stored(ERR_OK);
    cr_expect(nothing_asked(stage));
}

Test(outbox, a_socket_that_goes_before_the_turn_ends_leaves_nothing)
{
    say_on(c, "{\"type\":\"signal\",\"id\":2,\"call\":\"%s\",\"to\":2,\"data\":{}}", call.text);
    conn_gone(c);
    stage_end_turn(stage);
    cr_expect_null(fake_find(&stage->store, ASKED_SIGNAL));
}

Test(outbox, peers_do_not_wait_for_each_other)
{
    signal_to(2, 2);
    signal_to(3, 3);
    expect_batch(&bob, "2<0");
    struct asked *second = second_batch();
    cr_expect(id_eq(&second->session, &carol));
    fake_done(&stage->store, second, ERR_OK);
    expect_heard("{\"type\":\"ok\",\"id\":3}", c);
    stored(ERR_OK);
    expect_heard("{\"type\":\"ok\",\"id\":2}", c);
}

/* A leave must not overtake the signals before it, nor the signals behind it the leave. */
Test(outbox, other_verbs_wait_for_the_signals_before_them)
{
    signal_to(2, 2);
    signal_to(3, 3);
    say(c, "{\"type\":\"call.leave\",\"id\":4,\"call\":\"%s\"}", call.text);
    signal_to(2, 5);
    stored(ERR_OK);
    cr_expect_null(fake_find(&stage->store, ASKED_LEAVE));
    stored(ERR_UNAVAILABLE);
    cr_expect_eq(fake_open(&stage->store), 1);
    fake_err(&stage->store, asked(stage, ASKED_LEAVE), ERR_UNAVAILABLE);
    stage_end_turn(stage);
    expect_batch(&bob, "5<0");
}

Test(outbox, a_batch_is_bounded)
{
    enum { SIGNALS = 80 };
    size_t batches = 0;
    for (unsigned id = 2; id < 2 + SIGNALS; id++)
        signal_to(2, id);
    for (; fake_find(&stage->store, ASKED_SIGNAL); batches++)
        stored(ERR_OK);
    cr_expect_eq(batches, 1 + (SIGNALS - 1 + SIGNAL_BATCH_MAX - 1) / SIGNAL_BATCH_MAX);
    for (unsigned id = 2; id < 2 + SIGNALS; id++) {
        char ok[64];
        snprintf(ok, sizeof ok, "{\"type\":\"ok\",\"id\":%u}", id);
        expect_heard(ok, c);
    }
}

Test(outbox, a_batch_is_bounded_in_bytes_too)
{
    enum { SIGNALS = 21 };
    for (unsigned id = 2; id < 2 + SIGNALS; id++)
        say(c, "{\"type\":\"signal\",\"id\":%u,\"call\":\"%s\",\"to\":2,\"data\":\"%016000d\"}", id, call.text, 0);
    stored(ERR_OK);
    expect_contains("18<17", asked(stage, ASKED_SIGNAL)->text);
    cr_expect_not(contains(asked(stage, ASKED_SIGNAL)->text, "20<"));
}

Test(outbox, many_that_wait_stop_the_reading)
{
    for (unsigned id = 2; id <= 256; id++)
        signal_to(2, id);
    cr_expect_not(c->paused);
    signal_to(2, 257);
    cr_expect(c->paused);
    while (fake_find(&stage->store, ASKED_SIGNAL))
        stored(ERR_OK);
    cr_expect_not(c->paused);
}

Test(outbox, the_one_before_is_vouched_for_only_within_a_run_that_was_seen_whole)
{
    signal_to(2, 2);
    stored(ERR_OK);
    signal_to(3, 3);
    stored(ERR_OK);
    signal_to(2, 4);
    expect_batch(&bob, "4<2");
    stored(ERR_OK);
    signal_to(2, 9); /* 5 to 8 may still come, from an earlier socket */
    expect_batch(&bob, "9<0");
    stored(ERR_OK);
    signal_to(2, 10);
    expect_batch(&bob, "10<9");
    stored(ERR_UNAVAILABLE);
    signal_to(2, 11);
    expect_batch(&bob, "11<0");
    stored(ERR_OK);
    signal_to(2, 5);
    expect_batch(&bob, "5<0");
    stored(ERR_OK);
}

/* The store finds no such two in the call, by what the recipient knows of it up to `version`. */
static void refused(uint64_t version)
{
    fake_delivered(&stage->store, asked(stage, ASKED_SIGNAL), ERR_NOT_FOUND, version);
    stage_end_turn(stage);
}

/* Who has heard of a newcomer may be ahead of the newcomer's own mailbox. */
Test(outbox, a_recipient_that_knows_nothing_of_the_call_gets_its_log_first)
{
    const struct call_answer empty = {.err = ERR_OK, .version = 2, .fanned = 2};
    signal_to(2, 2);
    signal_to(2, 3);
    refused(0);
    fake_call(&stage->store, asked(stage, ASKED_LOG), &empty);
    fake_err(&stage->store, asked(stage, ASKED_DONE), ERR_OK);
    expect_batch(&bob, "2<0");
    stored(ERR_OK);
    expect_heard("{\"type\":\"ok\",\"id\":2}", c);
    expect_batch(&bob, "3<2");
    refused(0);
    cr_expect(fake_find(&stage->store, ASKED_LOG), "each batch may ask for it");
}

Test(outbox, a_recipient_that_is_out_by_what_is_known_here_is_not_found)
{
    signal_to(2, 2);
    refused(2);
    expect_contains("{\"type\":\"error\",\"id\":2,\"code\":\"not_found\"", heard(c));
    cr_expect(nothing_asked(stage));
}

Test(outbox, a_recipient_that_left_while_the_log_was_brought_out_is_not_found)
{
    signal_to(2, 2);
    refused(0);
    seat(c, &call, 3, (const struct id *const[5]){&c->session, NULL, &carol, NULL, NULL});
    fake_err(&stage->store, asked(stage, ASKED_LOG), ERR_UNAVAILABLE);
    refused(3);
    expect_contains("{\"type\":\"error\",\"id\":2,\"code\":\"not_found\"", heard(c));
    cr_expect(nothing_asked(stage));
}

/* The store knows nothing of a session that is over, and of one that it has lost: that the peer has left tells which it is. */
Test(outbox, a_recipient_that_left_and_whose_session_ended_is_not_found)
{
    signal_to(2, 2);
    seat(c, &call, 3, (const struct id *const[5]){&c->session, NULL, &carol, NULL, NULL});
    refused(0);
    fake_err(&stage->store, asked(stage, ASKED_LOG), ERR_UNAVAILABLE);
    refused(0);
    expect_contains("{\"type\":\"error\",\"id\":2,\"code\":\"not_found\"", heard(c));
    cr_expect(nothing_asked(stage));
}

/* Then the store has lost what it knew of one of the two, and is asked whether it knows the sender. */
Test(outbox, a_recipient_that_knows_nothing_even_after_that_is_unavailable_once)
{
    signal_to(2, 2);
    signal_to(2, 3);
    for (unsigned i = 0; i < 2; i++) {
        const struct restored known = {.err = ERR_OK};
        refused(0);
        fake_err(&stage->store, asked(stage, ASKED_LOG), ERR_UNAVAILABLE);
        refused(0);
        expect_contains(i == 0 ? "\"code\":\"unavailable\"" : "\"code\":\"not_found\"", heard(c));
        if (i == 0)
            fake_restored(&stage->store, asked(stage, ASKED_RESTORE), &known);
    }
}

Test(outbox, each_of_a_failed_batch_is_told)
{
    static const struct {
        enum err err;
        const char *code;
    } cases[] = {{ERR_OVERRUN, "not_found"}, {ERR_UNAVAILABLE, "unavailable"}};
    unsigned id = 2;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        signal_to(2, id++);
        signal_to(2, id++);
        signal_to(2, id++);
        stored(cases[i].err);
        stored(cases[i].err);
        for (int k = 0; k < 3; k++)
            expect_contains(cases[i].code, heard(c));
    }
}

Test(outbox, a_socket_that_goes_leaves_what_is_under_way_and_forgets_the_rest)
{
    signal_to(2, 2);
    signal_to(2, 3);
    signal_to(3, 4);
    conn_gone(c);
    fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
    fake_err(&stage->store, asked(stage, ASKED_MARK), ERR_NOT_FOUND);
    stored(ERR_OK);
    stored(ERR_NOT_FOUND);
    cr_expect(nothing_asked(stage));
}

/* ---- what may not pass ---- */

Test(outbox, a_signal_has_one_payload_and_goes_to_a_peer_that_sits_there)
{
    static const struct {
        const char *rest;
        const char *code;
    } cases[] = {
        {"\"to\":1,\"data\":1", "not_found"},
        {"\"to\":6,\"data\":1", "bad_request"},
        {"\"to\":2", "bad_request"},
        {"\"to\":2,\"data\":1,\"candidates\":[null]", "bad_request"},
        {"\"to\":2,\"candidates\":[7]", "bad_request"},
        {"\"to\":2,\"candidates\":[]", "bad_request"},
        {"\"to\":2,\"description\":{\"type\":\"dance\"}", "bad_request"},
        {"\"to\":2,\"description\":{\"type\":\"offer\",\"sdp\":\"x\"}", "bad_request"},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        say(c, "{\"type\":\"signal\",\"id\":%u,\"call\":\"%s\",%s}", i + 2, call.text, cases[i].rest);
        const char *error = heard(c);
        cr_expect(contains(error, cases[i].code), "%s: %s", cases[i].rest, error);
    }
    say(c, "{\"type\":\"signal\",\"id\":90,\"call\":\"%s\",\"to\":2,\"data\":1}", some_id(5, "other").text);
    expect_contains("\"code\":\"not_found\"", heard(c));
    say(c, "{\"type\":\"signal\",\"id\":91,\"call\":\"%s\",\"to\":2,\"data\":\"%017000d\"}", call.text, 0);
    expect_contains("\"code\":\"too_large\"", heard(c));
    cr_expect(nothing_asked(stage));
}

/* ---- a peer that this node has not heard of ---- */

static void told(enum err err, const char *seating)
{
    struct session_answer a = {.err = err, .seating_count = seating ? 1 : 0};
    a.seatings[0] = (struct store_seating){call, slice_of(seating ? seating : "")};
    fake_page(&stage->store, asked(stage, ASKED_READ), &a, 0, NULL, 0);
    stage_end_turn(stage);
}

Test(outbox, a_newcomer_whom_the_store_knows_gets_the_signal)
{
    char seating[256];
    struct id dave = some_id(8, "dave");
    snprintf(seating, sizeof seating, "3;50;1=%s;2=%s;3=%s;4=%s;", c->session.text, bob.text, carol.text, dave.text);
    signal_to(4, 2);
    signal_to(4, 3);
    told(ERR_OK, seating);
    cr_expect(id_eq(&asked(stage, ASKED_SIGNAL)->session, &dave));
    stored(ERR_OK);
    expect_heard("{\"type\":\"ok\",\"id\":2}", c);
    expect_heard("{\"type\":\"ok\",\"id\":3}", c);
    cr_expect(nothing_asked(stage));
}

Test(outbox, a_peer_whom_the_store_knows_no_more_of_is_not_found)
{
    static const enum err errs[] = {ERR_OK, ERR_NOT_FOUND, ERR_UNAVAILABLE};
    static const char *const codes[] = {"not_found", "not_found", "unavailable"};
    for (unsigned i = 0; i < ARRAY_SIZE(errs); i++) {
        signal_to(4, i + 2);
        told(errs[i], NULL);
        expect_contains(codes[i], heard(c));
    }
    signal_to(4, 9);
    conn_gone(c);
    fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
    fake_err(&stage->store, asked(stage, ASKED_MARK), ERR_NOT_FOUND);
    told(ERR_OK, NULL);
    cr_expect(nothing_asked(stage));
}

/* ---- to whoever takes the offer ---- */

static void candidates_to_taker(unsigned id)
{
    say(c, "{\"type\":\"signal\",\"id\":%u,\"call\":\"%s\",\"to\":0,\"candidates\":[null]}", id, call.text);
}

Test(outbox, early_candidates_wait_with_the_offer)
{
    candidates_to_taker(2);
    cr_expect_str_eq(asked(stage, ASKED_ADD)->text, "1");
    fake_err(&stage->store, asked(stage, ASKED_ADD), ERR_OK);
    expect_heard("{\"type\":\"ok\",\"id\":2}", c);
    candidates_to_taker(3);
    fake_err(&stage->store, asked(stage, ASKED_ADD), ERR_TOO_LARGE);
    expect_contains("\"code\":\"too_large\"", heard(c));
}

Test(outbox, once_the_offer_is_taken_they_go_to_the_taker)
{
    const struct call_answer taken = {.err = ERR_CONFLICT, .peer = 2, .taker = bob};
    candidates_to_taker(2);
    say(c, "{\"type\":\"ping\",\"id\":3}");
    fake_call(&stage->store, asked(stage, ASKED_ADD), &taken);
    stage_end_turn(stage);
    expect_batch(&bob, "2<0");
    stored(ERR_OK);
    expect_heard("{\"type\":\"ok\",\"id\":2}", c);
    expect_heard("{\"type\":\"ok\",\"id\":3}", c);
}

Test(outbox, only_candidates_wait_with_an_offer)
{
    signal_to(0, 2);
    fake_err(&stage->store, asked(stage, ASKED_ADD), ERR_TOO_LARGE);
    expect_contains("only candidates may wait with it", heard(c));
}

Test(outbox, a_socket_that_goes_while_the_taker_is_asked_for_sends_nothing)
{
    const struct call_answer taken = {.err = ERR_CONFLICT, .peer = 2, .taker = bob};
    candidates_to_taker(2);
    conn_gone(c);
    fake_call(&stage->store, asked(stage, ASKED_ADD), &taken);
    cr_expect_null(fake_find(&stage->store, ASKED_SIGNAL));
}
