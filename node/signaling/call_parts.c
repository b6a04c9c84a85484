#include "node/signaling/call_parts.h"

#include "common/base/name.h"
#include "common/base/why.h"
#include "common/wire/fields.h"
#include "common/wire/writer.h"
#include "node/signaling/description.h"
#include "node/signaling/request.h"
#include "node/signaling/seats.h"
#include "node/store/calls.h"

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

/* As the store has it: "", "*" or "\nuser\n". False: the request was answered. */
static bool put_allow(struct request *rq, struct buf *out)
{
    static const struct field rows[] = {{.name = "allow", .kind = FIELD_NAMES, .min = 0, .max = CALL_ALLOW_MAX},
                                        {.name = NULL}};
    const struct wire_value *allow = wire_get(rq->message, "allow");
    char why[WHY_SIZE];
    if (!allow)
        return true;
    if (allow->kind == WIRE_STRING && slice_is(allow->string, "anyone")) {
        buf_put_char(out, '*');
        return true;
    }
    if (allow->kind == WIRE_STRING) {
        request_fail(rq, ERR_BAD_REQUEST, "`allow` should be a list of users or \"anyone\"");
        return false;
    }
    enum err err = fields_check(rq->message, rows, WHY_IN(why));
    if (err != ERR_OK) {
        request_fail(rq, err, why);
        return false;
    }
    for (size_t i = 0; i < allow->array.n; i++) {
        buf_put_char(out, '\n');
        buf_put(out, allow->array.items[i].string);
    }
    if (allow->array.n)
        buf_put_char(out, '\n');
    return true;
}

bool call_parts_read(struct request *rq, struct call_parts *parts)
{
    size_t bytes_max = rq->signaling->settings.message_bytes_max * 4;
    buf_init(&parts->offer, bytes_max);
    buf_init(&parts->candidates, bytes_max);
    buf_init(&parts->allow, CALL_ALLOW_MAX * (NAME_MAX_CHARS + 1) + 2);
    buf_init(&parts->meta, CALL_META_BYTES_MAX);
    parts->relay = wire_get_string(rq->message, "privacy").n > 0;
    if (put_offer(rq, parts) && put_meta(rq, parts) && put_allow(rq, &parts->allow) &&
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
    create->full = seats_are_full(rq->client);
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
