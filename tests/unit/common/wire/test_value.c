#include "common/wire/value.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct wire_doc *doc;

static void set_up(void)
{
    cr_assert_eq(wire_decode(WIRE_JSON,
                             SLICE("{\"i\":5,\"s\":\"x\",\"b\":true,\"d\":1.5,\"m\":{\"k\":1},\"a\":[1],\"n\":null}"),
                             &doc, WHY_NONE),
                 ERR_OK);
}

static void tear_down(void)
{
    wire_doc_destroy(doc);
}

TestSuite(value, .init = set_up, .fini = tear_down);

Test(value, get_finds_by_the_whole_key)
{
    const struct wire_value *root = wire_doc_root(doc);
    cr_expect_eq(wire_get(root, "i")->integer, 5);
    cr_expect_null(wire_get(root, ""));
    cr_expect_null(wire_get(root, "ii"));
    cr_expect_null(wire_get(root, "I"));
    cr_expect_eq(wire_get_int(wire_get(root, "m"), "k", 0), 1);
}

Test(value, get_on_anything_but_a_map_is_null)
{
    const struct wire_value *root = wire_doc_root(doc);
    cr_expect_null(wire_get(NULL, "k"));
    cr_expect_null(wire_get(wire_get(root, "a"), "k"));
    cr_expect_null(wire_get(wire_get(root, "s"), "k"));
}

Test(value, another_kind_counts_as_absent)
{
    const struct wire_value *root = wire_doc_root(doc);
    cr_expect_eq(wire_get_int(root, "i", 9), 5);
    cr_expect_eq(wire_get_int(root, "d", 9), 9);
    cr_expect_eq(wire_get_int(root, "s", 9), 9);
    cr_expect_eq(wire_get_int(root, "none", 9), 9);
    cr_expect(wire_get_bool(root, "b", false));
    cr_expect(wire_get_bool(root, "i", true));
    cr_expect_not(wire_get_bool(root, "n", false));
    cr_expect(slice_is(wire_get_string(root, "s"), "x"));
    cr_expect_null(wire_get_string(root, "i").p);
    cr_expect_null(wire_get_string(root, "none").p);
}

Test(value, the_document_outlives_the_bytes)
{
    static const char *const frames[] = {"{\"k\":\"value\"}", "\x81\xa1k\xa5value"};
    for (int format = WIRE_JSON; format <= WIRE_MSGPACK; format++) {
        struct wire_doc *own;
        size_t n = strlen(frames[format]);
        char *bytes = malloc(n);
        memcpy(bytes, frames[format], n);
        cr_assert_eq(wire_decode((enum wire_format)format, slice_make(bytes, n), &own, WHY_NONE), ERR_OK);
        memset(bytes, 'x', n);
        free(bytes);
        cr_expect(slice_is(wire_get_string(wire_doc_root(own), "k"), "value"));
        wire_doc_destroy(own);
    }
}

Test(value, nothing_to_destroy_is_fine)
{
    wire_doc_destroy(NULL);
}

Test(value, kinds_have_names_for_sentences)
{
    for (int kind = WIRE_NULL; kind <= WIRE_MAP; kind++)
        cr_expect_gt(strlen(wire_kind_name((enum wire_kind)kind)), 3);
    cr_expect_str_eq(wire_kind_name(WIRE_STRING), "a string");
    cr_expect_str_eq(wire_kind_name(WIRE_INT), "an integer");
}
