#include <criterion/criterion.h>

#include "node/redis/redis_clock.h"

/* What a node knows of Redis's time: never too early, and no later than its best question took. */

Test(redis_clock, nothing_is_known_before_the_first_answer)
{
    const struct redis_clock clock = {0};
    cr_expect_eq(redis_clock_at(&clock, 5000), 0);
}

Test(redis_clock, it_is_never_too_early)
{
    struct redis_clock clock = {0};
    redis_clock_heard(&clock, 100000, 1000, 1300);
    cr_expect_eq(redis_clock_at(&clock, 1000), 100000, "it was so late at the latest when the question went out");
    cr_expect_eq(redis_clock_at(&clock, 1500), 100500);
}

Test(redis_clock, a_quicker_answer_makes_it_better_and_a_slower_one_changes_nothing)
{
    struct redis_clock clock = {0};
    redis_clock_heard(&clock, 100000, 1000, 1300);
    redis_clock_heard(&clock, 102000, 3100, 3110);
    cr_expect_eq(redis_clock_at(&clock, 3100), 102000);
    redis_clock_heard(&clock, 110000, 5000, 20000);
    cr_expect_eq(redis_clock_at(&clock, 3100), 102000);
}

Test(redis_clock, it_follows_a_clock_that_was_set)
{
    struct redis_clock clock = {0};
    redis_clock_heard(&clock, 100000, 1000, 1010);
    redis_clock_heard(&clock, 3700000, 2000, 2010);
    cr_expect_eq(redis_clock_at(&clock, 2010), 3700000, "an hour ahead");
    redis_clock_heard(&clock, 5000, 3000, 3010);
    cr_expect_eq(redis_clock_at(&clock, 3000), 5000, "back again");
}
