#include "common/base/why.h"

#include <criterion/criterion.h>

Test(why, gives_back_the_error_and_writes_the_sentence)
{
    char why[WHY_SIZE] = "";
    cr_expect_eq(why_fail(WHY_IN(why), ERR_IO, "%s: line %d", "a file", 3), ERR_IO);
    cr_expect_str_eq(why, "a file: line 3");
}

Test(why, nobody_has_to_listen)
{
    cr_expect_eq(why_fail(WHY_NONE, ERR_SYNTAX, "%d", 1), ERR_SYNTAX);
}

Test(why, a_sentence_is_cut_where_the_room_ends)
{
    char why[8] = "1234567";
    cr_expect_eq(why_fail((struct why){why, 5}, ERR_IO, "a long one"), ERR_IO);
    cr_expect_str_eq(why, "a lo");
    cr_expect_eq(why[5], '6');
}

Test(why, what_a_sentence_quotes_comes_out_printable)
{
    static const struct {
        const char *quoted, *printed;
    } cases[] = {
        {"a\nb\x1b[2J\x7f", "a?b?[2J?"},
        {"Zo\xc3\xab", "Zo\xc3\xab"},
        {"Zo\xc3", "Zo?"},
        {"\xff Zo\xc3\xab", "? Zo??"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char why[WHY_SIZE];
        (void)why_fail(WHY_IN(why), ERR_SYNTAX, "%s", cases[i].quoted);
        cr_expect_str_eq(why, cases[i].printed);
    }
}

Test(why, a_character_that_is_cut_in_two_is_not_left_so)
{
    char why[4];
    (void)why_fail(WHY_IN(why), ERR_SYNTAX, "ab\xc3\xab");
    cr_expect_str_eq(why, "ab?");
}
