#include <stdarg.h>
#include <stdio.h>

#include "common/wire/writer.h"
#include "node/call/limits.h"
#include "tests/unit/node/signaling/stage.h"

/* A change of a call reaches every mailbox that it concerns before anybody hears ok. */

static struct stage *stage;
static struct conn *c;
static struct id call, bob, carol;
static char texts[8][256];

static void begin(void)
{
    stage = stage_open(NULL);
    c = live(stage, "alice");
    call = some_id(5, "call");
    bob = some_id(6, "bob");
    carol = some_id(7, "carol");
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(fanout, .init = begin, .fini = finish);

/* An entry: "+bob *alice" and so on; nobody: NULL. */
static struct call_entry entry(size_t slot, uint64_t version, const char *own, const char *of_bob, const char *of_carol)
{
    char *text = texts[slot];
    size_t n = 0;
    text[0] = '\0';
    if (own)
        n += (size_t)snprintf(text + n, sizeof texts[0] - n, "%s%s ", own, c->session.text);
    if (of_bob)
        n += (size_t)snprintf(text + n, sizeof texts[0] - n, "%s%s ", of_bob, bob.text);
    if (of_carol)
        n += (size_t)snprintf(text + n, sizeof texts[0] - n, "%s%s ", of_carol, carol.text);
    return (struct call_entry){.version = version,
                               .targets = slice_make(text, n ? n - 1 : 0),
                               .seating = SLICE(";50;"),
                               .body = SLICE("\x80")};
}

static struct call_answer change(uint64_t version, const struct call_entry *entries, size_t count)
{
    return (struct call_answer){.err = ERR_OK,
                                .version = version,
                                .fanned = version - count,
                                .entry_count = count,
                                .entries = entries,
                                .peer = 2,
                                .members = SLICE("\x90")};
}

static void join(unsigned id, const struct call_answer *a)
{
    say(c, "{\"type\":\"call.join\",\"id\":%u,\"call\":\"%s\"}", id, call.text);
    fake_seats(&stage->store, asked(stage, ASKED_SEATS), 0);
    fake_call(&stage->store, asked(stage, ASKED_JOIN), a);
}

static struct asked *leg_of(const struct id *session)
{
    struct asked *q = asked(stage, ASKED_DELIVER);
    while (q && (q->kind != ASKED_DELIVER || !id_eq(&q->session, session)))
        q = q->next;
    cr_assert(q, "nothing goes to that session");
    return q;
}

static void delivered(const struct id *session, enum err err, uint64_t version)
{
    fake_delivered(&stage->store, leg_of(session), err, version);
}

/* The store is told a little later. */
static void expect_done(const char *range)
{
    cr_expect_str_eq(stage_run_until_asked(stage, ASKED_DONE)->text, range);
    fake_err(&stage->store, asked(stage, ASKED_DONE), ERR_OK);
}

Test(fanout, ok_comes_when_the_last_mailbox_has_it)
{
    const struct call_entry e = entry(0, 4, "*", "+", "+");
    const struct call_answer a = change(4, &e, 1);
    join(2, &a);
    cr_expect_eq(fake_open(&stage->store), 3);
    cr_expect_str_eq(leg_of(&bob)->text, "4+");
    cr_expect_str_eq(leg_of(&bob)->reply, "");
    cr_expect_str_eq(leg_of(&c->session)->text, "4*");
    delivered(&carol, ERR_OK, 0);
    delivered(&bob, ERR_OK, 0);
    expect_heard("", c);
    delivered(&c->session, ERR_OK, 0);
    expect_done("4-4");
    expect_contains("{\"type\":\"ok\",\"id\":2,", heard(c));
    cr_expect(nothing_asked(stage));
}

/* Nobody else may take it any more. */
Test(fanout, the_largest_offer_reaches_its_taker_with_all_that_waited)
{
    static char sdp[(1 << 20) - 64]; /* what a message may carry at most: --message-bytes-max */
    const struct call_entry e = entry(0, 4, "*", "+", "+");
    struct call_answer a = change(4, &e, 1);
    struct buf offer;
    struct buf candidates;
    memset(sdp, 1, sizeof sdp); /* six bytes each in JSON */
    buf_init(&offer, 1 << 20);
    buf_init(&candidates, 2 * OFFER_CANDIDATE_BYTES_MAX);
    wire_put_string(&offer, slice_make(sdp, sizeof sdp));
    wire_put_string(&candidates, slice_make(sdp, OFFER_CANDIDATE_BYTES_MAX));
    a.offer = buf_slice(&offer);
    a.candidates = buf_slice(&candidates);
    a.candidate_count = 1;
    say(c, "{\"type\":\"offer.take\",\"id\":2,\"call\":\"%s\"}", call.text);
    fake_seats(&stage->store, asked(stage, ASKED_SEATS), 0);
    fake_call(&stage->store, asked(stage, ASKED_TAKE), &a);
    delivered(&carol, ERR_OK, 0);
    delivered(&bob, ERR_OK, 0);
    delivered(&c->session, ERR_OK, 0);
    cr_expect_eq(c->closed, 0);
    cr_expect_gt(strlen(heard(c)), 6 * (sizeof sdp + OFFER_CANDIDATE_BYTES_MAX));
    expect_done("4-4");
    buf_finish(&offer);
    buf_finish(&candidates);
}

Test(fanout, the_reply_is_kept_in_the_same_step_as_the_own_share)
{
    const struct call_entry e = entry(0, 4, "*", NULL, NULL);
    const struct call_answer a = change(4, &e, 1);
    join(2, &a);
    cr_expect_eq(leg_of(&c->session)->number, 2);
    char kept[ASKED_TEXT_MAX];
    snprintf(kept, sizeof kept, "%s", leg_of(&c->session)->reply);
    delivered(&c->session, ERR_OK, 0);
    expect_heard(kept, c);
}

Test(fanout, whoever_changed_it_may_go_on_at_once_with_the_seat_it_took)
{
    struct call_entry seated = entry(0, 4, "*", "+", NULL);
    char seats[128];
    snprintf(seats, sizeof seats, ";50;1=%s;2=%s;", bob.text, c->session.text);
    seated.seating = slice_of(seats);
    const struct call_answer a = change(4, &seated, 1);
    join(2, &a);
    delivered(&bob, ERR_OK, 0);
    delivered(&c->session, ERR_OK, 0);
    say(c, "{\"type\":\"signal\",\"id\":3,\"call\":\"%s\",\"to\":1,\"data\":1}", call.text);
    cr_expect(id_eq(&asked(stage, ASKED_SIGNAL)->session, &bob));
}

/* Another node was quicker, and the bus with it: what the mailbox says is newer than both. */
Test(fanout, whoever_was_put_out_meanwhile_asks_where_it_stands)
{
    const struct call_entry e = entry(0, 4, "*", "+", NULL);
    const struct call_answer a = change(4, &e, 1);
    say(c, "{\"type\":\"call.join\",\"id\":2,\"call\":\"%s\"}", call.text);
    fake_seats(&stage->store, asked(stage, ASKED_SEATS), 0);
    seat(c, &call, 4, (const struct id *const[5]){&bob, &c->session});
    stage->bus.on_events(stage->bus.context, &c->session, 0, NULL, 0, &(struct store_seating){.call = call});
    fake_call(&stage->store, asked(stage, ASKED_JOIN), &a);
    delivered(&c->session, ERR_OK, 0);
    cr_expect_null(fake_find(&stage->store, ASKED_READ));
    delivered(&bob, ERR_OK, 0);
    expect_contains("\"type\":\"ok\"", heard(c));
    fake_page(&stage->store, asked(stage, ASKED_READ),
              &(struct session_answer){.err = ERR_OK, .seating_count = 1, .seatings = {{call, SLICE("-5")}}}, 0, NULL,
              0);
    cr_expect_eq(stage->metrics.value[METRIC_SEATS], 0);
    expect_done("4-4");
}

Test(fanout, a_hole_is_filled_from_the_log_for_that_mailbox_only)
{
    const struct call_entry e = entry(0, 5, "*", "+", "+");
    const struct call_entry log[] = {entry(1, 3, NULL, "+", "+"), entry(2, 4, NULL, NULL, "+"), e};
    const struct call_answer a = change(5, &e, 1);
    const struct call_answer page = change(5, log, 3);
    join(2, &a);
    delivered(&c->session, ERR_OK, 0);
    delivered(&carol, ERR_OK, 0);
    delivered(&bob, ERR_HOLE, 2);
    cr_expect_eq(asked(stage, ASKED_LOG)->number, 2);
    fake_call(&stage->store, asked(stage, ASKED_LOG), &page);
    cr_expect_str_eq(leg_of(&bob)->text, "3+ 5+");
    delivered(&bob, ERR_OK, 0);
    expect_done("5-5");
    expect_contains("\"type\":\"ok\"", heard(c));
}

Test(fanout, a_hole_that_nothing_fills_is_answered_in_the_end)
{
    const struct call_entry e = entry(0, 5, "*", "+", NULL);
    const struct call_answer a = change(5, &e, 1);
    size_t tries = 0;
    join(2, &a);
    delivered(&c->session, ERR_OK, 0);
    for (; fake_find(&stage->store, ASKED_DELIVER); tries++) {
        delivered(&bob, ERR_HOLE, 2);
        if (fake_find(&stage->store, ASKED_LOG))
            fake_call(&stage->store, asked(stage, ASKED_LOG), &a);
    }
    cr_expect_leq(tries, 10);
    expect_contains("\"code\":\"unavailable\"", heard(c));
    signaling_stop(stage->signaling);
    cr_expect_null(fake_find(&stage->store, ASKED_DONE), "it is not done, the timer stays");
}

Test(fanout, what_is_done_when_the_node_has_stopped_is_told_at_once)
{
    const struct call_entry e = entry(0, 4, "*", "+", NULL);
    const struct call_answer a = change(4, &e, 1);
    join(2, &a);
    delivered(&c->session, ERR_OK, 0);
    signaling_stop(stage->signaling);
    delivered(&bob, ERR_OK, 0);
    cr_expect_str_eq(asked(stage, ASKED_DONE)->text, "4-4");
    fake_err(&stage->store, asked(stage, ASKED_DONE), ERR_OK);
}

/* Two nodes bring the same out; one is slow, and the session has gone and forgotten the call since. */
Test(fanout, a_late_word_to_whoever_has_forgotten_the_call_is_done)
{
    const struct call_entry e = entry(0, 5, "*", "!", NULL);
    const struct call_entry more[] = {e, entry(1, 6, "+", NULL, NULL)};
    const struct call_answer a = change(5, &e, 1);
    struct call_answer pages[] = {change(7, NULL, 0), change(6, more, 2), {.err = ERR_NOT_FOUND}};
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        join(2 + i, &a);
        delivered(&c->session, ERR_OK, 0);
        delivered(&bob, ERR_HOLE, 0);
        fake_call(&stage->store, asked(stage, ASKED_LOG), &pages[i]);
        expect_contains("\"type\":\"ok\"", heard(c));
        expect_done("5-5");
        cr_expect(nothing_asked(stage));
    }
}

Test(fanout, whoever_enters_by_what_the_log_has_is_not_late)
{
    const struct call_entry log[] = {entry(0, 4, NULL, "*", NULL), entry(1, 5, "*", "!", NULL)};
    const struct call_answer a = change(5, &log[1], 1);
    const struct call_answer page = {.err = ERR_OK, .version = 5, .fanned = 3, .entry_count = 2, .entries = log};
    join(2, &a);
    delivered(&c->session, ERR_OK, 0);
    delivered(&bob, ERR_HOLE, 0);
    fake_call(&stage->store, asked(stage, ASKED_LOG), &page);
    cr_expect_str_eq(leg_of(&bob)->text, "4* 5!");
    delivered(&bob, ERR_OK, 0);
    expect_done("5-5");
    expect_contains("\"type\":\"ok\"", heard(c));
}

Test(fanout, a_store_that_goes_in_between_is_told_and_nothing_is_called_done)
{
    static const enum asked_kind where[] = {ASKED_DELIVER, ASKED_LOG};
    const struct call_entry e = entry(0, 5, "*", "+", NULL);
    const struct call_answer a = change(5, &e, 1);
    for (unsigned i = 0; i < ARRAY_SIZE(where); i++) {
        join(2 + i, &a);
        delivered(&c->session, ERR_OK, 0);
        if (where[i] == ASKED_LOG)
            delivered(&bob, ERR_HOLE, 2);
        fake_err(&stage->store, asked(stage, where[i]), ERR_UNAVAILABLE);
        expect_contains("\"code\":\"unavailable\"", heard(c));
        cr_expect(nothing_asked(stage));
    }
}

/* Its end frees its seats. */
Test(fanout, a_member_that_has_ended_holds_nobody_up)
{
    const struct call_entry e = entry(0, 4, "*", "+", NULL);
    const struct call_answer a = change(4, &e, 1);
    join(2, &a);
    delivered(&c->session, ERR_OK, 0);
    delivered(&bob, ERR_GONE, 0);
    expect_done("4-4");
    expect_contains("\"type\":\"ok\"", heard(c));
    cr_expect(nothing_asked(stage));
}

Test(fanout, whoever_ends_on_the_way_into_a_call_leaves_it)
{
    const struct call_entry e = entry(0, 4, "+", "*", NULL);
    const struct call_entry left = entry(1, 5, "+", "~", NULL);
    const struct call_answer a = change(4, &e, 1);
    const struct call_answer b = change(5, &left, 1);
    join(2, &a);
    delivered(&c->session, ERR_OK, 0);
    delivered(&bob, ERR_GONE, 0);
    expect_done("4-4");
    struct asked *leave = asked(stage, ASKED_LEAVE);
    cr_expect(id_eq(&leave->session, &bob));
    cr_expect_str_eq(leave->text, "0 lost");
    fake_call(&stage->store, leave, &b);
    delivered(&c->session, ERR_OK, 0);
    delivered(&bob, ERR_GONE, 0); /* it is out with this: no second leaving */
    expect_done("5-5");
    cr_expect(nothing_asked(stage));
}

Test(fanout, a_member_whom_the_store_has_lost_is_waited_for)
{
    const struct call_entry e = entry(0, 4, "*", "+", NULL);
    const struct call_answer a = change(4, &e, 1);
    join(2, &a);
    delivered(&c->session, ERR_OK, 0);
    delivered(&bob, ERR_NOT_FOUND, 0);
    struct asked *missing = asked(stage, ASKED_MISSING);
    cr_expect(id_eq(&missing->session, &bob));
    fake_err(&stage->store, missing, ERR_NOT_FOUND);
    expect_done("4-4");
    expect_contains("\"type\":\"ok\"", heard(c));
}

/* There is nobody left to say ok to: the next hello gets the truth. */
Test(fanout, a_session_that_ended_under_its_own_request_closes)
{
    const struct call_entry e = entry(0, 4, "*", "+", NULL);
    const struct call_answer a = change(4, &e, 1);
    join(2, &a);
    delivered(&bob, ERR_OK, 0);
    delivered(&c->session, ERR_OVERRUN, 0);
    expect_done("4-4");
    expect_heard("", c);
    cr_expect_eq(c->closed, CLOSE_RESTART);
}

Test(fanout, a_full_mailbox_holds_nobody_up)
{
    const struct call_entry e = entry(0, 4, "*", "+", NULL);
    const struct call_answer a = change(4, &e, 1);
    join(2, &a);
    delivered(&bob, ERR_OVERRUN, 0);
    delivered(&c->session, ERR_OK, 0);
    expect_done("4-4");
    expect_contains("\"type\":\"ok\"", heard(c));
    cr_expect(nothing_asked(stage));
}

/* ---- users whose devices ring ---- */

static struct call_entry ringing(size_t slot, uint64_t version, const char *format, ...) ATTR_PRINTF(3, 4);

/* Its targets, whatever they are. */
static struct call_entry ringing(size_t slot, uint64_t version, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(texts[slot], sizeof texts[0], format, args);
    va_end(args);
    return (struct call_entry){.version = version,
                               .targets = slice_make(texts[slot], (size_t)n),
                               .seating = SLICE(";50;"),
                               .body = SLICE("\x80"),
                               .ring = SLICE("\x81")};
}

Test(fanout, all_devices_of_a_user_are_one_share)
{
    const struct call_entry e = ringing(0, 1, "*%s ?bob=alice ?carol=alice", c->session.text);
    const struct call_answer a = change(1, &e, 1);
    join(2, &a);
    cr_expect_eq(fake_open(&stage->store), 3);
    cr_expect_str_eq(asked(stage, ASKED_RING)->text, "bob for alice: 1?");
    cr_expect_str_eq(asked(stage, ASKED_RING)->reply, "");
    cr_expect(id_is_none(&asked(stage, ASKED_RING)->session));
    fake_err(&stage->store, asked(stage, ASKED_RING), ERR_OK);
    cr_expect_str_eq(asked(stage, ASKED_RING)->text, "carol for alice: 1?");
    delivered(&c->session, ERR_OK, 0);
    expect_heard("", c);
    fake_err(&stage->store, asked(stage, ASKED_RING), ERR_OK);
    expect_contains("\"type\":\"ok\"", heard(c));
    expect_done("1-1");
    cr_expect(nothing_asked(stage));
}

/* Whoever answers rang itself: one step for all its user's devices, so that none is told twice and none is forgotten. */
Test(fanout, the_device_that_answers_goes_along_with_its_users_devices)
{
    const struct call_entry e = ringing(0, 4, "+%s *%s xalice=%s", bob.text, c->session.text, c->session.text);
    const struct call_answer a = change(4, &e, 1);
    join(2, &a);
    cr_expect_eq(fake_open(&stage->store), 2);
    struct asked *ring = asked(stage, ASKED_RING);
    cr_expect_str_eq(ring->text, "alice for : 4x(*)");
    cr_expect(id_eq(&ring->session, &c->session));
    cr_expect_eq(ring->number, 2);
    char kept[ASKED_TEXT_MAX];
    snprintf(kept, sizeof kept, "%s", ring->reply);
    fake_err(&stage->store, ring, ERR_OK);
    delivered(&bob, ERR_OK, 0);
    expect_heard(kept, c);
    expect_done("4-4");
}

/* The first change is not the users', so the session needs a share of its own for it. */
Test(fanout, one_that_sat_there_before_has_its_own_share)
{
    const struct call_entry log[] = {entry(0, 3, "+", NULL, NULL),
                                     ringing(1, 4, "*%s xalice=%s", c->session.text, c->session.text)};
    const struct call_answer a = change(4, log, 2);
    join(2, &a);
    cr_expect_str_eq(leg_of(&c->session)->text, "3+ 4*");
    cr_expect_str_eq(asked(stage, ASKED_RING)->text, "alice for : 4x");
    cr_expect(id_is_none(&asked(stage, ASKED_RING)->session));
    delivered(&c->session, ERR_OK, 0);
    fake_err(&stage->store, asked(stage, ASKED_RING), ERR_OK);
    expect_done("3-4");
}

Test(fanout, a_ring_that_the_store_does_not_take_is_told_and_nothing_is_called_done)
{
    const struct call_entry e = ringing(0, 1, "*%s ?bob=alice", c->session.text);
    const struct call_answer a = change(1, &e, 1);
    join(2, &a);
    delivered(&c->session, ERR_OK, 0);
    fake_err(&stage->store, asked(stage, ASKED_RING), ERR_UNAVAILABLE);
    expect_contains("\"code\":\"unavailable\"", heard(c));
    signaling_stop(stage->signaling);
    cr_expect_null(fake_find(&stage->store, ASKED_DONE));
}

Test(fanout, a_ring_that_overtook_another_change_goes_again_behind_it)
{
    const struct call_entry e = ringing(0, 4, "-%s ?bob=alice", c->session.text);
    const struct call_answer a = change(4, &e, 1);
    const struct call_entry log[] = {ringing(1, 3, "!%s", bob.text), ringing(2, 4, "?bob=alice")};
    const struct call_answer rest = change(4, log, 2);
    join(2, &a);
    delivered(&c->session, ERR_OK, 0);
    fake_err(&stage->store, asked(stage, ASKED_RING), ERR_HOLE);
    fake_call(&stage->store, asked(stage, ASKED_LOG), &rest);
    delivered(&bob, ERR_OK, 0);
    fake_err(&stage->store, asked(stage, ASKED_RING), ERR_OK);
    expect_heard("", c);
    fake_err(&stage->store, asked(stage, ASKED_RING), ERR_OK);
    expect_contains("\"type\":\"ok\"", heard(c));
}

/* ---- the store is told later ---- */

Test(fanout, changes_of_a_moment_are_told_to_the_store_at_once)
{
    for (unsigned i = 0; i < 3; i++) {
        const struct call_entry e = entry(0, 4 + i, "*", NULL, NULL);
        const struct call_answer a = change(4 + i, &e, 1);
        join(2 + i, &a);
        delivered(&c->session, ERR_OK, 0);
    }
    cr_expect_null(fake_find(&stage->store, ASKED_DONE));
    signaling_stop(stage->signaling);
    expect_done("4-6");
    cr_expect_null(fake_find(&stage->store, ASKED_DONE));
}

/* What another node brings out in between is not this one's to tell. */
Test(fanout, a_gap_between_changes_is_told_apart)
{
    static const unsigned versions[] = {4, 6};
    for (unsigned i = 0; i < ARRAY_SIZE(versions); i++) {
        const struct call_entry e = entry(0, versions[i], "*", NULL, NULL);
        const struct call_answer a = change(versions[i], &e, 1);
        join(2 + i, &a);
        delivered(&c->session, ERR_OK, 0);
    }
    signaling_stop(stage->signaling);
    expect_done("4-4");
    expect_done("6-6");
}

/* ---- a change that had been made before ---- */

Test(fanout, what_others_have_not_heard_yet_is_brought_out_from_the_log)
{
    const struct call_entry log[] = {entry(0, 3, "*", "+", NULL), entry(1, 4, "+", "+", "*")};
    struct call_answer before = change(4, NULL, 0);
    const struct call_answer page = change(4, log, 2);
    before.fanned = 2;
    join(2, &before);
    cr_expect_eq(asked(stage, ASKED_LOG)->number, 2);
    fake_call(&stage->store, asked(stage, ASKED_LOG), &page);
    cr_expect_str_eq(leg_of(&c->session)->text, "3* 4+");
    cr_expect_eq(leg_of(&c->session)->number, 2);
    cr_expect_str_eq(leg_of(&bob)->text, "3+ 4+");
    cr_expect_str_eq(leg_of(&carol)->text, "4*");
    delivered(&c->session, ERR_OK, 0);
    delivered(&bob, ERR_OK, 0);
    delivered(&carol, ERR_OK, 0);
    expect_done("3-4");
    expect_contains("\"type\":\"ok\"", heard(c));
}

Test(fanout, when_all_have_heard_only_the_reply_is_kept)
{
    const struct call_answer before = change(4, NULL, 0);
    join(2, &before);
    cr_expect_eq(fake_open(&stage->store), 1);
    cr_expect_str_eq(leg_of(&c->session)->text, "");
    cr_expect_eq(leg_of(&c->session)->number, 2);
    delivered(&c->session, ERR_OK, 0);
    expect_contains("\"type\":\"ok\"", heard(c));
    cr_expect(nothing_asked(stage));
}

/* ---- the socket goes ---- */

Test(fanout, it_ends_though_the_socket_is_gone)
{
    const struct call_entry e = entry(0, 4, "*", "+", NULL);
    const struct call_answer a = change(4, &e, 1);
    join(2, &a);
    conn_gone(c);
    fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
    delivered(&bob, ERR_OK, 0);
    delivered(&c->session, ERR_OK, 0);
    expect_done("4-4");
    cr_expect(nothing_asked(stage));
}

Test(fanout, a_socket_that_goes_before_the_change_is_answered_still_has_it_brought_out)
{
    const struct call_entry e = entry(0, 4, "*", "+", NULL);
    const struct call_answer a = change(4, &e, 1);
    say(c, "{\"type\":\"call.join\",\"id\":2,\"call\":\"%s\"}", call.text);
    fake_seats(&stage->store, asked(stage, ASKED_SEATS), 0);
    conn_gone(c);
    fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
    fake_call(&stage->store, asked(stage, ASKED_JOIN), &a);
    delivered(&bob, ERR_OK, 0);
    delivered(&c->session, ERR_OK, 0);
    expect_done("4-4");
    cr_expect(nothing_asked(stage));
}
