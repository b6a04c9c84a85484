#include "common/wire/json_plain.h"

#include <criterion/criterion.h>

#include "tests/unit/common/wire/tree.h"

enum { TREE = 4096 };

static struct slice quoted(struct buf *b, const char *inside)
{
    buf_init(b, 1 << 16);
    buf_putf(b, "{\"a\":\"%s\"}", inside);
    return buf_slice(b);
}

Test(json_plain, reads_what_clients_send)
{
    struct slice text = SLICE(
        " {\"type\":\"signal\",\"id\":123456789012345678, \"to\" : -0,\"data\":[ [],{},[1,[2]],true,false,null],\r\n"
        "\t\"offer\":{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\\\"\\\\\\/\\b\\f\\t\xc3\xa9\\n\"}}\n ");
    struct wire_doc *doc = json_plain_read(text, TREE);

    cr_assert_not_null(doc);
    const struct wire_value *root = wire_doc_root(doc);
    cr_expect(tree_is_janssons(root, text));
    cr_expect(slice_is(wire_get_string(wire_get(root, "offer"), "sdp"), "v=0\r\n\"\\/\b\f\t\xc3\xa9\n"));
    cr_expect_eq(wire_get_int(root, "id", 0), 123456789012345678);
    cr_expect_eq(wire_get(root, "data")->array.n, 6);
    wire_doc_destroy(doc);
}

Test(json_plain, every_byte_means_what_jansson_takes_it_for)
{
    for (int c = 1; c < 256; c++) {
        for (int is_escaped = 0; is_escaped < 2; is_escaped++) {
            struct buf b;
            struct slice text = quoted(&b, (char[]){is_escaped ? '\\' : (char)c, is_escaped ? (char)c : 'x', 'y', 0});
            struct wire_doc *doc = json_plain_read(text, TREE);
            if (doc)
                cr_expect(tree_is_janssons(wire_doc_root(doc), text), "%s", text.p);
            wire_doc_destroy(doc);
            buf_finish(&b);
        }
    }
}

/* One byte of a frame is another one: what is still taken is taken by jansson, and read alike. */
Test(json_plain, is_never_laxer_than_jansson)
{
    static const char frame[] =
        "{\"a\":[1,-20,{\"b\":\"\\n\\\\x\",\"c\":\"\xc3\xa9\"}],\"d\":true,\"e\":null,\"f\":{}}";
    size_t taken = 0;

    for (size_t at = 1; at < sizeof frame - 1; at++) {
        for (int c = 1; c < 256; c++) {
            char text[sizeof frame];
            memcpy(text, frame, sizeof frame);
            text[at] = (char)c;
            struct wire_doc *doc = NULL;
            if (wire_decode(WIRE_JSON, slice_of(text), &doc, WHY_NONE) == ERR_OK) {
                cr_expect(tree_is_janssons(wire_doc_root(doc), slice_of(text)), "%s", text);
                taken++;
            }
            wire_doc_destroy(doc);
        }
    }
    cr_expect_gt(taken, 500);
}

Test(json_plain, leaves_the_rest_to_jansson)
{
    static const char *const texts[] = {
        "{\"a\":0.5}",
        "{\"a\":1e3}",
        "{\"a\":1234567890123456789}",
        "{\"a\":\"\\u0041\"}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":01}",
        "{\"a\":1,}",
        "{\"a\":[1,]}",
        "{\"a\":nul}",
        "{\"a\":nullx}",
        "{\"a\":-}",
        "{\"a\":- 1}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{\"a\":\"\\\"}",
        "{\"a\":[1}",
        "{\"a\":1]",
        "{\"a\"}",
        "{} x",
        "{}}",
        "",
        " ",
        "{\"a\":\"\\ud83d\"}",
        "{,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":+1}",
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        cr_expect_null(json_plain_read(slice_of(texts[i]), TREE), "%s", texts[i]);
}

Test(json_plain, a_quote_behind_an_odd_number_of_backslashes_ends_nothing)
{
    static const struct {
        const char *text;
        int at;
    } rows[] = {{"a\"", 1},    {"\"", 0},          {"\\\"", -1}, {"\\\\\"", 2},
                {"\\\"\"", 2}, {"\\\\\\\"x\"", 5}, {"", -1},     {"x", -1}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *quote = json_quote_find(rows[i].text, rows[i].text + strlen(rows[i].text));
        cr_expect_eq(quote ? quote - rows[i].text : -1, rows[i].at, "%s", rows[i].text);
    }
}
