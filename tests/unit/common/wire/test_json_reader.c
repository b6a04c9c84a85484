#include "common/wire/json_reader.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

#include "tests/unit/common/wire/tree.h"

#define TEN(x) x x x x x x x x x x
#define T(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static enum err read(struct slice text, struct wire_doc **ret_doc, char why[200])
{
    why[0] = '\0';
    return wire_decode(WIRE_JSON, text, ret_doc, (struct why){why, 200});
}

Test(json_reader, what_is_well_formed_is_read)
{
    static const struct slice good[] = {
        T("{}"),
        T(" \t\r\n{ } \n"),
        T("{\"\":1}"),
        T("{\"a\":[]}"),
        T("{\"a\":{}}"),
        T("{\"a\":[[],[{}],{}]}"),
        T("{\"a\":0,\"b\":-0,\"c\":9223372036854775807,\"d\":-9223372036854775808}"),
        T("{\"a\":0.5,\"b\":1e3,\"c\":-1E-3,\"d\":1.7976931348623157e308,\"e\":-0.0}"),
        T("{\"a\":true,\"b\":false,\"c\":null}"),
        T("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u001f\"}"),
        T("{\"a\":\"\\ud83d\\ude00\"}"),
        T("{\"a\":\"\xf0\x9f\x98\x80\xc3\xa9\xe2\x80\xa8\"}"),
        T("{\"a\":\"]}],{[\",\"b\":\"\\\\\",\"c\":\"\\\\\\\"]\"}"),
        T("{\"a\":1,\"A\":2,\"a \":3}"),
        T("{\"a\":[1,2.5,\"x\",null,true,{\"a\":[{\"a\":1}]}]}"),
        T("{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}"), /* 16 levels */
    };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct wire_doc *doc;
        char why[200];
        cr_assert_eq(read(good[i], &doc, why), ERR_OK, "%s: %s", good[i].p, why);
        const char *lost = tree_round_trip(wire_doc_root(doc));
        cr_expect_null(lost, "%s: %s", good[i].p, lost);
        cr_expect(tree_is_janssons(wire_doc_root(doc), good[i]), "%s", good[i].p);
        wire_doc_destroy(doc);
    }
}

Test(json_reader, escapes_and_numbers_mean_what_they_say)
{
    struct wire_doc *doc;
    char why[200];
    struct slice text =
        SLICE("{\"s\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude00\",\"i\":-9223372036854775808,\"d\":1e3,"
              "\"t\":true,\"f\":false,\"n\":null,\"a\":[1,\"x\"]}");

    cr_assert_eq(read(text, &doc, why), ERR_OK, "%s", why);
    const struct wire_value *root = wire_doc_root(doc);
    cr_expect(slice_is(wire_get_string(root, "s"), "\"\\/\b\f\n\r\tA\xf0\x9f\x98\x80"));
    cr_expect_eq(wire_get_int(root, "i", 0), INT64_MIN);
    cr_expect_eq(wire_get(root, "d")->kind, WIRE_DOUBLE);
    cr_expect_eq(wire_get(root, "d")->number, 1000.0);
    cr_expect(wire_get_bool(root, "t", false));
    cr_expect_not(wire_get_bool(root, "f", true));
    cr_expect_null(wire_get(root, "n")); /* null says what absence says */
    cr_expect_eq(wire_find(root, "n")->kind, WIRE_NULL);
    cr_expect_eq(wire_get(root, "a")->array.n, 2);
    cr_expect_eq(wire_get(root, "a")->array.items[0].integer, 1);
    wire_doc_destroy(doc);
}

static const struct {
    struct slice text;
    const char *says; /* part of the sentence */
} hostile[] = {
    {T(""), "one JSON object"},
    {T(" "), "one JSON object"},
    {T("\n\t"), "one JSON object"},
    {T("[]"), "one JSON object"},
    {T("[{}]"), "one JSON object"},
    {T("1"), "one JSON object"},
    {T("\"a\""), "one JSON object"},
    {T("null"), "one JSON object"},
    {T("true"), "one JSON object"},
    {T("\0{}"), "one JSON object"},
    {T("\xef\xbb\xbf{}"), "one JSON object"}, /* a byte order mark, RFC 8259 section 8.1 */
    {T("// hi\n{}"), "one JSON object"},
    {T("\v{}"), "one JSON object"},
    {T("{"), "line 1"},
    {T("{]"), "line 1"},
    {T("{\"a\":[}"), "line 1"},
    {T("{\"a\":[1}"), "line 1"},
    {T("{\"a\":1]"), "line 1"},
    {T("{}}"), "end of file expected"},
    {T("{}{}"), "end of file expected"},
    {T("{} x"), "end of file expected"},
    {T("{},"), "end of file expected"},
    {T("{}\0"), "line 1"},
    {T("{}]"), "end of file expected"},
    {T("{,}"), "line 1"},
    {T("{\"a\":1,}"), "line 1"},
    {T("{\"a\":[1,]}"), "line 1"},
    {T("{\"a\":[,1]}"), "line 1"},
    {T("{\"a\":[1,,2]}"), "line 1"},
    {T("{\"a\"}"), "':' expected"},
    {T("{\"a\" 1}"), "':' expected"},
    {T("{\"a\"::1}"), "line 1"},
    {T("{\"a\":}"), "line 1"},
    {T("{\"a\":1 \"b\":2}"), "'}' expected"},
    {T("{a:1}"), "line 1"},
    {T("{'a':1}"), "line 1"},
    {T("{1:1}"), "line 1"},
    {T("{null:1}"), "line 1"},
    {T("{\"a\":'x'}"), "line 1"},
    {T("{\"a\":True}"), "line 1"},
    {T("{\"a\":nul}"), "line 1"},
    {T("{\"a\":nullx}"), "line 1"},
    {T("{\"a\":undefined}"), "line 1"},
    {T("{\"a\":NaN}"), "line 1"},
    {T("{\"a\":Infinity}"), "line 1"},
    {T("{\"a\":-Infinity}"), "line 1"},
    {T("{\"a\":01}"), "line 1"},
    {T("{\"a\":+1}"), "line 1"},
    {T("{\"a\":-}"), "line 1"},
    {T("{\"a\":1.}"), "line 1"},
    {T("{\"a\":.5}"), "line 1"},
    {T("{\"a\":1e}"), "line 1"},
    {T("{\"a\":1e+}"), "line 1"},
    {T("{\"a\":0x10}"), "line 1"},
    {T("{\"a\":1_000}"), "line 1"},
    {T("{\"a\":9223372036854775808}"), "too big integer"},
    {T("{\"a\":-9223372036854775809}"), "too big negative integer"},
    {T("{\"a\":" TEN(TEN("9")) "}"), "too big integer"},
    {T("{\"a\":1e309}"), "overflow"},
    {T("{\"a\":-1e999999}"), "overflow"},
    {T("{\"a\":1,\"a\":1}"), "duplicate object key"},
    {T("{\"a\":1,\"b\":2,\"\\u0061\":3}"), "duplicate object key"},
    {T("{\"x\":[{\"a\":1,\"a\":null}]}"), "duplicate object key"},
    {T("{\"\":1,\"\":1}"), "duplicate object key"},
    {T("{\"a\":\""), "line 1"},
    {T("{\"a\":\"\\\"}"), "line 1"},
    {T("{\"a\":\"\\\\\\\"}"), "line 1"},
    {T("{\"a\":\"\\x41\"}"), "invalid escape"},
    {T("{\"a\":\"\\'\"}"), "invalid escape"},
    {T("{\"a\":\"\\u12\"}"), "invalid escape"},
    {T("{\"a\":\"\\u12g4\"}"), "invalid escape"},
    {T("{\"a\":\"\\ud800\"}"), "line 1"},
    {T("{\"a\":\"\\udc00\"}"), "line 1"},
    {T("{\"a\":\"\\ud800\\ud800\"}"), "line 1"},
    {T("{\"a\":\"\\ude00\\ud83d\"}"), "line 1"},
    {T("{\"a\":\"\\u0000\"}"), "\\u0000 is not allowed"},
    {T("{\"a\\u0000b\":1}"), "line 1"},
    {T("{\"a\":\"\0\"}"), "line 1"},
    {T("{\"a\":\"\n\"}"), "line 1"},
    {T("{\"a\":\"\t\"}"), "line 1"},
    {T("{\"a\":\"\x1f\"}"), "line 1"},
    {T("{\"a\":\"\x80\"}"), "unable to decode"},
    {T("{\"a\":\"\xc0\xaf\"}"), "unable to decode"},
    {T("{\"a\":\"\xe0\x80\xaf\"}"), "unable to decode"},
    {T("{\"a\":\"\xed\xa0\x80\"}"), "unable to decode"},
    {T("{\"a\":\"\xf4\x90\x80\x80\"}"), "unable to decode"},
    {T("{\"a\":\"\xff\"}"), "unable to decode"},
    {T("{\"a\":\"\xc3\"}"), "unable to decode"},
    {T("{\"\xff\":1}"), "unable to decode"},
    {T("{\"a\":\xc3\xa9}"), "line 1"},
    {T("{\"a\":1/**/}"), "line 1"},
    {T("{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}"), "byte 21: nested too deeply"},
    {T("{\"a\":[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]}"), "byte 21: nested too deeply"},
    {T("{\"a\":" TEN(TEN(TEN("["))) "}"), "nested too deeply"},
    {T(TEN(TEN("{\"a\":"))), "nested too deeply"},
};

Test(json_reader, what_is_not_is_refused_with_a_sentence)
{
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        struct wire_doc *doc = NULL;
        char why[200];
        cr_expect_eq(read(hostile[i].text, &doc, why), ERR_SYNTAX, "%zu: %s", i, hostile[i].text.p);
        cr_expect_null(doc);
        cr_expect(is_sentence(why), "%zu: %s", i, why);
        cr_expect_not_null(strstr(why, hostile[i].says), "%zu: %s says '%s'", i, hostile[i].text.p, why);
    }
}

Test(json_reader, every_cut_of_a_frame_is_refused)
{
    struct slice text = SLICE("{\"type\":\"signal\",\"a\":[1,-2.5e3,{\"b\":\"\\u00e9\\n\"}],\"c\":true,\"d\":null}");
    for (size_t n = 0; n < text.n; n++) {
        struct wire_doc *doc = NULL;
        char why[200], *copy = malloc(n + 1); /* of that size, so that a sanitizer sees a step too far */
        memcpy(copy, text.p, n);
        cr_expect_eq(read(slice_make(copy, n), &doc, why), ERR_SYNTAX, "%zu bytes", n);
        free(copy);
    }
}

Test(json_reader, a_sentence_never_quotes_much)
{
    struct wire_doc *doc;
    char why[200], text[4096];
    int n = snprintf(text, sizeof(text), "{\"sdp\":\"%0*d\" oops}", 3000, 7);
    cr_expect_eq(read(slice_make(text, (size_t)n), &doc, why), ERR_SYNTAX);
    cr_expect_lt(strlen(why), 100, "%s", why);
    n = snprintf(text, sizeof(text), "{\"sdp\":x%0*d}", 3000, 7);
    cr_expect_eq(read(slice_make(text, (size_t)n), &doc, why), ERR_SYNTAX);
    cr_expect_lt(strlen(why), 100, "%s", why);
}

Test(json_reader, why_may_be_small_or_absent)
{
    struct wire_doc *doc;
    char why[4] = "abc";
    cr_expect_eq(wire_decode(WIRE_JSON, SLICE("[]"), &doc, WHY_NONE), ERR_SYNTAX);
    cr_expect_eq(wire_decode(WIRE_JSON, SLICE("{\"\xff\"}"), &doc, WHY_IN(why)), ERR_SYNTAX);
    cr_expect_str_eq(why, "lin");
}

static void put_keys(struct buf *text, size_t n)
{
    buf_clear(text);
    buf_put_char(text, '{');
    for (size_t i = 0; i < n; i++)
        buf_putf(text, "%s\"k%zu\":[0,0]", i ? "," : "", i);
    buf_put_char(text, '}');
}

Test(json_reader, a_map_has_at_most_1024_keys)
{
    struct wire_doc *doc;
    struct buf text;
    char why[200];
    buf_init(&text, 1 << 20);
    put_keys(&text, WIRE_MAP_MAX);
    cr_assert_eq(read(buf_slice(&text), &doc, why), ERR_OK, "%s", why);
    cr_expect_eq(wire_doc_root(doc)->map.n, WIRE_MAP_MAX);
    wire_doc_destroy(doc);
    put_keys(&text, WIRE_MAP_MAX + 1);
    cr_expect_eq(read(buf_slice(&text), &doc, why), ERR_SYNTAX);
    cr_expect_not_null(strstr(why, "too many keys"));
    buf_finish(&text);
}

/* json_set_alloc_funcs() takes no context. */
static size_t allocations_left;

static void *failing_malloc(size_t n)
{
    return allocations_left == 0 ? NULL : (allocations_left--, malloc(n));
}

Test(json_reader, an_allocation_that_fails_is_survived)
{
    struct slice text =
        SLICE("{\"type\":\"signal\",\"a\":[1,2.5,{\"bbbbbbbbbbbbbbbbbbbbbbb\":\"c\",\"d\":[]}],\"e\":null}");
    struct wire_doc *doc = NULL;
    char why[200];
    size_t n = 0;

    json_object_seed(1);
    for (;; n++) {
        allocations_left = n;
        json_set_alloc_funcs(failing_malloc, free);
        enum err err = read(text, &doc, why);
        if (err == ERR_OK)
            break;
        cr_expect(err == ERR_NO_MEMORY || err == ERR_SYNTAX);
        cr_expect(is_sentence(why));
        cr_assert_lt(n, 1000);
    }
    cr_expect_gt(n, 10);
    wire_doc_destroy(doc);
    json_set_alloc_funcs(malloc, free);
}
