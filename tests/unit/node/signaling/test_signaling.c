#include <stdio.h>

#include "tests/unit/node/signaling/stage.h"

/* A node as a whole: sockets that go, draining, a store that always fails, the partitions' timers. */

static struct stage *stage;

static void begin(void)
{
    stage = stage_open(NULL);
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(signaling, .init = begin, .fini = finish);

/* ---- a socket goes ---- */

Test(signaling, a_socket_that_goes_suspends_its_session_and_then_tells_its_calls)
{
    struct conn *c = live(stage, "alice");
    const struct id call = some_id(5, "call");
    seat(c, &call, 2, (const struct id *const[5]){&c->session, NULL, NULL, NULL, NULL});
    conn_gone(c);
    cr_expect_null(fake_find(&stage->store, ASKED_MARK));
    fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
    cr_expect(id_eq(&asked(stage, ASKED_MARK)->call, &call));
    cr_expect_str_eq(asked(stage, ASKED_MARK)->text, "suspended");
    cr_expect_eq(asked(stage, ASKED_MARK)->number, 1);
    fake_err(&stage->store, asked(stage, ASKED_MARK), ERR_NOT_FOUND);
    cr_expect_eq(signaling_client_count(stage->signaling), 0);
}

Test(signaling, what_a_later_attach_holds_is_not_told_of)
{
    struct conn *c = live(stage, "alice");
    const struct id call = some_id(5, "call");
    seat(c, &call, 2, (const struct id *const[5]){&c->session, NULL, NULL, NULL, NULL});
    conn_gone(c);
    fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_STALE);
    cr_expect(nothing_asked(stage));
}

/* This node lives: no sweep of the dead would do it. */
Test(signaling, while_the_store_is_away_suspending_is_tried_again)
{
    struct conn *c = live(stage, "alice");
    const struct id call = some_id(5, "call");
    seat(c, &call, 2, (const struct id *const[5]){&c->session, NULL, NULL, NULL, NULL});
    conn_gone(c);
    fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_UNAVAILABLE);
    cr_expect(nothing_asked(stage));
    cr_expect_eq(stage_run_until_asked(stage, ASKED_DETACH)->number, 1);
    fake_err(&stage->store, asked(stage, ASKED_DETACH), ERR_OK);
    fake_err(&stage->store, asked(stage, ASKED_MARK), ERR_UNAVAILABLE);
    cr_expect(nothing_asked(stage));
    cr_expect(id_eq(&stage_run_until_asked(stage, ASKED_MARK)->call, &call));
    fake_err(&stage->store, asked(stage, ASKED_MARK), ERR_NOT_FOUND);
    cr_expect(nothing_asked(stage));
}

/* ---- draining ---- */

Test(signaling, draining_sends_everybody_away_and_takes_nobody)
{
    struct conn *alice = live(stage, "alice");
    struct conn *greeting = conn_open(stage);
    signaling_drain(stage->signaling, 30);
    expect_contains("{\"type\":\"reconnect\",\"after_ms\":", heard(alice));
    expect_heard("", greeting);
    struct conn *newcomer = conn_open(stage);
    expect_contains("{\"type\":\"reconnect\",\"after_ms\":", heard(newcomer));
    cr_expect_eq(newcomer->closed, CLOSE_OVERLOADED);
    stage_run_until(stage, &alice->closed);
    stage_run_until(stage, &greeting->closed);
    cr_expect_eq(alice->closed, CLOSE_RESTART);
    cr_expect_eq(greeting->closed, CLOSE_RESTART);
    conn_gone(alice);
    cr_expect_str_eq(asked(stage, ASKED_DETACH)->text, "alice");
}

Test(signaling, a_hello_that_fails_while_draining_leaves_in_time_too)
{
    struct conn *greeting = conn_open(stage);
    say_hello(greeting, "alice", "");
    signaling_drain(stage->signaling, 30);
    fake_err(&stage->store, asked(stage, ASKED_CREATE), ERR_UNAVAILABLE);
    stage_run_until(stage, &greeting->closed);
    cr_expect_eq(greeting->closed, CLOSE_RESTART);
}

/* ---- a store that always fails ---- */

Test(signaling, without_a_store_every_verb_says_unavailable_and_the_socket_stays)
{
    static const char *const frames[] = {
        "{\"type\":\"call.start\",\"id\":%u,\"to\":[]}",
        "{\"type\":\"offer.post\",\"id\":%u,\"offer\":\"v=0\\r\\no=- 0 0 IN IP4 0.0.0.0\\r\\ns=-\\r\\nt=0 0\\r\\n\"}",
        "{\"type\":\"offer.take\",\"id\":%u,\"call\":\"CALL\"}",
        "{\"type\":\"call.join\",\"id\":%u,\"call\":\"CALL\"}",
        "{\"type\":\"call.leave\",\"id\":%u,\"call\":\"CALL\"}",
        "{\"type\":\"call.remove\",\"id\":%u,\"call\":\"CALL\",\"peer\":2}",
        "{\"type\":\"call.lock\",\"id\":%u,\"call\":\"CALL\",\"locked\":true}",
        "{\"type\":\"call.get\",\"id\":%u,\"call\":\"CALL\"}",
        "{\"type\":\"signal\",\"id\":%u,\"call\":\"CALL\",\"to\":2,\"data\":1}",
        "{\"type\":\"signal\",\"id\":%u,\"call\":\"CALL\",\"to\":0,\"data\":1}",
        "{\"type\":\"signal\",\"id\":%u,\"call\":\"CALL\",\"to\":0,\"candidates\":[null]}",
        "{\"type\":\"bye\",\"id\":%u}",
    };
    struct conn *c = live(stage, "alice");
    const struct id call = some_id(5, "CALL");
    const struct id bob = some_id(6, "bob");
    seat(c, &call, 2, (const struct id *const[5]){&c->session, &bob, NULL, NULL, NULL});
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
        char frame[512];
        char start[64];
        const char *hole = strstr(frames[i], "CALL");
        const char *number = strstr(frames[i], "%u");
        size_t n = (size_t)snprintf(frame, sizeof frame, "%.*s%u", (int)(number - frames[i]), frames[i], i + 2);
        if (hole)
            snprintf(frame + n, sizeof frame - n, "%.*s%s%s", (int)(hole - number - 2), number + 2, call.text,
                     hole + 4);
        else
            snprintf(frame + n, sizeof frame - n, "%s", number + 2);
        say(c, "%s", frame);
        fake_fail_all(&stage->store);
        snprintf(start, sizeof start, "{\"type\":\"error\",\"id\":%u,\"code\":\"unavailable\"", i + 2);
        const char *error = heard(c);
        cr_expect(contains(error, start), "%s: %s", frame, error);
        expect_contains("retry_after_ms", error);
        expect_heard("", c);
        cr_expect_eq(c->closed, 0);
    }
    say(c, "{\"type\":\"ping\",\"id\":90}");
    expect_heard("{\"type\":\"ok\",\"id\":90}", c);
}

/* ---- an operator's hand ---- */

Test(signaling, who_is_kicked_is_closed_with_4006_behind_the_end_of_its_session)
{
    struct conn *c = live(stage, "alice");
    stage->bus.on_kicked(stage->bus.context, &c->session, SLICE("alice"), 1);
    struct asked *q = asked(stage, ASKED_END);
    cr_expect_eq(q->number, 1, "by that attach");
    cr_expect_eq(c->closed, CLOSE_ENDED_BY_ADMIN);
    fake_err(&stage->store, q, ERR_OK);
    fake_err(&stage->store, asked(stage, ASKED_FORGET), ERR_OK);
}

Test(signaling, a_kick_of_an_attach_that_is_over_closes_nobody_and_the_store_decides)
{
    struct conn *c = live(stage, "alice");
    const struct id elsewhere = some_id(9, "elsewhere");
    stage->bus.on_kicked(stage->bus.context, &c->session, SLICE("alice"), 7);
    fake_err(&stage->store, asked(stage, ASKED_END), ERR_STALE);
    cr_expect_eq(c->closed, 0);
    stage->bus.on_kicked(stage->bus.context, &elsewhere, SLICE("bob"), 2);
    cr_expect_eq(asked(stage, ASKED_END)->number, 2, "a session that no socket here has is ended all the same");
    fake_err(&stage->store, asked(stage, ASKED_END), ERR_GONE);
    cr_expect(nothing_asked(stage));
}

Test(signaling, a_drain_that_is_wanted_is_passed_on)
{
    stage->bus.on_drain(stage->bus.context);
    cr_expect_eq(stage->drains_wanted, 1);
}

/* ---- what a node does for the cluster ---- */

static const struct node_id self = {"node-12chars"};

/* A node that owns every partition; the question about one of them. */
static struct asked *look(void)
{
    fake_nodes(&stage->store, stage_run_until_asked(stage, ASKED_LEASE), &self, 1);
    return stage_run_until_asked(stage, ASKED_DUE);
}

Test(signaling, with_its_lease_a_node_leaves_a_card_and_says_at_once_that_it_drains)
{
    live(stage, "alice");
    fake_nodes(&stage->store, stage_run_until_asked(stage, ASKED_LEASE), &self, 1);
    signaling_drain(stage->signaling, 100000);
    struct asked *q = stage_run_until_asked(stage, ASKED_LEASE);
    cr_expect(contains(q->text, "\"host\":\"here\""), "%s", q->text);
    cr_expect(contains(q->text, "\"sessions\":1,"), "%s", q->text);
    cr_expect(contains(q->text, "\"draining\":true"), "%s", q->text);
    fake_nodes(&stage->store, q, &self, 1);
}

Test(signaling, the_lease_goes_before_all_that_a_client_asks)
{
    live(stage, "alice");
    cr_assert(stage->store.open);
    cr_expect_eq(stage->store.open->kind, ASKED_LEASE);
}

Test(signaling, a_node_alone_owns_every_partition)
{
    bool seen[STAGE_PARTITIONS] = {false};
    look();
    for (struct asked *q = stage->store.open; q; q = q->next) {
        if (q->kind == ASKED_DUE)
            seen[q->number] = true;
    }
    for (unsigned p = 0; p < STAGE_PARTITIONS; p++)
        cr_expect(seen[p], "partition %u", p);
}

Test(signaling, nodes_share_the_partitions_out)
{
    enum { NODES = 4 };
    struct node_id nodes[NODES] = {{"node-12chars"}, {"node-2-chars"}, {"node-3-chars"}, {"node-4-chars"}};
    unsigned own = 0;
    fake_nodes(&stage->store, stage_run_until_asked(stage, ASKED_LEASE), nodes, NODES);
    stage_run_until_asked(stage, ASKED_DUE);
    for (struct asked *q = stage->store.open; q; q = q->next)
        own += q->kind == ASKED_DUE;
    cr_expect(own > 0 && own < STAGE_PARTITIONS / 2, "%u of %u", own, STAGE_PARTITIONS);
}

Test(signaling, a_node_owns_nothing_until_it_knows_who_lives)
{
    fake_err(&stage->store, stage_run_until_asked(stage, ASKED_LEASE), ERR_UNAVAILABLE);
    struct conn *c = live(stage, "alice");
    bus_event(c, 1, "a");
    say(c, "{\"type\":\"ack\",\"seq\":1}");
    stage_run_until_asked(stage, ASKED_ACK); /* two looks later */
    cr_expect_null(fake_find(&stage->store, ASKED_DUE));
}

Test(signaling, a_timer_that_is_due_begins_its_story)
{
    const struct id call = some_id(5, "call");
    const struct id session = some_id(6, "session");
    const struct due_timer due[] = {
        {DUE_FANOUT, call, {0}},
        {DUE_EXPIRE, call, {0}},
        {DUE_GRACE, session, SLICE("alice")},
        {DUE_GRACE, session, SLICE("no such name, with spaces")},
    };
    fake_due(&stage->store, look(), due, ARRAY_SIZE(due));
    cr_expect_eq(fake_open(&stage->store), 3);
    cr_expect_eq(asked(stage, ASKED_LOG)->number, 0);
    cr_expect_eq(asked(stage, ASKED_END)->number, 0);
    cr_expect(id_eq(&asked(stage, ASKED_EXPIRE)->call, &call));

    char targets[64];
    snprintf(targets, sizeof targets, "!%s", session.text);
    const struct call_entry e = {
        .version = 4, .targets = slice_of(targets), .seating = SLICE(";20;"), .body = SLICE("\x80")};
    const struct call_answer change = {.err = ERR_OK, .version = 4, .fanned = 3, .entries = &e, .entry_count = 1};
    fake_call(&stage->store, asked(stage, ASKED_EXPIRE), &change);
    cr_expect_str_eq(asked(stage, ASKED_DELIVER)->text, "4!");
    fake_delivered(&stage->store, asked(stage, ASKED_DELIVER), ERR_OK, 0);
    cr_expect_str_eq(stage_run_until_asked(stage, ASKED_DONE)->text, "4-4");
    fake_err(&stage->store, asked(stage, ASKED_DONE), ERR_OK);
    fake_call(&stage->store, asked(stage, ASKED_LOG), &change);
    fake_delivered(&stage->store, asked(stage, ASKED_DELIVER), ERR_OK, 0);
    cr_expect_str_eq(stage_run_until_asked(stage, ASKED_DONE)->text, "4-4");
}

Test(signaling, stopping_gives_the_lease_up)
{
    fake_nodes(&stage->store, stage_run_until_asked(stage, ASKED_LEASE), &self, 1);
    signaling_stop(stage->signaling);
    cr_expect_eq(asked(stage, ASKED_LEASE)->number, 0);
}
