#include "tests/unit/node/signaling/stage.h"

/* What a node does while the store may have forgotten. */

static struct stage *stage;
static struct conn *c;
static struct id call;

static void begin(void)
{
    stage = stage_open(NULL);
    c = live(stage, "alice");
    call = some_id(5, "call");
    seat(c, &call, 4, (const struct id *const[5]){&c->session});
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(heal, .init = begin, .fini = finish);

static void all_is_there(void)
{
    fake_restored(&stage->store, asked(stage, ASKED_RESTORE), &(struct restored){.err = ERR_OK});
    fake_page(&stage->store, asked(stage, ASKED_READ), &(struct session_answer){.err = ERR_OK}, 0, NULL, 0);
}

/* The store knows no such call: what the client is told. */
static const char *get(unsigned id)
{
    say(c, "{\"type\":\"call.get\",\"id\":%u,\"call\":\"%s\"}", id, call.text);
    fake_call(&stage->store, asked(stage, ASKED_GET), &(struct call_answer){.err = ERR_NOT_FOUND});
    return heard(c);
}

Test(heal, what_was_there_a_moment_ago_is_not_there_for_sure_after_another_cut)
{
    stage_cut_bus(stage);
    all_is_there();
    expect_contains("\"code\":\"not_found\"", get(2));
    stage_cut_bus(stage);
    expect_contains("\"code\":\"unavailable\"", get(3));
    all_is_there();
}
