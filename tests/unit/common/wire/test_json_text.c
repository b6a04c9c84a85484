#include "common/wire/json_text.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

Test(json_text, the_first_character_that_is_not_plain_is_found_wherever_it_stands)
{
    for (int c = 0; c < 256; c++) {
        bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
        for (size_t at = 0; at < 20; at++) {
            char text[20];
            memset(text, c % 2 ? '~' : ' ', sizeof text);
            text[at] = (char)c;
            if (!plain) /* by characters that are one above a quote or a backslash */
                memset(text + at + 1, c % 2 ? '#' : ']', sizeof text - at - 1);
            const char *expected = text + (plain ? sizeof text : at);
            cr_assert_eq(json_plain_end(text, text + sizeof text), expected, "%d at %zu", c, at);
            cr_assert_eq(json_is_plain((char)c), plain, "%d", c);
        }
    }
}

Test(json_text, nothing_behind_the_end_is_looked_at)
{
    const char text[] = "0123456789abcdef\"";
    for (size_t n = 0; n < sizeof text - 1; n++)
        cr_assert_eq(json_plain_end(text, text + n), text + n, "%zu", n);
}
