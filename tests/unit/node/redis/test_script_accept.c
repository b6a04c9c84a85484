#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/node/redis/invitations.h"

/* call_accept, and call_join and offer_take by one who is being rung: an invitation is answered */

TestSuite(script_accept, .init = lab_begin, .fini = lab_finish);

/* ---- accept ---- */

Test(script_accept, who_accepts_sits_down_and_the_users_other_devices_stop)
{
    call_bob();
    const char *answer = lab_call_accept(lab, "call", "bob", plain);
    shows(answer, "ok 2 [[2 +alice *bob xbob=bob ;21;1=alice;2=bob; "
                  "{\"type\":\"call.joined\",\"call\":\"call\",\"version\":2,\"peer\":2,\"user\":\"bob\",\"device\":"
                  "\"phone\",\"name\":\"bob\"} "
                  "{\"type\":\"call.cancelled\",\"call\":\"call\",\"version\":2,\"reason\":\"answered_elsewhere\"}]] 0 "
                  "2 {\"list\":[");
    shows(answer, "]} \"\" \"\" 0 alice alice");
    lab_expect("active 2", standing("call"));
    cr_expect_not(has_timer("call", "ring", "bob"));
    shows(lab_call_accept(lab, "call", "bob", plain), "ok 2 [] 0 2 {\"list\":[");
    lab_expect("gone", lab_call_accept(lab, "call", "bob/laptop", plain));
    lab_expect("active 2", standing("call"));
}

/* It would overtake the answer at the device that gave it, which then never sat down. */
Test(script_accept, a_ring_that_is_answered_is_stopped_by_the_answer_and_not_by_healing)
{
    call_bob();
    lab_expect_word("ok", lab_call_alert(lab, "call", "bob", 0));
    lab_fanout_done(lab, "call", 1, 2);
    lab_expect_word("ok", lab_call_accept(lab, "call", "bob", plain));
    lab_expect("ok 3 [] 2", lab_ring_restore(lab, "call", "bob", 1));
    lab_fanout_done(lab, "call", 3, 3);
    shows(lab_ring_restore(lab, "call", "bob", 1), "hole 3 x");
    lab_expect_word("ok", lab_call_lock(lab, "call", "alice", true));
    shows(lab_ring_restore(lab, "call", "bob", 1), "hole 3 x");
}

Test(script_accept, accepting_hands_over_the_offer_and_brings_the_answer)
{
    offer_to_bob(false);
    lab_offer_add(lab, "call", "alice", "5", 1);
    const struct lab_acceptance answered = {.answer = "\xa6"
                                                      "answer",
                                            .blanked = "\xa7"
                                                       "blanked"};
    const char *answer = lab_call_accept(lab, "call", "bob", answered);
    shows(answer, "\"name\":\"bob\",\"answer\":\"answer\"}");
    shows(answer, " alice {\"type\":\"call.joined\",\"call\":\"call\",\"version\":2,\"peer\":2,\"user\":\"bob\","
                  "\"device\":\"phone\",\"name\":\"bob\"}]]"); /* for everybody but her */
    shows(answer, "]} \\xa3sdp \\xa1c\\xa1c 2 alice alice");
    shows(lab_log_read(lab, "call", 1), " alice {\"type\":\"call.joined\",");
    lab_expect("taken", field("call", "offer"));
    shows(lab_call_accept(lab, "call", "bob", answered), "]} \\xa3sdp \\xa1c\\xa1c 2 alice alice");
    lab_expect("gone", lab_call_accept(lab, "call", "bob/laptop", answered));
}

Test(script_accept, with_relay_privacy_the_answer_comes_without_addresses)
{
    offer_to_bob(true);
    shows(lab_call_accept(lab, "call", "bob",
                          (struct lab_acceptance){.answer = "\xa6"
                                                            "answer",
                                                  .blanked = "\xa7"
                                                             "blanked"}),
          "\"answer\":\"blanked\"}");
}

Test(script_accept, an_answer_needs_an_offer)
{
    call_bob();
    lab_expect("conflict", lab_call_accept(lab, "call", "bob",
                                           (struct lab_acceptance){.answer = "\xa6"
                                                                             "answer"}));
    lab_expect("ringing 1 bob", standing("call"));
    lab_expect_word("ok", lab_call_accept(lab, "call", "bob", plain));
}

Test(script_accept, an_answer_to_one_who_has_left_goes_nowhere)
{
    const struct lab_acceptance answered = {.answer = "\xa6"
                                                      "answer"};
    lab_call_create(lab, "call", "alice",
                    (struct lab_offer){.seats = 4, .allow = "*", .callees = "bob\n", .offer = "\xa3sdp"});
    lab_call_join(lab, "call", "carol");
    lab_call_join(lab, "call", "dave");
    lab_call_leave(lab, "call", "alice", 0, 7);
    const char *answer = lab_call_accept(lab, "call", "bob", answered);
    shows(answer, "ok 5 ");
    shows(answer, "\"name\":\"bob\"} ");
    shows(answer, "]} \"\" \"\" 0 alice ");
    lab_call_leave(lab, "call", "bob", 0, 8);
    lab_expect_word("ok", lab_call_invite(lab, "call", "carol", "bob", 5000, 9));
    lab_expect("conflict", lab_call_accept(lab, "call", "bob", answered));
}

Test(script_accept, accepting_has_its_refusals)
{
    call_bob();
    lab_expect("not_found", lab_call_accept(lab, "nothing", "bob", plain));
    lab_expect("not_found 1", lab_call_accept(lab, "call", "carol", plain));
    lab_call_reject(lab, "call", "bob/laptop", "busy", 1);
    lab_expect("gone", lab_call_accept(lab, "call", "bob", plain));
    lab_expect("not_found 3", lab_call_accept(lab, "call", "carol", plain));
}

/* Rings count as seats, so it does not come to this; whatever went wrong, five are five. */
Test(script_accept, a_ring_for_which_there_is_no_seat_takes_none)
{
    call_bob_and_carol();
    lab_expect_word("ok", lab_call_accept(lab, "call", "bob", plain));
    lab_ask(lab, "HSET {23}:call:%s seats 2", lab_call("call").text);
    lab_expect("call_full", lab_call_accept(lab, "call", "carol", plain));
}

Test(script_accept, an_attach_that_is_over_does_not_accept_again)
{
    call_bob();
    lab_set_epoch(lab, 1);
    lab_call_accept(lab, "call", "bob", plain);
    lab_call_mark(lab, "call", "bob", 2, false);
    lab_expect("stale", lab_call_accept(lab, "call", "bob", plain));
}

Test(script_accept, who_is_invited_to_a_locked_call_may_come)
{
    lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 5, .allow = "", .callees = "bob\ncarol\ndave\n"});
    lab_call_lock(lab, "call", "alice", true);
    lab_expect_word("ok", lab_call_accept(lab, "call", "bob", plain));
    lab_expect_word("ok", lab_call_join(lab, "call", "carol"));
    lab_call_reject(lab, "call", "dave", "busy", 1);
    lab_expect("forbidden", lab_call_join(lab, "call", "dave"));
}

Test(script_accept, the_callee_may_take_the_offer_of_a_locked_call)
{
    offer_to_bob(false);
    lab_call_lock(lab, "call", "alice", true);
    shows(lab_offer_take(lab, "call", "bob"), "]} \\xa3sdp \\xa1c 1 alice alice");
}

Test(script_accept, who_was_removed_comes_back_when_invited_again)
{
    call_bob_and_carol();
    lab_expect_word("ok", lab_call_accept(lab, "call", "bob", plain));
    lab_expect_word("ok", lab_call_leave(lab, "call", "alice", 2, 7));
    lab_expect("forbidden", lab_call_join(lab, "call", "bob"));
    lab_expect("\\x0acarol\\x0a", field("call", "guests"));
    lab_expect_word("ok", lab_call_invite(lab, "call", "alice", "bob", 5000, 8));
    lab_call_reject(lab, "call", "bob", "busy", 1);
    lab_expect_word("ok", lab_call_join(lab, "call", "bob"));
    lab_expect_word("ok", lab_call_leave(lab, "call", "bob", 0, 9));
    lab_expect_word("ok", lab_call_join(lab, "call", "bob"));
}

/* ---- other ways to sit down ---- */

Test(script_accept, who_joins_by_id_or_takes_the_offer_has_answered)
{
    call_bob_and_carol();
    shows(lab_call_join(lab, "call", "bob"), "ok 2 [[2 +alice *bob xbob=bob ");
    lab_expect("active 2 carol", standing("call"));
    cr_expect_not(has_timer("call", "ring", "bob"));
    cr_expect(has_timer("call", "ring", "carol"));

    lab_ask(lab, "FLUSHALL");
    offer_to_bob(false);
    lab_expect("forbidden", lab_offer_take(lab, "call", "carol"));
    lab_expect("not_found 1", lab_call_accept(lab, "call", "carol", plain));
    shows(lab_offer_take(lab, "call", "bob"), "xbob=bob");
    lab_expect("active 2", standing("call"));
    lab_expect("taken", field("call", "offer"));
    expect_no_timers();
}

/* An offer to bob is nobody else's, though anyone may come by the id. */
Test(script_accept, the_callees_offer_is_not_for_others)
{
    lab_call_create(lab, "call", "alice",
                    (struct lab_offer){.seats = 3, .allow = "*", .callees = "bob\n", .offer = "\xa3sdp"});
    lab_expect("forbidden", lab_offer_take(lab, "call", "carol"));
    shows(lab_call_join(lab, "call", "carol"), "ok 2 ");
    lab_expect("waiting", field("call", "offer"));
    shows(lab_call_accept(lab, "call", "bob", plain), "]} \\xa3sdp \\xa1c 1 alice alice");
}

Test(script_accept, who_joins_while_rung_has_accepted_and_gets_the_offer)
{
    offer_to_bob(false);
    shows(lab_call_join_by(lab, "call", "bob", 5), "]} \\xa3sdp \\xa1c 1 alice alice");
    shows(lab_call_join_by(lab, "call", "bob", 5), "ok 2 [] 0 2 ");
    shows(lab_call_join_by(lab, "call", "bob", 5), "]} \\xa3sdp \\xa1c 1 alice alice");
    cr_expect_null(strstr(lab_call_join_by(lab, "call", "bob", 6), "sdp"), "that is another question");
    lab_expect("gone", lab_offer_take(lab, "call", "bob/laptop"));
    lab_expect("taken 2 bob", lab_offer_add(lab, "call", "alice", "5", 1));
}

/* It negotiates anew; its first session may have had the same request. */
Test(script_accept, a_device_that_takes_its_seat_back_gets_no_old_offer)
{
    offer_to_bob(false);
    lab_expect_word("ok", lab_call_join_by(lab, "call", "bob", 5));
    lab_call_supersede(lab, "call", "bob");
    for (int again = 0; again < 2; again++) {
        const char *answer = lab_call_join_by(lab, "call", "bob#2", 5);
        lab_expect_word("ok", answer);
        cr_expect_null(strstr(answer, "sdp"), "%s", answer);
    }
}
