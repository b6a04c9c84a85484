#include <stdio.h>

#include "tests/unit/node/signaling/stage.h"

/* Whom one may call; block.set and block.get. */

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

TestSuite(people, .init = begin, .fini = finish);

/* ---- whom one may call ---- */

static const char *const friends[] = {"friend-*", "bob", NULL};

static void friends_only(struct signaling_settings *s)
{
    s->call_default = friends;
}

static void call_somebody(const char *user, bool may)
{
    static unsigned id = 1;
    say(c, "{\"type\":\"call.start\",\"id\":%u,\"to\":[\"%s\"]}", ++id, user);
    if (may) {
        fake_reach(&stage->store, asked(stage, ASKED_REACH), ERR_OK, REACH_NONE);
        expect_contains(" looks", asked(stage, ASKED_CLAIM)->text); /* that one may be calling */
        fake_claim(&stage->store, asked(stage, ASKED_CLAIM), ERR_OK, NULL);
        struct asked *q = asked(stage, ASKED_CALL_CREATE);
        expect_contains(" unreachable", q->text);
        fake_call(&stage->store, q, &(struct call_answer){.err = ERR_UNREACHABLE});
        expect_contains("\"code\":\"unreachable\"", heard(c));
    } else {
        expect_contains("\"code\":\"forbidden\"", heard(c));
    }
}

Test(people_default, a_token_that_says_nothing_leaves_it_to_the_server)
{
    stage = stage_open(friends_only);
    c = live(stage, "alice");
    call_somebody("bob", true);
    call_somebody("friend-", true);
    call_somebody("friend-of-mine", true);
    call_somebody("bobby", false);
    call_somebody("mallory", false);
    stage_close(stage);
}

/* ---- blocks ---- */

static void expect_refused(const char *users, const char *why)
{
    static unsigned id = 100;
    say(c, "{\"type\":\"block.set\",\"id\":%u,\"users\":%s}", ++id, users);
    expect_contains(why, heard(c));
    cr_expect(nothing_asked(stage));
}

Test(people, a_list_of_blocks_goes_to_the_store_with_its_reply)
{
    say(c, "{\"type\":\"block.set\",\"id\":2,\"users\":[\"eve\",\"mallory\",\"eve\"]}");
    struct asked *q = asked(stage, ASKED_BLOCK_SET);
    cr_expect_str_eq(q->text, "alice: eve mallory eve");
    cr_expect_str_eq(q->reply, "{\"type\":\"ok\",\"id\":2}");
    cr_expect_eq(q->epoch, 1);
    cr_expect_eq(q->number, 2);
    expect_heard("", c);
    fake_done(&stage->store, q, ERR_OK);
    expect_heard("{\"type\":\"ok\",\"id\":2}", c);
}

Test(people, an_empty_list_unblocks_everybody)
{
    say(c, "{\"type\":\"block.set\",\"id\":2,\"users\":[]}");
    cr_expect_str_eq(asked(stage, ASKED_BLOCK_SET)->text, "alice:");
}

Test(people, a_list_with_one_wrong_name_is_refused_whole)
{
    expect_refused("[\"eve\",\"not a name\"]", "`users[1]` should be a user's name");
    expect_refused("[\"eve\",7]", "`users[1]` should be a user's name");
    expect_refused("[\"\"]", "`users[0]` should be a user's name");
    expect_refused("[\"eve\",\"alice\"]", "`users` should name others than yourself");
    expect_refused("\"eve\"", "`users` is a string");
    expect_refused("null", "`users` is missing");
}

Test(people, a_list_that_is_not_stored_is_not_said_to_be)
{
    say(c, "{\"type\":\"block.set\",\"id\":2,\"users\":[\"eve\"]}");
    fake_done(&stage->store, asked(stage, ASKED_BLOCK_SET), ERR_UNAVAILABLE);
    expect_contains("\"code\":\"unavailable\"", heard(c));
    say(c, "{\"type\":\"block.set\",\"id\":3,\"users\":[\"eve\"]}");
    fake_done(&stage->store, asked(stage, ASKED_BLOCK_SET), ERR_STALE);
    expect_contains("\"code\":\"unavailable\"", heard(c));
}

Test(people, the_list_can_be_read)
{
    const struct slice users[] = {SLICE("eve"), SLICE("mallory")};
    say(c, "{\"type\":\"block.get\",\"id\":2}");
    struct asked *q = asked(stage, ASKED_BLOCK_GET);
    cr_expect_str_eq(q->text, "alice");
    fake_blocked(&stage->store, q, users, ARRAY_SIZE(users));
    expect_heard("{\"type\":\"ok\",\"id\":2,\"users\":[\"eve\",\"mallory\"]}", c);
    say(c, "{\"type\":\"block.get\",\"id\":3}");
    fake_err(&stage->store, asked(stage, ASKED_BLOCK_GET), ERR_UNAVAILABLE);
    expect_contains("\"code\":\"unavailable\"", heard(c));
}
