#include "common/wire/fields.h"

#include <criterion/criterion.h>

#include "common/base/buf.h"

#define NAME "a name: 1 to 64 of A-Z a-z 0-9 . _ @ : + -"
#define ID "an id: 1 to 40 of A-Z a-z 0-9 _ -"
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X40 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static enum err check(const char *json, struct field row, char why[300])
{
    struct field rows[] = {row, {.name = NULL}};
    struct wire_doc *doc;
    cr_assert_eq(wire_decode(WIRE_JSON, slice_of(json), &doc, (struct why){why, 300}), ERR_OK, "%s: %s", json, why);
    enum err err = fields_check(wire_doc_root(doc), rows, (struct why){why, 300});
    wire_doc_destroy(doc);
    return err;
}

Test(fields, what_fits_its_row_passes)
{
    static const struct {
        const char *json;
        struct field row;
    } cases[] = {
        {"{\"f\":\"\"}", {"f", FIELD_STRING, true, 0, 0, NULL}},
        {"{\"f\":\"abc\"}", {"f", FIELD_STRING, true, 3, 3, NULL}},
        {"{\"f\":\"abc\"}", {"f", FIELD_STRING, true, 1, 0, NULL}}, /* no upper bound */
        {"{\"f\":\"alice@example.org\"}", {"f", FIELD_NAME, true, 0, 0, NULL}},
        {"{\"f\":\"" X64 "\"}", {"f", FIELD_NAME, true, 0, 0, NULL}},
        {"{\"f\":\"17-_aZ9\"}", {"f", FIELD_ID, true, 0, 0, NULL}},
        {"{\"f\":\"" X40 "\"}", {"f", FIELD_ID, true, 0, 0, NULL}},
        {"{\"f\":1}", {"f", FIELD_INT, true, 1, 5, NULL}},
        {"{\"f\":5}", {"f", FIELD_INT, true, 1, 5, NULL}},
        {"{\"f\":-7}", {"f", FIELD_INT, true, 0, 0, NULL}},
        {"{\"f\":-7}", {"f", FIELD_INT, true, -9, 0, NULL}},
        {"{\"f\":9223372036854775807}", {"f", FIELD_INT, true, 1, INT64_MAX, NULL}},
        {"{\"f\":false}", {"f", FIELD_BOOL, true, 0, 0, NULL}},
        {"{\"f\":{}}", {"f", FIELD_MAP, true, 0, 0, NULL}},
        {"{\"f\":{\"a\":1}}", {"f", FIELD_MAP, true, 1, 1, NULL}},
        {"{\"f\":[1,{},null]}", {"f", FIELD_ARRAY, true, 0, 3, NULL}},
        {"{\"f\":[]}", {"f", FIELD_NAMES, true, 0, 4, NULL}},
        {"{\"f\":[\"a\",\"b\",\"A\"]}", {"f", FIELD_NAMES, true, 0, 4, NULL}},
        {"{\"f\":\"audio\"}", {"f", FIELD_ONE_OF, true, 0, 0, "audio|any"}},
        {"{\"f\":\"any\"}", {"f", FIELD_ONE_OF, true, 0, 0, "audio|any"}},
        {"{}", {"f", FIELD_INT, false, 1, 5, NULL}},
        {"{\"f\":null}", {"f", FIELD_INT, false, 1, 5, NULL}},
        {"{\"other\":1}", {"f", FIELD_INT, false, 1, 5, NULL}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char why[300];
        cr_expect_eq(check(cases[i].json, cases[i].row, why), ERR_OK, "%s: %s", cases[i].json, why);
    }
}

static const struct {
    const char *json;
    struct field row;
    enum err err;
    const char *why;
} refused[] = {
    {"{}",
     {"f", FIELD_STRING, true, 1, 64, NULL},
     ERR_BAD_REQUEST,
     "`f` is missing; it should be a string of 1 to 64 bytes"},
    {"{\"f\":null}", {"f", FIELD_BOOL, true, 0, 0, NULL}, ERR_BAD_REQUEST, "`f` is missing; it should be a boolean"},
    {"{\"f\":\"x\"}",
     {"f", FIELD_INT, true, 1, 5, NULL},
     ERR_BAD_REQUEST,
     "`f` is a string; it should be an integer from 1 to 5"},
    {"{\"f\":1.0}",
     {"f", FIELD_INT, false, 1, 5, NULL},
     ERR_BAD_REQUEST,
     "`f` is a fraction; it should be an integer from 1 to 5"},
    {"{\"f\":0}", {"f", FIELD_INT, true, 1, 5, NULL}, ERR_BAD_REQUEST, "`f` is 0; it should be an integer from 1 to 5"},
    {"{\"f\":6}", {"f", FIELD_INT, true, 1, 5, NULL}, ERR_BAD_REQUEST, "`f` is 6; it should be an integer from 1 to 5"},
    {"{\"f\":-1}",
     {"f", FIELD_INT, true, 0, 5, NULL},
     ERR_BAD_REQUEST,
     "`f` is -1; it should be an integer from 0 to 5"},
    {"{\"f\":0}",
     {"f", FIELD_INT, true, 1, INT64_MAX, NULL},
     ERR_BAD_REQUEST,
     "`f` is 0; it should be an integer of at least 1"},
    {"{\"f\":[]}", {"f", FIELD_INT, true, 0, 0, NULL}, ERR_BAD_REQUEST, "`f` is an array; it should be an integer"},
    {"{\"f\":3}", {"f", FIELD_STRING, false, 0, 0, NULL}, ERR_BAD_REQUEST, "`f` is an integer; it should be a string"},
    {"{\"f\":\"abcd\"}",
     {"f", FIELD_STRING, true, 0, 3, NULL},
     ERR_TOO_LARGE,
     "`f` is a string of 4 bytes; it should be a string of at most 3 bytes"},
    {"{\"f\":\"\"}",
     {"f", FIELD_STRING, true, 1, 3, NULL},
     ERR_BAD_REQUEST,
     "`f` is a string of 0 bytes; it should be a string of 1 to 3 bytes"},
    {"{\"f\":\"\"}",
     {"f", FIELD_STRING, true, 1, 0, NULL},
     ERR_BAD_REQUEST,
     "`f` is a string of 0 bytes; it should be a string of at least 1 bytes"},
    {"{\"f\":\"\"}",
     {"f", FIELD_NAME, true, 0, 0, NULL},
     ERR_BAD_REQUEST,
     "`f` is a string of 0 bytes that is no name; it should be " NAME},
    {"{\"f\":\"" X64 "x\"}",
     {"f", FIELD_NAME, true, 0, 0, NULL},
     ERR_BAD_REQUEST,
     "`f` is a string of 65 bytes that is no name; it should be " NAME},
    {"{\"f\":\"a b\"}",
     {"f", FIELD_NAME, true, 0, 0, NULL},
     ERR_BAD_REQUEST,
     "`f` is a string of 3 bytes that is no name; it should be " NAME},
    {"{\"f\":\"\xc3\xa9\"}",
     {"f", FIELD_NAME, true, 0, 0, NULL},
     ERR_BAD_REQUEST,
     "`f` is a string of 2 bytes that is no name; it should be " NAME},
    {"{\"f\":\"a.b\"}",
     {"f", FIELD_ID, true, 0, 0, NULL},
     ERR_BAD_REQUEST,
     "`f` is a string of 3 bytes that is no id; it should be " ID},
    {"{\"f\":\"" X40 "x\"}",
     {"f", FIELD_ID, true, 0, 0, NULL},
     ERR_BAD_REQUEST,
     "`f` is a string of 41 bytes that is no id; it should be " ID},
    {"{\"f\":\"}\"}",
     {"f", FIELD_ID, true, 0, 0, NULL},
     ERR_BAD_REQUEST,
     "`f` is a string of 1 bytes that is no id; it should be " ID},
    {"{\"f\":1}", {"f", FIELD_BOOL, true, 0, 0, NULL}, ERR_BAD_REQUEST, "`f` is an integer; it should be a boolean"},
    {"{\"f\":[]}", {"f", FIELD_MAP, true, 0, 0, NULL}, ERR_BAD_REQUEST, "`f` is an array; it should be an object"},
    {"{\"f\":{\"a\":1,\"b\":2}}",
     {"f", FIELD_MAP, true, 0, 1, NULL},
     ERR_BAD_REQUEST,
     "`f` is an object of 2 keys; it should be an object of at most 1 keys"},
    {"{\"f\":[1,2,3]}",
     {"f", FIELD_ARRAY, true, 0, 2, NULL},
     ERR_TOO_LARGE,
     "`f` is an array of 3 items; it should be an array of at most 2 items"},
    {"{\"f\":[]}",
     {"f", FIELD_ARRAY, true, 1, 2, NULL},
     ERR_BAD_REQUEST,
     "`f` is an array of 0 items; it should be an array of 1 to 2 items"},
    {"{\"f\":[1]}",
     {"f", FIELD_ARRAY, true, 2, 2, NULL},
     ERR_BAD_REQUEST,
     "`f` is an array of 1 items; it should be an array of 2 items"},
    {"{\"f\":[\"a\",\"b\"]}", {"f", FIELD_NAMES, true, 0, 1, NULL}, ERR_TOO_LARGE, NULL},
    {"{\"f\":[\"a\",1]}",
     {"f", FIELD_NAMES, true, 0, 4, NULL},
     ERR_BAD_REQUEST,
     "`f` is an array with an integer as item 2; it should be an array of at most 4 names, each 1 to 64 of A-Z a-z "
     "0-9 . _ @ : + -, none twice"},
    {"{\"f\":[\"a b\"]}",
     {"f", FIELD_NAMES, true, 0, 4, NULL},
     ERR_BAD_REQUEST,
     "`f` is an array with a string that is no name as item 1; it should be an array of at most 4 names, each 1 to "
     "64 of A-Z a-z 0-9 . _ @ : + -, none twice"},
    {"{\"f\":[\"a\",\"b\",\"a\"]}",
     {"f", FIELD_NAMES, true, 0, 4, NULL},
     ERR_BAD_REQUEST,
     "`f` is an array that holds a name twice; it should be an array of at most 4 names, each 1 to 64 of A-Z a-z "
     "0-9 . _ @ : + -, none twice"},
    {"{\"f\":\"video\"}",
     {"f", FIELD_ONE_OF, true, 0, 0, "audio|any"},
     ERR_BAD_REQUEST,
     "`f` is another word; it should be one of audio, any"},
    {"{\"f\":\"\"}",
     {"f", FIELD_ONE_OF, true, 0, 0, "audio|any"},
     ERR_BAD_REQUEST,
     "`f` is another word; it should be one of audio, any"},
    {"{\"f\":\"audio|any\"}",
     {"f", FIELD_ONE_OF, true, 0, 0, "audio|any"},
     ERR_BAD_REQUEST,
     "`f` is another word; it should be one of audio, any"},
    {"{\"f\":true}",
     {"f", FIELD_ONE_OF, true, 0, 0, "audio|any"},
     ERR_BAD_REQUEST,
     "`f` is a boolean; it should be one of audio, any"},
};

Test(fields, what_does_not_gets_a_precise_sentence)
{
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        char why[300];
        cr_expect_eq(check(refused[i].json, refused[i].row, why), refused[i].err, "%s: %s", refused[i].json, why);
        if (refused[i].why)
            cr_expect_str_eq(why, refused[i].why);
    }
}

Test(fields, the_first_row_that_fails_is_told)
{
    static const struct field rows[] = {
        {.name = "type", .kind = FIELD_STRING, .required = true, .max = 64},
        {.name = "id", .kind = FIELD_INT, .required = true, .min = 1, .max = INT64_MAX},
        {.name = "call", .kind = FIELD_ID, .required = true},
        {.name = NULL},
    };
    struct wire_doc *doc;
    char why[100];

    cr_assert_eq(wire_decode(WIRE_JSON, SLICE("{\"type\":\"x\"}"), &doc, WHY_NONE), ERR_OK);
    cr_expect_eq(fields_check(wire_doc_root(doc), rows, WHY_IN(why)), ERR_BAD_REQUEST);
    cr_expect_str_eq(why, "`id` is missing; it should be an integer of at least 1");
    wire_doc_destroy(doc);
}

Test(fields, a_short_buffer_cuts_the_sentence)
{
    static const struct field rows[] = {{.name = "type", .kind = FIELD_STRING, .required = true}, {.name = NULL}};
    struct wire_value map = {.kind = WIRE_MAP};
    char why[12] = "";
    cr_expect_eq(fields_check(&map, rows, WHY_IN(why)), ERR_BAD_REQUEST);
    cr_expect_str_eq(why, "`type` is m");
}

Test(fields, more_than_1024_names_are_too_many_whatever_the_row_says)
{
    static const struct field rows[] = {{.name = "f", .kind = FIELD_NAMES}, {.name = NULL}};
    struct wire_doc *doc;
    struct buf text;
    char why[300];
    buf_init(&text, 1 << 20);
    for (size_t n = 1024; n <= 1025; n++) {
        buf_clear(&text);
        for (size_t i = 0; i < n; i++)
            buf_putf(&text, "%s\"u%zu\"", i ? "," : "{\"f\":[", i);
        buf_put(&text, SLICE("]}"));
        cr_assert_eq(wire_decode(WIRE_JSON, buf_slice(&text), &doc, WHY_NONE), ERR_OK);
        cr_expect_eq(fields_check(wire_doc_root(doc), rows, WHY_IN(why)), n == 1024 ? ERR_OK : ERR_TOO_LARGE);
        wire_doc_destroy(doc);
    }
    buf_finish(&text);
}
