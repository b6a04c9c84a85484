#include "common/base/slice.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

Test(slice, equality_is_by_bytes)
{
    cr_assert(slice_is(SLICE("abc"), "abc"));
    cr_assert_not(slice_is(SLICE("abc"), "abd"));
    cr_assert_not(slice_is(SLICE("abc"), "ab"));
    cr_assert(slice_eq(SLICE("a\0b"), SLICE("a\0b")));
    cr_assert_not(slice_eq(SLICE("a\0b"), SLICE("a\0c")));
    cr_assert(slice_eq((struct slice){NULL, 0}, SLICE("")));
}

Test(slice, starts_with_what_it_begins_with)
{
    cr_assert(slice_starts(SLICE("unix:/x"), SLICE("unix:")));
    cr_assert(slice_starts(SLICE("x"), SLICE("")));
    cr_assert_not(slice_starts(SLICE("un"), SLICE("unix")));
    cr_assert_not(slice_starts(SLICE("unax:"), SLICE("unix:")));
    cr_assert(slice_starts((struct slice){NULL, 0}, (struct slice){NULL, 0}));
}

Test(slice, case_is_ignored_for_ascii_letters_only)
{
    cr_assert(slice_eq_nocase(SLICE("UPGRADE"), SLICE("Upgrade")));
    cr_assert_not(slice_eq_nocase(SLICE("a"), SLICE("ab")));
    cr_assert_not(slice_eq_nocase(SLICE("@"), SLICE("`")), "0x40 and 0x60 are no letters");
    cr_assert_not(slice_eq_nocase(SLICE("["), SLICE("{")), "0x5b and 0x7b are no letters");
    cr_assert_not(slice_eq_nocase(SLICE("\xc4"), SLICE("\xe4")));
}

Test(slice, find_gives_the_first_or_the_length)
{
    cr_assert_eq(slice_find(SLICE("a,b,c"), ','), 1);
    cr_assert_eq(slice_find(SLICE("abc"), ','), 3);
    cr_assert_eq(slice_find((struct slice){NULL, 0}, ','), 0);
}

Test(slice, trim_takes_both_ends)
{
    cr_assert(slice_is(slice_trim(SLICE(" \t a b\r\n")), "a b"));
    cr_assert_eq(slice_trim(SLICE(" \n ")).n, 0);
    cr_assert(slice_is(slice_trim(SLICE("a")), "a"));
    cr_assert_eq(slice_trim((struct slice){NULL, 0}).n, 0);
}

Test(slice, split_gives_empty_parts_too)
{
    static const struct {
        const char *text;
        const char *parts[4];
    } cases[] = {
        {"a,,b", {"a", "", "b"}}, {"", {""}}, {",", {"", ""}}, {"a", {"a"}}, {"a,", {"a", ""}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice rest = slice_of(cases[i].text), part;
        for (size_t k = 0; cases[i].parts[k]; k++) {
            cr_assert(slice_split(&rest, ',', &part), "\"%s\", part %zu", cases[i].text, k);
            cr_assert(slice_is(part, cases[i].parts[k]), "\"%s\", part %zu", cases[i].text, k);
        }
        cr_assert_not(slice_split(&rest, ',', &part), "\"%s\" is exhausted", cases[i].text);
        cr_assert_null(rest.p);
    }
}

Test(slice, numbers_are_digits_only)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t n;
    } cases[] = {
        {"0", true, 0},    {"007", true, 7},
        {"42", true, 42},  {"18446744073709551615", true, UINT64_MAX},
        {"", false, 0},    {"18446744073709551616", false, 0},
        {"-1", false, 0},  {"99999999999999999999", false, 0},
        {"+1", false, 0},  {" 1", false, 0},
        {"1 ", false, 0},  {"0x1", false, 0},
        {"1.0", false, 0}, {"1/", false, 0},
        {"1:", false, 0},  {"\xd9\xa1", false, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t n = 77;
        cr_assert_eq(slice_to_u64(slice_of(cases[i].text), &n), cases[i].ok, "\"%s\"", cases[i].text);
        cr_assert_eq(n, cases[i].ok ? cases[i].n : 77, "\"%s\"", cases[i].text);
    }
}

Test(slice, dup_ends_in_nul)
{
    char *copy = slice_dup(slice_make("abcdef", 3)), *empty = slice_dup((struct slice){NULL, 0});
    cr_assert_str_eq(copy, "abc");
    cr_assert_str_eq(empty, "");
    free(copy);
    free(empty);
}

Test(slice, digits_are_those_of_printf)
{
    static const uint64_t numbers[] = {0, 1, 9, 10, 99, 100, 1234567890, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        char expected[U64_DIGITS_MAX + 1];
        char digits[U64_DIGITS_MAX];
        snprintf(expected, sizeof expected, "%" PRIu64, numbers[i]);
        cr_assert(slice_is(slice_make(digits, u64_digits(numbers[i], digits)), expected), "%s", expected);
    }
}
