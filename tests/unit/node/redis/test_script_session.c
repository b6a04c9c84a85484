#include <criterion/criterion.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "tests/unit/node/redis/lab.h"

/* session_create, session_attach, session_detach, session_sweep, held_done, session_end, session_forget */

static struct lab *lab;

static void begin(void)
{
    lab = lab_open();
}

static void finish(void)
{
    lab_close(lab);
}

TestSuite(script_session, .init = begin, .fini = finish);

/* Seated in a call since version 1, with one event in the mailbox. */
static void seat(const char *who, const char *call)
{
    const struct lab_entry enter[] = {{1, '*', "1=alice;", NULL}, {2, '+', "1=alice;2=bob;", "call.joined"}};
    lab_expect("ok", lab_deliver(lab, who, call, (struct lab_delivery){enter, 2, NULL, NULL}));
}

Test(script_session, a_new_one_is_attached_with_nothing_in_it)
{
    lab_expect("ok 0", lab_session_create(lab, "alice", NULL));
    struct id id = lab_session("alice");
    struct key key = key_session(&id);
    lab_expect("attached {17}:node:node-12chars 1 0 0 0 0",
               lab_ask(lab, "HMGET %s state channel epoch seq acked bytes freed", key.text));
    lab_expect("ok 0 []", lab_mailbox_read(lab, "alice", 0, 10));
}

Test(script_session, the_same_creation_again_changes_nothing)
{
    lab_session_create(lab, "alice", NULL);
    seat("alice", "call1");
    lab_expect("ok 1", lab_session_create(lab, "alice", NULL));
    cr_expect(lab_is(lab_mailbox_read(lab, "alice", 0, 10), "ok 1"));
}

Test(script_session, a_device_has_one_and_the_old_one_is_named)
{
    lab_session_create(lab, "alice", NULL);
    lab_expect("conflict alice", lab_session_create(lab, "alice#2", NULL));
    lab_expect("ok 0", lab_session_create(lab, "alice/laptop", NULL));
    lab_expect("ok 0", lab_session_create(lab, "alice#2", "alice"));
    lab_expect("conflict alice_2", lab_session_create(lab, "alice#3", "alice"));
}

Test(script_session, the_superseded_one_is_closed_and_its_calls_are_told)
{
    lab_listen(lab, "alice");
    lab_session_create(lab, "alice", NULL);
    seat("alice", "call1");
    lab_heard(lab);
    lab_expect("ok 1 call1 2;51;1=alice;2=bob;", lab_session_create(lab, "alice#2", "alice"));
    lab_expect("close alice 1 superseded", lab_heard(lab));
    cr_expect_str_neq(lab_timer(lab, 17, "grace:%s:alice", lab_session("alice").text), "nil");
    lab_expect("gone", lab_session_attach(lab, "alice", 0));
    /* Sent again: the same answer, and nobody is closed twice. */
    lab_expect("ok 1 call1 2;51;1=alice;2=bob;", lab_session_create(lab, "alice#2", "alice"));
    lab_expect("", lab_heard(lab));
}

Test(script_session, a_suspended_one_is_superseded_too)
{
    lab_session_create(lab, "alice", NULL);
    lab_session_detach(lab, "alice", 1);
    lab_expect("ok 0", lab_session_create(lab, "alice#2", "alice"));
    lab_expect("superseded", lab_ask(lab, "HGET {17}:session:%s state", lab_session("alice").text));
    lab_expect("gone", lab_session_attach(lab, "alice", 0));
}

Test(script_session, a_user_has_so_many_devices)
{
    lab_limits(lab)->devices_max = 2;
    lab_session_create(lab, "alice/a", NULL);
    lab_session_create(lab, "alice/b", NULL);
    lab_expect("rate_limited", lab_session_create(lab, "alice/c", NULL));
    lab_expect("ok 0", lab_session_create(lab, "alice/b#2", "alice/b"));
    lab_expect("ok 0", lab_session_create(lab, "bob/c", NULL));
}

Test(script_session, attaching_begins_the_next_epoch_and_ends_the_last)
{
    lab_session_create(lab, "alice", NULL);
    seat("alice", "call1");
    lab_listen(lab, "alice");
    lab_expect("ok 2 1 0 1 call1 2;51;1=alice;2=bob;", lab_session_attach(lab, "alice", 0));
    lab_expect("close alice 1 moved", lab_heard(lab));
    lab_session_detach(lab, "alice", 2);
    lab_expect("ok 3 1 0 1 call1 2;51;1=alice;2=bob;", lab_session_attach(lab, "alice", 1));
    lab_expect("", lab_heard(lab));
    lab_expect("nil", lab_timer(lab, 17, "grace:%s:alice", lab_session("alice").text));
}

Test(script_session, attaching_tells_the_highest_request_that_was_answered)
{
    lab_session_create(lab, "alice", NULL);
    lab_deliver(lab, "alice", "call1", (struct lab_delivery){.request = "7", .reply = "ok"});
    lab_deliver(lab, "alice", "call1", (struct lab_delivery){.request = "9", .reply = "ok"});
    lab_expect("ok 2 0 9 0", lab_session_attach(lab, "alice", 0));
}

Test(script_session, attaching_needs_key_user_and_device)
{
    lab_session_create(lab, "alice", NULL);
    struct id id = lab_session("alice");
    struct key key = key_session(&id);
    static const char *const fields[] = {"key", "user", "device"};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        char before[32];
        snprintf(before, sizeof before, "%s", lab_ask(lab, "HGET %s %s", key.text, fields[i]));
        lab_ask(lab, "HSET %s %s other", key.text, fields[i]);
        lab_expect("gone", lab_session_attach(lab, "alice", 0));
        lab_ask(lab, "HSET %s %s %s", key.text, fields[i], before);
    }
    lab_expect("ok 2 0 0 0", lab_session_attach(lab, "alice", 0));
    lab_expect("gone", lab_session_attach(lab, "nobody", 0));
}

Test(script_session, attaching_needs_every_event_after_the_last_one_had)
{
    lab_session_create(lab, "alice", NULL);
    lab_deliver(lab, "alice", "call1",
                (struct lab_delivery){(struct lab_entry[]){{1, '*', "", NULL}, {2, '+', "", "a"}, {3, '+', "", "b"}}, 3,
                                      NULL, NULL});
    lab_session_ack(lab, "alice", 1);
    static const struct {
        unsigned have;
        const char *answer;
    } cases[] = {{0, "gone"}, {1, "ok"}, {2, "ok"}, {3, "gone"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        cr_expect(lab_is(lab_session_attach(lab, "alice", cases[i].have), cases[i].answer), "having %u", cases[i].have);
}

Test(script_session, only_attached_and_suspended_ones_go_on)
{
    static const struct {
        const char *state;
        const char *answer;
    } cases[] = {
        {"attached", "ok"}, {"suspended", "ok"}, {"superseded", "gone"}, {"overrun", "gone"}, {"ended", "gone"}};
    lab_session_create(lab, "alice", NULL);
    struct id id = lab_session("alice");
    struct key key = key_session(&id);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        lab_ask(lab, "HSET %s state %s", key.text, cases[i].state);
        cr_expect(lab_is(lab_session_attach(lab, "alice", 0), cases[i].answer), "%s", cases[i].state);
    }
}

Test(script_session, detaching_suspends_until_the_grace_is_over)
{
    lab_session_create(lab, "alice", NULL);
    struct id id = lab_session("alice");
    struct key key = key_session(&id);
    lab_expect("ok", lab_session_detach(lab, "alice", 1));
    lab_expect("suspended \"\"", lab_ask(lab, "HMGET %s state channel", key.text));
    cr_expect_str_neq(lab_timer(lab, 17, "grace:%s:alice", id.text), "nil");
}

Test(script_session, the_same_detaching_again_is_ok_and_gives_no_more_grace)
{
    lab_session_create(lab, "alice", NULL);
    lab_session_detach(lab, "alice", 1);
    struct id id = lab_session("alice");
    struct key timers = key_timers(17);
    lab_ask(lab, "ZADD %s 1 grace:%s:alice", timers.text, id.text);
    lab_expect("ok", lab_session_detach(lab, "alice", 1));
    lab_expect("1", lab_timer(lab, 17, "grace:%s:alice", id.text));
}

Test(script_session, an_older_epoch_detaches_nothing)
{
    lab_session_create(lab, "alice", NULL);
    lab_session_attach(lab, "alice", 0);
    lab_expect("stale", lab_session_detach(lab, "alice", 1));
    lab_expect("ok", lab_session_detach(lab, "alice", 2));
    lab_expect("stale", lab_session_detach(lab, "alice", 1));
    lab_expect("stale", lab_session_detach(lab, "nobody", 1));
    lab_session_end(lab, "alice", 2);
    lab_expect("stale", lab_session_detach(lab, "alice", 2));
}

Test(script_session, ending_names_the_calls_and_frees_the_device)
{
    lab_session_create(lab, "alice", NULL);
    seat("alice", "call1");
    lab_expect("ok call1", lab_session_end(lab, "alice", 1));
    lab_expect("ok call1", lab_session_end(lab, "alice", 1));
    cr_expect_str_neq(lab_timer(lab, 17, "grace:%s:alice", lab_session("alice").text), "nil", "the owner goes on");
    lab_expect("gone", lab_session_attach(lab, "alice", 0));
    lab_expect("ok 0", lab_session_create(lab, "alice#2", NULL));
    lab_expect("ok call1", lab_session_end(lab, "alice", 1));
    lab_expect("conflict alice_2", lab_session_create(lab, "alice#3", NULL));
}

Test(script_session, grace_ends_only_what_no_socket_holds)
{
    lab_session_create(lab, "alice", NULL);
    struct key timers = key_timers(17);
    struct id id = lab_session("alice");
    lab_ask(lab, "ZADD %s 1 grace:%s:alice", timers.text, id.text);
    lab_expect("stale", lab_session_end(lab, "alice", 0));
    lab_expect("nil", lab_timer(lab, 17, "grace:%s:alice", id.text));
    lab_session_detach(lab, "alice", 1);
    struct key key = key_session(&id);
    lab_ask(lab, "HSET %s until 1", key.text);
    lab_expect("ok", lab_session_end(lab, "alice", 0));
}

/* The timer was taken up, then the client came and went again: that is a new grace. */
Test(script_session, grace_that_runs_on_ends_nothing_and_its_timer_comes_again)
{
    lab_session_create(lab, "alice", NULL);
    lab_session_detach(lab, "alice", 1);
    char due[64];
    struct key timers = key_timers(17);
    struct id id = lab_session("alice");
    snprintf(due, sizeof due, "%s", lab_timer(lab, 17, "grace:%s:alice", id.text));
    lab_ask(lab, "ZADD %s 1 grace:%s:alice", timers.text, id.text);
    lab_expect("stale", lab_session_end(lab, "alice", 0));
    lab_expect(due, lab_timer(lab, 17, "grace:%s:alice", id.text));
    lab_session_create(lab, "alice#2", "alice");
    lab_expect("stale", lab_session_end(lab, "alice", 0));
}

/* Whoever began it died: the grace of an earlier socket keeps no seat. */
Test(script_session, what_has_begun_to_end_goes_on_though_a_grace_would_run_on)
{
    lab_session_create(lab, "alice", NULL);
    seat("alice", "call1");
    lab_session_detach(lab, "alice", 1);
    lab_session_attach(lab, "alice", 0);
    lab_expect("ok call1", lab_session_end(lab, "alice", 2));
    lab_expect("ok call1", lab_session_end(lab, "alice", 0));
}

Test(script_session, ending_closes_the_socket_that_holds_it)
{
    lab_session_create(lab, "alice", NULL);
    lab_listen(lab, "alice");
    lab_session_end(lab, "alice", 1);
    lab_expect("close alice 1 ended", lab_heard(lab));
    lab_session_end(lab, "alice", 1);
    lab_expect("", lab_heard(lab));
}

/* ---- a hello that comes late ---- */

/* It waited at a node that Redis was away from, and the client came in elsewhere meanwhile. */
Test(script_session, what_was_asked_for_earlier_takes_nothing_from_what_was_asked_for_later)
{
    struct id id = lab_session("alice");
    struct key key = key_session(&id);
    lab_asked_at(lab, 1000);
    lab_session_create(lab, "alice", NULL);
    lab_asked_at(lab, 3000);
    lab_expect("ok 2 0 0 0", lab_session_attach(lab, "alice", 0));
    lab_asked_at(lab, 2000);
    lab_heard(lab);
    lab_expect("stale", lab_session_attach(lab, "alice", 0));
    lab_expect("stale", lab_session_create(lab, "alice#2", "alice"));
    lab_expect("", lab_heard(lab));
    lab_expect("attached 2", lab_ask(lab, "HMGET %s state epoch", key.text));
    lab_asked_at(lab, 3000);
    lab_expect("ok 3 0 0 0", lab_session_attach(lab, "alice", 0)); /* the same is sent again */
    lab_asked_at(lab, 3001);
    lab_expect("ok 0", lab_session_create(lab, "alice#2", "alice"));
    lab_asked_at(lab, 2000);
    lab_expect("stale", lab_session_create(lab, "alice#3", "alice#2"));
}

/* Two sockets of one device: which was first is chance, and no reason to send one away. */
Test(script_session, of_what_was_asked_for_at_the_same_moment_the_later_done_wins)
{
    lab_asked_at(lab, 1000);
    lab_session_create(lab, "alice", NULL);
    lab_asked_at(lab, 800);
    lab_expect("ok 2 0 0 0", lab_session_attach(lab, "alice", 0));
    lab_asked_at(lab, 1000);
    lab_session_create(lab, "alice#2", "alice");
    lab_asked_at(lab, 800);
    lab_expect("ok 0", lab_session_create(lab, "alice#3", "alice#2"));
    lab_asked_at(lab, 500);
    lab_expect("stale", lab_session_create(lab, "alice#4", "alice#3"));
}

Test(script_session, the_same_creation_again_is_not_late)
{
    lab_asked_at(lab, 1000);
    lab_session_create(lab, "alice", NULL);
    lab_asked_at(lab, 2000);
    lab_expect("ok 0", lab_session_create(lab, "alice#2", "alice"));
    lab_expect("ok 0", lab_session_create(lab, "alice#2", "alice"));
}

Test(script_session, whose_time_is_not_known_is_not_late)
{
    lab_asked_at(lab, 1000);
    lab_session_create(lab, "alice", NULL);
    lab_asked_at(lab, 0);
    lab_expect("ok 2 0 0 0", lab_session_attach(lab, "alice", 0));
    lab_asked_at(lab, 500);
    lab_expect("ok 3 0 0 0", lab_session_attach(lab, "alice", 0));
}

/* Redis's clock was set back, or a replica with another one took over. */
Test(script_session, a_time_that_is_still_to_come_says_nothing)
{
    lab_asked_at(lab, clock_wall_ms() + 3600000);
    lab_session_create(lab, "alice", NULL);
    lab_asked_at(lab, clock_wall_ms());
    lab_expect("ok 2 0 0 0", lab_session_attach(lab, "alice", 0));
}

/* Its answer was lost: the node does not know the epoch that it made. */
Test(script_session, an_attempt_to_attach_is_taken_back_by_its_name)
{
    lab_session_create(lab, "alice", NULL);
    lab_expect("stale", lab_session_take_back(lab, "alice", "alice:1"));
    lab_session_attach(lab, "alice", 0);
    lab_expect("stale", lab_session_take_back(lab, "alice", "alice:2"));
    lab_expect("ok", lab_session_take_back(lab, "alice", "alice:1"));
    lab_expect("ok", lab_session_take_back(lab, "alice", "alice:1"));
    struct id id = lab_session("alice");
    struct key key = key_session(&id);
    lab_expect("suspended \"\"", lab_ask(lab, "HMGET %s state channel", key.text));
}

Test(script_session, an_older_epoch_ends_nothing)
{
    lab_session_create(lab, "alice", NULL);
    lab_session_attach(lab, "alice", 0);
    lab_expect("stale", lab_session_end(lab, "alice", 1));
    lab_session_detach(lab, "alice", 2);
    lab_expect("stale", lab_session_end(lab, "alice", 1));
    lab_expect("ok", lab_session_end(lab, "alice", 2));
}

Test(script_session, what_is_forgotten_leaves_nothing)
{
    lab_session_create(lab, "alice", NULL);
    seat("alice", "call1");
    lab_deliver(lab, "alice", "call1", (struct lab_delivery){.request = "7", .reply = "ok"});
    lab_session_end(lab, "alice", 1);
    lab_expect("ok", lab_session_forget(lab, "alice"));
    lab_expect("stale", lab_session_detach(lab, "alice", 1)); /* its socket closes last */
    lab_ask(lab, "DEL {17}:presence:alice");                  /* kept for seven days */
    lab_expect("{17}:holders", lab_ask(lab, "KEYS *"));       /* the node lives on */
    lab_expect("ok", lab_session_forget(lab, "alice"));
    lab_ask(lab, "ZADD {17}:timers 1 grace:%s:alice", lab_session("alice").text);
    lab_expect("gone", lab_session_end(lab, "alice", 0));
    lab_expect("nil", lab_timer(lab, 17, "grace:%s:alice", lab_session("alice").text));
    lab_expect("not_found", lab_mailbox_read(lab, "alice", 0, 10));
}

#define HELD "{17}:held:node-12chars"

Test(script_session, whoever_has_a_socket_is_held_by_its_node)
{
    lab_session_create(lab, "alice", NULL);
    lab_expect("alice", lab_ask(lab, "SMEMBERS " HELD));
    lab_expect("node-12chars", lab_ask(lab, "SMEMBERS {17}:holders"));
    lab_session_detach(lab, "alice", 1);
    lab_expect("", lab_ask(lab, "SMEMBERS " HELD));
    lab_ask(lab, "DEL {17}:holders");
    lab_session_attach(lab, "alice", 0);
    lab_expect("alice", lab_ask(lab, "SMEMBERS " HELD));
    lab_expect("node-12chars", lab_ask(lab, "SMEMBERS {17}:holders"));
    lab_expect("stale", lab_session_detach(lab, "alice", 1));
    lab_expect("alice", lab_ask(lab, "SMEMBERS " HELD));
}

Test(script_session, a_dead_node_s_session_is_suspended_with_the_grace_it_has_left)
{
    lab_session_create(lab, "alice", NULL);
    seat("alice", "call1");
    lab_expect("ok 1 call1", lab_session_sweep(lab, "alice", "node-12chars", 60000));
    struct id id = lab_session("alice");
    struct key key = key_session(&id);
    lab_expect("suspended \"\"", lab_ask(lab, "HMGET %s state channel", key.text));
    cr_expect_str_neq(lab_timer(lab, 17, "grace:%s:alice", id.text), "nil");
    lab_expect("stale", lab_session_end(lab, "alice", 0)); /* the grace runs */
    lab_expect("stale", lab_session_sweep(lab, "alice", "node-12chars", 0));
    lab_session_attach(lab, "alice", 0);
    lab_expect("ok 3 call1", (lab_session_attach(lab, "alice", 0), lab_session_sweep(lab, "alice", "node-12chars", 0)));
    lab_expect("ok call1", lab_session_end(lab, "alice", 0)); /* it was over */
}

/* It was frozen, or Redis was away from it: its socket would hear nothing any more. */
Test(script_session, a_node_that_was_taken_for_dead_hears_that_it_does_not_hold_the_session)
{
    lab_listen(lab, "alice");
    lab_session_create(lab, "alice", NULL);
    lab_session_sweep(lab, "alice", "node-12chars", 60000);
    lab_expect("close alice 1 ended", lab_heard(lab));
    lab_session_sweep(lab, "alice", "node-12chars", 60000);
    lab_expect("", lab_heard(lab));
}

Test(script_session, whom_another_node_holds_is_not_swept)
{
    lab_listen(lab, "alice");
    lab_session_create(lab, "alice", NULL);
    lab_expect("stale", lab_session_sweep(lab, "alice", "node-of-old.", 0));
    lab_expect("stale", lab_session_sweep(lab, "nobody", "node-12chars", 0));
    lab_expect("", lab_heard(lab));
    lab_expect("ok 0 []", lab_mailbox_read(lab, "alice", 0, 10));
}

Test(script_session, a_node_that_holds_nobody_is_forgotten)
{
    lab_session_create(lab, "alice", NULL);
    lab_expect("ok", lab_held_done(lab, "node-12chars"));
    lab_expect("node-12chars", lab_ask(lab, "SMEMBERS {17}:holders"));
    lab_session_sweep(lab, "alice", "node-12chars", 0);
    lab_expect("ok", lab_held_done(lab, "node-12chars"));
    lab_expect("", lab_ask(lab, "SMEMBERS {17}:holders"));
}
