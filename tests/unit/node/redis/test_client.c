#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/node/redis/redis_server.h"
#include "tests/unit/node/redis/rig.h"

static struct redis_server *server;
static struct rig *rig;

static void begin_with(const struct redis_settings *settings, const char *const *extra)
{
    server = redis_server_start(extra);
    rig = rig_create(redis_server_url(server), settings);
}

static void begin(void)
{
    begin_with(NULL, NULL);
}

static void finish(void)
{
    rig_destroy(rig);
    redis_server_stop(server);
}

static void expect_each_answered_once(void)
{
    for (size_t i = 0; i < rig->asked; i++) {
        cr_expect_eq(rig->answers[i].calls, 1, "command %zu: %d answers", i, rig->answers[i].calls);
        cr_expect_eq(rig->answers[i].order, i + 1, "command %zu came as number %zu", i, rig->answers[i].order);
    }
}

/** The number of the answer. Where the deadline is short it may be over before a busy machine has an answer: then the question is asked again. */
static size_t ask_until_ok(const char *text)
{
    size_t number = 0;
    size_t tries = 0;
    do {
        number = rig_ask(rig, text);
        rig_run_until(rig, rig_all_answered);
    } while (rig->answers[number].err != ERR_OK && ++tries < 30);
    cr_assert_eq(rig->answers[number].err, ERR_OK, "%s", text);
    return number;
}

static long long count_in_server(const char *key)
{
    struct redisReply *reply = redis_server_ask(server, "GET %s", key);
    long long n = reply->str ? strtoll(reply->str, NULL, 10) : 0;

    freeReplyObject(reply);
    return n;
}

static void do_in_server(const char *command)
{
    freeReplyObject(redis_server_ask(server, command));
}

Test(client, commands_queued_before_the_connection_are_answered_in_order)
{
    begin();
    cr_expect_not(redis_is_up(rig->client));
    for (int i = 0; i < 1000; i++) {
        rig_ask(rig, "INCR n");
    }
    cr_expect_eq(rig->answered, 0);
    rig_run_until(rig, rig_all_answered);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(rig->answers[i].err, ERR_OK);
        cr_assert_eq(rig->answers[i].integer, i + 1);
    }
    expect_each_answered_once();
    cr_expect_eq(rig->metrics.value[METRIC_STORE_COMMANDS], 1000);
    cr_expect_eq((int)rig->metrics.histogram[METRIC_STORE_SECONDS].count, 1000);
    finish();
}

Test(client, commands_of_one_turn_share_a_write)
{
    begin();
    rig_run_until(rig, rig_is_up);
    for (int i = 0; i < 10; i++) {
        rig_ask(rig, "INCR n");
    }
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->metrics.value[METRIC_STORE_COMMANDS], 10);
    cr_expect_eq(rig->metrics.value[METRIC_STORE_WRITES], 1);
    finish();
}

static void on_nested(void *context, enum err err, const struct redisReply *reply)
{
    cr_assert_eq(err, ERR_OK);
    cr_assert_eq(reply->type, REDIS_REPLY_ARRAY);
    cr_assert_eq(reply->elements, 4);
    cr_expect_eq(reply->element[0]->integer, 7);
    cr_expect_eq(reply->element[1]->type, REDIS_REPLY_NIL);
    cr_expect_str_eq(reply->element[2]->element[0]->element[0]->element[0]->element[0]->str, "deep");
    cr_expect_eq(reply->element[3]->elements, 0);
    ((struct rig *)context)->answered++;
}

Test(client, replies_of_each_kind_arrive)
{
    begin();
    size_t nil = rig_ask(rig, "GET nothing");
    size_t status = rig_ask(rig, "SET k v");
    size_t error = rig_ask(rig, "HGET k f");
    redis_command(rig->client,
                  (struct slice[]){SLICE("EVAL"), SLICE("return {7, false, {{{{'deep'}}}}, {}}"), SLICE("0")}, 3,
                  on_nested, rig);
    rig->asked++;
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[nil].type, REDIS_REPLY_NIL);
    cr_expect_eq(rig->answers[status].type, REDIS_REPLY_STATUS);
    cr_expect_eq(rig->answers[error].err, ERR_IO);
    cr_expect_eq(strncmp(rig->answers[error].text, "WRONGTYPE", 9), 0);
    cr_expect_eq(rig->metrics.value[METRIC_STORE_ERRORS], 1);
    finish();
}

Test(client, a_script_that_is_not_there_yet_counts_as_no_error)
{
    begin();
    size_t absent = rig_ask(rig, "EVALSHA ffffffffffffffffffffffffffffffffffffffff 0");
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[absent].err, ERR_IO);
    cr_expect_eq(strncmp(rig->answers[absent].text, "NOSCRIPT", 8), 0);
    cr_expect_eq(rig->metrics.value[METRIC_STORE_ERRORS], 0);
    finish();
}

Test(client, binary_and_empty_and_large_arguments_arrive_whole)
{
    size_t n = 3 * 1024 * 1024;
    char *large = malloc(n);
    begin();
    for (size_t i = 0; i < n; i++) {
        large[i] = (char)(i * 31 % 251);
    }
    rig_ask_args(rig, (struct slice[]){SLICE("SET"), SLICE("large"), {large, n}}, 3);
    rig_ask_args(rig, (struct slice[]){SLICE("SET"), SLICE("\0\r\n"), {NULL, 0}}, 3);
    rig_ask_args(rig, (struct slice[]){SLICE("GET"), SLICE("large")}, 2);
    size_t length = rig_ask_args(rig, (struct slice[]){SLICE("EXISTS"), SLICE("\0\r\n")}, 2);
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[length].integer, 1);
    struct redisReply *reply = redis_server_ask(server, "GET large");
    cr_assert_eq(reply->len, n);
    cr_expect_eq(memcmp(reply->str, large, n), 0);
    freeReplyObject(reply);
    free(large);
    finish();
}

Test(client, nobody_needs_to_want_the_answer)
{
    begin();
    redis_command(rig->client, (struct slice[]){SLICE("INCR"), SLICE("n")}, 2, NULL, NULL);
    size_t second = rig_ask(rig, "INCR n");
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[second].integer, 2);
    finish();
}

Test(client, commands_survive_a_killed_connection)
{
    begin();
    rig_run_until(rig, rig_is_up);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 200; i++) {
            rig_ask(rig, "INCR n");
        }
        uv_run(&rig->loop, UV_RUN_NOWAIT); /* written */
        do_in_server("CLIENT KILL TYPE normal");
        rig_run_until(rig, rig_all_answered);
    }
    for (size_t i = 0; i < rig->asked; i++) {
        cr_assert_eq(rig->answers[i].err, ERR_OK);
    }
    expect_each_answered_once();
    cr_expect_geq(count_in_server("n"), 1000, "a command was lost");
    cr_expect_geq(rig->metrics.value[METRIC_STORE_RECONNECTS], 1);
    finish();
}

Test(client, what_redis_had_not_answered_is_sent_again)
{
    begin();
    rig_run_until(rig, rig_is_up);
    redis_server_freeze(server);
    for (int i = 0; i < 10; i++) {
        rig_ask(rig, "INCR n");
    }
    rig_run_for(rig, 20);
    redis_server_kill(server);
    rig_run_until(rig, rig_is_down);
    redis_server_again(server);
    rig_run_until(rig, rig_all_answered);
    for (int i = 0; i < 10; i++) {
        cr_expect_eq(rig->answers[i].integer, i + 1);
    }
    expect_each_answered_once();
    cr_expect_eq(rig->metrics.value[METRIC_STORE_RESENT], 10);
    finish();
}

Test(client, without_redis_a_command_is_unavailable_at_its_deadline_and_not_sent_later)
{
    begin_with(&(struct redis_settings){.command_timeout_ms = 200}, NULL);
    rig_run_until(rig, rig_is_up);
    redis_server_kill(server);
    rig_run_until(rig, rig_is_down);
    for (int i = 0; i < 5; i++) {
        rig_ask(rig, "INCR late");
    }
    rig_run_until(rig, rig_all_answered);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(rig->answers[i].err, ERR_UNAVAILABLE);
    }
    cr_expect_eq(rig->metrics.value[METRIC_STORE_TIMEOUTS], 5);
    redis_server_again(server);
    rig_run_until(rig, rig_is_up);
    ask_until_ok("INCR n");
    cr_expect_eq(count_in_server("late"), 0);
    expect_each_answered_once();
    finish();
}

Test(client, a_frozen_redis_makes_unavailable_and_then_all_is_well)
{
    begin_with(&(struct redis_settings){.command_timeout_ms = 300, .connect_timeout_ms = 100}, NULL);
    rig_run_until(rig, rig_is_up);
    redis_server_freeze(server);
    for (int i = 0; i < 20; i++) {
        rig_ask(rig, "ECHO early");
    }
    rig_run_until(rig, rig_all_answered);
    for (int i = 0; i < 20; i++) {
        cr_expect_eq(rig->answers[i].err, ERR_UNAVAILABLE);
    }
    cr_expect_not(redis_is_up(rig->client), "silence was not noticed");
    redis_server_thaw(server);
    rig_run_until(rig, rig_is_up);
    cr_expect_str_eq(rig->answers[ask_until_ok("ECHO after")].text, "after");
    rig_run_for(rig, 100);
    expect_each_answered_once();
    finish();
}

Test(client, too_many_commands_are_refused_at_once)
{
    begin_with(&(struct redis_settings){.pending_max = 10}, NULL);
    for (int i = 0; i < 12; i++) {
        rig_ask(rig, "INCR n");
    }
    cr_expect_eq(rig->answered, 2);
    cr_expect_eq(rig->answers[10].err, ERR_UNAVAILABLE);
    cr_expect_eq(rig->answers[11].err, ERR_UNAVAILABLE);
    rig_run_until(rig, rig_all_answered);
    size_t again = rig_ask(rig, "INCR n");
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[again].integer, 11);
    finish();
}

Test(client, too_many_bytes_are_refused_at_once)
{
    char block[600] = {0};
    struct slice args[] = {SLICE("APPEND"), SLICE("k"), {block, sizeof block}};
    begin_with(&(struct redis_settings){.pending_bytes_max = 2048}, NULL);
    for (int i = 0; i < 4; i++) {
        rig_ask_args(rig, args, 3);
    }
    cr_expect_eq(rig->answered, 1);
    cr_expect_eq(rig->answers[3].err, ERR_UNAVAILABLE);
    for (int round = 0; round < 50; round++) {
        rig_run_until(rig, rig_all_answered);
        size_t one = rig_ask_args(rig, args, 3);
        rig_run_until(rig, rig_all_answered);
        cr_assert_eq(rig->answers[one].err, ERR_OK);
        cr_assert_eq(rig->answers[one].integer, (4 + round) * 600);
    }
    finish();
}

struct again {
    struct rig *rig;
    int calls;
    bool destroy;
};

static void on_answer_ask_again(void *context, enum err err, const struct redisReply *reply)
{
    struct again *again = context;
    (void)reply;
    if (again->calls++ < 100) {
        cr_expect_eq(err, ERR_UNAVAILABLE);
        redis_command(again->rig->client, (struct slice[]){SLICE("PING")}, 1, on_answer_ask_again, again);
    }
}

Test(client, destroying_answers_all_inside_the_call_and_refuses_new_commands)
{
    begin();
    struct again again = {.rig = rig};
    rig_run_until(rig, rig_is_up);
    redis_command(rig->client, (struct slice[]){SLICE("PING")}, 1, on_answer_ask_again, &again);
    for (int i = 0; i < 50; i++) {
        rig_ask(rig, "PING");
    }
    redis_client_destroy(rig->client);
    rig->client = NULL;
    cr_expect_eq(again.calls, 101);
    cr_expect_eq(rig->answered, 50);
    for (int i = 0; i < 50; i++) {
        cr_expect_eq(rig->answers[i].err, ERR_UNAVAILABLE);
        cr_expect_eq(rig->answers[i].calls, 1);
    }
    finish();
}

static void on_answer_destroy(void *context, enum err err, const struct redisReply *reply)
{
    struct rig *r = context;
    cr_expect_eq(err, ERR_OK);
    cr_expect_eq(reply->type, REDIS_REPLY_STATUS);
    redis_client_destroy(r->client);
    cr_expect_str_eq(reply->str, "PONG", "the reply ended before its call");
    r->client = NULL;
}

static bool is_destroyed(struct rig *r)
{
    return r->client == NULL;
}

Test(client, an_answer_may_destroy_the_client)
{
    begin();
    redis_command(rig->client, (struct slice[]){SLICE("PING")}, 1, on_answer_destroy, rig);
    rig_ask(rig, "PING");
    rig_ask(rig, "PING");
    rig_run_until(rig, is_destroyed);
    cr_expect_eq(rig->answered, 2);
    cr_expect_eq(rig->answers[1].err, ERR_UNAVAILABLE);
    finish();
}

static void on_answer_count_down(void *context, enum err err, const struct redisReply *reply)
{
    struct again *again = context;
    (void)reply;
    cr_expect_eq(err, ERR_OK);
    if (++again->calls < 100) {
        redis_command(again->rig->client, (struct slice[]){SLICE("PING")}, 1, on_answer_count_down, again);
    } else {
        again->rig->answered++;
    }
}

Test(client, an_answer_may_ask_again)
{
    begin();
    struct again again = {.rig = rig};
    rig->asked++;
    redis_command(rig->client, (struct slice[]){SLICE("PING")}, 1, on_answer_count_down, &again);
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(again.calls, 100);
    finish();
}

Test(client, a_login_and_a_database_are_used)
{
    static const char *const extra[] = {"--requirepass", "s3cret", NULL};
    char url[200];
    server = redis_server_start(extra);
    snprintf(url, sizeof url, "%s?db=3", redis_server_url(server));
    rig = rig_create(url, &(struct redis_settings){.command_timeout_ms = 300, .backoff_max_ms = 20});
    size_t refused = rig_ask(rig, "SET k v");
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[refused].err, ERR_UNAVAILABLE);
    cr_expect_not(redis_is_up(rig->client));
    /* The URL for sockets has no place for a password; the client takes it all the same, at the next attempt. */
    rig->url.password = slice_dup(SLICE("s3cret"));
    ask_until_ok("SET k v");
    ask_until_ok("CLIENT INFO");
    ask_until_ok("SELECT 3");
    cr_expect_eq(rig->answers[ask_until_ok("EXISTS k")].integer, 1);
    finish();
}

Test(client, a_wrong_password_is_no_connection)
{
    static const char *const extra[] = {"--requirepass", "s3cret", NULL};
    begin_with(&(struct redis_settings){.command_timeout_ms = 200}, extra);
    rig->url.password = slice_dup(SLICE("wrong"));
    rig_ask(rig, "PING");
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[0].err, ERR_UNAVAILABLE);
    finish();
}
