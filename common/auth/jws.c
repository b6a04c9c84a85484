#include "common/auth/jws.h"

#include "common/auth/jwt.h"
#include "common/base/base64url.h"
#include "common/wire/writer.h"

enum { HEADER_MAX = 1024 }; /* ours, for signing */

/* The three parts as they stand in the token; `signed_part` is the first two and the dot between them. */
struct parts {
    struct slice header, payload, signature, signed_part;
};

/* What the header says, of that which counts. Points into its document. */
struct header {
    enum jwt_algorithm algorithm;
    struct slice kid; /* p is NULL when there is none */
};

static enum err refuse(struct why why, const char *sentence)
{
    return why_fail(why, ERR_UNAUTHORIZED, "%s", sentence);
}

/* What was appended since the buffer held `before` bytes. */
static struct slice tail(const struct buf *b, size_t before)
{
    return b->n > before ? slice_make(b->p + before, b->n - before) : SLICE("");
}

static enum err split_token(struct slice token, struct parts *ret_parts, struct why why)
{
    if (token.n == 0)
        return refuse(why, "the token is empty");
    if (token.n > JWT_SIZE_MAX)
        return why_fail(why, ERR_UNAUTHORIZED, "the token is longer than %d bytes", JWT_SIZE_MAX);
    struct slice parts[3], rest = token;
    size_t n = 0;
    while (n < ARRAY_SIZE(parts) && slice_split(&rest, '.', &parts[n]))
        n++;
    if (n < ARRAY_SIZE(parts) || rest.p)
        return refuse(why, "the token has not the three parts of a signed JWT");
    *ret_parts = (struct parts){
        .header = parts[0],
        .payload = parts[1],
        .signature = parts[2],
        .signed_part = slice_make(token.p, parts[0].n + 1 + parts[1].n),
    };
    return ERR_OK;
}

static enum err read_algorithm(const struct wire_value *header, enum jwt_algorithm *ret_algorithm, struct why why)
{
    struct slice said = wire_get_string(header, "alg");
    if (!said.p)
        return refuse(why, "the token's header has no `alg`");
    if (slice_eq_nocase(said, SLICE("none")))
        return refuse(why, "the token is not signed (`alg` none)");
    for (size_t i = 0; i < JWT_ALGORITHM_COUNT; i++) {
        if (slice_is(said, jwt_algorithm_name((enum jwt_algorithm)i))) {
            *ret_algorithm = (enum jwt_algorithm)i;
            return ERR_OK;
        }
    }
    return refuse(why, "the header's `alg` is none of HS256, RS256, ES256, EdDSA");
}

static enum err read_header(const struct wire_value *value, struct header *ret_header, struct why why)
{
    struct header header;
    /* RFC 7515 section 4.1.11: we understand no extension, so every critical one is one too many */
    if (wire_find(value, "crit"))
        return refuse(why, "the token's header has `crit`: no extension is supported");
    enum err e = read_algorithm(value, &header.algorithm, why);
    if (e != ERR_OK)
        return e;
    header.kid = wire_get_string(value, "kid");
    if (wire_find(value, "kid") && !header.kid.p)
        return refuse(why, "the header's `kid` is no string");
    *ret_header = header;
    return ERR_OK;
}

static enum err verify_with_named(const struct keyring *ring, const struct header *header, const struct parts *parts,
                                  struct slice signature, struct why why)
{
    const struct jwt_key *key = NULL;
    for (size_t i = 0; i < ring->count && header->kid.n > 0 && !key; i++)
        if (slice_is(header->kid, ring->keys[i]->kid))
            key = ring->keys[i];
    if (!key)
        return refuse(why, "no key with the header's `kid`");
    if (key->algorithm != header->algorithm)
        return why_fail(why, ERR_UNAUTHORIZED, "the header says `alg` %s, the key of that `kid` is for %s",
                        jwt_algorithm_name(header->algorithm), jwt_algorithm_name(key->algorithm));
    if (!jwt_key_verifies(key, parts->signed_part, signature))
        return refuse(why, "the signature is not the one of the key with that `kid`");
    return ERR_OK;
}

static enum err verify_with_any(const struct keyring *ring, const struct header *header, const struct parts *parts,
                                struct slice signature, struct why why)
{
    size_t tried = 0;
    for (size_t i = 0; i < ring->count; i++) {
        const struct jwt_key *key = ring->keys[i];
        if (key->kid[0] != '\0' || key->algorithm != header->algorithm)
            continue;
        if (jwt_key_verifies(key, parts->signed_part, signature))
            return ERR_OK;
        tried++;
    }
    const char *name = jwt_algorithm_name(header->algorithm);
    if (tried > 0)
        return why_fail(why, ERR_UNAUTHORIZED, "the signature is not the one of the %s key", name);
    return why_fail(why, ERR_UNAUTHORIZED, "no %s key without a kid is configured, and the header has no `kid`", name);
}

static enum err check_signature(const struct keyring *ring, const struct header *header, const struct parts *parts,
                                struct buf *scratch, struct why why)
{
    size_t before = scratch->n;
    if (base64url_decode(scratch, parts->signature) != ERR_OK)
        return refuse(why, "the token's signature is not base64url");
    struct slice signature = tail(scratch, before);
    enum err e = header->kid.p ? verify_with_named(ring, header, parts, signature, why)
                               : verify_with_any(ring, header, parts, signature, why);
    buf_truncate(scratch, before);
    return e;
}

/* The header's document; the header itself is what it points to. */
static enum err decode_header(struct slice text, struct buf *scratch, struct wire_doc **ret_doc, struct why why)
{
    size_t before = scratch->n;
    if (base64url_decode(scratch, text) != ERR_OK)
        return refuse(why, "the token's header is not base64url");
    struct slice json = tail(scratch, before);
    /* its sentence would quote the token: not passed on */
    enum err e = wire_decode(WIRE_JSON, json, ret_doc, WHY_NONE);
    buf_truncate(scratch, before);
    if (e != ERR_OK)
        return refuse(why, "the token's header is no JSON object, or one with a member twice");
    return ERR_OK;
}

enum err jws_open(const struct keyring *ring, struct slice token, struct buf *out, struct why why)
{
    struct parts parts;
    struct header header = {0};
    struct wire_doc *doc;
    if (ring->count == 0)
        return refuse(why, "no key is configured, so no token is accepted");
    enum err e = split_token(token, &parts, why);
    if (e != ERR_OK)
        return e;
    e = decode_header(parts.header, out, &doc, why);
    if (e != ERR_OK)
        return e;
    e = read_header(wire_doc_root(doc), &header, why);
    if (e == ERR_OK)
        e = check_signature(ring, &header, &parts, out, why);
    wire_doc_destroy(doc);
    if (e == ERR_OK && base64url_decode(out, parts.payload) != ERR_OK)
        e = refuse(why, "the token's payload is not base64url");
    return e;
}

static void put_header(const struct jwt_key *key, struct buf *json)
{
    struct buf body;
    buf_init(&body, HEADER_MAX);
    wire_put_map(&body, key->kid[0] ? 3 : 2);
    wire_put_key_cstr(&body, "alg", jwt_algorithm_name(key->algorithm));
    wire_put_key_cstr(&body, "typ", "JWT");
    if (key->kid[0])
        wire_put_key_cstr(&body, "kid", key->kid);
    if (buf_failed(&body) || wire_frame(WIRE_JSON, buf_slice(&body), 0, json) != ERR_OK)
        json->error = ERR_NO_MEMORY;
    buf_finish(&body);
}

enum err jws_sign(const struct jwt_key *key, struct slice payload, struct buf *out)
{
    size_t before = out->n;
    struct buf header, signature;
    buf_init(&header, HEADER_MAX);
    buf_init(&signature, KEY_SIGNATURE_MAX);
    put_header(key, &header);
    base64url_encode(out, buf_slice(&header));
    buf_put_char(out, '.');
    base64url_encode(out, payload);
    enum err e = buf_failed(&header) ? header.error : out->error;
    if (e == ERR_OK)
        e = jwt_key_sign(key, tail(out, before), &signature);
    if (e == ERR_OK) {
        buf_put_char(out, '.');
        base64url_encode(out, buf_slice(&signature));
        e = out->error;
    }
    if (e != ERR_OK)
        buf_truncate(out, before);
    buf_finish(&signature);
    buf_finish(&header);
    return e;
}
