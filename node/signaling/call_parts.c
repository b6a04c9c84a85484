#include <stdio.h>

#include "node/signaling/private.h"

/* What offer.post and call.start carry, checked and as the store takes it. */

/* {type, sdp} is as good as the SDP alone, if it says that it is what it should be. */
bool description_check_type(struct request *rq, const char *field, const char *type)
{
    const struct wire_value *description = wire_get(rq->message, field);
    char why[WHY_SIZE];
    if (!description || description->kind != WIRE_MAP || slice_is(wire_get_string(description, "type"), type))
        return true;
    snprintf(why, sizeof why, "`%s` should be a string of SDP or {type: \"%s\", sdp}", field, type);
    request_fail(rq, ERR_BAD_REQUEST, why);
    return false;
}

static bool put_offer(struct request *rq, struct call_parts *parts)
{
    const struct wire_value *offer = wire_get(rq->message, "offer");
    return !offer ||
           (description_check_type(rq, "offer", "offer") && description_put(rq, offer, parts->relay, &parts->offer));
}

static bool put_meta(struct request *rq, struct call_parts *parts)
{
    const struct wire_value *meta = wire_get(rq->message, "meta");
    if (!meta)
        return true;
    wire_put_value(&parts->meta, meta);
    if (!buf_failed(&parts->meta))
        return true;
    request_fail(rq, ERR_TOO_LARGE, "`meta` is larger than 2 KiB");
    return false;
}

bool call_parts_read(struct request *rq, struct call_parts *parts)
{
    size_t bytes_max = rq->signaling->settings.message_bytes_max * 4;
    buf_init(&parts->offer, bytes_max);
    buf_init(&parts->candidates, bytes_max);
    buf_init(&parts->allow, CALL_ALLOW_MAX * (NAME_MAX_CHARS + 1) + 2);
    buf_init(&parts->meta, CALL_META_BYTES_MAX);
    parts->relay = wire_get_string(rq->message, "privacy").n > 0;
    if (put_offer(rq, parts) && put_meta(rq, parts) && allow_put(rq, &parts->allow) &&
        candidates_put(rq, wire_get(rq->message, "candidates"), parts->relay, &parts->candidates,
                       &parts->candidate_count))
        return true;
    call_parts_finish(parts);
    return false;
}

void call_parts_finish(struct call_parts *parts)
{
    buf_finish(&parts->offer);
    buf_finish(&parts->candidates);
    buf_finish(&parts->allow);
    buf_finish(&parts->meta);
}

void call_parts_put(const struct request *rq, const struct call_parts *parts, struct call_create *create)
{
    /* Not refused here: sent again, it may be what took the last seat. The store knows. */
    create->full = client_is_full(rq->client);
    create->relay = parts->relay;
    create->offer = buf_slice(&parts->offer);
    create->candidates = buf_slice(&parts->candidates);
    create->candidate_count = parts->candidate_count;
    create->meta = buf_slice(&parts->meta);
}

/* A call's id comes from the session's secret and the request's id: the same request makes the same call, wherever it is sent again. */
struct id call_id_derive(const struct request *rq)
{
    const struct client *c = rq->client;
    return id_derived(user_partition(rq->signaling, slice_of(c->claims->user)), slice_of(c->key), rq->id);
}
