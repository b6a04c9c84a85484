/**
 * What the tests of this room share: files with given contents, rings with given keys, tokens with any header and payload.
 */
#ifndef TESTS_UNIT_COMMON_AUTH_FIXTURE_H
#define TESTS_UNIT_COMMON_AUTH_FIXTURE_H

#include "common/auth/jwt.h"
#include "common/auth/keyring_private.h"

/** A file in the temporary folder, unlinked with file_drop(). */
struct temp_file {
    char path[64];
};
struct temp_file file_with(const char *text);
void file_drop(const struct temp_file *);

/** A ring with the key that `spec` (up to a `@`) and a file with `pem` say. Fails the test when it is refused. */
struct keyring *ring_with_file(const char *spec, const char *text);
/** A ring with the HS256 secret TEST_SECRET under `kid` (may be ""). */
struct keyring *ring_with_secret(const char *kid);
/** A ring with the keys of a JWKS: `keys` is what stands between the brackets. */
struct keyring *ring_with_jwks(const char *keys);

/** Header and payload encoded and signed with the ring's first key, whatever they say. The caller finishes `out`. */
void forge(const struct keyring *, const char *header, const char *payload, struct buf *out);

/** keyring_add() of `spec`, with a `@` at its end completed by a file with `text`. */
enum err add_file(struct keyring *, const char *spec, const char *text, struct why why);

#endif
