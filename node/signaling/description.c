#include <stdio.h>

#include "node/call/candidate.h"
#include "node/signaling/private.h"

enum { BLANKED_BYTES_MAX = 1 << 17 };

/* The SDP inside: a string is one, a map has one under `sdp` (none in a rollback). */
static bool find_sdp(const struct wire_value *description, struct slice *ret_sdp)
{
    struct slice type = wire_get_string(description, "type");
    if (description->kind == WIRE_STRING) {
        *ret_sdp = description->string;
        return true;
    }
    *ret_sdp = wire_get_string(description, "sdp");
    return ret_sdp->p || slice_is(type, "rollback");
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
    wire_put_map(out, 2);
    wire_put_key_string(out, "type", wire_get_string(description, "type"));
    wire_put_key_string(out, "sdp", sdp);
}

bool description_put(struct request *rq, const struct wire_value *description, bool relay, struct buf *out)
{
    struct slice sdp;
    char why[WHY_SIZE];
    if ((description->kind != WIRE_STRING && description->kind != WIRE_MAP) || !find_sdp(description, &sdp)) {
        request_fail(rq, ERR_BAD_REQUEST, "a description should be a string of SDP or {type, sdp}");
        return false;
    }
    enum err err = sdp.p ? sdp_check(sdp, rq->signaling->settings.media, why, sizeof why) : ERR_OK;
    if (err != ERR_OK) {
        request_fail(rq, err, why);
        return false;
    }
    if (!relay || !sdp.p) {
        put_with_sdp(out, description, sdp);
        return true;
    }
    struct buf blanked;
    buf_init(&blanked, BLANKED_BYTES_MAX);
    err = sdp_blank_addresses(sdp, &blanked);
    if (err == ERR_OK && !buf_failed(&blanked))
        put_blanked(out, description, buf_slice(&blanked));
    else
        request_fail(rq, ERR_BAD_REQUEST, "the description can't be freed of addresses");
    buf_finish(&blanked);
    return err == ERR_OK;
}

/* One candidate for a call with relay privacy. False: it may not pass. */
static bool put_relay_candidate(struct buf *out, const struct wire_value *item)
{
    struct slice text = item->kind == WIRE_STRING ? item->string : wire_get_string(item, "candidate");
    struct buf blanked;
    buf_init(&blanked, BLANKED_BYTES_MAX);
    enum err err = candidate_for_relay(text, &blanked);
    if (err == ERR_OK && item->kind == WIRE_STRING) {
        wire_put_string(out, buf_slice(&blanked));
    } else if (err == ERR_OK) {
        const struct wire_value *mid = wire_get(item, "sdpMid");
        const struct wire_value *index = wire_get(item, "sdpMLineIndex");
        const struct wire_value *fragment = wire_get(item, "usernameFragment");
        wire_put_map(out, (size_t)(1 + !!mid + !!index + !!fragment));
        wire_put_key_string(out, "candidate", buf_slice(&blanked));
        if (mid)
            wire_put_key_value(out, "sdpMid", mid);
        if (index)
            wire_put_key_value(out, "sdpMLineIndex", index);
        if (fragment)
            wire_put_key_value(out, "usernameFragment", fragment);
    }
    buf_finish(&blanked);
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
    return true;
}

enum { ALLOW_USERS_MAX = 100 };

bool allow_put(struct request *rq, struct buf *out)
{
    static const struct field rows[] = {{.name = "allow", .kind = FIELD_NAMES, .min = 0, .max = ALLOW_USERS_MAX},
                                        {.name = NULL}};
    const struct wire_value *allow = wire_get(rq->message, "allow");
    char why[WHY_SIZE];
    if (!allow || allow->kind == WIRE_NULL)
        return true;
    if (allow->kind == WIRE_STRING && slice_is(allow->string, "anyone")) {
        buf_put_char(out, '*');
        return true;
    }
    if (allow->kind == WIRE_STRING) {
        request_fail(rq, ERR_BAD_REQUEST, "`allow` should be a list of users or \"anyone\"");
        return false;
    }
    enum err err = fields_check(rq->message, rows, why, sizeof why);
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
