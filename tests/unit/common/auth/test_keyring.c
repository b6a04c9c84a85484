#include "common/auth/keyring.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/common/auth/fixture.h"
#include "tests/unit/common/auth/keys.h"

Test(keyring, algorithms_have_the_names_of_the_alg_header)
{
    cr_expect_str_eq(jwt_algorithm_name(JWT_HS256), "HS256");
    cr_expect_str_eq(jwt_algorithm_name(JWT_RS256), "RS256");
    cr_expect_str_eq(jwt_algorithm_name(JWT_ES256), "ES256");
    cr_expect_str_eq(jwt_algorithm_name(JWT_EDDSA), "EdDSA");
}

static const struct {
    const char *spec, *sentence; /* NULL: good */
} specs[] = {
    {"HS256:" TEST_SECRET, NULL},
    {"HS256:kid=k1:" TEST_SECRET, NULL},
    {"HS256:kid=k1:0123456789012345678901234567890:", NULL}, /* a colon in the secret */
    {"", "a key is HS256:SECRET"},
    {"HS256", "a key is HS256:SECRET"},
    {"hs256:" TEST_SECRET, "a key is HS256:SECRET"},
    {"none:" TEST_SECRET, "a key is HS256:SECRET"},
    {TEST_SECRET ":x", "a key is HS256:SECRET"},
    {"jwks", "a key is HS256:SECRET"},
    {"jwks:file.json", "a key is HS256:SECRET"},
    {"HS256:", "has 0 bytes, it needs at least 32"},
    {"HS256:0123456789012345678901234567890", "has 31 bytes, it needs at least 32"},
    {"HS256:kid=" TEST_SECRET, "after kid= come"},
    {"HS256:kid=:" TEST_SECRET, "after kid= come"},
    {"HS256:" TEST_RSA_PUBLIC, "a public key is no secret"},
    {"HS256: \n" TEST_ED25519_PUBLIC, "a public key is no secret"},
    {"RS256:" TEST_RSA_PUBLIC, "RS256:@FILE"},
    {"RS256:", "RS256:@FILE"},
    {"ES256:kid=k1:", "ES256:@FILE"},
    {"HS256:@/nonexistent/secret", "/nonexistent/secret: No such file"},
    {"RS256:@/nonexistent/key", "/nonexistent/key: No such file"},
    {"EdDSA:@/", "/: Is a directory"},
    {"jwks:@/nonexistent/jwks", "/nonexistent/jwks: No such file"},
};

Test(keyring, a_spec_is_taken_or_refused_with_a_sentence)
{
    for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
        char why[256] = "";
        struct keyring *ring = keyring_create();
        enum err e = keyring_add(ring, slice_of(specs[i].spec), WHY_IN(why));
        cr_expect_eq(e == ERR_OK, specs[i].sentence == NULL, "%s: %s", specs[i].spec, why);
        cr_expect_eq(keyring_count(ring), specs[i].sentence ? 0 : 1);
        if (specs[i].sentence)
            cr_expect(strstr(why, specs[i].sentence), "%s: %s", specs[i].spec, why);
        cr_expect_not(strstr(why, "tests, 32"), "the secret in: %s", why);
        keyring_destroy(ring);
    }
}

Test(keyring, a_missing_file_is_io_and_a_bad_spec_is_syntax)
{
    struct keyring *ring = keyring_create();
    cr_expect_eq(keyring_add(ring, SLICE("RS256:@/nonexistent"), WHY_NONE), ERR_IO);
    cr_expect_eq(keyring_add(ring, SLICE("RS256"), WHY_NONE), ERR_SYNTAX);
    keyring_destroy(ring);
}

static const struct {
    const char *spec, *text, *sentence;
} files[] = {
    {"HS256:@", TEST_SECRET, NULL},
    {"HS256:kid=k1:@", TEST_SECRET, NULL},
    {"HS256:@", "0123456789012345678901234567890\n", "has 31 bytes"},
    {"HS256:@", TEST_RSA_PUBLIC, "a public key is no secret"},
    {"HS256:@", TEST_CERTIFICATE, "a public key is no secret"},
    {"RS256:@", TEST_RSA_PUBLIC, NULL},
    {"RS256:@", TEST_RSA_PRIVATE, NULL},
    {"ES256:@", TEST_P256_PUBLIC, NULL},
    {"ES256:@", TEST_P256_PRIVATE, NULL},
    {"EdDSA:@", TEST_ED25519_PUBLIC, NULL},
    {"EdDSA:@", TEST_ED25519_PRIVATE, NULL},
    {"EdDSA:kid=a/b:@", TEST_ED25519_PRIVATE, NULL},
    {"RS256:@", TEST_RSA1024_PUBLIC, "has 1024 bits, it needs 2048"},
    {"RS256:@", TEST_P256_PUBLIC, "RS256 needs an RSA key, this one is EC"},
    {"RS256:@", TEST_RSA_PSS_PUBLIC, "RS256 needs an RSA key, this one is RSA-PSS"},
    {"ES256:@", TEST_P384_PUBLIC, "ES256 needs an EC key on P-256, this one is EC on secp384r1"},
    {"ES256:@", TEST_RSA_PUBLIC, "ES256 needs an EC key on P-256, this one is RSA"},
    {"EdDSA:@", TEST_ED448_PUBLIC, "EdDSA needs an Ed25519 key, this one is ED448"},
    {"ES256:@", TEST_CERTIFICATE, "a certificate; take its key"},
    {"ES256:@", TEST_ENCRYPTED, "without a passphrase"},
    {"ES256:@", "", "no PEM public key"},
    {"ES256:@", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no PEM public key"},
    {"jwks:@", "", "no JSON object"},
    {"jwks:@", "{\"keys\":[" RFC_EC_JWK "]}", NULL},
};

Test(keyring, a_file_is_taken_or_refused_with_its_name)
{
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        char why[256] = "";
        struct keyring *ring = keyring_create();
        enum err e = add_file(ring, files[i].spec, files[i].text, WHY_IN(why));
        cr_expect_eq(e, files[i].sentence ? ERR_SYNTAX : ERR_OK, "%zu: %s", i, why);
        cr_expect_eq(keyring_count(ring), files[i].sentence ? 0 : 1);
        if (files[i].sentence) {
            cr_expect(strstr(why, files[i].sentence), "%zu: %s", i, why);
            cr_expect(strstr(why, "/tmp/switchboard-test-"), "%zu: %s", i, why);
        }
        keyring_destroy(ring);
    }
}

Test(keyring, a_file_above_its_limit_is_refused)
{
    char text[5000], why[256] = "";
    struct keyring *ring = keyring_create();
    memset(text, 'x', sizeof text);
    text[4097] = '\0';
    cr_expect_eq(add_file(ring, "HS256:@", text, WHY_IN(why)), ERR_SYNTAX);
    cr_expect(strstr(why, "larger than 4096 bytes"), "%s", why);
    text[4096] = '\0';
    cr_expect_eq(add_file(ring, "HS256:@", text, WHY_IN(why)), ERR_OK, "%s", why);
    keyring_destroy(ring);
}

Test(keyring, one_newline_at_a_secrets_end_is_no_part_of_it)
{
    static const struct {
        const char *text;
        bool same;
    } cases[] = {
        {TEST_SECRET, true},      {TEST_SECRET "\n", true},  {TEST_SECRET "\n\n", false},
        {TEST_SECRET " ", false}, {"\n" TEST_SECRET, false},
    };
    struct keyring *plain = ring_with_secret("");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf signature;
        struct keyring *ring = ring_with_file("HS256:@", cases[i].text);
        buf_init(&signature, 64);
        cr_assert_eq(jwt_key_sign(plain->keys[0], SLICE("x"), &signature), ERR_OK);
        cr_expect_eq(jwt_key_verifies(ring->keys[0], SLICE("x"), buf_slice(&signature)), cases[i].same, "%zu", i);
        buf_finish(&signature);
        keyring_destroy(ring);
    }
    keyring_destroy(plain);
}

Test(keyring, a_kid_stands_once)
{
    char why[256] = "";
    struct keyring *ring = ring_with_secret("k1");
    cr_expect_eq(keyring_add(ring, SLICE("HS256:kid=k1:" TEST_SECRET), WHY_IN(why)), ERR_CONFLICT);
    cr_expect_eq(add_file(ring, "RS256:kid=k1:@", TEST_RSA_PUBLIC, WHY_IN(why)), ERR_CONFLICT);
    cr_expect(strstr(why, "another key's already"), "%s", why);
    cr_expect_eq(keyring_count(ring), 1);
    cr_expect_eq(keyring_add(ring, SLICE("HS256:" TEST_SECRET), WHY_IN(why)), ERR_OK);
    cr_expect_eq(keyring_add(ring, SLICE("HS256:" TEST_SECRET), WHY_IN(why)), ERR_OK);
    cr_expect_eq(keyring_count(ring), 3);
    keyring_destroy(ring);
}

Test(keyring, a_set_with_a_conflict_adds_nothing)
{
    char why[256] = "";
    struct keyring *ring = ring_with_secret("k2");
    enum err e = add_file(ring, "jwks:@",
                          "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k1\",\"x\":"
                          "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},"
                          "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k2\",\"x\":"
                          "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
                          WHY_IN(why));
    cr_expect_eq(e, ERR_CONFLICT, "%s", why);
    cr_expect_eq(keyring_count(ring), 1);
    keyring_destroy(ring);
}

Test(keyring, a_kid_is_bounded)
{
    char kid[200], why[256] = "";
    struct keyring *ring = keyring_create();
    memset(kid, 'k', sizeof kid);
    cr_expect_eq(keyring_add_secret(ring, slice_make(kid, 129), SLICE(TEST_SECRET), WHY_IN(why)), ERR_SYNTAX);
    cr_expect_eq(keyring_add_secret(ring, slice_make("a\0b", 3), SLICE(TEST_SECRET), WHY_IN(why)), ERR_SYNTAX);
    cr_expect(strstr(why, "a kid has 1 to 128 bytes"), "%s", why);
    cr_expect_eq(keyring_add_secret(ring, slice_make(kid, 128), SLICE(TEST_SECRET), WHY_IN(why)), ERR_OK);
    cr_expect_eq(keyring_count(ring), 1);
    keyring_destroy(ring);
}

Test(keyring, a_ring_holds_64_keys)
{
    char why[256] = "";
    struct keyring *ring = keyring_create();
    for (int i = 0; i < 64; i++)
        cr_assert_eq(keyring_add(ring, SLICE("HS256:" TEST_SECRET), WHY_NONE), ERR_OK);
    cr_expect_eq(keyring_add(ring, SLICE("HS256:" TEST_SECRET), WHY_IN(why)), ERR_SYNTAX);
    cr_expect(strstr(why, "more than 64 keys"), "%s", why);
    cr_expect_eq(keyring_count(ring), 64);
    keyring_destroy(ring);
}

Test(keyring, nothing_can_be_destroyed)
{
    keyring_destroy(NULL);
}
