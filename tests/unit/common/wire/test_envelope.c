#include "common/wire/envelope.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "common/wire/writer.h"

#define SESSION "17alice-----------------"

/* [1, "events", session, seq, [body, …], seating] as the scripts write it */
static void put_events(struct buf *b, const struct slice *bodies, size_t count, const char *seating)
{
    wire_put_array(b, 6);
    wire_put_int(b, 1);
    wire_put_cstr(b, "events");
    wire_put_cstr(b, SESSION);
    wire_put_int(b, 300);
    wire_put_array(b, count);
    for (size_t i = 0; i < count; i++)
        wire_put_string(b, bodies[i]);
    wire_put_cstr(b, seating);
}

static void put_close(struct buf *b, int64_t version, const char *why)
{
    wire_put_array(b, 5);
    wire_put_int(b, version);
    wire_put_cstr(b, "close");
    wire_put_cstr(b, SESSION);
    wire_put_int(b, 2);
    wire_put_cstr(b, why);
}

Test(envelope, events_come_with_session_number_bodies_and_seating)
{
    static char large[70000];
    const struct slice bodies[] = {SLICE("\x81\xa1k\xff\x00z"), SLICE(""), slice_make(large, 300),
                                   slice_make(large, sizeof large)};
    struct envelope e;
    struct buf b;
    buf_init(&b, 1 << 20);
    put_events(&b, bodies, ARRAY_SIZE(bodies), "call=7;");
    cr_assert_eq(envelope_read(buf_slice(&b), &e), ERR_OK);
    cr_expect_eq(e.kind, ENVELOPE_EVENTS);
    cr_expect(slice_is(e.subject, SESSION));
    cr_expect_eq(e.number, 300);
    cr_expect(slice_is(e.text, "call=7;"));
    cr_assert_eq(e.count, ARRAY_SIZE(bodies));
    for (size_t i = 0; i < e.count; i++)
        cr_expect(slice_eq(e.bodies[i], bodies[i]), "body %zu", i);
    buf_finish(&b);
}

Test(envelope, as_many_bodies_as_fit_and_no_more)
{
    struct slice bodies[ENVELOPE_BODIES_MAX + 1] = {{0}};
    struct envelope e;
    struct buf b;
    buf_init(&b, 1 << 20);
    put_events(&b, bodies, ENVELOPE_BODIES_MAX, "");
    cr_expect_eq(envelope_read(buf_slice(&b), &e), ERR_OK);
    cr_expect_eq(e.count, ENVELOPE_BODIES_MAX);
    buf_clear(&b);
    put_events(&b, bodies, ENVELOPE_BODIES_MAX + 1, "");
    cr_expect_eq(envelope_read(buf_slice(&b), &e), ERR_SYNTAX);
    buf_finish(&b);
}

Test(envelope, a_close_says_whose_which_and_why)
{
    struct envelope e;
    struct buf b;
    buf_init(&b, 1024);
    put_close(&b, 1, "moved");
    cr_assert_eq(envelope_read(buf_slice(&b), &e), ERR_OK);
    cr_expect_eq(e.kind, ENVELOPE_CLOSE);
    cr_expect(slice_is(e.subject, SESSION));
    cr_expect_eq(e.number, 2);
    cr_expect(slice_is(e.text, "moved"));
    cr_expect_eq(e.count, 0);
    buf_finish(&b);
}

Test(envelope, a_canary_comes_back_as_it_went)
{
    static const uint64_t numbers[] = {0, 1, 127, 128, 255, 256, 65535, 65536, UINT32_MAX, INT64_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct envelope e;
        struct buf b;
        buf_init(&b, 1024);
        envelope_put_canary(&b, SLICE("node-12chars"), numbers[i]);
        cr_assert_eq(envelope_read(buf_slice(&b), &e), ERR_OK);
        cr_expect_eq(e.kind, ENVELOPE_CANARY);
        cr_expect(slice_is(e.subject, "node-12chars"));
        cr_expect_eq(e.number, numbers[i]);
        buf_finish(&b);
    }
}

Test(envelope, a_later_version_is_left_to_nodes_that_know_it)
{
    struct envelope e;
    struct buf b;
    buf_init(&b, 1024);
    for (int64_t version = 0; version <= 300; version++) {
        buf_clear(&b);
        put_close(&b, version, "moved");
        cr_expect_eq(envelope_read(buf_slice(&b), &e), version == 1 ? ERR_OK : ERR_SYNTAX, "version %lld",
                     (long long)version);
    }
    buf_finish(&b);
}

Test(envelope, what_is_none_is_refused)
{
    static const struct {
        const char *name;
        struct slice bytes;
    } cases[] = {
        {"nothing", SLICE_INIT("")},
        {"no array", SLICE_INIT("\x01")},
        {"a map", SLICE_INIT("\x84\x01\xa6"
                             "canary\xa1n\x01")},
        {"an empty array", SLICE_INIT("\x90")},
        {"a kind that nobody knows", SLICE_INIT("\x94\x01\xa6kanary\xa1n\x01")},
        {"a kind that is a number", SLICE_INIT("\x94\x01\x01\xa1n\x01")},
        {"a canary of five", SLICE_INIT("\x95\x01\xa6"
                                        "canary\xa1n\x01\xa0")},
        {"a canary with less than it says", SLICE_INIT("\x95\x01\xa6"
                                                       "canary\xa1n\x01")},
        {"a canary with something behind it", SLICE_INIT("\x94\x01\xa6"
                                                         "canary\xa1n\x01\x00")},
        {"a close of four", SLICE_INIT("\x94\x01\xa5"
                                       "close\xa1s\x01")},
        {"events without seating", SLICE_INIT("\x95\x01\xa6"
                                              "events\xa1s\x01\x90")},
        {"a negative number", SLICE_INIT("\x94\x01\xa6"
                                         "canary\xa1n\xff")},
        {"a number that is a double", SLICE_INIT("\x94\x01\xa6"
                                                 "canary\xa1n\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00")},
        {"a session that is nil", SLICE_INIT("\x94\x01\xa6"
                                             "canary\xc0\x01")},
        {"a string longer than all", SLICE_INIT("\x94\x01\xdb\xff\xff\xff\xff"
                                                "canary\xa1n\x01")},
        {"bodies that are no strings", SLICE_INIT("\x96\x01\xa6"
                                                  "events\xa1s\x01\x91\x01\xa0")},
        {"bodies that are no list", SLICE_INIT("\x96\x01\xa6"
                                               "events\xa1s\x01\xa0\xa0")},
        {"more bodies than bytes", SLICE_INIT("\x96\x01\xa6"
                                              "events\xa1s\x01\x9f\xa0")},
        {"65535 bodies", SLICE_INIT("\x96\x01\xa6"
                                    "events\xa1s\x01\xdc\xff\xff\xa0")},
        {"a list with 32 bits of length", SLICE_INIT("\x96\x01\xa6"
                                                     "events\xa1s\x01\xdd\x00\x00\x00\x01\xa0\xa0")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct envelope e;
        /* On the heap, to the byte: the sanitizer sees what reads past the end. */
        char *bytes = malloc(cases[i].bytes.n + 1);
        memcpy(bytes, cases[i].bytes.p, cases[i].bytes.n);
        bytes = realloc(bytes, cases[i].bytes.n ? cases[i].bytes.n : 1);
        cr_expect_eq(envelope_read(slice_make(bytes, cases[i].bytes.n), &e), ERR_SYNTAX, "%s", cases[i].name);
        free(bytes);
    }
}

/* Cut anywhere it is none, and with any byte changed it is read within its bounds. */
Test(envelope, broken_ones_are_read_within_their_bounds)
{
    const struct slice bodies[] = {SLICE("\x80"), SLICE("abc")};
    struct envelope e;
    struct buf b;
    buf_init(&b, 1024);
    put_events(&b, bodies, ARRAY_SIZE(bodies), "s");
    for (size_t n = 0; n < b.n; n++) {
        char *bytes = malloc(n ? n : 1);
        memcpy(bytes, b.p, n);
        cr_expect_eq(envelope_read(slice_make(bytes, n), &e), ERR_SYNTAX, "%zu bytes", n);
        free(bytes);
    }
    for (size_t at = 0; at < b.n; at++) {
        for (unsigned value = 0; value < 256; value++) {
            char *bytes = malloc(b.n);
            memcpy(bytes, b.p, b.n);
            bytes[at] = (char)value;
            if (envelope_read(slice_make(bytes, b.n), &e) == ERR_OK) {
                cr_expect_leq(e.count, ENVELOPE_BODIES_MAX);
                for (size_t i = 0; i < e.count; i++)
                    cr_expect(e.bodies[i].p >= bytes && e.bodies[i].p + e.bodies[i].n <= bytes + b.n);
            }
            free(bytes);
        }
    }
    buf_finish(&b);
}

Test(envelope, what_an_operator_says_is_read_as_it_was_written)
{
    struct envelope e;
    struct buf b;
    buf_init(&b, 1024);
    envelope_put_kick(&b, SLICE(SESSION), 7, SLICE("alice"));
    cr_assert_eq(envelope_read(buf_slice(&b), &e), ERR_OK);
    cr_expect_eq(e.kind, ENVELOPE_KICK);
    cr_expect(slice_is(e.subject, SESSION));
    cr_expect_eq(e.number, 7);
    cr_expect(slice_is(e.text, "alice"));
    buf_clear(&b);
    envelope_put_drain(&b, SLICE("node"));
    cr_assert_eq(envelope_read(buf_slice(&b), &e), ERR_OK);
    cr_expect_eq(e.kind, ENVELOPE_DRAIN);
    cr_expect(slice_is(e.subject, "node"));
    buf_finish(&b);
}

/* So nodes of an older version let pass what a newer one's operator says. */
Test(envelope, a_kind_that_is_not_known_is_refused)
{
    struct envelope e;
    struct buf b;
    buf_init(&b, 1024);
    wire_put_array(&b, 4);
    wire_put_int(&b, 1);
    wire_put_cstr(&b, "tomorrow");
    wire_put_cstr(&b, SESSION);
    wire_put_int(&b, 1);
    cr_expect_eq(envelope_read(buf_slice(&b), &e), ERR_SYNTAX);
    buf_finish(&b);
}
