#include "node/signaling/owner.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/name.h"
#include "common/base/rendezvous.h"
#include "common/wire/card.h"
#include "node/signaling/acks.h"
#include "node/signaling/fanout_done.h"
#include "node/signaling/farewell.h"
#include "node/signaling/heal.h"
#include "node/signaling/mail.h"
#include "node/signaling/private.h"
#include "node/signaling/suspension.h"
#include "node/signaling/sweep.h"
#include "node/signaling/watch.h"
#include "node/store/cluster.h"
#include "node/store/rings.h"

/*
 * What a node does for the cluster: it renews its lease, works out which partitions are its own, and fires their timers. Two owners for a moment do
 * no harm. With the lease it tells who looks at the cluster how it fares.
 */

enum {
    LEASE_MS = 6000,
    RENEW_EVERY_MS = 2000,
    RENEW_LATE_MS = 3000,
    OTHERS_RENEW_MS = 2 * RENEW_EVERY_MS,
    LOOK_EVERY_MS = 250,
    AGAIN_MS = 3000,
    FLUSH_EVERY_TICKS = 2,
    RETRY_EVERY_TICKS = 4,
    CARD_MAX = 1024
};

struct owner {
    struct signaling *signaling;
    struct timer renew;
    struct timer look;
    bool owns[ID_PARTITIONS_MAX];
    unsigned looking; /* partitions whose timers are being asked for */
    unsigned ticks;
    struct sweeper *sweeper;
    uint64_t renewed_ms;    /* when the lease was renewed last, or first asked for */
    uint64_t sweep_from_ms; /* before that nobody is taken for dead */
    struct {
        uint64_t at_us; /* steady clock; 0: never */
        int64_t frames;
        uint64_t lag_us, lag_ticks;
    } carded;         /* the numbers behind the last card */
    unsigned answers; /* questions whose answer comes back to this object */
    bool gone;
};

struct due_call {
    struct signaling *signaling;
    struct id call;
};

static bool owns(const struct node_id *self, unsigned partition, const struct node_lease *nodes, size_t count)
{
    uint64_t own = rendezvous_weight(self, partition);
    for (size_t i = 0; i < count; i++) {
        if (nodes[i].lives && rendezvous_weight(&nodes[i].node, partition) > own)
            return false;
    }
    return true;
}

/* False: the owner was destroyed meanwhile, and this was the last answer it had to wait for. */
static bool answered(struct owner *o)
{
    o->answers--;
    if (!o->gone)
        return true;
    if (o->answers == 0)
        free(o);
    return false;
}

/*
 * What is left of the grace of those whom a dead node held. It died at most one renewal after its last one, so they have their whole grace, and are gone
 * no later than a renewal after it.
 */
static uint64_t grace_left(const struct signaling *sig, uint64_t ended_ms)
{
    uint64_t gone_ms = ended_ms + LEASE_MS - RENEW_EVERY_MS;
    return gone_ms < sig->settings.grace_ms ? sig->settings.grace_ms - gone_ms : 0;
}

/*
 * The lease comes in later than it should: what kept it, a store that was away most likely, will have kept the others too. Before they are taken for dead they
 * have time to renew theirs; or each outage would cost every node its sockets.
 */
static bool may_sweep(struct owner *o, bool lapsed)
{
    uint64_t now = clock_steady_ms();
    bool late = now - o->renewed_ms > RENEW_LATE_MS;
    o->renewed_ms = now;
    if (lapsed || late)
        o->sweep_from_ms = now + OTHERS_RENEW_MS;
    return now >= o->sweep_from_ms;
}

static void count_cluster(const struct owner *o, const struct node_lease *nodes, size_t count)
{
    int64_t living = 0;
    int64_t owned = 0;
    for (size_t i = 0; i < count; i++)
        living += nodes[i].lives;
    for (unsigned p = 0; p < o->signaling->settings.partitions; p++)
        owned += o->owns[p];
    metric_set(o->signaling->settings.metrics, METRIC_NODES, living);
    metric_set(o->signaling->settings.metrics, METRIC_PARTITIONS, owned);
}

static void on_nodes(void *context, enum err err, enum lease was, const struct node_lease *nodes, size_t count)
{
    struct owner *o = context;
    if (!answered(o) || err != ERR_OK)
        return;
    struct signaling *sig = o->signaling;
    for (unsigned p = 0; p < sig->settings.partitions; p++)
        o->owns[p] = owns(&sig->settings.node, p, nodes, count);
    count_cluster(o, nodes, count);
    if (was != LEASE_RUNNING)
        metric_inc(sig->settings.metrics, METRIC_LEASES_LAPSED);
    heal_on_lease(sig, was); /* whoever was taken for gone meanwhile is told so, and comes back */
    if (!may_sweep(o, was != LEASE_RUNNING) || !sweep_begin(o->sweeper))
        return;
    for (size_t i = 0; i < count; i++)
        sweep_note(o->sweeper, &nodes[i].node, nodes[i].lives, grace_left(sig, nodes[i].ended_ms));
    sweep_run(o->sweeper, o->owns);
}

/* What has happened since the last card, as rates. */
static void card_rates(struct owner *o, struct card *card)
{
    const struct metrics *m = o->signaling->settings.metrics;
    uint64_t now_us = clock_steady_us();
    uint64_t passed_us = now_us - o->carded.at_us;
    int64_t frames = m->value[METRIC_FRAMES_IN] + m->value[METRIC_FRAMES_OUT];
    uint64_t lag_us = m->histogram[METRIC_LOOP_LAG_SECONDS].sum_us;
    uint64_t lag_ticks = m->histogram[METRIC_LOOP_LAG_SECONDS].count;
    if (o->carded.at_us > 0 && passed_us > 0)
        card->frames_per_s = (uint64_t)(frames - o->carded.frames) * 1000000 / passed_us;
    if (lag_ticks > o->carded.lag_ticks)
        card->lag_us = (lag_us - o->carded.lag_us) / (lag_ticks - o->carded.lag_ticks);
    o->carded.at_us = now_us;
    o->carded.frames = frames;
    o->carded.lag_us = lag_us;
    o->carded.lag_ticks = lag_ticks;
}

/* Renews the lease, or gives it up, and says how the node fares. */
static void renew(struct owner *o, uint64_t lease_ms)
{
    const struct signaling *sig = o->signaling;
    const int64_t *value = sig->settings.metrics->value;
    struct card card = {.started_s = (uint64_t)value[METRIC_STARTED],
                        .sockets = (uint64_t)value[METRIC_SOCKETS],
                        .sessions = (uint64_t)value[METRIC_SESSIONS],
                        .seats = (uint64_t)value[METRIC_SEATS],
                        .calls = (uint64_t)value[METRIC_CALLS],
                        .draining = sig->draining};
    struct buf text;
    snprintf(card.version, sizeof card.version, "%s", sig->settings.version);
    snprintf(card.host, sizeof card.host, "%s", sig->settings.host);
    card_rates(o, &card);
    buf_init(&text, CARD_MAX);
    card_put(&text, &card);
    o->answers++;
    store_lease_renew(sig->store, lease_ms, buf_slice(&text), on_nodes, o);
    buf_finish(&text);
}

static void on_renew(struct timer *timer)
{
    struct owner *o = CONTAINER_OF(timer, struct owner, renew);
    renew(o, LEASE_MS);
    timer_set(o->signaling->settings.timers, timer, RENEW_EVERY_MS, on_renew);
}

void owner_renew(struct owner *o)
{
    if (o)
        timer_set(o->signaling->settings.timers, &o->renew, 0, on_renew);
}

static void on_expired(void *context, const struct call_answer *a)
{
    struct signaling *sig = ((struct due_call *)context)->signaling;
    struct id call = ((struct due_call *)context)->call;
    free(context);
    if (a->err == ERR_OK && !sig->stopped)
        fanout_start(sig, &call, a, NULL, NULL);
}

static struct due_call *due_call_create(struct signaling *sig, const struct id *call)
{
    struct due_call *question = malloc(sizeof *question);
    assert(question);
    *question = (struct due_call){sig, *call};
    return question;
}

static void fire(struct signaling *sig, const struct due_timer *due)
{
    metric_inc(sig->settings.metrics, METRIC_TIMERS_FIRED);
    if (due->kind == DUE_FANOUT) {
        metric_inc(sig->settings.metrics, METRIC_FANOUTS_FINISHED);
        fanout_resume(sig, &due->id, NULL, NULL);
    } else if (due->kind == DUE_GRACE && name_is_valid(due->user)) {
        farewell_start(sig, &due->id, due->user, 0, "lost", NULL, NULL);
    } else if (due->kind == DUE_RING && name_is_valid(due->user)) {
        store_ring_expire(sig->store, &due->id, due->user, on_expired, due_call_create(sig, &due->id));
    } else if (due->kind == DUE_HEAL) {
        heal_finish(sig, &due->id);
    } else if (due->kind == DUE_EXPIRE) {
        store_offer_expire(sig->store, &due->id, on_expired, due_call_create(sig, &due->id));
    }
}

static void on_due(void *context, enum err err, const struct due_timer *timers, size_t count)
{
    struct owner *o = context;
    if (!answered(o))
        return;
    o->looking--;
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        fire(o->signaling, &timers[i]);
}

static void ask_due(struct owner *o)
{
    const struct signaling *sig = o->signaling;
    if (o->looking > 0)
        return; /* a store that is behind is not asked for more */
    for (unsigned p = 0; p < sig->settings.partitions; p++) {
        if (!o->owns[p])
            continue;
        o->looking++;
        o->answers++;
        store_timers_due(sig->store, p, AGAIN_MS, on_due, o);
    }
}

/* What the node's stories have put off, or could not say before. */
static void catch_up(struct signaling *sig, unsigned tick)
{
    if (tick % FLUSH_EVERY_TICKS == 0) {
        acks_flush(sig);
        fanout_done_flush(sig);
    }
    heal_tick(sig);
    mail_retry(sig);
    watch_retry(sig);
    if (tick % RETRY_EVERY_TICKS == 0)
        suspension_retry(sig);
}

static void on_look(struct timer *timer)
{
    struct owner *o = CONTAINER_OF(timer, struct owner, look);
    ask_due(o);
    catch_up(o->signaling, ++o->ticks);
    timer_set(o->signaling->settings.timers, timer, LOOK_EVERY_MS, on_look);
}

/* The lease goes before all that a client asks: a store that forgets a session of this node has forgotten its lease, too, which tells. */
struct owner *owner_create(struct signaling *sig)
{
    struct owner *o = calloc(1, sizeof *o);
    assert(o);
    o->signaling = sig;
    o->sweeper = sweeper_create(sig);
    o->renewed_ms = clock_steady_ms();
    on_renew(&o->renew);
    timer_set(sig->settings.timers, &o->look, LOOK_EVERY_MS, on_look);
    return o;
}

void owner_destroy(struct owner *o)
{
    if (!o)
        return;
    timer_cancel(&o->renew);
    timer_cancel(&o->look);
    sweeper_destroy(o->sweeper);
    o->sweeper = NULL;
    o->gone = true;
    renew(o, 0);
}
