/**
 * The keys that tokens are signed with. Each key has exactly one algorithm, given with it and never taken from a token (RFC 8725 section 3.1).
 */
#ifndef COMMON_AUTH_KEYRING_H
#define COMMON_AUTH_KEYRING_H

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/base/why.h"

enum jwt_algorithm { JWT_HS256, JWT_RS256, JWT_ES256, JWT_EDDSA, JWT_ALGORITHM_COUNT };
/** "HS256", "RS256", "ES256", "EdDSA", as in the `alg` header. */
const char *jwt_algorithm_name(enum jwt_algorithm);

struct keyring;

/** An empty ring: refuses every token. Aborts when memory is out. */
struct keyring *keyring_create(void);
/** NULL is fine. */
void keyring_destroy(struct keyring *);

/**
 * Adds what one `--jwt-key` says. The forms:
 *   `HS256:secret-text`, `HS256:@FILE`
 *       a shared secret (the file's bytes, one newline at the end taken off) of at least 32 bytes. The text of a PEM file
 *       is refused: everybody knows a public key (RFC 8725 section 2.1)
 *   `HS256:kid=NAME:…`
 *       the same for tokens whose header names that key; so with all algorithms
 *   `RS256:@FILE.pem`, `ES256:@…`, `EdDSA:@…`
 *       a PEM public key, or a private one without a passphrase (which can sign as well)
 *   `jwks:@FILE.json`
 *       a JWKS (RFC 7517): every key with kty oct, RSA (2048 bits or more), EC P-256 or OKP Ed25519; `alg` must be there
 *       or follow from kty. Keys for other uses, algorithms and curves are passed over (section 5 there: providers list
 *       their encryption keys too). One for us that is broken or weak is an error, and so is a set with none for us.
 *       Private parts (`d`) are ignored.
 * On failure nothing is added and `why` gets a sentence that says what is wrong with which file or key, never the secret:
 * ERR_SYNTAX, ERR_IO, ERR_CONFLICT (kid twice), ERR_NO_MEMORY. A ring holds 64 keys.
 */
enum err keyring_add(struct keyring *, struct slice spec, struct why why) ATTR_MUST_USE;
/** A shared secret from memory; `kid` may be empty. For the dev key. */
enum err keyring_add_secret(struct keyring *, struct slice kid, struct slice secret, struct why why) ATTR_MUST_USE;
/** How many keys it holds. */
size_t keyring_count(const struct keyring *);

#endif
