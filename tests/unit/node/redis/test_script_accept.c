#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/node/redis/lab.h"

/* call_accept, and call_join and call_take by one who is being rung: an invitation is answered */

static struct lab *lab;

static void begin(void)
{
    lab = lab_open();
}

static void finish(void)
{
    lab_close(lab);
}

TestSuite(script_accept, .init = begin, .fini = finish);

static const struct lab_acceptance plain = {0};

static const char *field(const char *call, const char *name)
{
    struct id id = lab_call(call);
    struct key key = key_call(&id);
    return lab_ask(lab, "HGET %s %s", key.text, name);
}

/* "ringing 1 bob carol": the call's state and version, and, as far as alice may see it, who rings. */
static const char *standing(const char *call)
{
    static const char list[] = "{\"list\":[\"";
    static char text[256];
    size_t n = (size_t)snprintf(text, sizeof text, "%s ", field(call, "state"));
    n += (size_t)snprintf(text + n, sizeof text - n, "%s", field(call, "version"));
    const char *users = strstr(lab_call_get(lab, call, "alice"), list);
    for (const char *p = users ? users + sizeof list - 2 : ""; *p == '"' && n < sizeof text; p += p[0] == ',') {
        size_t length = strcspn(p + 1, "\"");
        n += (size_t)snprintf(text + n, sizeof text - n, " %.*s", (int)length, p + 1);
        p += length + 2;
    }
    return text;
}

static bool has_timer(const char *call, const char *kind, const char *user)
{
    struct id id = lab_call(call);
    return strcmp(user ? lab_timer(lab, 23, "%s:%s:%s", kind, id.text, user)
                       : lab_timer(lab, 23, "%s:%s", kind, id.text),
                  "nil") != 0;
}

static void expect_no_timers(void)
{
    struct key key = key_timers(23);
    const char *left = lab_ask(lab, "ZRANGE %s 0 -1", key.text);
    cr_expect_null(strstr(left, "ring:"), "%s", left);
    cr_expect_null(strstr(left, "expire:"), "%s", left);
}

static void call_bob(void)
{
    lab_expect_word(
        "ok", lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 2, .allow = "", .callees = "bob\n"}));
}

static void call_bob_and_carol(void)
{
    lab_expect_word("ok", lab_call_create(lab, "call", "alice",
                                          (struct lab_offer){.seats = 5, .allow = "", .callees = "bob\ncarol\n"}));
}

static void offer_to_bob(bool relay)
{
    lab_expect_word(
        "ok", lab_call_create(
                  lab, "call", "alice",
                  (struct lab_offer){.seats = 2, .allow = "", .callees = "bob\n", .offer = "\xa3sdp", .relay = relay}));
}

/* An entry's other event, as the log has it: it lacks its last pair, so that it is no whole map and shown byte by byte. */
static bool shows(const char *answer, const char *part)
{
    bool there = strstr(answer, part) != NULL;
    cr_expect(there, "no %s in %s", part, answer);
    return there;
}

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
    shows(answer, "]} \\xa3sdp \\xa1c\\xa1c 2 alice alice");
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
    shows(lab_call_take(lab, "call", "bob"), "]} \\xa3sdp \\xa1c 1 alice alice");
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
    lab_expect("forbidden", lab_call_take(lab, "call", "carol"));
    lab_expect("not_found 1", lab_call_accept(lab, "call", "carol", plain));
    shows(lab_call_take(lab, "call", "bob"), "xbob=bob");
    lab_expect("active 2", standing("call"));
    lab_expect("taken", field("call", "offer"));
    expect_no_timers();
}

/* An offer to bob is nobody else's, though anyone may come by the id. */
Test(script_accept, the_callees_offer_is_not_for_others)
{
    lab_call_create(lab, "call", "alice",
                    (struct lab_offer){.seats = 3, .allow = "*", .callees = "bob\n", .offer = "\xa3sdp"});
    lab_expect("forbidden", lab_call_take(lab, "call", "carol"));
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
    lab_expect("gone", lab_call_take(lab, "call", "bob/laptop"));
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
