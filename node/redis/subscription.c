#include "node/redis/subscription.h"

#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "common/base/log.h"
#include "node/redis/resp.h"

static struct slice text_of(const struct redisReply *reply)
{
    bool is_text = reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
    return is_text ? slice_make(reply->str, reply->len) : slice_make("", 0);
}

struct channel {
    UT_hash_handle hh;
    bool own;
    bool wanted;    /* else it only waits for its last answer */
    bool confirmed; /* on this connection */
    size_t asked;   /* answers that are still to come */
    size_t n;
    char name[];
};

/* One SSUBSCRIBE or SUNSUBSCRIBE. Answers come in the order of the questions, and a refusal does not name its channel. */
struct asked {
    struct asked *next, *prev;
    struct channel *channel;
    bool leaves;
};

static struct slice name_of(const struct channel *c)
{
    return slice_make(c->name, c->n);
}

static void ask_for(struct subscription *sub, struct channel *c, bool leaves)
{
    struct asked *asked = calloc(1, sizeof *asked);
    if (!asked)
        abort();
    *asked = (struct asked){.channel = c, .leaves = leaves};
    DL_APPEND(sub->asked, asked);
    c->asked++;
    resp_put(&sub->out, (struct slice[]){leaves ? SLICE("SUNSUBSCRIBE") : SLICE("SSUBSCRIBE"), name_of(c)}, 2);
    link_expect(&sub->link, true);
    link_flush_soon(&sub->link);
}

static void channel_forget(struct subscription *sub, struct channel *c)
{
    if (!c->wanted && c->asked == 0) {
        HASH_DEL(sub->channels, c);
        free(c);
    }
}

/* The oldest question is answered, or never will be. */
static void asked_drop(struct subscription *sub)
{
    struct asked *asked = sub->asked;
    DL_DELETE(sub->asked, asked);
    asked->channel->asked--;
    channel_forget(sub, asked->channel);
    free(asked);
}

static void on_up(void *context)
{
    struct subscription *sub = context;
    for (struct channel *c = sub->channels; c; c = c->hh.next)
        ask_for(sub, c, false);
}

static void on_down(void *context)
{
    struct subscription *sub = context;
    bool was = sub->subscribed;
    sub->subscribed = false;
    sub->confirmed = 0;
    buf_clear(&sub->out);
    while (sub->asked)
        asked_drop(sub);
    for (struct channel *c = sub->channels; c; c = c->hh.next)
        c->confirmed = false;
    if (was)
        sub->events.on_unsubscribed(sub->events.context);
}

static void on_failed(void *context, enum link_failure failure, const char *why)
{
    (void)context;
    (void)failure;
    (void)why;
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

static void confirm_own(struct subscription *sub)
{
    sub->confirmed++;
    if (sub->confirmed == sub->own) {
        link_prove(&sub->link);
        sub->subscribed = true;
        sub->events.on_subscribed(sub->events.context);
    }
}

/* The slice is the reply's: the channel may be forgotten within the event. */
static void on_confirmed(struct subscription *sub, struct slice name, bool leaves)
{
    struct asked *asked = sub->asked;
    if (!asked || asked->leaves != leaves || !slice_eq(name, name_of(asked->channel))) {
        link_break(&sub->link,
                   leaves ? "the server ended a subscription" : "a channel was confirmed that was not asked for");
        return;
    }
    struct channel *c = asked->channel;
    bool first = !leaves && !c->confirmed;
    c->confirmed = !leaves;
    bool own = c->own;
    bool tell = first && c->wanted;
    asked_drop(sub);
    link_expect(&sub->link, sub->asked != NULL);
    if (tell && own)
        confirm_own(sub);
    else if (tell)
        sub->events.on_followed(sub->events.context, name);
}

static void on_error(struct subscription *sub, const struct redisReply *reply)
{
    struct slice code = resp_error_code(reply);
    char why[64];
    /* A Cluster's other node holds the channel: this connection can't carry it. The owner never hears that it is subscribed, and stays alive. */
    if (slice_is(code, "MOVED") && sub->asked) {
        log_error("redis.channel_refused", LOG_STR("code", code));
        asked_drop(sub);
        link_expect(&sub->link, sub->asked != NULL);
        return;
    }
    snprintf(why, sizeof why, "SSUBSCRIBE: %.*s", (int)(code.n < 32 ? code.n : 32), code.p);
    link_break(&sub->link, why);
}

static void on_push(struct subscription *sub, const struct redisReply *reply)
{
    struct slice kind = text_of(reply->element[0]);
    struct slice channel = text_of(reply->element[1]);
    if (slice_is(kind, "smessage") && reply->elements == 3)
        sub->events.on_message(sub->events.context, channel, text_of(reply->element[2]));
    else if (slice_is(kind, "ssubscribe") || slice_is(kind, "sunsubscribe"))
        on_confirmed(sub, channel, slice_is(kind, "sunsubscribe"));
    else if (slice_is(kind, "pong"))
        link_expect(&sub->link, sub->asked != NULL);
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
        link_expect(&sub->link, sub->asked != NULL);
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
    struct channel *c = NULL;
    struct channel *next = NULL;
    if (sub->begun)
        link_finish(&sub->link);
    while (sub->asked)
        asked_drop(sub);
    HASH_ITER(hh, sub->channels, c, next)
    {
        HASH_DEL(sub->channels, c);
        free(c);
    }
    buf_finish(&sub->out);
    sub->subscribed = false;
}

static struct channel *find(struct subscription *sub, struct slice name)
{
    struct channel *c = NULL;
    HASH_FIND(hh, sub->channels, name.p, name.n, c);
    return c;
}

static struct channel *find_or_make(struct subscription *sub, struct slice name)
{
    struct channel *c = find(sub, name);
    if (!c) {
        c = calloc(1, sizeof *c + name.n);
        if (!c)
            abort();
        memcpy(c->name, name.p, name.n);
        c->n = name.n;
        HASH_ADD_KEYPTR(hh, sub->channels, c->name, c->n, c);
    }
    return c;
}

static void want(struct subscription *sub, struct channel *c, const struct link_settings *settings)
{
    c->wanted = true;
    if (!sub->begun) {
        struct link_settings own = *settings;
        own.events = (struct link_events){on_up, on_reply, on_down, on_failed, on_quiet, unsent, sent, sub};
        sub->begun = true;
        link_init(&sub->link, &own);
    } else if (link_is_up(&sub->link)) {
        ask_for(sub, c, false);
    }
}

void subscription_add(struct subscription *sub, struct slice channel, const struct link_settings *settings)
{
    struct channel *c = find_or_make(sub, channel);
    if (!c->wanted) {
        c->own = true;
        sub->own++;
        sub->subscribed = false;
        want(sub, c, settings);
    }
}

void subscription_follow(struct subscription *sub, struct slice channel, const struct link_settings *settings)
{
    struct channel *c = find_or_make(sub, channel);
    if (!c->wanted)
        want(sub, c, settings);
}

void subscription_unfollow(struct subscription *sub, struct slice channel)
{
    struct channel *c = find(sub, channel);
    if (!c || !c->wanted || c->own)
        return;
    c->wanted = false;
    if (link_is_up(&sub->link))
        ask_for(sub, c, true);
    else
        channel_forget(sub, c);
}
