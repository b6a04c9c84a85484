#include <stdio.h>

#include "tests/unit/node/signaling/stage.h"

/* The owner of a partition speaks for the sessions of dead nodes */

static struct stage *stage;
static const struct node_id self = {"node-12chars"};
static const struct node_id dead = {"dead-12chars"};

static void begin(void)
{
    stage = stage_open(NULL);
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(sweep, .init = begin, .fini = finish);

/* A lease's answer with the other node as said (NULL: not known), then the holders of each partition: the other node in one of them. */
static void round_with(const struct node_lease *other)
{
    struct node_lease leases[2] = {{.node = self, .lives = true}};
    if (other)
        leases[1] = *other;
    fake_leases(&stage->store, stage_run_until_asked(stage, ASKED_LEASE), false, leases, other ? 2 : 1);
    for (struct asked *q = fake_find(&stage->store, ASKED_HOLDERS); q; q = fake_find(&stage->store, ASKED_HOLDERS))
        fake_holders(&stage->store, q, &dead, q->number == 3 ? 1 : 0);
}

/* A node that has stood still takes nobody for dead in that round: then there is another. */
static void rounds_until_held(const struct node_lease *other)
{
    for (int i = 0; i < 10 && !fake_find(&stage->store, ASKED_HELD); i++)
        round_with(other);
}

static void page_of(const struct id *session)
{
    fake_held(&stage->store, asked(stage, ASKED_HELD), session, session ? 1 : 0);
}

Test(sweep, a_dead_node_s_sessions_are_suspended_and_their_calls_told)
{
    const struct id session = some_id(3, "left");
    const struct id call = some_id(5, "call");
    struct session_answer a = {.err = ERR_OK, .epoch = 4, .seating_count = 1};
    a.seatings[0].call = call;
    round_with(&(struct node_lease){.node = dead, .ended_ms = 1000});
    cr_expect_str_eq(asked(stage, ASKED_HELD)->text, dead.text);
    page_of(&session);
    cr_expect(id_eq(&asked(stage, ASKED_SWEEP)->session, &session));
    cr_expect_eq(asked(stage, ASKED_SWEEP)->number, 15000, "its grace runs since it renewed last");
    fake_session(&stage->store, asked(stage, ASKED_SWEEP), &a);
    cr_expect(id_eq(&asked(stage, ASKED_MARK)->call, &call));
    fake_call(&stage->store, asked(stage, ASKED_MARK), &(struct call_answer){.err = ERR_NOT_FOUND});
    page_of(NULL);
    cr_expect_str_eq(asked(stage, ASKED_HELD_DONE)->text, dead.text);
    fake_err(&stage->store, asked(stage, ASKED_HELD_DONE), ERR_OK);
    cr_expect(nothing_asked(stage));
}

Test(sweep, the_next_page_waits_for_all_of_the_last)
{
    const struct id sessions[2] = {some_id(3, "one"), some_id(3, "two")};
    round_with(&(struct node_lease){.node = dead, .ended_ms = 1000});
    fake_held(&stage->store, asked(stage, ASKED_HELD), sessions, 2);
    fake_err(&stage->store, asked(stage, ASKED_SWEEP), ERR_STALE);
    cr_expect_null(fake_find(&stage->store, ASKED_HELD));
    fake_err(&stage->store, asked(stage, ASKED_SWEEP), ERR_STALE);
    page_of(NULL);
    fake_err(&stage->store, asked(stage, ASKED_HELD_DONE), ERR_OK);
}

Test(sweep, a_node_that_lives_keeps_what_it_holds)
{
    round_with(&(struct node_lease){.node = dead, .lives = true});
    cr_expect_null(fake_find(&stage->store, ASKED_HELD));
}

/* Its first lease may have come just after the list. */
Test(sweep, a_stranger_is_dead_only_when_it_is_one_twice)
{
    round_with(NULL);
    cr_expect_null(fake_find(&stage->store, ASKED_HELD));
    round_with(&(struct node_lease){.node = dead, .lives = true});
    round_with(NULL);
    cr_expect_null(fake_find(&stage->store, ASKED_HELD));
    rounds_until_held(NULL);
    page_of(NULL);
    fake_err(&stage->store, asked(stage, ASKED_HELD_DONE), ERR_OK);
}

Test(sweep, what_the_store_does_not_answer_is_swept_in_the_next_round)
{
    const struct id session = some_id(3, "left");
    const struct node_lease lease = {.node = dead, .ended_ms = 1000};
    round_with(&lease);
    page_of(&session);
    fake_err(&stage->store, asked(stage, ASKED_SWEEP), ERR_UNAVAILABLE);
    cr_expect_null(fake_find(&stage->store, ASKED_HELD));
    rounds_until_held(&lease);
    page_of(NULL);
    fake_err(&stage->store, asked(stage, ASKED_HELD_DONE), ERR_OK);
}

/* Others may have taken it for dead: each session looks whether it is still held. */
Test(sweep, a_node_whose_lease_lapsed_asks_for_its_own_sessions)
{
    struct conn *c = live(stage, "alice");
    const struct node_lease lease = {.node = self, .lives = true};
    fake_leases(&stage->store, stage_run_until_asked(stage, ASKED_LEASE), true, &lease, 1);
    fake_err(&stage->store, asked(stage, ASKED_RESTORE), ERR_GONE);
    cr_expect_eq(c->closed, CLOSE_RESTART);
}

/* What kept its own lease kept those of the others: they are given time to renew them. */
Test(sweep, a_node_whose_lease_lapsed_takes_nobody_for_dead_yet)
{
    const struct node_lease leases[2] = {{.node = self, .lives = true}, {.node = dead, .ended_ms = 1000}};
    fake_leases(&stage->store, stage_run_until_asked(stage, ASKED_LEASE), true, leases, 2);
    cr_expect_null(fake_find(&stage->store, ASKED_HOLDERS));
    fake_leases(&stage->store, stage_run_until_asked(stage, ASKED_LEASE), false, leases, 2);
    cr_expect_null(fake_find(&stage->store, ASKED_HOLDERS), "in the next round neither");
    rounds_until_held(&leases[1]);
    page_of(NULL);
    fake_err(&stage->store, asked(stage, ASKED_HELD_DONE), ERR_OK);
}

/* So does a store that went away when this node had just begun. */
Test(sweep, a_node_whose_first_lease_was_late_takes_nobody_for_dead_yet)
{
    for (int i = 0; i < 2; i++)
        fake_err(&stage->store, stage_run_until_asked(stage, ASKED_LEASE), ERR_UNAVAILABLE);
    round_with(&(struct node_lease){.node = dead, .ended_ms = 1000});
    cr_expect_null(fake_find(&stage->store, ASKED_HELD));
}
