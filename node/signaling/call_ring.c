#include <string.h>

#include "node/signaling/private.h"

/* What a device that rings says, and what the caller says to it: call.alert, call.reject, call.cancel. */

static void on_alerted(void *context, enum err err)
{
    struct request *rq = context;
    if (err == ERR_OK)
        request_ok(rq);
    else
        request_fail(rq, err, NULL);
}

/* Its answer is not kept: said twice it changes nothing more. */
static void on_alert(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (a->err != ERR_OK) {
        request_fail_call(rq, a);
        return;
    }
    wire_put_key_int(request_ok_begin(rq, 1), "version", (int64_t)a->version);
    fanout_start(rq->signaling, &rq->call, a, on_alerted, rq);
}

void call_alert_run(struct request *rq)
{
    if (!request_call(rq))
        return;
    struct call_actor actor = request_actor(rq);
    store_call_alert(rq->signaling->store, &actor, on_alert, rq);
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
