#include "common/base/buf.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void fill(struct buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_put_char(b, (char)('a' + i % 26));
}

Test(buf, nothing_is_allocated_before_the_first_byte)
{
    struct buf b;
    buf_init(&b, 10);
    buf_put_mem(&b, NULL, 0);
    buf_put_cstr(&b, "");
    buf_putf(&b, "%s", "");
    cr_assert_null(b.p);
    cr_assert_not(buf_failed(&b));
    cr_assert_str_eq(buf_cstr(&b), "");
    buf_finish(&b);
    buf_finish(NULL);
}

Test(buf, puts_append)
{
    struct buf b;
    buf_init(&b, 1000);
    buf_put(&b, SLICE("a"));
    buf_put_mem(&b, "bc", 2);
    buf_put_cstr(&b, "de");
    buf_put_char(&b, 'f');
    buf_put_u64(&b, 0);
    buf_put_u64(&b, UINT64_MAX);
    buf_putf(&b, "%d-%s", -7, "x");
    cr_assert(slice_is(buf_slice(&b), "abcdef018446744073709551615-7-x"));
    buf_finish(&b);
    cr_assert_eq(b.cap, 1000);
    cr_assert_null(b.p);
}

Test(buf, grows_to_the_cap_and_not_beyond)
{
    for (size_t cap = 0; cap < 300; cap++) {
        struct buf b;
        buf_init(&b, cap);
        fill(&b, cap);
        cr_assert_not(buf_failed(&b), "cap %zu", cap);
        cr_assert_eq(b.n, cap);
        buf_put_char(&b, 'x');
        cr_assert_eq(b.error, ERR_TOO_LARGE, "cap %zu", cap);
        cr_assert_eq(b.n, cap);
        cr_assert_leq(b.room, cap);
        buf_finish(&b);
    }
}

Test(buf, a_full_buffer_still_takes_its_nul_and_text_that_just_fits)
{
    for (size_t left = 0; left < 100; left++) {
        struct buf b;
        buf_init(&b, 100);
        fill(&b, 100 - left);
        buf_putf(&b, "%0*d", (int)left, 0);
        cr_assert_eq(buf_failed(&b), left == 0, "printf writes at least one digit");
        cr_assert_eq(b.n, 100);
        cr_assert_eq(strlen(buf_cstr(&b)), 100);
        buf_finish(&b);
    }
}

Test(buf, after_a_failure_nothing_is_appended)
{
    struct buf b;
    buf_init(&b, 5);
    buf_put_cstr(&b, "abc");
    buf_put_cstr(&b, "defg");
    buf_put_cstr(&b, "h");
    buf_put_char(&b, 'i');
    buf_putf(&b, "%d", 1);
    cr_assert_null(buf_reserve(&b, 1));
    cr_assert(slice_is(buf_slice(&b), "abc"), "no hole");
    cr_assert_eq(b.error, ERR_TOO_LARGE);
    buf_finish(&b);
}

Test(buf, a_printf_that_does_not_fit_leaves_nothing_behind)
{
    struct buf b;
    buf_init(&b, 70);
    fill(&b, 60);
    buf_putf(&b, "%011d", 1);
    cr_assert_eq(b.error, ERR_TOO_LARGE);
    cr_assert_eq(b.n, 60);
    buf_finish(&b);
}

Test(buf, the_first_failure_is_remembered)
{
    struct buf b;
    buf_init(&b, SIZE_MAX);
    cr_assert_null(buf_reserve(&b, SIZE_MAX));
    cr_assert_eq(b.error, ERR_NO_MEMORY);
    b.cap = 0;
    buf_put_char(&b, 'x');
    cr_assert_eq(b.error, ERR_NO_MEMORY);
    buf_finish(&b);
    cr_assert_not(buf_failed(&b));
}

Test(buf, clear_forgets_bytes_and_failure_but_keeps_the_memory)
{
    struct buf b;
    buf_init(&b, 4);
    buf_put_cstr(&b, "abcd");
    buf_put_cstr(&b, "e");
    char *memory = b.p;
    buf_clear(&b);
    buf_put_cstr(&b, "xy");
    cr_assert(slice_is(buf_slice(&b), "xy"));
    cr_assert_eq(b.p, memory);
    buf_finish(&b);
}

Test(buf, reserve_then_commit_claims_what_was_written)
{
    struct buf b;
    buf_init(&b, 1000);
    char *p = buf_reserve(&b, 500);
    memset(p, 'x', 500);
    buf_commit(&b, 3);
    cr_assert(slice_is(buf_slice(&b), "xxx"));
    cr_assert_not_null(buf_reserve(&b, 0));
    cr_assert_not_null(buf_reserve(&b, 997));
    cr_assert_null(buf_reserve(&b, 998));
    buf_finish(&b);
}

Test(buf, drop_takes_from_the_front_and_truncate_from_the_end)
{
    struct buf b;
    buf_init(&b, 100);
    buf_put_cstr(&b, "abcdef");
    buf_drop(&b, 2);
    buf_truncate(&b, 3);
    cr_assert(slice_is(buf_slice(&b), "cde"));
    buf_drop(&b, 0);
    buf_drop(&b, 3);
    cr_assert_eq(b.n, 0);
    buf_finish(&b);
}
