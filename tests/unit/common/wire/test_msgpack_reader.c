#include "common/wire/msgpack_reader.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/common/wire/tree.h"

#define TEN(x) x x x x x x x x x x
#define T(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static enum err read(struct slice bytes, struct wire_doc **ret_doc, char why[200])
{
    char *copy = malloc(bytes.n + 1); /* on the heap, and freed: a sanitizer sees a step too far, and a slice into it */
    memcpy(copy, bytes.p, bytes.n);
    why[0] = '\0';
    enum err err = wire_decode(WIRE_MSGPACK, slice_make(copy, bytes.n), ret_doc, (struct why){why, 200});
    free(copy);
    return err;
}

static const struct {
    struct slice bytes;
    const char *json; /* NULL: only that it is read */
} good[] = {
    {T("\x80"), "{}"},
    {T("\x81\xa1"
       "a\x00"),
     "{\"a\":0}"},
    {T("\x81\xa1"
       "a\x7f"),
     "{\"a\":127}"},
    {T("\x81\xa1"
       "a\xff"),
     "{\"a\":-1}"},
    {T("\x81\xa1"
       "a\xe0"),
     "{\"a\":-32}"},
    {T("\x81\xa1"
       "a\xcc\xff"),
     "{\"a\":255}"},
    {T("\x81\xa1"
       "a\xcd\xff\xfe"),
     "{\"a\":65534}"},
    {T("\x81\xa1"
       "a\xce\xff\xff\xff\xff"),
     "{\"a\":4294967295}"},
    {T("\x81\xa1"
       "a\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"),
     "{\"a\":9223372036854775807}"},
    {T("\x81\xa1"
       "a\xd0\x80"),
     "{\"a\":-128}"},
    {T("\x81\xa1"
       "a\xd1\x80\x00"),
     "{\"a\":-32768}"},
    {T("\x81\xa1"
       "a\xd2\x80\x00\x00\x00"),
     "{\"a\":-2147483648}"},
    {T("\x81\xa1"
       "a\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
     "{\"a\":-9223372036854775808}"},
    {T("\x81\xa1"
       "a\xca\x3f\x00\x00\x00"),
     "{\"a\":0.5}"},
    {T("\x81\xa1"
       "a\xcb\xbf\xf8\x00\x00\x00\x00\x00\x00"),
     "{\"a\":-1.5}"},
    {T("\x81\xa1"
       "a\xc0"),
     "{\"a\":null}"},
    {T("\x81\xa1"
       "a\xc2"),
     "{\"a\":false}"},
    {T("\x81\xa1"
       "a\xc3"),
     "{\"a\":true}"},
    {T("\x81\xa1"
       "a\xa0"),
     "{\"a\":\"\"}"},
    {T("\x81\xa0\xa1"
       "a"),
     "{\"\":\"a\"}"},
    {T("\x81\xd9\x01"
       "a\xd9\x02"
       "bc"),
     "{\"a\":\"bc\"}"},
    {T("\x81\xda\x00\x01"
       "a\xda\x00\x02"
       "bc"),
     "{\"a\":\"bc\"}"},
    {T("\x81\xdb\x00\x00\x00\x01"
       "a\xdb\x00\x00\x00\x02"
       "bc"),
     "{\"a\":\"bc\"}"},
    {T("\x81\xa1"
       "a\x92\x01\x02"),
     "{\"a\":[1,2]}"},
    {T("\x81\xa1"
       "a\xdc\x00\x02\x01\x02"),
     "{\"a\":[1,2]}"},
    {T("\x81\xa1"
       "a\xdd\x00\x00\x00\x02\x01\x02"),
     "{\"a\":[1,2]}"},
    {T("\xde\x00\x01\xa1"
       "a\x80"),
     "{\"a\":{}}"},
    {T("\xdf\x00\x00\x00\x01\xa1"
       "a\x90"),
     "{\"a\":[]}"},
    {T("\x82\xa1"
       "a\x01\xa1"
       "b\x81\xa1"
       "a\x02"),
     "{\"a\":1,\"b\":{\"a\":2}}"},
    {T("\x81\xa1"
       "a\xa6\xf0\x9f\x98\x80\xc3\xa9"),
     "{\"a\":\"\xf0\x9f\x98\x80\xc3\xa9\"}"},
    {T("\x81\xa1"
       "a" TEN("\x91") "\x91\x91\x91\x91\x90"),
     "{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}"}, /* 16 levels */
};

Test(msgpack_reader, every_encoding_is_read_and_means_what_json_means)
{
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct wire_doc *doc, *json;
        char why[200];
        cr_assert_eq(read(good[i].bytes, &doc, why), ERR_OK, "%s: %s", good[i].json, why);
        cr_assert_eq(wire_decode(WIRE_JSON, slice_of(good[i].json), &json, WHY_IN(why)), ERR_OK, "%s", why);
        cr_expect(tree_equal(wire_doc_root(doc), wire_doc_root(json)), "%s", good[i].json);
        const char *lost = tree_round_trip(wire_doc_root(doc));
        cr_expect_null(lost, "%s: %s", good[i].json, lost);
        wire_doc_destroy(doc);
        wire_doc_destroy(json);
    }
}

#define CUT "ends within a value"
#define LONG "longer than the frame"
#define UTF8 "not UTF-8"

static const struct {
    struct slice bytes;
    const char *says;
} hostile[] = {
    {T(""), "empty"},
    {T("\x90"), "one map"},
    {T("\x91\x80"), "one map"},
    {T("\x01"), "one map"},
    {T("\xa1"
       "a"),
     "one map"},
    {T("\xc0"), "one map"},
    {T("\xc3"), "one map"},
    {T("{}"), "one map"},
    {T("\x80\x00"), "something follows"},
    {T("\x80\x80"), "something follows"},
    {T("\x81\xa1"
       "a\x01\xc0"),
     "byte 4: something follows"},
    {T("\xc1"), "0xc1"},
    {T("\x81\xa1"
       "a\xc1"),
     "byte 3: the byte 0xc1"},
    {T("\x81\xc1\x01"), "0xc1"},
    /* sizes that the bytes cannot hold */
    {T("\x81"), LONG},
    {T("\x81\xa1"), LONG},
    {T("\x81\xa1"
       "a"),
     CUT},
    {T("\x82\xa1"
       "a\x01"),
     LONG},
    {T("\x82\xa1"
       "a\x01\xa1"
       "b"),
     CUT},
    {T("\x8f\xa1"
       "a\x01"),
     LONG},
    {T("\xde"), CUT},
    {T("\xde\x00"), CUT},
    {T("\xde\xff\xff"), LONG},
    {T("\xde\x00\x01"), LONG},
    {T("\xdf\x00\x00\x00"), CUT},
    {T("\xdf\xff\xff\xff\xff"), LONG},
    {T("\xdf\x7f\xff\xff\xff\xa1"
       "a\x01"),
     LONG},
    {T("\xdf\x80\x00\x00\x00\xa1"
       "a\x01"),
     LONG},
    {T("\x81\xa1"
       "a\xa5"
       "abcd"),
     LONG},
    {T("\x81\xa1"
       "a\xbf"
       "abcd"),
     LONG},
    {T("\x81\xa1"
       "a\xd9"),
     CUT},
    {T("\x81\xa1"
       "a\xd9\x05"
       "abcd"),
     LONG},
    {T("\x81\xa1"
       "a\xda\x00"),
     CUT},
    {T("\x81\xa1"
       "a\xda\xff\xff"
       "abcd"),
     LONG},
    {T("\x81\xa1"
       "a\xdb\x00\x00\x00"),
     CUT},
    {T("\x81\xa1"
       "a\xdb\xff\xff\xff\xff"
       "abcd"),
     LONG},
    {T("\x81\xa1"
       "a\xdb\x7f\xff\xff\xff"
       "abcd"),
     LONG},
    {T("\x81\xdb\xff\xff\xff\xff"
       "a\x01"),
     LONG},
    {T("\x81\xa1"
       "a\x92\x01"),
     LONG},
    {T("\x81\xa1"
       "a\xdc\x00"),
     CUT},
    {T("\x81\xa1"
       "a\xdc\xff\xff\x01"),
     LONG},
    {T("\x81\xa1"
       "a\xdd\x00\x00\x00"),
     CUT},
    {T("\x81\xa1"
       "a\xdd\xff\xff\xff\xff\x01"),
     LONG},
    {T("\x81\xa1"
       "a\xdd\x10\x00\x00\x00" TEN("\xdd\x10\x00\x00\x00")),
     LONG},
    {T("\x81\xa1"
       "a\xcc"),
     CUT},
    {T("\x81\xa1"
       "a\xcd\x00"),
     CUT},
    {T("\x81\xa1"
       "a\xce\x00\x00\x00"),
     CUT},
    {T("\x81\xa1"
       "a\xcf\x00\x00\x00\x00\x00\x00\x00"),
     CUT},
    {T("\x81\xa1"
       "a\xd0"),
     CUT},
    {T("\x81\xa1"
       "a\xd1\x00"),
     CUT},
    {T("\x81\xa1"
       "a\xd2\x00\x00\x00"),
     CUT},
    {T("\x81\xa1"
       "a\xd3\x00\x00\x00\x00\x00\x00\x00"),
     CUT},
    {T("\x81\xa1"
       "a\xca\x00\x00\x00"),
     CUT},
    {T("\x81\xa1"
       "a\xcb\x00\x00\x00\x00\x00\x00\x00"),
     CUT},
    /* values that JSON or this server does not know */
    {T("\x81\xa1"
       "a\xcf\x80\x00\x00\x00\x00\x00\x00\x00"),
     "2^63-1"},
    {T("\x81\xa1"
       "a\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
     "2^63-1"},
    {T("\x81\xa1"
       "a\xca\x7f\x80\x00\x00"),
     "finite"},
    {T("\x81\xa1"
       "a\xca\x7f\xc0\x00\x00"),
     "finite"},
    {T("\x81\xa1"
       "a\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"),
     "finite"},
    {T("\x81\xa1"
       "a\xcb\xff\xf0\x00\x00\x00\x00\x00\x00"),
     "finite"},
    {T("\x81\xa1"
       "a\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"),
     "finite"},
    {T("\x81\xa1"
       "a\xc4\x01"
       "b"),
     "bin"},
    {T("\x81\xa1"
       "a\xc5\x00\x01"
       "b"),
     "bin"},
    {T("\x81\xa1"
       "a\xc6\x00\x00\x00\x01"
       "b"),
     "bin"},
    {T("\x81\xc4\x01"
       "a\x01"),
     "bin"},
    {T("\x81\xa1"
       "a\xd4\x01\x00"),
     "ext"},
    {T("\x81\xa1"
       "a\xd5\x01\x00\x00"),
     "ext"},
    {T("\x81\xa1"
       "a\xd6\xff\x00\x00\x00\x00"),
     "ext"}, /* a timestamp */
    {T("\x81\xa1"
       "a\xd7\xff\x00\x00\x00\x00\x00\x00\x00\x00"),
     "ext"},
    {T("\x81\xa1"
       "a\xd8\x01" TEN("\x00") "\x00\x00\x00\x00\x00\x00"),
     "ext"},
    {T("\x81\xa1"
       "a\xc7\x01\x01\x00"),
     "ext"},
    {T("\x81\xa1"
       "a\xc8\x00\x01\x01\x00"),
     "ext"},
    {T("\x81\xa1"
       "a\xc9\x00\x00\x00\x01\x01\x00"),
     "ext"},
    /* keys */
    {T("\x81\x01\x01"), "key is not a string"},
    {T("\x81\xc0\x01"), "key is not a string"},
    {T("\x81\x80\x01"), "key is not a string"},
    {T("\x81\x90\x01"), "key is not a string"},
    {T("\x81\xca\x3f\x00\x00\x00\x01"), "key is not a string"},
    {T("\x82\xa1"
       "a\x01\xa1"
       "a\x01"),
     "byte 5: the key 'a' stands twice"},
    {T("\x82\xa1"
       "a\x01\xd9\x01"
       "a\x02"),
     "stands twice"},
    {T("\x82\xa0\x01\xa0\x02"), "stands twice"},
    {T("\x81\xa1"
       "x\x91\x82\xa1"
       "a\x01\xa1"
       "a\x01"),
     "stands twice"},
    /* strings */
    {T("\x81\xa1"
       "a\xa3"
       "b\0c"),
     "NUL"},
    {T("\x81\xa2"
       "a\0\x01"),
     "NUL"},
    {T("\x81\xa1"
       "a\xa1\x00"),
     "NUL"},
    {T("\x81\xa1"
       "a\xa1\x80"),
     UTF8},
    {T("\x81\xa1"
       "a\xa1\xff"),
     UTF8},
    {T("\x81\xa1"
       "a\xa1\xc3"),
     UTF8},
    {T("\x81\xa1"
       "a\xa2\xc0\xaf"),
     UTF8},
    {T("\x81\xa1"
       "a\xa3\xe0\x80\xaf"),
     UTF8},
    {T("\x81\xa1"
       "a\xa3\xed\xa0\x80"),
     UTF8},
    {T("\x81\xa1"
       "a\xa4\xf4\x90\x80\x80"),
     UTF8},
    {T("\x81\xa1\xff\x01"), UTF8},
    {T("\x81\xa2\xc3"
       "a\xc3\x01"),
     UTF8},
    /* depth */
    {T("\x81\xa1"
       "a" TEN("\x91") "\x91\x91\x91\x91\x91\x90"),
     "nested too deeply"},
    {T("\x81\xa1"
       "a" TEN("\x91") "\x91\x91\x91\x91\x91\x80"),
     "nested too deeply"},
    {T(TEN(TEN("\x81\xa1"
               "a")) "\x01"),
     "nested too deeply"},
    {T("\x81\xa1"
       "a" TEN(TEN(TEN("\x91"))) "\x01"),
     "nested too deeply"},
};

Test(msgpack_reader, what_is_not_allowed_is_refused_with_a_sentence)
{
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        struct wire_doc *doc = NULL;
        char why[200];
        cr_expect_eq(read(hostile[i].bytes, &doc, why), ERR_SYNTAX, "row %zu, %s", i, hostile[i].says);
        cr_expect_null(doc);
        cr_expect(is_sentence(why), "row %zu: %s", i, why);
        cr_expect_not_null(strstr(why, hostile[i].says), "row %zu: '%s' does not say %s", i, why, hostile[i].says);
    }
}

Test(msgpack_reader, every_cut_of_a_frame_is_refused)
{
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        for (size_t n = 0; n < good[i].bytes.n; n++) {
            struct wire_doc *doc = NULL;
            char why[200];
            cr_expect_eq(read(slice_make(good[i].bytes.p, n), &doc, why), ERR_SYNTAX, "%s, %zu bytes", good[i].json, n);
        }
    }
}

static void put_keys(struct buf *b, size_t n, bool last_twice)
{
    char key[32];
    buf_clear(b);
    wire_put_map(b, n + last_twice);
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "k%zu", i);
        wire_put_key_int(b, key, 0);
    }
    if (last_twice)
        wire_put_key_int(b, key, 0);
}

Test(msgpack_reader, a_map_has_at_most_1024_keys)
{
    struct wire_doc *doc;
    struct buf b;
    char why[200];
    buf_init(&b, 1 << 20);
    put_keys(&b, WIRE_MAP_MAX, false);
    cr_assert_eq(read(buf_slice(&b), &doc, why), ERR_OK, "%s", why);
    wire_doc_destroy(doc);
    put_keys(&b, WIRE_MAP_MAX + 1, false);
    cr_expect_eq(read(buf_slice(&b), &doc, why), ERR_SYNTAX);
    cr_expect_not_null(strstr(why, "too many keys"));
    buf_finish(&b);
}

Test(msgpack_reader, a_key_that_stands_twice_is_found_in_maps_of_any_size)
{
    struct wire_doc *doc;
    struct buf b;
    char why[200];
    buf_init(&b, 1 << 20);
    for (size_t n = 1; n < WIRE_MAP_MAX; n = n < 20 ? n + 1 : n * 2) {
        put_keys(&b, n, false);
        cr_assert_eq(read(buf_slice(&b), &doc, why), ERR_OK, "%zu: %s", n, why);
        wire_doc_destroy(doc);
        put_keys(&b, n, true);
        cr_expect_eq(read(buf_slice(&b), &doc, why), ERR_SYNTAX, "%zu", n);
    }
    buf_finish(&b);
}

Test(msgpack_reader, a_long_key_is_quoted_in_part)
{
    struct wire_doc *doc;
    struct buf b;
    char why[400], key[200];
    memset(key, 'x', sizeof(key));
    buf_init(&b, 1 << 20);
    wire_put_map(&b, 2);
    for (int i = 0; i < 2; i++) {
        wire_put_string(&b, slice_make(key, sizeof(key)));
        wire_put_null(&b);
    }
    cr_expect_eq(wire_decode(WIRE_MSGPACK, buf_slice(&b), &doc, WHY_IN(why)), ERR_SYNTAX);
    cr_expect_lt(strlen(why), 100);
    buf_finish(&b);
}
