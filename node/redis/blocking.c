#include "node/redis/blocking.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/loop/timer.h"
#include "node/redis/link.h"
#include "node/redis/resp.h"

enum {
    CONNECT_MS = 5000, /* that Redis stands still for a moment is no reason not to start */
    ANSWER_MS = 10000, /* in all: Redis may be loading its data */
    BACKOFF_MS = 100,
    COMMAND_MAX = 1024 * 1024,
};

/* The same link as in a running node, on a loop of its own that runs until the answer. */
struct question {
    struct link link;
    uv_loop_t loop;
    struct timer deadline;
    struct buf command;
    struct redisReply *reply;
    uint64_t up_us; /* since when it can be answered */
    uint64_t took_us;
    bool over;
    char why[WHY_SIZE]; /* empty: nothing has failed */
};

static void on_up(void *context)
{
    struct question *q = context;
    q->up_us = clock_steady_us();
    link_expect(&q->link, true);
}

static void give_up(struct question *q, const char *why)
{
    snprintf(q->why, sizeof q->why, "%s", why);
    q->over = true;
}

static void on_reply(void *context, struct redisReply *take_reply)
{
    struct question *q = context;
    if (q->over) {
        freeReplyObject(take_reply);
        return;
    }
    if (take_reply->type == REDIS_REPLY_ERROR && slice_is(resp_error_code(take_reply), "MOVED")) {
        freeReplyObject(take_reply);
        give_up(q, "it is one server of a Redis Cluster of several: Switchboard needs one that holds everything");
        return;
    }
    q->reply = take_reply;
    q->took_us = clock_steady_us() - q->up_us;
    q->over = true;
}

static void on_down(void *context)
{
    struct question *q = context;
    if (!q->over)
        give_up(q, "the connection broke before the answer");
}

static void on_failed(void *context, enum link_failure failure, const char *why)
{
    struct question *q = context;
    snprintf(q->why, sizeof q->why, "%s", why);
    q->over = failure != LINK_NOT_READY;
}

static void on_quiet(void *context)
{
    (void)context;
}

static struct slice unsent(void *context)
{
    struct question *q = context;
    return buf_slice(&q->command);
}

static void sent(void *context, size_t n)
{
    struct question *q = context;
    buf_drop(&q->command, n);
}

static void on_deadline(struct timer *timer)
{
    struct question *q = CONTAINER_OF(timer, struct question, deadline);
    if (q->why[0] == '\0')
        give_up(q, "no answer in time");
    q->over = true;
}

static void ask(struct question *q, const struct redis_url *url, struct metrics *metrics)
{
    struct timers *timers = timers_create(&q->loop);
    const struct link_settings settings = {
        .name = "start",
        .quiet = true,
        .url = url,
        .connect_timeout_ms = CONNECT_MS,
        .backoff_max_ms = BACKOFF_MS,
        .quiet_max_ms = ANSWER_MS,
        .events = {on_up, on_reply, on_down, on_failed, on_quiet, unsent, sent, q},
        .metrics = metrics,
        .timers = timers,
        .loop = &q->loop,
    };

    link_init(&q->link, &settings);
    timer_set(timers, &q->deadline, ANSWER_MS, on_deadline);
    while (!q->over)
        uv_run(&q->loop, UV_RUN_ONCE);
    link_finish(&q->link);
    timer_cancel(&q->deadline);
    timers_destroy(timers);
    uv_run(&q->loop, UV_RUN_DEFAULT);
}

enum err redis_blocking_ask_timed(const struct redis_url *url, const struct slice *args, size_t count,
                                  struct redis_timed_reply *ret, struct why why)
{
    struct question *q = calloc(1, sizeof *q);
    struct metrics *metrics = calloc(1, sizeof *metrics);
    enum err err = ERR_OK;
    if (!q || !metrics || uv_loop_init(&q->loop) != 0)
        abort(); /* at start-up, for small things */
    buf_init(&q->command, COMMAND_MAX);
    resp_put(&q->command, args, count);
    if (buf_failed(&q->command))
        give_up(q, "the command is too large");
    else
        ask(q, url, metrics);
    if (q->reply)
        *ret = (struct redis_timed_reply){q->reply, q->took_us};
    else
        err = why_fail(why, ERR_UNAVAILABLE, "%s", q->why);
    buf_finish(&q->command);
    uv_loop_close(&q->loop);
    free(metrics);
    free(q);
    return err;
}

enum err redis_blocking_ask(const struct redis_url *url, const struct slice *args, size_t count,
                            struct redisReply **ret_reply, struct why why)
{
    struct redis_timed_reply timed;
    enum err err = redis_blocking_ask_timed(url, args, count, &timed, why);
    if (err == ERR_OK)
        *ret_reply = timed.reply;
    return err;
}

enum err redis_blocking_ask_typed(const struct redis_url *url, const struct slice *args, size_t count, int type,
                                  struct redisReply **ret_reply, struct why why)
{
    struct redisReply *reply = NULL;
    enum err err = redis_blocking_ask(url, args, count, &reply, why);
    if (err == ERR_OK && reply->type != type) {
        const char *came = type == REDIS_REPLY_STRING ? "no text came back" : "something else came back";
        err = why_fail(why, ERR_UNSUPPORTED, "Redis does not answer %.*s as it should: %s", SLICE_FMT(args[0]),
                       reply->type == REDIS_REPLY_ERROR ? reply->str : came);
        redis_reply_free(reply);
    }
    if (err == ERR_OK)
        *ret_reply = reply;
    return err;
}
