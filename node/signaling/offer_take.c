#include "common/wire/writer.h"
#include "node/signaling/call_reply.h"
#include "node/signaling/fanout.h"
#include "node/signaling/limits.h"
#include "node/signaling/request.h"
#include "node/signaling/verbs.h"
#include "node/store/calls.h"

static void on_taken(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (a->err == ERR_CONFLICT) {
        request_fail(rq, a->err, "an offer can't be taken by the session that posted it");
        return;
    }
    if (a->err != ERR_OK) {
        request_fail_seat(rq, a);
        return;
    }
    struct buf *b = request_ok_begin(rq, 8);
    wire_put_key_string(b, "call", id_slice(&rq->call));
    wire_put_key_int(b, "peer", a->peer);
    offer_put(b, a);
    wire_put_key_string(b, "from", a->from);
    wire_put_key_string(b, "name", a->from_name);
    wire_put_key_raw(b, "members", a->members);
    wire_put_key_int(b, "version", (int64_t)a->version);
    fanout_for_request(rq, a);
}

static void take(struct request *rq)
{
    struct call_actor actor = request_actor(rq);
    store_offer_take(rq->signaling->store, &actor, on_taken, rq);
}

void offer_take_run(struct request *rq)
{
    if (request_call(rq))
        request_sit(rq, take);
}
