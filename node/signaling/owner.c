#include <assert.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "node/signaling/private.h"

/*
 * What a node does for the cluster: it renews its lease, works out which partitions are its own, and fires their timers. Rendezvous hashing (Thaler & Ravishankar
 * 1998): a partition belongs to the living node whose hash with it is highest, so a node that comes or goes moves only its own share. Two
 * owners for a moment do no harm.
 */

enum {
    LEASE_MS = 6000,
    RENEW_EVERY_MS = 2000,
    RENEW_LATE_MS = 3000,
    OTHERS_RENEW_MS = 2 * RENEW_EVERY_MS,
    LOOK_EVERY_MS = 250,
    AGAIN_MS = 3000,
    FLUSH_EVERY_TICKS = 2,
    RETRY_EVERY_TICKS = 4
};

struct owner {
    struct signaling *signaling;
    struct timer renew;
    struct timer look;
    bool owns[ID_PARTITIONS_MAX];
    unsigned looking; /* partitions whose timers are being asked for */
    unsigned ticks;
    struct sweeper *sweeper;
    uint64_t renewed_ms;    /* when the lease was renewed last; 0: never */
    uint64_t sweep_from_ms; /* before that nobody is taken for dead */
    unsigned answers;       /* questions whose answer comes back to this object */
    bool gone;
};

struct due_call {
    struct signaling *signaling;
    struct id call;
};

/* FNV-1a, then the finalizer of MurmurHash3: FNV alone leaves names that differ in one character too close. */
static uint64_t weight(const struct node_id *node, unsigned partition)
{
    uint64_t h = 14695981039346656037u;
    for (const char *p = node->text; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    h ^= partition;
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

static bool owns(const struct node_id *self, unsigned partition, const struct node_lease *nodes, size_t count)
{
    uint64_t own = weight(self, partition);
    for (size_t i = 0; i < count; i++) {
        if (nodes[i].lives && weight(&nodes[i].node, partition) > own)
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
    bool late = o->renewed_ms && now - o->renewed_ms > RENEW_LATE_MS;
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

static void on_renew(struct timer *timer)
{
    struct owner *o = CONTAINER_OF(timer, struct owner, renew);
    o->answers++;
    store_lease_renew(o->signaling->store, LEASE_MS, on_nodes, o);
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

static void on_look(struct timer *timer)
{
    struct owner *o = CONTAINER_OF(timer, struct owner, look);
    struct signaling *sig = o->signaling;
    if (o->looking == 0) {
        for (unsigned p = 0; p < sig->settings.partitions; p++) {
            if (!o->owns[p])
                continue;
            o->looking++;
            o->answers++;
            store_timers_due(sig->store, p, AGAIN_MS, on_due, o);
        }
    }
    if (++o->ticks % FLUSH_EVERY_TICKS == 0) {
        acks_flush(sig);
        brought_out_flush(sig);
    }
    heal_tick(sig);
    mail_retry(sig);
    watch_retry(sig);
    if (o->ticks % RETRY_EVERY_TICKS == 0)
        suspension_retry(sig);
    timer_set(sig->settings.timers, timer, LOOK_EVERY_MS, on_look);
}

struct owner *owner_create(struct signaling *sig)
{
    struct owner *o = calloc(1, sizeof *o);
    assert(o);
    o->signaling = sig;
    o->sweeper = sweeper_create(sig);
    timer_set(sig->settings.timers, &o->renew, 0, on_renew);
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
    o->answers++;
    o->gone = true;
    store_lease_renew(o->signaling->store, 0, on_nodes, o);
}
