/**
 * One key that tokens are signed with, and the four algorithms (RFC 7518 section 3, RFC 8037). Private to the room.
 *
 * A key keeps the OpenSSL objects it works with, made ready once, so that checking an HMAC costs a hash and no set-up. They are scratch memory: a key
 * may be const and is still not for two threads at once.
 */
#ifndef COMMON_AUTH_KEY_H
#define COMMON_AUTH_KEY_H

#include <stdbool.h>

#include <openssl/types.h>

#include "common/auth/keyring.h"
#include "common/base/buf.h"
#include "common/base/why.h"

enum {
    KEY_SECRET_MIN = 32, /* RFC 7518 section 3.2: no shorter than the hash */
    KEY_RSA_BITS_MIN = 2048,
    KEY_RSA_BITS_MAX = 8192, /* what checking one signature may cost */
    KEY_KID_MAX = 128,
    KEY_SIGNATURE_MAX = KEY_RSA_BITS_MAX / 8,
};

struct jwt_key {
    enum jwt_algorithm algorithm;
    char kid[KEY_KID_MAX + 1]; /* "" when it has none */
    EVP_MAC_CTX *mac;          /* HS256: keyed; each use starts from there */
    EVP_PKEY *pkey;            /* the others */
    EVP_MD *digest;            /* the others, but EdDSA */
    bool can_sign;
};

/** NULL is fine. */
void jwt_key_destroy(struct jwt_key *);

/** ERR_SYNTAX when the secret is too short, or is no secret: the text of a PEM file. */
enum err jwt_key_from_secret(struct slice secret, struct jwt_key **ret_key, struct why why) ATTR_MUST_USE;
/** A PEM public key (SubjectPublicKeyInfo) or an unencrypted private one, of the kind that the algorithm needs. */
enum err jwt_key_from_pem(enum jwt_algorithm, struct slice pem, struct jwt_key **ret_key, struct why why) ATTR_MUST_USE;
/** Takes `pkey`, also on failure. Checks that it is of the algorithm's kind, sound and strong enough. */
enum err jwt_key_take_pkey(enum jwt_algorithm, EVP_PKEY *pkey, struct jwt_key **ret_key, struct why why) ATTR_MUST_USE;

/** Whether `signature`, as in a JWS (RFC 7518: ES256 is r and s, 32 bytes each), is this key's for `input`. */
bool jwt_key_verifies(const struct jwt_key *, struct slice input, struct slice signature);
/** Appends the signature's bytes. ERR_UNSUPPORTED if the key can only check. */
enum err jwt_key_sign(const struct jwt_key *, struct slice input, struct buf *out) ATTR_MUST_USE;

#endif
