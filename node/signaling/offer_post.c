#include "node/signaling/private.h"

enum { TTL_MS = 120000, SEATS = 2 };

/* The offer's or room's id comes from the session's secret and the request's id: the same request makes the same call, wherever it is sent again. */
static struct id derive_call(const struct request *rq)
{
    const struct client *c = rq->client;
    return id_derived(user_partition(rq->signaling, slice_of(c->claims->user)), slice_of(c->key), rq->id);
}

static void on_created(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (a->err != ERR_OK) {
        request_fail(rq, a->err, NULL);
        return;
    }
    struct buf *b = request_ok_begin(rq, 3);
    wire_put_key_string(b, "call", id_slice(&rq->call));
    wire_put_key_int(b, "peer", a->peer);
    wire_put_key_int(b, "version", (int64_t)a->version);
    fanout_for_request(rq, a);
}

/* {type, sdp} is as good as the SDP alone, if it says that it is an offer. */
static bool check_offer(struct request *rq, const struct wire_value *offer)
{
    if (offer->kind != WIRE_MAP || slice_is(wire_get_string(offer, "type"), "offer"))
        return true;
    request_fail(rq, ERR_BAD_REQUEST, "`offer` should be a string of SDP or {type: \"offer\", sdp}");
    return false;
}

/* With the parts that had to be checked and written: offer (may be empty), candidates, allow. */
static void create(struct request *rq, struct call_create *c)
{
    const struct wire_value *offer = wire_get(rq->message, "offer");
    struct buf sdp;
    struct buf candidates;
    struct buf allow;
    buf_init(&sdp, rq->signaling->settings.message_bytes_max * 4);
    buf_init(&candidates, rq->signaling->settings.message_bytes_max * 4);
    buf_init(&allow, CALL_ALLOW_MAX * (NAME_MAX_CHARS + 1) + 2);
    c->relay = wire_get_string(rq->message, "privacy").n > 0;
    bool good = !offer || (check_offer(rq, offer) && description_put(rq, offer, c->relay, &sdp));
    good = good && candidates_put(rq, wire_get(rq->message, "candidates"), c->relay, &candidates, &c->candidate_count);
    good = good && allow_put(rq, &allow);
    if (good) {
        rq->call = derive_call(rq);
        c->actor = request_actor(rq);
        c->offer = buf_slice(&sdp);
        c->candidates = buf_slice(&candidates);
        if (wire_get(rq->message, "allow"))
            c->allow = buf_slice(&allow);
        store_call_create(rq->signaling->store, c, on_created, rq);
    }
    buf_finish(&sdp);
    buf_finish(&candidates);
    buf_finish(&allow);
}

void offer_post_run(struct request *rq)
{
    struct call_create c = {.seats = (unsigned)wire_get_int(rq->message, "seats", SEATS),
                            .ttl_ms = (uint64_t)wire_get_int(rq->message, "ttl_ms", TTL_MS),
                            .allow = SLICE("*")};
    if (!wire_get(rq->message, "offer"))
        request_fail(rq, ERR_BAD_REQUEST, "`offer` is missing; it should be the SDP");
    else if (request_may_start(rq))
        create(rq, &c);
}

/* An open room: whoever is on the list may come by the call's id, as long as anybody sits in it. */
void call_start_run(struct request *rq)
{
    const struct wire_value *to = wire_get(rq->message, "to");
    const struct wire_value *allow = wire_get(rq->message, "allow");
    struct call_create c = {.seats = (unsigned)wire_get_int(rq->message, "seats", CALL_SEATS_MAX),
                            .open = allow != NULL};
    if (to->array.n > 0)
        request_fail(rq, ERR_UNSUPPORTED, "this server does not ring people yet: `to` should be empty");
    else if (wire_get(rq->message, "offer"))
        request_fail(rq, ERR_BAD_REQUEST, "`offer` goes with exactly one callee");
    else if (request_may_start(rq))
        create(rq, &c);
}
