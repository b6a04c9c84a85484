#include <criterion/criterion.h>
#include <hiredis/hiredis.h>

#include "tests/unit/node/redis/lab.h"

/* deliver, mailbox_read, session_ack */

static struct lab *lab;

static void begin(void)
{
    lab = lab_open();
    lab_session_create(lab, "alice", NULL);
    lab_listen(lab, "alice");
}

static void finish(void)
{
    lab_close(lab);
}

TestSuite(script_mailbox, .init = begin, .fini = finish);

static const char *deliver_one(unsigned version, char mark, const char *event)
{
    const struct lab_entry e = {version, mark, "1=alice;", event};
    return lab_deliver(lab, "alice", "call1", (struct lab_delivery){&e, 1, NULL, NULL});
}

Test(script_mailbox, marks_say_who_hears_and_who_stays)
{
    static const struct {
        char mark;
        const char *seating;
        const char *mailbox;
        const char *heard;
    } cases[] = {
        {'+', "2;51;1=alice;", "ok 1 [1 {\"type\":\"e\"}] call1 2;51;1=alice;",
         "events alice 1 [{\"type\":\"e\"}] call1=2;51;1=alice;"},
        {'-', "2;51;1=alice;", "ok 0 [] call1 2;51;1=alice;", "events alice 1 [] call1=2;51;1=alice;"},
        {'!', "nil", "ok 1 [1 {\"type\":\"e\"}] call1 -2", "events alice 1 [{\"type\":\"e\"}] call1="},
        {'~', "nil", "ok 0 [] call1 -2", "events alice 1 [] call1="},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        lab_ask(lab, "FLUSHALL");
        lab_session_create(lab, "alice", NULL);
        lab_expect("ok", deliver_one(1, '*', "e"));
        lab_expect("events alice 1 [] call1=1;51;1=alice;", lab_heard(lab));
        lab_expect("ok", deliver_one(2, cases[i].mark, "e"));
        lab_expect(cases[i].heard, lab_heard(lab));
        lab_expect(cases[i].seating, lab_seating(lab, "alice", "call1"));
        lab_expect(cases[i].mailbox, lab_mailbox_read_in(lab, "alice", 1, 0, 10));
    }
}

Test(script_mailbox, only_the_next_version_is_taken)
{
    static const struct {
        unsigned version;
        char mark;
        const char *answer;
        const char *seating;
    } steps[] = {
        {4, '+', "hole 0", "nil"},
        {4, '!', "hole 0", "nil"},
        {3, '*', "ok", "3;51;1=alice;"},
        {3, '*', "ok", "3;51;1=alice;"},
        {2, '+', "ok", "3;51;1=alice;"},
        {5, '+', "hole 3", "3;51;1=alice;"},
        {5, '*', "hole 3", "3;51;1=alice;"},
        {4, '+', "ok", "4;51;1=alice;"},
        {4, '+', "ok", "4;51;1=alice;"},
        {6, '~', "hole 4", "4;51;1=alice;"},
        {5, '~', "ok", "nil"},
        {4, '+', "ok", "nil"},
        {5, '~', "ok", "nil"},
        {3, '*', "ok", "nil"},
        {6, '+', "hole 5", "nil"},
        {8, '*', "ok", "8;51;1=alice;"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        const char *answer = deliver_one(steps[i].version, steps[i].mark, "e");
        cr_expect_str_eq(answer, steps[i].answer, "step %zu: %s", i, answer);
        const char *seating = lab_seating(lab, "alice", "call1");
        cr_expect_str_eq(seating, steps[i].seating, "step %zu: %s", i, seating);
    }
    lab_expect("ok 1 [1 {\"type\":\"e\"}] call1 8;51;1=alice;", lab_mailbox_read(lab, "alice", 0, 10));
}

Test(script_mailbox, several_versions_come_at_once_and_old_ones_among_them_are_dropped)
{
    const struct lab_entry e[] = {{1, '*', "1=alice;", NULL}, {2, '+', "1=alice;", "a"}, {3, '+', "1=alice;", "b"}};
    lab_deliver(lab, "alice", "call1", (struct lab_delivery){e, 2, NULL, NULL});
    lab_heard(lab);
    lab_expect("ok", lab_deliver(lab, "alice", "call1", (struct lab_delivery){e, 3, NULL, NULL}));
    lab_expect("events alice 2 [{\"type\":\"b\"}] call1=3;51;1=alice;", lab_heard(lab));
}

Test(script_mailbox, calls_are_counted_apart_but_events_together)
{
    const struct lab_entry e[] = {{1, '*', "1=alice;", NULL}, {2, '+', "1=alice;", "e"}};
    lab_deliver(lab, "alice", "call1", (struct lab_delivery){e, 2, NULL, NULL});
    lab_heard(lab);
    lab_deliver(lab, "alice", "call2", (struct lab_delivery){e, 2, NULL, NULL});
    lab_expect("events alice 2 [{\"type\":\"e\"}] call2=2;51;1=alice;", lab_heard(lab));
}

Test(script_mailbox, whoever_does_not_exist_is_not_found)
{
    const struct lab_entry e = {1, '*', "1=alice;", NULL};
    lab_expect("not_found", lab_deliver(lab, "nobody", "call1", (struct lab_delivery){&e, 1, NULL, NULL}));
    lab_expect("not_found", lab_mailbox_read(lab, "nobody", 0, 1));
}

Test(script_mailbox, nothing_is_published_for_a_suspended_session)
{
    lab_session_detach(lab, "alice", 1);
    lab_expect("ok", deliver_one(1, '*', NULL));
    lab_expect("ok", deliver_one(2, '+', "e"));
    lab_expect("", lab_heard(lab));
    lab_expect("gone", lab_mailbox_read(lab, "alice", 0, 10)); /* a socket that still asks was taken for dead */
    lab_session_attach(lab, "alice", 0);
    lab_expect("stale", lab_mailbox_read(lab, "alice", 0, 10));
    lab_expect("ok 1 [1 {\"type\":\"e\"}] call1 2;51;1=alice;", lab_mailbox_read_in(lab, "alice", 2, 0, 10));
}

Test(script_mailbox, what_changes_nothing_is_not_published)
{
    deliver_one(1, '*', NULL);
    deliver_one(2, '+', "e");
    lab_heard(lab);
    lab_heard(lab);
    lab_expect("ok", deliver_one(2, '+', "e"));
    lab_expect("", lab_heard(lab));
    lab_expect("hole 2", deliver_one(4, '+', "e"));
    lab_expect("", lab_heard(lab));
}

Test(script_mailbox, what_changes_nothing_is_not_stored)
{
    char before[256];
    struct id id = lab_session("alice");
    struct key key = key_session(&id);
    deliver_one(1, '*', NULL);
    deliver_one(2, '~', NULL);
    snprintf(before, sizeof before, "%s", lab_ask(lab, "HGET %s out", key.text));
    lab_expect("ok", deliver_one(2, '~', NULL));
    lab_expect("ok", deliver_one(1, '*', NULL));
    lab_expect(before, lab_ask(lab, "HGET %s out", key.text));
}

Test(script_mailbox, what_is_taken_before_a_hole_is_stored_and_published)
{
    const struct lab_entry e[] = {{1, '*', "1=alice;", NULL}, {2, '+', "1=alice;", "a"}, {4, '+', "1=alice;", "b"}};
    lab_expect("hole 2", lab_deliver(lab, "alice", "call1", (struct lab_delivery){e, 3, NULL, NULL}));
    lab_expect("events alice 1 [{\"type\":\"a\"}] call1=2;51;1=alice;", lab_heard(lab));
    lab_expect("ok 1 [1 {\"type\":\"a\"}] call1 2;51;1=alice;", lab_mailbox_read(lab, "alice", 0, 10));
}

Test(script_mailbox, only_the_attach_that_holds_the_session_reads_it)
{
    lab_session_attach(lab, "alice", 0);
    lab_expect("stale", lab_mailbox_read_in(lab, "alice", 1, 0, 10));
    lab_expect("ok 0 []", lab_mailbox_read_in(lab, "alice", 2, 0, 10));
    lab_expect("stale", lab_mailbox_read_in(lab, "alice", 3, 0, 10));
}

/* Or its client would be told to resume, and take the device back from its next session. */
Test(script_mailbox, a_superseded_session_is_not_told_that_it_was_taken_for_dead)
{
    lab_session_create(lab, "alice#2", "alice");
    lab_expect("stale", lab_mailbox_read(lab, "alice", 0, 10));
}

Test(script_mailbox, a_session_that_ended_is_gone_though_it_is_not_forgotten_yet)
{
    deliver_one(1, '*', NULL);
    lab_session_end(lab, "alice", 1);
    lab_expect("gone", deliver_one(2, '+', "e"));
}

Test(script_mailbox, the_last_calls_left_stay_known_and_the_memory_is_bounded)
{
    enum { CALLS = 60 };
    char call[16];
    struct id id = lab_session("alice");
    struct key key = key_session(&id);
    for (unsigned i = 0; i < CALLS; i++) {
        const struct lab_entry e[] = {{1, '*', "1=alice;", NULL}, {2, '~', NULL, NULL}};
        snprintf(call, sizeof call, "call%u", i);
        lab_deliver(lab, "alice", call, (struct lab_delivery){e, 2, NULL, NULL});
    }
    lab_ask(lab, "HSTRLEN %s out", key.text);
    cr_expect_leq(lab_number(lab, 0), 1024);
    lab_ask(lab, "HGET %s out", key.text);
    cr_expect_eq(lab_reply(lab)->str[lab_reply(lab)->len - 1], ';', "no call is cut in the middle");
    const struct lab_entry late = {2, '+', "1=alice;", "late"};
    lab_expect("ok", lab_deliver(lab, "alice", call, (struct lab_delivery){&late, 1, NULL, NULL}));
    lab_expect("ok", lab_deliver(lab, "alice", "call40", (struct lab_delivery){&late, 1, NULL, NULL}));
    lab_expect("ok 0 []", lab_mailbox_read(lab, "alice", 0, 10));
}

Test(script_mailbox, leaving_forgets_whose_signals_were_taken)
{
    const struct lab_entry e = {1, '*', "1=alice;2=bob;", NULL};
    lab_deliver(lab, "alice", "call1", (struct lab_delivery){&e, 1, NULL, NULL});
    lab_signal(lab, "alice", "call1", 2, "bob", "5");
    struct id id = lab_session("alice");
    struct id call = lab_call("call1");
    struct key key = key_session(&id);
    lab_expect("1", lab_ask(lab, "HEXISTS %s once:%s:2", key.text, call.text));
    deliver_one(2, '~', NULL);
    lab_expect("0", lab_ask(lab, "HEXISTS %s once:%s:2", key.text, call.text));
}

/* ---- replies ---- */

static const char *replies(void)
{
    struct id id = lab_session("alice");
    struct key key = key_replies(&id);
    return lab_ask(lab, "XRANGE %s - +", key.text);
}

static void keep(const char *request, const char *reply)
{
    lab_expect("ok", lab_deliver(lab, "alice", "call1", (struct lab_delivery){.request = request, .reply = reply}));
}

Test(script_mailbox, a_reply_is_kept_once_and_the_first_word_stands)
{
    keep("5", "first");
    keep("5", "second");
    lab_expect("[5-0 [b {\"type\":\"first\"}]]", replies());
    keep("4", "older");
    lab_expect("[5-0 [b {\"type\":\"first\"}]]", replies());
    keep("0", "none");
    lab_expect("[5-0 [b {\"type\":\"first\"}]]", replies());
}

Test(script_mailbox, the_last_replies_are_kept)
{
    lab_limits(lab)->replies_kept = 2;
    keep("5", "a");
    keep("6", "b");
    keep("9", "c");
    lab_expect("[6-0 [b {\"type\":\"b\"}]] [9-0 [b {\"type\":\"c\"}]]", replies());
}

Test(script_mailbox, ids_may_be_as_large_as_a_clock_in_microseconds)
{
    keep("1763715600123456", "a");
    keep("1763715600123457", "b");
    lab_expect("[1763715600123456-0 [b {\"type\":\"a\"}]] [1763715600123457-0 [b {\"type\":\"b\"}]]", replies());
    lab_expect("ok 2 0 1763715600123457 0", lab_session_attach(lab, "alice", 0));
}

Test(script_mailbox, no_reply_is_kept_where_there_is_a_hole)
{
    const struct lab_entry e = {5, '+', "1=alice;", "e"};
    lab_expect("hole 0", lab_deliver(lab, "alice", "call1", (struct lab_delivery){&e, 1, "7", "ok"}));
    lab_expect("", replies());
}

/* ---- bounds ---- */

static const char *state(void)
{
    struct id id = lab_session("alice");
    struct key key = key_session(&id);
    return lab_ask(lab, "HMGET %s state channel seq bytes freed", key.text);
}

Test(script_mailbox, too_many_events_end_the_session)
{
    lab_limits(lab)->events_max = 2;
    deliver_one(1, '*', NULL);
    lab_expect("ok", deliver_one(2, '+', "a"));
    lab_expect("ok", deliver_one(3, '+', "b"));
    while (lab_heard(lab)[0] != '\0')
        continue;
    lab_expect("overrun", deliver_one(4, '+', "c"));
    lab_expect("close alice 1 overrun", lab_heard(lab));
    lab_expect("overrun \"\" 2 16 0", state());
    lab_expect("0", lab_timer(lab, 17, "grace:%s:alice", lab_session("alice").text));
    lab_expect("overrun", deliver_one(4, '+', "c"));
    lab_expect("", lab_heard(lab));
    lab_expect("gone", lab_session_attach(lab, "alice", 0));
    lab_expect("ok call1", lab_session_end(lab, "alice", 0));
}

Test(script_mailbox, too_many_bytes_end_the_session)
{
    lab_limits(lab)->bytes_max = 14; /* {"type":"a"} takes 8 */
    deliver_one(1, '*', NULL);
    lab_expect("ok", deliver_one(2, '+', "a"));
    lab_expect("overrun", deliver_one(3, '+', "b"));
}

Test(script_mailbox, bytes_that_were_acked_count_no_more)
{
    lab_limits(lab)->bytes_max = 16;
    deliver_one(1, '*', NULL);
    for (unsigned v = 2; v < 10; v++) {
        lab_expect("ok", deliver_one(v, '+', "a"));
        lab_session_ack(lab, "alice", v - 1);
    }
}

Test(script_mailbox, an_overrun_session_takes_nothing_more_however_small)
{
    lab_limits(lab)->bytes_max = 20;
    const struct lab_entry enter = {1, '*', "1=alice;2=bob;", NULL};
    lab_deliver(lab, "alice", "call1", (struct lab_delivery){&enter, 1, NULL, NULL});
    lab_expect("overrun", lab_signal(lab, "alice", "call1", 2, "bob", "1 2"));
    lab_limits(lab)->bytes_max = 10000;
    lab_expect("overrun", lab_signal(lab, "alice", "call1", 2, "bob", "3"));
    lab_expect("overrun", deliver_one(2, '+', "e"));
}

Test(script_mailbox, an_ack_makes_room_again)
{
    lab_limits(lab)->events_max = 2;
    deliver_one(1, '*', NULL);
    deliver_one(2, '+', "a");
    deliver_one(3, '+', "bb");
    lab_expect("attached {17}:node:node-12chars 2 17 0", state());
    lab_expect("ok", lab_session_ack(lab, "alice", 1));
    lab_expect("attached {17}:node:node-12chars 2 17 8", state());
    lab_expect("ok", deliver_one(4, '+', "c"));
    lab_expect("ok 3 [2 {\"type\":\"bb\"} 3 {\"type\":\"c\"}] call1 4;51;1=alice;",
               lab_mailbox_read(lab, "alice", 0, 10));
    lab_expect("ok", lab_session_ack(lab, "alice", 3));
    lab_expect("attached {17}:node:node-12chars 3 25 25", state());
}

Test(script_mailbox, old_and_impossible_acks_change_nothing)
{
    deliver_one(1, '*', NULL);
    deliver_one(2, '+', "a");
    deliver_one(3, '+', "b");
    lab_session_ack(lab, "alice", 1);
    static const uint64_t seqs[] = {0, 1, 3, 1000};
    for (size_t i = 0; i < ARRAY_SIZE(seqs); i++) {
        lab_expect("ok", lab_session_ack(lab, "alice", seqs[i]));
        lab_expect("attached {17}:node:node-12chars 2 16 8", state());
    }
    lab_expect("ok", lab_session_ack(lab, "nobody", 1));
    lab_expect("0", lab_ask(lab, "EXISTS {17}:session:nobody"));
}

Test(script_mailbox, it_is_read_page_by_page)
{
    deliver_one(1, '*', NULL);
    for (unsigned v = 2; v <= 6; v++)
        deliver_one(v, '+', "e");
    lab_expect("ok 5 [1 {\"type\":\"e\"} 2 {\"type\":\"e\"}] call1 6;51;1=alice;",
               lab_mailbox_read(lab, "alice", 0, 2));
    lab_expect("ok 5 [5 {\"type\":\"e\"}] call1 6;51;1=alice;", lab_mailbox_read(lab, "alice", 4, 2));
    lab_expect("ok 5 [] call1 6;51;1=alice;", lab_mailbox_read(lab, "alice", 5, 2));
}
