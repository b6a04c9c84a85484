#include "tests/unit/node/signaling/stage.h"

/* call.invite: what has to be known first is asked at once, and no answer alone goes on. */

static struct stage *stage;
static struct conn *alice;
static struct id call;

static void begin(void)
{
    stage = stage_open(NULL);
    alice = live(stage, "alice");
    call = some_id(5, "call");
    say(alice, "{\"type\":\"call.invite\",\"id\":2,\"call\":\"%s\",\"to\":\"bob\"}", call.text);
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(call_invite, .init = begin, .fini = finish);

static void reached(enum err err, enum reach reach)
{
    fake_reach(&stage->store, asked(stage, ASKED_REACH), err, reach);
}

static void charged(enum err err)
{
    fake_charged(&stage->store, asked(stage, ASKED_WRONG_ID), err, 777);
}

Test(call_invite, it_is_charged_while_it_is_asked_who_can_be_reached)
{
    cr_expect_str_eq(asked(stage, ASKED_REACH)->text, "bob for alice");
    cr_expect_str_eq(asked(stage, ASKED_WRONG_ID)->text, "alice");
    charged(ERR_OK);
    cr_expect_null(fake_find(&stage->store, ASKED_INVITE));
    reached(ERR_OK, REACH_RINGING);
    cr_expect_str_eq(asked(stage, ASKED_INVITE)->text, "bob 45000");
}

Test(call_invite, whoever_cannot_be_reached_is_the_stores_to_refuse)
{
    reached(ERR_OK, REACH_NONE);
    cr_expect_null(fake_find(&stage->store, ASKED_INVITE));
    charged(ERR_OK);
    cr_expect_str_eq(asked(stage, ASKED_INVITE)->text, "bob 45000 unreachable");
    fake_err(&stage->store, asked(stage, ASKED_INVITE), ERR_UNREACHABLE);
    expect_contains("\"code\":\"unreachable\"", heard(alice));
}

Test(call_invite, who_has_rung_too_many_rings_nobody_and_learns_nothing_of_them)
{
    charged(ERR_RATE_LIMITED);
    expect_heard("", alice);
    reached(ERR_OK, REACH_RINGING);
    const char *error = heard(alice);
    expect_contains("\"code\":\"rate_limited\"", error);
    expect_contains("\"retry_after_ms\":777", error);
    cr_expect(nothing_asked(stage));
}

Test(call_invite, without_both_answers_nobody_is_rung)
{
    reached(ERR_UNAVAILABLE, REACH_NONE);
    charged(ERR_OK);
    expect_contains("\"code\":\"unavailable\"", heard(alice));
    say(alice, "{\"type\":\"call.invite\",\"id\":3,\"call\":\"%s\",\"to\":\"bob\"}", call.text);
    charged(ERR_UNAVAILABLE);
    reached(ERR_OK, REACH_RINGING);
    expect_contains("\"code\":\"unavailable\"", heard(alice));
    cr_expect(nothing_asked(stage));
}

Test(call_invite, one_whose_socket_goes_rings_nobody)
{
    charged(ERR_OK);
    conn_gone(alice);
    reached(ERR_OK, REACH_RINGING);
    cr_expect_null(fake_find(&stage->store, ASKED_INVITE));
}
