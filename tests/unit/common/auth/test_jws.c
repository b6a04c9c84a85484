#include "common/auth/jws.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/auth/jwt.h"
#include "common/base/base64url.h"
#include "tests/unit/common/auth/fixture.h"
#include "tests/unit/common/auth/keys.h"

struct vector {
    const char *jwk, *token, *payload;
};

static const char rfc7515_payload[] =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";

static const struct vector vectors[] = {
    {RFC_OCT_JWK, RFC_HS256_TOKEN, rfc7515_payload},
    {RFC_RSA_JWK, RFC_RS256_TOKEN, rfc7515_payload},
    {RFC_EC_JWK, RFC_ES256_TOKEN, rfc7515_payload},
    {RFC_OKP_JWK, RFC_EDDSA_TOKEN, "Example of Ed25519 signing"},
};

static enum err open_token(const struct keyring *ring, struct slice token, struct buf *out, struct why why)
{
    buf_init(out, JWT_SIZE_MAX);
    return jws_open(ring, token, out, why);
}

/* The same for those who want no payload; a refusal must leave none. */
static enum err check_token(const struct keyring *ring, struct slice token, struct why why)
{
    struct buf payload;
    enum err e = open_token(ring, token, &payload, why);
    cr_expect(e == ERR_OK || payload.n == 0);
    buf_finish(&payload);
    return e;
}

Test(jws, the_rfcs_examples_are_good)
{
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        char why[200] = "";
        struct buf payload;
        struct keyring *ring = ring_with_jwks(vectors[i].jwk);
        cr_expect_eq(open_token(ring, slice_of(vectors[i].token), &payload, WHY_IN(why)), ERR_OK, "%zu: %s", i, why);
        cr_expect(slice_is(buf_slice(&payload), vectors[i].payload), "%zu", i);
        buf_finish(&payload);
        keyring_destroy(ring);
    }
}

Test(jws, one_changed_character_anywhere_is_refused)
{
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        struct keyring *ring = ring_with_jwks(vectors[i].jwk);
        char *token = slice_dup(slice_of(vectors[i].token));
        for (size_t at = 0; token[at]; at++) {
            char was = token[at];
            token[at] = was == 'A' ? 'B' : 'A';
            cr_expect_eq(check_token(ring, slice_of(token), WHY_NONE), ERR_UNAUTHORIZED, "%zu at %zu", i, at);
            token[at] = was;
        }
        free(token);
        keyring_destroy(ring);
    }
}

Test(jws, every_beginning_of_a_token_is_refused)
{
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        struct keyring *ring = ring_with_jwks(vectors[i].jwk);
        struct slice token = slice_of(vectors[i].token);
        while (token.n-- > 0)
            cr_expect_eq(check_token(ring, token, WHY_NONE), ERR_UNAUTHORIZED, "%zu of %zu", token.n, i);
        keyring_destroy(ring);
    }
}

struct header_case {
    const char *kid, *header, *sentence;
};

static const struct header_case headers[] = {
    {"", "{\"alg\":\"HS256\"}", NULL},
    {"", "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"x\":{\"y\":[1]}}", NULL},
    {"k1", "{\"alg\":\"HS256\",\"kid\":\"k1\"}", NULL},
    {"", "{\"alg\":\"none\"}", "not signed"},
    {"", "{\"alg\":\"NoNe\"}", "not signed"},
    {"", "{\"alg\":\"\"}", "is none of"},
    {"", "{\"alg\":\"hs256\"}", "is none of"},
    {"", "{\"alg\":\"HS512\"}", "is none of"},
    {"", "{\"alg\":null}", "no `alg`"},
    {"", "{\"alg\":[\"HS256\"]}", "no `alg`"},
    {"", "{}", "no `alg`"},
    {"", "[]", "no JSON object"},
    {"", "", "no JSON object"},
    {"", "{\"alg\":\"HS256\"} {}", "no JSON object"},
    {"", "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "a member twice"},
    {"", "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", "`crit`"},
    {"", "{\"alg\":\"HS256\",\"crit\":null}", "`crit`"},
    {"", "{\"alg\":\"RS256\"}", "no RS256 key without a kid is configured"},
    {"", "{\"alg\":\"HS256\",\"kid\":\"k1\"}", "no key with the header's `kid`"},
    {"", "{\"alg\":\"HS256\",\"kid\":\"\"}", "no key with the header's `kid`"},
    {"", "{\"alg\":\"HS256\",\"kid\":7}", "`kid` is no string"},
    {"k1", "{\"alg\":\"HS256\",\"kid\":\"k2\"}", "no key with the header's `kid`"},
    {"k1", "{\"alg\":\"HS256\"}", "no HS256 key without a kid"},
    {"k1", "{\"alg\":\"RS256\",\"kid\":\"k1\"}", "the key of that `kid` is for HS256"},
};

Test(jws, the_header_decides_as_the_key_allows)
{
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        char why[200] = "";
        struct buf token;
        struct keyring *ring = ring_with_secret(headers[i].kid);
        forge(ring, headers[i].header, "{}", &token);
        enum err e = check_token(ring, buf_slice(&token), WHY_IN(why));
        cr_expect_eq(e, headers[i].sentence ? ERR_UNAUTHORIZED : ERR_OK, "%s: %s", headers[i].header, why);
        if (headers[i].sentence)
            cr_expect(strstr(why, headers[i].sentence), "%s: %s", headers[i].header, why);
        buf_finish(&token);
        keyring_destroy(ring);
    }
}

static const struct {
    const char *token, *sentence;
} malformed[] = {
    {"", "empty"},
    {".", "three parts"},
    {"e30.e30", "three parts"},
    {"e30.e30.e30.e30", "three parts"},
    {"e30.e30.e30.e30.e30", "three parts"},
    {"..", "no JSON object"},
    {"Bearer e30.e30.e30", "header is not base64url"},
    {"e30=.e30.e30", "header is not base64url"},
    {"eyJhbGciOiJIUzI1NiJ9.e30.a+/a", "signature is not base64url"},
    {"eyJhbGciOiJIUzI1NiJ9.e30.AB", "signature is not base64url"}, /* bits that belong to no byte */
    {"eyJhbGciOiJIUzI1NiJ9.e30.", "signature is not the one"},
    {"eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "signature is not the one"},
};

Test(jws, what_is_no_token_is_refused)
{
    struct keyring *ring = ring_with_secret("");
    for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
        char why[200] = "";
        cr_expect_eq(check_token(ring, slice_of(malformed[i].token), WHY_IN(why)), ERR_UNAUTHORIZED);
        cr_expect(strstr(why, malformed[i].sentence), "%s: %s", malformed[i].token, why);
    }
    keyring_destroy(ring);
}

Test(jws, bad_base64_in_a_signed_payload_is_refused)
{
    char why[200] = "";
    struct buf token, signature;
    struct keyring *ring = ring_with_secret("");
    buf_init(&token, JWT_SIZE_MAX);
    buf_init(&signature, 64);
    buf_put_cstr(&token, "eyJhbGciOiJIUzI1NiJ9.e3 0");
    cr_assert_eq(jwt_key_sign(ring->keys[0], buf_slice(&token), &signature), ERR_OK);
    buf_put_char(&token, '.');
    base64url_encode(&token, buf_slice(&signature));
    cr_expect_eq(check_token(ring, buf_slice(&token), WHY_IN(why)), ERR_UNAUTHORIZED);
    cr_expect(strstr(why, "payload is not base64url"), "%s", why);
    buf_finish(&signature);
    buf_finish(&token);
    keyring_destroy(ring);
}

Test(jws, the_largest_token_passes_and_one_byte_more_does_not)
{
    char why[200] = "";
    struct buf token;
    struct keyring *ring = ring_with_secret("");
    struct slice frame = SLICE("eyJhbGciOiJIUzI1NiJ9..AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    size_t fill = (JWT_SIZE_MAX - frame.n) / 4 * 3;
    char *text = calloc(1, fill + 1);
    cr_assert(text);
    memset(text, 'x', fill);
    forge(ring, "{\"alg\":\"HS256\"}", text, &token);
    cr_expect_leq(token.n, (size_t)JWT_SIZE_MAX);
    cr_expect_gt(token.n, (size_t)JWT_SIZE_MAX - 4);
    cr_expect_eq(check_token(ring, buf_slice(&token), WHY_IN(why)), ERR_OK, "%s", why);
    while (token.n <= JWT_SIZE_MAX)
        buf_put_char(&token, 'A');
    cr_expect_eq(check_token(ring, buf_slice(&token), WHY_IN(why)), ERR_UNAUTHORIZED);
    cr_expect(strstr(why, "longer than 8192"), "%s", why);
    buf_finish(&token);
    free(text);
    keyring_destroy(ring);
}

/* A token whose HMAC has the text `secret` as its key, which no ring of ours would take. */
static void forge_with_text(const char *header, const char *secret, struct buf *out)
{
    unsigned char mac[32];
    unsigned int n = 0;
    buf_init(out, JWT_SIZE_MAX);
    base64url_encode(out, slice_of(header));
    buf_put_cstr(out, ".e30");
    cr_assert(HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)out->p, out->n, mac, &n));
    buf_put_char(out, '.');
    base64url_encode(out, slice_make(mac, n));
}

/* CVE-2015-9235 and its many kin: everybody can make an HMAC with the text of the public key. */
Test(jws, a_public_key_used_as_secret_signs_nothing)
{
    static const struct {
        const char *spec, *pem, *header;
    } keys[] = {
        {"RS256:@", TEST_RSA_PUBLIC, "{\"alg\":\"HS256\"}"},
        {"RS256:kid=k1:@", TEST_RSA_PUBLIC, "{\"alg\":\"HS256\",\"kid\":\"k1\"}"},
        {"RS256:@", TEST_RSA_PUBLIC, "{\"alg\":\"RS256\"}"},
        {"ES256:@", TEST_P256_PUBLIC, "{\"alg\":\"HS256\"}"},
        {"EdDSA:@", TEST_ED25519_PUBLIC, "{\"alg\":\"HS256\"}"},
        {"EdDSA:@", TEST_ED25519_PUBLIC, "{\"alg\":\"EdDSA\"}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        struct buf token;
        struct keyring *ring = ring_with_file(keys[i].spec, keys[i].pem);
        forge_with_text(keys[i].header, keys[i].pem, &token);
        cr_expect_eq(check_token(ring, buf_slice(&token), WHY_NONE), ERR_UNAUTHORIZED, "%zu", i);
        buf_finish(&token);
        keyring_destroy(ring);
    }
}

Test(jws, an_hmac_made_elsewhere_is_good)
{
    struct buf token, payload;
    struct keyring *ring = ring_with_secret("");
    forge_with_text("{\"alg\":\"HS256\"}", TEST_SECRET, &token);
    cr_expect_eq(open_token(ring, buf_slice(&token), &payload, WHY_NONE), ERR_OK);
    cr_expect(slice_is(buf_slice(&payload), "{}"));
    buf_finish(&payload);
    buf_finish(&token);
    keyring_destroy(ring);
}

Test(jws, an_empty_ring_refuses_every_token)
{
    char why[200] = "";
    struct keyring *ring = keyring_create();
    cr_expect_eq(check_token(ring, SLICE(RFC_HS256_TOKEN), WHY_IN(why)), ERR_UNAUTHORIZED);
    cr_expect(strstr(why, "no key is configured"), "%s", why);
    keyring_destroy(ring);
}

Test(jws, without_a_kid_every_key_of_the_algorithm_is_tried)
{
    struct buf token;
    struct keyring *old = ring_with_secret("");
    struct keyring *ring = keyring_create();
    cr_assert_eq(keyring_add(ring, SLICE("HS256:another secret for tests, 32 bytes long"), WHY_NONE), ERR_OK);
    forge(old, "{\"alg\":\"HS256\"}", "{}", &token);
    cr_expect_eq(check_token(ring, buf_slice(&token), WHY_NONE), ERR_UNAUTHORIZED);
    cr_assert_eq(keyring_add_secret(ring, SLICE(""), SLICE(TEST_SECRET), WHY_NONE), ERR_OK);
    cr_expect_eq(check_token(ring, buf_slice(&token), WHY_NONE), ERR_OK);
    buf_finish(&token);
    keyring_destroy(ring);
    keyring_destroy(old);
}

Test(jws, a_kid_picks_its_key_and_no_other)
{
    struct buf token;
    struct keyring *one = ring_with_secret("one");
    struct keyring *both = keyring_create();
    cr_assert_eq(keyring_add(both, SLICE("HS256:kid=two:" TEST_SECRET), WHY_NONE), ERR_OK);
    cr_assert_eq(keyring_add(both, SLICE("HS256:kid=one:another secret for tests, 32 bytes long"), WHY_NONE), ERR_OK);
    forge(one, "{\"alg\":\"HS256\",\"kid\":\"one\"}", "{}", &token);
    cr_expect_eq(check_token(both, buf_slice(&token), WHY_NONE), ERR_UNAUTHORIZED);
    buf_finish(&token);
    keyring_destroy(both);
    keyring_destroy(one);
}
