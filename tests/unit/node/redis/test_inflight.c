#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "node/redis/inflight.h"
#include "node/redis/resp.h"

static struct inflight q;

static bool push(size_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%06zu", number);
    const struct inflight_command command = {.queued_us = number};
    return inflight_push(&q, (struct slice[]){SLICE("GET"), slice_of(digits)}, 2, &command);
}

static size_t bytes_of_one(void)
{
    return resp_size((struct slice[]){SLICE("GET"), SLICE("000000")}, 2);
}

/* The number in the next bytes to be written. */
static size_t next_written(void)
{
    struct slice bytes = inflight_unwritten(&q);
    uint64_t n = 0;
    cr_assert_geq(bytes.n, bytes_of_one());
    cr_assert(slice_to_u64(slice_make(bytes.p + bytes_of_one() - 8, 6), &n));
    return n;
}

Test(inflight, a_command_is_encoded_as_redis_reads_it)
{
    inflight_init(&q, 8, 1000);
    const struct inflight_command none = {0};
    cr_assert(inflight_push(&q, (struct slice[]){SLICE("SET"), SLICE("k"), SLICE("")}, 3, &none));
    cr_expect(slice_is(inflight_unwritten(&q), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"));
    inflight_finish(&q);
}

Test(inflight, order_holds_however_it_wraps_and_breaks)
{
    size_t pushed = 0, answered = 0;
    struct inflight_command command;
    bool given_up = false;
    inflight_init(&q, 300, 1000 * 1000);
    for (int round = 0; round < 2000; round++) {
        for (int i = 0; i < round % 97 && push(pushed); i++)
            pushed++;
        inflight_wrote(&q, inflight_unwritten(&q).n);
        for (int i = 0; i < round % 89 && inflight_answer(&q, &command, &given_up); i++) {
            cr_assert_eq(command.queued_us, answered++);
            cr_assert_not(given_up);
        }
        if (round % 13 == 0) {
            cr_assert_eq(inflight_rewind(&q), pushed - answered);
            if (pushed > answered)
                cr_assert_eq(next_written(), answered);
        }
    }
    cr_expect_gt(answered, 10000);
    inflight_finish(&q);
}

Test(inflight, what_was_given_up_keeps_its_place_and_is_not_written_again)
{
    struct inflight_command command;
    bool given_up = false;
    inflight_init(&q, 8, 1000);
    for (size_t i = 0; i < 4; i++)
        cr_assert(push(i));
    inflight_wrote(&q, bytes_of_one() + 1); /* the first, and a byte of the second */
    cr_expect_eq(inflight_give_up(&q).queued_us, 0);
    cr_expect_eq(inflight_give_up(&q).queued_us, 1);
    cr_expect_eq(inflight_oldest(&q)->queued_us, 2);
    cr_assert(inflight_answer(&q, &command, &given_up));
    cr_expect(given_up);
    cr_expect_not(inflight_answer(&q, &command, &given_up), "the second was not written yet");
    cr_expect_eq(inflight_rewind(&q), 0);
    cr_expect_eq(next_written(), 2);
    inflight_finish(&q);
}

Test(inflight, what_was_given_up_before_a_byte_was_written_is_gone)
{
    inflight_init(&q, 2, 1000);
    cr_assert(push(0));
    cr_assert(push(1));
    cr_expect_not(push(2));
    cr_expect_eq(inflight_give_up(&q).queued_us, 0);
    cr_expect_eq(inflight_give_up(&q).queued_us, 1);
    cr_expect_null(inflight_oldest(&q));
    cr_expect_eq(inflight_unwritten(&q).n, 0);
    cr_expect(push(2));
    inflight_finish(&q);
}

Test(inflight, rewinding_counts_what_was_written_in_part)
{
    inflight_init(&q, 8, 1000);
    for (size_t i = 0; i < 4; i++)
        cr_assert(push(i));
    inflight_wrote(&q, 2 * bytes_of_one() + 1);
    cr_expect_eq(inflight_rewind(&q), 3);
    cr_expect_not(inflight_expects_answer(&q));
    cr_expect_eq(next_written(), 0);
    inflight_finish(&q);
}

Test(inflight, memory_is_bounded)
{
    struct inflight_command command;
    bool given_up = false;
    size_t pushed = 0;
    inflight_init(&q, 100000, 100 * bytes_of_one());
    for (int i = 0; i < 100000; i++) {
        while (push(pushed))
            pushed++;
        inflight_wrote(&q, inflight_unwritten(&q).n);
        cr_assert(inflight_answer(&q, &command, &given_up));
        cr_assert_leq(q.bytes.room, 200 * bytes_of_one() + 1);
    }
    cr_expect_eq(q.n, 99);
    inflight_finish(&q);
}
