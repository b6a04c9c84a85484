#include "common/auth/jwt.h"

#include "common/auth/claims.h"
#include "common/auth/jws.h"
#include "common/wire/writer.h"

enum { CLAIMS_MAX = 16 * 1024 }; /* ours, for signing */

enum err jwt_verify(const struct keyring *ring, const struct jwt_expect *expect, struct slice token, uint64_t now_s,
                    struct claims *ret_claims, struct why why)
{
    struct buf payload;
    buf_init(&payload, JWT_SIZE_MAX);
    enum err e = jws_open(ring, token, &payload, why);
    if (e == ERR_OK)
        e = claims_read(buf_slice(&payload), expect, now_s, ret_claims, why);
    buf_finish(&payload);
    return e;
}

static void put_text(struct buf *body, const char *claim, struct slice text)
{
    if (text.n > 0)
        wire_put_key_string(body, claim, text);
}

static void put_date(struct buf *body, const char *claim, uint64_t s)
{
    if (s > 0)
        wire_put_key_int(body, claim, (int64_t)s);
}

static void put_claims(const struct jwt_mint *mint, struct buf *body)
{
    wire_put_map(body, (size_t)(mint->user.n > 0) + (mint->device.n > 0) + (mint->name.n > 0) + (mint->issuer.n > 0) +
                           (mint->audience.n > 0) + (mint->issued_s > 0) + (mint->expires_s > 0) + mint->has_call);
    put_text(body, "sub", mint->user);
    put_text(body, "device", mint->device);
    put_text(body, "name", mint->name);
    put_text(body, "iss", mint->issuer);
    put_text(body, "aud", mint->audience);
    put_date(body, "iat", mint->issued_s);
    put_date(body, "exp", mint->expires_s);
    if (mint->has_call) {
        wire_put_cstr(body, "call");
        wire_put_array(body, mint->call_count);
        for (size_t i = 0; i < mint->call_count; i++)
            wire_put_string(body, mint->call[i]);
    }
}

static const struct jwt_key *signing_key(const struct keyring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->keys[i]->can_sign)
            return ring->keys[i];
    return NULL;
}

enum err jwt_sign(const struct keyring *ring, const struct jwt_mint *mint, struct buf *out)
{
    const struct jwt_key *key = signing_key(ring);
    if (!key)
        return ERR_UNSUPPORTED;
    struct buf body, json;
    buf_init(&body, CLAIMS_MAX);
    buf_init(&json, CLAIMS_MAX);
    put_claims(mint, &body);
    enum err e = body.error;
    if (e == ERR_OK)
        e = wire_frame(WIRE_JSON, buf_slice(&body), 0, &json);
    if (e == ERR_OK)
        e = json.error;
    if (e == ERR_OK)
        e = jws_sign(key, buf_slice(&json), out);
    buf_finish(&json);
    buf_finish(&body);
    return e;
}
