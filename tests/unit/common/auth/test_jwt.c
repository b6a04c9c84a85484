#include "common/auth/jwt.h"

#include <criterion/criterion.h>

#include "tests/unit/common/auth/fixture.h"
#include "tests/unit/common/auth/keys.h"

enum { NOW = 1000000 };

static const struct {
    const char *private_spec, *private_text, *public_spec, *public_text;
} pairs[] = {
    {"HS256:@", TEST_SECRET, "HS256:@", TEST_SECRET "\n"},
    {"RS256:@", TEST_RSA_PRIVATE, "RS256:@", TEST_RSA_PUBLIC},
    {"ES256:@", TEST_P256_PRIVATE, "ES256:@", TEST_P256_PUBLIC},
    {"EdDSA:@", TEST_ED25519_PRIVATE, "EdDSA:@", TEST_ED25519_PUBLIC},
    {"HS256:kid=k:@", TEST_SECRET, "HS256:kid=k:@", TEST_SECRET},
    {"ES256:kid=k:@", TEST_P256_PRIVATE, "ES256:kid=k:@", TEST_P256_PUBLIC},
};

static struct jwt_mint full_mint(const struct slice *call, size_t n)
{
    return (struct jwt_mint){
        .user = SLICE("alice"),
        .device = SLICE("phone"),
        .name = SLICE("Alice \"\xc3\x84\""),
        .issuer = SLICE("id"),
        .audience = SLICE("calls"),
        .issued_s = NOW,
        .expires_s = NOW + 60,
        .call = call,
        .call_count = n,
        .has_call = true,
    };
}

Test(jwt, what_is_signed_verifies_with_the_public_half)
{
    const struct slice call[] = {SLICE("bob"), SLICE("team-*")};
    struct jwt_mint mint = full_mint(call, ARRAY_SIZE(call));
    struct jwt_expect expect = {"id", "calls"};
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        char why[200] = "";
        struct buf token;
        struct claims c = {0};
        struct keyring *signer = ring_with_file(pairs[i].private_spec, pairs[i].private_text);
        struct keyring *verifier = ring_with_file(pairs[i].public_spec, pairs[i].public_text);
        buf_init(&token, JWT_SIZE_MAX);
        cr_assert_eq(jwt_sign(signer, &mint, &token), ERR_OK);
        cr_expect_eq(jwt_verify(verifier, &expect, buf_slice(&token), NOW, &c, WHY_IN(why)), ERR_OK, "%zu: %s", i, why);
        cr_expect_str_eq(c.user, "alice");
        cr_expect_str_eq(c.device, "phone");
        cr_expect_str_eq(c.name, "Alice \"\xc3\x84\"");
        cr_expect_eq(c.expires_s, NOW + 60);
        cr_expect_eq(c.call_count, 2);
        claims_finish(&c);
        /* again, with the same objects: they keep no state from one use to the next */
        cr_expect_eq(jwt_verify(verifier, &expect, buf_slice(&token), NOW, &c, WHY_NONE), ERR_OK);
        claims_finish(&c);
        buf_finish(&token);
        keyring_destroy(verifier);
        keyring_destroy(signer);
    }
}

Test(jwt, another_key_of_the_same_kind_refuses)
{
    struct jwt_mint mint = full_mint(NULL, 0);
    static const struct {
        const char *spec, *text, *jwks;
    } cases[] = {
        {"HS256:@", TEST_SECRET, RFC_OCT_JWK},
        {"RS256:@", TEST_RSA_PRIVATE, RFC_RSA_JWK},
        {"ES256:@", TEST_P256_PRIVATE, RFC_EC_JWK},
        {"EdDSA:@", TEST_ED25519_PRIVATE, RFC_OKP_JWK},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char why[200] = "";
        struct buf token;
        struct claims c;
        struct keyring *signer = ring_with_file(cases[i].spec, cases[i].text);
        struct keyring *verifier = ring_with_jwks(cases[i].jwks);
        buf_init(&token, JWT_SIZE_MAX);
        cr_assert_eq(jwt_sign(signer, &mint, &token), ERR_OK);
        cr_expect_eq(jwt_verify(verifier, NULL, buf_slice(&token), NOW, &c, WHY_IN(why)), ERR_UNAUTHORIZED);
        cr_expect(strstr(why, "signature is not the one"), "%s", why);
        buf_finish(&token);
        keyring_destroy(verifier);
        keyring_destroy(signer);
    }
}

Test(jwt, signing_appends_and_leaves_claims_out_that_are_not_given)
{
    struct buf out;
    struct claims c;
    struct keyring *ring = ring_with_secret("");
    struct jwt_mint mint = {.user = SLICE("bob"), .expires_s = NOW};
    buf_init(&out, JWT_SIZE_MAX);
    buf_put_cstr(&out, "token=");
    cr_assert_eq(jwt_sign(ring, &mint, &out), ERR_OK);
    cr_assert(slice_starts(buf_slice(&out), SLICE("token=")));
    cr_assert_eq(jwt_verify(ring, NULL, slice_make(out.p + 6, out.n - 6), NOW, &c, WHY_NONE), ERR_OK);
    cr_expect_not(c.has_call);
    cr_expect_str_eq(c.device, "");
    claims_finish(&c);
    buf_finish(&out);
    keyring_destroy(ring);
}

Test(jwt, public_keys_alone_sign_nothing)
{
    struct buf out;
    struct jwt_mint mint = {.user = SLICE("bob"), .expires_s = NOW};
    struct keyring *ring = ring_with_file("RS256:@", TEST_RSA_PUBLIC);
    buf_init(&out, JWT_SIZE_MAX);
    cr_expect_eq(jwt_sign(ring, &mint, &out), ERR_UNSUPPORTED);
    cr_expect_eq(out.n, 0);
    cr_assert_eq(keyring_add_secret(ring, SLICE("k"), SLICE(TEST_SECRET), WHY_NONE), ERR_OK);
    cr_expect_eq(jwt_sign(ring, &mint, &out), ERR_OK);
    buf_finish(&out);
    keyring_destroy(ring);
}

Test(jwt, signing_into_too_little_room_appends_nothing)
{
    struct jwt_mint mint = {.user = SLICE("bob"), .expires_s = NOW};
    struct keyring *ring = ring_with_secret("");
    struct buf out;
    buf_init(&out, 100);
    cr_expect_eq(jwt_sign(ring, &mint, &out), ERR_TOO_LARGE);
    cr_expect_eq(out.n, 0);
    buf_finish(&out);
    keyring_destroy(ring);
}

Test(jwt, a_good_signature_does_not_save_bad_claims)
{
    static const struct {
        const char *payload, *sentence;
    } cases[] = {
        {"{\"sub\":\"a\",\"exp\":999960}", "expired 40 s ago"},
        {"{\"sub\":\"a\",\"exp\":1000060,\"nbf\":1000040}", "not valid for another 40 s"},
        {"{\"sub\":\"a\"}", "no `exp`"},
        {"{\"sub\":\"a\",\"exp\":1000060,\"exp\":1000060}", "a member twice"},
        {"Example", "no JSON object"},
    };
    struct keyring *ring = ring_with_secret("");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char why[200] = "";
        struct buf token;
        struct claims c;
        forge(ring, "{\"alg\":\"HS256\"}", cases[i].payload, &token);
        cr_expect_eq(jwt_verify(ring, NULL, buf_slice(&token), NOW, &c, WHY_IN(why)), ERR_UNAUTHORIZED);
        cr_expect(strstr(why, cases[i].sentence), "%s", why);
        buf_finish(&token);
    }
    keyring_destroy(ring);
}

Test(jwt, a_short_room_for_the_sentence_is_no_harm)
{
    char why[8];
    struct claims c;
    struct keyring *ring = ring_with_secret("");
    cr_expect_eq(jwt_verify(ring, NULL, SLICE("x"), NOW, &c, WHY_IN(why)), ERR_UNAUTHORIZED);
    cr_expect_str_eq(why, "the tok");
    cr_expect_eq(jwt_verify(ring, NULL, SLICE("x"), NOW, &c, WHY_NONE), ERR_UNAUTHORIZED);
    keyring_destroy(ring);
}
