#include <stdlib.h>

#include "node/redis/store_private.h"

/* ---- blocks ---- */

void store_block_set(struct store *store, const struct block_set *b, store_done_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    struct script_args a;
    q->fn.done = fn;
    args_init(&a);
    args_key(&a, key_session(&b->session));
    args_key(&a, key_replies(&b->session));
    args_key(&a, key_blocks(store_user_partition(store, b->user), b->user));
    args_key(&a, key_watch(store_user_partition(store, b->user), b->user));
    args_key(&a, key_presence(store_user_partition(store, b->user), b->user));
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
    struct key key = key_blocks(store_user_partition(store, user), user);
    struct slice args[] = {SLICE("SORT"), key_slice(&key), SLICE("ALPHA")};
    q->fn.blocked = fn;
    redis_command(store->client, args, ARRAY_SIZE(args), on_blocked, q);
}

/* ---- limits ---- */

static void on_charged(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    q->fn.charged(q->context, reply_status(transport, reply), reply_number(reply, 1));
    free(q);
}

static void charge(struct store *store, const struct charge *c, uint64_t per_minute, const char *limit,
                   struct question *q)
{
    struct script_args a;
    args_init(&a);
    args_key(&a, key_limits(store_user_partition(store, c->user), c->user));
    args_u64(&a, per_minute);
    args_put(&a, id_slice(&c->session));
    args_u64(&a, c->request);
    args_put(&a, slice_of(limit));
    script_call(store->scripts, SCRIPT_LIMIT_CHARGE, &a, on_charged, q);
}

static struct question *charge_question(struct store *store, charged_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    q->fn.charged = fn;
    return q;
}

void store_wrong_id_charge(struct store *store, const struct charge *c, charged_fn *fn, void *context)
{
    charge(store, c, store->limits.wrong_ids_per_minute, "wrong_ids", charge_question(store, fn, context));
}

void store_start_charge(struct store *store, const struct charge *c, charged_fn *fn, void *context)
{
    charge(store, c, store->limits.calls_per_minute, "starts", charge_question(store, fn, context));
}

static void on_seats(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    q->fn.seats(q->context, reply_status(transport, reply), reply_number(reply, 1));
    free(q);
}

void store_user_seats(struct store *store, struct slice user, const struct id *session, uint64_t epoch, seats_fn *fn,
                      void *context)
{
    struct question *q = question_create(store, context);
    struct script_args a;
    q->fn.seats = fn;
    args_init(&a);
    args_key(&a, key_presence(store_user_partition(store, user), user));
    args_key(&a, key_session(session));
    args_u64(&a, epoch);
    script_call(store->scripts, SCRIPT_USER_SEATS, &a, on_seats, q);
}
