/**
 * Signed texts in compact form (RFC 7515 section 7.1): the half of a token that knows nothing of claims. Private to the room.
 */
#ifndef COMMON_AUTH_JWS_H
#define COMMON_AUTH_JWS_H

#include "common/auth/keyring_private.h"

/**
 * Checks header and signature and appends the payload to `out`, which must be able to hold JWT_SIZE_MAX bytes.
 * ERR_UNAUTHORIZED with a sentence that never repeats what stood in the token; `out` is as it was then.
 */
enum err jws_open(const struct keyring *, struct slice token, struct buf *out, struct why why) ATTR_MUST_USE;

/** Appends the compact form of `payload`, signed with `key`. Nothing is appended on failure. */
enum err jws_sign(const struct jwt_key *key, struct slice payload, struct buf *out) ATTR_MUST_USE;

#endif
