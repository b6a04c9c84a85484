#include "node/signaling/private.h"

/* call.join: by the call's id, or back to the own seat. Who is being rung for the call accepts by it, without an answer. */

static void on_joined(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (a->err != ERR_OK) {
        request_fail_call(rq, a);
        return;
    }
    struct buf *b = request_ok_begin(rq, a->offer.n > 0 ? 6 : 4);
    wire_put_key_string(b, "call", id_slice(&rq->call));
    wire_put_key_int(b, "peer", a->peer);
    wire_put_key_raw(b, "members", a->members);
    offer_put(b, a);
    wire_put_key_int(b, "version", (int64_t)a->version);
    fanout_for_request(rq, a);
}

static void join(struct request *rq)
{
    struct call_actor actor = request_actor(rq);
    store_call_join(rq->signaling->store, &actor, on_joined, rq);
}

void call_join_run(struct request *rq)
{
    if (request_call(rq))
        request_sit(rq, join);
}
