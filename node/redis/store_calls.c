#include <stdlib.h>

#include "node/redis/store_private.h"

/* ---- answers ---- */

/* The entries of a change or of the log page; they look into the reply. */
static size_t read_entries(const struct redisReply *list, struct call_entry entries[CALL_ENTRIES_MAX])
{
    size_t n = 0;
    for (; n < reply_count(list) && n < CALL_ENTRIES_MAX; n++) {
        const struct redisReply *e = reply_item(list, n);
        entries[n] = (struct call_entry){.version = reply_number(e, 0),
                                         .targets = reply_text(e, 1),
                                         .seating = reply_text(e, 2),
                                         .body = reply_text(e, 3),
                                         .ring = reply_text(e, 4),
                                         .whole = reply_text(e, 5),
                                         .others = reply_text(e, 6)};
    }
    return n;
}

void read_call_change(const struct redisReply *reply, struct call_answer *a,
                      struct call_entry entries[CALL_ENTRIES_MAX])
{
    a->version = reply_number(reply, 1);
    a->entries = entries;
    a->entry_count = read_entries(reply_item(reply, 2), entries);
    a->fanned = reply_number(reply, 3);
    a->peer = (unsigned)reply_number(reply, 4);
    a->members = reply_text(reply, 5);
    a->offer = reply_text(reply, 6);
    a->candidates = reply_text(reply, 7);
    a->candidate_count = reply_number(reply, 8);
    a->from = reply_text(reply, 9);
    a->from_name = reply_text(reply, 10);
    a->plain = reply_number(reply, 11) != 0;
}

void on_call_change(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct call_entry entries[CALL_ENTRIES_MAX];
    struct call_answer a = {.err = reply_status(transport, reply)};
    if (a.err == ERR_OK) {
        read_call_change(reply, &a, entries);
    } else if (a.err == ERR_CONFLICT && id_parse(reply_text(reply, 2), q->store->partitions, &a.taker)) {
        a.peer = (unsigned)reply_number(reply, 1);
        a.relay = reply_number(reply, 3) != 0;
    } else if (a.err == ERR_NOT_FOUND) {
        a.version = reply_number(reply, 1);
    }
    q->fn.call(q->context, &a);
    free(q);
}

static void on_created(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct call_entry entries[CALL_ENTRIES_MAX];
    struct call_answer a = {.err = reply_status(transport, reply)};
    if (a.err == ERR_OK) {
        read_call_change(reply, &a, entries);
        a.rung = a.members;
        a.members = (struct slice){0};
    } else if (a.err == ERR_RATE_LIMITED) {
        a.retry_after_ms = reply_number(reply, 1);
        a.seated = slice_is(reply_text(reply, 2), "seats");
    } else if (a.err == ERR_CONFLICT && !id_parse(reply_text(reply, 1), q->store->partitions, &a.crossed)) {
        a.crossed = (struct id){0};
    }
    q->fn.call(q->context, &a);
    free(q);
}

static void on_snapshot(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct call_answer a = {.err = reply_status(transport, reply)};
    if (a.err == ERR_OK) {
        a.version = reply_number(reply, 1);
        a.state = reply_text(reply, 2);
        a.seats = (unsigned)reply_number(reply, 3);
        a.starter = reply_text(reply, 4);
        a.locked = reply_number(reply, 5) != 0;
        a.privacy = reply_text(reply, 6);
        a.created_ms = reply_number(reply, 7);
        a.members = reply_text(reply, 8);
        a.own = reply_number(reply, 9) != 0;
        a.seating = reply_text(reply, 10);
        a.ringing = reply_text(reply, 11);
    } else if (a.err == ERR_NOT_FOUND) {
        a.version = reply_number(reply, 1);
    }
    q->fn.call(q->context, &a);
    free(q);
}

struct question *call_question(struct store *store, call_answer_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    q->fn.call = fn;
    return q;
}

/* ---- questions ---- */

void put_call_keys(struct script_args *a, const struct id *call)
{
    args_init(a);
    args_key(a, key_call(call));
    args_key(a, key_log(call));
    args_key(a, key_timers(id_partition(call)));
    args_put(a, id_slice(call));
}

void put_actor(struct script_args *a, const struct call_actor *actor)
{
    args_put(a, id_slice(&actor->session));
    args_put(a, actor->device.user);
    args_put(a, actor->device.device);
    args_put(a, actor->device.name);
}

void put_presence_prefixes(struct script_args *a, unsigned partition)
{
    args_key(a, key_devices(partition, (struct slice){0}));
    args_key(a, key_presence(partition, (struct slice){0}));
    args_key(a, key_watch(partition, (struct slice){0}));
}

void put_epoch(struct script_args *a, uint64_t epoch)
{
    if (epoch)
        args_u64(a, epoch);
    else
        args_put(a, (struct slice){0});
}

/* The call's partition is the starter's. */
static void put_create_keys(struct script_args *a, const struct call_actor *starter)
{
    unsigned partition = id_partition(&starter->call);
    args_init(a);
    args_key(a, key_call(&starter->call));
    args_key(a, key_log(&starter->call));
    args_key(a, key_timers(partition));
    args_key(a, key_limits(partition, starter->device.user));
    args_key(a, key_presence(partition, starter->device.user));
    args_key(a, key_session(&starter->session));
    args_put(a, id_slice(&starter->call));
}

void store_call_create(struct store *store, const struct call_create *c, call_answer_fn *fn, void *context)
{
    struct script_args a;
    put_create_keys(&a, &c->actor);
    put_actor(&a, &c->actor);
    args_u64(&a, c->seats);
    args_put(&a, c->allow);
    args_u64(&a, c->open);
    args_put(&a, c->relay ? SLICE("relay") : SLICE(""));
    args_put(&a, c->offer);
    args_put(&a, c->candidates);
    args_u64(&a, c->candidate_count);
    args_u64(&a, c->ttl_ms);
    put_epoch(&a, c->actor.epoch);
    args_put(&a, c->callees);
    args_u64(&a, c->ring_ms);
    args_put(&a, c->meta);
    args_u64(&a, store->limits.calls_per_minute);
    args_u64(&a, c->full ? 0 : store->limits.seats_max);
    args_u64(&a, !c->unreachable);
    script_call(store->scripts, SCRIPT_CALL_CREATE, &a, on_created, call_question(store, fn, context));
}

void store_offer_take(struct store *store, const struct call_actor *actor, call_answer_fn *fn, void *context)
{
    struct script_args a;
    put_call_keys(&a, &actor->call);
    put_actor(&a, actor);
    put_epoch(&a, actor->epoch);
    script_call(store->scripts, SCRIPT_OFFER_TAKE, &a, on_call_change, call_question(store, fn, context));
}

void store_offer_add(struct store *store, const struct call_actor *actor, uint64_t request, struct slice candidates,
                     size_t count, call_answer_fn *fn, void *context)
{
    struct script_args a;
    args_init(&a);
    args_key(&a, key_call(&actor->call));
    args_put(&a, id_slice(&actor->session));
    args_u64(&a, request);
    args_put(&a, candidates);
    args_u64(&a, count);
    args_u64(&a, store->limits.candidates_max);
    args_u64(&a, store->limits.candidate_bytes_max);
    script_call(store->scripts, SCRIPT_OFFER_ADD, &a, on_call_change, call_question(store, fn, context));
}

void store_call_join(struct store *store, const struct call_actor *actor, call_answer_fn *fn, void *context)
{
    struct script_args a;
    put_call_keys(&a, &actor->call);
    put_actor(&a, actor);
    put_epoch(&a, actor->epoch);
    args_u64(&a, actor->request);
    script_call(store->scripts, SCRIPT_CALL_JOIN, &a, on_call_change, call_question(store, fn, context));
}

void store_call_leave(struct store *store, const struct call_actor *actor, unsigned peer, const char *reason,
                      call_answer_fn *fn, void *context)
{
    struct script_args a;
    put_call_keys(&a, &actor->call);
    args_put(&a, id_slice(&actor->session));
    args_u64(&a, peer);
    args_put(&a, slice_of(reason));
    args_u64(&a, actor->request);
    put_epoch(&a, actor->epoch);
    script_call(store->scripts, SCRIPT_CALL_LEAVE, &a, on_call_change, call_question(store, fn, context));
}

void store_call_lock(struct store *store, const struct call_actor *actor, bool locked, call_answer_fn *fn,
                     void *context)
{
    struct script_args a;
    put_call_keys(&a, &actor->call);
    args_put(&a, id_slice(&actor->session));
    args_u64(&a, locked);
    put_epoch(&a, actor->epoch);
    script_call(store->scripts, SCRIPT_CALL_LOCK, &a, on_call_change, call_question(store, fn, context));
}

void store_call_mark(struct store *store, const struct call_actor *actor, uint64_t epoch, bool suspended,
                     call_answer_fn *fn, void *context)
{
    struct script_args a;
    put_call_keys(&a, &actor->call);
    args_put(&a, id_slice(&actor->session));
    args_u64(&a, epoch);
    args_u64(&a, suspended);
    script_call(store->scripts, SCRIPT_CALL_MARK, &a, on_call_change, call_question(store, fn, context));
}

void store_call_get(struct store *store, const struct call_actor *actor, call_answer_fn *fn, void *context)
{
    struct script_args a;
    args_init(&a);
    args_key(&a, key_call(&actor->call));
    args_put(&a, id_slice(&actor->session));
    args_put(&a, actor->device.user);
    args_put(&a, actor->device.device);
    script_call(store->scripts, SCRIPT_CALL_GET, &a, on_snapshot, call_question(store, fn, context));
}

void store_offer_expire(struct store *store, const struct id *call, call_answer_fn *fn, void *context)
{
    struct script_args a;
    put_call_keys(&a, call);
    script_call(store->scripts, SCRIPT_OFFER_EXPIRE, &a, on_call_change, call_question(store, fn, context));
}

void store_log_read(struct store *store, const struct id *call, uint64_t after, call_answer_fn *fn, void *context)
{
    struct script_args a;
    args_init(&a);
    args_key(&a, key_call(call));
    args_key(&a, key_log(call));
    args_u64(&a, after);
    args_u64(&a, CALL_ENTRIES_MAX);
    script_call(store->scripts, SCRIPT_LOG_READ, &a, on_call_change, call_question(store, fn, context));
}

/* ---- deliveries ---- */

static void on_delivered(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    q->fn.delivered(q->context, reply_status(transport, reply), reply_number(reply, 1));
    free(q);
}

void store_deliver(struct store *store, const struct delivery *d, delivered_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    q->fn.delivered = fn;
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&d->session));
    args_key(&a, key_mailbox(&d->session));
    args_key(&a, key_replies(&d->session));
    args_key(&a, key_timers(id_partition(&d->session)));
    put_presence_prefixes(&a, id_partition(&d->session));
    args_put(&a, id_slice(&d->session));
    args_put(&a, id_slice(&d->call));
    args_u64(&a, d->request);
    args_put(&a, d->reply);
    args_u64(&a, store->limits.replies_kept);
    args_u64(&a, store->limits.mailbox_events_max);
    args_u64(&a, store->limits.mailbox_bytes_max);
    for (size_t i = 0; i < d->count; i++) {
        args_u64(&a, d->entries[i].version);
        args_put(&a, slice_make(&d->entries[i].mark, 1));
        args_put(&a, d->entries[i].seating);
        args_put(&a, d->entries[i].body);
    }
    script_call(store->scripts, SCRIPT_DELIVER, &a, on_delivered, q);
}

void store_fanout_done(struct store *store, const struct id *call, uint64_t first, uint64_t last)
{
    struct script_args a;
    put_call_keys(&a, call);
    args_u64(&a, first);
    args_u64(&a, last);
    script_call(store->scripts, SCRIPT_FANOUT_DONE, &a, NULL, NULL);
}

static void on_signalled(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    enum err err = reply_status(transport, reply);
    if (err == ERR_OK)
        metric_add(q->store->metrics, METRIC_SIGNALS, (int64_t)reply_number(reply, 1));
    q->fn.delivered(q->context, err, reply_number(reply, 1));
    free(q);
}

void store_signal(struct store *store, const struct signal_batch *b, delivered_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    q->fn.delivered = fn;
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&b->recipient));
    args_key(&a, key_mailbox(&b->recipient));
    args_key(&a, key_timers(id_partition(&b->recipient)));
    args_put(&a, id_slice(&b->recipient));
    args_put(&a, id_slice(&b->call));
    args_u64(&a, b->from);
    args_put(&a, id_slice(&b->sender));
    args_u64(&a, store->limits.mailbox_events_max);
    args_u64(&a, store->limits.mailbox_bytes_max);
    args_u64(&a, store_time_us(store, b->taken_us));
    for (size_t i = 0; i < b->count; i++) {
        args_u64(&a, b->items[i].request);
        args_u64(&a, b->items[i].previous);
        args_put(&a, b->items[i].body);
    }
    script_call(store->scripts, SCRIPT_SIGNAL, &a, on_signalled, q);
}
