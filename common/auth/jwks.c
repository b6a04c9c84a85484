#include "common/auth/jwks.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "common/base/base64url.h"
#include "common/wire/value.h"

enum {
    SECRET_MAX = 4096,
    RSA_EXPONENT_MAX = 8, /* bytes; what checking one signature may cost */
    P256_COORDINATE = 32,
    ED25519_POINT = 32,
};

/* RFC 7518 section 6.1, RFC 8037 section 2 */
static const struct {
    const char *type;
    const char *curve; /* NULL: has none */
} kinds[JWT_ALGORITHM_COUNT] = {
    [JWT_HS256] = {"oct", NULL},
    [JWT_RS256] = {"RSA", NULL},
    [JWT_ES256] = {"EC", "P-256"},
    [JWT_EDDSA] = {"OKP", "Ed25519"},
};

/* Whether the array holds one of the two words. */
static bool lists(const struct wire_value *array, const char *a, const char *b)
{
    if (array->kind != WIRE_ARRAY)
        return false;
    for (size_t i = 0; i < array->array.n; i++) {
        const struct wire_value *item = &array->array.items[i];
        if (item->kind == WIRE_STRING && (slice_is(item->string, a) || slice_is(item->string, b)))
            return true;
    }
    return false;
}

static bool is_for_signatures(const struct wire_value *jwk)
{
    const struct wire_value *use = wire_find(jwk, "use");
    const struct wire_value *ops = wire_find(jwk, "key_ops");
    return (!use || slice_is(wire_get_string(jwk, "use"), "sig")) && (!ops || lists(ops, "verify", "sign"));
}

/* The algorithm that the key's kind has, or JWT_ALGORITHM_COUNT. */
static enum jwt_algorithm algorithm_of_kind(const struct wire_value *jwk)
{
    struct slice type = wire_get_string(jwk, "kty");
    struct slice curve = wire_get_string(jwk, "crv");
    size_t i = 0;
    while (i < ARRAY_SIZE(kinds) &&
           !(slice_is(type, kinds[i].type) && (!kinds[i].curve || slice_is(curve, kinds[i].curve))))
        i++;
    return (enum jwt_algorithm)i;
}

static bool names_algorithm(struct slice text)
{
    for (size_t i = 0; i < JWT_ALGORITHM_COUNT; i++)
        if (slice_is(text, jwt_algorithm_name((enum jwt_algorithm)i)))
            return true;
    return false;
}

/* JWT_ALGORITHM_COUNT when the key is for something else. */
static enum err find_algorithm(const struct wire_value *jwk, enum jwt_algorithm *ret_algorithm, struct why why)
{
    if (!wire_get_string(jwk, "kty").p)
        return why_fail(why, ERR_SYNTAX, "`kty` is missing or no string");
    enum jwt_algorithm algorithm = is_for_signatures(jwk) ? algorithm_of_kind(jwk) : JWT_ALGORITHM_COUNT;
    if (algorithm != JWT_ALGORITHM_COUNT && wire_find(jwk, "alg")) {
        struct slice said = wire_get_string(jwk, "alg");
        if (!said.p)
            return why_fail(why, ERR_SYNTAX, "`alg` is no string");
        if (!slice_is(said, jwt_algorithm_name(algorithm))) {
            if (names_algorithm(said))
                return why_fail(why, ERR_SYNTAX, "`alg` does not fit `kty` %s", kinds[algorithm].type);
            algorithm = JWT_ALGORITHM_COUNT; /* RS384, RSA-OAEP, … */
        }
    }
    *ret_algorithm = algorithm;
    return ERR_OK;
}

/* The bytes of a base64url member; `out` is initialised here and finished by the caller, whatever came out. */
static enum err decode_member(const struct wire_value *jwk, const char *name, size_t max, struct buf *out,
                              struct why why)
{
    buf_init(out, max);
    struct slice text = wire_get_string(jwk, name);
    if (!text.p)
        return why_fail(why, ERR_SYNTAX, "`%s` is missing or no string", name);
    switch (base64url_decode(out, text)) {
    case ERR_OK:
        return ERR_OK;
    case ERR_TOO_LARGE:
        return why_fail(why, ERR_SYNTAX, "`%s` has more than %zu bytes", name, max);
    case ERR_NO_MEMORY:
        return why_fail(why, ERR_NO_MEMORY, "out of memory");
    default:
        return why_fail(why, ERR_SYNTAX, "`%s` is not base64url", name);
    }
}

static EVP_PKEY *pkey_from_params(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static EVP_PKEY *rsa_pkey(struct slice n, struct slice e)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
    BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
    if (build && modulus && exponent && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        params = OSSL_PARAM_BLD_to_param(build);
    if (params)
        pkey = pkey_from_params("RSA", params);
    OSSL_PARAM_free(params);
    BN_free(exponent);
    BN_free(modulus);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

static EVP_PKEY *p256_pkey(struct slice x, struct slice y)
{
    char group[] = "prime256v1";
    unsigned char point[1 + 2 * P256_COORDINATE] = {0x04}; /* SEC 1 section 2.3.3: uncompressed */
    if (x.n != P256_COORDINATE || y.n != P256_COORDINATE)
        return NULL;
    memcpy(point + 1, x.p, P256_COORDINATE);
    memcpy(point + 1 + P256_COORDINATE, y.p, P256_COORDINATE);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
        OSSL_PARAM_construct_end(),
    };
    return pkey_from_params("EC", params);
}

static EVP_PKEY *ed25519_pkey(struct slice x)
{
    if (x.n != ED25519_POINT)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.p, x.n);
}

/* A public key from its one or two members. */
static enum err read_public(const struct wire_value *jwk, enum jwt_algorithm algorithm, struct jwt_key **ret_key,
                            struct why why)
{
    static const struct {
        const char *first, *second;
        size_t first_max, second_max;
    } members[JWT_ALGORITHM_COUNT] = {
        [JWT_RS256] = {"n", "e", KEY_RSA_BITS_MAX / 8, RSA_EXPONENT_MAX},
        [JWT_ES256] = {"x", "y", P256_COORDINATE, P256_COORDINATE},
        [JWT_EDDSA] = {"x", NULL, ED25519_POINT, 0},
    };
    EVP_PKEY *pkey;
    struct buf first, second;
    buf_init(&second, 0);
    enum err e = decode_member(jwk, members[algorithm].first, members[algorithm].first_max, &first, why);
    if (e == ERR_OK && members[algorithm].second)
        e = decode_member(jwk, members[algorithm].second, members[algorithm].second_max, &second, why);
    if (e != ERR_OK)
        goto done;
    if (algorithm == JWT_RS256)
        pkey = rsa_pkey(buf_slice(&first), buf_slice(&second));
    else if (algorithm == JWT_ES256)
        pkey = p256_pkey(buf_slice(&first), buf_slice(&second));
    else
        pkey = ed25519_pkey(buf_slice(&first));
    if (pkey)
        e = jwt_key_take_pkey(algorithm, pkey, ret_key, why);
    else
        e = why_fail(why, ERR_SYNTAX, "its numbers make no valid %s key", jwt_algorithm_name(algorithm));
done:
    buf_finish(&second);
    buf_finish(&first);
    return e;
}

static enum err read_secret(const struct wire_value *jwk, struct jwt_key **ret_key, struct why why)
{
    struct buf secret;
    enum err e = decode_member(jwk, "k", SECRET_MAX, &secret, why);
    if (e == ERR_OK)
        e = jwt_key_from_secret(buf_slice(&secret), ret_key, why);
    if (secret.p)
        OPENSSL_cleanse(secret.p, secret.n);
    buf_finish(&secret);
    return e;
}

static enum err read_key(const struct wire_value *jwk, struct keyring *ring, struct why why)
{
    if (jwk->kind != WIRE_MAP)
        return why_fail(why, ERR_SYNTAX, "%s, no object", wire_kind_name(jwk->kind));
    enum jwt_algorithm algorithm = JWT_ALGORITHM_COUNT;
    enum err e = find_algorithm(jwk, &algorithm, why);
    if (e != ERR_OK || algorithm == JWT_ALGORITHM_COUNT)
        return e;
    struct slice kid = wire_get_string(jwk, "kid");
    if ((wire_find(jwk, "kid") && kid.n == 0) || kid.n > KEY_KID_MAX)
        return why_fail(why, ERR_SYNTAX, "`kid` is no string of 1 to %d bytes", KEY_KID_MAX);
    struct jwt_key *key;
    e = algorithm == JWT_HS256 ? read_secret(jwk, &key, why) : read_public(jwk, algorithm, &key, why);
    if (e != ERR_OK)
        return e;
    if (kid.n > 0)
        memcpy(key->kid, kid.p, kid.n); /* the rest is zero */
    return keyring_take(ring, key, why);
}

enum err jwks_read(struct slice json, struct keyring *ring, struct why why)
{
    struct wire_doc *doc;
    char inner[200] = "";
    /* its sentence may quote the set, and so a secret: not passed on */
    if (wire_decode(WIRE_JSON, json, &doc, WHY_NONE) != ERR_OK)
        return why_fail(why, ERR_SYNTAX, "no JSON object, or one with a member twice");
    enum err e = ERR_OK;
    size_t before = ring->count;
    const struct wire_value *keys = wire_find(wire_doc_root(doc), "keys");
    ERR_set_mark();
    if (!keys || keys->kind != WIRE_ARRAY)
        e = why_fail(why, ERR_SYNTAX, "no array `keys` in it");
    for (size_t i = 0; e == ERR_OK && i < keys->array.n; i++) {
        e = read_key(&keys->array.items[i], ring, WHY_IN(inner));
        if (e != ERR_OK)
            why_fail(why, e, "key %zu: %s", i + 1, inner);
    }
    ERR_pop_to_mark();
    if (e == ERR_OK && ring->count == before)
        e = why_fail(why, ERR_SYNTAX, "none of its %zu keys signs with HS256, RS256, ES256 or EdDSA", keys->array.n);
    wire_doc_destroy(doc);
    return e;
}
