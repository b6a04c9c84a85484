#include <stdio.h>

#include "tests/unit/node/signaling/stage.h"

static struct stage *stage;
static const struct session_answer good = {.err = ERR_OK};

static void begin(void)
{
    stage = stage_open(NULL);
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(hello, .init = begin, .fini = finish);

/* ",\"resume\":{…}" with a session of alice's partition and a key of the right length. */
static struct id old_session(void)
{
    return some_id(partition_of_user(SLICE("alice"), STAGE_PARTITIONS), "old");
}

static const char *resume(unsigned seq)
{
    static char text[256];
    snprintf(text, sizeof text, ",\"resume\":{\"session\":\"%s\",\"key\":\"keykeykeykeykeykeykeyk\",\"seq\":%u}",
             old_session().text, seq);
    return text;
}

static struct session_answer seated(const struct id *call)
{
    struct session_answer a = {.err = ERR_OK, .epoch = 3, .seq = 41, .answered = 7, .seating_count = 1};
    a.seatings[0] = (struct store_seating){*call, SLICE("1;20;")};
    return a;
}

static const struct call_answer snapshot = {.err = ERR_OK,
                                            .version = 1,
                                            .state = SLICE_INIT("active"),
                                            .starter = SLICE_INIT("bob"),
                                            .members = SLICE_INIT("\x90"),
                                            .ringing = SLICE_INIT("\x90"),
                                            .seats = 5,
                                            .own = true};

/* ---- a new session ---- */

Test(hello, without_resume_there_is_a_new_session)
{
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", "");
    struct asked *q = asked(stage, ASKED_CREATE);
    cr_expect(id_is_none(&q->other));
    cr_expect_eq(id_partition(&q->session), partition_of_user(SLICE("alice"), STAGE_PARTITIONS));
    char start[ASKED_TEXT_MAX + 256];
    snprintf(start, sizeof start,
             "{\"type\":\"welcome\",\"id\":1,\"session\":\"%s\",\"key\":\"%s\",\"resumed\":false,\"user\":\"alice\","
             "\"device\":\"phone\",\"seq\":0,",
             q->session.text, q->text);
    fake_session(&stage->store, q, &good);
    const char *welcome = heard(c);
    expect_contains(start, welcome);
    expect_contains("\"calls\":[],\"pending\":[]", welcome);
    expect_contains("\"grace_ms\":20000", welcome);
    cr_expect(nothing_asked(stage));
}

Test(hello, calls_of_the_superseded_session_are_told_and_may_be_rejoined)
{
    struct conn *c = conn_open(stage);
    struct id call = some_id(5, "call");
    struct id gone = some_id(6, "gone");
    struct session_answer created = seated(&call);
    created.seatings[created.seating_count++] = (struct store_seating){gone, SLICE("1;20;")};
    struct session_answer found = {.err = ERR_CONFLICT, .other = old_session()};
    say_hello(c, "alice", "");
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &found);
    cr_expect(id_eq(&asked(stage, ASKED_CREATE)->other, &found.other));
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &created);
    struct asked *mark = asked(stage, ASKED_MARK);
    cr_expect_str_eq(mark->text, "suspended");
    cr_expect(id_eq(&mark->session, &found.other));
    fake_err(&stage->store, mark, ERR_NOT_FOUND);
    fake_err(&stage->store, asked(stage, ASKED_MARK), ERR_GONE);
    fake_call(&stage->store, asked(stage, ASKED_GET), &snapshot);
    expect_heard("", c);
    fake_err(&stage->store, asked(stage, ASKED_GET), ERR_NOT_FOUND);
    const char *welcome = heard(c);
    expect_contains("\"calls\":[{\"call\":\"05call", welcome);
    expect_contains("\"rejoin\":true}],\"pending\"", welcome);
}

/* {"type": "call.incoming"}, a fixmap that has room for a second pair */
#define RING_BODY      \
    "\x82\xa4type\xad" \
    "call.incoming"

Test(hello, what_rings_is_pending_with_the_candidates_that_came_early)
{
    struct conn *c = conn_open(stage);
    struct id call = some_id(5, "call");
    struct id quiet = some_id(6, "quiet");
    struct id over = some_id(7, "over");
    struct session_answer created = {.err = ERR_OK, .seats = 1, .seating_count = 3};
    created.seatings[0] = (struct store_seating){call, SLICE("?7")};
    created.seatings[1] = (struct store_seating){quiet, SLICE("?1")};
    created.seatings[2] = (struct store_seating){over, SLICE("?2")};
    const struct incoming offered = {.body = SLICE(RING_BODY),
                                     .candidates = SLICE("\xa1"
                                                         "a\xa1"
                                                         "b"),
                                     .candidate_count = 2};
    const struct incoming bare = {.body = SLICE(RING_BODY)};
    say_hello(c, "alice", "");
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &created);
    cr_expect_null(fake_find(&stage->store, ASKED_MARK), "it sits in none of them");
    cr_expect_null(fake_find(&stage->store, ASKED_GET));
    cr_expect_str_eq(asked(stage, ASKED_INCOMING)->text, "alice");
    cr_expect(id_eq(&asked(stage, ASKED_INCOMING)->call, &call));
    fake_incoming(&stage->store, asked(stage, ASKED_INCOMING), &offered);
    fake_incoming(&stage->store, asked(stage, ASKED_INCOMING), &bare);
    fake_err(&stage->store, asked(stage, ASKED_INCOMING), ERR_NOT_FOUND);
    expect_contains(
        "\"calls\":[],\"pending\":[{\"type\":\"call.incoming\",\"in_call\":true,\"candidates\":[\"a\",\"b\"]},"
        "{\"type\":\"call.incoming\",\"in_call\":true}],",
        heard(c));
    cr_expect(nothing_asked(stage));
}

/* The device that was woken by a push may be the only one that knows. */
Test(hello, what_is_pending_is_brought_to_a_store_that_may_have_forgotten_it)
{
    struct conn *c = conn_open(stage);
    const struct incoming bare = {.body = SLICE(RING_BODY)};
    struct session_answer created = {.err = ERR_OK, .seating_count = 1};
    created.seatings[0] = (struct store_seating){some_id(5, "call"), SLICE("?7")};
    say_hello(c, "alice", "");
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &created);
    fake_incoming(&stage->store, asked(stage, ASKED_INCOMING), &bare);
    stage_cut_bus(stage);
    expect_contains(" ?7", asked(stage, ASKED_RESTORE)->text);
}

/* A stranger's, for one: it keeps nobody out. */
Test(hello, a_ring_too_large_for_any_welcome_is_left_out)
{
    enum { LARGE = 600 * 1000 };
    struct conn *c = conn_open(stage);
    struct session_answer created = {.err = ERR_OK, .seating_count = 2};
    created.seatings[0] = (struct store_seating){some_id(5, "large"), SLICE("?7")};
    created.seatings[1] = (struct store_seating){some_id(6, "small"), SLICE("?7")};
    struct buf large;
    buf_init(&large, LARGE + 64);
    buf_put(&large, SLICE("\x83\xa4type\xad"
                          "call.incoming\xa5offer\xdb"));
    buf_put(&large,
            slice_make((const char[]){0, (char)(LARGE >> 16), (char)(LARGE >> 8 & 0xff), (char)(LARGE & 0xff)}, 4));
    memset(buf_reserve(&large, LARGE), 'v', LARGE);
    buf_commit(&large, LARGE);
    say_hello(c, "alice", "");
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &created);
    fake_incoming(&stage->store, asked(stage, ASKED_INCOMING), &(struct incoming){.body = buf_slice(&large)});
    fake_incoming(&stage->store, asked(stage, ASKED_INCOMING), &(struct incoming){.body = SLICE(RING_BODY)});
    cr_expect_eq(c->closed, 0);
    expect_contains("\"pending\":[{\"type\":\"call.incoming\",\"in_call\":false}],", heard(c));
    buf_finish(&large);
}

Test(hello, a_ring_that_cannot_be_read_is_no_welcome)
{
    struct conn *c = conn_open(stage);
    struct session_answer created = {.err = ERR_OK, .seating_count = 1};
    created.seatings[0] = (struct store_seating){some_id(5, "call"), SLICE("?7")};
    say_hello(c, "alice", "");
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &created);
    fake_err(&stage->store, asked(stage, ASKED_INCOMING), ERR_UNAVAILABLE);
    expect_heard("", c);
    cr_expect_eq(c->closed, CLOSE_RESTART);
}

Test(hello, a_resumed_session_that_still_rings_is_told_so_and_marks_no_seat)
{
    struct conn *c = conn_open(stage);
    struct session_answer attached = {.err = ERR_OK, .epoch = 3, .seq = 40, .answered = 7, .seating_count = 1};
    attached.seatings[0] = (struct store_seating){some_id(5, "call"), SLICE("?7")};
    const struct incoming bare = {.body = SLICE(RING_BODY)};
    say_hello(c, "alice", resume(40));
    fake_session(&stage->store, asked(stage, ASKED_ATTACH), &attached);
    cr_expect_null(fake_find(&stage->store, ASKED_MARK));
    fake_incoming(&stage->store, asked(stage, ASKED_INCOMING), &bare);
    expect_contains("\"calls\":[],\"pending\":[{\"type\":\"call.incoming\",\"in_call\":false}],", heard(c));
}

Test(hello, another_session_in_between_makes_it_ask_again_but_not_for_ever)
{
    struct conn *c = conn_open(stage);
    struct session_answer conflict = {.err = ERR_CONFLICT, .other = old_session()};
    say_hello(c, "alice", "");
    struct id first = asked(stage, ASKED_CREATE)->session;
    for (int i = 0; i < 15; i++) {
        fake_session(&stage->store, asked(stage, ASKED_CREATE), &conflict);
        cr_expect(id_eq(&asked(stage, ASKED_CREATE)->other, &conflict.other));
        cr_expect_not(id_eq(&asked(stage, ASKED_CREATE)->session, &first));
    }
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &conflict);
    expect_contains("\"code\":\"unavailable\"", heard(c));
    cr_expect_eq(c->closed, 0);
}

Test(hello, too_many_devices_are_refused)
{
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", "");
    fake_err(&stage->store, asked(stage, ASKED_CREATE), ERR_RATE_LIMITED);
    expect_contains("\"code\":\"rate_limited\",\"message\":\"too many devices of this user\",\"retry_after_ms\":1000",
                    heard(c));
}

/* ---- resume ---- */

Test(hello, resume_goes_on_with_every_event_after_the_last)
{
    struct conn *c = conn_open(stage);
    struct id call = some_id(5, "call");
    struct session_answer attached = seated(&call);
    say_hello(c, "alice", resume(40));
    struct asked *q = asked(stage, ASKED_ATTACH);
    cr_expect_str_eq(q->text, "keykeykeykeykeykeykeyk");
    cr_expect_eq(q->number, 40);
    fake_session(&stage->store, q, &attached);
    cr_expect_str_eq(asked(stage, ASKED_MARK)->text, "here");
    cr_expect_eq(asked(stage, ASKED_MARK)->number, 3);
    fake_err(&stage->store, asked(stage, ASKED_MARK), ERR_NOT_FOUND);
    fake_call(&stage->store, asked(stage, ASKED_GET), &snapshot);
    const char *welcome = heard(c);
    expect_contains("\"key\":\"keykeykeykeykeykeykeyk\",\"resumed\":true", welcome);
    expect_contains("\"seq\":40,", welcome);
    cr_expect_not(contains(welcome, "rejoin"));
    struct slice body = body_of(stage, "missed");
    cr_expect_eq(asked(stage, ASKED_READ)->number, 40);
    fake_page(&stage->store, asked(stage, ASKED_READ), &(struct session_answer){.err = ERR_OK, .seq = 41}, 41, &body,
              1);
    expect_heard("{\"type\":\"missed\",\"seq\":41}", c);
    cr_expect(nothing_asked(stage));
}

/* ---- what comes while it comes ---- */

static const struct session_answer nothing_missed = {.err = ERR_OK, .epoch = 3, .seq = 40};

Test(hello, a_resume_that_has_missed_nothing_reads_nothing)
{
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", resume(40));
    fake_session(&stage->store, asked(stage, ASKED_ATTACH), &nothing_missed);
    expect_contains("\"resumed\":true", heard(c));
    cr_expect(nothing_asked(stage));
    c->session = old_session();
    bus_event(c, 41, "next");
    expect_heard("{\"type\":\"next\",\"seq\":41}", c);
}

/* The store has told this node's channel before its answer was here, and whoever held the session at this node before may have taken it. */
Test(hello, what_the_bus_brings_before_the_session_is_here_is_read)
{
    for (int older = 0; older < 2; older++) {
        struct conn *before = conn_open(stage);
        struct conn *c = conn_open(stage);
        c->session = old_session();
        if (older) {
            say_hello(before, "alice", resume(40));
            fake_session(&stage->store, asked(stage, ASKED_ATTACH), &nothing_missed);
            expect_contains("\"resumed\":true", heard(before));
        }
        say_hello(c, "alice", resume(40));
        bus_event(c, 41, "early");
        fake_session(&stage->store, asked(stage, ASKED_ATTACH), &nothing_missed);
        expect_contains("\"resumed\":true", heard(c));
        struct slice body = body_of(stage, "early");
        cr_expect_eq(asked(stage, ASKED_READ)->number, 40);
        fake_page(&stage->store, asked(stage, ASKED_READ), &(struct session_answer){.err = ERR_OK, .seq = 41}, 41,
                  &body, 1);
        expect_heard("{\"type\":\"early\",\"seq\":41}", c);
        cr_expect(nothing_asked(stage));
    }
}

Test(hello, what_the_bus_brings_to_a_new_session_before_it_is_here_is_read)
{
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", "");
    c->session = asked(stage, ASKED_CREATE)->session;
    bus_event(c, 1, "early");
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &good);
    expect_contains("welcome", heard(c));
    cr_expect_eq(asked(stage, ASKED_READ)->number, 0);
}

Test(hello, what_the_bus_brings_before_the_welcome_is_read_behind_it)
{
    struct conn *c = conn_open(stage);
    struct id call = some_id(5, "call");
    struct session_answer created = {.err = ERR_OK, .seating_count = 1};
    const struct incoming bare = {.body = SLICE(RING_BODY)};
    created.seatings[0] = (struct store_seating){call, SLICE("?7")};
    say_hello(c, "alice", "");
    c->session = asked(stage, ASKED_CREATE)->session;
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &created);
    bus_event(c, 1, "early");
    expect_heard("", c);
    fake_incoming(&stage->store, asked(stage, ASKED_INCOMING), &bare);
    expect_contains("welcome", heard(c));
    expect_heard("", c);
    cr_expect_eq(asked(stage, ASKED_READ)->number, 0);
}

Test(hello, that_the_session_was_taken_from_here_before_it_was_here_is_found_out)
{
    struct conn *c = conn_open(stage);
    struct id session = old_session();
    say_hello(c, "alice", resume(40));
    stage->bus.on_detached(stage->bus.context, &session, 3, ERR_STALE);
    fake_session(&stage->store, asked(stage, ASKED_ATTACH), &nothing_missed);
    expect_contains("\"resumed\":true", heard(c));
    fake_page(&stage->store, asked(stage, ASKED_READ), &(struct session_answer){.err = ERR_STALE}, 0, NULL, 0);
    cr_expect_eq(c->closed, CLOSE_SUPERSEDED);
}

Test(hello, a_bus_that_was_cut_meanwhile_may_have_brought_something)
{
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", resume(40));
    stage->bus.on_healed(stage->bus.context);
    fake_session(&stage->store, asked(stage, ASKED_ATTACH), &nothing_missed);
    expect_contains("\"resumed\":true", heard(c));
    cr_expect_eq(asked(stage, ASKED_READ)->number, 40);
}

/* ---- a resume that can't be had ---- */

Test(hello, a_refused_resume_is_a_new_session)
{
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", resume(40));
    fake_err(&stage->store, asked(stage, ASKED_ATTACH), ERR_GONE);
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &good);
    const char *welcome = heard(c);
    expect_contains("\"resumed\":false", welcome);
    expect_contains("\"seq\":0,", welcome);
    cr_expect_not(contains(welcome, "keykeykey"));
}

Test(hello, a_resume_that_makes_no_sense_is_a_new_session)
{
    static const char *const resumes[] = {
        ",\"resume\":{\"session\":\"\",\"key\":\"\",\"seq\":0}",
        ",\"resume\":{\"session\":\"x\",\"key\":\"keykeykeykeykeykeykeyk\",\"seq\":1}",
        ",\"resume\":{\"session\":\"99old-------------------\",\"key\":\"keykeykeykeykeykeykeyk\",\"seq\":1}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(resumes); i++) {
        say_hello(conn_open(stage), "alice", resumes[i]);
        fake_err(&stage->store, asked(stage, ASKED_CREATE), ERR_UNAVAILABLE);
    }
    /* Another user's session, by its partition. */
    struct conn *c = conn_open(stage);
    say_hello(c, "bob", resume(1));
    cr_expect(fake_find(&stage->store, ASKED_CREATE));
}

Test(hello, a_resume_with_a_field_missing_or_ill_typed_is_a_bad_request_that_names_it)
{
    static const struct {
        const char *resume;
        const char *names;
    } rows[] = {
        {"{}", "`resume` `session` is missing"},
        {"{\"session\":7,\"key\":\"k\",\"seq\":0}", "`resume` `session` is an integer"},
        {"{\"session\":\"s\",\"key\":true,\"seq\":0}", "`resume` `key` is a boolean"},
        {"{\"session\":\"s\",\"key\":\"k\"}", "`resume` `seq` is missing"},
        {"{\"session\":\"s\",\"key\":\"k\",\"seq\":\"1\"}", "`resume` `seq` is a string"},
        {"{\"session\":\"s\",\"key\":\"k\",\"seq\":-1}", "`resume` `seq` is -1"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char fields[128];
        struct conn *c = conn_open(stage);
        snprintf(fields, sizeof fields, ",\"resume\":%s", rows[i].resume);
        say_hello(c, "alice", fields);
        const char *reply = heard(c);
        expect_contains("\"code\":\"bad_request\"", reply);
        expect_contains(rows[i].names, reply);
        say_hello(c, "alice", ""); /* the socket stays */
        fake_err(&stage->store, asked(stage, ASKED_CREATE), ERR_UNAVAILABLE);
    }
}

Test(hello, the_older_socket_of_a_resumed_session_on_this_node_is_closed_and_suspends_nothing)
{
    struct conn *older = conn_open(stage);
    struct conn *c = conn_open(stage);
    struct session_answer a = {.err = ERR_OK, .epoch = 2};
    say_hello(older, "alice", resume(0));
    fake_session(&stage->store, asked(stage, ASKED_ATTACH), &a);
    a.epoch = 3;
    say_hello(c, "alice", resume(0));
    fake_session(&stage->store, asked(stage, ASKED_ATTACH), &a);
    cr_expect_eq(older->closed, CLOSE_SUPERSEDED);
    cr_expect_eq(c->closed, 0);
    conn_gone(older);
    cr_expect(nothing_asked(stage));
    conn_gone(c);
    cr_expect_eq(asked(stage, ASKED_DETACH)->number, 3);
}

/* ---- the store is away ---- */

Test(hello, when_the_store_is_away_it_may_be_said_again)
{
    static const enum asked_kind steps[] = {ASKED_ATTACH, ASKED_CREATE};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        struct conn *c = conn_open(stage);
        say_hello(c, "alice", steps[i] == ASKED_ATTACH ? resume(0) : "");
        fake_err(&stage->store, asked(stage, steps[i]), ERR_UNAVAILABLE);
        fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_STALE);
        const char *error = heard(c);
        expect_contains("{\"type\":\"error\",\"id\":1,\"code\":\"unavailable\"", error);
        expect_contains("\"retry_after_ms\":", error);
        cr_expect_eq(c->closed, 0);
        say_hello(c, "alice", "");
        fake_session(&stage->store, asked(stage, ASKED_CREATE), &good);
        expect_contains("welcome", heard(c));
    }
}

/* It waited at this node, and the client came in elsewhere meanwhile. */
Test(hello, one_that_comes_late_is_closed_and_takes_nothing_back)
{
    static const enum asked_kind steps[] = {ASKED_ATTACH, ASKED_CREATE};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        struct conn *c = conn_open(stage);
        say_hello(c, "alice", steps[i] == ASKED_ATTACH ? resume(0) : "");
        fake_err(&stage->store, asked(stage, steps[i]), ERR_STALE);
        expect_heard("", c);
        cr_expect_eq(c->closed, CLOSE_RESTART);
        conn_gone(c);
        cr_expect(nothing_asked(stage));
    }
}

/* ---- the socket goes at each step: what came to this node is suspended, with its epoch ---- */

Test(hello, a_socket_that_goes_before_its_hello_leaves_nothing)
{
    conn_gone(conn_open(stage));
    cr_expect(nothing_asked(stage));
}

Test(hello, a_socket_that_goes_while_its_session_comes_suspends_it)
{
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", "");
    conn_gone(c);
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &good);
    cr_expect_eq(asked(stage, ASKED_DETACH)->number, 1);
    cr_expect_str_eq(asked(stage, ASKED_DETACH)->text, "alice");
    fake_done(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);

    c = conn_open(stage);
    say_hello(c, "alice", resume(0));
    conn_gone(c);
    fake_session(&stage->store, asked(stage, ASKED_ATTACH), &(struct session_answer){.err = ERR_OK, .epoch = 4});
    cr_expect_eq(asked(stage, ASKED_DETACH)->number, 4);
    fake_done(&stage->store, asked(stage, ASKED_DETACH), ERR_STALE);
    cr_expect(nothing_asked(stage));
}

/* Its session was another socket's until then, or its device's earlier session has seats: nobody else would tell those calls. */
Test(hello, a_socket_that_goes_while_its_session_comes_has_its_calls_told)
{
    struct id call = some_id(5, "call");
    struct id ringing = some_id(6, "ringing");
    struct session_answer came = seated(&call);
    came.seatings[came.seating_count++] = (struct store_seating){ringing, SLICE("?7")};
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", resume(40));
    conn_gone(c);
    fake_session(&stage->store, asked(stage, ASKED_ATTACH), &came);
    fake_done(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
    cr_expect_eq(asked(stage, ASKED_MARK)->number, 3);
    cr_expect_str_eq(asked(stage, ASKED_MARK)->text, "suspended");
    fake_err(&stage->store, asked(stage, ASKED_MARK), ERR_NOT_FOUND);
    cr_expect(nothing_asked(stage));

    const struct id old = old_session();
    c = conn_open(stage);
    say_hello(c, "alice", "");
    fake_session(&stage->store, asked(stage, ASKED_CREATE),
                 &(struct session_answer){.err = ERR_CONFLICT, .other = old});
    conn_gone(c);
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &came);
    fake_done(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
    cr_expect(id_eq(&asked(stage, ASKED_MARK)->session, &old));
    cr_expect_eq(asked(stage, ASKED_MARK)->number, SUPERSEDED_EPOCH);
    fake_err(&stage->store, asked(stage, ASKED_MARK), ERR_NOT_FOUND);
    cr_expect(nothing_asked(stage));
}

Test(hello, a_socket_that_goes_while_nothing_comes_suspends_nothing)
{
    static const enum err errs[] = {ERR_CONFLICT, ERR_RATE_LIMITED, ERR_GONE};
    for (size_t i = 0; i < ARRAY_SIZE(errs); i++) {
        struct conn *c = conn_open(stage);
        say_hello(c, "alice", "");
        conn_gone(c);
        fake_err(&stage->store, asked(stage, ASKED_CREATE), errs[i]);
        cr_expect(nothing_asked(stage), "%s", err_text(errs[i]));
    }
}

/* The store may have done it all the same: without a socket here the session is suspended, by epoch or by the attempt's name. */
Test(hello, an_answer_that_is_lost_is_taken_back)
{
    for (int gone = 0; gone < 2; gone++) {
        struct conn *c = conn_open(stage);
        say_hello(c, "alice", resume(0));
        uint64_t attempt = asked(stage, ASKED_ATTACH)->attempt;
        cr_expect_neq(attempt, 0);
        if (gone)
            conn_gone(c);
        fake_err(&stage->store, asked(stage, ASKED_ATTACH), ERR_UNAVAILABLE);
        cr_expect_eq(asked(stage, ASKED_DETACH)->number, 0);
        cr_expect_eq(asked(stage, ASKED_DETACH)->attempt, attempt);
        fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_STALE);

        c = conn_open(stage);
        say_hello(c, "alice", "");
        struct id session = asked(stage, ASKED_CREATE)->session;
        if (gone)
            conn_gone(c);
        fake_err(&stage->store, asked(stage, ASKED_CREATE), ERR_UNAVAILABLE);
        cr_expect_eq(asked(stage, ASKED_DETACH)->number, 1);
        cr_expect(id_eq(&asked(stage, ASKED_DETACH)->session, &session));
        fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
        cr_expect(nothing_asked(stage));
    }
}

Test(hello, attempts_have_names_of_their_own)
{
    uint64_t first = 0;
    for (int i = 0; i < 2; i++) {
        say_hello(conn_open(stage), "alice", resume(0));
        cr_expect_neq(asked(stage, ASKED_ATTACH)->attempt, first);
        first = asked(stage, ASKED_ATTACH)->attempt;
        fake_err(&stage->store, asked(stage, ASKED_ATTACH), ERR_GONE);
    }
}

Test(hello, a_welcome_that_could_not_tell_of_every_call_is_none)
{
    struct conn *c = conn_open(stage);
    struct id call = some_id(5, "call");
    struct session_answer attached = seated(&call);
    say_hello(c, "alice", resume(40));
    say(c, "{\"type\":\"ping\",\"id\":2}");
    fake_session(&stage->store, asked(stage, ASKED_ATTACH), &attached);
    fake_err(&stage->store, asked(stage, ASKED_MARK), ERR_NOT_FOUND);
    fake_err(&stage->store, asked(stage, ASKED_GET), ERR_UNAVAILABLE);
    expect_heard("", c);
    cr_expect_eq(c->closed, CLOSE_RESTART);
    conn_gone(c);
    cr_expect_eq(asked(stage, ASKED_DETACH)->number, 3);
}

Test(hello, a_socket_that_goes_while_its_calls_are_read_is_suspended_once_and_its_calls_told)
{
    struct conn *c = conn_open(stage);
    struct id call = some_id(5, "call");
    struct session_answer attached = seated(&call);
    say_hello(c, "alice", resume(0));
    fake_session(&stage->store, asked(stage, ASKED_ATTACH), &attached);
    fake_err(&stage->store, asked(stage, ASKED_MARK), ERR_NOT_FOUND);
    conn_gone(c);
    cr_expect_eq(asked(stage, ASKED_DETACH)->number, 3);
    fake_done(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
    cr_expect_str_eq(asked(stage, ASKED_MARK)->text, "suspended");
    fake_call(&stage->store, asked(stage, ASKED_GET), &snapshot);
    cr_expect_null(fake_find(&stage->store, ASKED_DETACH));
}

/* ---- order of things ---- */

Test(hello, what_comes_behind_waits_for_the_welcome)
{
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", "");
    say(c, "{\"type\":\"ping\",\"id\":2}");
    say(c, "{\"type\":\"hello\",\"id\":3,\"device\":\"phone\",\"token\":\"x\"}");
    expect_contains("{\"type\":\"error\",\"id\":3,\"code\":\"bad_request\"", heard(c));
    expect_heard("", c);
    fake_session(&stage->store, asked(stage, ASKED_CREATE), &good);
    expect_contains("welcome", heard(c));
    expect_heard("{\"type\":\"ok\",\"id\":2}", c);
}

Test(hello, what_comes_behind_a_failed_one_is_no_state_of_this_protocol)
{
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", "");
    say(c, "{\"type\":\"ping\",\"id\":2}");
    fake_err(&stage->store, asked(stage, ASKED_CREATE), ERR_UNAVAILABLE);
    expect_contains("unavailable", heard(c));
    cr_expect_eq(c->closed, CLOSE_BAD_STATE);
}

Test(hello, nothing_comes_before_it)
{
    static const struct {
        const char *frame;
        int code;
    } cases[] = {
        {"{\"type\":\"ping\",\"id\":1}", CLOSE_BAD_STATE},
        {"{\"type\":\"ack\",\"seq\":1}", CLOSE_BAD_STATE},
        {"{\"type\":\"hello\"}", CLOSE_NOT_PROTOCOL},
        {"[]", CLOSE_NOT_PROTOCOL},
        {"", CLOSE_NOT_PROTOCOL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct conn *c = conn_open(stage);
        say(c, "%s", cases[i].frame);
        cr_expect_eq(c->closed, cases[i].code, "%s: %d", cases[i].frame, c->closed);
        say(c, "{\"type\":\"ping\",\"id\":1}");
        cr_expect_eq(c->closes, 1, "what comes behind a close is not heard");
    }
    cr_expect(nothing_asked(stage));
}

/* ---- tokens ---- */

Test(hello, a_token_that_is_not_accepted_closes)
{
    struct conn *c = conn_open(stage);
    say(c, "{\"type\":\"hello\",\"id\":1,\"device\":\"phone\",\"token\":\"abc\"}");
    expect_contains("\"code\":\"unauthorized\"", heard(c));
    cr_expect_eq(c->closed, CLOSE_TOKEN_REFUSED);
    c = conn_open(stage);
    say(c, "{\"type\":\"hello\",\"id\":1,\"device\":\"phone\",\"token\":\"%s\"}",
        token_for(stage, "alice", "laptop", 60));
    expect_contains("the token is bound to another device", heard(c));
    cr_expect_eq(c->closed, CLOSE_TOKEN_REFUSED);
    cr_expect(nothing_asked(stage));
}

/* At its end, or at the end of the leeway for one that is over already. */
Test(hello, a_session_ends_its_socket_with_its_token, .timeout = 120)
{
    static const int64_t seconds[] = {
        1, 4 - JWT_LEEWAY_S}; /* some of them, so that each is still good when it is looked at */
    struct conn *conns[ARRAY_SIZE(seconds)];
    for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
        conns[i] = conn_open(stage);
        say(conns[i], "{\"type\":\"hello\",\"id\":1,\"device\":\"phone\",\"token\":\"%s\"}",
            token_for(stage, "alice", "", seconds[i]));
        fake_session(&stage->store, asked(stage, ASKED_CREATE), &good);
    }
    for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
        stage_run_until(stage, &conns[i]->closed);
        cr_expect_eq(conns[i]->closed, CLOSE_TOKEN_EXPIRED);
    }
}

static void be_impatient(struct signaling_settings *s)
{
    s->hello_timeout_ms = 20;
}

Test(hello_late, it_comes_in_time_or_not_at_all)
{
    stage = stage_open(be_impatient);
    struct conn *c = conn_open(stage);
    stage_run_until(stage, &c->closed);
    cr_expect_eq(c->closed, CLOSE_NO_HELLO);
    stage_close(stage);
}

Test(hello_late, what_came_while_the_node_stood_still_is_read_first)
{
    stage = stage_open(be_impatient);
    struct conn *c = conn_open(stage);
    uv_sleep(50);
    uv_run(&stage->loop, UV_RUN_NOWAIT); /* the time is over, and the input comes behind the timers */
    cr_expect_eq(c->closed, 0);
    stage_run_until(stage, &c->closed);
    cr_expect_eq(c->closed, CLOSE_NO_HELLO);
    stage_close(stage);
}

/* The store may take its time; only who says nothing is closed. */
Test(hello_late, its_time_begins_anew_after_a_failure)
{
    stage = stage_open(be_impatient);
    struct conn *silent = conn_open(stage);
    struct conn *c = conn_open(stage);
    say_hello(c, "alice", "");
    stage_run_until(stage, &silent->closed);
    cr_expect_eq(c->closed, 0);
    fake_err(&stage->store, asked(stage, ASKED_CREATE), ERR_UNAVAILABLE);
    cr_expect_eq(c->closed, 0);
    stage_run_until(stage, &c->closed);
    cr_expect_eq(c->closed, CLOSE_NO_HELLO);
    stage_close(stage);
}
