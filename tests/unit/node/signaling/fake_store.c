#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/wire/writer.h"
#include "tests/unit/node/signaling/fake_private.h"

/* ---- asking ---- */

struct asked *fake_ask(struct store *store, enum asked_kind kind, void *context)
{
    struct asked *q = calloc(1, sizeof *q);
    struct asked **at = &store->open;
    assert(q);
    q->kind = kind;
    q->context = context;
    while (*at)
        at = &(*at)->next;
    *at = q;
    return q;
}

void fake_describe(struct asked *q, const char *format, ...)
{
    size_t n = strlen(q->text);
    va_list args;
    va_start(args, format);
    vsnprintf(q->text + n, sizeof q->text - n, format, args);
    va_end(args);
}

void store_session_create(struct store *store, const struct session_create *s, session_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_CREATE, context);
    q->fn.session = fn;
    q->session = s->id;
    q->other = s->old;
    fake_describe(q, "%.*s", SLICE_FMT(s->key));
}

void store_session_attach(struct store *store, const struct session_attach *s, session_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_ATTACH, context);
    q->fn.session = fn;
    q->session = s->id;
    q->number = s->seq;
    q->attempt = s->attempt;
    fake_describe(q, "%.*s", SLICE_FMT(s->key));
}

void store_session_detach(struct store *store, const struct session_detach *s, store_done_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_DETACH, context);
    q->fn.done = fn;
    q->session = s->id;
    q->number = s->epoch;
    q->attempt = s->attempt;
    fake_describe(q, "%.*s", SLICE_FMT(s->user));
}

void store_session_end(struct store *store, const struct session_end *s, session_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_END, context);
    q->fn.session = fn;
    q->session = s->id;
    q->number = s->epoch;
}

void store_session_forget(struct store *store, const struct id *id, struct slice user, store_done_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_FORGET, context);
    q->fn.done = fn;
    q->session = *id;
    fake_describe(q, "%.*s", SLICE_FMT(user));
}

void store_session_ack(struct store *store, const struct id *id, uint64_t seq)
{
    struct asked *q = fake_ask(store, ASKED_ACK, NULL);
    q->session = *id;
    q->number = seq;
}

void store_mailbox_read(struct store *store, const struct id *id, uint64_t epoch, uint64_t after, mailbox_page_fn *fn,
                        void *context)
{
    struct asked *q = fake_ask(store, ASKED_READ, context);
    q->fn.page = fn;
    q->session = *id;
    q->number = after;
    fake_describe(q, "epoch %llu", (unsigned long long)epoch);
}

void store_reply_find(struct store *store, const struct id *id, uint64_t request, reply_found_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_REPLY, context);
    q->fn.reply = fn;
    q->session = *id;
    q->number = request;
}

struct asked *fake_ask_call(struct store *store, enum asked_kind kind, const struct call_actor *actor,
                            call_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, kind, context);
    q->fn.call = fn;
    q->session = actor->session;
    q->call = actor->call;
    q->epoch = actor->epoch;
    return q;
}

void store_call_create(struct store *store, const struct call_create *c, call_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask_call(store, ASKED_CALL_CREATE, &c->actor, fn, context);
    fake_describe(q, "seats %u%s%s", c->seats, c->open ? " open" : "", c->relay ? " relay" : "");
    fake_describe(q, "%s%s", c->full ? " full" : "", c->unreachable ? " unreachable" : "");
    for (struct slice rest = c->callees, user = {0}; rest.n > 0 && slice_split(&rest, '\n', &user) && user.n > 0;)
        fake_describe(q, " ?%.*s", SLICE_FMT(user));
}

void store_offer_take(struct store *store, const struct call_actor *actor, call_answer_fn *fn, void *context)
{
    fake_ask_call(store, ASKED_TAKE, actor, fn, context);
}

void store_offer_add(struct store *store, const struct call_actor *actor, uint64_t request, struct slice candidates,
                     size_t count, call_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask_call(store, ASKED_ADD, actor, fn, context);
    (void)candidates;
    q->number = request;
    fake_describe(q, "%zu", count);
}

void store_call_join(struct store *store, const struct call_actor *actor, call_answer_fn *fn, void *context)
{
    fake_ask_call(store, ASKED_JOIN, actor, fn, context);
}

void store_call_leave(struct store *store, const struct call_actor *actor, unsigned peer, const char *reason,
                      call_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask_call(store, ASKED_LEAVE, actor, fn, context);
    q->number = actor->request;
    fake_describe(q, "%u %s", peer, reason);
}

void store_call_lock(struct store *store, const struct call_actor *actor, bool locked, call_answer_fn *fn,
                     void *context)
{
    fake_describe(fake_ask_call(store, ASKED_LOCK, actor, fn, context), "%d", locked);
}

void store_call_mark(struct store *store, const struct call_actor *actor, uint64_t epoch, bool suspended,
                     call_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask_call(store, ASKED_MARK, actor, fn, context);
    q->number = epoch;
    fake_describe(q, "%s", suspended ? "suspended" : "here");
}

void store_call_get(struct store *store, const struct call_actor *actor, call_answer_fn *fn, void *context)
{
    fake_ask_call(store, ASKED_GET, actor, fn, context);
}

void store_offer_expire(struct store *store, const struct id *call, call_answer_fn *fn, void *context)
{
    fake_ask_call(store, ASKED_EXPIRE, &(struct call_actor){.call = *call}, fn, context);
}

void store_log_read(struct store *store, const struct id *call, uint64_t after, call_answer_fn *fn, void *context)
{
    fake_ask_call(store, ASKED_LOG, &(struct call_actor){.call = *call}, fn, context)->number = after;
}

void fake_describe_reply(struct asked *q, struct slice reply)
{
    struct buf json;
    buf_init(&json, sizeof q->reply);
    if (reply.n > 0 && wire_frame(WIRE_JSON, reply, 0, &json) == ERR_OK)
        snprintf(q->reply, sizeof q->reply, "%s", buf_cstr(&json));
    buf_finish(&json);
}

void store_deliver(struct store *store, const struct delivery *d, delivered_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_DELIVER, context);
    q->fn.delivered = fn;
    q->session = d->session;
    q->call = d->call;
    q->number = d->request;
    for (size_t i = 0; i < d->count; i++)
        fake_describe(q, "%s%llu%c", i ? " " : "", (unsigned long long)d->entries[i].version, d->entries[i].mark);
    fake_describe_reply(q, d->reply);
}

void store_fanout_done(struct store *store, const struct id *call, uint64_t first, uint64_t last)
{
    struct asked *q = fake_ask(store, ASKED_DONE, NULL);
    q->call = *call;
    fake_describe(q, "%llu-%llu", (unsigned long long)first, (unsigned long long)last);
}

void store_signal(struct store *store, const struct signal_batch *b, delivered_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_SIGNAL, context);
    q->fn.delivered = fn;
    q->session = b->recipient;
    q->call = b->call;
    q->number = b->from;
    for (size_t i = 0; i < b->count; i++)
        fake_describe(q, "%s%llu<%llu", i ? " " : "", (unsigned long long)b->items[i].request,
                      (unsigned long long)b->items[i].previous);
}

void store_lease_renew(struct store *store, uint64_t lease_ms, struct slice card, nodes_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_LEASE, context);
    q->fn.nodes = fn;
    q->number = lease_ms;
    fake_describe(q, "%.*s", SLICE_FMT(card));
}

void store_holders(struct store *store, unsigned partition, holders_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_HOLDERS, context);
    q->fn.holders = fn;
    q->number = partition;
}

void store_held(struct store *store, unsigned partition, const struct node_id *node, held_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_HELD, context);
    q->fn.held = fn;
    q->number = partition;
    fake_describe(q, "%s", node->text);
}

void store_session_sweep(struct store *store, const struct id *session, const struct node_id *dead, uint64_t left_ms,
                         session_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_SWEEP, context);
    q->fn.session = fn;
    q->session = *session;
    q->number = left_ms;
    fake_describe(q, "%s", dead->text);
}

void store_held_done(struct store *store, unsigned partition, const struct node_id *dead)
{
    struct asked *q = fake_ask(store, ASKED_HELD_DONE, NULL);
    q->number = partition;
    fake_describe(q, "%s", dead->text);
}

void store_timers_due(struct store *store, unsigned partition, uint64_t again_ms, due_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_DUE, context);
    (void)again_ms;
    q->fn.due = fn;
    q->number = partition;
}

bool store_bus_is_alive(const struct store *store, uint64_t within_ms)
{
    (void)store;
    (void)within_ms;
    return true;
}

bool store_is_up(const struct store *store)
{
    (void)store;
    return true;
}

/* ---- answering ---- */

struct asked *fake_find(struct store *store, enum asked_kind kind)
{
    struct asked *q = store->open;
    while (q && q->kind != kind)
        q = q->next;
    return q;
}

size_t fake_open(const struct store *store)
{
    size_t n = 0;
    for (const struct asked *q = store->open; q; q = q->next)
        n += q->kind != ASKED_LEASE && q->kind != ASKED_DUE && q->kind != ASKED_HOLDERS;
    return n;
}

struct asked fake_take(struct store *store, struct asked *q)
{
    struct asked copy = *q;
    struct asked **at = &store->open;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    free(q);
    return copy;
}

void fake_session(struct store *store, struct asked *asked, const struct session_answer *a)
{
    struct asked q = fake_take(store, asked);
    q.fn.session(q.context, a);
}

void fake_call(struct store *store, struct asked *asked, const struct call_answer *a)
{
    struct asked q = fake_take(store, asked);
    q.fn.call(q.context, a);
}

void fake_page(struct store *store, struct asked *asked, const struct session_answer *a, uint64_t first,
               const struct slice *bodies, size_t count)
{
    struct asked q = fake_take(store, asked);
    q.fn.page(q.context, a, first, bodies, count);
}

void fake_reply(struct store *store, struct asked *asked, enum err err, struct slice body)
{
    struct asked q = fake_take(store, asked);
    q.fn.reply(q.context, err, body);
}

void fake_delivered(struct store *store, struct asked *asked, enum err err, uint64_t version)
{
    struct asked q = fake_take(store, asked);
    q.fn.delivered(q.context, err, version);
}

void fake_done(struct store *store, struct asked *asked, enum err err)
{
    struct asked q = fake_take(store, asked);
    if (q.fn.done)
        q.fn.done(q.context, err);
}

void fake_leases(struct store *store, struct asked *asked, bool lapsed, const struct node_lease *leases, size_t count)
{
    struct asked q = fake_take(store, asked);
    q.fn.nodes(q.context, ERR_OK, lapsed ? LEASE_LAPSED : LEASE_RUNNING, leases, count);
}

void fake_nodes(struct store *store, struct asked *asked, const struct node_id *nodes, size_t count)
{
    struct node_lease leases[8];
    assert(count <= ARRAY_SIZE(leases));
    for (size_t i = 0; i < count; i++)
        leases[i] = (struct node_lease){.node = nodes[i], .lives = true};
    fake_leases(store, asked, false, leases, count);
}

void fake_holders(struct store *store, struct asked *asked, const struct node_id *nodes, size_t count)
{
    struct asked q = fake_take(store, asked);
    q.fn.holders(q.context, ERR_OK, nodes, count);
}

void fake_held(struct store *store, struct asked *asked, const struct id *sessions, size_t count)
{
    struct asked q = fake_take(store, asked);
    q.fn.held(q.context, ERR_OK, sessions, count);
}

void fake_due(struct store *store, struct asked *asked, const struct due_timer *timers, size_t count)
{
    struct asked q = fake_take(store, asked);
    q.fn.due(q.context, ERR_OK, timers, count);
}

void fake_err(struct store *store, struct asked *asked, enum err err)
{
    struct asked q = fake_take(store, asked);
    if (fake_users_err(&q, err) || fake_heal_err(&q, err) || fake_presence_err(&q, err))
        return;
    switch (q.kind) {
    case ASKED_CREATE:
    case ASKED_ATTACH:
    case ASKED_END:
    case ASKED_SWEEP:
        q.fn.session(q.context, &(struct session_answer){.err = err});
        break;
    case ASKED_READ:
        q.fn.page(q.context, &(struct session_answer){.err = err}, 0, NULL, 0);
        break;
    case ASKED_REPLY:
        q.fn.reply(q.context, err, (struct slice){0});
        break;
    case ASKED_DELIVER:
    case ASKED_SIGNAL:
        q.fn.delivered(q.context, err, 0);
        break;
    case ASKED_LEASE:
        q.fn.nodes(q.context, err, LEASE_RUNNING, NULL, 0);
        break;
    case ASKED_DUE:
        q.fn.due(q.context, err, NULL, 0);
        break;
    case ASKED_DETACH:
    case ASKED_FORGET:
        q.fn.done(q.context, err);
        break;
    case ASKED_HOLDERS:
        q.fn.holders(q.context, err, NULL, 0);
        break;
    case ASKED_HELD:
        q.fn.held(q.context, err, NULL, 0);
        break;
    case ASKED_HELD_DONE:
    case ASKED_ACK:
    case ASKED_DONE:
        break; /* nobody waits */
    default:
        q.fn.call(q.context, &(struct call_answer){.err = err});
    }
}

void fake_fail_all(struct store *store)
{
    while (store->open)
        fake_err(store, store->open, ERR_UNAVAILABLE);
}
