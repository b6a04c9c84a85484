#include <assert.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/wire/envelope.h"
#include "node/redis/store_private.h"

/* ---- the own word ---- */

void store_presence_set(struct store *store, const struct presence_set *s, store_done_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    struct script_args a;
    q->fn.done = fn;
    args_init(&a);
    args_key(&a, key_session(&s->session));
    args_key(&a, key_replies(&s->session));
    put_presence_prefixes(&a, id_partition(&s->session));
    args_put(&a, s->user);
    args_u64(&a, s->epoch);
    args_put(&a, s->status);
    args_put(&a, s->note);
    args_u64(&a, s->request);
    args_put(&a, s->reply);
    args_u64(&a, store->limits.replies_kept);
    script_call(store->scripts, SCRIPT_PRESENCE_SET, &a, on_done, q);
}

/* ---- following ---- */

void store_presence_follow(struct store *store, struct slice user)
{
    struct key channel = key_watch(store_user_partition(store, user), user);
    redis_follow(store->client, key_slice(&channel));
}

void store_presence_unfollow(struct store *store, struct slice user)
{
    struct key channel = key_watch(store_user_partition(store, user), user);
    redis_unfollow(store->client, key_slice(&channel));
}

void on_bus_followed(void *context, struct slice channel)
{
    struct store *store = context;
    struct slice user = key_watch_user(channel);
    store->events.on_followed(store->events.context, user);
}

/* 0: not blocked; else since when the user is offline to the one who is, 1 when nobody knows. */
static struct presence_block read_block(uint64_t number)
{
    return (struct presence_block){.is = number != 0, .seen_ms = number > 1 ? number : 0};
}

void on_presence_envelope(struct store *store, const struct envelope *e)
{
    const struct store_events *events = &store->events;
    if (e->kind == ENVELOPE_BLOCKS) {
        struct presence_block block = read_block(e->number);
        events->on_blocks(events->context, e->subject, &block, e->bodies, e->count);
        return;
    }
    struct presence state = {.status = e->text,
                             .note = e->presence.note,
                             .devices = e->presence.devices,
                             .seen_ms = e->presence.seen_ms,
                             .in_call = e->presence.in_call != 0};
    events->on_presence(events->context, e->subject, e->number, &state);
}

/* ---- asking ---- */

static void on_state(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    const struct redisReply *blocked = reply_item(reply, 7);
    struct presence_answer a = {.err = reply_status(transport, reply)};
    if (a.err == ERR_OK) {
        a.rev = reply_number(reply, 1);
        a.state = (struct presence){.status = reply_text(reply, 2),
                                    .devices = reply_number(reply, 3),
                                    .in_call = reply_number(reply, 4) != 0,
                                    .seen_ms = reply_number(reply, 5),
                                    .note = reply_text(reply, 6)};
    }
    for (size_t i = 0; a.err == ERR_OK && i < PRESENCE_WATCHERS_MAX; i++)
        a.blocked[i] = read_block(reply_number(blocked, i));
    q->fn.presence(q->context, &a);
    free(q);
}

void store_presence_get(struct store *store, struct slice user, const struct slice *watchers, size_t count,
                        presence_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    unsigned partition = store_user_partition(store, user);
    struct script_args a;
    assert(count > 0 && count <= PRESENCE_WATCHERS_MAX);
    q->fn.presence = fn;
    args_init(&a);
    args_key(&a, key_presence(partition, user));
    args_key(&a, key_blocks(partition, user));
    for (size_t i = 0; i < count; i++)
        args_put(&a, watchers[i]);
    script_call(store->scripts, SCRIPT_PRESENCE_GET, &a, on_state, q);
}
