#include <stdlib.h>

#include "node/redis/store_private.h"

static unsigned partition_of(const struct store *store, struct slice user)
{
    return partition_of_user(user, store->partitions);
}

/* ---- blocks ---- */

static void on_done(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    q->fn.done(q->context, reply_status(transport, reply));
    free(q);
}

void store_block_set(struct store *store, const struct block_set *b, store_done_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    struct script_args a;
    q->fn.done = fn;
    args_init(&a);
    args_key(&a, key_session(&b->session));
    args_key(&a, key_replies(&b->session));
    args_key(&a, key_blocks(partition_of(store, b->user), b->user));
    args_key(&a, key_watch(partition_of(store, b->user), b->user));
    args_u64(&a, b->epoch);
    args_u64(&a, b->request);
    args_put(&a, b->reply);
    args_u64(&a, store->limits.replies_kept);
    args_put(&a, b->blocked);
    args_put(&a, b->user);
    script_call(store->scripts, SCRIPT_BLOCK_SET, &a, on_done, q);
}

static void on_blocked(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct slice users[BLOCKED_USERS_MAX];
    size_t count = reply_count(reply) < BLOCKED_USERS_MAX ? reply_count(reply) : BLOCKED_USERS_MAX;
    for (size_t i = 0; i < count; i++)
        users[i] = reply_text(reply, i);
    q->fn.blocked(q->context, transport == ERR_OK ? ERR_OK : ERR_UNAVAILABLE, users, count);
    free(q);
}

void store_block_get(struct store *store, struct slice user, blocked_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    struct key key = key_blocks(partition_of(store, user), user);
    struct slice args[] = {SLICE("SORT"), key_slice(&key), SLICE("ALPHA")};
    q->fn.blocked = fn;
    redis_command(store->client, args, ARRAY_SIZE(args), on_blocked, q);
}
