#include "common/base/id.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define SECRET SLICE("0123456789abcdef0123456789abcdef")

Test(id, it_names_its_partition_and_parses_back)
{
    for (unsigned p = 0; p < ID_PARTITIONS_MAX; p++) {
        struct id id = id_random(p), back;
        cr_assert_eq(strlen(id.text), ID_CHARS);
        cr_assert_eq(id_partition(&id), p);
        cr_assert(id_parse(id_slice(&id), ID_PARTITIONS_MAX, &back));
        cr_assert(id_eq(&id, &back));
        cr_assert_not(id_parse(id_slice(&id), p, &back), "partition %u is not below %u", p, p);
    }
}

Test(id, random_ones_differ_in_every_place)
{
    bool varies[ID_RANDOM_CHARS] = {false};
    struct id first = id_random(3);
    for (int i = 0; i < 100; i++) {
        struct id id = id_random(3);
        cr_assert_not(id_eq(&id, &first));
        for (size_t k = 0; k < ID_RANDOM_CHARS; k++)
            varies[k] |= id.text[2 + k] != first.text[2 + k];
    }
    for (size_t k = 0; k < ID_RANDOM_CHARS; k++)
        cr_assert(varies[k], "place %zu", k);
}

Test(id, none_is_empty)
{
    struct id none = {0}, some = id_random(0);
    cr_assert(id_is_none(&none));
    cr_assert_not(id_is_none(&some));
    cr_assert_eq(id_slice(&none).n, 0);
}

Test(id, what_is_no_id_is_refused)
{
    static const char *const cases[] = {
        "",
        "17",
        "17AAAAAAAAAAAAAAAAAAAAA",   /* short */
        "17AAAAAAAAAAAAAAAAAAAAAAA", /* long */
        "64AAAAAAAAAAAAAAAAAAAAAA",  /* no such partition */
        "1aAAAAAAAAAAAAAAAAAAAAAA",
        "-1AAAAAAAAAAAAAAAAAAAAAA",
        "17AAAAAAAAAAAAAAAAAAAAA+",
        "17AAAAAAAAAAAAAAAAAAAAA/",
        "17AAAAAAAAAAAAAAAAAAAAA=",
        "17AAAAAAAA}AAAAAAAAAAAAA",
    };
    struct id id = id_random(5), before = id;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        cr_assert_not(id_parse(slice_of(cases[i]), 64, &id), "\"%s\"", cases[i]);
        cr_assert(id_eq(&id, &before), "\"%s\"", cases[i]);
    }
    cr_assert_not(id_parse(SLICE("17AAAAAAAA\0AAAAAAAAAAAAA"), 64, &id));
    cr_assert(id_parse(SLICE("63-_azAZ09AAAAAAAAAAAAAA"), 64, &id));
}

Test(id, a_derived_one_is_the_same_each_time)
{
    struct id a = id_derived(17, SECRET, 42), b = id_derived(17, SECRET, 42), parsed;
    cr_assert(id_eq(&a, &b));
    cr_assert(id_parse(id_slice(&a), 64, &parsed));
    /* printf 42 | openssl dgst -sha256 -hmac <secret> -binary | basenc --base64url | cut -c1-22 */
    cr_assert_str_eq(a.text, "17OxLQQS2xhcmP9Ygl7UyBz7");
}

Test(id, a_derived_one_depends_on_secret_and_number)
{
    struct id a = id_derived(17, SECRET, 42), b = id_derived(17, SECRET, 43), c = id_derived(17, SLICE("other"), 42);
    struct id d = id_derived(17, (struct slice){NULL, 0}, 42);
    cr_assert_not(id_eq(&a, &b));
    cr_assert_not(id_eq(&a, &c));
    cr_assert_not(id_eq(&c, &d));
}

Test(id, node_ids_are_twelve_characters_and_differ)
{
    struct node_id a = node_id_random(), b = node_id_random();
    cr_assert_eq(strlen(a.text), NODE_ID_CHARS);
    cr_assert_str_neq(a.text, b.text);
}
