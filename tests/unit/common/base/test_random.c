#include "common/base/random.h"

#include <criterion/criterion.h>
#include <string.h>

Test(random, bytes_differ_each_time)
{
    unsigned char a[32] = {0}, b[32] = {0}, zero[32] = {0};
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    cr_assert_neq(memcmp(a, b, sizeof a), 0);
    cr_assert_neq(memcmp(a, zero, sizeof a), 0);
    random_bytes(a, 0);
}

Test(random, below_stays_below)
{
    cr_assert_eq(random_below(0), 0);
    cr_assert_eq(random_below(1), 0);
    for (int i = 0; i < 1000; i++)
        cr_assert_lt(random_below(UINT64_C(1) << 63 | 1), UINT64_C(1) << 63 | 1);
}

Test(random, below_is_even)
{
    unsigned seen[10] = {0};
    for (int i = 0; i < 100000; i++)
        seen[random_below(10)]++;
    for (int i = 0; i < 10; i++)
        cr_assert(seen[i] > 9400 && seen[i] < 10600, "%d came %u times; six sigmas are 570", i, seen[i]);
}
