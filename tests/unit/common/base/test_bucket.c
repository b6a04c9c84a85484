#include "common/base/bucket.h"

#include <criterion/criterion.h>

static const struct bucket_limit limit = {.rate_per_s = 10, .burst = 20};

Test(bucket, a_new_one_is_full)
{
    struct bucket b;
    bucket_init(&b, &limit, 1000);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(bucket_take(&b, &limit, 1, 1000), 0);
    cr_assert_eq(bucket_take(&b, &limit, 1, 1000), 100);
}

Test(bucket, it_works_exactly_when_it_was_said_and_not_before)
{
    struct bucket b;
    bucket_init(&b, &limit, 0);
    cr_assert_eq(bucket_take(&b, &limit, 20, 0), 0);
    uint64_t wait = bucket_take(&b, &limit, 7, 0);
    cr_assert_eq(wait, 700);
    cr_assert_eq(bucket_take(&b, &limit, 7, 699), 1);
    cr_assert_eq(bucket_take(&b, &limit, 7, 700), 0);
}

Test(bucket, the_wait_is_rounded_up)
{
    static const struct bucket_limit thirds = {.rate_per_s = 3, .burst = 1};
    struct bucket b;
    bucket_init(&b, &thirds, 0);
    cr_assert_eq(bucket_take(&b, &thirds, 1, 0), 0);
    cr_assert_eq(bucket_take(&b, &thirds, 1, 0), 334);
    cr_assert_eq(bucket_take(&b, &thirds, 1, 333), 1);
    cr_assert_eq(bucket_take(&b, &thirds, 1, 334), 0);
}

Test(bucket, a_refusal_takes_nothing)
{
    struct bucket b;
    bucket_init(&b, &limit, 0);
    cr_assert_eq(bucket_take(&b, &limit, 15, 0), 0);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(bucket_take(&b, &limit, 6, 0), 100);
    cr_assert_eq(bucket_take(&b, &limit, 5, 0), 0);
}

Test(bucket, it_never_holds_more_than_the_burst)
{
    struct bucket b;
    bucket_init(&b, &limit, 0);
    cr_assert_eq(bucket_take(&b, &limit, 20, UINT64_C(1) << 60), 0);
    cr_assert_neq(bucket_take(&b, &limit, 1, UINT64_C(1) << 60), 0);
}

Test(bucket, small_steps_lose_nothing)
{
    static const struct bucket_limit slow = {.rate_per_s = 1, .burst = 3};
    struct bucket b;
    uint64_t taken = 0;
    bucket_init(&b, &slow, 0);
    for (uint64_t now = 0; now <= 100000; now++)
        taken += bucket_take(&b, &slow, 1, now) == 0;
    cr_assert_eq(taken, 103);
}

Test(bucket, no_rate_is_no_limit)
{
    static const struct bucket_limit none = {0};
    struct bucket b;
    bucket_init(&b, &none, 0);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(bucket_take(&b, &none, UINT64_MAX, 0), 0);
}

Test(bucket, more_than_the_burst_costs_the_whole_burst)
{
    struct bucket b;
    bucket_init(&b, &limit, 0);
    cr_assert_eq(bucket_take(&b, &limit, 21, 0), 0);
    cr_assert_eq(bucket_take(&b, &limit, UINT64_MAX, 0), 2000);
    cr_assert_eq(bucket_take(&b, &limit, UINT64_MAX, 2000), 0);
}

Test(bucket, time_that_goes_back_gives_nothing)
{
    struct bucket b;
    bucket_init(&b, &limit, 1000);
    cr_assert_eq(bucket_take(&b, &limit, 20, 1000), 0);
    cr_assert_eq(bucket_take(&b, &limit, 1, 500), 100);
    cr_assert_eq(bucket_take(&b, &limit, 1, 1100), 0);
}

Test(bucket, a_lowered_limit_holds_at_once)
{
    static const struct bucket_limit lower = {.rate_per_s = 10, .burst = 5};
    struct bucket b;
    bucket_init(&b, &limit, 0);
    cr_assert_eq(bucket_take(&b, &lower, 5, 0), 0);
    cr_assert_eq(bucket_take(&b, &lower, 1, 0), 100);
}
