#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/node/redis/lab.h"

/* ring, user_reach, and session_create while something rings: the devices of one user */

static struct lab *lab;

static void begin(void)
{
    lab = lab_open();
}

static void finish(void)
{
    lab_close(lab);
}

TestSuite(script_ring, .init = begin, .fini = finish);

/* bob's phone and laptop, and alice */
static void people(void)
{
    lab_session_create(lab, "alice", NULL);
    lab_session_create(lab, "bob", NULL);
    lab_session_create(lab, "bob/laptop", NULL);
}

static const char *ring_one(const char *user, unsigned version, char mark)
{
    const struct lab_ring_entry e = {.version = version, .mark = mark, .event = mark == '?' ? "incoming" : "cancelled"};
    return lab_ring(lab, user, "call", (struct lab_ring){.entries = &e, .count = 1});
}

static const char *mail(const char *who)
{
    return lab_mailbox_read(lab, who, 0, 50);
}

static const char *rings_field(const char *user)
{
    struct id id = lab_call("call");
    struct key key = key_rings(17, slice_of(user));
    return lab_ask(lab, "HGET %s %s", key.text, id.text);
}

static const char *seats_of(const char *user)
{
    struct key key = key_presence(17, slice_of(user));
    return lab_ask(lab, "HGET %s seats", key.text);
}

#define INCOMING "{\"type\":\"incoming\",\"in_call\":false}"
#define CANCELLED "{\"type\":\"cancelled\"}"

/* ---- to ring ---- */

Test(script_ring, every_device_of_the_user_hears_it_and_knows_since_when)
{
    people();
    lab_listen(lab, "bob");
    lab_expect("ok 2", ring_one("bob", 3, '?'));
    lab_expect("ok 1 [1 " INCOMING "] call ?3", mail("bob"));
    lab_expect("ok 1 [1 " INCOMING "] call ?3", mail("bob/laptop"));
    lab_expect("ok 0 []", mail("alice"));
    cr_expect(strstr(lab_heard(lab), "1 [" INCOMING "] call=?3"));
    cr_expect(strstr(lab_heard(lab), "1 [" INCOMING "] call=?3"));
    lab_expect("", lab_heard(lab));
    lab_expect("3", lab_rings(lab, "bob", "call"));
    lab_expect("nil", lab_seating(lab, "bob", "call"));
}

Test(script_ring, the_same_ring_again_is_heard_once)
{
    people();
    ring_one("bob", 3, '?');
    lab_listen(lab, "bob");
    lab_expect("ok 2", ring_one("bob", 3, '?'));
    lab_expect("", lab_heard(lab));
    lab_expect("ok 1 [1 " INCOMING "] call ?3", mail("bob"));
}

Test(script_ring, who_has_no_device_is_rung_all_the_same_for_those_who_come)
{
    lab_expect("ok 0", ring_one("bob", 3, '?'));
    lab_expect("3", rings_field("bob"));
    lab_expect("ok 0 call ?3", lab_session_create(lab, "bob", NULL));
}

Test(script_ring, only_attached_devices_are_counted_but_suspended_ones_get_it_too)
{
    people();
    lab_session_detach(lab, "bob", 1);
    lab_expect("ok 1", ring_one("bob", 3, '?'));
    lab_session_attach(lab, "bob", 0);
    lab_expect("ok 1 [1 " INCOMING "] call ?3", lab_mailbox_read_in(lab, "bob", 2, 0, 50));
}

Test(script_ring, it_says_whether_the_user_sits_somewhere)
{
    const struct lab_entry enter = {1, '*', "1=bob;", NULL};
    const struct lab_entry leave = {2, '~', NULL, NULL};
    people();
    lab_deliver(lab, "bob/laptop", "other", (struct lab_delivery){&enter, 1, NULL, NULL});
    lab_expect("1", seats_of("bob"));
    ring_one("bob", 1, '?');
    cr_expect(strstr(mail("bob"), "{\"type\":\"incoming\",\"in_call\":true}"));
    lab_deliver(lab, "bob/laptop", "other", (struct lab_delivery){&leave, 1, NULL, NULL});
    lab_expect("0", seats_of("bob"));
    ring_one("bob", 2, 'x');
    ring_one("bob", 3, '?');
    cr_expect(strstr(mail("bob"), INCOMING));
}

Test(script_ring, a_blocked_caller_rings_nobody_and_learns_nothing)
{
    people();
    lab_block(lab, "bob", "alice");
    lab_expect("ok 2", ring_one("bob", 3, '?'));
    lab_expect("ok 0 []", mail("bob"));
    lab_expect("nil", rings_field("bob"));
    lab_expect("ok 2", ring_one("bob", 4, 'x'));
    lab_expect("ok 0 []", mail("bob"));
    lab_expect("ok 0", lab_session_create(lab, "bob/tablet", NULL));
}

Test(script_ring, another_than_the_blocked_one_rings)
{
    const struct lab_ring_entry e = {.version = 3, .mark = '?', .event = "incoming"};
    people();
    lab_block(lab, "bob", "alice");
    lab_ring(lab, "bob", "call", (struct lab_ring){.entries = &e, .count = 1, .caller = "carol"});
    lab_expect("3", lab_rings(lab, "bob", "call"));
}

/* Its overrun would end the session and its calls. */
Test(script_ring, strangers_fill_no_mailbox_by_ringing)
{
    const struct lab_ring_entry e = {.version = 1, .mark = '?', .event = "incoming"};
    static const struct {
        unsigned events, bytes;
    } limits[] = {{4, 100000}, {100, 4 * 24}}; /* such an event has 24 bytes */
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        lab_ask(lab, "FLUSHALL");
        lab_session_create(lab, "bob", NULL);
        lab_limits(lab)->events_max = limits[i].events;
        lab_limits(lab)->bytes_max = limits[i].bytes;
        for (unsigned n = 0; n < 10; n++) {
            char call[16];
            snprintf(call, sizeof call, "call%u", n);
            lab_expect("ok 1", lab_ring(lab, "bob", call, (struct lab_ring){.entries = &e, .count = 1}));
        }
        lab_expect("attached 2", lab_ask(lab, "HMGET {17}:session:%s state seq", lab_session("bob").text));
        lab_expect("1", lab_rings(lab, "bob", "call1"));
        lab_expect("nil", lab_rings(lab, "bob", "call2"));
    }
}

/* ---- to stop ---- */

Test(script_ring, when_it_stops_every_device_that_rang_hears_it_once)
{
    people();
    ring_one("bob", 3, '?');
    lab_listen(lab, "bob");
    lab_expect("ok 2", ring_one("bob", 4, 'x'));
    lab_expect("ok 2", ring_one("bob", 4, 'x'));
    lab_expect("ok 2 [1 " INCOMING " 2 " CANCELLED "]", mail("bob"));
    lab_expect("ok 2 [1 " INCOMING " 2 " CANCELLED "]", mail("bob/laptop"));
    cr_expect(strstr(lab_heard(lab), "2 [" CANCELLED "] call="));
    cr_expect(strstr(lab_heard(lab), "2 [" CANCELLED "] call="));
    lab_expect("", lab_heard(lab));
    lab_expect("nil", lab_rings(lab, "bob", "call"));
}

Test(script_ring, a_late_ring_does_not_ring_after_it_stopped)
{
    people();
    ring_one("bob", 4, 'x');
    lab_expect("ok 0 []", mail("bob"));
    ring_one("bob", 3, '?');
    lab_expect("ok 0 []", mail("bob"));
    lab_expect("nil", lab_rings(lab, "bob", "call"));
    lab_expect("ok 0", lab_session_create(lab, "bob/tablet", NULL));
    ring_one("bob", 3, '?');
    lab_expect("ok 0 []", mail("bob/tablet"));
}

Test(script_ring, a_device_that_came_after_it_stopped_hears_nothing_of_it)
{
    lab_session_create(lab, "bob", NULL);
    ring_one("bob", 3, '?');
    ring_one("bob", 4, 'x');
    lab_expect("ok 0", lab_session_create(lab, "bob/laptop", NULL));
    ring_one("bob", 4, 'x');
    lab_expect("ok 0 []", mail("bob/laptop"));
}

Test(script_ring, both_at_once_are_heard_in_order)
{
    const struct lab_ring_entry log[] = {{.version = 3, .mark = '?', .event = "incoming"},
                                         {.version = 4, .mark = 'x', .event = "cancelled"}};
    people();
    lab_ring(lab, "bob", "call", (struct lab_ring){.entries = log, .count = 2});
    lab_expect("ok 2 [1 " INCOMING " 2 " CANCELLED "]", mail("bob"));
    lab_expect("nil", lab_rings(lab, "bob", "call"));
    lab_expect("ok 0", lab_session_create(lab, "bob/tablet", NULL));
}

Test(script_ring, who_is_invited_again_rings_again)
{
    people();
    ring_one("bob", 3, '?');
    ring_one("bob", 4, 'x');
    ring_one("bob", 6, '?');
    lab_expect("6", lab_rings(lab, "bob", "call"));
    lab_expect("6", rings_field("bob"));
    ring_one("bob", 4, 'x');
    lab_expect("6", lab_rings(lab, "bob", "call"));
    lab_expect("ok 1 call ?6",
               (lab_ask(lab, "HSET {17}:presence:bob seats 1"), lab_session_create(lab, "bob/tv", NULL)));
}

/* ---- one of them answers ---- */

Test(script_ring, the_one_that_answers_sits_down_and_the_others_stop_in_one_step)
{
    const struct lab_ring_entry e = {.version = 4,
                                     .mark = 'x',
                                     .named = "bob/laptop",
                                     .named_mark = '*',
                                     .seats = "1=alice;2=bob/laptop;",
                                     .event = "cancelled"};
    const struct lab_ring ring = {
        .entries = &e, .count = 1, .actor = "bob/laptop", .request = "7", .reply = "accepted"};
    people();
    ring_one("bob", 3, '?');
    for (int again = 0; again < 2; again++) {
        lab_expect("ok 2", lab_ring(lab, "bob", "call", ring));
        lab_expect("ok 2 [1 " INCOMING " 2 " CANCELLED "]", mail("bob"));
        lab_expect("ok 1 [1 " INCOMING "] call 4;51;1=alice;2=bob_laptop;", mail("bob/laptop"));
        lab_expect("1", seats_of("bob"));
    }
    lab_expect("[7-0 [b {\"type\":\"accepted\"}]]",
               lab_ask(lab, "XRANGE {17}:replies:%s - +", lab_session("bob/laptop").text));
}

Test(script_ring, the_one_that_rejects_stops_silently)
{
    const struct lab_ring_entry e = {
        .version = 4, .mark = 'x', .named = "bob", .named_mark = 'o', .event = "cancelled"};
    people();
    ring_one("bob", 3, '?');
    lab_expect("ok 2",
               lab_ring(lab, "bob", "call",
                        (struct lab_ring){.entries = &e, .count = 1, .actor = "bob", .request = "7", .reply = "ok"}));
    lab_expect("ok 1 [1 " INCOMING "]", mail("bob"));
    lab_expect("ok 2 [1 " INCOMING " 2 " CANCELLED "]", mail("bob/laptop"));
    lab_expect("nil", lab_rings(lab, "bob", "call"));
    lab_expect("nil", lab_rings(lab, "bob/laptop", "call"));
}

/* The owner brings it out: the session that is spoken of has a share of its own (deliver). */
Test(script_ring, one_that_is_only_spoken_of_is_left_to_its_own_share)
{
    const struct lab_ring_entry e = {.version = 4, .mark = 'x', .named = "bob", .event = "cancelled"};
    const struct lab_entry enter = {4, '*', "1=alice;2=bob;", NULL};
    people();
    ring_one("bob", 3, '?');
    for (int again = 0; again < 2; again++) {
        lab_ring(lab, "bob", "call", (struct lab_ring){.entries = &e, .count = 1});
        lab_deliver(lab, "bob", "call", (struct lab_delivery){&enter, 1, NULL, NULL});
        lab_expect("ok 1 [1 " INCOMING "] call 4;51;1=alice;2=bob;", mail("bob"));
        lab_expect("ok 2 [1 " INCOMING " 2 " CANCELLED "]", mail("bob/laptop"));
    }
    lab_expect("nil", lab_rings(lab, "bob", "call"));
}

/* A ring that comes late, at a device that sits there by now. */
Test(script_ring, who_sits_there_does_not_ring)
{
    const struct lab_entry enter = {4, '*', "1=alice;2=bob;", NULL};
    people();
    lab_deliver(lab, "bob", "call", (struct lab_delivery){&enter, 1, NULL, NULL});
    lab_expect("ok 2", ring_one("bob", 2, '?'));
    lab_expect("ok 2", ring_one("bob", 3, 'x'));
    lab_expect("ok 0 [] call 4;51;1=alice;2=bob;", mail("bob"));
}

/* bob was removed and is invited again, and another node tells the first of it. */
Test(script_ring, a_ring_that_overtakes_the_word_that_its_session_is_out_comes_again)
{
    const struct lab_entry enter = {4, '*', "1=alice;2=bob;", NULL};
    const struct lab_entry out = {5, '!', "1=alice;", "left"};
    people();
    lab_deliver(lab, "bob", "call", (struct lab_delivery){&enter, 1, NULL, NULL});
    for (int again = 0; again < 2; again++) {
        lab_expect("hole 2", ring_one("bob", 6, '?'));
        lab_expect("ok 0 [] call 4;51;1=alice;2=bob;", mail("bob"));
        lab_expect("ok 1 [1 {\"type\":\"incoming\",\"in_call\":true}] call ?6", mail("bob/laptop"));
    }
    lab_deliver(lab, "bob", "call", (struct lab_delivery){&out, 1, NULL, NULL});
    lab_expect("ok 2", ring_one("bob", 6, '?'));
    lab_expect("ok 2 [1 {\"type\":\"left\"} 2 " INCOMING "] call ?6", mail("bob"));
    lab_expect("ok 1 [1 {\"type\":\"incoming\",\"in_call\":true}] call ?6", mail("bob/laptop"));
}

Test(script_ring, a_ring_that_overtakes_comes_again_though_it_stopped_since)
{
    const struct lab_entry enter = {4, '*', "1=alice;2=bob;", NULL};
    const struct lab_ring_entry log[] = {{.version = 6, .mark = '?', .event = "incoming"},
                                         {.version = 7, .mark = 'x', .event = "cancelled"}};
    lab_session_create(lab, "bob", NULL);
    lab_deliver(lab, "bob", "call", (struct lab_delivery){&enter, 1, NULL, NULL});
    lab_expect("hole 1", lab_ring(lab, "bob", "call", (struct lab_ring){.entries = log, .count = 2}));
}

Test(script_ring, an_answer_that_overtakes_it_comes_again_and_is_not_answered_before)
{
    const struct lab_entry enter = {4, '*', "1=alice;2=bob;", NULL};
    const struct lab_entry out = {5, '!', "1=alice;", "left"};
    const struct lab_ring_entry e = {
        .version = 7, .mark = 'x', .named = "bob", .named_mark = '*', .seats = "1=alice;2=bob;", .event = "cancelled"};
    const struct lab_ring ring = {.entries = &e, .count = 1, .actor = "bob", .request = "7", .reply = "accepted"};
    people();
    lab_deliver(lab, "bob", "call", (struct lab_delivery){&enter, 1, NULL, NULL});
    lab_expect("hole 2", lab_ring(lab, "bob", "call", ring));
    lab_expect("", lab_ask(lab, "XRANGE {17}:replies:%s - +", lab_session("bob").text));
    lab_deliver(lab, "bob", "call", (struct lab_delivery){&out, 1, NULL, NULL});
    lab_expect("ok 2", lab_ring(lab, "bob", "call", ring));
    lab_expect("ok 1 [1 {\"type\":\"left\"}] call 7;51;1=alice;2=bob;", mail("bob"));
    lab_expect("[7-0 [b {\"type\":\"accepted\"}]]",
               lab_ask(lab, "XRANGE {17}:replies:%s - +", lab_session("bob").text));
}

Test(script_ring, a_device_that_took_a_seat_by_its_own_share_stops_ringing)
{
    const struct lab_entry enter = {4, '*', "1=alice;2=bob;", NULL};
    const struct lab_entry stops = {4, 'o', NULL, NULL};
    people();
    ring_one("bob", 3, '?');
    lab_deliver(lab, "bob", "call", (struct lab_delivery){&enter, 1, NULL, NULL});
    lab_expect("nil", lab_rings(lab, "bob", "call"));
    lab_deliver(lab, "bob/laptop", "call", (struct lab_delivery){&stops, 1, NULL, NULL});
    lab_expect("nil", lab_rings(lab, "bob/laptop", "call"));
    lab_expect("ok 1 [1 " INCOMING "]", mail("bob/laptop"));
    ring_one("bob", 3, '?');
    lab_expect("nil", lab_rings(lab, "bob/laptop", "call"));
}

Test(script_ring, an_acting_session_that_is_over_is_told)
{
    const struct lab_ring_entry e = {
        .version = 4, .mark = 'x', .named = "bob", .named_mark = '*', .event = "cancelled"};
    const struct lab_ring ring = {.entries = &e, .count = 1, .actor = "bob", .request = "7", .reply = "ok"};
    people();
    ring_one("bob", 3, '?');
    lab_session_end(lab, "bob", 1);
    lab_expect("gone", lab_ring(lab, "bob", "call", ring));
    lab_expect("ok 2 [1 " INCOMING " 2 " CANCELLED "]", mail("bob/laptop"));
    lab_session_forget(lab, "bob");
    lab_expect("not_found", lab_ring(lab, "bob", "call", ring));
    lab_expect("not_found",
               lab_ring(lab, "bob", "call", (struct lab_ring){.entries = &e, .count = 1, .actor = "bob/none"}));
}

/* Its device has a new session meanwhile; what the old one did counts. */
Test(script_ring, an_acting_session_that_was_superseded_still_sits_down)
{
    const struct lab_ring_entry e = {
        .version = 4, .mark = 'x', .named = "bob", .named_mark = '*', .seats = "1=alice;2=bob;", .event = "cancelled"};
    people();
    ring_one("bob", 3, '?');
    lab_session_create(lab, "bob#2", "bob");
    lab_expect("ok 2", lab_ring(lab, "bob", "call", (struct lab_ring){.entries = &e, .count = 1, .actor = "bob"}));
    cr_expect_str_neq(lab_seating(lab, "bob", "call"), "nil");
    lab_expect("ok 1 [1 " CANCELLED "]", mail("bob#2"));
}

Test(script_ring, a_full_mailbox_ends_its_session_and_holds_nobody_up)
{
    people();
    lab_limits(lab)->events_max = 1;
    ring_one("bob", 3, '?');
    lab_session_ack(lab, "bob/laptop", 1);
    lab_listen(lab, "bob");
    lab_expect("ok 1", ring_one("bob", 4, 'x'));
    lab_expect("overrun", lab_ask(lab, "HGET {17}:session:%s state", lab_session("bob").text));
    lab_expect("ok 2 [2 " CANCELLED "]", mail("bob/laptop"));
    const struct lab_ring_entry e = {.version = 5, .mark = 'x', .named = "bob", .named_mark = '*'};
    lab_expect("overrun", lab_ring(lab, "bob", "call", (struct lab_ring){.entries = &e, .count = 1, .actor = "bob"}));
}

/* ---- a device that comes while it rings ---- */

Test(script_ring, a_new_session_rings_along_and_stops_along)
{
    lab_expect("ok 0", ring_one("bob", 3, '?'));
    lab_expect("ok 0 call ?3", lab_session_create(lab, "bob", NULL));
    lab_expect("3", lab_rings(lab, "bob", "call"));
    ring_one("bob", 3, '?');
    lab_expect("ok 0 [] call ?3", mail("bob"));
    ring_one("bob", 4, 'x');
    lab_expect("ok 1 [1 " CANCELLED "]", mail("bob"));
}

Test(script_ring, the_same_creation_again_tells_the_same_and_once_it_stopped_nothing)
{
    ring_one("bob", 3, '?');
    lab_session_create(lab, "bob", NULL);
    lab_expect("ok 0 call ?3", lab_session_create(lab, "bob", NULL));
    ring_one("bob", 4, 'x');
    lab_expect("ok 0", lab_session_create(lab, "bob", NULL));
    lab_expect("nil", lab_rings(lab, "bob", "call"));
}

Test(script_ring, a_new_session_of_a_ringing_device_rings_and_does_not_sit)
{
    people();
    ring_one("bob", 3, '?');
    lab_expect("ok 0 call ?3", lab_session_create(lab, "bob#2", "bob"));
}

Test(script_ring, a_ringing_session_that_ends_sits_nowhere)
{
    people();
    ring_one("bob", 3, '?');
    lab_expect("ok", lab_session_end(lab, "bob", 1));
}

Test(script_ring, a_resumed_session_still_rings)
{
    people();
    ring_one("bob", 3, '?');
    lab_session_detach(lab, "bob", 1);
    lab_expect("ok 2 1 0 0 call ?3", lab_session_attach(lab, "bob", 0));
}

Test(script_ring, what_rang_is_remembered_for_a_while_and_the_memory_is_bounded)
{
    struct key key = key_rings(17, SLICE("bob"));
    for (unsigned i = 0; i < 40; i++) {
        const struct lab_ring_entry over = {.version = 2, .mark = 'x'};
        char call[16];
        snprintf(call, sizeof call, "call%u", i);
        lab_ring(lab, "bob", call, (struct lab_ring){.entries = &over, .count = 1});
        struct id id = lab_call(call);
        lab_ask(lab, "HSET %s %s -2:%d", key.text, id.text, i < 20 ? 1 : 2000000000); /* long ago, or not */
        if (i >= 20)
            lab_ask(lab, "HSET %s %s -2:9999999999999", key.text, id.text);
    }
    lab_expect("ok 0", ring_one("bob", 3, '?'));
    lab_ask(lab, "HLEN %s", key.text);
    cr_expect_eq(lab_number(lab, 0), 21, "those that have just stopped, and the one that rings");
    lab_ask(lab, "PTTL %s", key.text);
    cr_expect_geq(lab_number(lab, 0), 120000, "longer than the longest ring");
    cr_expect_leq(lab_number(lab, 0), 180000, "and not for ever");
}

/* ---- who can be reached ---- */

Test(script_ring, a_user_with_an_attached_device_rings)
{
    lab_expect("ok \"\"", lab_user_reach(lab, "bob", "alice"));
    people();
    lab_expect("ok ringing", lab_user_reach(lab, "bob", "alice"));
    lab_session_detach(lab, "bob", 1);
    lab_expect("ok ringing", lab_user_reach(lab, "bob", "alice"));
    lab_session_detach(lab, "bob/laptop", 1);
    lab_expect("ok waiting", lab_user_reach(lab, "bob", "alice"));
    lab_session_attach(lab, "bob", 0);
    lab_expect("ok ringing", lab_user_reach(lab, "bob", "alice"));
    lab_session_end(lab, "bob", 2);
    lab_expect("ok waiting", lab_user_reach(lab, "bob", "alice"));
    lab_session_end(lab, "bob/laptop", 0);
    lab_ask(lab, "HSET {17}:session:%s until 0", lab_session("bob/laptop").text);
    lab_session_end(lab, "bob/laptop", 0);
    lab_expect("ok \"\"", lab_user_reach(lab, "bob", "alice"));
}

Test(script_ring, one_who_is_invisible_can_be_called_but_nobody_learns_more)
{
    people();
    lab_ask(lab, "HSET {17}:presence:bob status invisible");
    lab_expect("ok waiting", lab_user_reach(lab, "bob", "alice"));
    lab_session_end(lab, "bob", 1);
    lab_session_end(lab, "bob/laptop", 1);
    lab_expect("ok \"\"", lab_user_reach(lab, "bob", "alice"));
}

Test(script_ring, whom_the_user_has_blocked_finds_nobody)
{
    people();
    lab_block(lab, "bob", "alice");
    lab_expect("ok \"\"", lab_user_reach(lab, "bob", "alice"));
    lab_expect("ok ringing", lab_user_reach(lab, "bob", "carol"));
}
