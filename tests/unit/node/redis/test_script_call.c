#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/unit/node/redis/lab.h"

/* call_create, call_join, call_leave, call_lock, call_mark, call_get: seats */

static struct lab *lab;

static void begin(void)
{
    lab = lab_open();
}

static void finish(void)
{
    lab_close(lab);
}

TestSuite(script_call, .init = begin, .fini = finish);

static const struct lab_offer room = {.seats = 5, .room = true};
static const struct lab_offer pair = {.seats = 2};

/* "active 3": the call's state and version, and who sits where. */
static const char *standing(const char *call)
{
    struct id id = lab_call(call);
    struct key key = key_call(&id);
    struct key log = key_log(&id);
    static char text[512];
    size_t n = (size_t)snprintf(text, sizeof text, "%s ", lab_ask(lab, "HMGET %s state version", key.text));
    const char *last = lab_ask(lab, "XREVRANGE %s + - COUNT 1", log.text);
    const char *seats = strstr(last, " s ");
    snprintf(text + n, sizeof text - n, "%.*s", seats ? (int)strcspn(seats + 3, " ") : 0, seats ? seats + 3 : "");
    return text;
}

static bool starts(const char *answer, const char *with)
{
    return strncmp(answer, with, strlen(with)) == 0;
}

static void room_of(const char *const *people)
{
    lab_expect_word("ok", lab_call_create(lab, "room", people[0], room));
    for (size_t i = 1; people[i]; i++)
        lab_expect_word("ok", lab_call_join(lab, "room", people[i]));
}

/* ---- create ---- */

Test(script_call, its_starter_sits_on_seat_1)
{
    lab_expect("ok 1 [[1 *alice ;51oa;1=alice; {\"type\":\"call.created\",\"call\":\"room\",\"version\":1}]] 0 1",
               lab_call_create(lab, "room", "alice", room));
    lab_expect("waiting 1 ;51oa;1=alice;", standing("room"));
    cr_expect_str_neq(lab_timer(lab, 23, "fanout:%s", lab_call("room").text), "nil");
    lab_expect("nil", lab_timer(lab, 23, "expire:%s", lab_call("room").text));
}

Test(script_call, the_same_creation_again_finds_the_same_call)
{
    lab_call_create(lab, "room", "alice", room);
    lab_call_join(lab, "room", "bob");
    lab_expect("ok 1 [] 0 1 \\x0a", lab_call_create(lab, "room", "alice", room));
    lab_expect("active 2 ;51oa;1=alice;2=bob;", standing("room"));
}

Test(script_call, an_id_belongs_to_the_session_that_made_it)
{
    lab_call_create(lab, "room", "alice", room);
    lab_expect("conflict", lab_call_create(lab, "room", "bob", room));
    lab_expect("conflict", lab_call_create(lab, "room", "alice/laptop", room));
}

/* ---- join ---- */

Test(script_call, a_newcomer_takes_the_lowest_free_seat_and_the_others_hear_of_it)
{
    lab_call_create(lab, "room", "alice", room);
    lab_expect(
        "ok 2 [[2 +alice *bob ;51oa;1=alice;2=bob; "
        "{\"type\":\"call.joined\",\"call\":\"room\",\"version\":2,\"peer\":2,\"user\":\"bob\",\"device\":\"phone\","
        "\"name\":\"bob\"}]] 0 2 "
        "{\"list\":[{\"peer\":1,\"user\":\"alice\",\"device\":\"phone\",\"name\":\"alice\",\"state\":\"here\"},"
        "{\"peer\":2,\"user\":\"bob\",\"device\":\"phone\",\"name\":\"bob\",\"state\":\"here\"}]}",
        lab_call_join(lab, "room", "bob"));
    lab_call_join(lab, "room", "carol");
    lab_call_leave(lab, "room", "bob", 0, 0);
    lab_call_join(lab, "room", "dave");
    lab_expect("active 5 ;51oa;1=alice;3=carol;2=dave;", standing("room"));
}

Test(script_call, joining_again_is_the_same_seat)
{
    room_of((const char *[]){"alice", "bob", NULL});
    cr_expect(starts(lab_call_join(lab, "room", "bob"), "ok 2 [] 0 2 {"));
    lab_expect("active 2 ;51oa;1=alice;2=bob;", standing("room"));
}

Test(script_call, there_are_as_many_members_as_seats_and_no_more)
{
    room_of((const char *[]){"alice", "bob", "carol", "dave", "eve", NULL});
    lab_expect("call_full", lab_call_join(lab, "room", "frank"));
    lab_expect_word("ok", lab_call_join(lab, "room", "eve"));
    lab_call_leave(lab, "room", "carol", 0, 0);
    lab_expect_word("ok", lab_call_join(lab, "room", "frank"));
    lab_expect("call_full", lab_call_join(lab, "room", "carol"));
}

Test(script_call, a_waiting_offer_keeps_a_seat_for_its_taker)
{
    lab_call_create(lab, "offer", "alice", (struct lab_offer){.seats = 3, .offer = "\xa3sdp"});
    lab_expect_word("ok", lab_call_join(lab, "offer", "bob"));
    lab_expect("call_full", lab_call_join(lab, "offer", "carol"));
    lab_expect_word("ok", lab_offer_take(lab, "offer", "dave"));
    lab_expect("active 3 ;31a;1=alice;2=bob;3=dave;", standing("offer"));
}

Test(script_call, who_may_join_stands_on_the_list)
{
    static const struct {
        const char *allow;
        const char *who;
        const char *answer;
    } cases[] = {
        {"*", "bob", "ok"},
        {"\nbob\ncarol\n", "bob", "ok"},
        {"\nbob\ncarol\n", "carol/laptop", "ok"},
        {"\nbob\ncarol\n", "alice/laptop", "ok"},
        {"\nbob\ncarol\n", "bo", "forbidden"},
        {"\nbob\ncarol\n", "dave", "forbidden"},
        {"", "bob", "forbidden"},
        {"", "alice/laptop", "ok"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        lab_ask(lab, "FLUSHALL");
        lab_call_create(lab, "room", "alice", (struct lab_offer){.seats = 5, .room = true, .allow = cases[i].allow});
        const char *answer = lab_call_join(lab, "room", cases[i].who);
        cr_expect(lab_is(answer, cases[i].answer), "%s: %s", cases[i].who, answer);
    }
}

Test(script_call, a_locked_one_takes_nobody_but_who_sat_there)
{
    room_of((const char *[]){"alice", "bob", NULL});
    lab_call_lock(lab, "room", "alice", true);
    lab_expect("forbidden", lab_call_join(lab, "room", "carol"));
    lab_expect_word("ok", lab_call_join(lab, "room", "bob"));
    lab_call_supersede(lab, "room", "bob");
    lab_expect_word("ok", lab_call_join(lab, "room", "bob#2"));
    lab_call_lock(lab, "room", "alice", false);
    lab_expect_word("ok", lab_call_join(lab, "room", "carol"));
}

Test(script_call, a_device_with_a_new_session_gets_its_seat_back)
{
    room_of((const char *[]){"alice", "bob", "carol", NULL});
    lab_call_supersede(lab, "room", "bob");
    const char *answer = lab_call_join(lab, "room", "bob#2");
    cr_expect(strstr(answer, "+alice +carol "));
    cr_expect(strstr(answer, "*bob_2"));
    cr_expect(strstr(answer, "~bob "), "the old session is out silently: %s", answer);
    cr_expect(strstr(answer, "\"type\":\"call.rejoined\",\"call\":\"room\",\"version\":5,\"peer\":2}"));
    cr_expect(strstr(answer, "{\"peer\":2,\"user\":\"bob\",\"device\":\"phone\",\"name\":\"bob\",\"state\":\"here\"}"));
    lab_expect("active 5 ;51oa;1=alice;2=bob_2;3=carol;", standing("room"));
    lab_expect("not_found 5", lab_call_leave(lab, "room", "bob", 0, 0));
}

Test(script_call, a_seat_is_not_taken_from_a_session_that_is_not_superseded)
{
    room_of((const char *[]){"alice", "bob", NULL});
    lab_call_mark(lab, "room", "bob", 1, true);
    lab_expect("conflict", lab_call_join(lab, "room", "bob#2"));
    lab_expect("active 3 ;51oa;1=alice;2=bob;", standing("room"));
}

/* What an attach says whose session has gone on since: a node that was frozen, say. */
Test(script_call, a_call_is_not_begun_again_by_an_older_epoch)
{
    struct lab_offer to_bob = {.seats = 2, .allow = "", .callees = "bob\n"};
    lab_session_create(lab, "alice", NULL);
    lab_session_attach(lab, "alice", 0);
    lab_set_epoch(lab, 1);
    lab_expect("stale", lab_call_create(lab, "call", "alice", to_bob));
    lab_set_epoch(lab, 2);
    lab_expect_word("ok", lab_call_create(lab, "call", "alice", to_bob));
    lab_set_epoch(lab, 1);
    lab_expect("stale", lab_call_create(lab, "call", "alice", to_bob));
}

Test(script_call, a_session_that_the_store_has_lost_is_no_later_one)
{
    lab_set_epoch(lab, 1);
    lab_expect_word("ok", lab_call_create(lab, "room", "alice", (struct lab_offer){.seats = 2, .room = true}));
}

Test(script_call, what_an_older_epoch_says_is_stale)
{
    lab_set_epoch(lab, 1);
    room_of((const char *[]){"alice", "bob", NULL});
    lab_call_create(lab, "offer", "carol", (struct lab_offer){.seats = 2, .offer = "\xa3sdp"});
    lab_offer_take(lab, "offer", "alice");
    lab_call_mark(lab, "room", "alice", 2, false);
    lab_call_mark(lab, "offer", "alice", 2, false);
    lab_expect("stale", lab_call_join(lab, "room", "alice"));
    lab_expect("stale", lab_call_lock(lab, "room", "alice", true));
    lab_expect("stale", lab_call_leave(lab, "room", "alice", 0, 5));
    lab_expect("stale", lab_call_leave(lab, "room", "alice", 2, 6));
    lab_expect("stale", lab_offer_take(lab, "offer", "alice"));
    lab_expect("active 2 ;51oa;1=alice;2=bob;", standing("room"));
    lab_set_epoch(lab, 2);
    lab_expect_word("ok", lab_call_join(lab, "room", "alice"));
    lab_expect_word("ok", lab_offer_take(lab, "offer", "alice"));
    lab_expect_word("ok", lab_call_lock(lab, "room", "alice", true));
    lab_set_epoch(lab, 0);
    lab_expect_word("ok", lab_call_leave(lab, "room", "alice", 0, 0));
}

Test(script_call, whoever_sits_down_is_there_in_that_epoch)
{
    lab_set_epoch(lab, 3);
    room_of((const char *[]){"alice", "bob", NULL});
    lab_expect("ok 2 [] 0", lab_call_mark(lab, "room", "alice", 2, true));
    lab_expect("ok 2 [] 0", lab_call_mark(lab, "room", "bob", 2, true));
    cr_expect(strstr(lab_call_mark(lab, "room", "bob", 3, true), "call.suspended"));
}

Test(script_call, the_seat_of_another_device_is_another_seat)
{
    room_of((const char *[]){"alice", "bob", "bob/laptop", NULL});
    lab_expect("active 3 ;51oa;1=alice;2=bob;3=bob_laptop;", standing("room"));
}

/* ---- what every verb says of a call that is not there ---- */

Test(script_call, what_is_not_there_or_over_is_told_by_every_verb)
{
    struct {
        const char *call;
        const char *answer, *read;
    } cases[] = {{"nothing", "not_found", "not_found"}, {"over", "gone", "not_found 3"}};
    lab_call_create(lab, "over", "alice", room);
    lab_call_leave(lab, "over", "alice", 0, 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        lab_expect(cases[i].answer, lab_call_join(lab, cases[i].call, "bob"));
        lab_expect(cases[i].answer, lab_call_leave(lab, cases[i].call, "alice", 0, 0));
        lab_expect(cases[i].answer, lab_call_lock(lab, cases[i].call, "alice", true));
        lab_expect(cases[i].answer, lab_call_mark(lab, cases[i].call, "alice", 1, true));
        lab_expect(cases[i].read, lab_call_get(lab, cases[i].call, "alice"));
    }
}

Test(script_call, strangers_are_told_nothing)
{
    room_of((const char *[]){"alice", "bob", NULL});
    lab_expect("not_found 2", lab_call_leave(lab, "room", "carol", 0, 0));
    lab_expect("not_found 2", lab_call_leave(lab, "room", "carol", 1, 0));
    lab_expect("not_found 2", lab_call_lock(lab, "room", "carol", true));
    lab_expect("not_found", lab_call_mark(lab, "room", "carol", 1, true));
    lab_expect("not_found 2", lab_call_get(lab, "room", "carol"));
}

/* ---- leave, remove ---- */

Test(script_call, leaving_is_told_to_those_who_stay)
{
    room_of((const char *[]){"alice", "bob", "carol", NULL});
    lab_expect("ok 4 [[4 +alice +carol ~bob ;51oa;1=alice;3=carol; "
               "{\"type\":\"call.left\",\"call\":\"room\",\"version\":4,\"peer\":2,\"reason\":\"hangup\"}]] 0",
               lab_call_leave(lab, "room", "bob", 0, 0));
    lab_expect("not_found 4", lab_call_leave(lab, "room", "bob", 0, 0));
}

Test(script_call, an_open_room_stays_while_anyone_sits_in_it)
{
    room_of((const char *[]){"alice", "bob", NULL});
    lab_call_leave(lab, "room", "alice", 0, 0);
    lab_expect("waiting 3 ;50oa;2=bob;", standing("room"));
    lab_expect_word("ok", lab_call_join(lab, "room", "carol"));
    lab_expect("active 4 ;50oa;2=bob;1=carol;", standing("room"));
    lab_call_leave(lab, "room", "bob", 0, 0);
    lab_call_leave(lab, "room", "carol", 0, 0);
    lab_expect("ended 7 ;50oa;", standing("room"));
}

Test(script_call, another_call_ends_when_one_is_left)
{
    lab_call_create(lab, "pair", "alice", pair);
    lab_call_join(lab, "pair", "bob");
    const char *answer = lab_call_leave(lab, "pair", "bob", 0, 0);
    cr_expect(
        strstr(answer,
               "[4 !alice ;20a; {\"type\":\"call.ended\",\"call\":\"pair\",\"version\":4,\"reason\":\"hangup\"}]"),
        "%s", answer);
    lab_expect("ended 4 ;20a;", standing("pair"));
    lab_expect("gone", lab_call_join(lab, "pair", "carol"));
}

Test(script_call, an_ended_one_is_remembered_for_two_minutes)
{
    lab_call_create(lab, "pair", "alice", pair);
    lab_call_leave(lab, "pair", "alice", 0, 0);
    struct id id = lab_call("pair");
    struct key keys[] = {key_call(&id), key_log(&id)};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        lab_ask(lab, "PTTL %s", keys[i].text);
        cr_expect_gt(lab_number(lab, 0), 100000);
        cr_expect_leq(lab_number(lab, 0), 120000);
    }
    cr_expect_str_neq(lab_timer(lab, 23, "fanout:%s", id.text), "nil", "who was in it is still to be told");
}

Test(script_call, an_operator_ends_it_for_everybody_and_it_is_brought_out_at_once)
{
    room_of((const char *const[]){"alice", "bob", NULL});
    lab_expect_word("ok", lab_call_invite(lab, "room", "alice", "carol", 60000, 9));
    lab_expect("ok 2 1", lab_call_end(lab, "room"));
    lab_expect("ended 4 ;50oa;", standing("room"));
    struct id id = lab_call("room");
    struct key log = key_log(&id);
    const char *last = lab_ask(lab, "XREVRANGE %s + - COUNT 1", log.text);
    cr_expect(strstr(last, "!alice") && strstr(last, "!bob") && strstr(last, "xcarol="), "%s", last);
    cr_expect(strstr(last, "\"call.ended\"") && strstr(last, "\"reason\":\"admin\""), "%s", last);
    uint64_t due = strtoull(lab_timer(lab, id_partition(&id), "fanout:%s", id.text), NULL, 10);
    cr_expect(due <= clock_wall_ms() + 1000, "its owner brings it out, not two seconds later");
    lab_expect("gone", lab_call_end(lab, "room"));
    lab_expect("not_found", lab_call_end(lab, "nowhere"));
}

Test(script_call, the_starter_removes_and_the_removed_one_hears_of_it)
{
    room_of((const char *[]){"alice", "bob", "carol", NULL});
    lab_expect("forbidden", lab_call_leave(lab, "room", "bob", 3, 0));
    lab_expect("not_found 3", lab_call_leave(lab, "room", "alice", 4, 0));
    const char *answer = lab_call_leave(lab, "room", "alice", 3, 0);
    cr_expect(strstr(answer, "+bob"));
    cr_expect(strstr(answer, "-alice"));
    cr_expect(strstr(answer, "!carol"));
    cr_expect(strstr(
        answer, ";51oa;1=alice;2=bob; {\"type\":\"call.left\",\"call\":\"room\",\"version\":4,\"peer\":3,\"reason\":"
                "\"removed\"}"));
    lab_expect("not_found 4", lab_call_get(lab, "room", "carol"));
}

Test(script_call, the_same_leaving_again_has_the_same_answer)
{
    room_of((const char *[]){"alice", "bob", "carol", NULL});
    lab_expect_word("ok", lab_call_leave(lab, "room", "bob", 0, 7));
    lab_expect("ok 4 [] 0", lab_call_leave(lab, "room", "bob", 0, 7));
    lab_expect("not_found 4", lab_call_leave(lab, "room", "bob", 0, 8));
    lab_call_leave(lab, "room", "carol", 0, 7);
    lab_call_leave(lab, "room", "alice", 0, 7);
    lab_expect("ok 7 [] 0", lab_call_leave(lab, "room", "alice", 0, 7));
    lab_expect("ok 4 [] 0", lab_call_leave(lab, "room", "bob", 0, 7));
}

Test(script_call, the_same_removal_again_spares_who_sat_down_there_since)
{
    room_of((const char *[]){"alice", "bob", "carol", NULL});
    lab_call_leave(lab, "room", "alice", 2, 7);
    lab_call_join(lab, "room", "dave");
    lab_expect("ok 4 [] 0", lab_call_leave(lab, "room", "alice", 2, 7));
    lab_expect("active 5 ;51oa;1=alice;3=carol;2=dave;", standing("room"));
    lab_expect_word("ok", lab_call_leave(lab, "room", "alice", 2, 8));
}

/* ---- lock, mark ---- */

Test(script_call, only_the_starter_locks_and_only_a_change_is_told)
{
    room_of((const char *[]){"alice", "bob", NULL});
    lab_expect("forbidden", lab_call_lock(lab, "room", "bob", true));
    lab_expect("ok 2 [] 0", lab_call_lock(lab, "room", "alice", false));
    lab_expect("ok 3 [[3 +bob -alice ;51loa;1=alice;2=bob; "
               "{\"type\":\"call.locked\",\"call\":\"room\",\"version\":3,\"locked\":true}]] 0",
               lab_call_lock(lab, "room", "alice", true));
    lab_expect("ok 3 [] 0", lab_call_lock(lab, "room", "alice", true));
}

Test(script_call, a_lost_socket_is_told_once_and_its_return_too)
{
    room_of((const char *[]){"alice", "bob", NULL});
    lab_expect("ok 3 [[3 +alice -bob ;51oa;1=alice;2=bob; "
               "{\"type\":\"call.suspended\",\"call\":\"room\",\"version\":3,\"peer\":2}]] 0",
               lab_call_mark(lab, "room", "bob", 1, true));
    lab_expect("ok 3 [] 0", lab_call_mark(lab, "room", "bob", 1, true));
    lab_expect("ok 4 [[4 +alice -bob ;51oa;1=alice;2=bob; "
               "{\"type\":\"call.resumed\",\"call\":\"room\",\"version\":4,\"peer\":2}]] 0",
               lab_call_mark(lab, "room", "bob", 2, false));
    lab_expect("ok 4 [] 0", lab_call_mark(lab, "room", "bob", 2, false));
}

Test(script_call, what_a_later_epoch_said_stands)
{
    static const struct {
        unsigned epoch;
        bool suspended;
        const char *state;
    } steps[] = {
        {2, false, "here"},     {1, true, "here"},       {2, true, "suspended"}, {2, false, "suspended"},
        {4, false, "here"},     {3, true, "here"},       {3, false, "here"},     {4, true, "suspended"},
        {9, true, "suspended"}, {8, false, "suspended"},
    };
    room_of((const char *[]){"alice", "bob", NULL});
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        char member[64];
        lab_call_mark(lab, "room", "bob", steps[i].epoch, steps[i].suspended);
        snprintf(member, sizeof member, "\"name\":\"bob\",\"state\":\"%s\"", steps[i].state);
        cr_expect(strstr(lab_call_get(lab, "room", "alice"), member), "step %zu", i);
    }
}

Test(script_call, who_came_back_with_a_new_session_is_marked_anew)
{
    room_of((const char *[]){"alice", "bob", NULL});
    lab_call_supersede(lab, "room", "bob");
    lab_call_join(lab, "room", "bob#2");
    lab_expect("not_found", lab_call_mark(lab, "room", "bob", 2, true));
    cr_expect(strstr(lab_call_mark(lab, "room", "bob#2", 1, true), "call.suspended"));
}

/* ---- get ---- */

Test(script_call, a_member_gets_all_of_it)
{
    lab_call_create(lab, "room", "alice", (struct lab_offer){.seats = 4, .room = true, .relay = true});
    const char *answer = lab_call_get(lab, "room", "alice");
    cr_expect(starts(answer, "ok 1 waiting 4 alice 0 relay 1"), "%s", answer);
    cr_expect(strstr(answer, "]} 1 ;41roa;1=alice;"), "%s", answer);
    lab_call_lock(lab, "room", "alice", true);
    cr_expect(starts(lab_call_get(lab, "room", "alice"), "ok 2 waiting 4 alice 1 relay"));
}

Test(script_call, a_device_with_a_new_session_sees_that_the_seat_is_its_old_ones)
{
    room_of((const char *[]){"alice", "bob", NULL});
    cr_expect(strstr(lab_call_get(lab, "room", "bob"), "]} 1 ;51oa;1=alice;2=bob;"));
    cr_expect(strstr(lab_call_get(lab, "room", "bob#2"), "]} 0 ;51oa;1=alice;2=bob;"));
    lab_expect("not_found 2", lab_call_get(lab, "room", "bob/laptop"));
}
