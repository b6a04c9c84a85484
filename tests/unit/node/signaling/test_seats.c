#include <stdio.h>

#include "node/signaling/mail.h"
#include "node/signaling/seats.h"
#include "tests/unit/node/signaling/stage.h"

/* What a node keeps of where its clients sit and what rings: seen in what it brings to a store that may have forgotten. */

static struct stage *stage;
static struct conn *c;

static void begin(void)
{
    stage = stage_open(NULL);
    c = live(stage, "alice");
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(seats, .init = begin, .fini = finish);

/* The bus says of call `n` what `format`, with n in it, says. */
static void tell(unsigned n, const char *format, ...) ATTR_PRINTF(2, 3);
static void tell(unsigned n, const char *format, ...)
{
    char name[16];
    char text[64];
    va_list args;
    snprintf(name, sizeof name, "call%u", n);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const struct store_seating seating = {some_id(3, name), slice_of(text)};
    stage->bus.on_events(stage->bus.context, &c->session, 0, NULL, 0, &seating);
}

/* What the node knows of alice, after "epoch 1 seq 0 make:". */
static void expect_brought(const char *expected)
{
    stage_cut_bus(stage);
    struct asked *restore = asked(stage, ASKED_RESTORE);
    const char *brought = strchr(restore->text, ':');
    cr_expect_str_eq(brought ? brought + 1 : restore->text, expected);
    fake_err(&stage->store, restore, ERR_UNAVAILABLE);
}

/* The mailbox is read, and with it comes what the store says of call 1. */
static void read_page(const char *of_call_1)
{
    struct session_answer a = {.err = ERR_OK, .seating_count = of_call_1 != NULL};
    if (of_call_1)
        a.seatings[0] = (struct store_seating){some_id(3, "call1"), slice_of(of_call_1)};
    fake_page(&stage->store, asked(stage, ASKED_READ), &a, 0, NULL, 0);
}

Test(seats, a_ring_is_known_by_its_last_version_until_it_is_over)
{
    tell(1, "?4");
    tell(2, "?5");
    tell(1, "?7");
    tell(2, "%s", "");
    expect_brought(" ?7");
}

Test(seats, who_sits_down_rings_no_more)
{
    tell(1, "?4");
    tell(1, "5;52;1=%s;", id_slice(&c->session).p);
    tell(1, "4;52;");
    char expected[64];
    snprintf(expected, sizeof expected, " 5;52;1=%s;", id_slice(&c->session).p);
    expect_brought(expected);
}

Test(seats, of_more_rings_than_are_kept_the_oldest_are_forgotten)
{
    char expected[RINGS_OF_CLIENT_MAX * 8] = "";
    size_t n = 0;
    for (unsigned i = 1; i <= RINGS_OF_CLIENT_MAX + 3; i++)
        tell(i, "?%u", i);
    for (unsigned i = 4; i <= RINGS_OF_CLIENT_MAX + 3; i++)
        n += (size_t)snprintf(expected + n, sizeof expected - n, " ?%u", i);
    expect_brought(expected);
}

/* The word of it was lost with the bus. */
Test(seats, what_the_session_is_out_of_is_learned_from_the_mailbox)
{
    static const struct {
        const char *known, *page, *kept;
    } cases[] = {
        {"5;52;", "-6", ""},       {"5;52;", NULL, " 5;52;"}, /* the store may have forgotten it */
        {"7;52;", "-6", " 7;52;"},                            /* it came back since */
        {"?5", "-6", ""},          {"?7", "-6", " ?7"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        tell(1, "%s", "");
        tell(1, "%s", cases[i].known);
        mail_read(c->client);
        read_page(cases[i].page);
        expect_brought(cases[i].kept);
        fake_restored(&stage->store, stage_run_until_asked(stage, ASKED_RESTORE), &(struct restored){.err = ERR_OK});
        read_page(NULL);
    }
}

/* It was written before the session left: the next one is not. */
Test(seats, a_page_that_is_older_than_what_the_bus_says_does_not_stand)
{
    static const char *const known[] = {"5;52;", "?5"};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        tell(1, "%s", known[i]);
        mail_read(c->client);
        tell(1, "%s", "");
        read_page(known[i]);
        read_page("-6");
        cr_expect(nothing_asked(stage));
    }
    expect_brought("");
}
