#include "node/redis/subscription.h"

#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "node/redis/resp.h"

static struct slice text_of(const struct redisReply *reply)
{
    bool is_text = reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;

    return is_text ? slice_make(reply->str, reply->len) : slice_make("", 0);
}

static void ask_for(struct subscription *sub, const char *channel)
{
    resp_put(&sub->out, (struct slice[]){SLICE("SSUBSCRIBE"), slice_of(channel)}, 2);
    link_expect(&sub->link, true);
    link_flush_soon(&sub->link);
}

static void on_up(void *context)
{
    struct subscription *sub = context;

    buf_clear(&sub->out);
    sub->answered = 0;
    sub->refused = 0;
    for (size_t i = 0; i < sub->count; i++) {
        ask_for(sub, sub->channels[i]);
    }
}

static void on_down(void *context)
{
    struct subscription *sub = context;
    bool was = sub->subscribed;

    sub->subscribed = false;
    sub->answered = 0;
    buf_clear(&sub->out);
    if (was) {
        sub->events.on_unsubscribed(sub->events.context);
    }
}

static void on_failed(void *context ATTR_UNUSED, enum link_failure failure ATTR_UNUSED, const char *why ATTR_UNUSED)
{
}

/* PING is allowed while subscribed: its answer shows that the other end lives. */
static void on_quiet(void *context)
{
    struct subscription *sub = context;

    if (!sub->link.expecting) {
        resp_put(&sub->out, (struct slice[]){SLICE("PING")}, 1);
        link_expect(&sub->link, true);
        link_flush_soon(&sub->link);
    }
}

static struct slice unsent(void *context)
{
    struct subscription *sub = context;

    return buf_slice(&sub->out);
}

static void sent(void *context, size_t n)
{
    struct subscription *sub = context;

    buf_drop(&sub->out, n);
}

/* Answers come in the order of the questions. */
static void count_answer(struct subscription *sub)
{
    sub->answered++;
    if (sub->answered < sub->count) {
        return;
    }
    link_expect(&sub->link, false);
    link_prove(&sub->link);
    if (sub->refused == 0) {
        sub->subscribed = true;
        sub->events.on_subscribed(sub->events.context);
    }
}

static void on_confirmed(struct subscription *sub, struct slice channel)
{
    if (sub->answered >= sub->count || !slice_is(channel, sub->channels[sub->answered])) {
        link_break(&sub->link, "a channel was confirmed that was not asked for");
        return;
    }
    count_answer(sub);
}

static void on_error(struct subscription *sub, const struct redisReply *reply)
{
    struct slice code = resp_error_code(reply);
    char why[64];

    /* A Cluster's other node holds the channel: this connection can't carry it. The owner never hears "subscribed", and stays alive. */
    if (slice_is(code, "MOVED") && sub->answered < sub->count) {
        log_error("redis.channel_refused", LOG_STR("code", code));
        sub->refused++;
        count_answer(sub);
        return;
    }
    snprintf(why, sizeof why, "SSUBSCRIBE: %.*s", (int)(code.n < 32 ? code.n : 32), code.p);
    link_break(&sub->link, why);
}

static void on_push(struct subscription *sub, const struct redisReply *reply)
{
    struct slice kind = text_of(reply->element[0]);
    struct slice channel = text_of(reply->element[1]);

    if (slice_is(kind, "smessage") && reply->elements == 3) {
        sub->events.on_message(sub->events.context, channel, text_of(reply->element[2]));
    } else if (slice_is(kind, "ssubscribe")) {
        on_confirmed(sub, channel);
    } else if (slice_is(kind, "sunsubscribe")) {
        link_break(&sub->link, "the server ended a subscription");
    } else if (slice_is(kind, "pong")) {
        link_expect(&sub->link, sub->answered < sub->count);
    }
}

static void on_reply(void *context, struct redisReply *take_reply)
{
    struct subscription *sub = context;

    if (take_reply->type == REDIS_REPLY_ERROR) {
        on_error(sub, take_reply);
    } else if (take_reply->type == REDIS_REPLY_ARRAY && take_reply->elements >= 2) {
        on_push(sub, take_reply);
    } else {
        /* A PING sent before the first SSUBSCRIBE was confirmed is answered as if not subscribed. */
        link_expect(&sub->link, sub->answered < sub->count);
    }
    freeReplyObject(take_reply);
}

void subscription_init(struct subscription *sub, const struct redis_events *events)
{
    *sub = (struct subscription){.events = *events};
    buf_init(&sub->out, SIZE_MAX / 2);
}

void subscription_finish(struct subscription *sub)
{
    if (sub->begun) {
        link_finish(&sub->link);
    }
    for (size_t i = 0; i < sub->count; i++) {
        free(sub->channels[i]);
    }
    free(sub->channels);
    buf_finish(&sub->out);
    sub->channels = NULL;
    sub->count = 0;
    sub->subscribed = false;
}

static void remember(struct subscription *sub, struct slice channel)
{
    if (sub->count == sub->room) {
        sub->room = sub->room ? sub->room * 2 : 16;
        sub->channels = realloc(sub->channels, sub->room * sizeof *sub->channels);
        if (!sub->channels) {
            abort();
        }
    }
    sub->channels[sub->count++] = slice_dup(channel);
}

void subscription_add(struct subscription *sub, struct slice channel, const struct link_settings *settings)
{
    for (size_t i = 0; i < sub->count; i++) {
        if (slice_is(channel, sub->channels[i])) {
            return;
        }
    }
    remember(sub, channel);
    sub->subscribed = false;
    if (!sub->begun) {
        struct link_settings own = *settings;
        own.events = (struct link_events){on_up, on_reply, on_down, on_failed, on_quiet, unsent, sent, sub};
        sub->begun = true;
        link_init(&sub->link, &own);
    } else if (link_is_up(&sub->link)) {
        ask_for(sub, sub->channels[sub->count - 1]);
    }
}
