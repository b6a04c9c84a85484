#include <stdlib.h>

#include "node/redis/store_private.h"

/* ---- who can be rung ---- */

static void on_reach(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct slice word = reply_text(reply, 1);
    enum reach reach = slice_is(word, "ringing")   ? REACH_RINGING
                       : slice_is(word, "waiting") ? REACH_WAITING
                                                   : REACH_NONE;
    q->fn.reach(q->context, reply_status(transport, reply), reach);
    free(q);
}

void store_user_reach(struct store *store, struct slice user, struct slice caller, reach_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    unsigned partition = store_user_partition(store, user);
    struct script_args a;
    q->fn.reach = fn;
    args_init(&a);
    args_key(&a, key_devices(partition, user));
    args_key(&a, key_blocks(partition, user));
    args_key(&a, key_presence(partition, user));
    args_key(&a, key_session_prefix(partition));
    args_put(&a, caller);
    script_call(store->scripts, SCRIPT_USER_REACH, &a, on_reach, q);
}

/* ---- invitations ---- */

void store_call_invite(struct store *store, const struct call_actor *actor, const struct call_invitation *invitation,
                       call_answer_fn *fn, void *context)
{
    struct script_args a;
    put_call_keys(&a, &actor->call);
    args_put(&a, id_slice(&actor->session));
    args_u64(&a, actor->request);
    put_epoch(&a, actor->epoch);
    args_put(&a, invitation->user);
    args_u64(&a, invitation->ring_ms);
    args_u64(&a, !invitation->unreachable);
    script_call(store->scripts, SCRIPT_CALL_INVITE, &a, on_call_change, call_question(store, fn, context));
}

void store_call_alert(struct store *store, const struct call_actor *actor, call_answer_fn *fn, void *context)
{
    struct script_args a;
    put_call_keys(&a, &actor->call);
    args_put(&a, actor->device.user);
    args_put(&a, id_slice(&actor->session));
    args_u64(&a, actor->request);
    script_call(store->scripts, SCRIPT_CALL_ALERT, &a, on_call_change, call_question(store, fn, context));
}

void store_call_accept(struct store *store, const struct call_actor *actor, const struct call_acceptance *acceptance,
                       call_answer_fn *fn, void *context)
{
    struct script_args a;
    put_call_keys(&a, &actor->call);
    put_actor(&a, actor);
    put_epoch(&a, actor->epoch);
    args_put(&a, acceptance->answer);
    args_put(&a, acceptance->answer_blanked);
    args_u64(&a, acceptance->glare);
    args_u64(&a, acceptance->relay);
    args_u64(&a, actor->request);
    script_call(store->scripts, SCRIPT_CALL_ACCEPT, &a, on_call_change, call_question(store, fn, context));
}

static void reject(struct store *store, const struct call_actor *actor, const char *reason, struct question *q)
{
    struct script_args a;
    put_call_keys(&a, &actor->call);
    args_put(&a, actor->device.user);
    args_put(&a, slice_of(reason));
    args_put(&a, id_slice(&actor->session));
    args_u64(&a, actor->request);
    script_call(store->scripts, SCRIPT_CALL_REJECT, &a, on_call_change, q);
}

void store_call_reject(struct store *store, const struct call_actor *actor, const char *reason, call_answer_fn *fn,
                       void *context)
{
    reject(store, actor, reason, call_question(store, fn, context));
}

void store_ring_expire(struct store *store, const struct id *call, struct slice user, call_answer_fn *fn, void *context)
{
    struct call_actor nobody = {.call = *call, .device = {.user = user}};
    reject(store, &nobody, "timeout", call_question(store, fn, context));
}

void store_call_cancel(struct store *store, const struct call_actor *actor, struct slice user, call_answer_fn *fn,
                       void *context)
{
    struct script_args a;
    put_call_keys(&a, &actor->call);
    args_put(&a, id_slice(&actor->session));
    args_u64(&a, actor->request);
    put_epoch(&a, actor->epoch);
    args_put(&a, user);
    script_call(store->scripts, SCRIPT_CALL_CANCEL, &a, on_call_change, call_question(store, fn, context));
}

/* ---- glare ---- */

static void on_claimed(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    enum err err = reply_status(transport, reply);
    struct id other = {0};
    if (err == ERR_CONFLICT && !id_parse(reply_text(reply, 1), q->store->partitions, &other))
        err = ERR_UNAVAILABLE;
    q->fn.claim(q->context, err, &other);
    free(q);
}

static bool sorts_before(struct slice a, struct slice b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order < 0 || (order == 0 && a.n < b.n);
}

void store_pair_claim(struct store *store, const struct pair_claim *claim, claim_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    bool first = sorts_before(claim->caller, claim->callee);
    struct slice a = first ? claim->caller : claim->callee;
    struct slice b = first ? claim->callee : claim->caller;
    struct script_args args;
    q->fn.claim = fn;
    args_init(&args);
    args_key(&args, key_pair(store_user_partition(store, a), a, b));
    args_put(&args, id_slice(&claim->call));
    args_put(&args, claim->caller);
    args_put(&args, id_slice(&claim->over));
    args_u64(&args, claim->ms);
    script_call(store->scripts, SCRIPT_PAIR_CLAIM, &args, on_claimed, q);
}

void store_call_discard(struct store *store, const struct call_discard *d, store_done_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    struct script_args a;
    q->fn.done = fn;
    put_call_keys(&a, &d->call);
    args_put(&a, id_slice(&d->session));
    args_put(&a, id_slice(&d->other));
    args_u64(&a, d->untold);
    script_call(store->scripts, SCRIPT_CALL_DISCARD, &a, on_done, q);
}

/* ---- devices ---- */

static void on_incoming(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct incoming incoming = {
        .body = reply_text(reply, 1), .candidates = reply_text(reply, 2), .candidate_count = reply_number(reply, 3)};
    q->fn.incoming(q->context, reply_status(transport, reply), &incoming);
    free(q);
}

void store_call_incoming(struct store *store, const struct id *call, struct slice user, incoming_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    struct script_args a;
    q->fn.incoming = fn;
    args_init(&a);
    args_key(&a, key_call(call));
    args_put(&a, id_slice(call));
    args_put(&a, user);
    script_call(store->scripts, SCRIPT_CALL_INCOMING, &a, on_incoming, q);
}

static void on_rung(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    q->fn.ring(q->context, reply_status(transport, reply));
    free(q);
}

static void put_ring_keys(struct script_args *a, const struct ring *ring, unsigned partition)
{
    args_key(a, key_devices(partition, ring->user));
    args_key(a, key_rings(partition, ring->user));
    args_key(a, key_blocks(partition, ring->user));
    args_key(a, key_timers(partition));
    args_key(a, key_session_prefix(partition));
    args_key(a, key_mailbox_prefix(partition));
    args_key(a, id_is_none(&ring->actor) ? key_rings(partition, ring->user) : key_replies(&ring->actor));
    put_presence_prefixes(a, partition);
}

void store_ring(struct store *store, const struct ring *ring, ring_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    struct script_args a;
    q->fn.ring = fn;
    args_init(&a);
    put_ring_keys(&a, ring, store_user_partition(store, ring->user));
    args_put(&a, id_slice(&ring->call));
    args_put(&a, ring->user);
    args_put(&a, ring->caller);
    args_put(&a, id_slice(&ring->actor));
    args_u64(&a, ring->request);
    args_put(&a, ring->reply);
    args_u64(&a, store->limits.replies_kept);
    args_u64(&a, store->limits.mailbox_events_max);
    args_u64(&a, store->limits.mailbox_bytes_max);
    for (size_t i = 0; i < ring->count; i++) {
        const struct ring_entry *e = &ring->entries[i];
        args_u64(&a, e->version);
        args_put(&a, slice_make(&e->mark, 1));
        args_put(&a, id_slice(&e->named));
        args_put(&a, slice_make(&e->named_mark, e->named_mark != 0));
        args_put(&a, e->seating);
        args_put(&a, e->body);
    }
    script_call(store->scripts, SCRIPT_RING, &a, on_rung, q);
}
