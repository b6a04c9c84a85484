#include "node/signaling/admission.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/wire/writer.h"
#include "node/signaling/hello.h"
#include "node/signaling/request.h"

/*
 * Hellos are let in at a bounded rate, so that a storm of reconnects (a node or a whole site died) harms nobody who is inside. Those who resume come first:
 * people talk there. A short queue evens the storm out; whoever finds it full is told when to come back: each at a time of its own, the later the more were
 * told before, so that they do not all return at once. A node that is behind with its own work lets in no newcomers at all until it has caught up.
 */

enum {
    TICK_MS = 100,
    QUEUE_MS = 2000,       /* the queue holds what is let in in so long */
    LAG_MAX_MS = 400,      /* the loop is late by so much, again and again */
    LAG_COUNTED_MS = 1000, /* what one late tick counts at most: a node that was frozen once is not overloaded */
    PENDING_MAX = 8192,    /* commands that the store has not answered */
    AFTER_MIN_MS = 500,
    AFTER_MAX_MS = 30000,
};

struct admission {
    struct signaling *signaling;
    struct bucket bucket;
    struct request *resumes, *newcomers; /* hellos that wait, in the order in which they came */
    size_t waiting, waiting_max;
    uint64_t booked_us; /* steady clock: those who were sent away come back until then */
    uint64_t due_ms;
    uint64_t lag_ms; /* smoothed */
    bool overloaded;
    struct timer timer;
};

static const struct bucket_limit *rate(const struct admission *a)
{
    return &a->signaling->settings.hellos;
}

/* ---- sending away ---- */

static uint64_t come_back_after_ms(struct admission *a)
{
    uint64_t now_us = clock_steady_us();
    uint64_t one_us = 1000000 / (rate(a)->rate_per_s ? rate(a)->rate_per_s : 1);
    uint64_t begin_us = now_us + a->waiting * one_us;
    if (a->booked_us > begin_us)
        begin_us = a->booked_us;
    uint64_t after_ms = AFTER_MIN_MS + (begin_us - now_us) / 1000;
    if (after_ms >= AFTER_MAX_MS)
        after_ms = AFTER_MAX_MS;
    else
        a->booked_us = begin_us + one_us;
    return after_ms + random_below(after_ms / 2);
}

void admission_refuse(struct admission *a, struct client *c)
{
    uint64_t after_ms = come_back_after_ms(a);
    struct buf *body = &c->signaling->body;
    metric_inc(c->signaling->settings.metrics, METRIC_HELLOS_REFUSED);
    buf_clear(body);
    wire_put_map(body, 3);
    wire_put_key_cstr(body, "type", "reconnect");
    wire_put_key_int(body, "after_ms", (int64_t)after_ms);
    wire_put_key_int(body, "retry_after_ms", (int64_t)after_ms);
    client_send(c, buf_slice(body), 0);
    client_close(c, CLOSE_OVERLOADED);
}

static void send_away(struct admission *a, struct request *rq)
{
    admission_refuse(a, rq->client);
    request_drop(rq);
}

/* ---- the queue ---- */

static struct request **queue_of(struct admission *a, const struct request *rq)
{
    return wire_get(rq->message, "resume") ? &a->resumes : &a->newcomers;
}

static void count_waiting(struct admission *a, int change)
{
    a->waiting = change < 0 ? a->waiting - 1 : a->waiting + 1;
    metric_set(a->signaling->settings.metrics, METRIC_HELLOS_WAITING, (int64_t)a->waiting);
}

static void queue_put(struct admission *a, struct request *rq)
{
    struct request **queue = queue_of(a, rq);
    DL_APPEND(*queue, rq);
    count_waiting(a, 1);
    rq->client->state = CLIENT_GREETING; /* what comes behind the hello waits with it */
    timer_cancel(&rq->client->timer);
}

static void queue_drop(struct admission *a, struct request **queue, struct request *rq)
{
    DL_DELETE(*queue, rq);
    count_waiting(a, -1);
}

static void admit(struct admission *a, struct request *rq)
{
    metric_inc(a->signaling->settings.metrics, METRIC_HELLOS_ADMITTED);
    hello_admitted(rq);
}

static void let_in(struct admission *a, struct request **queue)
{
    while (*queue) {
        struct request *rq = *queue;
        bool left = request_is_left(rq); /* whoever has hung up meanwhile is no burden */
        if (!left && bucket_take(&a->bucket, rate(a), 1, clock_steady_ms()) > 0)
            return;
        queue_drop(a, queue, rq);
        if (left)
            request_drop(rq);
        else
            admit(a, rq);
    }
}

static void turn_away(struct admission *a, struct request *newcomer)
{
    queue_drop(a, &a->newcomers, newcomer);
    if (request_is_left(newcomer))
        request_drop(newcomer);
    else
        send_away(a, newcomer);
}

/* Newcomers that have found no gap between the resumes for long enough, and all of them in a node that is behind. */
static void turn_away_newcomers(struct admission *a)
{
    uint64_t now_us = clock_steady_us();
    while (a->newcomers && (a->overloaded || now_us - a->newcomers->since_us > (uint64_t)2 * QUEUE_MS * 1000))
        turn_away(a, a->newcomers);
}

/* A resume may have the place of the newcomer who came last. */
static bool make_room(struct admission *a)
{
    if (!a->newcomers)
        return false;
    turn_away(a, a->newcomers->prev); /* of the first: the last */
    return true;
}

bool admission_is_full(const struct admission *a)
{
    return a->resumes && !a->newcomers && a->waiting >= a->waiting_max;
}

void admission_enter(struct admission *a, struct request *rq)
{
    if (!a) {
        hello_admitted(rq); /* the node is at its end, and says so */
        return;
    }
    bool resumes = queue_of(a, rq) == &a->resumes;
    bool first = !a->resumes && (resumes || !a->newcomers);
    bool unwanted = a->overloaded && !resumes;
    if (!unwanted && first && bucket_take(&a->bucket, rate(a), 1, clock_steady_ms()) == 0)
        admit(a, rq);
    else if (!unwanted && (a->waiting < a->waiting_max || (resumes && make_room(a))))
        queue_put(a, rq);
    else
        send_away(a, rq);
}

/* ---- the node's own state ---- */

static void look_at_load(struct admission *a)
{
    uint64_t now = clock_steady_ms();
    uint64_t late = now > a->due_ms ? now - a->due_ms : 0;
    int64_t pending = a->signaling->settings.metrics->value[METRIC_STORE_PENDING];
    a->lag_ms = (3 * a->lag_ms + (late < LAG_COUNTED_MS ? late : LAG_COUNTED_MS)) / 4;
    bool overloaded = a->lag_ms > LAG_MAX_MS || pending > PENDING_MAX;
    if (overloaded != a->overloaded)
        log_warn(overloaded ? "node.overloaded" : "node.relieved", LOG_U64("lag_ms", a->lag_ms),
                 LOG_I64("store_pending", pending));
    a->overloaded = overloaded;
    a->due_ms = now + TICK_MS;
}

static void on_tick(struct timer *timer)
{
    struct admission *a = CONTAINER_OF(timer, struct admission, timer);
    look_at_load(a);
    let_in(a, &a->resumes);
    turn_away_newcomers(a);
    if (!a->resumes)
        let_in(a, &a->newcomers);
    timer_set(a->signaling->settings.timers, timer, TICK_MS, on_tick);
}

struct admission *admission_create(struct signaling *sig)
{
    struct admission *a = calloc(1, sizeof *a);
    assert(a);
    a->signaling = sig;
    a->waiting_max = (size_t)(rate(a)->rate_per_s * QUEUE_MS / 1000);
    a->due_ms = clock_steady_ms() + TICK_MS;
    bucket_init(&a->bucket, rate(a), clock_steady_ms());
    timer_set(sig->settings.timers, &a->timer, TICK_MS, on_tick);
    return a;
}

static void forget(struct request **queue)
{
    struct request *rq = NULL;
    struct request *next = NULL;
    DL_FOREACH_SAFE(*queue, rq, next)
    {
        DL_DELETE(*queue, rq);
        if (rq->client)
            client_close(rq->client, CLOSE_RESTART); /* nothing behind the hello may begin without it */
        request_drop(rq);
    }
}

void admission_destroy(struct admission *a)
{
    if (!a)
        return;
    timer_cancel(&a->timer);
    forget(&a->resumes);
    forget(&a->newcomers);
    free(a);
}
