#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/wire/envelope.h"
#include "tests/unit/node/redis/lab_private.h"

/* block_set, limit_charge, and the limits of call_create: what all devices of a user share */

static struct lab *lab;

static void begin(void)
{
    lab = lab_open();
}

static void finish(void)
{
    lab_close(lab);
}

TestSuite(script_people, .init = begin, .fini = finish);

/* ---- blocks ---- */

static const char *block_in(unsigned epoch, const char *who, unsigned request, const char *users)
{
    struct person p = lab_person(who);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&p.session));
    args_key(&a, key_replies(&p.session));
    args_key(&a, key_blocks(SESSIONS_AT, slice_of(p.user)));
    args_key(&a, key_watch(SESSIONS_AT, slice_of(p.user)));
    args_key(&a, key_presence(SESSIONS_AT, slice_of(p.user)));
    args_u64(&a, epoch);
    args_u64(&a, request);
    args_put(&a, lab_body(lab, "ok"));
    args_u64(&a, lab_limits(lab)->replies_kept);
    args_put(&a, slice_of(users));
    args_put(&a, slice_of(p.user));
    return lab_run(lab, SCRIPT_BLOCK_SET, &a);
}

static const char *block(const char *who, unsigned request, const char *users)
{
    return block_in(1, who, request, users);
}

static const char *blocks(const char *user)
{
    struct key key = key_blocks(SESSIONS_AT, slice_of(user));
    return lab_ask(lab, "SORT %s ALPHA", key.text);
}

static void watch(const char *user)
{
    struct key key = key_watch(SESSIONS_AT, slice_of(user));
    freeReplyObject(redisCommand(lab->bus, "SSUBSCRIBE %s", key.text));
}

Test(script_people, a_list_of_blocks_replaces_the_one_before)
{
    lab_session_create(lab, "bob", NULL);
    lab_expect("ok", block("bob", 2, "mallory\neve\nmallory\n"));
    lab_expect("eve mallory", blocks("bob"));
    lab_expect("ok", block("bob", 3, "trudy\n"));
    lab_expect("trudy", blocks("bob"));
    lab_expect("ok", block("bob", 4, ""));
    lab_expect("", blocks("bob"));
}

Test(script_people, the_same_request_again_leaves_alone_what_another_device_has_set_since)
{
    lab_session_create(lab, "bob", NULL);
    lab_session_create(lab, "bob/laptop", NULL);
    block("bob", 2, "mallory\n");
    block("bob/laptop", 2, "eve\n");
    lab_expect("ok", block("bob", 2, "mallory\n"));
    lab_expect("eve", blocks("bob"));
    struct id bob = lab_session("bob");
    struct key replies = key_replies(&bob);
    lab_expect("1", lab_ask(lab, "XLEN %s", replies.text));
}

Test(script_people, an_older_attach_and_a_session_that_is_over_block_nobody)
{
    lab_session_create(lab, "bob", NULL);
    lab_session_attach(lab, "bob", 0);
    lab_expect("stale", block_in(1, "bob", 2, "eve\n"));
    lab_expect("ok", block_in(2, "bob", 2, "mallory\n"));
    lab_expect("mallory", blocks("bob"));
    lab_expect("stale", block_in(1, "carol", 2, "eve\n"));
    lab_expect("", blocks("carol"));
}

Test(script_people, whoever_is_blocked_cannot_reach_the_user)
{
    lab_session_create(lab, "bob", NULL);
    block("bob", 2, "mallory\n");
    lab_expect("ok \"\"", lab_user_reach(lab, "bob", "mallory"));
    lab_expect("ok ringing", lab_user_reach(lab, "bob", "alice"));
    block("bob", 3, "");
    lab_expect("ok ringing", lab_user_reach(lab, "bob", "mallory"));
}

/* The next on the bus; false when there is none. */
static bool next_envelope(struct envelope *e, redisReply **ret_reply)
{
    struct pollfd fd = {.fd = lab->bus->fd, .events = POLLIN};
    void *reply = NULL;
    freeReplyObject(
        redisCommand(lab->redis, "PING")); /* what was published before is on its way once this is answered */
    cr_assert_eq(redisGetReplyFromReader(lab->bus, &reply), REDIS_OK);
    if (!reply && poll(&fd, 1, 0) == 1)
        cr_assert_eq(redisGetReply(lab->bus, &reply), REDIS_OK);
    *ret_reply = reply;
    return reply &&
           envelope_read(slice_make((*ret_reply)->element[2]->str, (*ret_reply)->element[2]->len), e) == ERR_OK;
}

/* The next word about blocks, whenever they were set: "bob 1 eve mallory"; "" when there is none. */
static const char *told(void)
{
    static char text[4096];
    struct envelope e;
    redisReply *reply = NULL;
    text[0] = '\0';
    while (!text[0] && next_envelope(&e, &reply)) {
        size_t n = 0;
        if (e.kind == ENVELOPE_BLOCKS)
            n = (size_t)snprintf(text, sizeof text, "%.*s %llu", SLICE_FMT(e.subject), e.number > 0 ? 1ULL : 0ULL);
        for (size_t i = 0; n && i < e.count; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, " %.*s", SLICE_FMT(e.bodies[i]));
        freeReplyObject(reply);
    }
    return text;
}

Test(script_people, who_watches_the_user_is_told_of_changes_only)
{
    watch("bob");
    lab_session_create(lab, "bob", NULL);
    block("bob", 2, "eve\n");
    lab_expect("bob 1 eve", told());
    block("bob", 3, "eve\nmallory\n");
    lab_expect("bob 1 mallory", told());
    block("bob", 4, "mallory\n");
    lab_expect("bob 0 eve", told());
    block("bob", 5, "mallory\n");
    lab_expect("", told());
}

/* ---- wrong ids ---- */

static const char *guess(const char *who, unsigned request, unsigned per_minute)
{
    struct person p = lab_person(who);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_limits(SESSIONS_AT, slice_of(p.user)));
    args_u64(&a, per_minute);
    args_put(&a, id_slice(&p.session));
    args_u64(&a, request);
    args_put(&a, SLICE("wrong_ids"));
    return lab_run(lab, SCRIPT_LIMIT_CHARGE, &a);
}

static const char *expires_in(const char *user)
{
    struct key key = key_limits(SESSIONS_AT, slice_of(user));
    return lab_ask(lab, "PTTL %s", key.text);
}

Test(script_people, a_minute_holds_so_many_wrong_ids_of_all_devices)
{
    lab_expect("ok", guess("mallory", 2, 3));
    lab_expect("ok", guess("mallory/laptop", 2, 3));
    lab_expect("ok", guess("mallory", 3, 3));
    lab_expect_word("rate_limited", guess("mallory", 4, 3));
    cr_expect(lab_number(lab, 1) > 15000 && lab_number(lab, 1) <= 20000, "a third of a minute");
    lab_expect_word("rate_limited", guess("mallory/laptop", 5, 3));
    lab_expect("ok", guess("eve", 2, 3));
}

Test(script_people, the_same_wrong_id_again_is_charged_once)
{
    for (int i = 0; i < 5; i++)
        lab_expect("ok", guess("mallory", 2, 2));
    lab_expect("ok", guess("mallory", 3, 2));
    lab_expect_word("rate_limited", guess("mallory", 4, 2));
}

Test(script_people, every_limit_that_is_allowed_gives_a_minutes_worth_at_once)
{
    static const unsigned limits[] = {1, 7, 59, 61, 1000};
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        char who[32];
        snprintf(who, sizeof who, "user%zu", i);
        for (unsigned request = 2; request < 2 + limits[i]; request++)
            lab_expect("ok", guess(who, request, limits[i]));
        if (limits[i] <= 61)
            lab_expect_word("rate_limited", guess(who, 2 + limits[i], limits[i]));
    }
}

Test(script_people, limits_go_by_themselves_within_a_minute)
{
    guess("mallory", 2, 3);
    long long ms = atoll(expires_in("mallory"));
    cr_expect(ms > 50000 && ms <= 60000, "%lld", ms);
}

/* A clock that was set back must not lock anybody out for long. */
Test(script_people, a_bucket_from_the_future_is_forgotten_within_a_minute)
{
    struct key key = key_limits(SESSIONS_AT, SLICE("mallory"));
    guess("mallory", 2, 3);
    lab_ask(lab, "HSET %s wrong_ids 99999999999999", key.text);
    lab_expect_word("rate_limited", guess("mallory", 3, 3));
    cr_expect(atoll(expires_in("mallory")) <= 60000);
}

/* ---- starts and seats ---- */

static const char *start(const char *call, const char *who)
{
    return lab_call_create(lab, call, who, (struct lab_offer){.seats = 2, .room = true});
}

Test(script_people, a_minute_holds_so_many_starts_of_all_devices)
{
    lab_limits(lab)->starts_per_minute = 2;
    lab_expect_word("ok", start("one", "alice"));
    lab_expect_word("ok", start("two", "alice/laptop"));
    lab_expect_word("rate_limited", start("three", "alice"));
    cr_expect(lab_number(lab, 1) > 25000 && lab_number(lab, 1) <= 30000);
    lab_expect_word("rate_limited", start("four", "alice/laptop"));
    lab_expect_word("ok", start("five", "bob"));
}

Test(script_people, the_same_start_again_is_charged_once)
{
    lab_limits(lab)->starts_per_minute = 2;
    for (int i = 0; i < 5; i++)
        lab_expect_word("ok", start("one", "alice"));
    lab_expect_word("ok", start("two", "alice"));
    lab_expect_word("ok", start("one", "alice"));
    lab_expect_word("rate_limited", start("three", "alice"));
}

Test(script_people, a_start_that_is_refused_leaves_nothing)
{
    lab_limits(lab)->starts_per_minute = 1;
    start("one", "alice");
    const char *before = lab_ask(lab, "DBSIZE");
    lab_expect_word("rate_limited", start("two", "alice"));
    lab_expect(before, lab_ask(lab, "DBSIZE"));
    struct id two = lab_call("two");
    struct key key = key_call(&two);
    lab_expect("0", lab_ask(lab, "EXISTS %s", key.text));
}

Test(script_people, who_holds_as_many_seats_as_one_may_starts_no_call_and_is_charged_for_none)
{
    struct key presence = key_presence(SESSIONS_AT, SLICE("alice"));
    struct key limits = key_limits(SESSIONS_AT, SLICE("alice"));
    lab_limits(lab)->seats_max = 2;
    lab_ask(lab, "HSET %s seats 2", presence.text);
    lab_expect("rate_limited 1000 seats", start("one", "alice"));
    lab_expect("0", lab_ask(lab, "EXISTS %s", limits.text));
    lab_ask(lab, "HSET %s seats 1", presence.text);
    lab_expect_word("ok", start("one", "alice"));
    lab_ask(lab, "HSET %s seats 2", presence.text);
    lab_expect_word("ok", start("one", "alice"));
}
