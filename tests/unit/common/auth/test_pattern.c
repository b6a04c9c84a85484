#include <criterion/criterion.h>

#include "common/auth/pattern.h"

static const struct {
    const char *pattern, *user;
    bool matches;
} cases[] = {
    {"", "", true},
    {"", "a", false},
    {"a", "", false},
    {"a", "a", true},
    {"a", "A", false},
    {"a", "ab", false},
    {"ab", "a", false},
    {"*", "", true},
    {"*", "alice", true},
    {"**", "", true},
    {"***", "alice", true},
    {"a*", "a", true},
    {"a*", "alice", true},
    {"a*", "balice", false},
    {"*e", "alice", true},
    {"*e", "alices", false},
    {"a*e", "alice", true},
    {"a*e", "ae", true},
    {"a*e", "a", false},
    {"a*a", "a", false},
    {"*li*", "alice", true},
    {"*xi*", "alice", false},
    {"a*b*c", "abc", true},
    {"a*b*c", "axxbyyc", true},
    {"a*b*c", "acb", false},
    {"*ab", "aab", true},
    {"*aab", "aaaab", true},
    {"*@example.org", "bob@example.org", true},
    {"*@example.org", "bob@example.org.evil", false},
    {"team-*", "team-", true},
    {"a?c", "abc", false},
    {"[a]", "a", false},
    {".*", "a", false},
    {"a*b", "a*b", true},
};

Test(pattern, a_star_is_any_run_of_characters_and_nothing_else_is_special)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        cr_expect_eq(pattern_matches(slice_of(cases[i].pattern), slice_of(cases[i].user)), cases[i].matches,
                     "`%s` on `%s`", cases[i].pattern, cases[i].user);
}

Test(pattern, many_stars_take_no_time, .timeout = 60)
{
    char pattern[8192], user[8192];
    for (size_t i = 0; i < sizeof pattern; i += 2) {
        pattern[i] = '*';
        pattern[i + 1] = 'a';
    }
    memset(user, 'a', sizeof user);
    pattern[sizeof pattern - 1] = 'b';
    cr_expect_not(pattern_matches(slice_make(pattern, sizeof pattern), slice_make(user, sizeof user)));
    pattern[sizeof pattern - 1] = 'a';
    cr_expect(pattern_matches(slice_make(pattern, sizeof pattern), slice_make(user, sizeof user)));
}
