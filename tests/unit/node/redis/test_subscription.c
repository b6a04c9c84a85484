#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/node/redis/redis_server.h"
#include "tests/unit/node/redis/rig.h"

static struct redis_server *server;
static struct rig *rig;

static void begin(void)
{
    server = redis_server_start(NULL);
    rig = rig_create(redis_server_url(server), NULL);
}

static void finish(void)
{
    rig_destroy(rig);
    redis_server_stop(server);
}

static long long publish(const char *channel, const char *text)
{
    struct redisReply *reply = redis_server_ask(server, "SPUBLISH %s %s", channel, text);
    long long receivers = reply->integer;

    freeReplyObject(reply);
    return receivers;
}

static void do_in_server(const char *command)
{
    freeReplyObject(redis_server_ask(server, command));
}

static bool has_message(struct rig *r)
{
    return r->messages > 0;
}

static bool was_unsubscribed(struct rig *r)
{
    return r->unsubscribed > 0;
}

static bool was_subscribed_twice(struct rig *r)
{
    return r->subscribed == 2;
}

Test(subscription, messages_arrive_once_all_channels_are_confirmed)
{
    begin();
    for (int i = 0; i < 64; i++) {
        char channel[32];
        snprintf(channel, sizeof channel, "{%02d}:node:x", i);
        redis_subscribe(rig->client, slice_of(channel));
    }
    cr_expect_not(redis_is_subscribed(rig->client));
    rig_run_until(rig, rig_is_subscribed);
    cr_expect_eq(rig->subscribed, 1);
    cr_expect_eq(publish("{63}:node:x", "hello"), 1);
    rig_run_until(rig, has_message);
    cr_expect_str_eq(rig->last_channel, "{63}:node:x");
    cr_expect_str_eq(rig->last_message, "hello");
    cr_expect_eq(publish("{64}:node:x", "hello"), 0);
    finish();
}

Test(subscription, a_killed_connection_is_told_and_renewed)
{
    begin();
    redis_subscribe(rig->client, SLICE("{1}:a"));
    redis_subscribe(rig->client, SLICE("{2}:b"));
    rig_run_until(rig, rig_is_subscribed);
    do_in_server("CLIENT KILL TYPE pubsub");
    rig_run_until(rig, was_unsubscribed);
    cr_expect_not(redis_is_subscribed(rig->client));
    cr_expect_eq(rig->subscribed, 1);
    rig_run_until(rig, was_subscribed_twice);
    cr_expect_eq(rig->unsubscribed, 1);
    cr_expect_eq(publish("{2}:b", "again"), 1);
    rig_run_until(rig, has_message);
    finish();
}

Test(subscription, a_channel_may_come_later_and_twice)
{
    begin();
    redis_subscribe(rig->client, SLICE("{1}:a"));
    rig_run_until(rig, rig_is_subscribed);
    redis_subscribe(rig->client, SLICE("{1}:a"));
    cr_expect(redis_is_subscribed(rig->client));
    redis_subscribe(rig->client, SLICE("{2}:b"));
    cr_expect_not(redis_is_subscribed(rig->client));
    rig_run_until(rig, rig_is_subscribed);
    cr_expect_eq(rig->subscribed, 2);
    cr_expect_eq(publish("{2}:b", "later"), 1);
    rig_run_until(rig, has_message);
    finish();
}

Test(subscription, a_reader_too_slow_for_redis_is_cut_off_and_comes_back)
{
    begin();
    freeReplyObject(redis_server_ask(server, "CONFIG SET client-output-buffer-limit %s", "pubsub 200000 0 0"));
    redis_subscribe(rig->client, SLICE("{1}:a"));
    rig_run_until(rig, rig_is_subscribed);
    /* The loop stands still meanwhile. */
    for (int i = 0; i < 50; i++) {
        freeReplyObject(
            redis_server_ask(server, "EVAL %s 0", "redis.call('SPUBLISH', '{1}:a', string.rep('x', 100000))"));
    }
    rig_run_until(rig, was_unsubscribed);
    rig_run_until(rig, was_subscribed_twice);
    int before = rig->messages;
    cr_expect_eq(publish("{1}:a", "again"), 1);
    while (rig->messages == before || strcmp(rig->last_message, "again") != 0)
        uv_run(&rig->loop, UV_RUN_ONCE);
    finish();
}

/* A subscription that was back first is renewed once more when the commands are. */
static bool are_both_back(struct rig *r)
{
    return r->metrics.value[METRIC_STORE_RECONNECTS] >= 2 && redis_is_up(r->client) && redis_is_subscribed(r->client);
}

Test(subscription, a_restarted_redis_is_subscribed_again)
{
    begin();
    redis_subscribe(rig->client, SLICE("{1}:a"));
    rig_run_until(rig, rig_is_subscribed);
    redis_server_kill(server);
    rig_run_until(rig, was_unsubscribed);
    redis_server_again(server);
    rig_run_until(rig, are_both_back);
    cr_expect_eq(publish("{1}:a", "again"), 1);
    rig_run_until(rig, has_message);
    finish();
}

static bool was_subscribed_again(struct rig *r)
{
    return r->subscribed >= 2;
}

/* A server that was demoted keeps its subscribers, and has nothing new for them from its new primary until it has caught up. */
Test(subscription, it_follows_when_the_commands_have_to_look_for_another_server)
{
    server = redis_server_start(NULL);
    rig = rig_create(redis_server_url(server), &(struct redis_settings){.command_timeout_ms = 60000});
    redis_subscribe(rig->client, SLICE("{1}:a"));
    rig_run_until(rig, rig_is_subscribed);
    do_in_server("REPLICAOF 127.0.0.1 1");
    size_t write = rig_ask(rig, "INCR n");
    rig_run_until(rig, was_subscribed_again);
    do_in_server("REPLICAOF NO ONE");
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[write].err, ERR_OK);
    rig_run_until(rig, rig_is_subscribed);
    cr_expect_eq(rig->subscribed, rig->unsubscribed + 1);
    finish();
}

/* ---- channels that come and go ---- */

static bool has_followed(struct rig *r)
{
    return r->followed > 0;
}

static bool was_followed_twice(struct rig *r)
{
    return r->followed == 2;
}

static bool nobody_listens(struct rig *r)
{
    (void)r;
    return publish("{5}:watch", "x") == 0;
}

Test(subscription, a_followed_channel_is_confirmed_by_itself_and_heard)
{
    begin();
    redis_subscribe(rig->client, SLICE("{1}:a"));
    rig_run_until(rig, rig_is_subscribed);
    redis_follow(rig->client, SLICE("{5}:watch"));
    cr_expect(redis_is_subscribed(rig->client));
    rig_run_until(rig, has_followed);
    cr_expect_str_eq(rig->last_channel, "{5}:watch");
    cr_expect_eq(publish("{5}:watch", "x"), 1);
    rig_run_until(rig, has_message);
    cr_expect_eq(rig->subscribed, 1);
    finish();
}

Test(subscription, an_unfollowed_channel_is_left_and_stays_left_on_the_next_connection)
{
    begin();
    redis_subscribe(rig->client, SLICE("{1}:a"));
    redis_follow(rig->client, SLICE("{5}:watch"));
    rig_run_until(rig, has_followed);
    redis_unfollow(rig->client, SLICE("{5}:watch"));
    redis_unfollow(rig->client, SLICE("{5}:watch"));
    redis_unfollow(rig->client, SLICE("{1}:a"));
    rig_run_until(rig, nobody_listens);
    cr_expect(redis_is_subscribed(rig->client));
    do_in_server("CLIENT KILL TYPE pubsub");
    rig_run_until(rig, was_subscribed_twice);
    cr_expect_eq(publish("{1}:a", "own"), 1);
    cr_expect_eq(publish("{5}:watch", "x"), 0);
    cr_expect_eq(rig->followed, 1);
    finish();
}

Test(subscription, a_channel_followed_again_before_it_was_left_is_confirmed_again)
{
    begin();
    redis_subscribe(rig->client, SLICE("{1}:a"));
    redis_follow(rig->client, SLICE("{5}:watch"));
    rig_run_until(rig, has_followed);
    redis_unfollow(rig->client, SLICE("{5}:watch"));
    redis_follow(rig->client, SLICE("{5}:watch"));
    rig_run_until(rig, was_followed_twice);
    cr_expect_eq(publish("{5}:watch", "x"), 1);
    cr_expect_eq(rig->unsubscribed, 0);
    finish();
}

Test(subscription, followed_channels_come_back_behind_the_own_ones_in_one_go)
{
    begin();
    redis_subscribe(rig->client, SLICE("{1}:a"));
    for (int i = 0; i < 5000; i++) {
        char channel[32];
        snprintf(channel, sizeof channel, "{5}:watch:%d", i);
        redis_follow(rig->client, slice_of(channel));
    }
    while (rig->followed < 5000)
        uv_run(&rig->loop, UV_RUN_ONCE);
    cr_expect_eq(rig->subscribed, 1);
    do_in_server("CLIENT KILL TYPE pubsub");
    rig_run_until(rig, was_subscribed_twice);
    while (rig->followed < 10000)
        uv_run(&rig->loop, UV_RUN_ONCE);
    cr_expect_eq(rig->unsubscribed, 1);
    cr_expect_eq(rig->metrics.value[METRIC_STORE_RECONNECTS], 1);
    finish();
}

Test(subscription, what_is_unfollowed_while_the_connection_is_down_is_forgotten)
{
    begin();
    redis_subscribe(rig->client, SLICE("{1}:a"));
    redis_follow(rig->client, SLICE("{5}:watch"));
    rig_run_until(rig, has_followed);
    redis_server_kill(server);
    rig_run_until(rig, was_unsubscribed);
    redis_unfollow(rig->client, SLICE("{5}:watch"));
    redis_server_again(server);
    rig_run_until(rig, was_subscribed_twice);
    cr_expect_eq(publish("{5}:watch", "x"), 0);
    finish();
}

static void on_published(void *context, enum err err, const struct redisReply *reply)
{
    cr_assert_eq(err, ERR_OK);
    cr_expect_eq(reply->integer, 1);
    ((struct rig *)context)->answered++;
}

static bool has_all_messages(struct rig *r)
{
    return r->messages == 5000 && r->answered == 5000;
}

Test(subscription, a_flood_arrives_whole)
{
    char block[700];
    begin();
    memset(block, 'y', sizeof block);
    redis_subscribe(rig->client, SLICE("{1}:a"));
    rig_run_until(rig, rig_is_subscribed);
    for (int i = 0; i < 5000; i++) {
        redis_command(rig->client, (struct slice[]){SLICE("SPUBLISH"), SLICE("{1}:a"), {block, sizeof block}}, 3,
                      on_published, rig);
    }
    rig_run_until(rig, has_all_messages);
    finish();
}

Test(subscription, destroying_while_subscribed_tells_nothing)
{
    begin();
    redis_subscribe(rig->client, SLICE("{1}:a"));
    rig_run_until(rig, rig_is_subscribed);
    redis_client_destroy(rig->client);
    rig->client = NULL;
    cr_expect_eq(rig->unsubscribed, 0);
    finish();
}
