#include "node/redis/client.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <uv.h>

#include "common/base/clock.h"
#include "common/loop/timer.h"
#include "node/redis/inflight.h"
#include "node/redis/link.h"
#include "node/redis/resp.h"
#include "node/redis/subscription.h"

enum {
    CONNECT_TIMEOUT_MS = 2000,
    COMMAND_TIMEOUT_MS = 5000,
    BACKOFF_MAX_MS = 1000,
    PENDING_MAX = 65536,
    PENDING_BYTES_MAX = 64 * 1024 * 1024,
};

struct redis_client {
    struct link_settings link_settings; /* what both connections have in common */
    struct link link;
    struct subscription subscription;
    struct inflight inflight;
    uint64_t timeout_us;
    struct timer deadline; /* of the oldest; may fire too early, never too late */
    uv_idle_t last;        /* never started; libuv's word that the loop has forgotten us, and the memory may go */
    bool destroyed;
};

static void set_deadline(struct redis_client *);

static void answer(struct redis_client *client, const struct inflight_command *command, enum err err,
                   const struct redisReply *reply)
{
    metric_add(client->link_settings.metrics, METRIC_STORE_PENDING, -1);
    if (command->fn)
        command->fn(command->context, err, reply);
}

static void on_up(void *context)
{
    struct redis_client *client = context;
    link_expect(&client->link, inflight_expects_answer(&client->inflight));
    /* It may be another server now: a primary that was demoted keeps its subscribers, whom nothing tells of it; and what was asked since the bus came back was
     * answered by the old one. Not when the connection breaks: then the way may still lead to the old one. */
    if (client->link.connections > 1)
        link_break(&client->subscription.link, "the commands have another connection");
}

static void on_reply(void *context, struct redisReply *take_reply)
{
    struct redis_client *client = context;
    struct metrics *metrics = client->link_settings.metrics;
    bool is_error = take_reply->type == REDIS_REPLY_ERROR;
    struct inflight_command command;
    bool given_up = false;
    if (is_error && link_error_passes(resp_error_code(take_reply))) {
        /* Not done: it stays in the queue and is sent again, to a server that can. */
        char why[32];
        struct slice code = resp_error_code(take_reply);
        size_t n = code.n < sizeof why - 1 ? code.n : sizeof why - 1;
        memcpy(why, code.p, n);
        why[n] = '\0';
        link_break(&client->link, why);
    } else if (!inflight_answer(&client->inflight, &command, &given_up)) {
        link_break(&client->link, is_error ? "an error that answers nothing" : "an answer to nothing");
    } else {
        link_prove(&client->link);
        link_expect(&client->link, inflight_expects_answer(&client->inflight));
        metric_observe_us(metrics, METRIC_STORE_SECONDS, clock_steady_us() - command.queued_us);
        /* That a script is not there yet (after a start, of Redis or of a node) is how it gets there. */
        metric_add(metrics, METRIC_STORE_ERRORS, is_error && !slice_is(resp_error_code(take_reply), "NOSCRIPT"));
        if (!given_up)
            answer(client, &command, is_error ? ERR_IO : ERR_OK, take_reply);
    }
    freeReplyObject(take_reply);
}

static void on_down(void *context)
{
    struct redis_client *client = context;
    size_t again = inflight_rewind(&client->inflight);
    link_expect(&client->link, false);
    metric_add(client->link_settings.metrics, METRIC_STORE_RESENT, (int64_t)again);
}

static void on_failed(void *context, enum link_failure failure, const char *why)
{
    (void)context;
    (void)failure;
    (void)why;
}

static void on_quiet(void *context)
{
    (void)context;
}

static struct slice unsent(void *context)
{
    struct redis_client *client = context;
    return inflight_unwritten(&client->inflight);
}

static void sent(void *context, size_t n)
{
    struct redis_client *client = context;
    metric_inc(client->link_settings.metrics, METRIC_STORE_WRITES);
    inflight_wrote(&client->inflight, n);
    link_expect(&client->link, true);
}

static void on_deadline(struct timer *timer)
{
    struct redis_client *client = CONTAINER_OF(timer, struct redis_client, deadline);
    uint64_t now = clock_steady_us();
    const struct inflight_command *oldest = NULL;
    while ((oldest = inflight_oldest(&client->inflight)) && now - oldest->queued_us >= client->timeout_us) {
        struct inflight_command command = inflight_give_up(&client->inflight);
        metric_inc(client->link_settings.metrics, METRIC_STORE_TIMEOUTS);
        answer(client, &command, ERR_UNAVAILABLE, NULL);
        if (client->destroyed)
            return;
    }
    set_deadline(client);
}

/* Not moved as commands come and are answered: it looks again when it fires. */
static void set_deadline(struct redis_client *client)
{
    const struct inflight_command *oldest = inflight_oldest(&client->inflight);
    if (oldest && !timer_is_set(&client->deadline)) {
        uint64_t age = clock_steady_us() - oldest->queued_us;
        uint64_t left = age < client->timeout_us ? client->timeout_us - age : 0;
        timer_set(client->link_settings.timers, &client->deadline, left / 1000 + 1, on_deadline);
    }
}

static uint64_t or_default(uint64_t given, uint64_t otherwise)
{
    return given ? given : otherwise;
}

struct redis_client *redis_client_create(const struct redis_settings *settings)
{
    struct redis_client *client = calloc(1, sizeof *client);
    uint64_t timeout_ms = or_default(settings->command_timeout_ms, COMMAND_TIMEOUT_MS);
    if (!client)
        abort();
    client->timeout_us = timeout_ms * 1000;
    client->link_settings = (struct link_settings){
        .url = settings->url,
        .connect_timeout_ms = or_default(settings->connect_timeout_ms, CONNECT_TIMEOUT_MS),
        .backoff_max_ms = or_default(settings->backoff_max_ms, BACKOFF_MAX_MS),
        /* Half, so that the other half is left to connect anew and ask again. */
        .quiet_max_ms = timeout_ms / 2,
        .metrics = settings->metrics,
        .timers = settings->timers,
        .loop = settings->loop,
    };
    uv_idle_init(settings->loop, &client->last);
    inflight_init(&client->inflight, or_default(settings->pending_max, PENDING_MAX),
                  or_default(settings->pending_bytes_max, PENDING_BYTES_MAX));
    subscription_init(&client->subscription, &settings->events);
    struct link_settings own = client->link_settings;
    own.name = "commands";
    own.events = (struct link_events){on_up, on_reply, on_down, on_failed, on_quiet, unsent, sent, client};
    link_init(&client->link, &own);
    return client;
}

static void on_last_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct redis_client, last));
}

void redis_client_destroy(struct redis_client *client)
{
    if (!client || client->destroyed)
        return;
    client->destroyed = true;
    timer_cancel(&client->deadline);
    link_finish(&client->link);
    subscription_finish(&client->subscription);
    while (inflight_oldest(&client->inflight)) {
        struct inflight_command command = inflight_give_up(&client->inflight);
        answer(client, &command, ERR_UNAVAILABLE, NULL);
    }
    inflight_finish(&client->inflight);
    uv_close((uv_handle_t *)&client->last, on_last_closed);
}

bool redis_is_up(const struct redis_client *client)
{
    return link_is_up(&client->link);
}

bool redis_is_subscribed(const struct redis_client *client)
{
    return client->subscription.subscribed;
}

void redis_command(struct redis_client *client, const struct slice *args, size_t count, redis_reply_fn *fn,
                   void *context)
{
    const struct inflight_command command = {.queued_us = clock_steady_us(), .fn = fn, .context = context};
    if (client->destroyed || !inflight_push(&client->inflight, args, count, &command)) {
        if (fn)
            fn(context, ERR_UNAVAILABLE, NULL);
        return;
    }
    metric_inc(client->link_settings.metrics, METRIC_STORE_COMMANDS);
    metric_inc(client->link_settings.metrics, METRIC_STORE_PENDING);
    set_deadline(client);
    link_flush_soon(&client->link);
}

void redis_subscribe(struct redis_client *client, struct slice channel)
{
    struct link_settings settings = client->link_settings;
    settings.name = "subscription";
    if (!client->destroyed)
        subscription_add(&client->subscription, channel, &settings);
}

void redis_follow(struct redis_client *client, struct slice channel)
{
    struct link_settings settings = client->link_settings;
    settings.name = "subscription";
    if (!client->destroyed)
        subscription_follow(&client->subscription, channel, &settings);
}

void redis_unfollow(struct redis_client *client, struct slice channel)
{
    if (!client->destroyed)
        subscription_unfollow(&client->subscription, channel);
}

void redis_reply_free(struct redisReply *reply)
{
    if (reply)
        freeReplyObject(reply);
}
