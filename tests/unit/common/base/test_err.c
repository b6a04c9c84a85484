#include "common/base/err.h"

#include <criterion/criterion.h>
#include <string.h>

Test(err, zero_is_success)
{
    cr_assert_eq(ERR_OK, 0);
    cr_assert_null(err_code(ERR_OK));
}

Test(err, wire_codes_are_the_protocols)
{
    cr_assert_str_eq(err_code(ERR_CALL_FULL), "call_full");
    cr_assert_str_eq(err_code(ERR_MEDIA_NOT_ALLOWED), "media_not_allowed");
    cr_assert_null(err_code(ERR_NO_MEMORY), "stays inside");
    cr_assert_null(err_code(ERR_COUNT));
}

Test(err, every_row_has_a_sentence_without_full_stop)
{
    for (int e = 0; e < ERR_COUNT; e++) {
        const char *text = err_text((enum err)e);
        cr_assert_gt(strlen(text), 3);
        cr_assert_neq(text[strlen(text) - 1], '.');
    }
    cr_assert_str_eq(err_text(ERR_COUNT), "unknown error");
}
