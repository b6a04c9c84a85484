/**
 * What a token says, once its signature is known to be good (RFC 7519 section 4). Private to the room.
 */
#ifndef COMMON_AUTH_CLAIMS_H
#define COMMON_AUTH_CLAIMS_H

#include "common/auth/jwt.h"
#include "common/base/why.h"

/** Reads and checks the payload. As jwt_verify() otherwise. */
enum err claims_read(struct slice payload, const struct jwt_expect *, uint64_t now_s, struct claims *ret_claims,
                     struct why why) ATTR_MUST_USE;

#endif
