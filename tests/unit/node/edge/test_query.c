#include <criterion/criterion.h>

#include "node/edge/edge.h"

Test(query, values_are_found_and_decoded)
{
    static const struct {
        const char *query, *name, *value; /* NULL: none */
    } cases[] = {
        {"user=alice", "user", "alice"},
        {"a=1&user=alice&b=2", "user", "alice"},
        {"user=al%69ce", "user", "alice"},
        {"user=a%26b%3Dc", "user", "a&b=c"},
        {"user=a+b", "user", "a b"},
        {"user=a%2Bb", "user", "a+b"},
        {"user=", "user", ""},
        {"user", "user", ""},
        {"user=first&user=second", "user", "first"},
        {"user=a=b", "user", "a=b"},
        {"", "user", NULL},
        {"users=x", "user", NULL},
        {"xuser=x", "user", NULL},
        {"user=%", "user", NULL},
        {"user=%4", "user", NULL},
        {"user=ab%zz", "user", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf out;
        buf_init(&out, 100);
        buf_put_cstr(&out, "before ");
        bool found = edge_query(slice_of(cases[i].query), cases[i].name, &out);
        cr_assert_eq(found, cases[i].value != NULL, "%s", cases[i].query);
        cr_assert_str_eq(buf_cstr(&out) + 7, found ? cases[i].value : "", "%s", cases[i].query);
        buf_finish(&out);
    }
}
