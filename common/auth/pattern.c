#include "common/auth/pattern.h"

/*
 * When a later part does not fit, only the last star can help by taking more: what an earlier one took was the least it could. So one place to go back to is
 * enough.
 */
bool pattern_matches(struct slice pattern, struct slice user)
{
    size_t p = 0, u = 0;
    size_t after_star = 0, taken = 0; /* where to go on behind the last star, and up to where it reaches */
    bool starred = false;
    while (u < user.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            starred = true;
            after_star = ++p;
            taken = u;
        } else if (p < pattern.n && pattern.p[p] == user.p[u]) {
            p++;
            u++;
        } else if (starred) {
            p = after_star;
            u = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}
