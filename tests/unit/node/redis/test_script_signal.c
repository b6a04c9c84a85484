#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/node/redis/lab.h"

/* signal, offer_add: what is relayed, once */

static struct lab *lab;

static void begin(void)
{
    const struct lab_entry enter = {3, '*', "1=alice;2=bob;", NULL};
    lab = lab_open();
    lab_session_create(lab, "alice", NULL);
    lab_deliver(lab, "alice", "call1", (struct lab_delivery){&enter, 1, NULL, NULL});
    lab_listen(lab, "alice");
}

static void finish(void)
{
    lab_close(lab);
}

TestSuite(script_signal, .init = begin, .fini = finish);

static const char *put(const char *requests)
{
    return lab_signal(lab, "alice", "call1", 2, "bob", requests);
}

Test(script_signal, they_are_stored_and_published_with_the_version_known_to_the_recipient)
{
    lab_expect("ok 2", put("5 6"));
    lab_expect("events alice 1 [{\"n\":\"5\",\"version\":3} {\"n\":\"6\",\"version\":3}] @77", lab_heard(lab));
    lab_expect("ok 2 [1 {\"n\":\"5\",\"version\":3} 2 {\"n\":\"6\",\"version\":3}] call1 3;51;1=alice;2=bob;",
               lab_mailbox_read(lab, "alice", 0, 10));
}

Test(script_signal, only_who_sits_there_speaks_and_hears)
{
    static const struct {
        const char *to, *call;
        unsigned from;
        const char *sender;
        const char *answer;
    } cases[] = {
        {"alice", "call1", 1, "bob", "not_found 3"},   {"alice", "call1", 3, "bob", "not_found 3"},
        {"alice", "call1", 2, "carol", "not_found 3"}, {"alice", "call2", 2, "bob", "not_found 0"},
        {"nobody", "call1", 2, "bob", "not_found 0"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        lab_expect(cases[i].answer, lab_signal(lab, cases[i].to, cases[i].call, cases[i].from, cases[i].sender, "1"));
    lab_expect("", lab_heard(lab));
}

/* Each step's requests, and how many of them are new; see include/once.lua. */
Test(script_signal, each_request_is_stored_once_in_whatever_order_it_comes)
{
    static const struct {
        const char *name;
        const char *steps[8];
        unsigned fresh[8];
    } cases[] = {
        {"the same again", {"5", "5"}, {1, 0}},
        {"the same batch again", {"5 6:5 7:6", "5 6:5 7:6"}, {3, 0}},
        {"the same batch again, behind an earlier one", {"4", "5:4 6:5", "5:4 6:5"}, {1, 2, 0}},
        {"older ones that were not stored before", {"6", "5", "6", "5"}, {1, 1, 0, 0}},
        {"backwards", {"9", "8", "7", "7 8 9"}, {1, 1, 1, 0}},
        {"a range that grew holds all that is in it", {"4 5:4 9:5", "7", "8", "10:9"}, {3, 0, 0, 1}},
        {"what is vouched for wrongly begins a range", {"4", "9:7", "5"}, {1, 1, 1}},
        {"stored on an earlier socket, its predecessor on this one", {"6", "5", "6:5"}, {1, 1, 0}},
        {"as large as a clock in microseconds",
         {"1763715600123456 1763715600123457:1763715600123456", "1763715600123456", "1763715600123457",
          "1763715600123458:1763715600123457"},
         {2, 0, 0, 1}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char answer[16];
        finish();
        begin();
        for (size_t k = 0; cases[i].steps[k]; k++) {
            snprintf(answer, sizeof answer, "ok %u", cases[i].fresh[k]);
            const char *got = put(cases[i].steps[k]);
            cr_expect_str_eq(got, answer, "%s, step %zu: %s", cases[i].name, k, got);
        }
    }
}

Test(script_signal, a_busy_pair_keeps_one_range_and_many_holes_keep_a_bounded_list)
{
    enum { SIGNALS = 400, RANGES_MAX = 256 };
    struct id id = lab_session("alice");
    struct id call = lab_call("call1");
    struct key key = key_session(&id);
    char request[32];
    lab_limits(lab)->events_max = 10000;
    put("1");
    for (unsigned i = 2; i <= SIGNALS; i++) {
        snprintf(request, sizeof request, "%u:%u", i, i - 1);
        lab_expect("ok 1", put(request));
    }
    lab_expect("bob=1-400,", lab_ask(lab, "HGET %s once:%s:2", key.text, call.text));
    for (unsigned i = 0; i < SIGNALS; i++) {
        snprintf(request, sizeof request, "%u", 1000 + 2 * i);
        lab_expect("ok 1", put(request));
    }
    lab_ask(lab, "HSTRLEN %s once:%s:2", key.text, call.text);
    cr_expect_leq(lab_number(lab, 0), ID_CHARS + 1 + RANGES_MAX * 10);
    lab_expect("ok 0", put("1798"));
    lab_expect("ok 0", put("1400"));
}

Test(script_signal, nothing_is_published_for_a_suspended_recipient)
{
    lab_session_detach(lab, "alice", 1);
    lab_expect("ok 1", put("5"));
    lab_limits(lab)->events_max = 1;
    lab_expect("overrun", put("6"));
    lab_expect("", lab_heard(lab));
}

Test(script_signal, what_was_stored_before_is_not_published_again)
{
    put("5");
    lab_heard(lab);
    lab_expect("ok 0", put("5"));
    lab_expect("", lab_heard(lab));
}

Test(script_signal, another_session_on_the_same_seat_counts_anew)
{
    const struct lab_entry rejoined = {4, '+', "1=alice;2=bob#2;", "call.rejoined"};
    put("5");
    lab_deliver(lab, "alice", "call1", (struct lab_delivery){&rejoined, 1, NULL, NULL});
    lab_expect("not_found 4", put("6"));
    lab_expect("ok 1", lab_signal(lab, "alice", "call1", 2, "bob#2", "5"));
    lab_expect("ok 0", lab_signal(lab, "alice", "call1", 2, "bob#2", "5"));
}

Test(script_signal, whoever_has_left_tells_by_which_version)
{
    const struct lab_entry left = {4, '!', "2=bob;", "call.left"};
    lab_deliver(lab, "alice", "call1", (struct lab_delivery){&left, 1, NULL, NULL});
    lab_expect("not_found 4", put("5"));
}

/* Alice goes at that version, and is back two later, where bob sits. */
static void go_and_come_back(unsigned version)
{
    const struct lab_entry entries[] = {{version, '!', "2=bob;", "call.left"},
                                        {version + 1, '*', "1=alice;2=bob;", "call.joined"}};
    lab_deliver(lab, "alice", "call1", (struct lab_delivery){&entries[0], 1, NULL, NULL});
    lab_deliver(lab, "alice", "call1", (struct lab_delivery){&entries[1], 1, NULL, NULL});
}

Test(script_signal, who_leaves_and_comes_back_hears_nothing_twice)
{
    lab_expect("ok 2", put("5 6:5"));
    go_and_come_back(4);
    lab_expect("ok 1", put("5 6:5 9"));
    go_and_come_back(6);
    go_and_come_back(8);
    lab_expect("ok 1", put("5 6 9 10:9"));
    lab_expect("ok 1", lab_signal(lab, "alice", "call1", 2, "bob", "7"));
}

Test(script_signal, what_is_remembered_of_left_calls_is_bounded)
{
    struct id id = lab_session("alice");
    struct key key = key_session(&id);
    char request[32];
    lab_limits(lab)->events_max = 10000;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(request, sizeof request, "%u", 1000 + 2 * i);
        lab_expect("ok 1", put(request));
    }
    for (unsigned version = 4; version < 40; version += 2)
        go_and_come_back(version);
    lab_ask(lab, "HSTRLEN %s heard", key.text);
    cr_expect_leq(lab_number(lab, 0), 1024);
    lab_expect("ok 0", put("1198")); /* the last ones are remembered */
    lab_expect("ok 0", put("1190"));
}

Test(script_signal, a_full_mailbox_ends_the_recipient_and_the_others_hear_of_it)
{
    lab_limits(lab)->events_max = 2;
    lab_expect("ok 2", put("1 2"));
    lab_heard(lab);
    lab_expect("overrun", put("3"));
    lab_expect("close alice 1 overrun", lab_heard(lab));
    lab_expect("0", lab_timer(lab, 17, "grace:%s:alice", lab_session("alice").text));
    lab_expect("gone", lab_session_attach(lab, "alice", 0));
}

Test(script_signal, a_batch_that_does_not_fit_leaves_the_recipient_over_for_good)
{
    lab_limits(lab)->events_max = 2;
    lab_expect("overrun", put("1 2 3"));
    lab_expect("overrun", put("4"));
    lab_expect("overrun", put("1 2 3"));
}

/* ---- to whoever takes the offer ---- */

static void post(void)
{
    struct lab_offer offer = {.seats = 2, .offer = "\xa3sdp", .ttl_ms = 60000};
    lab_expect_word("ok", lab_call_create(lab, "offer", "bob", offer));
}

static const char *kept(void)
{
    struct id id = lab_call("offer");
    struct key key = key_call(&id);
    return lab_ask(lab, "HGET %s candidate_count", key.text);
}

Test(script_signal, early_candidates_are_kept_with_the_offer_once)
{
    post();
    lab_expect("1", kept());
    lab_expect("ok", lab_offer_add(lab, "offer", "bob", "5", 2));
    lab_expect("ok", lab_offer_add(lab, "offer", "bob", "7", 1));
    lab_expect("ok", lab_offer_add(lab, "offer", "bob", "5", 2));
    lab_expect("ok", lab_offer_add(lab, "offer", "bob", "6", 1));
    lab_expect("5", kept());
}

Test(script_signal, early_candidates_are_bounded_in_number_and_bytes)
{
    post();
    lab_limits(lab)->candidates_max = 3;
    lab_expect("too_large", lab_offer_add(lab, "offer", "bob", "5", 3));
    lab_expect("ok", lab_offer_add(lab, "offer", "bob", "6", 2));
    lab_limits(lab)->candidates_max = 100;
    lab_limits(lab)->candidate_bytes_max = 7;
    lab_expect("too_large", lab_offer_add(lab, "offer", "bob", "7", 1));
    lab_expect("3", kept());
}

Test(script_signal, only_the_poster_adds_to_an_offer)
{
    post();
    lab_expect("not_found", lab_offer_add(lab, "offer", "carol", "5", 1));
    lab_expect("not_found", lab_offer_add(lab, "nothing", "bob", "5", 1));
    lab_call_create(lab, "room", "bob", (struct lab_offer){.seats = 5, .room = true});
    lab_expect("not_found", lab_offer_add(lab, "room", "bob", "5", 1));
}

Test(script_signal, once_the_offer_is_taken_the_taker_is_named)
{
    post();
    lab_offer_take(lab, "offer", "carol");
    lab_expect("taken 2 carol", lab_offer_add(lab, "offer", "bob", "5", 1));
    lab_expect("taken 2 carol", lab_offer_add(lab, "offer", "bob", "5", 1));
    lab_call_supersede(lab, "offer", "carol");
    lab_call_join(lab, "offer", "carol#2");
    lab_expect("taken 2 carol_2", lab_offer_add(lab, "offer", "bob", "6", 1));
}

Test(script_signal, once_the_taker_has_left_nobody_takes_more)
{
    lab_call_create(lab, "offer", "bob", (struct lab_offer){.seats = 3, .offer = "\xa3sdp"});
    lab_offer_take(lab, "offer", "carol");
    lab_call_join(lab, "offer", "dave");
    lab_call_leave(lab, "offer", "carol", 0, 0);
    lab_expect("not_found", lab_offer_add(lab, "offer", "bob", "5", 1));
}

Test(script_signal, what_was_kept_is_not_relayed_as_well_when_it_is_sent_again)
{
    post();
    lab_expect("ok", lab_offer_add(lab, "offer", "bob", "5", 1));
    lab_offer_take(lab, "offer", "carol");
    lab_expect("ok", lab_offer_add(lab, "offer", "bob", "5", 1));
}

Test(script_signal, an_offer_that_is_over_takes_none)
{
    post();
    lab_offer_expire(lab, "offer");
    lab_expect("gone", lab_offer_add(lab, "offer", "bob", "5", 1));
}
