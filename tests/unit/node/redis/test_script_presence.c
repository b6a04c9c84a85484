#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/node/redis/lab_private.h"

/* include/presence.lua, presence_set, presence_get, block_set: what others may see of a user, told once */

static struct lab *lab;

static void begin(void)
{
    lab = lab_open();
    struct key channel = key_watch(SESSIONS_AT, SLICE("alice"));
    freeReplyObject(redisCommand(lab->bus, "SSUBSCRIBE %s", channel.text));
}

static void finish(void)
{
    lab_close(lab);
}

TestSuite(script_presence, .init = begin, .fini = finish);

static const char *field(const char *name)
{
    struct key key = key_presence(SESSIONS_AT, SLICE("alice"));
    return lab_ask(lab, "HGET %s %s", key.text, name);
}

static uint64_t rev(void)
{
    uint64_t n = 0;
    cr_assert(slice_to_u64(slice_of(field("rev")), &n));
    return n;
}

/* ms; -1: for ever */
static long long time_left(void)
{
    struct key key = key_presence(SESSIONS_AT, SLICE("alice"));
    lab_ask(lab, "PTTL %s", key.text);
    return lab_reply(lab)->integer;
}

static const char *set(const char *who, unsigned epoch, unsigned request, const char *status, const char *note)
{
    struct person p = lab_person(who);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&p.session));
    args_key(&a, key_replies(&p.session));
    put_presence_prefixes(&a, SESSIONS_AT);
    args_put(&a, slice_of(p.user));
    args_u64(&a, epoch);
    args_put(&a, slice_of(status));
    args_put(&a, slice_of(note));
    args_u64(&a, request);
    args_put(&a, SLICE("reply"));
    args_u64(&a, 16);
    return lab_run(lab, SCRIPT_PRESENCE_SET, &a);
}

/* For bob and carol. */
static const char *get(void)
{
    struct script_args a;
    args_init(&a);
    args_key(&a, key_presence(SESSIONS_AT, SLICE("alice")));
    args_key(&a, key_blocks(SESSIONS_AT, SLICE("alice")));
    args_put(&a, SLICE("bob"));
    args_put(&a, SLICE("carol"));
    return lab_run(lab, SCRIPT_PRESENCE_GET, &a);
}

static const char *block(unsigned request, const char *users)
{
    struct id session = lab_session("alice");
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&session));
    args_key(&a, key_replies(&session));
    args_key(&a, key_blocks(SESSIONS_AT, SLICE("alice")));
    args_key(&a, key_watch(SESSIONS_AT, SLICE("alice")));
    args_key(&a, key_presence(SESSIONS_AT, SLICE("alice")));
    args_u64(&a, 1);
    args_u64(&a, request);
    args_put(&a, SLICE("reply"));
    args_u64(&a, 16);
    args_put(&a, slice_of(users));
    args_put(&a, SLICE("alice"));
    return lab_run(lab, SCRIPT_BLOCK_SET, &a);
}

static void expect_heard(const char *envelope)
{
    lab_expect(envelope, lab_heard(lab));
    lab_expect("", lab_heard(lab));
}

static void sit(const char *who, const char *call, unsigned version, char mark)
{
    const struct lab_entry entry = {.version = version, .mark = mark, .seats = "1=alice;", .event = "e"};
    lab_expect("ok", lab_deliver(lab, who, call, (struct lab_delivery){.entries = &entry, .count = 1}));
}

/* ---- online ---- */

Test(script_presence, a_user_is_online_with_the_first_device_and_offline_without_the_last)
{
    lab_session_create(lab, "alice", NULL);
    expect_heard("presence alice available 1 ");
    lab_session_create(lab, "alice/laptop", NULL);
    expect_heard("presence alice available 2 ");
    lab_session_end(lab, "alice", 1);
    expect_heard("presence alice available 1 ");
    lab_session_end(lab, "alice/laptop", 1);
    expect_heard("presence alice offline 0 seen ");
}

Test(script_presence, what_is_sent_again_is_told_once)
{
    lab_session_create(lab, "alice", NULL);
    lab_session_create(lab, "alice", NULL);
    expect_heard("presence alice available 1 ");
    lab_session_end(lab, "alice", 1);
    lab_session_end(lab, "alice", 1);
    expect_heard("presence alice offline 0 seen ");
}

Test(script_presence, a_device_that_comes_anew_or_loses_its_socket_changes_nothing)
{
    lab_session_create(lab, "alice", NULL);
    lab_heard(lab);
    lab_session_create(lab, "alice#2", "alice");
    lab_session_detach(lab, "alice#2", 1);
    lab_session_attach(lab, "alice#2", 0);
    expect_heard("");
}

Test(script_presence, a_superseded_session_alone_is_nobody)
{
    lab_session_create(lab, "alice", NULL);
    lab_session_create(lab, "alice#2", "alice");
    lab_heard(lab);
    lab_session_end(lab, "alice#2", 1);
    expect_heard("presence alice offline 0 seen ");
}

Test(script_presence, each_rev_is_higher_also_when_the_hash_was_gone)
{
    lab_session_create(lab, "alice", NULL);
    uint64_t first = rev();
    set("alice", 1, 1, "away", "");
    uint64_t second = rev();
    cr_expect_gt(second, first);
    struct key key = key_presence(SESSIONS_AT, SLICE("alice"));
    lab_ask(lab, "DEL %s", key.text);
    lab_ask(lab, "BLPOP nothing 0.01"); /* the clock goes on */
    set("alice", 1, 2, "dnd", "");
    cr_expect_gt(rev(), second);
}

Test(script_presence, it_is_kept_for_seven_days_from_the_last_device_on)
{
    lab_session_create(lab, "alice", NULL);
    set("alice", 1, 1, "away", "gone fishing");
    cr_expect_eq(time_left(), -1);
    lab_session_end(lab, "alice", 1);
    cr_expect_gt(time_left(), 6 * 24 * 3600 * 1000LL);
    lab_session_create(lab, "alice#2", NULL);
    cr_expect_eq(time_left(), -1);
    for (int i = 0; i < 3; i++)
        lab_heard(lab);
    expect_heard("presence alice away 1 gone fishing");
}

/* ---- in a call ---- */

Test(script_presence, in_call_begins_with_the_first_seat_and_ends_with_the_last)
{
    lab_session_create(lab, "alice", NULL);
    lab_heard(lab);
    sit("alice", "one", 1, '*');
    expect_heard("presence alice available 1 in_call ");
    sit("alice", "two", 1, '*');
    sit("alice", "one", 2, '!');
    expect_heard("");
    sit("alice", "two", 2, '!');
    expect_heard("presence alice available 1 ");
    lab_expect("0", field("seats"));
}

Test(script_presence, a_session_that_ends_gives_its_seats_back_once)
{
    lab_session_create(lab, "alice", NULL);
    lab_session_create(lab, "alice/laptop", NULL);
    sit("alice", "one", 1, '*');
    sit("alice", "two", 1, '*');
    sit("alice/laptop", "three", 1, '*');
    lab_expect("3", field("seats"));
    lab_session_end(lab, "alice", 1);
    lab_session_end(lab, "alice", 1);
    lab_expect("1", field("seats"));
    const struct lab_entry left = {.version = 2, .mark = '!', .event = "e"};
    lab_expect("gone", lab_deliver(lab, "alice", "one", (struct lab_delivery){.entries = &left, .count = 1}));
    lab_expect("1", field("seats"));
}

Test(script_presence, a_superseded_session_keeps_its_seats_until_it_ends)
{
    lab_session_create(lab, "alice", NULL);
    sit("alice", "one", 1, '*');
    lab_session_create(lab, "alice#2", "alice");
    lab_expect("1", field("seats"));
    sit("alice#2", "one", 2, '*');
    lab_expect("2", field("seats"));
    const struct lab_entry out = {.version = 2, .mark = '~', .event = "e"};
    lab_deliver(lab, "alice", "one", (struct lab_delivery){.entries = &out, .count = 1});
    lab_expect("1", field("seats"));
}

/* How many seats a user may hold counts them too. */
Test(script_presence, seats_of_one_who_is_invisible_are_counted)
{
    lab_session_create(lab, "alice", NULL);
    set("alice", 1, 1, "invisible", "");
    sit("alice", "one", 1, '*');
    lab_expect("1", field("seats"));
    sit("alice", "two", 1, '*');
    lab_expect("2", field("seats"));
    sit("alice", "one", 2, '!');
    sit("alice", "two", 2, '!');
    lab_expect("0", field("seats"));
}

/* ---- the own word ---- */

Test(script_presence, a_word_that_changes_nothing_is_not_told)
{
    lab_session_create(lab, "alice", NULL);
    lab_heard(lab);
    lab_expect("ok", set("alice", 1, 1, "available", ""));
    expect_heard("");
    lab_expect("ok", set("alice", 1, 2, "dnd", "a note"));
    expect_heard("presence alice dnd 1 a note");
    lab_expect("ok", set("alice", 1, 3, "dnd", "a note"));
    expect_heard("");
}

Test(script_presence, a_request_has_its_effect_once)
{
    lab_session_create(lab, "alice", NULL);
    lab_session_create(lab, "alice/laptop", NULL);
    set("alice", 1, 5, "away", "");
    set("alice/laptop", 1, 1, "dnd", "");
    lab_expect("ok", set("alice", 1, 5, "away", ""));
    lab_expect("dnd", field("status"));
}

Test(script_presence, an_older_attach_and_a_session_that_is_over_say_nothing)
{
    lab_session_create(lab, "alice", NULL);
    lab_session_attach(lab, "alice", 0);
    lab_expect("stale", set("alice", 1, 1, "away", ""));
    lab_session_end(lab, "alice", 2);
    lab_expect("stale", set("alice", 2, 1, "away", ""));
    lab_expect("nil", field("status"));
}

Test(script_presence, an_older_attach_is_not_told_of_seats_that_it_might_fill)
{
    lab_expect("ok 0", lab_user_seats(lab, "alice", 1));
    lab_session_create(lab, "alice", NULL);
    lab_session_attach(lab, "alice", 0);
    lab_expect("stale", lab_user_seats(lab, "alice", 1));
    lab_expect("ok 0", lab_user_seats(lab, "alice", 2));
}

Test(script_presence, an_invisible_user_looks_as_if_gone_then_and_shows_nothing_more)
{
    lab_session_create(lab, "alice", NULL);
    lab_heard(lab);
    set("alice", 1, 1, "invisible", "a note");
    expect_heard("presence alice offline 0 seen ");
    char seen[256];
    snprintf(seen, sizeof seen, "%s", get());
    sit("alice", "one", 1, '*');
    lab_session_create(lab, "alice/laptop", NULL);
    set("alice", 1, 2, "invisible", "another");
    lab_session_end(lab, "alice", 1);
    lab_session_end(lab, "alice/laptop", 1);
    lab_session_create(lab, "alice#2", NULL);
    expect_heard("");
    lab_expect(seen, get());
    set("alice#2", 1, 1, "away", "");
    expect_heard("presence alice away 1 ");
}

/* ---- asking ---- */

Test(script_presence, who_was_never_there_is_offline)
{
    lab_expect("ok 0 offline 0 0 0 \"\" [0 0]", get());
}

Test(script_presence, an_answer_has_what_was_told_last_and_its_rev)
{
    char expected[128];
    lab_session_create(lab, "alice", NULL);
    set("alice", 1, 1, "away", "note");
    sit("alice", "one", 1, '*');
    snprintf(expected, sizeof expected, "ok %llu away 1 1 0 note [0 0]", (unsigned long long)rev());
    lab_expect(expected, get());
}

/* ---- blocks ---- */

/* The next word is about these, who are blocked; when they saw the user go is checked by the way. */
static void expect_blocks(const char *names)
{
    static const char head[] = "blocks alice ";
    const char *word = lab_heard(lab);
    char *rest = NULL;
    cr_assert_eq(strncmp(word, head, sizeof head - 1), 0, "%s", word);
    cr_expect_gt(strtoull(word + sizeof head - 1, &rest, 10), 1);
    lab_expect(names, rest);
}

/* When the user was last there for carol; 0: she is not blocked. */
static uint64_t seen_by_carol(void)
{
    const char *list = strchr(get(), '[');
    cr_assert(list);
    return strtoull(strchr(list, ' '), NULL, 10);
}

Test(script_presence, those_are_named_who_are_blocked_now_and_those_who_are_no_more)
{
    lab_session_create(lab, "alice", NULL);
    lab_heard(lab);
    lab_expect("ok", block(1, "bob\ncarol\nbob\n"));
    expect_blocks(" [bob carol] \"\"");
    uint64_t since = seen_by_carol();
    cr_expect_gt(since, 1);
    lab_expect("ok", block(2, "carol\ndave\n"));
    expect_blocks(" [dave] \"\"");
    expect_heard("blocks alice 0 [bob] \"\"");
    cr_expect(strstr(get(), "[0 1"));
    cr_expect_eq(seen_by_carol(), since, "whoever was blocked before saw the user go then");
    lab_expect("ok", block(1, "eve\n"));
    expect_heard("");
}

Test(script_presence, to_one_who_is_blocked_a_user_who_looks_offline_went_when_all_saw_it)
{
    lab_session_create(lab, "alice", NULL);
    set("alice", 1, 1, "invisible", "");
    const char *state = strstr(get(), "offline 0 0 ");
    cr_assert(state);
    uint64_t seen = strtoull(state + strlen("offline 0 0 "), NULL, 10);
    cr_expect_gt(seen, 1);
    block(2, "carol\n");
    set("alice", 1, 3, "available", "");
    set("alice", 1, 4, "invisible", "");
    cr_expect_eq(seen_by_carol(), seen);
}

Test(script_presence, when_a_user_was_last_there_is_forgotten_for_one_who_is_blocked_as_for_all)
{
    struct key presence = key_presence(SESSIONS_AT, SLICE("alice"));
    lab_session_create(lab, "alice", NULL);
    block(1, "carol\n");
    lab_ask(lab, "HINCRBY %s blocked:carol -604801000", presence.text);
    cr_expect_eq(seen_by_carol(), 1);
    block(2, "");
    lab_expect("0", lab_ask(lab, "HEXISTS %s blocked:carol", presence.text));
}

Test(script_presence, a_long_list_of_blocked_users_goes_in_parts)
{
    char users[4096] = "";
    lab_session_create(lab, "alice", NULL);
    lab_heard(lab);
    for (int i = 0; i < 130; i++)
        snprintf(users + strlen(users), sizeof users - strlen(users), "u%d\n", i);
    block(1, users);
    size_t named = 0;
    for (int i = 0; i < 3; i++) {
        for (const char *p = lab_heard(lab); (p = strchr(p, 'u')); p++)
            named++;
    }
    cr_expect_eq(named, 130);
    expect_heard("");
}
