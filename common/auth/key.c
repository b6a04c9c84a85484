#include "common/auth/key.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>

enum {
    SHA256_BYTES = 32,
    P256_BYTES = 32,
    /* SEQUENCE of two INTEGERs, each with a leading zero at most */
    P256_DER_MAX = 2 + 2 * (2 + 1 + P256_BYTES),
};

/* What OpenSSL calls the kinds of key, and us. */
static const struct {
    const char *type;
    const char *words;
} kinds[JWT_ALGORITHM_COUNT] = {
    [JWT_HS256] = {NULL, "a shared secret"},
    [JWT_RS256] = {"RSA", "an RSA key"},
    [JWT_ES256] = {"EC", "an EC key on P-256"},
    [JWT_EDDSA] = {"ED25519", "an Ed25519 key"},
};

static enum err out_of_memory(struct why why)
{
    return why_fail(why, ERR_NO_MEMORY, "out of memory");
}

void jwt_key_destroy(struct jwt_key *key)
{
    if (!key)
        return;
    EVP_MAC_CTX_free(key->mac);
    EVP_PKEY_free(key->pkey);
    EVP_MD_free(key->digest);
    free(key);
}

static EVP_MAC_CTX *keyed_hmac(struct slice secret)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac); /* the context holds it */
    if (mac && !EVP_MAC_init(mac, (const unsigned char *)secret.p, secret.n, params)) {
        EVP_MAC_CTX_free(mac);
        mac = NULL;
    }
    return mac;
}

enum err jwt_key_from_secret(struct slice secret, struct jwt_key **ret_key, struct why why)
{
    /* RFC 8725 section 2.1: who makes a public key the secret lets everybody sign */
    if (slice_starts(slice_trim(secret), SLICE("-----BEGIN")))
        return why_fail(why, ERR_SYNTAX,
                        "the HS256 secret is a PEM file; a public key is no secret: give it as RS256, ES256 or EdDSA");
    if (secret.n < KEY_SECRET_MIN)
        return why_fail(why, ERR_SYNTAX, "the HS256 secret has %zu bytes, it needs at least %d", secret.n,
                        KEY_SECRET_MIN);
    struct jwt_key *key = calloc(1, sizeof *key);
    if (!key)
        return out_of_memory(why);
    key->algorithm = JWT_HS256;
    key->can_sign = true;
    key->mac = keyed_hmac(secret);
    if (!key->mac) {
        jwt_key_destroy(key);
        return out_of_memory(why);
    }
    *ret_key = key;
    return ERR_OK;
}

/* ERR_OK if the key is of the kind and strength that the algorithm asks for. */
static enum err check_kind(enum jwt_algorithm algorithm, const EVP_PKEY *pkey, struct why why)
{
    /* RSA-PSS keys have a type of their own and are not RSA here: RS256 is PKCS #1 v1.5 */
    char group[32] = "";
    bool fits = EVP_PKEY_is_a(pkey, kinds[algorithm].type);
    if (fits && algorithm == JWT_ES256)
        fits = EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) && strcmp(group, "prime256v1") == 0;
    if (!fits)
        return why_fail(why, ERR_SYNTAX, "%s needs %s, this one is %s%s%s", jwt_algorithm_name(algorithm),
                        kinds[algorithm].words, EVP_PKEY_get0_type_name(pkey), group[0] ? " on " : "", group);
    int bits = EVP_PKEY_get_bits(pkey);
    if (algorithm == JWT_RS256 && (bits < KEY_RSA_BITS_MIN || bits > KEY_RSA_BITS_MAX))
        return why_fail(why, ERR_SYNTAX, "the RSA key has %d bits, it needs %d to %d", bits, KEY_RSA_BITS_MIN,
                        KEY_RSA_BITS_MAX);
    return ERR_OK;
}

/* Whether the numbers make a key at all: a modulus that is no prime, a point that is on the curve. */
static bool is_sound(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool sound = ctx && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return sound;
}

enum err jwt_key_take_pkey(enum jwt_algorithm algorithm, EVP_PKEY *pkey, struct jwt_key **ret_key, struct why why)
{
    assert(algorithm != JWT_HS256);
    struct jwt_key *key = NULL;
    enum err e = check_kind(algorithm, pkey, why);
    if (e != ERR_OK)
        goto fail;
    if (!is_sound(pkey)) {
        e = why_fail(why, ERR_SYNTAX, "the key's numbers make no valid %s key", jwt_algorithm_name(algorithm));
        goto fail;
    }
    key = calloc(1, sizeof *key);
    if (!key) {
        e = out_of_memory(why);
        goto fail;
    }
    key->algorithm = algorithm;
    key->pkey = pkey;
    if (algorithm != JWT_EDDSA) { /* Ed25519 hashes by itself */
        key->digest = EVP_MD_fetch(NULL, "SHA256", NULL);
        if (!key->digest) {
            jwt_key_destroy(key);
            return out_of_memory(why);
        }
    }
    *ret_key = key;
    return ERR_OK;
fail:
    EVP_PKEY_free(pkey);
    return e;
}

/* Instead of OpenSSL's own, which would ask on the terminal. */
static int no_passphrase(char *p, int n, int rwflag, void *user)
{
    (void)p;
    (void)n;
    (void)rwflag;
    (void)user;
    return -1;
}

typedef EVP_PKEY *pem_read_fn(BIO *, EVP_PKEY **, pem_password_cb *, void *);

static EVP_PKEY *read_pem(struct slice pem, pem_read_fn *read)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *pkey = bio ? read(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    return pkey;
}

enum err jwt_key_from_pem(enum jwt_algorithm algorithm, struct slice pem, struct jwt_key **ret_key, struct why why)
{
    ERR_set_mark();
    EVP_PKEY *pkey = read_pem(pem, PEM_read_bio_PrivateKey);
    bool is_private = pkey != NULL;
    if (!pkey)
        pkey = read_pem(pem, PEM_read_bio_PUBKEY);
    enum err e;
    if (pkey)
        e = jwt_key_take_pkey(algorithm, pkey, ret_key, why);
    else if (slice_starts(slice_trim(pem), SLICE("-----BEGIN CERTIFICATE")))
        e = why_fail(why, ERR_SYNTAX, "a certificate; take its key: openssl x509 -pubkey -noout");
    else
        e = why_fail(why, ERR_SYNTAX, "no PEM public key, nor a private one without a passphrase");
    if (e == ERR_OK)
        (*ret_key)->can_sign = is_private;
    ERR_pop_to_mark();
    return e;
}

static bool hmac_make(const struct jwt_key *key, struct slice input, unsigned char *ret_mac)
{
    size_t n = 0;
    /* without a key: from the keyed state again */
    return EVP_MAC_init(key->mac, NULL, 0, NULL) && EVP_MAC_update(key->mac, (const unsigned char *)input.p, input.n) &&
           EVP_MAC_final(key->mac, ret_mac, &n, SHA256_BYTES) && n == SHA256_BYTES;
}

/* r and s, 32 bytes each, as the DER that EVP reads. 0: they are not 64 bytes. */
static size_t ecdsa_der_from_raw(struct slice raw, unsigned char ret_der[P256_DER_MAX])
{
    if (raw.n != 2 * P256_BYTES)
        return 0;
    int n = 0;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn((const unsigned char *)raw.p, P256_BYTES, NULL);
    BIGNUM *s = BN_bin2bn((const unsigned char *)raw.p + P256_BYTES, P256_BYTES, NULL);
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
        r = s = NULL; /* the pair owns them now */
        n = i2d_ECDSA_SIG(sig, &ret_der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return n > 0 ? (size_t)n : 0;
}

static bool ecdsa_raw_from_der(struct slice der, unsigned char ret_raw[2 * P256_BYTES])
{
    const unsigned char *p = (const unsigned char *)der.p;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
    bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret_raw, P256_BYTES) == P256_BYTES &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret_raw + P256_BYTES, P256_BYTES) == P256_BYTES;
    ECDSA_SIG_free(sig);
    return ok;
}

static bool pkey_verifies(const struct jwt_key *key, struct slice input, struct slice signature)
{
    unsigned char der[P256_DER_MAX];
    if (key->algorithm == JWT_ES256) {
        signature = slice_make(der, ecdsa_der_from_raw(signature, der));
        if (signature.n == 0)
            return false;
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, key->digest, NULL, key->pkey) == 1 &&
                EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n, (const unsigned char *)input.p,
                                 input.n) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

bool jwt_key_verifies(const struct jwt_key *key, struct slice input, struct slice signature)
{
    bool good;
    /* what fails here must not stand in the thread's error queue when somebody asks SSL_get_error() */
    ERR_set_mark();
    if (key->algorithm == JWT_HS256) {
        unsigned char mac[SHA256_BYTES];
        good = signature.n == SHA256_BYTES && hmac_make(key, input, mac) &&
               CRYPTO_memcmp(mac, signature.p, SHA256_BYTES) == 0;
    } else {
        good = pkey_verifies(key, input, signature);
    }
    ERR_pop_to_mark();
    return good;
}

/* The length of the signature in JWS's form, 0 on failure. */
static size_t pkey_sign(const struct jwt_key *key, struct slice input, unsigned char ret_signature[KEY_SIGNATURE_MAX])
{
    size_t n = KEY_SIGNATURE_MAX;
    unsigned char made[KEY_SIGNATURE_MAX];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, key->digest, NULL, key->pkey) == 1 &&
              EVP_DigestSign(ctx, made, &n, (const unsigned char *)input.p, input.n) == 1;
    EVP_MD_CTX_free(ctx);
    if (!ok)
        return 0;
    if (key->algorithm == JWT_ES256)
        return ecdsa_raw_from_der(slice_make(made, n), ret_signature) ? 2 * P256_BYTES : 0;
    memcpy(ret_signature, made, n);
    return n;
}

enum err jwt_key_sign(const struct jwt_key *key, struct slice input, struct buf *out)
{
    if (!key->can_sign)
        return ERR_UNSUPPORTED;
    unsigned char signature[KEY_SIGNATURE_MAX];
    size_t n;
    ERR_set_mark();
    if (key->algorithm == JWT_HS256)
        n = hmac_make(key, input, signature) ? SHA256_BYTES : 0;
    else
        n = pkey_sign(key, input, signature);
    ERR_pop_to_mark();
    if (n == 0)
        return ERR_NO_MEMORY; /* a sound key signs: what else can be missing */
    buf_put_mem(out, signature, n);
    return out->error;
}
