#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/node/redis/lab.h"

/* offer_take, offer_expire, and an offer's life */

static struct lab *lab;

static void begin(void)
{
    lab = lab_open();
    struct lab_offer offer = {.seats = 2, .offer = "\xa3sdp", .ttl_ms = 60000};
    lab_expect_word("ok", lab_call_create(lab, "offer", "alice", offer));
}

static void finish(void)
{
    lab_close(lab);
}

TestSuite(script_offer, .init = begin, .fini = finish);

static const char *field(const char *name)
{
    struct id id = lab_call("offer");
    struct key key = key_call(&id);
    return lab_ask(lab, "HGET %s %s", key.text, name);
}

static bool starts(const char *answer, const char *with)
{
    return strncmp(answer, with, strlen(with)) == 0;
}

static bool has_timer(const char *kind)
{
    return strcmp(lab_timer(lab, 23, "%s:%s", kind, lab_call("offer").text), "nil") != 0;
}

Test(script_offer, its_taker_gets_the_offer_its_candidates_and_who_posted_it)
{
    lab_offer_add(lab, "offer", "alice", "5", 2);
    const char *answer = lab_offer_take(lab, "offer", "bob");
    cr_expect(starts(answer, "ok 2 [[2 +alice *bob ;21a;1=alice;2=bob; {\"type\":\"call.joined\""), "%s", answer);
    cr_expect(strstr(answer, "]] 0 2 {\"list\":[{\"peer\":1,"), "%s", answer);
    cr_expect(strstr(answer, "]} \\xa3sdp \\xa1c\\xa1c\\xa1c 3 alice alice"), "%s", answer);
}

Test(script_offer, exactly_one_takes_it)
{
    static const char *const others[] = {"carol", "dave", "bob/laptop", "alice/laptop"};
    lab_expect_word("ok", lab_offer_take(lab, "offer", "bob"));
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        lab_expect("gone", lab_offer_take(lab, "offer", others[i]));
}

Test(script_offer, its_taker_may_ask_again)
{
    lab_offer_take(lab, "offer", "bob");
    const char *answer = lab_offer_take(lab, "offer", "bob");
    cr_expect(starts(answer, "ok 2 [] 0 2 {"), "%s", answer);
    cr_expect(strstr(answer, "]} \\xa3sdp \\xa1c 1 alice alice"), "%s", answer);
}

Test(script_offer, taking_has_its_refusals)
{
    lab_expect("conflict", lab_offer_take(lab, "offer", "alice"));
    lab_expect("conflict", lab_offer_take(lab, "offer", "alice#2"));
    lab_expect("not_found", lab_offer_take(lab, "nothing", "bob"));
    lab_call_create(lab, "room", "alice", (struct lab_offer){.seats = 5, .room = true});
    lab_expect("not_found 1", lab_offer_take(lab, "room", "bob")); /* with the version: the store has not lost it */
    lab_call_create(lab, "listed", "alice", (struct lab_offer){.seats = 2, .offer = "\xa3sdp", .allow = "\nbob\n"});
    lab_expect("forbidden", lab_offer_take(lab, "listed", "carol"));
    lab_call_lock(lab, "listed", "alice", true);
    lab_expect("forbidden", lab_offer_take(lab, "listed", "bob"));
    lab_call_lock(lab, "listed", "alice", false);
    lab_expect_word("ok", lab_offer_take(lab, "listed", "bob"));
}

Test(script_offer, it_expires_when_nobody_took_it)
{
    cr_expect(has_timer("expire"));
    lab_expect(
        "ok 2 [[2 !alice ;20a; {\"type\":\"call.ended\",\"call\":\"offer\",\"version\":2,\"reason\":\"expired\"}]] 0",
        lab_offer_expire(lab, "offer"));
    cr_expect_not(has_timer("expire"));
    cr_expect(has_timer("fanout"));
    lab_expect("nil", field("sdp"));
    lab_expect("gone", lab_offer_expire(lab, "offer"));
    lab_expect("gone", lab_offer_take(lab, "offer", "bob"));
}

Test(script_offer, a_taken_one_expires_no_more)
{
    lab_offer_take(lab, "offer", "bob");
    cr_expect_not(has_timer("expire"));
    lab_expect("gone", lab_offer_expire(lab, "offer"));
    lab_expect("active", field("state"));
    lab_expect("gone", lab_offer_expire(lab, "nothing"));
}

Test(script_offer, its_call_lives_on_when_others_sit_in_it)
{
    lab_call_create(lab, "three", "alice", (struct lab_offer){.seats = 3, .offer = "\xa3sdp", .ttl_ms = 1000});
    lab_call_join(lab, "three", "bob");
    lab_expect("ok 2 [] 0", lab_offer_expire(lab, "three"));
    lab_expect("gone", lab_offer_take(lab, "three", "carol"));
    lab_expect_word("ok", lab_call_join(lab, "three", "carol"));
}

Test(script_offer, its_poster_leaving_cancels_it)
{
    const char *answer = lab_call_leave(lab, "offer", "alice", 0, 0);
    cr_expect(starts(answer, "ok 3 [[2 ~alice ;20a; "), "%s", answer);
    cr_expect(strstr(answer, "\"type\":\"call.ended\""));
    lab_expect("gone", lab_offer_take(lab, "offer", "bob"));
    cr_expect_not(has_timer("expire"));
}

Test(script_offer, its_poster_leaving_changes_nothing_once_it_is_taken)
{
    lab_call_create(lab, "three", "alice", (struct lab_offer){.seats = 3, .offer = "\xa3sdp"});
    lab_offer_take(lab, "three", "bob");
    lab_call_join(lab, "three", "carol");
    lab_call_leave(lab, "three", "alice", 0, 0);
    cr_expect(strstr(lab_offer_take(lab, "three", "bob"), "\\xa3sdp"), "its taker may ask again");
    lab_expect("taken", lab_ask(lab, "HGET {23}:call:%s offer", lab_call("three").text));
}

Test(script_offer, it_waits_on_while_others_come_and_go)
{
    lab_call_create(lab, "three", "alice", (struct lab_offer){.seats = 3, .offer = "\xa3sdp"});
    lab_call_join(lab, "three", "bob");
    lab_call_leave(lab, "three", "bob", 0, 0);
    lab_expect_word("ok", lab_offer_take(lab, "three", "carol"));
}

Test(script_offer, its_posters_new_session_is_its_poster)
{
    lab_call_supersede(lab, "offer", "alice");
    lab_expect_word("ok", lab_call_join(lab, "offer", "alice#2"));
    lab_expect("ok", lab_offer_add(lab, "offer", "alice#2", "5", 1));
    lab_expect("conflict", lab_offer_take(lab, "offer", "alice#2"));
    lab_expect_word("ok", lab_call_leave(lab, "offer", "alice#2", 0, 0));
    lab_expect("gone", lab_offer_take(lab, "offer", "bob"));
    lab_expect("ended", field("state"));
}

Test(script_offer, its_takers_new_session_is_its_taker)
{
    lab_offer_take(lab, "offer", "bob");
    lab_call_supersede(lab, "offer", "bob");
    lab_call_join(lab, "offer", "bob#2");
    cr_expect(starts(lab_offer_take(lab, "offer", "bob#2"), "ok 4 [] 0 2 {"));
}

Test(script_offer, who_took_it_and_left_does_not_take_it_again)
{
    lab_call_create(lab, "three", "alice", (struct lab_offer){.seats = 3, .offer = "\xa3sdp"});
    lab_offer_take(lab, "three", "bob");
    lab_call_join(lab, "three", "carol");
    lab_call_leave(lab, "three", "bob", 0, 0);
    lab_expect("gone", lab_offer_take(lab, "three", "bob"));
}
