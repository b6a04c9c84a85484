#include "node/signaling/private.h"

static void on_joined(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (a->err != ERR_OK) {
        request_fail_call(rq, a);
        return;
    }
    struct buf *b = request_ok_begin(rq, 4);
    wire_put_key_string(b, "call", id_slice(&rq->call));
    wire_put_key_int(b, "peer", a->peer);
    wire_put_key_raw(b, "members", a->members);
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
