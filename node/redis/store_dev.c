#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "node/redis/store_private.h"
#include "node/store/dev.h"

void store_dev_note(struct store *store, struct slice user)
{
    char now[24];
    char rank[24];
    snprintf(now, sizeof now, "%llu", (unsigned long long)clock_wall_ms());
    snprintf(rank, sizeof rank, "%d", -DEV_PEOPLE_MAX - 1);
    struct slice add[] = {SLICE("ZADD"), SLICE(KEY_DEV_PEOPLE), slice_of(now), user};
    struct slice cut[] = {SLICE("ZREMRANGEBYRANK"), SLICE(KEY_DEV_PEOPLE), SLICE("0"), slice_of(rank)};
    struct slice keep[] = {SLICE("EXPIRE"), SLICE(KEY_DEV_PEOPLE), SLICE("86400")};
    redis_command(store->client, add, ARRAY_SIZE(add), NULL, NULL);
    redis_command(store->client, cut, ARRAY_SIZE(cut), NULL, NULL);
    redis_command(store->client, keep, ARRAY_SIZE(keep), NULL, NULL);
}

static void on_people(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct slice users[DEV_PEOPLE_MAX];
    size_t n = 0;
    enum err err = transport == ERR_OK && reply->type == REDIS_REPLY_ARRAY ? ERR_OK : ERR_UNAVAILABLE;
    while (err == ERR_OK && n < reply_count(reply) && n < DEV_PEOPLE_MAX) {
        users[n] = reply_text(reply, n);
        n++;
    }
    q->fn.people(q->context, err, users, n);
    free(q);
}

void store_dev_people(struct store *store, dev_people_fn *fn, void *context)
{
    char last[24];
    snprintf(last, sizeof last, "%d", DEV_PEOPLE_MAX - 1);
    struct question *q = question_create(store, context);
    q->fn.people = fn;
    struct slice args[] = {SLICE("ZREVRANGE"), SLICE(KEY_DEV_PEOPLE), SLICE("0"), slice_of(last)};
    redis_command(store->client, args, ARRAY_SIZE(args), on_people, q);
}
