#include "common/base/ascii.h"

#include <criterion/criterion.h>

Test(ascii, letters_and_digits_are_those_of_ascii)
{
    for (int c = 0; c < 256; c++) {
        bool is_digit = c && strchr("0123456789", c);
        bool is_letter = c && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", c);
        cr_expect_eq(ascii_is_digit((char)c), is_digit, "%d", c);
        cr_expect_eq(ascii_is_alnum((char)c), is_digit || is_letter, "%d", c);
    }
}

Test(ascii, hexadecimal_digits_have_values)
{
    static const char digits[] = "0123456789abcdef", capitals[] = "0123456789ABCDEF";
    for (int c = 0; c < 256; c++) {
        const char *digit = c ? strchr(digits, c) : NULL, *capital = c ? strchr(capitals, c) : NULL;
        int value = digit ? (int)(digit - digits) : capital ? (int)(capital - capitals) : -1;
        cr_expect_eq(ascii_hex_value((char)c), value, "%d", c);
        cr_expect_eq(ascii_is_hex((char)c), value >= 0, "%d", c);
    }
}

Test(ascii, others_are_taken_by_name_and_nul_never)
{
    cr_expect(ascii_is_made_of(SLICE("a-Z_9"), "-_"));
    cr_expect(ascii_is_made_of(SLICE(""), ""));
    cr_expect_not(ascii_is_made_of(SLICE("a-b"), "_"));
    cr_expect_not(ascii_is_made_of(SLICE("a\0b"), "_"));
    cr_expect_not(ascii_is_made_of(SLICE("\xc3\xbc"), "_"));
}
