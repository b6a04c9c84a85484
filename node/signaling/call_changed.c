#include "node/signaling/private.h"

/* How requests are answered that changed a call: with its new version, and who sat down by it with what that session finds there. */

void on_call_changed(void *context, const struct call_answer *a)
{
    struct request *rq = context;
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

void on_call_seated(void *context, const struct call_answer *a)
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
