#include "node/signaling/private.h"

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
