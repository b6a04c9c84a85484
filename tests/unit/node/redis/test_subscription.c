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
    while (rig->messages == before || strcmp(rig->last_message, "again") != 0) {
        uv_run(&rig->loop, UV_RUN_ONCE);
    }
    finish();
}

Test(subscription, a_restarted_redis_is_subscribed_again)
{
    begin();
    redis_subscribe(rig->client, SLICE("{1}:a"));
    rig_run_until(rig, rig_is_subscribed);
    redis_server_kill(server);
    rig_run_until(rig, was_unsubscribed);
    redis_server_again(server);
    rig_run_until(rig, was_subscribed_twice);
    cr_expect_eq(publish("{1}:a", "again"), 1);
    rig_run_until(rig, has_message);
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
