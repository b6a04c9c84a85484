#include "node/signaling/call_reply.h"

#include "common/wire/writer.h"
#include "node/signaling/description.h"
#include "node/signaling/fanout.h"
#include "node/signaling/limits.h"
#include "node/signaling/request.h"
#include "node/store/calls.h"

void on_call_changed(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (a->err == ERR_FORBIDDEN) {
        request_fail(rq, a->err, "only the call's starter may do that; an invitation is its maker's to take back, too");
        return;
    }
    if (a->err != ERR_OK) {
        request_fail_call(rq, a);
        return;
    }
    wire_put_key_int(request_ok_begin(rq, 1), "version", (int64_t)a->version);
    fanout_for_request(rq, a);
}

void offer_put(struct buf *b, const struct call_answer *a)
{
    if (a->offer.n == 0)
        return;
    if (a->plain) {
        offer_put_blanked(b, a);
        return;
    }
    wire_put_key_raw(b, "offer", a->offer);
    wire_put_cstr(b, "candidates");
    wire_put_array(b, (size_t)a->candidate_count);
    wire_put_raw(b, a->candidates);
}

void request_fail_seat(struct request *rq, const struct call_answer *a)
{
    if (a->err == ERR_FORBIDDEN)
        request_fail(rq, a->err, "you are not invited to the call, and its `allow` does not name you; or it is locked");
    else
        request_fail_call(rq, a);
}

void on_call_seated(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (a->err != ERR_OK) {
        request_fail_seat(rq, a);
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

void snapshot_put(struct buf *b, const struct id *call, const struct call_answer *a)
{
    wire_put_key_string(b, "call", id_slice(call));
    wire_put_key_string(b, "state", a->state);
    wire_put_key_int(b, "version", (int64_t)a->version);
    wire_put_key_int(b, "seats", a->seats);
    wire_put_key_raw(b, "members", a->members);
    wire_put_key_raw(b, "ringing", a->ringing);
    wire_put_key_string(b, "starter", a->starter);
    wire_put_key_bool(b, "locked", a->locked);
    wire_put_cstr(b, "privacy");
    if (a->privacy.n)
        wire_put_string(b, a->privacy);
    else
        wire_put_null(b);
    wire_put_key_int(b, "created_ms", (int64_t)a->created_ms);
}
