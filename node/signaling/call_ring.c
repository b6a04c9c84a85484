#include "node/signaling/call_reply.h"
#include "node/signaling/request.h"
#include "node/signaling/verbs.h"
#include "node/store/rings.h"

/* What a device that rings says, and what the caller says to it: call.alert, call.reject, call.cancel. */

void call_alert_run(struct request *rq)
{
    if (!request_call(rq))
        return;
    struct call_actor actor = request_actor(rq);
    store_call_alert(rq->signaling->store, &actor, on_call_changed, rq);
}

void call_reject_run(struct request *rq)
{
    bool busy = slice_is(wire_get_string(rq->message, "reason"), "busy");
    if (!request_call(rq))
        return;
    struct call_actor actor = request_actor(rq);
    store_call_reject(rq->signaling->store, &actor, busy ? "busy" : "rejected", on_call_changed, rq);
}

void call_cancel_run(struct request *rq)
{
    if (!request_call(rq))
        return;
    struct call_actor actor = request_actor(rq);
    store_call_cancel(rq->signaling->store, &actor, wire_get_string(rq->message, "to"), on_call_changed, rq);
}
