#include "node/signaling/heal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/name.h"
#include "node/signaling/fanout.h"
#include "node/signaling/mail.h"
#include "node/signaling/owner.h"
#include "node/signaling/request.h"
#include "node/signaling/seats.h"
#include "node/signaling/verbs.h"
#include "node/store/heal.h"
#include "node/store/rings.h"

/*
 * Redis may forget: it is emptied, or comes back without its newest writes. Each node then brings what it knows of the sessions whose sockets it holds: the
 * session first, then each call that it sits in or rings for (node/store/heal.h). Those that may have been forgotten wait in a list, and a few at a time are
 * asked about, so that Redis's own pace is the walk's. What is still there costs a look and changes nothing.
 *
 * A session that is missing may also have ended rightly, while this node slept and was taken for dead. So nothing is asked before the lease has been: it tells
 * a store that forgot from a node that slept.
 */

enum {
    ASKED_MAX = 64,        /* sessions at a time */
    ASLEEP_MS = 4000,      /* without a tick: this node was frozen, or as good as */
    REMEMBERED_MS = 30000, /* how long that, and a loss, counts */
    PENDING_MS = 6000,     /* until a call is put back of which not everybody has spoken */
    CHECKED_MS = 5000,     /* what was there is there */
    TEXTS_MAX = 8192,
};

static bool lately(uint64_t then_ms, uint64_t span_ms)
{
    return then_ms && clock_steady_ms() - then_ms < span_ms;
}

/* ---- the list ---- */

static void queue(struct client *c)
{
    if (c->heal_queued)
        return;
    c->heal_queued = true;
    DL_APPEND2(c->signaling->heal.queue, c, heal_prev, heal_next);
}

void heal_forget(struct client *c)
{
    if (!c->heal_queued)
        return;
    c->heal_queued = false;
    DL_DELETE2(c->signaling->heal.queue, c, heal_prev, heal_next);
}

static void ask_some(struct signaling *);

void heal_client(struct client *c)
{
    queue(c);
    ask_some(c->signaling);
}

static void queue_all(struct signaling *sig)
{
    for (struct client *c = sig->sessions; c; c = c->hh.next) {
        c->checked_ms = 0; /* what was there then may be forgotten since */
        queue(c);
    }
}

void heal_all(struct signaling *sig)
{
    sig->heal.waits = true;
    queue_all(sig);
    owner_renew(sig->owner);
}

void heal_on_lease(struct signaling *sig, enum lease was)
{
    sig->heal.waits = false;
    if (was != LEASE_RUNNING) {
        log_warn(was == LEASE_LOST ? "store.emptied" : "lease.lapsed", LOG_U64("sessions", HASH_COUNT(sig->sessions)));
        queue_all(sig);
    }
    if (was == LEASE_LOST)
        sig->heal.lost_ms = clock_steady_ms();
    ask_some(sig);
}

void heal_tick(struct signaling *sig)
{
    uint64_t now = clock_steady_ms();
    if (sig->heal.ticked_ms && now - sig->heal.ticked_ms > ASLEEP_MS) {
        sig->heal.slept_ms = now;
        heal_all(sig);
    }
    sig->heal.ticked_ms = now;
    ask_some(sig);
}

/* ---- a call ---- */

struct restored_call {
    struct signaling *signaling;
    struct id call;
    struct id session;
    bool for_another; /* it is not this node's */
    char user[NAME_MAX_CHARS + 1];
};

static void ask_others(struct client *, const struct id *call);

static void on_delivered(void *context, enum err err, uint64_t version)
{
    (void)context;
    (void)err; /* a session that is over needs nothing; else the next question finds out again */
    (void)version;
}

static void on_rung(void *context, enum err err)
{
    (void)context;
    (void)err;
}

/* What the session missed, and no log has any more. */
static void bring(const struct restored_call *r, const struct delivery_entry *missed)
{
    struct store *store = r->signaling->store;
    if (missed->mark == 'x') {
        struct ring_entry entry = {.version = missed->version, .mark = 'x', .body = missed->body};
        struct ring ring = {.call = r->call, .user = slice_of(r->user), .entries = &entry, .count = 1};
        store_ring(store, &ring, on_rung, NULL);
    } else {
        struct delivery_entry entry = {missed->version, missed->mark, missed->seating, missed->body};
        struct delivery d = {.session = r->session, .call = r->call, .entries = &entry, .count = 1};
        store_deliver(store, &d, on_delivered, NULL);
    }
}

static void on_call_restored(void *context, enum err err, const struct call_answer *change,
                             const struct delivery_entry *missed)
{
    struct restored_call r = *(struct restored_call *)context;
    struct client *c = client_of(r.signaling, &r.session);
    free(context);
    if (r.signaling->stopped)
        return;
    if (err == ERR_HOLE)
        bring(&r, missed);
    else if (err != ERR_OK && c)
        queue(c);
    else if (err == ERR_OK && change->version == 0 && c && !r.for_another)
        ask_others(c, &r.call);
    else if (err == ERR_OK && change->entry_count > 0)
        fanout_start(r.signaling, &r.call, change, NULL, NULL);
}

static void ask_call(struct client *c, const struct store_seating *seating, bool forgot)
{
    struct signaling *sig = c->signaling;
    struct restored_call *r = calloc(1, sizeof *r);
    uint64_t version = 0;
    assert(r);
    *r = (struct restored_call){.signaling = sig, .call = seating->call, .session = c->session};
    memcpy(r->user, c->claims->user, sizeof r->user);
    if (seating_rings(seating->text)) {
        if (slice_to_u64(slice_make(seating->text.p + 1, seating->text.n - 1), &version))
            store_ring_restore(sig->store, &r->call, slice_of(r->user), version, on_call_restored, r);
        else
            free(r);
        return;
    }
    struct call_actor actor = {.call = r->call, .session = c->session, .epoch = c->epoch, .device = client_device(c)};
    const struct call_restore restore = {seating->text, 2 * c->epoch, forgot, sig->settings.grace_ms};
    store_call_restore(sig->store, &actor, &restore, on_call_restored, r);
}

/* ---- the others in that call ---- */

static void on_peeked(void *context, const struct peeked *p)
{
    struct restored_call *r = context;
    struct call_actor actor = {.call = r->call, .session = r->session, .device = p->device};
    const struct call_restore restore = {p->seating, p->mark, false, r->signaling->settings.grace_ms};
    struct seating seating;
    if (p->err == ERR_OK && !r->signaling->stopped &&
        seating_parse(p->seating, r->signaling->settings.partitions, &seating) == ERR_OK)
        store_call_restore(r->signaling->store, &actor, &restore, on_call_restored, r);
    else
        free(r);
}

/* The call is gone, but perhaps not the sessions of its other members, who have noticed nothing then, or have no socket that could: what the store knows of them
 * is brought in their place. */
static void ask_others(struct client *c, const struct id *call)
{
    struct seat *seat = seat_find(c, call);
    c->healing_ms = clock_steady_ms();
    for (unsigned peer = 1; seat && peer <= CALL_SEATS_MAX; peer++) {
        const struct id *other = &seat->seating.session[peer];
        if (id_is_none(other) || id_eq(other, &c->session))
            continue;
        struct restored_call *r = calloc(1, sizeof *r);
        assert(r);
        *r = (struct restored_call){.signaling = c->signaling, .call = *call, .session = *other, .for_another = true};
        store_session_peek(c->signaling->store, other, call, on_peeked, r);
    }
}

/* ---- a session ---- */

struct asked {
    struct signaling *signaling;
    struct id session;
    uint64_t epoch;
};

/*
 * A store that came back as it was a while ago knows a seat that was left since. Only a request of the client's own leads into a call, and none is under way
 * there.
 */
static bool is_of_old(struct client *c, const struct restored *r, const struct store_seating *seating)
{
    bool asked_for = c->current && id_eq(&c->current->call, &seating->call);
    return r->was_lost && !asked_for && c->state == CLIENT_LIVE && !seating_rings(seating->text) &&
           !seat_find(c, &seating->call) && !ring_find(c, &seating->call);
}

static void take_restored(struct client *c, const struct restored *r)
{
    c->checked_ms = clock_steady_ms();
    if (r->was_lost)
        metric_inc(c->signaling->settings.metrics, METRIC_RESTORED);
    order_lost(&c->order, r->seq);
    for (size_t i = 0; i < r->seating_count; i++) {
        if (is_of_old(c, r, &r->seatings[i])) {
            fanout_leave(c->signaling, &r->seatings[i].call, &c->session, "lost", NULL, NULL);
            continue;
        }
        seat_update(c, &r->seatings[i].call, r->seatings[i].text);
        ask_call(c, &r->seatings[i], r->forgot);
    }
    mail_read(c);
}

static void on_restored(void *context, const struct restored *r)
{
    struct asked asked = *(struct asked *)context;
    struct signaling *sig = asked.signaling;
    struct client *c = client_of(sig, &asked.session);
    free(context);
    sig->heal.asked--;
    if (sig->stopped)
        return;
    if (c && c->epoch == asked.epoch && r->err == ERR_OK)
        take_restored(c, r);
    else if (c && c->epoch == asked.epoch && (r->err == ERR_STALE || r->err == ERR_GONE))
        client_close(c, r->err == ERR_STALE ? CLOSE_SUPERSEDED : CLOSE_RESTART);
    else if (c && r->err != ERR_OK)
        queue(c);
    if (r->err != ERR_UNAVAILABLE) /* then the next tick goes on */
        ask_some(sig);
}

/* "7;52r;1=<session>;" of each seat, and "?7" of each ring; the texts lie in `texts`. */
static size_t put_seatings(const struct client *c, struct buf *texts, struct store_seating out[STORE_SEATINGS_MAX])
{
    size_t ends[STORE_SEATINGS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < c->seat_count && n < STORE_SEATINGS_MAX; i++) {
        seating_put(texts, &c->seats[i].seating);
        out[n].call = c->seats[i].call;
        ends[n++] = texts->n;
    }
    for (size_t i = 0; i < c->ring_count && n < STORE_SEATINGS_MAX; i++) {
        buf_putf(texts, "?%llu", (unsigned long long)c->rings[i].version);
        out[n].call = c->rings[i].call;
        ends[n++] = texts->n;
    }
    if (buf_failed(texts))
        return 0;
    for (size_t i = 0, at = 0; i < n; at = ends[i++])
        out[i].text = slice_make(buf_slice(texts).p + at, ends[i] - at);
    return n;
}

static void ask(struct client *c)
{
    struct signaling *sig = c->signaling;
    struct store_seating seatings[STORE_SEATINGS_MAX];
    struct asked *asked = malloc(sizeof *asked);
    struct buf texts;
    assert(asked);
    *asked = (struct asked){sig, c->session, c->epoch};
    buf_init(&texts, TEXTS_MAX);
    struct session_restore s = {.id = c->session,
                                .key = slice_of(c->key),
                                .device = client_device(c),
                                .epoch = c->epoch,
                                .seq = c->order.seq,
                                .make = !lately(sig->heal.slept_ms, REMEMBERED_MS) ||
                                        lately(sig->heal.lost_ms, REMEMBERED_MS),
                                .seatings = seatings,
                                .seating_count = put_seatings(c, &texts, seatings)};
    sig->heal.asked++;
    store_session_restore(sig->store, &s, on_restored, asked);
    buf_finish(&texts);
}

static void ask_some(struct signaling *sig)
{
    while (sig->heal.queue && sig->heal.asked < ASKED_MAX && !sig->heal.waits && !sig->stopped) {
        struct client *c = sig->heal.queue;
        heal_forget(c);
        if (c->state == CLIENT_LIVE || c->state == CLIENT_GREETING)
            ask(c);
    }
}

/* ---- what others ask here ---- */

bool heal_may_help(struct client *c)
{
    if (!c || lately(c->checked_ms, CHECKED_MS))
        return false;
    heal_client(c);
    return true;
}

/* The version by which the client sits in the request's call, or rings for it where that is what counts; 0: it does not. */
static uint64_t version_known(struct request *rq)
{
    const struct seat *seat = seat_find(rq->client, &rq->call);
    const struct client_ring *ring = ring_find(rq->client, &rq->call);
    bool rings =
        rq->verb->run == call_accept_run || rq->verb->run == call_reject_run || rq->verb->run == call_alert_run;
    return seat ? seat->seating.version : ring && rings ? ring->version : 0;
}

bool heal_may_find(struct request *rq, uint64_t version)
{
    struct client *c = rq->client;
    if (!c || version >= version_known(rq)) /* it was so, and is no more */
        return false;
    if (lately(c->checked_ms, CHECKED_MS) && !lately(c->healing_ms, PENDING_MS))
        return false;
    heal_client(c);
    return true;
}

static void on_healed(void *context, const struct call_answer *a)
{
    struct restored_call r = *(struct restored_call *)context;
    free(context);
    if (a->err == ERR_OK && !r.signaling->stopped)
        fanout_start(r.signaling, &r.call, a, NULL, NULL);
}

void heal_missing(struct signaling *sig, const struct id *call, const struct id *session)
{
    struct restored_call *r = calloc(1, sizeof *r);
    assert(r);
    *r = (struct restored_call){.signaling = sig, .call = *call};
    store_call_missing(sig->store, call, session, sig->settings.grace_ms, on_healed, r);
}

void heal_finish(struct signaling *sig, const struct id *call)
{
    struct restored_call *r = calloc(1, sizeof *r);
    assert(r);
    *r = (struct restored_call){.signaling = sig, .call = *call};
    store_call_healed(sig->store, call, sig->settings.grace_ms, on_healed, r);
}
