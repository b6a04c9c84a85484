#include "node/signaling/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/base/clock.h"
#include "node/signaling/fanout.h"
#include "node/signaling/heal.h"
#include "node/signaling/request.h"
#include "node/signaling/seats.h"
#include "node/store/calls.h"

/*
 * With one store call under way at a time the order of signals holds whatever happens to the connection, and the busier a pair is the fewer calls its signals
 * cost.
 */

enum { BATCH_BYTES_MAX = 1 << 18 };

struct outbox {
    struct outbox *next, *prev;
    struct client *client; /* NULL once the socket is gone */
    struct signaling *signaling;
    struct id call;
    struct id recipient;
    struct id sender;
    unsigned from;
    struct request *waiting;
    struct request *under_way;
    struct timer turn_end; /* the next batch goes out then */
    bool seated;           /* the recipient sat in the call, by what the sender had heard as it spoke */
    bool asked_log;        /* those under way are tried for the second time */
    uint64_t heard;        /* where those were refused: the version of the call up to which the recipient knows it */
};

static struct outbox *outbox_find(struct client *c, const struct id *call, const struct id *recipient)
{
    struct outbox *o = NULL;
    DL_FOREACH(c->outboxes, o)
    {
        if (id_eq(&o->recipient, recipient) && id_eq(&o->call, call))
            return o;
    }
    return NULL;
}

static void outbox_free(struct outbox *o)
{
    timer_cancel(&o->turn_end);
    if (o->client)
        DL_DELETE(o->client->outboxes, o);
    free(o);
}

static void answer(struct request *rq, enum err err, uint64_t heard)
{
    if (rq->client)
        client_load(rq->client, -1);
    metric_observe_us(rq->signaling->settings.metrics, METRIC_RELAY_SECONDS, clock_steady_us() - rq->since_us);
    buf_clear(&rq->reply); /* it held the body to relay */
    if (err == ERR_OK)
        request_ok(rq);
    else if (err == ERR_NOT_FOUND && heal_may_find(rq, heard))
        request_fail(rq, ERR_UNAVAILABLE, NULL); /* the store has lost one of the two */
    else if (err == ERR_NOT_FOUND || err == ERR_OVERRUN)
        request_fail(rq, ERR_NOT_FOUND, "`to` names no peer that sits in the call");
    else
        request_fail(rq, err, NULL);
}

static void on_turn_end(struct timer *);

/* Other signals of this turn go along. */
static void outbox_send_soon(struct outbox *o)
{
    if (!timer_is_set(&o->turn_end))
        timer_set_turn_end(o->signaling->settings.timers, &o->turn_end, on_turn_end);
}

/* Where the last stored request to this recipient is remembered, if it sits there still. */
static uint64_t *outbox_sent(const struct outbox *o)
{
    struct seat *seat = o->client ? seat_find(o->client, &o->call) : NULL;
    unsigned peer = seat ? seating_peer(&seat->seating, &o->recipient) : 0;
    return peer ? &seat->sent[peer] : NULL;
}

static void outbox_settle(struct outbox *o, enum err err)
{
    struct request *rq = NULL;
    struct request *next = NULL;
    struct request *done = o->under_way;
    struct client *c = o->client;
    uint64_t *sent = outbox_sent(o);
    /* Of whom the bus has told meanwhile that it left, the store may know nothing any more, and rightly so: its session may be over as well. */
    uint64_t heard = o->seated && !sent ? UINT64_MAX : o->heard;
    if (sent)
        *sent = err == ERR_OK ? done->prev->id : 0; /* the list's head knows its tail */
    o->under_way = NULL;
    o->asked_log = false;
    if (o->waiting)
        outbox_send_soon(o);
    else
        outbox_free(o);
    DL_FOREACH_SAFE(done, rq, next)
    {
        DL_DELETE(done, rq);
        answer(rq, err, heard);
    }
    if (c && !c->outboxes)
        request_next(c); /* verbs wait for signals */
}

static void on_stored(void *, enum err, uint64_t version);

static void outbox_store(struct outbox *o)
{
    struct signal_item items[SIGNAL_BATCH_MAX];
    struct signal_batch b = {.recipient = o->recipient,
                             .call = o->call,
                             .from = o->from,
                             .sender = o->sender,
                             .taken_us = o->under_way->since_us,
                             .items = items};
    struct request *rq = NULL;
    const uint64_t *sent = outbox_sent(o);
    uint64_t previous = sent ? *sent : 0;
    DL_FOREACH(o->under_way, rq)
    {
        items[b.count++] = (struct signal_item){rq->id, rq->run <= previous ? previous : 0, buf_slice(&rq->reply)};
        previous = rq->id;
    }
    store_signal(o->signaling->store, &b, on_stored, o);
}

static void on_log_brought_out(void *context, enum err err)
{
    (void)err;
    outbox_store(context);
}

/*
 * The sender knows that the recipient sits there, by a version that the recipient has not heard of. Where the sender has not heard of it either, the store has
 * named the recipient: it has just taken the offer.
 */
static bool outbox_is_ahead(const struct outbox *o, uint64_t heard)
{
    const struct seat *seat = o->client ? seat_find(o->client, &o->call) : NULL;
    return seat && (seat->seating.version > heard || seating_peer(&seat->seating, &o->recipient) == 0);
}

/* Who has heard of a newcomer may be ahead of the newcomer's own mailbox: then the log is brought out, and it is tried once more. */
static void on_stored(void *context, enum err err, uint64_t version)
{
    struct outbox *o = context;
    bool ahead = err == ERR_NOT_FOUND && outbox_is_ahead(o, version);
    o->heard = ahead ? version : UINT64_MAX;
    if (ahead && !o->asked_log) {
        o->asked_log = true;
        fanout_resume(o->signaling, &o->call, on_log_brought_out, o);
        return;
    }
    outbox_settle(o, err);
}

/* The next batch. */
static void outbox_send(struct outbox *o)
{
    size_t count = 0;
    size_t bytes = 0;
    while (o->waiting && count < SIGNAL_BATCH_MAX && bytes < BATCH_BYTES_MAX) {
        struct request *rq = o->waiting;
        DL_DELETE(o->waiting, rq);
        DL_APPEND(o->under_way, rq);
        bytes += rq->reply.n;
        count++;
    }
    outbox_store(o);
}

static void on_turn_end(struct timer *timer)
{
    outbox_send(CONTAINER_OF(timer, struct outbox, turn_end));
}

void outbox_put(struct request *rq, const struct id *recipient, unsigned from, struct slice body)
{
    struct client *c = rq->client;
    struct outbox *o = outbox_find(c, &rq->call, recipient);
    if (!o) {
        o = calloc(1, sizeof *o);
        assert(o);
        *o = (struct outbox){.client = c,
                             .signaling = rq->signaling,
                             .call = rq->call,
                             .recipient = *recipient,
                             .sender = rq->session,
                             .from = from};
        DL_APPEND(c->outboxes, o);
    }
    o->seated = outbox_sent(o) != NULL;
    buf_clear(&rq->reply);
    buf_put(&rq->reply, body);
    request_forget_message(rq); /* it has become the body, and may wait here with hundreds of others */
    if (c->current == rq)
        c->current = NULL; /* verbs behind it need not wait */
    client_load(c, 1);
    DL_APPEND(o->waiting, rq);
    if (!o->under_way)
        outbox_send_soon(o);
}

void outbox_drop_all(struct client *c)
{
    struct outbox *o = NULL;
    struct outbox *next = NULL;
    struct request *rq = NULL;
    struct request *next_rq = NULL;
    DL_FOREACH_SAFE(c->outboxes, o, next)
    {
        DL_DELETE(c->outboxes, o);
        o->client = NULL;
        DL_FOREACH(o->under_way, rq)
        rq->client = NULL;
        DL_FOREACH_SAFE(o->waiting, rq, next_rq)
        {
            DL_DELETE(o->waiting, rq);
            request_destroy(rq); /* not sent: the client sends it again after its resume */
        }
        if (!o->under_way)
            outbox_free(o);
    }
}
