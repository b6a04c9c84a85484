#include <assert.h>

#include "tests/unit/node/signaling/fake_private.h"

/* node/store/heal.h */

/* "epoch 1 seq 4 make: 7;52;1=<id>; ?3" */
void store_session_restore(struct store *store, const struct session_restore *s, restored_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_RESTORE, context);
    q->fn.restored = fn;
    q->session = s->id;
    q->number = s->seq;
    fake_describe(q, "epoch %llu seq %llu%s:", (unsigned long long)s->epoch, (unsigned long long)s->seq,
                  s->make ? " make" : "");
    for (size_t i = 0; i < s->seating_count; i++)
        fake_describe(q, " %.*s", SLICE_FMT(s->seatings[i].text));
}

/* "2 7;52;1=<id>;": mark and seating */
void store_call_restore(struct store *store, const struct call_actor *actor, const struct call_restore *c,
                        restored_call_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_RESTORE_CALL, context);
    q->fn.restored_call = fn;
    q->session = actor->session;
    q->call = actor->call;
    q->number = c->grace_ms;
    fake_describe(q, "%llu %.*s%s", (unsigned long long)c->mark, SLICE_FMT(c->seating), c->forgot ? " forgot" : "");
}

void store_ring_restore(struct store *store, const struct id *call, struct slice user, uint64_t version,
                        restored_call_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_RESTORE_RING, context);
    q->fn.restored_call = fn;
    q->call = *call;
    q->number = version;
    fake_describe(q, "%.*s", SLICE_FMT(user));
}

void store_session_peek(struct store *store, const struct id *session, const struct id *call, peeked_fn *fn,
                        void *context)
{
    struct asked *q = fake_ask(store, ASKED_PEEK, context);
    q->fn.peeked = fn;
    q->session = *session;
    q->call = *call;
}

void store_call_healed(struct store *store, const struct id *call, uint64_t grace_ms, call_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_HEALED, context);
    q->fn.call = fn;
    q->call = *call;
    q->number = grace_ms;
}

void store_call_missing(struct store *store, const struct id *call, const struct id *session, uint64_t grace_ms,
                        call_answer_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_MISSING, context);
    q->fn.call = fn;
    q->session = *session;
    q->call = *call;
    q->number = grace_ms;
}

void fake_restored(struct store *store, struct asked *asked, const struct restored *r)
{
    struct asked q = fake_take(store, asked);
    q.fn.restored(q.context, r);
}

void fake_restored_call(struct store *store, struct asked *asked, const struct call_answer *change,
                        const struct delivery_entry *missed)
{
    static const struct delivery_entry nothing = {.mark = '#'};
    struct asked q = fake_take(store, asked);
    q.fn.restored_call(q.context, change->err, change, missed ? missed : &nothing);
}

void fake_peeked(struct store *store, struct asked *asked, const struct peeked *p)
{
    struct asked q = fake_take(store, asked);
    q.fn.peeked(q.context, p);
}

bool fake_heal_err(const struct asked *q, enum err err)
{
    static const struct delivery_entry nothing = {.mark = '#'};
    if (q->kind == ASKED_RESTORE)
        q->fn.restored(q->context, &(struct restored){.err = err});
    else if (q->kind == ASKED_RESTORE_CALL || q->kind == ASKED_RESTORE_RING)
        q->fn.restored_call(q->context, err, &(struct call_answer){.err = err}, &nothing);
    else if (q->kind == ASKED_PEEK)
        q->fn.peeked(q->context, &(struct peeked){.err = err});
    else if (q->kind == ASKED_HEALED || q->kind == ASKED_MISSING)
        q->fn.call(q->context, &(struct call_answer){.err = err});
    else
        return false;
    return true;
}
