#include "node/signaling/description.h"

#include <stdio.h>

#include "common/base/ascii.h"
#include "common/base/why.h"
#include "common/wire/writer.h"
#include "node/call/candidate.h"
#include "node/signaling/request.h"
#include "node/store/calls.h"

enum { BLANKED_BYTES_MAX = 1 << 17 };

/* The SDP inside: a string is one, a map has one under `sdp` (none in a rollback). */
static bool find_sdp(const struct wire_value *description, struct slice *ret_sdp)
{
    if (description->kind == WIRE_STRING) {
        *ret_sdp = description->string;
        return true;
    }
    *ret_sdp = wire_get_string(description, "sdp");
    if (!slice_is(wire_get_string(description, "type"), "rollback"))
        return ret_sdp->p != NULL;
    if (ret_sdp->n == 0)
        *ret_sdp = (struct slice){0}; /* browsers write a rollback with an empty one */
    return true;
}

/* The description again, with another SDP in it. */
static void put_with_sdp(struct buf *out, const struct wire_value *description, struct slice sdp)
{
    if (description->kind == WIRE_STRING) {
        wire_put_string(out, sdp);
        return;
    }
    wire_put_map(out, description->map.n);
    for (size_t i = 0; i < description->map.n; i++) {
        const struct wire_pair *pair = &description->map.pairs[i];
        wire_put_string(out, pair->key);
        if (slice_is(pair->key, "sdp"))
            wire_put_string(out, sdp);
        else
            wire_put_value(out, &pair->value);
    }
}

/* Only `type` and `sdp` pass in a call with relay privacy: nothing that a client adds may carry an address past the server. */
static void put_blanked(struct buf *out, const struct wire_value *description, struct slice sdp)
{
    if (description->kind == WIRE_STRING) {
        wire_put_string(out, sdp);
        return;
    }
    wire_put_map(out, sdp.p ? 2 : 1);
    wire_put_key_string(out, "type", wire_get_string(description, "type"));
    if (sdp.p)
        wire_put_key_string(out, "sdp", sdp);
}

static enum err put_description(const struct wire_value *description, struct slice sdp, bool relay, struct buf *out)
{
    struct buf blanked;
    if (!relay) {
        put_with_sdp(out, description, sdp);
        return ERR_OK;
    }
    if (!sdp.p) {
        put_blanked(out, description, sdp);
        return ERR_OK;
    }
    buf_init(&blanked, BLANKED_BYTES_MAX);
    enum err err = sdp_blank_addresses(sdp, &blanked);
    if (err == ERR_OK && !buf_failed(&blanked))
        put_blanked(out, description, buf_slice(&blanked));
    else
        err = ERR_BAD_REQUEST;
    buf_finish(&blanked);
    return err;
}

/* The sentence, behind the name of the field that carries the description. False, for its caller to pass on. */
static bool refuse(struct request *rq, const struct wire_value *description, enum err err, const char *why)
{
    const char *field = description == wire_get(rq->message, "offer")    ? "offer"
                        : description == wire_get(rq->message, "answer") ? "answer"
                                                                         : "description";
    char sentence[WHY_SIZE + 32];
    snprintf(sentence, sizeof sentence, "`%s`: %s", field, why);
    request_fail(rq, err, sentence);
    return false;
}

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

bool description_put(struct request *rq, const struct wire_value *description, bool relay, struct buf *out)
{
    struct slice sdp;
    char why[WHY_SIZE];
    if (description->kind != WIRE_STRING && description->kind != WIRE_MAP)
        return refuse(rq, description, ERR_BAD_REQUEST, "a description should be a string of SDP or {type, sdp}");
    if (!find_sdp(description, &sdp))
        return refuse(rq, description, ERR_BAD_REQUEST, "`sdp` should be a string of SDP");
    enum err err = sdp.p ? sdp_check(sdp, rq->signaling->settings.media, WHY_IN(why)) : ERR_OK;
    if (err != ERR_OK)
        return refuse(rq, description, err, why);
    if (put_description(description, sdp, relay, out) != ERR_OK)
        return refuse(rq, description, ERR_BAD_REQUEST, "the description can't be freed of addresses");
    return request_fits(rq, out);
}

/*
 * What stands beside a candidate in a call with relay privacy. Media and ICE tokens (RFC 8839 section 5.4, RFC 5888) are letters, digits and a few signs; none
 * that an address needs passes: no dot, no colon.
 */
static void put_token(struct buf *out, const char *key, const struct wire_value *value, size_t *pairs)
{
    if (!value || value->kind != WIRE_STRING || value->string.n > 64)
        return;
    if (!ascii_is_made_of(value->string, "+/-_"))
        return;
    wire_put_key_string(out, key, value->string);
    ++*pairs;
}

/* One candidate for a call with relay privacy. False: it may not pass. */
static bool put_relay_candidate(struct buf *out, const struct wire_value *item)
{
    struct slice text = item->kind == WIRE_STRING ? item->string : wire_get_string(item, "candidate");
    const struct wire_value *index = wire_get(item, "sdpMLineIndex");
    struct buf blanked;
    struct buf pairs;
    size_t count = 1;
    buf_init(&blanked, BLANKED_BYTES_MAX);
    buf_init(&pairs, 512);
    enum err err = candidate_for_relay(text, &blanked);
    if (err == ERR_OK && item->kind == WIRE_STRING) {
        wire_put_string(out, buf_slice(&blanked));
    } else if (err == ERR_OK) {
        put_token(&pairs, "sdpMid", wire_get(item, "sdpMid"), &count);
        put_token(&pairs, "usernameFragment", wire_get(item, "usernameFragment"), &count);
        if (index && index->kind == WIRE_INT) {
            wire_put_key_int(&pairs, "sdpMLineIndex", index->integer);
            count++;
        }
        wire_put_map(out, count);
        wire_put_key_string(out, "candidate", buf_slice(&blanked));
        wire_put_raw(out, buf_slice(&pairs));
    }
    buf_finish(&blanked);
    buf_finish(&pairs);
    return err == ERR_OK;
}

/* What RTCIceCandidate.toJSON() gives, its bare text, or null: no more will come. */
static bool is_candidate(const struct wire_value *item)
{
    return item->kind == WIRE_NULL || item->kind == WIRE_STRING || wire_get_string(item, "candidate").p;
}

bool candidates_put(struct request *rq, const struct wire_value *candidates, bool relay, struct buf *out,
                    size_t *ret_count)
{
    size_t n = 0;
    for (size_t i = 0; candidates && i < candidates->array.n; i++) {
        const struct wire_value *item = &candidates->array.items[i];
        char why[WHY_SIZE];
        if (!is_candidate(item)) {
            snprintf(why, sizeof why,
                     "`candidates[%zu]` is %s; it should be {candidate, sdpMid, sdpMLineIndex}, a string or null", i,
                     wire_kind_name(item->kind));
            request_fail(rq, ERR_BAD_REQUEST, why);
            return false;
        }
        if (!relay || item->kind == WIRE_NULL) {
            wire_put_value(out, item);
            n++;
        } else {
            n += put_relay_candidate(out, item);
        }
    }
    *ret_count = n;
    return request_fits(rq, out);
}

/* Both as a client sent them, in one map. NULL: no memory. */
static struct wire_doc *read_offer(const struct call_answer *a)
{
    struct wire_doc *doc = NULL;
    struct buf b;
    buf_init(&b, a->offer.n + a->candidates.n + 64);
    wire_put_map(&b, 2);
    wire_put_key_raw(&b, "offer", a->offer);
    wire_put_cstr(&b, "candidates");
    wire_put_array(&b, (size_t)a->candidate_count);
    wire_put_raw(&b, a->candidates);
    if (buf_failed(&b) || wire_decode(WIRE_MSGPACK, buf_slice(&b), &doc, WHY_NONE) != ERR_OK)
        doc = NULL;
    buf_finish(&b);
    return doc;
}

void offer_put_blanked(struct buf *out, const struct call_answer *a)
{
    struct wire_doc *doc = read_offer(a);
    const struct wire_value *offer = doc ? wire_get(wire_doc_root(doc), "offer") : NULL;
    const struct wire_value *candidates = doc ? wire_get(wire_doc_root(doc), "candidates") : NULL;
    struct slice sdp;
    struct buf items;
    size_t count = 0;
    wire_put_cstr(out, "offer");
    if (!offer || !find_sdp(offer, &sdp) || put_description(offer, sdp, true, out) != ERR_OK)
        wire_put_null(out); /* rather nothing than an address */
    buf_init(&items, a->candidates.n + BLANKED_BYTES_MAX);
    for (size_t i = 0; candidates && i < candidates->array.n; i++) {
        const struct wire_value *item = &candidates->array.items[i];
        if (item->kind == WIRE_NULL)
            wire_put_null(&items);
        if (item->kind == WIRE_NULL || put_relay_candidate(&items, item))
            count++;
    }
    wire_put_cstr(out, "candidates");
    wire_put_array(out, buf_failed(&items) ? 0 : count);
    wire_put_raw(out, buf_failed(&items) ? (struct slice){0} : buf_slice(&items));
    buf_finish(&items);
    wire_doc_destroy(doc);
}
