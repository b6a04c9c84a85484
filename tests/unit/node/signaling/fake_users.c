/* Fakes of node/store/rings.h and people.h: what concerns users. */
#include "tests/unit/node/signaling/fake_private.h"

/* ---- rings.h ---- */

void store_user_reach(struct store *store, struct slice user, struct slice caller, reach_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_REACH, context);
    q->fn.reach = fn;
    fake_describe(q, "%.*s for %.*s", SLICE_FMT(user), SLICE_FMT(caller));
}

void store_call_invite(struct store *store, const struct call_actor *actor, const struct call_invitation *invitation,
                       call_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask_call(store, ASKED_INVITE, actor, fn, context);
    q->number = actor->request;
    fake_describe(q, "%.*s %llu%s", SLICE_FMT(invitation->user), (unsigned long long)invitation->ring_ms,
                  invitation->unreachable ? " unreachable" : "");
}

void store_call_alert(struct store *store, const struct call_actor *actor, call_answer_fn *fn, void *context)
{
    fake_ask_call(store, ASKED_ALERT, actor, fn, context);
}

void store_call_accept(struct store *store, const struct call_actor *actor, const struct call_acceptance *acceptance,
                       call_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask_call(store, ASKED_ACCEPT, actor, fn, context);
    fake_describe(q, "%s%s%s", acceptance->answer.n ? "answer" : "", acceptance->glare ? " glare" : "",
                  acceptance->relay ? " relay" : "");
}

void store_call_reject(struct store *store, const struct call_actor *actor, const char *reason, call_answer_fn *fn,
                       void *context)
{
    struct asked *q = fake_ask_call(store, ASKED_REJECT, actor, fn, context);
    q->number = actor->request;
    fake_describe(q, "%s", reason);
}

void store_ring_expire(struct store *store, const struct id *call, struct slice user, call_answer_fn *fn, void *context)
{
    fake_describe(fake_ask_call(store, ASKED_RING_EXPIRE, &(struct call_actor){.call = *call}, fn, context), "%.*s",
                  SLICE_FMT(user));
}

void store_call_cancel(struct store *store, const struct call_actor *actor, struct slice user, call_answer_fn *fn,
                       void *context)
{
    struct asked *q = fake_ask_call(store, ASKED_CANCEL, actor, fn, context);
    q->number = actor->request;
    fake_describe(q, "%.*s", SLICE_FMT(user));
}

void store_pair_claim(struct store *store, const struct pair_claim *claim, claim_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_CLAIM, context);
    q->fn.claim = fn;
    q->call = claim->call;
    q->other = claim->over;
    fake_describe(q, "%.*s %.*s%s", SLICE_FMT(claim->caller), SLICE_FMT(claim->callee), claim->ms == 0 ? " looks" : "");
}

void store_call_discard(struct store *store, const struct call_discard *d, store_done_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_DISCARD, context);
    q->fn.done = fn;
    q->call = d->call;
    q->session = d->session;
}

void store_call_incoming(struct store *store, const struct id *call, struct slice user, incoming_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_INCOMING, context);
    q->fn.incoming = fn;
    q->call = *call;
    fake_describe(q, "%.*s", SLICE_FMT(user));
}

void store_ring(struct store *store, const struct ring *ring, ring_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_RING, context);
    q->fn.ring = fn;
    q->call = ring->call;
    q->session = ring->actor;
    q->number = ring->request;
    fake_describe(q, "%.*s for %.*s:", SLICE_FMT(ring->user), SLICE_FMT(ring->caller));
    for (size_t i = 0; i < ring->count; i++) {
        const struct ring_entry *e = &ring->entries[i];
        fake_describe(q, " %llu%c", (unsigned long long)e->version, e->mark);
        if (e->named_mark)
            fake_describe(q, "(%c)", e->named_mark);
    }
    fake_describe_reply(q, ring->reply);
}

/* ---- people.h ---- */

void store_block_set(struct store *store, const struct block_set *b, store_done_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_BLOCK_SET, context);
    struct slice rest = b->blocked;
    struct slice user = {0};
    q->fn.done = fn;
    q->session = b->session;
    q->epoch = b->epoch;
    q->number = b->request;
    fake_describe(q, "%.*s:", SLICE_FMT(b->user));
    while (rest.n > 0 && slice_split(&rest, '\n', &user) && user.n > 0)
        fake_describe(q, " %.*s", SLICE_FMT(user));
    fake_describe_reply(q, b->reply);
}

void store_block_get(struct store *store, struct slice user, blocked_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_BLOCK_GET, context);
    q->fn.blocked = fn;
    fake_describe(q, "%.*s", SLICE_FMT(user));
}

void store_wrong_id_charge(struct store *store, const struct charge *w, charged_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_WRONG_ID, context);
    q->fn.charged = fn;
    q->session = w->session;
    q->number = w->request;
    fake_describe(q, "%.*s", SLICE_FMT(w->user));
}

void store_start_charge(struct store *store, const struct charge *c, charged_fn *fn, void *context)
{
    store_wrong_id_charge(store, c, fn, context);
}

void store_user_seats(struct store *store, struct slice user, const struct id *session, uint64_t epoch, seats_fn *fn,
                      void *context)
{
    struct asked *q = fake_ask(store, ASKED_SEATS, context);
    q->fn.seats = fn;
    q->session = *session;
    q->number = epoch;
    fake_describe(q, "%.*s", SLICE_FMT(user));
}

/* ---- answering ---- */

void fake_reach(struct store *store, struct asked *asked, enum err err, enum reach reach)
{
    struct asked q = fake_take(store, asked);
    q.fn.reach(q.context, err, reach);
}

void fake_claim(struct store *store, struct asked *asked, enum err err, const struct id *other)
{
    struct asked q = fake_take(store, asked);
    q.fn.claim(q.context, err, other);
}

void fake_incoming(struct store *store, struct asked *asked, const struct incoming *incoming)
{
    struct asked q = fake_take(store, asked);
    q.fn.incoming(q.context, ERR_OK, incoming);
}

void fake_blocked(struct store *store, struct asked *asked, const struct slice *users, size_t count)
{
    struct asked q = fake_take(store, asked);
    q.fn.blocked(q.context, ERR_OK, users, count);
}

void fake_charged(struct store *store, struct asked *asked, enum err err, uint64_t retry_after_ms)
{
    struct asked q = fake_take(store, asked);
    q.fn.charged(q.context, err, retry_after_ms);
}

void fake_seats(struct store *store, struct asked *asked, uint64_t seats)
{
    struct asked q = fake_take(store, asked);
    q.fn.seats(q.context, ERR_OK, seats);
}

bool fake_users_err(const struct asked *q, enum err err)
{
    switch (q->kind) {
    case ASKED_REACH:
        q->fn.reach(q->context, err, REACH_NONE);
        return true;
    case ASKED_CLAIM:
        q->fn.claim(q->context, err, &(struct id){0});
        return true;
    case ASKED_INCOMING:
        q->fn.incoming(q->context, err, &(struct incoming){0});
        return true;
    case ASKED_RING:
        q->fn.ring(q->context, err);
        return true;
    case ASKED_DISCARD:
    case ASKED_BLOCK_SET:
        q->fn.done(q->context, err);
        return true;
    case ASKED_BLOCK_GET:
        q->fn.blocked(q->context, err, NULL, 0);
        return true;
    case ASKED_WRONG_ID:
        q->fn.charged(q->context, err, 0);
        return true;
    case ASKED_SEATS:
        q->fn.seats(q->context, err, 0);
        return true;
    default:
        return false;
    }
}
