#include "common/wire/writer.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/common/wire/tree.h"

#define T(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static struct buf body, out;

static void set_up(void)
{
    buf_init(&body, 1 << 24);
    buf_init(&out, 1 << 24);
}

static void tear_down(void)
{
    buf_finish(&body);
    buf_finish(&out);
}

TestSuite(writer, .init = set_up, .fini = tear_down);

static void expect_json(uint64_t seq, const char *json)
{
    buf_clear(&out);
    cr_expect_eq(wire_frame(WIRE_JSON, buf_slice(&body), seq, &out), ERR_OK, "%s", json);
    cr_expect(slice_is(buf_slice(&out), json), "%.*s is not %s", SLICE_FMT(buf_slice(&out)), json);
}

Test(writer, each_put_writes_its_value)
{
    struct wire_value half = {.kind = WIRE_DOUBLE, .number = 0.5};
    struct slice raw = SLICE("\x92\x01\x02");
    wire_put_map(&body, 9);
    wire_put_key_cstr(&body, "cstr", "x");
    wire_put_key_string(&body, "string", SLICE("y\n"));
    wire_put_key_int(&body, "int", -5);
    wire_put_key_bool(&body, "yes", true);
    wire_put_key_bool(&body, "no", false);
    wire_put_key_value(&body, "value", &half);
    wire_put_key_raw(&body, "raw", raw);
    wire_put_cstr(&body, "null");
    wire_put_null(&body);
    wire_put_cstr(&body, "array");
    wire_put_array(&body, 2);
    wire_put_int(&body, 1);
    wire_put_raw(&body, raw);
    expect_json(0,
                "{\"cstr\":\"x\",\"string\":\"y\\n\",\"int\":-5,\"yes\":true,\"no\":false,\"value\":0.5,\"raw\":[1,2],"
                "\"null\":null,\"array\":[1,[1,2]]}");
}

Test(writer, integers_are_exact)
{
    static const struct {
        int64_t n;
        const char *json;
    } cases[] = {
        {0, "{\"n\":0}"},
        {-1, "{\"n\":-1}"},
        {-33, "{\"n\":-33}"},
        {128, "{\"n\":128}"},
        {65536, "{\"n\":65536}"},
        {4294967296, "{\"n\":4294967296}"},
        {9007199254740993, "{\"n\":9007199254740993}"}, /* no double holds it */
        {INT64_MAX, "{\"n\":9223372036854775807}"},
        {INT64_MIN, "{\"n\":-9223372036854775808}"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        buf_clear(&body);
        wire_put_map(&body, 1);
        wire_put_key_int(&body, "n", cases[i].n);
        expect_json(0, cases[i].json);
    }
}

Test(writer, doubles_stay_doubles_and_come_back_exactly)
{
    static const double numbers[] = {0.0, -0.0, 1.0, -5.0, 0.1, 1e15, 1e17, 1e300, 5e-324, 1.7976931348623157e308};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct wire_value number = {.kind = WIRE_DOUBLE, .number = numbers[i]};
        struct wire_pair pair = {.key = SLICE("n"), .value = number};
        struct wire_value map = {.kind = WIRE_MAP, .map = {&pair, 1}};
        const char *lost = tree_round_trip(&map);
        cr_expect_null(lost, "%g: %s", numbers[i], lost);
    }
}

Test(writer, each_character_is_escaped_as_it_must_be)
{
    for (int c = 1; c < 0x80; c++) {
        char expected[32], as_text[8];
        static const char *const letters[] = {"\\b", "\\t", "\\n", NULL, "\\f", "\\r"};
        if (c >= 8 && c <= 13 && letters[c - 8])
            snprintf(as_text, sizeof(as_text), "%s", letters[c - 8]);
        else if (c < 0x20)
            snprintf(as_text, sizeof(as_text), "\\u%04x", c);
        else
            snprintf(as_text, sizeof(as_text), "%s%c", c == '"' || c == '\\' ? "\\" : "", c);
        snprintf(expected, sizeof(expected), "{\"s\":\"a%sb\"}", as_text);
        buf_clear(&body);
        wire_put_map(&body, 1);
        wire_put_key_string(&body, "s", slice_make((char[]){'a', (char)c, 'b'}, 3));
        expect_json(0, expected);
    }
}

/* Blocks and words are looked at as a whole: an escape at each place of a long string has to be seen. */
Test(writer, an_escape_is_seen_wherever_it_stands)
{
    static const char odd[] = {'\n', '"', '\\', 0x01, 0x1f, '\v'};
    for (size_t n = 1; n < 110; n++) {
        for (size_t at = 0; at < n; at++) {
            char text[128];
            memset(text, n % 3 ? 'x' : '!', n);
            text[at] = odd[(n + at) % sizeof(odd)];
            if (at > 0 && n % 2)
                text[at - 1] = '\r';
            struct wire_pair pair = {.key = slice_make(text, n)};
            pair.value = (struct wire_value){.kind = WIRE_STRING, .string = slice_make(text, n)};
            struct wire_value map = {.kind = WIRE_MAP, .map = {&pair, 1}};
            const char *lost = tree_round_trip(&map);
            cr_assert_null(lost, "%zu of %zu: %s", at, n, lost);
        }
    }
}

Test(writer, many_control_characters_in_a_row_are_all_counted)
{
    char text[1000];
    memset(text, 0x1f, sizeof(text));
    struct wire_pair pair = {.key = SLICE("s")};
    pair.value = (struct wire_value){.kind = WIRE_STRING, .string = slice_make(text, sizeof(text))};
    struct wire_value map = {.kind = WIRE_MAP, .map = {&pair, 1}};
    cr_expect_null(tree_round_trip(&map));
    memset(text, '"', sizeof(text));
    cr_expect_null(tree_round_trip(&map));
}

Test(writer, other_scripts_pass_as_they_are)
{
    wire_put_map(&body, 1);
    wire_put_key_cstr(&body, "s", "\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\x7f");
    expect_json(0, "{\"s\":\"\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\x7f\"}");
}

Test(writer, seq_is_the_last_pair)
{
    wire_put_map(&body, 0);
    expect_json(0, "{}");
    expect_json(41, "{\"seq\":41}");
    buf_clear(&body);
    wire_put_map(&body, 1);
    wire_put_key_int(&body, "a", 1);
    expect_json(41, "{\"a\":1,\"seq\":41}");
    expect_json(UINT64_MAX, "{\"a\":1,\"seq\":18446744073709551615}");
}

/* The head grows by a byte from 15 to 16 pairs, and from 65535 on. */
Test(writer, msgpack_frames_get_their_head_anew)
{
    static const size_t sizes[] = {0, 1, 14, 15, 16, 17, 300, 1023};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct wire_doc *doc;
        char key[32], why[200];
        buf_clear(&body);
        buf_clear(&out);
        wire_put_map(&body, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++) {
            snprintf(key, sizeof(key), "k%zu", k);
            wire_put_key_int(&body, key, (int64_t)k);
        }
        cr_assert_eq(wire_frame(WIRE_MSGPACK, buf_slice(&body), 41, &out), ERR_OK);
        cr_assert_eq(wire_decode(WIRE_MSGPACK, buf_slice(&out), &doc, WHY_IN(why)), ERR_OK, "%s", why);
        const struct wire_value *root = wire_doc_root(doc);
        cr_expect_eq(root->map.n, sizes[i] + 1);
        cr_expect(slice_is(root->map.pairs[sizes[i]].key, "seq"));
        cr_expect_eq(wire_get_int(root, "seq", 0), 41);
        wire_doc_destroy(doc);
    }
}

Test(writer, without_seq_a_msgpack_frame_is_the_body)
{
    wire_put_map(&body, 1);
    wire_put_key_cstr(&body, "type", "ok");
    cr_assert_eq(wire_frame(WIRE_MSGPACK, buf_slice(&body), 0, &out), ERR_OK);
    cr_expect(slice_eq(buf_slice(&out), buf_slice(&body)));
}

Test(writer, a_msgpack_body_takes_seq_whatever_the_size_of_its_head)
{
    for (size_t n = 13; n < 18; n++) {
        struct buf more;
        char key[32];
        buf_init(&more, 1 << 16);
        buf_clear(&body);
        wire_put_map(&body, n);
        for (size_t k = 0; k < n; k++) {
            snprintf(key, sizeof(key), "k%zu", k);
            wire_put_key_bool(&body, key, true);
        }
        cr_assert_eq(wire_frame(WIRE_MSGPACK, buf_slice(&body), 3, &more), ERR_OK);
        struct wire_doc *doc;
        cr_assert_eq(wire_decode(WIRE_MSGPACK, buf_slice(&more), &doc, WHY_NONE), ERR_OK);
        cr_expect_eq(wire_get_int(wire_doc_root(doc), "seq", 0), 3);
        cr_expect_eq(wire_doc_root(doc)->map.n, n + 1);
        wire_doc_destroy(doc);
        buf_finish(&more);
    }
}

static const struct slice no_bodies[] = {
    T(""),
    T("\x90"),
    T("\x01"),
    T("\xc1"),
    T("\x81"),
    T("\x81\xa1"
      "a"),
    T("\x81\xa1"
      "a\xa5"
      "b"),
    T("\x81\xa1"
      "a\xc4\x01"
      "b"),
    T("\x80\x80"),
    T("\x81\xa1"
      "a\x01\x01"),
    T("\xde\x00\x02\xa1"
      "a\x01"),
    T("\xdf\xff\xff\xff\xff\xa1"
      "a\x01"),
    T("\x81\xa1"
      "a\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"),
    T("\x81\xa1"
      "a\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x01"),
};

Test(writer, what_is_no_body_is_refused_and_nothing_appended)
{
    buf_put(&out, SLICE("before"));
    for (size_t i = 0; i < ARRAY_SIZE(no_bodies); i++) {
        cr_expect_eq(wire_frame(WIRE_JSON, no_bodies[i], 7, &out), ERR_SYNTAX, "row %zu", i);
        cr_expect_eq(wire_frame(WIRE_MSGPACK, no_bodies[i], 7, &out), ERR_SYNTAX, "row %zu", i);
        cr_expect_eq(wire_frame(WIRE_MSGPACK, no_bodies[i], 0, &out), ERR_SYNTAX, "row %zu", i);
        cr_expect(slice_is(buf_slice(&out), "before"), "row %zu", i);
    }
}

Test(writer, json_is_never_written_with_broken_utf8_or_a_key_that_is_no_string)
{
    cr_expect_eq(wire_frame(WIRE_JSON,
                            slice_make("\x81\xa1"
                                       "a\xa1\xff",
                                       5),
                            7, &out),
                 ERR_SYNTAX);
    cr_expect_eq(wire_frame(WIRE_JSON, slice_make("\x81\x01\x01", 3), 7, &out), ERR_SYNTAX);
    cr_expect_eq(out.n, 0);
}

Test(writer, a_full_buffer_is_told_and_holds_no_half_frame)
{
    wire_put_map(&body, 2);
    wire_put_key_cstr(&body, "a", "a long enough text");
    wire_put_key_cstr(&body, "b", "another one");
    for (size_t cap = 0; cap < 30; cap++) {
        for (int format = WIRE_JSON; format <= WIRE_MSGPACK; format++) {
            struct buf small;
            buf_init(&small, cap);
            cr_expect_eq(wire_frame((enum wire_format)format, buf_slice(&body), 7, &small), ERR_TOO_LARGE);
            cr_expect_eq(small.n, 0);
            buf_finish(&small);
        }
    }
}

struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *dice, uint64_t below)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return dice->state % below;
}

static void put_random_string(struct dice *dice, struct buf *b, const char *prefix)
{
    static const char *const pieces[] = {
        "a", "Z", "\"", "\\", "\n", "\x01", "\x7f", "/", " ", "\xc3\xa9", "\xf0\x9f\x98\x80", "\xef\xbf\xbf"};
    struct buf text;
    uint64_t n = roll(dice, 8) ? roll(dice, 12) : roll(dice, 400);

    buf_init(&text, 1 << 16);
    buf_put_cstr(&text, prefix);
    while (n--)
        buf_put_cstr(&text, pieces[roll(dice, ARRAY_SIZE(pieces))]);
    wire_put_string(b, buf_slice(&text));
    buf_finish(&text);
}

static void put_random(struct dice *dice, struct buf *b, int levels);

static void put_random_map(struct dice *dice, struct buf *b, int levels)
{
    uint64_t n = roll(dice, 20);
    char prefix[8];
    wire_put_map(b, n);
    for (uint64_t i = 0; i < n; i++) {
        snprintf(prefix, sizeof(prefix), "%u,", (unsigned)i);
        put_random_string(dice, b, prefix);
        put_random(dice, b, levels);
    }
}

static void put_random(struct dice *dice, struct buf *b, int levels)
{
    struct wire_value number = {.kind = WIRE_DOUBLE};
    uint64_t bits = roll(dice, UINT64_MAX), n;
    switch (roll(dice, levels > 0 ? 9 : 6)) {
    case 0:
        wire_put_null(b);
        return;
    case 1:
        wire_put_bool(b, roll(dice, 2));
        return;
    case 2:
        wire_put_int(b, (int64_t)(roll(dice, UINT64_MAX) >> roll(dice, 64)));
        return;
    case 3:
        wire_put_int(b, -(int64_t)(roll(dice, INT64_MAX) >> roll(dice, 63)));
        return;
    case 4:
        bits &= ~(UINT64_C(1) << 62); /* finite */
        memcpy(&number.number, &bits, sizeof(bits));
        wire_put_value(b, &number);
        return;
    case 5:
        put_random_string(dice, b, "");
        return;
    case 6:
    case 7:
        put_random_map(dice, b, levels - 1);
        return;
    default:
        n = roll(dice, 20);
        wire_put_array(b, n);
        while (n--)
            put_random(dice, b, levels - 1);
    }
}

Test(writer, any_tree_comes_back_from_both_formats)
{
    struct dice dice = {UINT64_C(0x9e3779b97f4a7c15)};
    for (int i = 0; i < 300; i++) {
        struct wire_doc *doc;
        char why[200];
        buf_clear(&body);
        buf_clear(&out);
        put_random_map(&dice, &body, 3);
        cr_assert_eq(wire_decode(WIRE_MSGPACK, buf_slice(&body), &doc, WHY_IN(why)), ERR_OK, "tree %d: %s", i, why);
        wire_put_value(&out, wire_doc_root(doc));
        cr_expect(slice_eq(buf_slice(&out), buf_slice(&body)), "tree %d", i);
        const char *lost = tree_round_trip(wire_doc_root(doc));
        cr_expect_null(lost, "tree %d: %s", i, lost);
        wire_doc_destroy(doc);
    }
}
