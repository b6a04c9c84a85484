#include "common/auth/jwks.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include <openssl/err.h>

#include "tests/unit/common/auth/fixture.h"
#include "tests/unit/common/auth/keys.h"

#define N_1024                                                                                                       \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-" \
    "pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kk"
#define X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define ED "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define K "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"

static const struct {
    const char *json;
    size_t count;
} good[] = {
    {"{\"keys\":[" RFC_OCT_JWK "," RFC_RSA_JWK "," RFC_EC_JWK "," RFC_OKP_JWK "]}", 4},
    {"{\"keys\":[" RFC_EC_JWK "],\"x\":1}", 1},
    {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED
     "\",\"alg\":\"EdDSA\",\"use\":\"sig\",\"kid\":\"a\"}]}",
     1},
    {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED "\",\"key_ops\":[\"verify\"],\"x5c\":[]}]}", 1},
    {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"" K "\",\"alg\":\"HS256\",\"key_ops\":[\"sign\"]}]}", 1},
    /* those that are for something else are passed over */
    {"{\"keys\":[" RFC_EC_JWK ",{\"kty\":\"RSA\",\"use\":\"enc\"}]}", 1},
    {"{\"keys\":[" RFC_EC_JWK ",{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP\"}]}", 1},
    {"{\"keys\":[" RFC_EC_JWK ",{\"kty\":\"RSA\",\"alg\":\"RS384\"}]}", 1},
    {"{\"keys\":[" RFC_EC_JWK ",{\"kty\":\"RSA\",\"key_ops\":[\"encrypt\"]}]}", 1},
    {"{\"keys\":[" RFC_EC_JWK ",{\"kty\":\"EC\",\"crv\":\"P-384\"}]}", 1},
    {"{\"keys\":[" RFC_EC_JWK ",{\"kty\":\"OKP\",\"crv\":\"X25519\"}]}", 1},
    {"{\"keys\":[" RFC_EC_JWK ",{\"kty\":\"AKP\"}]}", 1},
};

Test(jwks, keys_for_us_are_taken_and_others_passed_over)
{
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        char why[256] = "";
        struct keyring *ring = keyring_create();
        cr_expect_eq(jwks_read(slice_of(good[i].json), ring, WHY_IN(why)), ERR_OK, "%zu: %s", i, why);
        cr_expect_eq(keyring_count(ring), good[i].count, "%zu", i);
        keyring_destroy(ring);
    }
}

Test(jwks, kind_and_name_come_from_the_set)
{
    struct keyring *ring = ring_with_jwks("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y
                                          "\",\"kid\":\"k1\",\"d\":\"ignored\"},"
                                          "{\"kty\":\"oct\",\"k\":\"" K "\"}");
    cr_assert_eq(keyring_count(ring), 2);
    cr_expect_eq(ring->keys[0]->algorithm, JWT_ES256);
    cr_expect_str_eq(ring->keys[0]->kid, "k1");
    cr_expect_not(ring->keys[0]->can_sign);
    cr_expect_eq(ring->keys[1]->algorithm, JWT_HS256);
    cr_expect_str_eq(ring->keys[1]->kid, "");
    cr_expect(ring->keys[1]->can_sign);
    keyring_destroy(ring);
}

static const struct {
    const char *json, *sentence;
} bad[] = {
    {"", "no JSON object"},
    {"[]", "no JSON object"},
    {RFC_EC_JWK, "no array `keys`"},
    {"{}", "no array `keys`"},
    {"{\"keys\":{}}", "no array `keys`"},
    {"{\"keys\":[],\"keys\":[]}", "a member twice"},
    {"{\"keys\":[]}", "none of its 0 keys"},
    {"{\"keys\":[{\"kty\":\"RSA\",\"use\":\"enc\"}]}", "none of its 1 keys"},
    {"{\"keys\":[7]}", "key 1: an integer, no object"},
    {"{\"keys\":[{}]}", "key 1: `kty` is missing"},
    {"{\"keys\":[" RFC_EC_JWK ",{\"kty\":7}]}", "key 2: `kty` is missing or no string"},
    {"{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"HS256\",\"n\":\"AA\",\"e\":\"AQAB\"}]}", "`alg` does not fit `kty` RSA"},
    {"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"RS256\",\"k\":\"" K "\"}]}", "`alg` does not fit `kty` oct"},
    {"{\"keys\":[{\"kty\":\"oct\",\"alg\":7,\"k\":\"" K "\"}]}", "`alg` is no string"},
    {"{\"keys\":[{\"kty\":\"oct\",\"kid\":7,\"k\":\"" K "\"}]}", "`kid` is no string"},
    {"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"\",\"k\":\"" K "\"}]}", "`kid` is no string of 1"},
    {"{\"keys\":[{\"kty\":\"oct\"}]}", "`k` is missing"},
    {"{\"keys\":[{\"kty\":\"oct\",\"k\":7}]}", "`k` is missing or no string"},
    {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"" K "=\"}]}", "`k` is not base64url"},
    {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"\"}]}", "has 0 bytes"},
    {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", "has 3 bytes, it needs at least 32"},
    {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUlJQklqQU5CZ2txaGtpRzl3MEJBUUVG\"}]}",
     "a public key is no secret"},
    {"{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\"}]}", "`n` is missing"},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" N_1024 "\",\"e\":\"AQAB\"}]}", "bits, it needs 2048"},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" N_1024 "\"}]}", "`e` is missing"},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" N_1024 "\",\"e\":\"AQABAQABAQAB\"}]}", "`e` has more than 8 bytes"},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}]}", "key 1: "},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" N_1024 "!\",\"e\":\"AQAB\"}]}", "`n` is not base64url"},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\"}]}", "`y` is missing"},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" X "\"}]}", "no valid ES256 key"},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"AAAA\"}]}", "no valid ES256 key"},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "AAAA\",\"y\":\"" Y "\"}]}", "`x` has more than 32"},
    {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}", "no valid EdDSA key"},
    {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED "AA\"}]}", "`x` "},
    {"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"" K "\"},{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"" K "\"}]}",
     "key 2: its kid is another key's"},
};

Test(jwks, broken_and_weak_keys_are_refused_by_place_and_member)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char why[256] = "";
        struct keyring *ring = keyring_create();
        cr_expect_neq(jwks_read(slice_of(bad[i].json), ring, WHY_IN(why)), ERR_OK, "%s", bad[i].json);
        cr_expect(strstr(why, bad[i].sentence), "%s: %s", bad[i].json, why);
        cr_expect_not(strstr(why, K), "%s", why);
        cr_expect_eq(ERR_peek_error(), 0, "%s", bad[i].json);
        keyring_destroy(ring);
    }
}

/* An even modulus is 2048 bits long and still no product of two large primes. */
Test(jwks, an_rsa_modulus_that_is_none_is_refused)
{
    char json[1024], why[256] = "", n[343];
    struct keyring *ring = keyring_create();
    memset(n, '_', 342); /* all ones, but the last bits */
    memcpy(n + 341, "w", 2);
    snprintf(json, sizeof json, "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"AQAB\"}]}", 342, n);
    cr_expect_eq(jwks_read(slice_of(json), ring, WHY_IN(why)), ERR_SYNTAX);
    cr_expect(strstr(why, "make no valid RS256 key"), "%s", why);
    keyring_destroy(ring);
}
