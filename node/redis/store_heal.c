#include <stdio.h>
#include <stdlib.h>

#include "node/redis/store_private.h"

/* ---- sessions ---- */

static void on_session_restored(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct restored r = {.err = reply_status(transport, reply)};
    if (r.err == ERR_OK) {
        r.seq = reply_number(reply, 1);
        r.was_lost = reply_number(reply, 2) != 0;
        r.forgot = reply_number(reply, 2) == 2;
        r.seating_count = reply_seatings(reply, 3, q->store->partitions, r.seatings);
    }
    q->fn.restored(q->context, &r);
    free(q);
}

static void put_session_keys(struct store *store, struct script_args *a, const struct session_restore *s,
                             unsigned partition)
{
    args_init(a);
    args_key(a, key_session(&s->id));
    args_key(a, key_mailbox(&s->id));
    args_key(a, key_devices(partition, s->device.user));
    args_key(a, key_held(partition, &store->node));
    args_key(a, key_holders(partition));
    args_key(a, key_rings(partition, s->device.user));
    put_presence_prefixes(a, partition);
    args_key(a, key_session_prefix(partition));
}

void store_session_restore(struct store *store, const struct session_restore *s, restored_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    unsigned partition = id_partition(&s->id);
    struct key channel = key_node(partition, &store->node);
    struct script_args a;
    q->fn.restored = fn;
    put_session_keys(store, &a, s, partition);
    args_put(&a, id_slice(&s->id));
    args_put(&a, s->key);
    args_put(&a, s->device.user);
    args_put(&a, s->device.device);
    args_put(&a, s->device.name);
    args_put(&a, key_slice(&channel));
    args_put(&a, slice_of(store->node.text));
    args_u64(&a, s->epoch);
    args_u64(&a, s->seq);
    args_u64(&a, s->make);
    for (size_t i = 0; i < s->seating_count; i++) {
        args_put(&a, id_slice(&s->seatings[i].call));
        args_put(&a, s->seatings[i].text);
    }
    script_call(store->scripts, SCRIPT_SESSION_RESTORE, &a, on_session_restored, q);
}

/* HMGET session: user, device, name, epoch, state, seating */
static void on_peeked(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct slice state = reply_text(reply, 4);
    struct peeked p = {
        .err = transport != ERR_OK ? ERR_UNAVAILABLE : ERR_NOT_FOUND,
        .device = {.user = reply_text(reply, 0), .device = reply_text(reply, 1), .name = reply_text(reply, 2)},
        .seating = reply_text(reply, 5)};
    bool superseded = slice_is(state, "superseded");
    bool attached = slice_is(state, "attached");
    p.mark = 2 * (superseded ? SUPERSEDED_EPOCH : reply_number(reply, 3)) + !attached;
    if (p.err == ERR_NOT_FOUND && p.seating.n > 0 && (attached || superseded || slice_is(state, "suspended")))
        p.err = ERR_OK;
    q->fn.peeked(q->context, &p);
    free(q);
}

void store_session_peek(struct store *store, const struct id *session, const struct id *call, peeked_fn *fn,
                        void *context)
{
    struct question *q = question_create(store, context);
    struct key key = key_session(session);
    char field[3 + ID_CHARS + 1];
    q->fn.peeked = fn;
    snprintf(field, sizeof field, "in:%s", call->text);
    struct slice args[] = {SLICE("HMGET"), key_slice(&key), SLICE("user"),  SLICE("device"),
                           SLICE("name"),  SLICE("epoch"),  SLICE("state"), slice_of(field)};
    redis_command(store->client, args, ARRAY_SIZE(args), on_peeked, q);
}

/* ---- calls ---- */

/* {"ok", version, entries, fanned} or {"hole", version, mark, seating, body} */
static void on_call_restored(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct call_entry entries[CALL_ENTRIES_MAX];
    struct call_answer change = {.err = reply_status(transport, reply)};
    struct slice mark = reply_text(reply, 2);
    struct delivery_entry missed = {reply_number(reply, 1), mark.n ? mark.p[0] : '#', reply_text(reply, 3),
                                    reply_text(reply, 4)};
    if (change.err == ERR_OK)
        read_call_change(reply, &change, entries);
    q->fn.restored_call(q->context, change.err, &change, &missed);
    free(q);
}

static struct question *restore_question(struct store *store, restored_call_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    q->fn.restored_call = fn;
    return q;
}

static void put_heal_keys(struct script_args *a, const struct id *call)
{
    args_init(a);
    args_key(a, key_call(call));
    args_key(a, key_log(call));
    args_key(a, key_timers(id_partition(call)));
    args_key(a, key_heal(call));
    args_put(a, id_slice(call));
}

void store_call_restore(struct store *store, const struct call_actor *actor, const struct call_restore *c,
                        restored_call_fn *fn, void *context)
{
    struct script_args a;
    put_heal_keys(&a, &actor->call);
    put_actor(&a, actor);
    args_u64(&a, c->mark);
    args_put(&a, c->seating);
    args_u64(&a, c->grace_ms);
    args_u64(&a, c->forgot);
    script_call(store->scripts, SCRIPT_CALL_RESTORE, &a, on_call_restored, restore_question(store, fn, context));
}

void store_ring_restore(struct store *store, const struct id *call, struct slice user, uint64_t version,
                        restored_call_fn *fn, void *context)
{
    struct script_args a;
    put_heal_keys(&a, call);
    args_put(&a, user);
    args_u64(&a, version);
    script_call(store->scripts, SCRIPT_RING_RESTORE, &a, on_call_restored, restore_question(store, fn, context));
}

void store_call_missing(struct store *store, const struct id *call, const struct id *session, uint64_t grace_ms,
                        call_answer_fn *fn, void *context)
{
    struct script_args a;
    put_call_keys(&a, call);
    args_put(&a, id_slice(session));
    args_u64(&a, grace_ms);
    script_call(store->scripts, SCRIPT_CALL_MISSING, &a, on_call_change, call_question(store, fn, context));
}

void store_call_healed(struct store *store, const struct id *call, uint64_t grace_ms, call_answer_fn *fn, void *context)
{
    struct script_args a;
    put_heal_keys(&a, call);
    args_u64(&a, grace_ms);
    script_call(store->scripts, SCRIPT_CALL_HEALED, &a, on_call_change, call_question(store, fn, context));
}
