#include <stdio.h>

#include "tests/unit/node/signaling/stage.h"

/* presence.watch and presence.unwatch, and what the bus brings to those who watch. */

#define BOB_IS(status) "\"user\":\"bob\",\"status\":\"" status "\",\"in_call\":false,\"devices\":"

static struct stage *stage;
static struct conn *alice;

static void begin(void)
{
    stage = stage_open(NULL);
    alice = live(stage, "alice");
}

static void finish(void)
{
    stage_close(stage);
}

TestSuite(watch, .init = begin, .fini = finish);

static void followed(const char *user)
{
    stage->bus.on_followed(stage->bus.context, slice_of(user));
}

static void bus_tells(const char *user, uint64_t rev, const char *status)
{
    struct presence state = {.status = slice_of(status), .devices = 1};
    stage->bus.on_presence(stage->bus.context, slice_of(user), rev, &state);
}

static void bus_blocks(bool blocked, const char *watcher)
{
    struct slice watchers[] = {slice_of(watcher)};
    struct presence_block block = {.is = blocked, .seen_ms = blocked ? 1234 : 0};
    stage->bus.on_blocks(stage->bus.context, SLICE("bob"), &block, watchers, 1);
}

/* The store's answer to the oldest question for a state. */
static void store_tells(uint64_t rev, const char *status, bool blocked)
{
    struct presence_answer a = {.rev = rev, .state = {.status = slice_of(status), .devices = 1}};
    a.blocked[0] = (struct presence_block){.is = blocked, .seen_ms = blocked ? 1234 : 0};
    fake_presence(&stage->store, asked(stage, ASKED_PRESENCE_GET), &a);
}

/* `c` watches bob, who is `status` since `rev`; nothing is left to be heard. */
static void watch_bob(struct conn *c, uint64_t rev, const char *status)
{
    say(c, "{\"type\":\"presence.watch\",\"id\":3,\"users\":[\"bob\"]}");
    if (!fake_find(&stage->store, ASKED_PRESENCE_GET))
        followed("bob");
    store_tells(rev, status, false);
    expect_contains("\"states\":[{\"user\":\"bob\"", heard(c));
}

Test(watch, the_state_is_asked_for_once_the_bus_is_followed)
{
    say(alice, "{\"type\":\"presence.watch\",\"id\":2,\"users\":[\"bob\"]}");
    cr_expect_str_eq(stage->store.following, "+bob ");
    cr_expect(nothing_asked(stage));
    followed("bob");
    cr_expect_str_eq(asked(stage, ASKED_PRESENCE_GET)->text, "bob for alice");
    store_tells(4, "away", false);
    expect_heard("{\"type\":\"ok\",\"id\":2,\"states\":[{" BOB_IS("away") "1}]}", alice);
}

Test(watch, states_come_in_the_order_of_the_list_once_all_are_known)
{
    say(alice, "{\"type\":\"presence.watch\",\"id\":2,\"users\":[\"bob\",\"carol\"]}");
    followed("carol");
    store_tells(1, "available", false);
    expect_heard("", alice);
    followed("bob");
    store_tells(1, "away", false);
    const char *reply = heard(alice);
    expect_contains("[{\"user\":\"bob\"", reply);
    expect_contains("},{\"user\":\"carol\"", reply);
}

Test(watch, a_user_is_followed_once_whoever_watches)
{
    struct conn *carol = live(stage, "carol");
    watch_bob(alice, 1, "available");
    watch_bob(carol, 1, "available");
    cr_expect_str_eq(stage->store.following, "+bob ");
    bus_tells("bob", 2, "dnd");
    expect_heard("{\"type\":\"presence\"," BOB_IS("dnd") "1}", alice);
    expect_heard("{\"type\":\"presence\"," BOB_IS("dnd") "1}", carol);
}

Test(watch, a_change_is_told_once_and_an_older_one_not_at_all)
{
    watch_bob(alice, 5, "available");
    bus_tells("bob", 5, "away");
    bus_tells("bob", 4, "dnd");
    expect_heard("", alice);
    bus_tells("bob", 6, "away");
    bus_tells("bob", 6, "away");
    expect_heard("{\"type\":\"presence\"," BOB_IS("away") "1}", alice);
    expect_heard("", alice);
    bus_tells("carol", 7, "away");
    expect_heard("", alice);
}

Test(watch, what_changed_while_the_bus_was_cut_is_told_as_it_is_then)
{
    watch_bob(alice, 5, "available");
    followed("bob");
    store_tells(9, "dnd", false);
    expect_heard("{\"type\":\"presence\"," BOB_IS("dnd") "1}", alice);
    followed("bob");
    store_tells(12, "dnd", false);
    expect_heard("", alice);
}

Test(watch, a_state_that_could_not_be_had_is_asked_for_again)
{
    watch_bob(alice, 5, "available");
    followed("bob");
    fake_err(&stage->store, asked(stage, ASKED_PRESENCE_GET), ERR_UNAVAILABLE);
    expect_heard("", alice);
    stage_run_until_asked(stage, ASKED_PRESENCE_GET);
    store_tells(6, "away", false);
    expect_heard("{\"type\":\"presence\"," BOB_IS("away") "1}", alice);
}

Test(watch, a_list_that_the_store_does_not_know_begins_nothing)
{
    say(alice, "{\"type\":\"presence.watch\",\"id\":2,\"users\":[\"bob\"]}");
    followed("bob");
    fake_err(&stage->store, asked(stage, ASKED_PRESENCE_GET), ERR_UNAVAILABLE);
    expect_contains("\"code\":\"unavailable\"", heard(alice));
    cr_expect_str_eq(stage->store.following, "+bob -bob ");
    bus_tells("bob", 2, "away");
    expect_heard("", alice);
}

/* What somebody was told to have set may not have come by the bus. */
Test(watch, watching_again_asks_again_and_a_change_is_told_once_all_the_same)
{
    watch_bob(alice, 1, "available");
    say(alice, "{\"type\":\"presence.watch\",\"id\":4,\"users\":[\"bob\"]}");
    expect_heard("", alice);
    store_tells(2, "away", false);
    expect_heard("{\"type\":\"presence\"," BOB_IS("away") "1}", alice);
    expect_heard("{\"type\":\"ok\",\"id\":4,\"states\":[{" BOB_IS("away") "1}]}", alice);
    bus_tells("bob", 2, "away");
    expect_heard("", alice);
}

Test(watch, watching_again_that_the_store_does_not_answer_ends_no_watch)
{
    watch_bob(alice, 1, "available");
    say(alice, "{\"type\":\"presence.watch\",\"id\":4,\"users\":[\"bob\"]}");
    fake_err(&stage->store, asked(stage, ASKED_PRESENCE_GET), ERR_UNAVAILABLE);
    expect_contains("\"id\":4,\"code\":\"unavailable\"", heard(alice));
    bus_tells("bob", 2, "away");
    expect_heard("{\"type\":\"presence\"," BOB_IS("away") "1}", alice);
}

Test(watch, the_last_who_unwatches_ends_the_following)
{
    struct conn *carol = live(stage, "carol");
    watch_bob(alice, 1, "available");
    watch_bob(carol, 1, "available");
    say(alice, "{\"type\":\"presence.unwatch\",\"id\":4,\"users\":[\"bob\",\"nobody\"]}");
    expect_heard("{\"type\":\"ok\",\"id\":4}", alice);
    cr_expect_str_eq(stage->store.following, "+bob ");
    bus_tells("bob", 2, "away");
    expect_heard("", alice);
    expect_contains("away", heard(carol));
    conn_gone(carol);
    cr_expect_str_eq(stage->store.following, "+bob -bob ");
}

Test(watch, a_socket_that_goes_while_it_asks_is_forgotten)
{
    say(alice, "{\"type\":\"presence.watch\",\"id\":2,\"users\":[\"bob\"]}");
    followed("bob");
    conn_gone(alice);
    cr_expect_str_eq(stage->store.following, "+bob -bob ");
    store_tells(1, "available", false);
}

#define BOB_LEFT BOB_IS("offline") "0,\"last_seen_ms\":1234}"

Test(watch, to_one_who_is_blocked_the_user_went_offline_at_that_moment)
{
    watch_bob(alice, 5, "available");
    bus_blocks(true, "carol");
    expect_heard("", alice);
    bus_blocks(true, "alice");
    expect_heard("{\"type\":\"presence\"," BOB_LEFT, alice);
    bus_tells("bob", 6, "dnd");
    expect_heard("", alice);
    say(alice, "{\"type\":\"presence.watch\",\"id\":4,\"users\":[\"bob\"]}");
    store_tells(6, "dnd", true);
    expect_heard("{\"type\":\"ok\",\"id\":4,\"states\":[{" BOB_LEFT "]}", alice);
    bus_blocks(false, "alice");
    expect_heard("{\"type\":\"presence\"," BOB_IS("dnd") "1}", alice);
}

Test(watch, blocking_while_offline_tells_nothing)
{
    watch_bob(alice, 5, "offline");
    bus_blocks(true, "alice");
    bus_blocks(false, "alice");
    expect_heard("", alice);
}

Test(watch, an_answer_from_before_a_block_does_not_lift_it)
{
    watch_bob(alice, 5, "available");
    followed("bob");
    bus_blocks(true, "alice");
    expect_contains("offline", heard(alice));
    store_tells(6, "dnd", false);
    expect_heard("", alice);
}

static void two_at_most(struct signaling_settings *s)
{
    s->watches_max = 2;
}

Test(watch_limit, more_than_a_session_may_watch_begins_nothing)
{
    stage = stage_open(two_at_most);
    alice = live(stage, "alice");
    say(alice, "{\"type\":\"presence.watch\",\"id\":2,\"users\":[\"bob\",\"carol\",\"dave\"]}");
    expect_contains("\"code\":\"rate_limited\"", heard(alice));
    cr_expect_str_eq(stage->store.following, "");
    watch_bob(alice, 1, "available");
    say(alice, "{\"type\":\"presence.watch\",\"id\":4,\"users\":[\"bob\",\"carol\"]}");
    cr_expect_str_eq(stage->store.following, "+bob +carol ");
    stage_close(stage);
}

/* Somebody has heard of a change elsewhere, and looks. */
Test(watch, no_answer_is_older_than_its_request)
{
    watch_bob(alice, 5, "available");
    followed("bob");
    say(alice, "{\"type\":\"presence.watch\",\"id\":4,\"users\":[\"bob\"]}");
    store_tells(5, "available", false);
    expect_heard("", alice);
    store_tells(6, "away", false);
    expect_heard("{\"type\":\"presence\"," BOB_IS("away") "1}", alice);
    expect_heard("{\"type\":\"ok\",\"id\":4,\"states\":[{" BOB_IS("away") "1}]}", alice);
}
