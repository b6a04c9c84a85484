#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/name.h"
#include "common/wire/envelope.h"
#include "node/redis/store_private.h"

/* ---- the bus ---- */

static void on_close_envelope(struct store *store, const struct id *session, const struct envelope *e)
{
    static const struct {
        const char *word;
        enum err why;
    } words[] = {{"superseded", ERR_CONFLICT}, {"moved", ERR_STALE}, {"overrun", ERR_OVERRUN}, {"ended", ERR_GONE}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (slice_is(e->text, words[i].word))
            store->events.on_detached(store->events.context, session, e->number, words[i].why);
    }
}

/* "@<µs of Redis's clock>": when the sender's node took these signals off its socket. Older nodes take it for a seating of no call. */
static bool read_taken(struct slice text, uint64_t *ret_us)
{
    return text.n > 1 && text.p[0] == '@' && slice_to_u64(slice_make(text.p + 1, text.n - 1), ret_us) && *ret_us > 0;
}

/* Two nodes may know Redis's time a little differently: what seems to come before it was sent took no time. */
static void observe_delivery(struct store *store, uint64_t taken_us)
{
    uint64_t now_us = store_time_us(store, clock_steady_us());
    if (now_us > 0)
        metric_observe_us(store->metrics, METRIC_DELIVERY_SECONDS, now_us > taken_us ? now_us - taken_us : 0);
}

/* "<call>=<seating>", or when it was taken, or empty. */
static void on_events_envelope(struct store *store, const struct id *session, const struct envelope *e)
{
    uint64_t taken_us = 0;
    bool is_signal = read_taken(e->text, &taken_us);
    struct store_seating seating = {.text = e->text};
    struct slice call = {0};
    if (e->text.n == 0 || !slice_split(&seating.text, '=', &call) || !id_parse(call, store->partitions, &seating.call))
        seating = (struct store_seating){0};
    bool written = store->events.on_events(store->events.context, session, e->number, e->bodies, e->count, &seating);
    if (written && is_signal)
        observe_delivery(store, taken_us);
}

static void on_canary_envelope(struct store *store, const struct envelope *e)
{
    if (slice_is(e->subject, store->node.text) && e->number >= store->canary_since)
        store->canary_back_ms = clock_steady_ms();
}

/* An epoch of 0 is nobody's. */
static void on_kick_envelope(struct store *store, const struct id *session, const struct envelope *e)
{
    if (e->number > 0 && name_is_valid(e->text))
        store->events.on_kicked(store->events.context, session, e->text, e->number);
}

static void on_drain_envelope(struct store *store, const struct envelope *e)
{
    if (slice_is(e->subject, store->node.text))
        store->events.on_drain(store->events.context);
}

void on_bus_message(void *context, struct slice channel, struct slice payload)
{
    struct store *store = context;
    struct envelope e;
    struct id session;
    (void)channel;
    if (envelope_read(payload, &e) != ERR_OK)
        log_warn("envelope.refused", LOG_U64("bytes", payload.n));
    else if (e.kind == ENVELOPE_CANARY)
        on_canary_envelope(store, &e);
    else if (e.kind == ENVELOPE_PRESENCE || e.kind == ENVELOPE_BLOCKS)
        on_presence_envelope(store, &e);
    else if (e.kind == ENVELOPE_DRAIN)
        on_drain_envelope(store, &e);
    else if (!id_parse(e.subject, store->partitions, &session))
        log_warn("envelope.refused", LOG_CSTR("why", "it names no session"));
    else if (e.kind == ENVELOPE_CLOSE)
        on_close_envelope(store, &session, &e);
    else if (e.kind == ENVELOPE_KICK)
        on_kick_envelope(store, &session, &e);
    else
        on_events_envelope(store, &session, &e);
}

/* ---- the canary ---- */

enum { CANARY_EVERY_MS = 1000 };

static void canary_send(struct store *store)
{
    struct buf body;
    buf_init(&body, 128);
    uint64_t n = ++store->canary_sent;
    envelope_put_canary(&body, slice_of(store->node.text), n);
    struct key channel = key_node((unsigned)(n % store->partitions), &store->node);
    struct slice args[] = {SLICE("SPUBLISH"), key_slice(&channel), buf_slice(&body)};
    redis_command(store->client, args, ARRAY_SIZE(args), NULL, NULL);
    buf_finish(&body);
}

static void on_canary_due(struct timer *timer)
{
    struct store *store = CONTAINER_OF(timer, struct store, canary_timer);
    if (store->canary_back_ms && clock_steady_ms() - store->canary_back_ms > 2 * CANARY_EVERY_MS)
        metric_inc(store->metrics, METRIC_CANARY_LOST);
    if (redis_is_up(store->client) && redis_is_subscribed(store->client))
        canary_send(store);
    timer_set(store->timers, &store->canary_timer, CANARY_EVERY_MS, on_canary_due);
}

void canary_start(struct store *store)
{
    timer_set(store->timers, &store->canary_timer, CANARY_EVERY_MS, on_canary_due);
}

void canary_stop(struct store *store)
{
    timer_cancel(&store->canary_timer);
}

void on_bus_subscribed(void *context)
{
    struct store *store = context;
    store->canary_since = store->canary_sent + 1;
    canary_send(store);
    store->events.on_healed(store->events.context);
}

/* Red at once: only a canary sent after the next subscription makes it green again. */
void on_bus_unsubscribed(void *context)
{
    struct store *store = context;
    store->canary_back_ms = 0;
    store->canary_since = UINT64_MAX;
}

bool store_bus_is_alive(const struct store *store, uint64_t within_ms)
{
    return store->canary_back_ms && clock_steady_ms() - store->canary_back_ms <= within_ms;
}

bool store_is_up(const struct store *store)
{
    return redis_is_up(store->client);
}

/* ---- leases ---- */

enum { REMEMBERED_MS = 600000 };

static bool read_node(struct slice id, struct node_id *ret_node)
{
    if (id.n != NODE_ID_CHARS)
        return false;
    memcpy(ret_node->text, id.p, id.n);
    ret_node->text[NODE_ID_CHARS] = '\0';
    return true;
}

/* {"running", {id, …}, {id, ms, …}, now, µs} */
static size_t read_leases(const struct redisReply *reply, struct node_lease leases[CLUSTER_NODES_MAX])
{
    const struct redisReply *living = reply_item(reply, 1);
    const struct redisReply *dead = reply_item(reply, 2);
    size_t n = 0;
    for (size_t i = 0; i < reply_count(living) && n < CLUSTER_NODES_MAX; i++) {
        leases[n] = (struct node_lease){.lives = true};
        n += read_node(reply_text(living, i), &leases[n].node);
    }
    for (size_t i = 0; i + 1 < reply_count(dead) && n < CLUSTER_NODES_MAX; i += 2) {
        leases[n] = (struct node_lease){.ended_ms = reply_number(dead, i + 1)};
        n += read_node(reply_text(dead, i), &leases[n].node);
    }
    return n;
}

/* A lease that was given up or ended is remembered for a while: one that is not known was lost, unless this node itself has slept so long. */
static enum lease lease_was(const struct store *store, struct slice word)
{
    if (slice_is(word, "lapsed"))
        return LEASE_LAPSED;
    if (slice_is(word, "running") || !store->lease_renewed_ms)
        return LEASE_RUNNING;
    return clock_steady_ms() - store->lease_renewed_ms < REMEMBERED_MS ? LEASE_LOST : LEASE_LAPSED;
}

/* What all nodes agreed on when they started, for those that will start. */
static void put_back_cluster(struct store *store)
{
    char partitions[16];
    snprintf(partitions, sizeof partitions, "%u", store->partitions);
    struct slice agreed[] = {SLICE("SET"), SLICE(KEY_PARTITIONS), slice_of(partitions), SLICE("NX")};
    redis_command(store->client, agreed, ARRAY_SIZE(agreed), NULL, NULL);
    struct slice secret[] = {SLICE("SET"), SLICE(KEY_DEV_KEY), store->dev_key, SLICE("NX")};
    if (store->dev_key.n > 0)
        redis_command(store->client, secret, ARRAY_SIZE(secret), NULL, NULL);
}

uint64_t store_time_ms(const struct store *store, uint64_t steady_ms)
{
    return (redis_clock_at(&store->clock, steady_ms * 1000) + 999) / 1000;
}

uint64_t store_time_us(const struct store *store, uint64_t steady_us)
{
    return store->clock_heard > 1 ? redis_clock_at(&store->clock, steady_us) : 0;
}

static void on_nodes(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct node_lease leases[CLUSTER_NODES_MAX];
    size_t count = 0;
    enum lease was = LEASE_RUNNING;
    enum err err = transport == ERR_OK && reply_count(reply) == 5 ? ERR_OK : ERR_UNAVAILABLE;
    if (err == ERR_OK) {
        count = read_leases(reply, leases);
        was = lease_was(q->store, reply_text(reply, 0));
        q->store->lease_renewed_ms = clock_steady_ms();
        uint64_t redis_us = reply_number(reply, 3) * 1000 + reply_number(reply, 4);
        redis_clock_heard(&q->store->clock, redis_us, q->n, clock_steady_us());
        q->store->clock_heard++;
    }
    if (was == LEASE_LOST)
        put_back_cluster(q->store);
    q->fn.nodes(q->context, err, was, leases, count);
    free(q);
}

void store_lease_renew(struct store *store, uint64_t lease_ms, struct slice card, nodes_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    q->fn.nodes = fn;
    q->n = clock_steady_us();
    struct script_args a;
    args_init(&a);
    args_key(&a, (struct key){.text = KEY_NODES, .n = sizeof KEY_NODES - 1});
    args_key(&a, key_node_card(&store->node));
    args_put(&a, slice_of(store->node.text));
    args_u64(&a, lease_ms);
    args_u64(&a, REMEMBERED_MS);
    args_put(&a, card);
    script_call(store->scripts, SCRIPT_LEASE_RENEW, &a, on_nodes, q);
}

/* ---- what dead nodes held ---- */

static void on_holders(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct node_id nodes[CLUSTER_NODES_MAX];
    size_t n = 0;
    enum err err = transport == ERR_OK && reply->type == REDIS_REPLY_ARRAY ? ERR_OK : ERR_UNAVAILABLE;
    for (size_t i = 0; err == ERR_OK && i < reply_count(reply) && n < CLUSTER_NODES_MAX; i++)
        n += read_node(reply_text(reply, i), &nodes[n]);
    q->fn.holders(q->context, err, nodes, n);
    free(q);
}

void store_holders(struct store *store, unsigned partition, holders_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    q->fn.holders = fn;
    struct key key = key_holders(partition);
    struct slice args[] = {SLICE("SMEMBERS"), key_slice(&key)};
    redis_command(store->client, args, ARRAY_SIZE(args), on_holders, q);
}

static void on_held(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct id sessions[HELD_PAGE];
    size_t n = 0;
    enum err err = transport == ERR_OK && reply->type == REDIS_REPLY_ARRAY ? ERR_OK : ERR_UNAVAILABLE;
    for (size_t i = 0; err == ERR_OK && i < reply_count(reply) && n < HELD_PAGE; i++)
        n += id_parse(reply_text(reply, i), q->store->partitions, &sessions[n]);
    q->fn.held(q->context, err, sessions, n);
    free(q);
}

void store_held(struct store *store, unsigned partition, const struct node_id *node, held_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    q->fn.held = fn;
    struct key key = key_held(partition, node);
    struct slice args[] = {SLICE("SRANDMEMBER"), key_slice(&key), SLICE("64")};
    _Static_assert(HELD_PAGE == 64, "as the command says");
    redis_command(store->client, args, ARRAY_SIZE(args), on_held, q);
}

void store_held_done(struct store *store, unsigned partition, const struct node_id *dead)
{
    struct script_args a;
    args_init(&a);
    args_key(&a, key_held(partition, dead));
    args_key(&a, key_holders(partition));
    args_put(&a, slice_of(dead->text));
    script_call(store->scripts, SCRIPT_HELD_DONE, &a, NULL, NULL);
}

/* ---- timers ---- */

static bool read_due(struct slice name, unsigned partitions, struct due_timer *ret_timer)
{
    static const struct {
        const char *word;
        int kind;
    } kinds[] = {
        {"fanout", DUE_FANOUT}, {"expire", DUE_EXPIRE}, {"ring", DUE_RING}, {"heal", DUE_HEAL}, {"grace", DUE_GRACE}};
    struct slice kind = {0};
    struct slice id = {0};
    if (!slice_split(&name, ':', &kind) || !slice_split(&name, ':', &id) || !id_parse(id, partitions, &ret_timer->id))
        return false;
    ret_timer->user = name;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (slice_is(kind, kinds[i].word)) {
            ret_timer->kind = kinds[i].kind;
            return true;
        }
    }
    return false; /* a newer version's: that one's nodes fire it */
}

enum { DUE_MAX = 128 };

static void on_due(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct due_timer timers[DUE_MAX];
    size_t count = 0;
    enum err err = transport == ERR_OK && reply->type == REDIS_REPLY_ARRAY ? ERR_OK : ERR_UNAVAILABLE;
    for (size_t i = 0; err == ERR_OK && i < reply_count(reply) && count < DUE_MAX; i++) {
        if (read_due(reply_text(reply, i), q->store->partitions, &timers[count]))
            count++;
    }
    q->fn.due(q->context, err, timers, count);
    free(q);
}

void store_timers_due(struct store *store, unsigned partition, uint64_t again_ms, due_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    q->fn.due = fn;
    struct script_args a;
    args_init(&a);
    args_key(&a, key_timers(partition));
    args_u64(&a, DUE_MAX);
    args_u64(&a, again_ms);
    script_call(store->scripts, SCRIPT_TIMERS_DUE, &a, on_due, q);
}
