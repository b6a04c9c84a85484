#include "node/signaling/call_reply.h"
#include "node/signaling/limits.h"
#include "node/signaling/request.h"
#include "node/signaling/verbs.h"
#include "node/store/calls.h"

/* call.join: by the call's id, or back to the own seat. Who is being rung for the call accepts by it, without an answer. */

static void join(struct request *rq)
{
    struct call_actor actor = request_actor(rq);
    store_call_join(rq->signaling->store, &actor, on_call_seated, rq);
}

void call_join_run(struct request *rq)
{
    if (request_call(rq))
        request_sit(rq, join);
}
