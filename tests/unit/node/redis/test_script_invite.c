#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/node/redis/invitations.h"

/* call_create with callees, call_invite, call_alert, call_reject, call_cancel, call_incoming, offer_expire: invitations */

TestSuite(script_invite, .init = lab_begin, .fini = lab_finish);

#define MEMBERS \
    "\"members\":[{\"peer\":1,\"user\":\"alice\",\"device\":\"phone\",\"name\":\"alice\",\"state\":\"here\"}]"

/* ---- create ---- */

Test(script_invite, creating_a_call_rings_whom_it_is_for)
{
    const char *answer =
        lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 3, .allow = "", .callees = "bob\ncarol\n"});
    shows(answer, "ok 1 [[1 *alice ?bob=alice ?carol=alice ;31;1=alice; "
                  "{\"type\":\"call.created\",\"call\":\"call\",\"version\":1}");
    lab_expect("ringing 1 bob carol", standing("call"));
    cr_expect(has_timer("call", "ring", "bob"));
    cr_expect(has_timer("call", "ring", "carol"));
    cr_expect_not(has_timer("call", "expire", NULL));
}

Test(script_invite, the_same_creation_again_rings_nobody_again)
{
    call_bob();
    lab_call_reject(lab, "call", "bob", "busy", 1);
    lab_expect("ok 1 [] 0 1 \\x0abob\\x0a",
               lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 2, .allow = "", .callees = "bob\n"}));
    expect_no_timers();
}

Test(script_invite, a_call_without_callees_rings_nobody_and_waits)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 2, .room = true});
    lab_expect("waiting 1", standing("call"));
    expect_no_timers();
}

Test(script_invite, its_ring_ends_when_it_was_said_to)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 2, .callees = "bob\n", .ring_ms = 5000});
    lab_ask(lab, "TIME");
    uint64_t now_ms = lab_number(lab, 0) * 1000;
    struct id id = lab_call("call");
    lab_timer(lab, 23, "ring:%s:bob", id.text);
    cr_expect_lt(lab_number(lab, 0), now_ms + 7000);
    cr_expect_geq(lab_number(lab, 0), now_ms + 3000);
}

/* ---- what is told ---- */

Test(script_invite, a_ringing_device_is_told_who_calls_and_who_sits_there)
{
    call_bob();
    shows(lab_timeless(lab, lab_call_incoming(lab, "call", "bob")), "ok ");
    lab_session_create(lab, "bob", NULL);
    lab_bring_out(lab, "call");
    lab_expect(
        "ok 1 [1 "
        "{\"type\":\"call.incoming\",\"call\":\"call\",\"version\":1,\"from\":\"alice\",\"name\":\"alice\"," MEMBERS
        ",\"seats\":2,\"expires_ms\":T,\"meta\":null,\"in_call\":false}] call ?1",
        lab_timeless(lab, lab_mailbox_read(lab, "bob", 0, 10)));
}

Test(script_invite, the_offer_and_meta_ride_on_the_ring_of_the_one_callee)
{
    lab_call_create(
        lab, "call", "alice",
        (struct lab_offer){.seats = 2, .allow = "", .callees = "bob\n", .offer = "\xa3sdp", .meta = "\xa4meta"});
    lab_session_create(lab, "bob", NULL);
    lab_bring_out(lab, "call");
    lab_expect("ok 1 [1 "
               "{\"type\":\"call.incoming\",\"call\":\"call\",\"version\":1,\"from\":\"alice\",\"name\":\"alice\","
               "\"offer\":\"sdp\"," MEMBERS
               ",\"seats\":2,\"expires_ms\":T,\"meta\":\"meta\",\"in_call\":false}] call ?1",
               lab_timeless(lab, lab_mailbox_read(lab, "bob", 0, 10)));
}

Test(script_invite, who_comes_while_it_rings_is_told_the_same_with_the_candidates)
{
    offer_to_bob(false);
    lab_offer_add(lab, "call", "alice", "5", 2);
    const char *answer = lab_call_incoming(lab, "call", "bob");
    shows(answer, "call.incoming\\xa4call\\xb8call\\xa7version\\x01");
    shows(answer, "\\xa5offer\\xa3sdp");
    shows(answer, " \\xa1c\\xa1c\\xa1c 3");
    lab_expect("not_found", lab_call_incoming(lab, "call", "carol"));
    lab_expect("not_found", lab_call_incoming(lab, "nothing", "bob"));
    lab_call_reject(lab, "call", "bob", "busy", 1);
    lab_expect("not_found", lab_call_incoming(lab, "call", "bob"));
}

Test(script_invite, who_comes_while_it_rings_is_told_of_its_meta)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 2, .callees = "bob\n", .meta = "\xa4meta"});
    shows(lab_call_incoming(lab, "call", "bob"), "\\xa4meta\\xa4meta ");
}

Test(script_invite, a_user_without_offer_is_told_of_none)
{
    call_bob_and_carol();
    const char *answer = lab_call_incoming(lab, "call", "carol");
    cr_expect_null(strstr(answer, "offer"));
    shows(answer, " \"\" 0");
}

Test(script_invite, who_rings_may_see_the_call_and_nobody_else)
{
    call_bob();
    shows(lab_call_get(lab, "call", "bob"), "ok 1 ringing 2 alice 0 \"\" ");
    shows(lab_call_get(lab, "call", "bob"), "]} 0 \"\" {\"list\":[\"bob\"]}");
    lab_expect("not_found 1", lab_call_get(lab, "call", "carol"));
    lab_call_reject(lab, "call", "bob", "busy", 1);
    lab_expect("not_found 3", lab_call_get(lab, "call", "bob"));
}

/* ---- invite ---- */

static void pair_of(const char *other)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 3, .allow = "*"});
    lab_call_join(lab, "call", other);
}

Test(script_invite, inviting_rings_one_more_and_the_members_hear_of_it)
{
    pair_of("bob");
    const char *answer = lab_call_invite(lab, "call", "bob", "carol", 5000, 7);
    shows(answer, "ok 3 [[3 +alice -bob ?carol=bob ;31a;1=alice;2=bob; "
                  "{\"type\":\"call.invited\",\"call\":\"call\",\"version\":3,\"user\":\"carol\",\"from\":\"bob\"}");
    lab_expect("active 3 carol", standing("call"));
    cr_expect(has_timer("call", "ring", "carol"));
    lab_expect("ok 3 [] 0", lab_call_invite(lab, "call", "bob", "carol", 5000, 7));
    lab_expect("active 3 carol", standing("call"));
}

Test(script_invite, the_same_invitation_again_does_not_ring_who_has_rejected_since)
{
    pair_of("bob");
    lab_call_invite(lab, "call", "bob", "carol", 5000, 7);
    lab_call_reject(lab, "call", "carol", "busy", 1);
    lab_expect("ok 3 [] 0", lab_call_invite(lab, "call", "bob", "carol", 5000, 7));
    lab_expect("active 4", standing("call"));
}

Test(script_invite, inviting_has_its_refusals)
{
    pair_of("bob");
    lab_call_invite(lab, "call", "bob", "carol", 5000, 7);
    lab_expect("not_found", lab_call_invite(lab, "nothing", "alice", "dave", 5000, 8));
    lab_expect("not_found 3", lab_call_invite(lab, "call", "carol", "dave", 5000, 8));
    lab_expect("conflict", lab_call_invite(lab, "call", "alice", "carol", 5000, 8));
    lab_expect("conflict", lab_call_invite(lab, "call", "alice", "bob", 5000, 8));
    lab_expect("conflict", lab_call_invite(lab, "call", "alice", "alice", 5000, 8));
    lab_expect("call_full", lab_call_invite(lab, "call", "alice", "dave", 5000, 8));
    lab_call_cancel(lab, "call", "bob", "carol", 9);
    lab_call_lock(lab, "call", "alice", true);
    lab_expect("forbidden", lab_call_invite(lab, "call", "bob", "dave", 5000, 10));
    lab_expect_word("ok", lab_call_invite(lab, "call", "alice", "dave", 5000, 10));
    lab_call_leave(lab, "call", "bob", 0, 0);
    lab_call_leave(lab, "call", "alice", 0, 0);
    lab_expect("gone", lab_call_invite(lab, "call", "alice", "dave", 5000, 11));
    lab_expect_word("ok", lab_call_invite(lab, "call", "alice", "dave", 5000, 10));
}

Test(script_invite, an_attach_that_is_over_invites_and_cancels_nobody)
{
    lab_set_epoch(lab, 1);
    pair_of("bob");
    lab_call_mark(lab, "call", "bob", 2, false);
    lab_expect("stale", lab_call_invite(lab, "call", "bob", "carol", 5000, 7));
    lab_expect("stale", lab_call_cancel(lab, "call", "bob", "", 8));
}

Test(script_invite, members_and_rings_fill_a_call_together)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 4, .allow = "*", .callees = "bob\ncarol\n"});
    lab_expect_word("ok", lab_call_join(lab, "call", "dave"));
    lab_expect("call_full", lab_call_join(lab, "call", "eve"));
    lab_expect("call_full", lab_call_invite(lab, "call", "alice", "eve", 5000, 1));
    lab_expect_word("ok", lab_call_accept(lab, "call", "bob", plain));
    lab_expect("call_full", lab_call_join(lab, "call", "eve"));
    lab_call_reject(lab, "call", "carol", "busy", 1);
    lab_expect_word("ok", lab_call_join(lab, "call", "eve"));
    lab_expect("call_full", lab_call_invite(lab, "call", "alice", "carol", 5000, 2));
}

Test(script_invite, a_posted_offer_keeps_its_takers_seat_from_those_who_are_invited)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 3, .offer = "\xa3sdp"});
    lab_expect_word("ok", lab_call_invite(lab, "call", "alice", "bob", 5000, 1));
    lab_expect("call_full", lab_call_invite(lab, "call", "alice", "carol", 5000, 2));
    lab_expect_word("ok", lab_offer_take(lab, "call", "dave"));
    lab_expect_word("ok", lab_call_accept(lab, "call", "bob", plain));
}

/* ---- alert ---- */

Test(script_invite, the_first_device_that_rings_audibly_is_told_to_all_members)
{
    call_bob();
    lab_expect(
        "ok 2 [[2 +alice ;21;1=alice; {\"type\":\"call.ringing\",\"call\":\"call\",\"version\":2,\"user\":\"bob\"}]] 0",
        lab_call_alert(lab, "call", "bob", 0));
    lab_expect("ok 2 [] 0", lab_call_alert(lab, "call", "bob", 0));
    lab_expect("ringing 2 bob", standing("call"));
    lab_expect("not_found 2", lab_call_alert(lab, "call", "carol", 0));
    lab_expect("not_found", lab_call_alert(lab, "nothing", "bob", 0));
    lab_call_reject(lab, "call", "bob", "busy", 1);
    lab_expect("gone", lab_call_alert(lab, "call", "bob", 0));
}

Test(script_invite, an_alert_sent_again_is_told_as_it_was_though_the_ring_is_over)
{
    call_bob();
    lab_expect_word("ok", lab_call_alert(lab, "call", "bob", 5));
    lab_call_reject(lab, "call", "bob/laptop", "busy", 1);
    lab_expect("ok 2 [] 0", lab_call_alert(lab, "call", "bob", 5));
    lab_expect("gone", lab_call_alert(lab, "call", "bob", 6));
    lab_expect("ended 4", standing("call"));
}

/* ---- reject ---- */

Test(script_invite, rejecting_ends_it_for_all_devices_and_the_call_if_nobody_else_is_expected)
{
    call_bob();
    lab_expect("ok 3 [[2 +alice obob xbob=bob ;21;1=alice; "
               "{\"type\":\"call.rejected\",\"call\":\"call\",\"version\":2,\"user\":\"bob\",\"reason\":\"busy\"} "
               "{\"type\":\"call.cancelled\",\"call\":\"call\",\"version\":2,\"reason\":\"rejected_elsewhere\"}] "
               "[3 !alice ;20; {\"type\":\"call.ended\",\"call\":\"call\",\"version\":3,\"reason\":\"busy\"}]] 0",
               lab_call_reject(lab, "call", "bob", "busy", 7));
    lab_expect("ended 3", standing("call"));
    expect_no_timers();
    lab_expect("ok 3 [] 0", lab_call_reject(lab, "call", "bob", "busy", 7));
    lab_expect("gone", lab_call_reject(lab, "call", "bob/laptop", "busy", 7));
    lab_expect("gone", lab_call_reject(lab, "call", "bob", "busy", 8));
    lab_expect("not_found 3", lab_call_reject(lab, "call", "carol", "busy", 7));
    lab_expect("not_found", lab_call_reject(lab, "nothing", "bob", "busy", 9));
}

Test(script_invite, a_call_lives_on_while_another_is_rung)
{
    call_bob_and_carol();
    shows(lab_call_reject(lab, "call", "bob", "rejected", 7), "ok 2 [[2 +alice obob xbob=bob ");
    lab_expect("ringing 2 carol", standing("call"));
    shows(lab_call_reject(lab, "call", "carol", "rejected", 7), "ok 4 [[3 +alice ocarol xcarol=carol ");
    lab_expect("ended 4", standing("call"));
}

Test(script_invite, an_open_room_outlives_a_rejection)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 5, .room = true, .callees = "bob\n"});
    lab_call_reject(lab, "call", "bob", "rejected", 7);
    lab_expect("waiting 2", standing("call"));
}

Test(script_invite, an_open_room_whose_ring_is_taken_back_waits)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 5, .room = true, .callees = "bob\n"});
    lab_expect_word("ok", lab_call_cancel(lab, "call", "alice", "bob", 7));
    lab_expect("waiting 2", standing("call"));
}

Test(script_invite, who_rejected_may_still_come_by_the_id_of_a_call_that_lives)
{
    call_bob_and_carol();
    lab_call_reject(lab, "call", "bob", "rejected", 7);
    lab_expect_word("ok", lab_call_join(lab, "call", "bob"));
    lab_expect("forbidden", lab_call_join(lab, "call", "dave"));
}

Test(script_invite, who_rejected_may_be_invited_again)
{
    call_bob_and_carol();
    lab_call_alert(lab, "call", "bob", 0);
    lab_call_reject(lab, "call", "bob", "rejected", 7);
    shows(lab_call_invite(lab, "call", "alice", "bob", 5000, 8), "ok 4 [[4 ");
    lab_expect("ringing 4 carol bob", standing("call"));
    lab_expect_word("ok", lab_call_alert(lab, "call", "bob", 0));
    lab_expect("ringing 5 carol bob", standing("call"));
    lab_expect_word("ok", lab_call_accept(lab, "call", "bob/laptop", plain));
    cr_expect_eq(strlen(field("call", "guests")), sizeof "\\x0abob\\x0acarol\\x0a" - 1, "each once, in whatever order");
}

/* What rode on the invitation was for that ring. */
Test(script_invite, who_rejected_gets_no_old_offer)
{
    lab_call_create(lab, "call", "alice",
                    (struct lab_offer){.seats = 3, .allow = "*", .callees = "bob\n", .offer = "\xa3sdp"});
    lab_call_join(lab, "call", "carol");
    lab_call_reject(lab, "call", "bob", "busy", 1);
    lab_expect("gone", field("call", "offer"));
    cr_expect_null(strstr(lab_call_join_by(lab, "call", "bob", 5), "sdp"));
}

/* ---- who can't be reached ---- */

Test(script_invite, a_call_for_nobody_who_can_be_reached_is_not_made)
{
    lab_limits(lab)->unreachable = true;
    lab_expect("unreachable", lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 5}));
    lab_expect("", lab_ask(lab, "KEYS *"));
}

Test(script_invite, what_was_done_is_told_again_though_who_was_rung_has_gone_since)
{
    call_bob_and_carol();
    lab_expect_word("ok", lab_call_invite(lab, "call", "alice", "dave", 5000, 8));
    lab_limits(lab)->unreachable = true;
    lab_expect("ok 1 [] 0 1 \\x0adave\\x0acarol\\x0abob\\x0a",
               lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 5, .callees = ""}));
    lab_expect("ok 2 [] 0", lab_call_invite(lab, "call", "alice", "dave", 5000, 8));
    lab_expect("ringing 2 bob carol dave", standing("call"));
}

/* Or whoever was blocked could tell by it. */
Test(script_invite, who_sits_or_rings_there_does_so_whether_reachable_or_not)
{
    call_bob_and_carol();
    lab_expect_word("ok", lab_call_accept(lab, "call", "bob", plain));
    lab_limits(lab)->unreachable = true;
    lab_expect("conflict", lab_call_invite(lab, "call", "alice", "bob", 5000, 8));
    lab_expect("conflict", lab_call_invite(lab, "call", "alice", "carol", 5000, 9));
    lab_expect("unreachable", lab_call_invite(lab, "call", "alice", "dave", 5000, 10));
    lab_expect("active 2 carol", standing("call"));
}

/* ---- the time is over ---- */

/* The invitations were made long ago. */
static void make_due(void)
{
    struct id id = lab_call("call");
    struct key key = key_call(&id);
    lab_ask(lab, "EVAL %s 1 %s",
            "local list = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'invited')) "
            "for _, inv in ipairs(list) do inv['until'] = 5 end "
            "return redis.call('HSET', KEYS[1], 'invited', cmsgpack.pack(list))",
            key.text);
}

Test(script_invite, nothing_is_over_before_its_time)
{
    call_bob();
    struct id id = lab_call("call");
    struct key key = key_timers(23);
    lab_ask(lab, "ZADD %s 1 ring:%s:bob", key.text, id.text);
    lab_expect("stale", lab_ring_expire(lab, "call", "bob"));
    lab_expect("ringing 1 bob", standing("call"));
    lab_timer(lab, 23, "ring:%s:bob", id.text);
    cr_expect_gt(lab_number(lab, 0), 1000000);
}

Test(script_invite, a_ring_whose_time_is_over_ends_as_if_rejected)
{
    call_bob_and_carol();
    make_due();
    lab_expect("ok 2 [[2 +alice xbob= ;51;1=alice; "
               "{\"type\":\"call.rejected\",\"call\":\"call\",\"version\":2,\"user\":\"bob\",\"reason\":\"timeout\"} "
               "{\"type\":\"call.cancelled\",\"call\":\"call\",\"version\":2,\"reason\":\"timeout\"}]] 0",
               lab_ring_expire(lab, "call", "bob"));
    lab_expect("gone", lab_ring_expire(lab, "call", "bob"));
    cr_expect_not(has_timer("call", "ring", "bob"));
    shows(lab_ring_expire(lab, "call", "carol"),
          "{\"type\":\"call.ended\",\"call\":\"call\",\"version\":4,\"reason\":\"timeout\"}");
    lab_expect("ended 4", standing("call"));
    expect_no_timers();
    lab_expect("gone", lab_call_accept(lab, "call", "bob", plain));
}

Test(script_invite, a_timer_without_an_invitation_goes_away)
{
    struct id id = lab_call("call");
    struct key key = key_timers(23);
    call_bob();
    lab_call_accept(lab, "call", "bob", plain);
    lab_ask(lab, "ZADD %s 1 ring:%s:bob 1 ring:%s:dave", key.text, id.text, id.text);
    lab_expect("gone", lab_ring_expire(lab, "call", "bob"));
    lab_expect("not_found 2", lab_ring_expire(lab, "call", "dave"));
    expect_no_timers();
    id = lab_call("nothing");
    lab_ask(lab, "ZADD %s 1 ring:%s:bob", key.text, id.text);
    lab_expect("not_found", lab_ring_expire(lab, "nothing", "bob"));
    expect_no_timers();
    lab_expect("active 2", standing("call"));
}

/* ---- cancel ---- */

Test(script_invite, one_invitation_is_taken_back)
{
    call_bob_and_carol();
    lab_expect("ok 2 [[2 -alice xbob= ;51;1=alice; "
               "{\"type\":\"call.rejected\",\"call\":\"call\",\"version\":2,\"user\":\"bob\",\"reason\":\"cancelled\"} "
               "{\"type\":\"call.cancelled\",\"call\":\"call\",\"version\":2,\"reason\":\"cancelled\"}]] 0",
               lab_call_cancel(lab, "call", "alice", "bob", 7));
    lab_expect("ok 2 [] 0", lab_call_cancel(lab, "call", "alice", "bob", 7));
    lab_expect("ringing 2 carol", standing("call"));
    lab_expect("gone", lab_call_cancel(lab, "call", "alice", "bob", 8));
    lab_expect("gone", lab_call_accept(lab, "call", "bob", plain));
    const char *answer = lab_call_cancel(lab, "call", "alice", "carol", 9);
    shows(answer, "[4 !alice ;50; {\"type\":\"call.ended\",\"call\":\"call\",\"version\":4,\"reason\":\"cancelled\"}]");
    expect_no_timers();
    lab_expect("ok 4 [] 0", lab_call_cancel(lab, "call", "alice", "carol", 9));
}

Test(script_invite, all_are_taken_back_and_the_call_with_them_if_nobody_joined)
{
    call_bob_and_carol();
    const char *answer = lab_call_cancel(lab, "call", "alice", "", 7);
    shows(answer, "ok 4 [[2 -alice xbob= ");
    shows(answer, "[3 -alice xcarol= ");
    shows(answer, "[4 !alice ");
    lab_expect("ended 4", standing("call"));
    expect_no_timers();
    lab_expect("ok 4 [] 0", lab_call_cancel(lab, "call", "alice", "", 7));
    lab_expect("gone", lab_call_cancel(lab, "call", "alice", "", 8));
}

Test(script_invite, a_call_that_somebody_joined_outlives_it)
{
    call_bob_and_carol();
    lab_call_accept(lab, "call", "bob", plain);
    shows(lab_call_cancel(lab, "call", "alice", "", 7), "ok 3 [[3 ");
    lab_expect("active 3", standing("call"));
    lab_expect("ok 3 [] 0", lab_call_cancel(lab, "call", "alice", "", 8));
    lab_expect("active 3", standing("call"));
}

Test(script_invite, an_open_room_that_is_cancelled_while_alone_ends)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 5, .room = true, .callees = "bob\n"});
    lab_call_cancel(lab, "call", "alice", "", 7);
    lab_expect("ended 3", standing("call"));
    expect_no_timers();
}

Test(script_invite, a_posted_offer_is_taken_back_as_well)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 3, .offer = "\xa3sdp", .ttl_ms = 60000});
    cr_expect(has_timer("call", "expire", NULL));
    lab_call_join(lab, "call", "bob");
    shows(lab_call_cancel(lab, "call", "alice", "", 7), "ok 2 [] 0");
    lab_expect("gone", field("call", "offer"));
    lab_expect("gone", lab_offer_take(lab, "call", "carol"));
    expect_no_timers();
    lab_expect("active 2", standing("call"));

    lab_call_create(lab, "alone", "alice", (struct lab_offer){.seats = 2, .offer = "\xa3sdp", .ttl_ms = 60000});
    shows(lab_call_cancel(lab, "alone", "alice", "", 8), "ok 2 [[2 !alice ");
    lab_expect("gone", lab_offer_take(lab, "alone", "carol"));
    expect_no_timers();
}

Test(script_invite, a_posted_offer_is_taken_back_by_its_poster_and_with_all_only)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 4, .offer = "\xa3sdp"});
    lab_call_join(lab, "call", "bob");
    lab_call_invite(lab, "call", "alice", "dave", 5000, 1);
    lab_expect_word("ok", lab_call_cancel(lab, "call", "bob", "", 2));
    lab_expect("waiting", field("call", "offer"));
    lab_expect_word("ok", lab_call_cancel(lab, "call", "alice", "dave", 3));
    lab_expect("waiting", field("call", "offer"));
    lab_expect_word("ok", lab_offer_take(lab, "call", "carol"));
    lab_expect_word("ok", lab_call_cancel(lab, "call", "alice", "", 4));
    lab_expect("taken", field("call", "offer"));
}

Test(script_invite, the_starter_takes_any_back_and_others_their_own)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 5, .allow = "*", .callees = "dave\n"});
    lab_call_join(lab, "call", "bob");
    lab_call_join(lab, "call", "carol");
    lab_call_invite(lab, "call", "bob", "eve", 5000, 1);
    lab_expect("forbidden", lab_call_cancel(lab, "call", "carol", "eve", 2));
    lab_expect("forbidden", lab_call_cancel(lab, "call", "bob", "dave", 3));
    lab_expect_word("ok", lab_call_cancel(lab, "call", "carol", "", 4));
    lab_expect("active 4 dave eve", standing("call"));
    lab_expect_word("ok", lab_call_cancel(lab, "call", "bob", "", 5));
    lab_expect("active 5 dave", standing("call"));
    lab_call_invite(lab, "call", "bob", "eve", 5000, 6);
    lab_expect_word("ok", lab_call_cancel(lab, "call", "alice", "eve", 7));
    lab_expect("active 7 dave", standing("call"));
    lab_expect("not_found 7", lab_call_cancel(lab, "call", "dave", "dave", 8));
    lab_expect("not_found", lab_call_cancel(lab, "nothing", "alice", "", 9));
}

/* ---- leaving while it rings ---- */

Test(script_invite, who_hangs_up_alone_stops_all_rings)
{
    call_bob_and_carol();
    const char *answer = lab_call_leave(lab, "call", "alice", 0, 7);
    shows(answer, "ok 3 [[2 ~alice ;50; {\"type\":\"call.left\"");
    shows(answer,
          "[3 xbob= xcarol= ;50; {\"type\":\"call.ended\",\"call\":\"call\",\"version\":3,\"reason\":\"hangup\"} "
          "{\"type\":\"call.cancelled\",\"call\":\"call\",\"version\":3,\"reason\":\"cancelled\"}]");
    lab_expect("ended 3", standing("call"));
    expect_no_timers();
    lab_expect("gone", lab_call_accept(lab, "call", "bob", plain));
}

Test(script_invite, two_who_ring_a_third_may_part_and_it_rings_on)
{
    call_bob_and_carol();
    lab_call_accept(lab, "call", "bob", plain);
    shows(lab_call_leave(lab, "call", "alice", 0, 7), "ok 3 [[3 ");
    lab_expect("ringing", field("call", "state"));
    cr_expect(has_timer("call", "ring", "carol"));
    lab_expect_word("ok", lab_call_accept(lab, "call", "carol", plain));
    lab_expect("active", field("call", "state"));
}

Test(script_invite, a_last_one_who_rings_nobody_ends_it)
{
    call_bob_and_carol();
    lab_call_accept(lab, "call", "bob", plain);
    lab_call_leave(lab, "call", "alice", 0, 7);
    lab_call_reject(lab, "call", "carol", "busy", 1);
    lab_expect("ended", field("call", "state"));
    lab_expect("5", field("call", "version"));
}

/* ---- a posted offer's time ---- */

Test(script_invite, an_offer_that_expires_while_somebody_is_rung_leaves_the_call)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 3, .offer = "\xa3sdp", .ttl_ms = 60000});
    lab_call_invite(lab, "call", "alice", "bob", 5000, 1);
    lab_expect("ok 2 [] 0", lab_offer_expire(lab, "call"));
    lab_expect("gone", lab_offer_expire(lab, "call"));
    cr_expect_not(has_timer("call", "expire", NULL));
    lab_expect("ringing 2 bob", standing("call"));
    lab_expect("gone", field("call", "offer"));
    lab_call_reject(lab, "call", "bob", "busy", 1);
    lab_expect("ended 4", standing("call"));
}

Test(script_invite, an_offer_that_rings_does_not_expire_but_with_its_ring)
{
    offer_to_bob(false);
    lab_expect("gone", lab_offer_expire(lab, "call"));
    lab_expect("waiting", field("call", "offer"));
    make_due();
    lab_ring_expire(lab, "call", "bob");
    lab_expect("gone", field("call", "offer"));
    lab_expect("nil", field("call", "sdp"));
}

/* ---- both sides ---- */

static const char *mail(const char *who)
{
    return lab_timeless(lab, lab_mailbox_read(lab, who, 0, 50));
}

static void bob_and_alice(void)
{
    lab_session_create(lab, "alice", NULL);
    lab_session_create(lab, "bob", NULL);
    lab_session_create(lab, "bob/laptop", NULL);
}

/* Two of bob's devices answer at once: the second is told, and its fan-out brings nothing twice. */
Test(script_invite, exactly_one_device_answers)
{
    bob_and_alice();
    call_bob();
    lab_bring_out(lab, "call");
    lab_expect_word("ok", lab_call_accept(lab, "call", "bob/laptop", plain));
    lab_expect("gone", lab_call_accept(lab, "call", "bob", plain));
    lab_bring_out(lab, "call");
    shows(mail("bob"), "\"reason\":\"answered_elsewhere\"}]");
    cr_expect_null(strstr(mail("bob/laptop"), "cancelled"));
    shows(mail("bob/laptop"), "] call 2;21;1=alice;2=bob_laptop;");
    shows(mail("alice"), "\"type\":\"call.joined\"");
    cr_expect_not(has_timer("call", "fanout", NULL));
}

Test(script_invite, everybody_agrees_after_a_rejection)
{
    bob_and_alice();
    call_bob();
    lab_bring_out(lab, "call");
    lab_call_reject(lab, "call", "bob", "rejected", 7);
    lab_bring_out(lab, "call");
    cr_expect_null(strstr(mail("bob"), "cancelled"));
    shows(mail("bob/laptop"), "\"reason\":\"rejected_elsewhere\"}]");
    shows(mail("alice"), "\"type\":\"call.rejected\"");
    shows(mail("alice"), "\"type\":\"call.ended\"");
    lab_expect("nil", lab_rings(lab, "bob", "call"));
    lab_expect("nil", lab_seating(lab, "alice", "call"));
}

/* Nobody brought anything out before it was over: all comes at once, in order, from the log. */
Test(script_invite, a_log_that_is_brought_out_late_tells_the_same)
{
    bob_and_alice();
    call_bob();
    lab_call_alert(lab, "call", "bob", 0);
    lab_call_reject(lab, "call", "bob", "rejected", 7);
    lab_bring_out(lab, "call");
    lab_bring_out(lab, "call");
    const char *heard = mail("alice");
    shows(heard, "ok 3 [");
    shows(heard, "1 {\"type\":\"call.ringing\"");
    shows(heard, "2 {\"type\":\"call.rejected\"");
    shows(heard, "3 {\"type\":\"call.ended\"");
    lab_expect("nil", lab_rings(lab, "bob/laptop", "call"));
    lab_expect("ok 0", lab_session_create(lab, "bob/tablet", NULL));
}
