#include "node/signaling/call_reply.h"
#include "node/signaling/limits.h"
#include "node/signaling/request.h"
#include "node/signaling/verbs.h"
#include "node/store/calls.h"

static void on_got(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (a->err != ERR_OK) {
        request_fail_call(rq, a);
        return;
    }
    snapshot_put(request_ok_begin(rq, SNAPSHOT_PAIRS), &rq->call, a);
    request_ok(rq);
}

void call_get_run(struct request *rq)
{
    if (!request_call(rq))
        return;
    struct call_actor actor = request_actor(rq);
    store_call_get(rq->signaling->store, &actor, on_got, rq);
}
