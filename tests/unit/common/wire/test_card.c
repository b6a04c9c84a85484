#include "common/wire/card.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* What a node tells about itself: read as it was written, whatever version wrote it. */

static struct card read_good(const char *text)
{
    struct card card;
    cr_assert_eq(card_read(slice_of(text), &card), ERR_OK, "%s", text);
    return card;
}

Test(card, is_read_as_it_was_written)
{
    const struct card written = {.version = "1.2.3",
                                 .host = "web-1",
                                 .started_s = 1700000000,
                                 .sockets = 7,
                                 .sessions = 6,
                                 .seats = 5,
                                 .calls = 4,
                                 .frames_per_s = 3,
                                 .lag_us = 2,
                                 .draining = true};
    struct buf text;
    buf_init(&text, 4096);
    card_put(&text, &written);
    cr_expect_str_eq(buf_cstr(&text), "{\"version\":\"1.2.3\",\"host\":\"web-1\",\"started\":1700000000,\"sockets\":7,"
                                      "\"sessions\":6,\"seats\":5,\"calls\":4,\"frames_per_s\":3,\"lag_us\":2,"
                                      "\"draining\":true}");
    struct card back = read_good(buf_cstr(&text));
    cr_expect_str_eq(back.version, "1.2.3");
    cr_expect_str_eq(back.host, "web-1");
    cr_expect_eq(back.started_s, 1700000000);
    cr_expect_eq(back.sockets, 7);
    cr_expect_eq(back.lag_us, 2);
    cr_expect(back.draining);
    buf_finish(&text);
}

Test(card, fields_that_are_missing_or_strange_read_as_nothing_and_new_ones_are_skipped)
{
    struct card card = read_good("{\"sockets\":3,\"calls\":\"many\",\"seats\":-4,\"colour\":{\"of\":\"tomorrow\"}}");
    cr_expect_eq(card.sockets, 3);
    cr_expect_eq(card.calls, 0);
    cr_expect_eq(card.seats, 0);
    cr_expect_str_eq(card.host, "");
    cr_expect_not(card.draining);
}

Test(card, its_texts_do_no_harm_to_a_terminal)
{
    char text[512];
    struct card card = read_good("{\"host\":\"a\\u001b[2J\\u009b b\"}");
    for (const char *p = card.host; *p; p++)
        cr_expect(*p > ' ' && *p < 0x7f, "%d", *p);
    snprintf(text, sizeof text, "{\"version\":\"%0200d\"}", 0);
    cr_expect_eq(strlen(read_good(text).version), CARD_VERSION_SIZE - 1);
}

Test(card, what_is_none_is_refused)
{
    static const char *const bad[] = {"", "x", "[]", "{", "{\"host\":\"a\"} more"};
    struct card card;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        cr_expect_neq(card_read(slice_of(bad[i]), &card), ERR_OK, "%s", bad[i]);
}

Test(card, a_host_whose_name_is_no_text_has_no_card)
{
    const struct card card = {.host = "\xff\xfe"};
    struct buf text;
    buf_init(&text, 4096);
    card_put(&text, &card);
    struct card back;
    cr_expect(text.n == 0 || card_read(buf_slice(&text), &back) == ERR_OK);
    buf_finish(&text);
}
