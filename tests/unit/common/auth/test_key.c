#include "common/auth/key.h"

#include <criterion/criterion.h>

#include <openssl/err.h>

#include "tests/unit/common/auth/keys.h"

static struct jwt_key *private_key(enum jwt_algorithm algorithm)
{
    static const char *const pems[JWT_ALGORITHM_COUNT] = {
        [JWT_RS256] = TEST_RSA_PRIVATE,
        [JWT_ES256] = TEST_P256_PRIVATE,
        [JWT_EDDSA] = TEST_ED25519_PRIVATE,
    };
    struct jwt_key *key;
    if (algorithm == JWT_HS256)
        cr_assert_eq(jwt_key_from_secret(SLICE(TEST_SECRET), &key, WHY_NONE), ERR_OK);
    else
        cr_assert_eq(jwt_key_from_pem(algorithm, slice_of(pems[algorithm]), &key, WHY_NONE), ERR_OK);
    return key;
}

Test(key, signatures_have_the_length_of_rfc_7518)
{
    static const size_t lengths[JWT_ALGORITHM_COUNT] = {32, 256, 64, 64};
    for (size_t i = 0; i < JWT_ALGORITHM_COUNT; i++) {
        struct buf signature;
        struct jwt_key *key = private_key((enum jwt_algorithm)i);
        buf_init(&signature, KEY_SIGNATURE_MAX);
        cr_assert_eq(jwt_key_sign(key, SLICE("text"), &signature), ERR_OK);
        cr_expect_eq(signature.n, lengths[i], "%zu: %zu", i, signature.n);
        cr_expect(jwt_key_verifies(key, SLICE("text"), buf_slice(&signature)));
        cr_expect_not(jwt_key_verifies(key, SLICE("test"), buf_slice(&signature)));
        cr_expect_not(jwt_key_verifies(key, SLICE(""), buf_slice(&signature)));
        buf_finish(&signature);
        jwt_key_destroy(key);
    }
}

Test(key, a_signature_of_another_length_is_refused)
{
    for (size_t i = 0; i < JWT_ALGORITHM_COUNT; i++) {
        struct buf signature;
        struct jwt_key *key = private_key((enum jwt_algorithm)i);
        buf_init(&signature, KEY_SIGNATURE_MAX + 1);
        cr_assert_eq(jwt_key_sign(key, SLICE("text"), &signature), ERR_OK);
        struct slice whole = buf_slice(&signature);
        for (size_t n = 0; n < whole.n; n++)
            cr_expect_not(jwt_key_verifies(key, SLICE("text"), slice_make(whole.p, n)), "%zu: %zu", i, n);
        buf_put_char(&signature, '\0');
        cr_expect_not(jwt_key_verifies(key, SLICE("text"), buf_slice(&signature)), "%zu", i);
        buf_finish(&signature);
        jwt_key_destroy(key);
    }
}

/* CVE-2022-21449: r = s = 0 is no signature; nor are numbers as large as the curve's order. */
Test(key, extreme_ecdsa_numbers_are_refused)
{
    struct jwt_key *key = private_key(JWT_ES256);
    char raw[64];
    static const unsigned char fills[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (size_t r = 0; r < ARRAY_SIZE(fills); r++)
        for (size_t s = 0; s < ARRAY_SIZE(fills); s++) {
            memset(raw, fills[r], 32);
            memset(raw + 32, fills[s], 32);
            cr_expect_not(jwt_key_verifies(key, SLICE("text"), slice_make(raw, sizeof raw)));
        }
    jwt_key_destroy(key);
}

/* JWS has r and s, not DER (RFC 7518 section 3.4). */
Test(key, an_ecdsa_signature_in_der_is_refused)
{
    struct buf raw, der;
    struct jwt_key *key = private_key(JWT_ES256);
    buf_init(&raw, 64);
    buf_init(&der, 80);
    do { /* until no number needs a zero before it or could be shorter */
        buf_clear(&raw);
        cr_assert_eq(jwt_key_sign(key, SLICE("text"), &raw), ERR_OK);
    } while ((raw.p[0] & 0x80) || (raw.p[32] & 0x80) || raw.p[0] == 0 || raw.p[32] == 0);
    buf_put_mem(&der, "\x30\x44\x02\x20", 4);
    buf_put_mem(&der, raw.p, 32);
    buf_put_mem(&der, "\x02\x20", 2);
    buf_put_mem(&der, raw.p + 32, 32);
    cr_expect(jwt_key_verifies(key, SLICE("text"), buf_slice(&raw)));
    cr_expect_not(jwt_key_verifies(key, SLICE("text"), buf_slice(&der)));
    buf_finish(&der);
    buf_finish(&raw);
    jwt_key_destroy(key);
}

/* One in 256 numbers begins with a zero byte, which DER leaves out. */
Test(key, short_ecdsa_numbers_are_padded)
{
    struct buf raw;
    struct jwt_key *key = private_key(JWT_ES256);
    bool seen_r = false, seen_s = false;
    buf_init(&raw, 64);
    for (int i = 0; i < 20000 && !(seen_r && seen_s); i++) {
        buf_clear(&raw);
        cr_assert_eq(jwt_key_sign(key, SLICE("text"), &raw), ERR_OK);
        cr_assert_eq(raw.n, 64);
        if (raw.p[0] == 0 || raw.p[32] == 0)
            cr_expect(jwt_key_verifies(key, SLICE("text"), buf_slice(&raw)));
        seen_r = seen_r || raw.p[0] == 0;
        seen_s = seen_s || raw.p[32] == 0;
    }
    cr_expect(seen_r && seen_s);
    buf_finish(&raw);
    jwt_key_destroy(key);
}

Test(key, a_public_key_cannot_sign)
{
    struct buf out;
    struct jwt_key *key;
    cr_assert_eq(jwt_key_from_pem(JWT_ES256, SLICE(TEST_P256_PUBLIC), &key, WHY_NONE), ERR_OK);
    buf_init(&out, 100);
    cr_expect_eq(jwt_key_sign(key, SLICE("text"), &out), ERR_UNSUPPORTED);
    cr_expect_eq(out.n, 0);
    jwt_key_destroy(key);
}

/* TLS in the same thread reads OpenSSL's error queue. */
Test(key, failures_leave_nothing_in_the_error_queue)
{
    struct jwt_key *key = private_key(JWT_RS256);
    char junk[256] = {1};
    cr_expect_not(jwt_key_verifies(key, SLICE("text"), slice_make(junk, sizeof junk)));
    cr_expect_eq(ERR_peek_error(), 0);
    struct jwt_key *none;
    cr_expect_neq(jwt_key_from_pem(JWT_RS256, SLICE("junk"), &none, WHY_NONE), ERR_OK);
    cr_expect_eq(ERR_peek_error(), 0);
    cr_expect_neq(jwt_key_from_pem(JWT_RS256, SLICE(TEST_ENCRYPTED), &none, WHY_NONE), ERR_OK);
    cr_expect_eq(ERR_peek_error(), 0);
    jwt_key_destroy(key);
    jwt_key_destroy(NULL);
}
