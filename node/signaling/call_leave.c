#include <string.h>

#include "node/signaling/call_reply.h"
#include "node/signaling/request.h"
#include "node/signaling/seats.h"
#include "node/signaling/verbs.h"
#include "node/store/calls.h"

/* call.leave, and what the starter may do to others: call.remove, call.lock. */

void call_leave_run(struct request *rq)
{
    struct slice reason = wire_get_string(rq->message, "reason");
    char text[16] = "hangup";
    if (!request_call(rq))
        return;
    if (reason.n > 0 && reason.n < sizeof text) {
        memcpy(text, reason.p, reason.n);
        text[reason.n] = '\0';
    }
    struct call_actor actor = request_actor(rq);
    store_call_leave(rq->signaling->store, &actor, 0, text, on_call_changed, rq);
}

static void on_removed(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    const struct seat *seat = rq->client ? seat_find(rq->client, &rq->call) : NULL;
    unsigned peer = (unsigned)wire_get_int(rq->message, "peer", 0);
    if (a->err == ERR_NOT_FOUND && seat && id_is_none(&seat->seating.session[peer]))
        request_fail(rq, a->err, "`peer` names no peer that sits in the call");
    else
        on_call_changed(rq, a);
}

void call_remove_run(struct request *rq)
{
    if (!request_call(rq))
        return;
    struct call_actor actor = request_actor(rq);
    store_call_leave(rq->signaling->store, &actor, (unsigned)wire_get_int(rq->message, "peer", 0), "removed",
                     on_removed, rq);
}

void call_lock_run(struct request *rq)
{
    if (!request_call(rq))
        return;
    struct call_actor actor = request_actor(rq);
    store_call_lock(rq->signaling->store, &actor, wire_get_bool(rq->message, "locked", true), on_call_changed, rq);
}
