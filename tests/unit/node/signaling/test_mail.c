#include "common/wire/writer.h"
#include "node/signaling/mail.h"
#include "tests/unit/node/signaling/stage.h"

/* From the bus and the mailbox to the socket: every event once, in order, or the socket closes. */

static struct stage *stage;
static struct conn *c;

static void begin(void)
{
    stage = stage_open(NULL);
    c = live(stage, "alice");
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(mail, .init = begin, .fini = finish);

/* The page that was asked for: these events, and how many the mailbox holds. */
static void page(uint64_t last, uint64_t first, size_t count)
{
    struct slice bodies[MAILBOX_PAGE];
    for (size_t i = 0; i < count; i++)
        bodies[i] = body_of(stage, "m");
    fake_page(&stage->store, asked(stage, ASKED_READ), &(struct session_answer){.err = ERR_OK, .seq = last}, first,
              bodies, count);
}

Test(mail, events_come_numbered_and_those_that_came_before_are_dropped)
{
    bus_event(c, 1, "a");
    bus_event(c, 2, "b");
    bus_event(c, 2, "b");
    bus_event(c, 1, "a");
    bus_event(c, 3, "c");
    expect_heard("{\"type\":\"a\",\"seq\":1}", c);
    expect_heard("{\"type\":\"b\",\"seq\":2}", c);
    expect_heard("{\"type\":\"c\",\"seq\":3}", c);
    expect_heard("", c);
    cr_expect(nothing_asked(stage));
}

Test(mail, of_a_batch_only_what_is_new_is_written)
{
    const struct slice bodies[] = {body_of(stage, "a"), body_of(stage, "b"), body_of(stage, "c")};
    bus_event(c, 1, "a");
    heard(c);
    stage->bus.on_events(stage->bus.context, &c->session, 1, bodies, 3, &(struct store_seating){0});
    expect_heard("{\"type\":\"b\",\"seq\":2}", c);
    expect_heard("{\"type\":\"c\",\"seq\":3}", c);
}

Test(mail, a_gap_is_filled_from_the_mailbox)
{
    bus_event(c, 1, "a");
    bus_event(c, 4, "d");
    expect_heard("{\"type\":\"a\",\"seq\":1}", c);
    expect_heard("", c);
    cr_expect_eq(asked(stage, ASKED_READ)->number, 1);
    page(4, 2, 3);
    expect_heard("{\"type\":\"m\",\"seq\":2}", c);
    expect_heard("{\"type\":\"m\",\"seq\":3}", c);
    expect_heard("{\"type\":\"m\",\"seq\":4}", c);
    cr_expect(nothing_asked(stage));
}

Test(mail, what_the_bus_brings_meanwhile_is_read_too_and_in_order)
{
    bus_event(c, 2, "b");
    bus_event(c, 3, "c");
    cr_expect_eq(fake_open(&stage->store), 1, "one reading at a time");
    page(2, 1, 2);
    expect_heard("{\"type\":\"m\",\"seq\":1}", c);
    expect_heard("{\"type\":\"m\",\"seq\":2}", c);
    cr_expect_eq(asked(stage, ASKED_READ)->number, 2);
    page(3, 3, 1);
    expect_heard("{\"type\":\"m\",\"seq\":3}", c);
    cr_expect(nothing_asked(stage));
}

Test(mail, a_long_mailbox_is_read_page_by_page)
{
    bus_event(c, 100, "z");
    page(100, 1, 64);
    cr_expect_eq(asked(stage, ASKED_READ)->number, 64);
    page(100, 65, 36);
    cr_expect_eq(c->sent, 1 + 100);
    cr_expect(nothing_asked(stage));
}

Test(mail, a_mailbox_with_a_hole_closes_rather_than_skip)
{
    bus_event(c, 5, "e");
    page(5, 3, 3);
    cr_expect_eq(c->closed, CLOSE_RESTART);
    expect_heard("", c);
}

/* The bus may be ahead of the answer to a question that was asked before: only what was heard of by then can be missing. */
Test(mail, what_is_heard_of_while_the_mailbox_is_read_is_no_hole)
{
    bus_event(c, 2, "b");
    bus_event(c, 5, "e");
    page(2, 1, 2);
    bus_event(c, 6, "f");
    page(5, 3, 3);
    page(6, 6, 1);
    cr_expect_eq(c->closed, 0);
    cr_expect(nothing_asked(stage));
    bus_event(c, 9, "x");
    page(6, 0, 0);
    cr_expect_eq(c->closed, CLOSE_RESTART);
}

Test(mail, an_empty_page_is_no_hole_however_much_is_heard_of_meanwhile)
{
    mail_read(c->client);
    bus_event(c, 1, "a");
    page(0, 0, 0);
    cr_expect_eq(c->closed, 0);
    bus_event(c, 2, "b");
    page(1, 1, 1);
    page(2, 2, 1);
    cr_expect_eq(c->closed, 0);
    cr_expect(nothing_asked(stage));
}

Test(mail, a_session_that_is_no_more_closes)
{
    bus_event(c, 2, "b");
    cr_expect_str_eq(asked(stage, ASKED_READ)->text, "epoch 1");
    fake_err(&stage->store, asked(stage, ASKED_READ), ERR_GONE);
    cr_expect_eq(c->closed, CLOSE_RESTART);
}

Test(mail, a_session_that_moved_on_closes_though_the_word_of_it_was_lost)
{
    bus_event(c, 2, "b");
    fake_err(&stage->store, asked(stage, ASKED_READ), ERR_STALE);
    cr_expect_eq(c->closed, CLOSE_SUPERSEDED);
}

/* Our own mistake, which each resume would meet again: the session ends. */
Test(mail, an_event_that_can_not_be_written_ends_the_session)
{
    struct slice body = SLICE("no msgpack");
    stage->bus.on_events(stage->bus.context, &c->session, 1, &body, 1, &(struct store_seating){0});
    cr_expect_eq(c->closed, CLOSE_RESTART);
    cr_expect_eq(asked(stage, ASKED_END)->number, 1);
}

/* Any member, and any caller, could end another's session with it. */
Test(mail, the_largest_event_can_be_written_even_where_each_byte_takes_six)
{
    static char controls[(1 << 20) - 64]; /* what a message may carry at most: --message-bytes-max */
    struct buf b;
    memset(controls, 1, sizeof controls);
    buf_init(&b, 1 << 20);
    wire_put_map(&b, 2);
    wire_put_key_cstr(&b, "type", "signal");
    wire_put_key_string(&b, "data", slice_make(controls, sizeof controls));
    struct slice body = buf_slice(&b);
    stage->bus.on_events(stage->bus.context, &c->session, 1, &body, 1, &(struct store_seating){0});
    cr_expect_eq(c->closed, 0);
    cr_expect_gt(strlen(heard(c)), 6 * sizeof controls);
    buf_finish(&b);
}

Test(mail, when_the_store_is_away_it_is_read_later)
{
    bus_event(c, 2, "b");
    fake_err(&stage->store, asked(stage, ASKED_READ), ERR_UNAVAILABLE);
    cr_expect_eq(c->closed, 0);
    cr_expect(nothing_asked(stage));
    stage_run_until_asked(stage, ASKED_READ);
    page(2, 1, 2);
    expect_heard("{\"type\":\"m\",\"seq\":1}", c);
}

Test(mail, after_a_cut_every_mailbox_is_read)
{
    struct conn *bob = live(stage, "bob");
    const struct restored there = {.err = ERR_OK};
    stage->bus.on_healed(stage->bus.context);
    cr_expect(nothing_asked(stage), "first the lease tells whether this node was taken for dead");
    fake_nodes(&stage->store, stage_run_until_asked(stage, ASKED_LEASE), NULL, 0);
    cr_expect_eq(fake_open(&stage->store), 2);
    fake_restored(&stage->store, asked(stage, ASKED_RESTORE), &there);
    fake_restored(&stage->store, asked(stage, ASKED_RESTORE), &there);
    page(0, 0, 0);
    page(0, 0, 0);
    cr_expect(nothing_asked(stage));
    cr_expect_eq(bob->closed + c->closed, 0);
}

/* What the store knew of the session when it was asked a second time may be older than what the bus has brought since, and so may a page that is on its way. */
Test(mail, what_the_bus_brings_meanwhile_outlives_an_older_answer)
{
    const struct restored before = {.err = ERR_OK, .seq = 0};
    stage_cut_bus(stage);
    stage_cut_bus(stage);
    fake_restored(&stage->store, asked(stage, ASKED_RESTORE), &before);
    bus_event(c, 1, "a");
    fake_restored(&stage->store, asked(stage, ASKED_RESTORE), &before);
    page(0, 0, 0);
    page(1, 1, 1);
    expect_heard("{\"type\":\"m\",\"seq\":1}", c);
    cr_expect(nothing_asked(stage));
}

Test(mail, a_page_that_comes_too_late_is_nobodys)
{
    bus_event(c, 2, "b");
    conn_gone(c);
    fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
    page(2, 1, 2);
    cr_expect(nothing_asked(stage));
}

Test(mail, events_of_a_session_that_is_not_here_are_nobodys)
{
    struct id other = some_id(3, "other");
    struct slice body = body_of(stage, "a");
    stage->bus.on_events(stage->bus.context, &other, 1, &body, 1, &(struct store_seating){0});
    expect_heard("", c);
    cr_expect(nothing_asked(stage));
}

Test(mail, an_attach_that_is_over_closes_with_its_reason)
{
    static const struct {
        uint64_t epoch;
        enum err why;
        int code;
    } cases[] = {
        {1, ERR_CONFLICT, CLOSE_SUPERSEDED},
        {1, ERR_STALE, CLOSE_SUPERSEDED},
        {1, ERR_OVERRUN, CLOSE_SLOW_READER},
        {1, ERR_GONE, CLOSE_RESTART},
        {2, ERR_OVERRUN, 0},
        {0, ERR_CONFLICT, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct conn *other = live(stage, "bob");
        stage->bus.on_detached(stage->bus.context, &other->session, cases[i].epoch, cases[i].why);
        cr_expect_eq(other->closed, cases[i].code, "case %zu: %d", i, other->closed);
        bus_event(other, 1, "late");
        conn_gone(other);
        fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_STALE);
        cr_expect(nothing_asked(stage));
    }
}

Test(mail, a_call_is_counted_by_the_member_with_the_lowest_number)
{
    const struct id call = some_id(3, "call");
    const struct id other = some_id(3, "other");
    const int64_t *value = stage->metrics.value;
    seat(c, &call, 1, (const struct id *const[5]){&c->session, NULL});
    cr_expect_eq(value[METRIC_SEATS], 1);
    cr_expect_eq(value[METRIC_CALLS], 1);
    seat(c, &call, 2, (const struct id *const[5]){&other, &c->session});
    cr_expect_eq(value[METRIC_SEATS], 1);
    cr_expect_eq(value[METRIC_CALLS], 0, "the other's node counts it");
    seat(c, &call, 3, (const struct id *const[5]){NULL, &c->session, &other});
    cr_expect_eq(value[METRIC_CALLS], 1);
    conn_gone(c);
    cr_expect_eq(value[METRIC_SEATS], 0);
    cr_expect_eq(value[METRIC_CALLS], 0);
}

Test(mail, it_is_said_whether_events_went_to_the_socket_at_once)
{
    const struct slice body = body_of(stage, "a");
    const struct id nobody = some_id(5, "nobody");
    const struct store_seating none = {0};
    cr_expect(stage->bus.on_events(stage->bus.context, &c->session, 1, &body, 1, &none));
    cr_expect_not(stage->bus.on_events(stage->bus.context, &nobody, 1, &body, 1, &none));
    cr_expect_not(stage->bus.on_events(stage->bus.context, &c->session, 5, &body, 1, &none), "a gap");
    page(0, 0, 0);
}
