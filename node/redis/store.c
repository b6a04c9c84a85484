#include "node/redis/store.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/name.h"
#include "node/redis/store_private.h"

struct store *store_create(const struct store_settings *settings)
{
    struct store *store = calloc(1, sizeof *store);
    assert(store);
    store->node = settings->node;
    store->partitions = settings->partitions;
    store->dev_key = settings->dev_key;
    store->limits = settings->limits;
    store->events = settings->events;
    store->timers = settings->redis.timers;
    store->metrics = settings->redis.metrics;
    struct redis_settings redis = settings->redis;
    redis.events = (struct redis_events){.on_message = on_bus_message,
                                         .on_subscribed = on_bus_subscribed,
                                         .on_followed = on_bus_followed,
                                         .on_unsubscribed = on_bus_unsubscribed,
                                         .context = store};
    store->client = redis_client_create(&redis);
    store->scripts = scripts_create(store->client, store->metrics);
    for (unsigned p = 0; p < store->partitions; p++) {
        struct key channel = key_node(p, &store->node);
        redis_subscribe(store->client, key_slice(&channel));
    }
    canary_start(store);
    return store;
}

void store_destroy(struct store *store)
{
    if (!store)
        return;
    canary_stop(store);
    redis_client_destroy(store->client);
    scripts_destroy(store->scripts);
    free(store);
}

struct question *question_create(struct store *store, void *context)
{
    struct question *q = calloc(1, sizeof *q);
    assert(q);
    q->store = store;
    q->context = context;
    return q;
}

void on_done(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    q->fn.done(q->context, reply_status(transport, reply));
    free(q);
}

unsigned store_user_partition(const struct store *store, struct slice user)
{
    return partition_of_user(user, store->partitions);
}

enum err reply_status(enum err transport, const struct redisReply *reply)
{
    static const struct {
        const char *word;
        enum err err;
    } inner[] = {
        {"ok", ERR_OK}, {"stale", ERR_STALE}, {"hole", ERR_HOLE}, {"overrun", ERR_OVERRUN}, {"taken", ERR_CONFLICT}};
    if (transport == ERR_UNAVAILABLE)
        return ERR_UNAVAILABLE;
    if (transport != ERR_OK) {
        log_error("store.failed",
                  LOG_STR("answer", reply ? slice_make(reply->str, (size_t)reply->len) : SLICE("none")));
        return ERR_UNAVAILABLE;
    }
    struct slice word = reply_text(reply, 0);
    for (size_t i = 0; i < ARRAY_SIZE(inner); i++) {
        if (slice_is(word, inner[i].word))
            return inner[i].err;
    }
    for (int e = 0; e < ERR_COUNT; e++) {
        if (err_code((enum err)e) && slice_is(word, err_code((enum err)e)))
            return (enum err)e;
    }
    log_error("store.misunderstood", LOG_U64("type", reply ? (uint64_t)reply->type : 0));
    return ERR_UNAVAILABLE;
}

size_t reply_seatings(const struct redisReply *reply, size_t from, unsigned partitions,
                      struct store_seating seatings[STORE_SEATINGS_MAX])
{
    size_t n = 0;
    for (size_t i = from; i + 1 < reply_count(reply) && n < STORE_SEATINGS_MAX; i += 2) {
        seatings[n].text = reply_text(reply, i + 1);
        if (id_parse(reply_text(reply, i), partitions, &seatings[n].call))
            n++;
    }
    return n;
}
