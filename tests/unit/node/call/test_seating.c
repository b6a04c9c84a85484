#include "node/call/seating.h"

#include <criterion/criterion.h>

enum { PARTITIONS = 64 };
#define ALICE "17alice-----------------"
#define BOB "63bob-------------------"

Test(seating, it_says_who_sits_where_since_when)
{
    static const struct {
        const char *text;
        uint64_t version;
        const char *peers[CALL_SEATS_MAX + 1];
    } cases[] = {
        {"7;51;1=" ALICE ";3=" BOB ";", 7, {"", ALICE, "", BOB, "", ""}},
        {"12;50;5=" ALICE ";", 12, {"", "", "", "", "", ALICE}},
        {"2;20;2=" BOB ";1=" ALICE ";", 2, {"", ALICE, BOB, "", "", ""}},
        {"2;20;2=" BOB ";2=" ALICE, 2, {"", "", ALICE, "", "", ""}},
        {"1;20;", 1, {"", "", "", "", "", ""}},
        {"1;20", 1, {"", "", "", "", "", ""}},
        {"18446744073709551615;50;", UINT64_MAX, {"", "", "", "", "", ""}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct seating s;
        cr_assert_eq(seating_parse(slice_of(cases[i].text), PARTITIONS, &s), ERR_OK, "%s", cases[i].text);
        cr_expect_eq(s.version, cases[i].version, "%s", cases[i].text);
        for (unsigned peer = 0; peer <= CALL_SEATS_MAX; peer++)
            cr_expect_str_eq(s.session[peer].text, cases[i].peers[peer], "%s, peer %u", cases[i].text, peer);
    }
}

/* A node puts a call back from them when the store has lost it. */
Test(seating, it_carries_the_facts_of_the_call)
{
    static const struct {
        const char *text;
        unsigned seats, starter;
        bool relay, locked, open, anyone;
    } cases[] = {
        {"7;51;", 5, 1, false, false, false, false},
        {"7;20;", 2, 0, false, false, false, false},
        {"7;35r;", 3, 5, true, false, false, false},
        {"7;51l;", 5, 1, false, true, false, false},
        {"7;51o;", 5, 1, false, false, true, false},
        {"7;51a;", 5, 1, false, false, false, true},
        {"7;42rloa;", 4, 2, true, true, true, true},
        {"7;51q;", 5, 1, false, false, false, false}, /* of a later node */
        {"7;51ro;1=" ALICE, 5, 1, true, false, true, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct seating s;
        cr_assert_eq(seating_parse(slice_of(cases[i].text), PARTITIONS, &s), ERR_OK, "%s", cases[i].text);
        cr_expect_eq(s.seats, cases[i].seats, "%s", cases[i].text);
        cr_expect_eq(s.starter, cases[i].starter, "%s", cases[i].text);
        cr_expect_eq(s.relay, cases[i].relay, "%s", cases[i].text);
        cr_expect_eq(s.locked, cases[i].locked, "%s", cases[i].text);
        cr_expect_eq(s.open, cases[i].open, "%s", cases[i].text);
        cr_expect_eq(s.anyone, cases[i].anyone, "%s", cases[i].text);
    }
}

Test(seating, where_it_rings_there_is_no_seat)
{
    cr_expect(seating_rings(SLICE("?7")));
    cr_expect_not(seating_rings(SLICE("7;51;")));
    cr_expect_not(seating_rings(SLICE("")));
}

Test(seating, what_is_none_is_refused_and_nothing_is_written)
{
    static const char *const texts[] = {
        "",
        ";",
        ";51;1=" ALICE ";",
        "x;51;1=" ALICE ";",
        "-1;51;1=" ALICE ";",
        "18446744073709551616;51;",
        "7;51;0=" ALICE ";",
        "7;51;6=" ALICE ";",
        "7;51;=" ALICE ";",
        "7;51;1;",
        "7;51;1=;",
        "7;51;1=17alice;",
        "7;51;1=" ALICE "x;",
        "7;51;1=64alice-----------------;",
        "7;51;1=xxalice-----------------;",
        "7;51;1=17alice=----------------;",
        "7;51;q;1=" ALICE ";",
        "7",
        "7;",
        "7;;",
        "7;1=" ALICE ";",
        "7;5;",
        "7;11;",
        "7;61;",
        "7;56;",
        "7;5r;",
        "7;r51;",
        "?7",
        "7 ;51;1=" ALICE ";",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct seating s = {.version = 99};
        cr_expect_eq(seating_parse(slice_of(texts[i]), PARTITIONS, &s), ERR_SYNTAX, "%s", texts[i]);
        cr_expect_eq(s.version, 99, "%s", texts[i]);
    }
}

Test(seating, a_session_finds_its_seat)
{
    struct seating s;
    struct id alice, bob;
    cr_assert(id_parse(SLICE(ALICE), PARTITIONS, &alice));
    cr_assert(id_parse(SLICE(BOB), PARTITIONS, &bob));
    cr_assert_eq(seating_parse(SLICE("7;51;2=" ALICE ";"), PARTITIONS, &s), ERR_OK);
    cr_expect_eq(seating_peer(&s, &alice), 2);
    cr_expect_eq(seating_peer(&s, &bob), 0);
}

/* Who has no session yet sits nowhere, though seats are free. */
Test(seating, nobody_sits_nowhere)
{
    struct seating s;
    struct id none = {{0}};
    cr_assert_eq(seating_parse(SLICE("7;51;2=" ALICE ";"), PARTITIONS, &s), ERR_OK);
    cr_expect_eq(seating_peer(&s, &none), 0);
}

Test(seating, targets_come_one_by_one_until_one_is_none)
{
    static const struct {
        const char *text;
        const char *marks;
    } cases[] = {
        {"*" ALICE " +" BOB, "*+"},
        {"~" ALICE, "~"},
        {"", ""},
        {"!" ALICE " -" BOB " +" ALICE, "!-+"},
        {"+" ALICE " x", "+"},
        {" +" ALICE, ""},
        {ALICE, ""},
        {"+" ALICE " +99carol----------------- +" BOB, "+"},
        {"+" ALICE " ", "+"},
        {"*" ALICE " ?bob=alice ?carol=alice", "*??"},
        {"+" ALICE " o" BOB " xbob=" BOB " +" ALICE, "+ox+"},
        {"xbob= +" ALICE, "x+"},
        {"?bob +" ALICE, "?+"},
        {"xbob +" ALICE, "x+"},
        {"? +" ALICE, ""},
        {"?= +" ALICE, ""},
        {"x=" BOB, ""},
        {"?b/b=alice", ""},
        {"xbob=17alice +" ALICE, ""},
        {"xbob=" BOB "x", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice rest = slice_of(cases[i].text);
        struct target t;
        char marks[8] = "";
        size_t n = 0;
        while (n < sizeof marks - 1 && target_next(&rest, PARTITIONS, &t))
            marks[n++] = t.mark;
        cr_expect_str_eq(marks, cases[i].marks, "%s", cases[i].text);
    }
}

Test(seating, a_users_devices_ring_for_somebody_and_stop_but_for_a_session_that_is_named)
{
    struct slice rest = SLICE("?bob=alice xbob=" BOB " xbob= *" ALICE);
    struct target t;
    cr_assert(target_next(&rest, PARTITIONS, &t));
    cr_expect(slice_is(t.user, "bob"));
    cr_expect(slice_is(t.caller, "alice"));
    cr_expect(id_is_none(&t.session));
    cr_assert(target_next(&rest, PARTITIONS, &t));
    cr_expect(slice_is(t.user, "bob"));
    cr_expect_str_eq(t.session.text, BOB);
    cr_expect_eq(t.caller.n, 0);
    cr_assert(target_next(&rest, PARTITIONS, &t));
    cr_expect(slice_is(t.user, "bob"));
    cr_expect(id_is_none(&t.session));
    cr_assert(target_next(&rest, PARTITIONS, &t));
    cr_expect_eq(t.user.n, 0);
    cr_expect_str_eq(t.session.text, ALICE);
    cr_expect_not(target_next(&rest, PARTITIONS, &t));
}

Test(seating, two_marks_are_the_last_word)
{
    for (const char *mark = "*+-!~?xo"; *mark; mark++)
        cr_expect_eq(mark_is_final(*mark), *mark == '!' || *mark == '~', "%c", *mark);
}
