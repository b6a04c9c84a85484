#include "common/wire/writer.h"
#include "node/signaling/call_parts.h"
#include "node/signaling/fanout.h"
#include "node/signaling/limits.h"
#include "node/signaling/request.h"
#include "node/signaling/verbs.h"
#include "node/store/calls.h"

enum { TTL_MS = 120000, SEATS = 2 };

static void on_created(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (a->err != ERR_OK) {
        request_fail_start(rq, a);
        return;
    }
    struct buf *b = request_ok_begin(rq, 3);
    wire_put_key_string(b, "call", id_slice(&rq->call));
    wire_put_key_int(b, "peer", a->peer);
    wire_put_key_int(b, "version", (int64_t)a->version);
    fanout_for_request(rq, a);
}

void offer_post_run(struct request *rq)
{
    struct call_parts parts = {0};
    if (!wire_get(rq->message, "offer")) {
        request_fail(rq, ERR_BAD_REQUEST, "`offer` is missing; it should be the SDP");
        return;
    }
    if (!call_parts_read(rq, &parts))
        return;
    rq->call = call_id_derive(rq);
    struct call_create c = {.actor = request_actor(rq),
                            .seats = (unsigned)wire_get_int(rq->message, "seats", SEATS),
                            .ttl_ms = (uint64_t)wire_get_int(rq->message, "ttl_ms", TTL_MS),
                            .allow = wire_get(rq->message, "allow") ? buf_slice(&parts.allow) : SLICE("*")};
    call_parts_put(rq, &parts, &c);
    store_call_create(rq->signaling->store, &c, on_created, rq);
    call_parts_finish(&parts);
}
