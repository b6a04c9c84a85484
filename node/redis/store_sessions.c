#include <stdio.h>
#include <stdlib.h>

#include "node/redis/store_private.h"

static void on_session_answer(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct session_answer a = {.err = reply_status(transport, reply)};
    if (a.err == ERR_OK)
        a.seating_count = reply_seatings(reply, (size_t)q->n, q->store->partitions, a.seatings);
    if (a.err == ERR_OK && q->n > 1)
        a.seats = reply_number(reply, (size_t)q->n - 1);
    if (a.err == ERR_OK && q->n == 5) {
        a.epoch = reply_number(reply, 1);
        a.seq = reply_number(reply, 2);
        a.answered = reply_number(reply, 3);
    }
    if (a.err == ERR_CONFLICT && !id_parse(reply_text(reply, 1), q->store->partitions, &a.other))
        a.other = (struct id){0};
    q->fn.session(q->context, &a);
    free(q);
}

/* `first`: where pairs of call and seating begin in the answer. */
static struct question *session_question(struct store *store, session_answer_fn *fn, void *context, unsigned first)
{
    struct question *q = question_create(store, context);
    q->fn.session = fn;
    q->n = first;
    return q;
}

static void put_held_keys(struct script_args *a, const struct store *store, unsigned partition)
{
    args_key(a, key_held(partition, &store->node));
    args_key(a, key_holders(partition));
}

void store_session_create(struct store *store, const struct session_create *s, session_answer_fn *fn, void *context)
{
    unsigned partition = id_partition(&s->id);
    struct key channel = key_node(partition, &store->node);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&s->id));
    args_key(&a, key_devices(partition, s->device.user));
    args_key(&a, key_timers(partition));
    args_key(&a, key_session(id_is_none(&s->old) ? &s->id : &s->old));
    put_held_keys(&a, store, partition);
    args_key(&a, key_rings(partition, s->device.user));
    put_presence_prefixes(&a, partition);
    args_put(&a, id_slice(&s->id));
    args_put(&a, s->key);
    args_put(&a, s->device.user);
    args_put(&a, s->device.device);
    args_put(&a, s->device.name);
    args_put(&a, key_slice(&channel));
    args_u64(&a, s->grace_ms);
    args_put(&a, id_slice(&s->old));
    args_u64(&a, store->limits.devices_max);
    args_put(&a, slice_of(store->node.text));
    args_u64(&a, store_time_ms(store, s->asked_ms));
    script_call(store->scripts, SCRIPT_SESSION_CREATE, &a, on_session_answer, session_question(store, fn, context, 2));
}

/* "<node>:<n>": unique in the cluster. */
static void put_attempt(struct script_args *a, const struct store *store, uint64_t attempt)
{
    char text[NODE_ID_CHARS + 24];
    snprintf(text, sizeof text, "%s:%llu", store->node.text, (unsigned long long)attempt);
    args_copy(a, slice_of(text));
}

void store_session_attach(struct store *store, const struct session_attach *s, session_answer_fn *fn, void *context)
{
    unsigned partition = id_partition(&s->id);
    struct key channel = key_node(partition, &store->node);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&s->id));
    args_key(&a, key_replies(&s->id));
    args_key(&a, key_timers(partition));
    put_held_keys(&a, store, partition);
    args_key(&a, key_presence(partition, s->device.user));
    args_put(&a, id_slice(&s->id));
    args_put(&a, s->key);
    args_put(&a, s->device.user);
    args_put(&a, s->device.device);
    args_put(&a, key_slice(&channel));
    args_u64(&a, s->seq);
    put_attempt(&a, store, s->attempt);
    args_put(&a, slice_of(store->node.text));
    args_u64(&a, store_time_ms(store, s->asked_ms));
    script_call(store->scripts, SCRIPT_SESSION_ATTACH, &a, on_session_answer, session_question(store, fn, context, 5));
}

/* {"ok", call, …} from item q->n on; a sweep's has the epoch before them */
static void on_ended(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct session_answer a = {.err = reply_status(transport, reply)};
    if (q->n == 2)
        a.epoch = reply_number(reply, 1);
    for (size_t i = (size_t)q->n; a.err == ERR_OK && i < reply_count(reply) && a.seating_count < STORE_SEATINGS_MAX;
         i++) {
        if (id_parse(reply_text(reply, i), q->store->partitions, &a.seatings[a.seating_count].call))
            a.seating_count++;
    }
    q->fn.session(q->context, &a);
    free(q);
}

void store_session_end(struct store *store, const struct session_end *s, session_answer_fn *fn, void *context)
{
    unsigned partition = id_partition(&s->id);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&s->id));
    args_key(&a, key_devices(partition, s->user));
    args_key(&a, key_timers(partition));
    put_presence_prefixes(&a, partition);
    args_put(&a, id_slice(&s->id));
    args_put(&a, s->user);
    args_u64(&a, s->epoch);
    args_u64(&a, s->retry_ms);
    script_call(store->scripts, SCRIPT_SESSION_END, &a, on_ended, session_question(store, fn, context, 1));
}

void store_session_sweep(struct store *store, const struct id *session, const struct node_id *dead, uint64_t left_ms,
                         session_answer_fn *fn, void *context)
{
    unsigned partition = id_partition(session);
    struct key channel = key_node(partition, dead);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(session));
    args_key(&a, key_held(partition, dead));
    args_key(&a, key_timers(partition));
    args_put(&a, id_slice(session));
    args_put(&a, key_slice(&channel));
    args_u64(&a, left_ms);
    script_call(store->scripts, SCRIPT_SESSION_SWEEP, &a, on_ended, session_question(store, fn, context, 2));
}

void store_session_detach(struct store *store, const struct session_detach *s, store_done_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    q->fn.done = fn;
    unsigned partition = id_partition(&s->id);
    struct key channel = key_node(partition, &store->node);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&s->id));
    args_key(&a, key_timers(partition));
    args_key(&a, key_held(partition, &store->node));
    args_put(&a, id_slice(&s->id));
    args_put(&a, s->user);
    if (s->epoch)
        args_u64(&a, s->epoch);
    else
        args_put(&a, (struct slice){0});
    args_u64(&a, s->grace_ms);
    put_attempt(&a, store, s->attempt);
    args_put(&a, key_slice(&channel));
    script_call(store->scripts, SCRIPT_SESSION_DETACH, &a, on_done, q);
}

void store_session_forget(struct store *store, const struct id *id, struct slice user, store_done_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    q->fn.done = fn;
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(id));
    args_key(&a, key_mailbox(id));
    args_key(&a, key_replies(id));
    args_key(&a, key_timers(id_partition(id)));
    args_put(&a, id_slice(id));
    args_put(&a, user);
    script_call(store->scripts, SCRIPT_SESSION_FORGET, &a, on_done, q);
}

void store_session_ack(struct store *store, const struct id *id, uint64_t seq)
{
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(id));
    args_key(&a, key_mailbox(id));
    args_u64(&a, seq);
    script_call(store->scripts, SCRIPT_SESSION_ACK, &a, NULL, NULL);
}

static void on_page(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct session_answer a = {.err = reply_status(transport, reply)};
    struct slice bodies[MAILBOX_PAGE];
    size_t count = 0;
    uint64_t first = 0;
    if (a.err == ERR_OK) {
        const struct redisReply *events = reply_item(reply, 2);
        a.seq = reply_number(reply, 1);
        a.seating_count = reply_seatings(reply, 3, q->store->partitions, a.seatings);
        first = reply_number(events, 0);
        for (size_t i = 0; i + 1 < reply_count(events) && count < MAILBOX_PAGE; i += 2)
            bodies[count++] = reply_text(events, i + 1);
    }
    q->fn.page(q->context, &a, first, bodies, count);
    free(q);
}

void store_mailbox_read(struct store *store, const struct id *id, uint64_t epoch, uint64_t after, mailbox_page_fn *fn,
                        void *context)
{
    struct question *q = question_create(store, context);
    q->fn.page = fn;
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(id));
    args_key(&a, key_mailbox(id));
    args_u64(&a, after);
    args_u64(&a, MAILBOX_PAGE);
    args_u64(&a, epoch);
    script_call(store->scripts, SCRIPT_MAILBOX_READ, &a, on_page, q);
}

/* XLEN replies */
static void on_replies_counted(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    enum err err = ERR_UNAVAILABLE;
    if (transport == ERR_OK && reply->type == REDIS_REPLY_INTEGER)
        err = reply->integer < (long long)q->store->limits.replies_kept ? ERR_NOT_FOUND : ERR_GONE;
    q->fn.reply(q->context, err, (struct slice){0});
    free(q);
}

/* XREVRANGE replies <request> - COUNT 1: the entry itself; an older one, if this one had no effect; or none, if this one is older than all that are kept. */
static void on_reply_found(void *context, enum err transport, const struct redisReply *reply)
{
    struct question *q = context;
    struct slice body = {0};
    enum err err = ERR_NOT_FOUND;
    const struct redisReply *entry = reply_item(reply, 0);
    struct slice id = reply_text(entry, 0);
    struct slice number = {0};
    uint64_t request = 0;
    if (transport != ERR_OK) {
        err = ERR_UNAVAILABLE;
    } else if (slice_split(&id, '-', &number) && slice_to_u64(number, &request) && request == q->n) {
        err = ERR_OK;
        body = reply_text(reply_item(entry, 1), 1);
    } else if (!entry) {
        struct key key = key_replies(&q->session);
        struct slice args[] = {SLICE("XLEN"), key_slice(&key)};
        redis_command(q->store->client, args, ARRAY_SIZE(args), on_replies_counted, q);
        return;
    }
    q->fn.reply(q->context, err, body);
    free(q);
}

void store_reply_find(struct store *store, const struct id *id, uint64_t request, reply_found_fn *fn, void *context)
{
    struct question *q = question_create(store, context);
    q->fn.reply = fn;
    q->n = request;
    q->session = *id;
    struct key key = key_replies(id);
    struct script_args numbers;
    args_init(&numbers);
    args_u64(&numbers, request);
    struct slice args[] = {SLICE("XREVRANGE"), key_slice(&key), numbers.v[0], SLICE("-"), SLICE("COUNT"), SLICE("1")};
    redis_command(store->client, args, ARRAY_SIZE(args), on_reply_found, q);
}
