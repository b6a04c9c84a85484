#include <stdio.h>

#include "common/base/why.h"
#include "common/wire/fields.h"
#include "common/wire/writer.h"
#include "node/signaling/description.h"
#include "node/signaling/limits.h"
#include "node/signaling/outbox.h"
#include "node/signaling/request.h"
#include "node/signaling/seats.h"
#include "node/signaling/verbs.h"
#include "node/store/calls.h"

/*
 * signal: one of description, candidates or data for one peer. To peer 0: with the offer while it waits, to its taker afterwards.
 */

/* False: not exactly one payload, and the request was answered. */
static bool check_payload(struct request *rq)
{
    size_t n = !!wire_get(rq->message, "description") + !!wire_get(rq->message, "candidates") +
               !!wire_get(rq->message, "data");
    if (n == 1)
        return true;
    request_fail(rq, ERR_BAD_REQUEST, "a signal carries exactly one of `description`, `candidates` and `data`");
    return false;
}

static bool put_data(struct request *rq, const struct wire_value *data, struct buf *b)
{
    size_t before = b->n;
    wire_put_key_value(b, "data", data);
    if (b->n - before <= SIGNAL_DATA_BYTES_MAX + sizeof "data")
        return request_fits(rq, b);
    request_fail(rq, ERR_TOO_LARGE, "`data` is larger than 16 KiB");
    return false;
}

static bool put_candidates(struct request *rq, const struct wire_value *candidates, bool blank, struct buf *b)
{
    struct buf *items = &rq->signaling->items;
    size_t count = 0;
    buf_clear(items);
    if (!candidates_put(rq, candidates, blank, items, &count))
        return false;
    wire_put_cstr(b, "candidates");
    wire_put_array(b, count);
    wire_put_raw(b, buf_slice(items));
    return request_fits(rq, b);
}

/* The body without `version`, which the store adds. False: the request was answered. */
static bool put_payload(struct request *rq, bool blank, unsigned from, struct buf *b)
{
    const struct wire_value *description = wire_get(rq->message, "description");
    const struct wire_value *candidates = wire_get(rq->message, "candidates");
    wire_put_map(b, 5); /* the store puts `version` behind the payload */
    wire_put_key_cstr(b, "type", "signal");
    wire_put_key_string(b, "call", id_slice(&rq->call));
    wire_put_key_int(b, "from", from);
    if (candidates)
        return put_candidates(rq, candidates, blank, b);
    if (!description)
        return put_data(rq, wire_get(rq->message, "data"), b);
    wire_put_cstr(b, "description");
    return description_put(rq, description, blank, b);
}

/* A description as relayed must be {type, sdp}: the table lets only a map through, and this names the type. */
static bool check_type(struct request *rq)
{
    static const struct field rows[] = {
        {.name = "type", .kind = FIELD_ONE_OF, .required = true, .words = "offer|answer|pranswer|rollback"},
        {.name = NULL},
    };
    const struct wire_value *description = wire_get(rq->message, "description");
    char why[WHY_SIZE - 32];
    char where[WHY_SIZE];
    if (!description || description->kind != WIRE_MAP)
        return true;
    enum err err = fields_check(description, rows, WHY_IN(why));
    if (err == ERR_OK)
        return true;
    snprintf(where, sizeof where, "in `description`: %s", why);
    request_fail(rq, err, where);
    return false;
}

/* The page has more than was asked for: its events are on their way by the bus. */
static void on_looked(void *context, const struct session_answer *a, uint64_t first, const struct slice *bodies,
                      size_t count)
{
    struct request *rq = context;
    struct client *c = rq->client;
    (void)first;
    (void)bodies;
    (void)count;
    if (!c) {
        request_drop(rq);
        return;
    }
    for (size_t i = 0; i < a->seating_count; i++) {
        if (id_eq(&a->seatings[i].call, &rq->call) && seat_find(c, &rq->call))
            seat_update(c, &rq->call, a->seatings[i].text);
    }
    if (a->err == ERR_UNAVAILABLE) {
        request_fail(rq, a->err, NULL);
        return;
    }
    signal_run(rq);
    request_next(c);
}

/* A newcomer's `ok` says that this session has been told; this node may hear of it a moment later than somebody else knew. */
static void look(struct request *rq)
{
    struct client *c = rq->client;
    rq->looked = true;
    store_mailbox_read(rq->signaling->store, &c->session, c->epoch, c->order.heard, on_looked, rq);
}

static void relay(struct request *rq, const struct seat *seat, unsigned to, const struct id *recipient, bool blank)
{
    struct signaling *sig = rq->signaling;
    unsigned from = seating_peer(&seat->seating, &rq->session);
    if (id_is_none(recipient) && !rq->looked) {
        look(rq);
        return;
    }
    if (id_is_none(recipient) || to == from || from == 0) {
        request_fail(rq, ERR_NOT_FOUND, "`to` names no peer that sits in the call");
        return;
    }
    buf_clear(&sig->body);
    struct id copy = *recipient; /* the answer to a bad payload may end the seat's life */
    if (put_payload(rq, blank, from, &sig->body))
        outbox_put(rq, &copy, from, buf_slice(&sig->body));
}

/* ---- to whoever takes the offer ---- */

static void relay_to_taker(struct request *rq, const struct call_answer *a, const char *why_not)
{
    struct client *c = rq->client;
    struct seat *seat = c ? seat_find(c, &rq->call) : NULL;
    if (a->err == ERR_CONFLICT && seat && a->peer > 0) {
        relay(rq, seat, a->peer, &a->taker, seat->seating.relay || a->relay);
        request_next(c);
    } else {
        request_fail(rq, a->err == ERR_CONFLICT ? ERR_NOT_FOUND : a->err, why_not);
    }
}

static const char *why_not_kept(enum err err, const char *too_many)
{
    if (err == ERR_NOT_FOUND)
        return "peer 0 takes the offer that this session made with the call: there was none, or its taker has left";
    return err == ERR_TOO_LARGE ? too_many : NULL;
}

static void on_kept(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (a->err == ERR_OK)
        request_ok(rq);
    else
        relay_to_taker(rq, a, why_not_kept(a->err, "more early candidates than an offer may carry (100, and 64 KiB)"));
}

/* Nothing but candidates waits with an offer; asking to keep more than may be kept only tells whether it is taken. */
static void on_asked(void *context, const struct call_answer *a)
{
    const char *why = why_not_kept(a->err, "nobody has taken the offer yet: only candidates may wait with it");
    struct call_answer answer = *a;
    if (answer.err == ERR_TOO_LARGE)
        answer.err = ERR_NOT_FOUND;
    relay_to_taker(context, &answer, why);
}

static void to_taker(struct request *rq, const struct seat *seat)
{
    const struct wire_value *candidates = wire_get(rq->message, "candidates");
    struct call_actor actor = request_actor(rq);
    struct buf *items = &rq->signaling->items;
    size_t count = 0;
    if (!candidates) {
        store_offer_add(rq->signaling->store, &actor, rq->id, (struct slice){0}, OFFER_CANDIDATES_MAX + 1, on_asked,
                        rq);
        return;
    }
    buf_clear(items);
    if (candidates_put(rq, candidates, seat->seating.relay, items, &count))
        store_offer_add(rq->signaling->store, &actor, rq->id, buf_slice(items), count, on_kept, rq);
}

void signal_run(struct request *rq)
{
    unsigned to = (unsigned)wire_get_int(rq->message, "to", 0);
    if (!check_payload(rq) || !check_type(rq) || !request_call(rq))
        return;
    struct seat *seat = seat_find(rq->client, &rq->call);
    if (!seat)
        request_fail_wrong_id(rq);
    else if (to == 0)
        to_taker(rq, seat);
    else
        relay(rq, seat, to, &seat->seating.session[to], seat->seating.relay);
}
