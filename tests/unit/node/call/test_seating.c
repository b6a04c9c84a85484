#include "node/call/seating.h"

#include <criterion/criterion.h>

enum { PARTITIONS = 64 };
#define ALICE "17alice-----------------"
#define BOB "63bob-------------------"

Test(seating, it_says_who_sits_where_since_when_and_whether_addresses_stay_hidden)
{
    static const struct {
        const char *text;
        uint64_t version;
        bool relay;
        const char *peers[CALL_SEATS_MAX + 1];
    } cases[] = {
        {"7;1=" ALICE ";3=" BOB ";", 7, false, {"", ALICE, "", BOB, "", ""}},
        {"7;r;1=" ALICE ";3=" BOB ";", 7, true, {"", ALICE, "", BOB, "", ""}},
        {"12;5=" ALICE ";", 12, false, {"", "", "", "", "", ALICE}},
        {"2;2=" BOB ";1=" ALICE ";", 2, false, {"", ALICE, BOB, "", "", ""}},
        {"2;2=" BOB ";2=" ALICE, 2, false, {"", "", ALICE, "", "", ""}},
        {"1;", 1, false, {"", "", "", "", "", ""}},
        {"1", 1, false, {"", "", "", "", "", ""}},
        {"1;r;", 1, true, {"", "", "", "", "", ""}},
        {"18446744073709551615;", UINT64_MAX, false, {"", "", "", "", "", ""}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct seating s;
        cr_assert_eq(seating_parse(slice_of(cases[i].text), PARTITIONS, &s), ERR_OK, "%s", cases[i].text);
        cr_expect_eq(s.version, cases[i].version, "%s", cases[i].text);
        cr_expect_eq(s.relay, cases[i].relay, "%s", cases[i].text);
        for (unsigned peer = 0; peer <= CALL_SEATS_MAX; peer++)
            cr_expect_str_eq(s.session[peer].text, cases[i].peers[peer], "%s, peer %u", cases[i].text, peer);
    }
}

Test(seating, what_is_none_is_refused_and_nothing_is_written)
{
    static const char *const texts[] = {
        "",
        ";",
        ";1=" ALICE ";",
        "x;1=" ALICE ";",
        "-1;1=" ALICE ";",
        "18446744073709551616;",
        "7;0=" ALICE ";",
        "7;6=" ALICE ";",
        "7;=" ALICE ";",
        "7;1;",
        "7;1=;",
        "7;1=17alice;",
        "7;1=" ALICE "x;",
        "7;1=64alice-----------------;",
        "7;1=xxalice-----------------;",
        "7;1=17alice=----------------;",
        "7;q;1=" ALICE ";",
        "7 ;1=" ALICE ";",
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
    cr_assert_eq(seating_parse(SLICE("7;2=" ALICE ";"), PARTITIONS, &s), ERR_OK);
    cr_expect_eq(seating_peer(&s, &alice), 2);
    cr_expect_eq(seating_peer(&s, &bob), 0);
}

/* Who has no session yet sits nowhere, though seats are free. */
Test(seating, nobody_sits_nowhere)
{
    struct seating s;
    struct id none = {{0}};
    cr_assert_eq(seating_parse(SLICE("7;2=" ALICE ";"), PARTITIONS, &s), ERR_OK);
    cr_expect_eq(seating_peer(&s, &none), 0);
}

Test(seating, targets_come_one_by_one_until_one_is_none)
{
    static const struct {
        const char *text;
        const char *marks;
    } cases[] = {
        {"*" ALICE " +" BOB, "*+"}, {"~" ALICE, "~"}, {"", ""},    {"!" ALICE " -" BOB " +" ALICE, "!-+"},
        {"+" ALICE " x", "+"},      {" +" ALICE, ""}, {ALICE, ""}, {"+" ALICE " +99carol----------------- +" BOB, "+"},
        {"+" ALICE " ", "+"},
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

Test(seating, two_marks_are_the_last_word)
{
    for (const char *mark = "*+-!~"; *mark; mark++)
        cr_expect_eq(mark_is_final(*mark), *mark == '!' || *mark == '~', "%c", *mark);
}
