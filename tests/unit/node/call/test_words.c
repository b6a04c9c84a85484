#include <criterion/criterion.h>

#include "node/call/words.h"

Test(words, are_parted_by_any_run_of_blanks)
{
    struct slice rest = SLICE(" \ta  b\t"), word;
    cr_assert(word_next(&rest, &word));
    cr_expect(slice_is(word, "a"));
    cr_assert(word_next(&rest, &word));
    cr_expect(slice_is(word, "b"));
    cr_expect_not(word_next(&rest, &word));
    rest = (struct slice){NULL, 0};
    cr_expect_not(word_next(&rest, &word));
}
