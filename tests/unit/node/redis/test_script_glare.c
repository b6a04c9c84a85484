#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/node/redis/invitations.h"

/* pair_claim, call_accept where two calls cross, call_discard: two who call each other at once get one call */

TestSuite(script_glare, .init = lab_begin, .fini = lab_finish);

static const struct lab_acceptance crossing = {.glare = true};

static const char *claim(const char *call, const char *caller, const char *callee, const char *over)
{
    return lab_pair_claim(lab, call, caller, callee, over, 45000);
}

/* The call "a" is alice's to bob, "b" is bob's to alice. */
static void start(const char *call, const char *caller, const char *callees)
{
    lab_expect_word(
        "ok", lab_call_create(lab, call, caller,
                              (struct lab_offer){.seats = 2, .allow = "", .callees = callees, .offer = "\xa3sdp"}));
}

/* ---- the claim ---- */

Test(script_glare, the_first_claim_stands_and_the_other_is_told_of_it)
{
    lab_expect("ok", claim("a", "alice", "bob", NULL));
    lab_expect("taken a", claim("b", "bob", "alice", NULL));
    lab_expect("taken a", claim("b", "bob", "alice", NULL));
    lab_expect("ok", claim("a", "alice", "bob", NULL));
}

Test(script_glare, who_only_looks_claims_nothing)
{
    lab_expect("ok", lab_pair_claim(lab, "b", "bob", "alice", NULL, 0));
    lab_expect("ok", claim("a", "alice", "bob", NULL));
    lab_expect("taken a", lab_pair_claim(lab, "b", "bob", "alice", NULL, 0));
    lab_expect("ok", lab_pair_claim(lab, "b", "bob", "alice", "a", 0));
}

Test(script_glare, a_claim_that_stood_stands_again_though_the_other_took_it_over_since)
{
    claim("a", "alice", "bob", NULL);
    lab_expect("ok", claim("b", "bob", "alice", "a"));
    lab_expect("ok", claim("b", "bob", "alice", "a"));
    lab_expect("taken b", claim("a", "alice", "bob", NULL));
}

Test(script_glare, a_second_call_in_the_same_direction_crosses_nothing)
{
    lab_expect("ok", claim("a", "alice", "bob", NULL));
    lab_expect("ok", claim("a2", "alice", "bob", NULL));
    cr_expect(lab_is(claim("b", "bob", "alice", NULL), "taken"));
}

Test(script_glare, other_pairs_have_claims_of_their_own)
{
    claim("a", "alice", "bob", NULL);
    lab_expect("ok", claim("c", "carol", "alice", NULL));
    lab_expect("ok", claim("d", "bob", "carol", NULL));
}

Test(script_glare, only_the_call_that_is_over_gives_its_claim_up)
{
    claim("a", "alice", "bob", NULL);
    claim("a2", "alice", "bob", NULL);
    cr_expect(lab_is(claim("b", "bob", "alice", "other"), "taken"));
    lab_expect("taken a2", claim("b", "bob", "alice", "a"));
    lab_expect("ok", claim("b", "bob", "alice", "a2"));
}

Test(script_glare, of_several_claims_the_one_that_stands_longest_is_told)
{
    lab_pair_claim(lab, "a", "alice", "bob", NULL, 30000);
    lab_pair_claim(lab, "a2", "alice", "bob", NULL, 45000);
    lab_pair_claim(lab, "a3", "alice", "bob", NULL, 30000);
    lab_expect("taken a2", claim("b", "bob", "alice", NULL));
}

Test(script_glare, a_claim_ends_with_its_ring)
{
    struct key key = key_pair(17, SLICE("alice"), SLICE("bob"));
    struct id id = lab_call("a");
    claim("a", "alice", "bob", NULL);
    lab_ask(lab, "PTTL %s", key.text);
    cr_expect_gt(lab_number(lab, 0), 40000);
    cr_expect_leq(lab_number(lab, 0), 45000);
    lab_ask(lab, "HSET %s %s 1:alice", key.text, id.text);
    lab_expect("ok", claim("b", "bob", "alice", NULL));
}

/* ---- crossing ---- */

Test(script_glare, crossing_is_accepting_with_the_callers_offer)
{
    start("a", "alice", "bob\n");
    const char *answer = lab_call_accept(lab, "a", "bob", crossing);
    cr_expect(strstr(answer, "ok 2 [[2 +alice *bob xbob=bob ;21;1=alice;2=bob; "), "%s", answer);
    cr_expect(strstr(answer, "]} \\xa3sdp \\xa1c 1 alice alice"), "%s", answer);
    cr_expect(strstr(lab_call_accept(lab, "a", "bob", crossing), "ok 2 [] 0 2 "), "sent again: the same seat");
}

Test(script_glare, relay_privacy_is_had_if_either_wants_it)
{
    start("a", "alice", "bob\n");
    const char *answer = lab_call_accept(lab, "a", "bob", (struct lab_acceptance){.glare = true, .relay = true});
    cr_expect(strstr(answer, ";21r;1=alice;2=bob;"), "%s", answer);
    lab_expect("relay", field("a", "privacy"));
    cr_expect(strstr(answer, " \\xa3sdp \\xa1c 1 alice alice 1"), "what was stored has addresses: %s", answer);
    cr_expect(strstr(lab_offer_take(lab, "a", "bob"), " alice alice 1"), "whichever way it is asked for");
    lab_expect("taken 2 bob 1", lab_offer_add(lab, "a", "alice", "9", 1));
    start("a2", "alice", "bob\n");
    answer = lab_call_accept(lab, "a2", "bob", crossing);
    cr_expect(strstr(answer, " alice alice") && !strstr(answer, " alice alice 1"), "%s", answer);
    lab_expect("taken 2 bob", lab_offer_add(lab, "a2", "alice", "9", 1));
}

/* Then there is nothing in it that must not pass. */
Test(script_glare, an_offer_that_was_stored_without_addresses_is_as_it_should_be)
{
    lab_call_create(lab, "a", "alice",
                    (struct lab_offer){.seats = 2, .callees = "bob\n", .offer = "\xa3sdp", .relay = true});
    const char *answer = lab_call_accept(lab, "a", "bob", (struct lab_acceptance){.glare = true, .relay = true});
    cr_expect(strstr(answer, " alice alice") && !strstr(answer, " alice alice 1"), "%s", answer);
}

/* Each calling just the other: anything else is a call like another, and the two are not made one. */
Test(script_glare, only_a_ringing_call_of_two_crosses)
{
    static const struct {
        const char *callees;
        const char *joins;
    } cases[] = {{"carol\n", NULL}, {"bob\ncarol\n", NULL}, {"bob\n", "dave"}, {"", NULL}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        lab_ask(lab, "FLUSHALL");
        lab_call_create(lab, "a", "alice", (struct lab_offer){.seats = 5, .allow = "*", .callees = cases[i].callees});
        if (cases[i].joins)
            lab_call_join(lab, "a", cases[i].joins);
        lab_expect("not_found", lab_call_accept(lab, "a", "bob", crossing));
    }
    lab_expect("not_found", lab_call_accept(lab, "nothing", "bob", crossing));
}

Test(script_glare, what_was_rejected_or_hung_up_crosses_no_more)
{
    start("a", "alice", "bob\n");
    lab_call_reject(lab, "a", "bob/laptop", "busy", 1);
    lab_expect("not_found", lab_call_accept(lab, "a", "bob", crossing));
    start("a2", "alice", "bob\n");
    lab_call_leave(lab, "a2", "alice", 0, 1);
    lab_expect("not_found", lab_call_accept(lab, "a2", "bob", crossing));
}

/* Its next call.start begins a call as usual. */
Test(script_glare, the_call_that_this_very_device_sits_in_crosses_nothing)
{
    start("a", "alice", "bob\n");
    lab_expect_word("ok", lab_call_accept(lab, "a", "bob", (struct lab_acceptance){.glare = true, .request = 5}));
    lab_expect_word("ok", lab_call_accept(lab, "a", "bob", (struct lab_acceptance){.glare = true, .request = 5}));
    lab_expect("not_found", lab_call_accept(lab, "a", "bob", (struct lab_acceptance){.glare = true, .request = 6}));
}

Test(script_glare, another_device_that_answered_this_very_moment_was_first)
{
    struct id id = lab_call("a");
    struct key key = key_call(&id);
    start("a", "alice", "bob\n");
    lab_call_accept(lab, "a", "bob/laptop", plain);
    lab_expect("gone", lab_call_accept(lab, "a", "bob", crossing));
    lab_ask(lab, "EVAL %s 1 %s",
            "local list = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'members')) "
            "for _, m in ipairs(list) do m.since = m.since - 4000 end "
            "return redis.call('HSET', KEYS[1], 'members', cmsgpack.pack(list))",
            key.text);
    lab_expect("not_found", lab_call_accept(lab, "a", "bob", crossing));
}

/* ---- taking back ---- */

Test(script_glare, the_one_that_lost_is_taken_back_before_anybody_heard_of_it)
{
    start("b", "bob", "alice\n");
    lab_expect("ok", lab_call_discard(lab, "b", "bob", "a", true));
    lab_expect("ok", lab_call_discard(lab, "b", "bob", "a", true));
    lab_expect("ended", field("b", "state"));
    lab_expect("", lab_ask(lab, "ZRANGE {23}:timers 0 -1"));
    lab_expect("0", lab_ask(lab, "EXISTS {23}:log:%s", lab_call("b").text));
    lab_expect("nil", field("b", "sdp"));
    lab_expect("gone", lab_call_accept(lab, "b", "alice", plain));
    lab_expect("gone", lab_call_join(lab, "b", "alice"));
    lab_expect("ok 1 [] 1", lab_log_read(lab, "b", 0));
    lab_ask(lab, "PTTL {23}:call:%s", lab_call("b").text);
    cr_expect_leq(lab_number(lab, 0), 120000);
    cr_expect_gt(lab_number(lab, 0), 0);
}

Test(script_glare, the_same_creation_after_it_does_not_begin_anew)
{
    start("b", "bob", "alice\n");
    lab_call_discard(lab, "b", "bob", "a", true);
    lab_expect("taken a", lab_call_create(lab, "b", "bob", (struct lab_offer){.seats = 2, .callees = "alice\n"}));
    lab_expect("ended", field("b", "state"));
}

Test(script_glare, what_somebody_may_have_heard_of_is_not_taken_back)
{
    struct id id = lab_call("b");
    struct key key = key_call(&id);
    start("b", "bob", "alice\n");
    lab_call_alert(lab, "b", "alice", 0);
    lab_expect("conflict", lab_call_discard(lab, "b", "bob", "a", true));
    start("b2", "bob", "alice\n");
    id = lab_call("b2");
    key = key_call(&id);
    lab_ask(lab, "HINCRBY %s created -3000", key.text); /* its timer may have fired */
    lab_expect("conflict", lab_call_discard(lab, "b2", "bob", "a", true));
    lab_expect("ringing", field("b2", "state"));
}

/* The node that made it may have told them before it died. */
Test(script_glare, nor_is_one_that_an_earlier_node_made)
{
    start("b", "bob", "alice\n");
    lab_expect("conflict", lab_call_discard(lab, "b", "bob", "a", false));
    lab_expect("ringing", field("b", "state"));
    lab_expect_word("ok", lab_call_create(lab, "b", "bob", (struct lab_offer){.seats = 2, .callees = "alice\n"}));
    lab_expect_word("ok", lab_call_leave(lab, "b", "bob", 0, 0));
    lab_expect("taken a", lab_call_create(lab, "b", "bob", (struct lab_offer){.seats = 2, .callees = "alice\n"}));
}

Test(script_glare, anothers_call_is_left_alone)
{
    start("b", "bob", "alice\n");
    lab_expect("ok", lab_call_discard(lab, "b", "alice", "a", true));
    lab_expect("ringing", field("b", "state"));
    lab_expect("ok", lab_call_discard(lab, "nothing", "bob", "a", true));
}

/* ---- the whole story ---- */

/* As call_start does it: create, claim, and whoever loses crosses; the claims in whichever order, with one step of each repeated. */
Test(script_glare, two_calls_become_one_whoever_is_first)
{
    for (int first = 0; first < 2; first++) {
        const char *winner = first ? "bob" : "alice";
        const char *loser = first ? "alice" : "bob";
        lab_ask(lab, "FLUSHALL");
        start("a", "alice", "bob\n");
        start("b", "bob", "alice\n");
        const char *won = first ? "b" : "a";
        const char *lost = first ? "a" : "b";
        lab_expect("ok", claim(won, winner, loser, NULL));
        cr_expect(lab_is(claim(lost, loser, winner, NULL), "taken"));
        lab_expect("ok", claim(won, winner, loser, NULL));
        lab_expect_word("ok", lab_call_accept(lab, won, loser, crossing));
        lab_expect_word("ok", lab_call_accept(lab, won, loser, crossing));
        lab_expect("ok", lab_call_discard(lab, lost, loser, won, true));
        lab_expect("active", field(won, "state"));
        lab_expect("ended", field(lost, "state"));
    }
}
