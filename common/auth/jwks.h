/**
 * Key sets as JSON (RFC 7517, RFC 7518 section 6, RFC 8037 section 2). Private to the room.
 */
#ifndef COMMON_AUTH_JWKS_H
#define COMMON_AUTH_JWKS_H

#include "common/auth/keyring_private.h"

/**
 * Adds the set's keys to the ring. Keys that are there for something else (`use` or `key_ops` without signatures, another algorithm, curve or kind)
 * are passed over, as RFC 7517 section 5 asks: identity providers list their encryption keys too. A key that is for us and broken, weak or ambiguous
 * is an error, and so is a set with no key for us. Private parts (`d`) are ignored. On failure some keys may have been added: hand in a fresh ring.
 * `why` names the key by its place.
 */
enum err jwks_read(struct slice json, struct keyring *, struct why why) ATTR_MUST_USE;

#endif
