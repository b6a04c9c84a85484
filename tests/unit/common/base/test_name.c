#include "common/base/name.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(name, the_partition_of_a_user_is_the_same_for_ever)
{
    /* Computed apart from this code: FNV-1a 64, upper half folded onto the lower by xor, modulo. */
    static const struct {
        const char *user;
        unsigned of_64, of_100;
    } cases[] = {{"alice", 60, 56}, {"bob", 13, 81}, {"", 1, 45}, {"user@example.org", 1, 49}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        cr_assert_eq(partition_of_user(slice_of(cases[i].user), 64), cases[i].of_64, "%s", cases[i].user);
        cr_assert_eq(partition_of_user(slice_of(cases[i].user), 100), cases[i].of_100, "%s", cases[i].user);
    }
}

Test(name, users_spread_over_the_partitions)
{
    unsigned seen[64] = {0};
    for (int i = 0; i < 64000; i++) {
        char user[32];
        int n = snprintf(user, sizeof user, "user-%d", i);
        seen[partition_of_user(slice_make(user, (size_t)n), 64)]++;
    }
    for (int i = 0; i < 64; i++)
        cr_assert(seen[i] > 800 && seen[i] < 1200, "partition %d has %u of 64000", i, seen[i]);
}

Test(name, is_1_to_64_of_the_alphabet)
{
    static const char sixty_four[] = "0123456789012345678901234567890123456789012345678901234567890123";
    cr_assert(name_is_valid(SLICE("alice")));
    cr_assert(name_is_valid(SLICE("A.z_0@x:y+-")));
    cr_assert(name_is_valid(SLICE("a")));
    cr_assert(name_is_valid(slice_of(sixty_four)));
    cr_assert_not(name_is_valid(SLICE("0123456789012345678901234567890123456789012345678901234567890123x")));
    static const char *const bad[] = {"", "a b", "a/b", "{a}", "a\n", "\xc3\xbc", "a,b", "a*", "a`", "a[", "a;"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        cr_assert_not(name_is_valid(slice_of(bad[i])), "\"%s\"", bad[i]);
    cr_assert_not(name_is_valid(SLICE("a\0b")));
}
