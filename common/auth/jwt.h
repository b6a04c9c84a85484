/**
 * JSON Web Tokens as docs/protocol.md takes them: JWS compact (RFC 7515), claims of RFC 7519, hardened by RFC 8725.
 *
 * The key is chosen by `kid` (or, without one, among the keys of the token's algorithm that have no kid); the key's own algorithm decides how the
 * signature is checked and must be the header's `alg`. `none`, `crit`, a missing `exp`, duplicate members and tokens above 8 KiB are refused.
 */
#ifndef COMMON_AUTH_JWT_H
#define COMMON_AUTH_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/auth/keyring.h"
#include "common/base/buf.h"
#include "common/base/name.h"
#include "common/base/why.h"

enum {
    JWT_SIZE_MAX = 8192, /* bytes of a token */
    JWT_LEEWAY_S = 30,   /* for clocks that differ, on exp and nbf */
    JWT_PATTERNS_MAX = 64,
    JWT_DISPLAY_NAME_MAX = 128, /* bytes */
};

/** What a good token says. Owns its memory: claims_finish(). */
struct claims {
    char user[NAME_MAX_CHARS + 1];
    char device[NAME_MAX_CHARS + 1]; /* "" when the token binds none */
    /* Shown to callees; "" when absent; cut at a character's end, never refused for length. */
    char name[JWT_DISPLAY_NAME_MAX + 1];
    uint64_t expires_s; /* Unix time */
    bool has_call;      /* whether `call` was there; absent: the server's default */
    char **call;        /* patterns of users that this one may call (common/auth/pattern.h) */
    size_t call_count;
    char **roles;
    size_t role_count;
};
/** NULL is fine. */
void claims_finish(struct claims *);

/** What the server asks of a token beside a good signature. NULL: not looked at. */
struct jwt_expect {
    const char *issuer;
    const char *audience; /* must be the `aud` or among it */
};

/**
 * Checks `token` at the time `now_s`. ERR_OK, or ERR_UNAUTHORIZED with a sentence in `why` that tells a developer which check failed ("the token expired
 * 40 s ago", "no key with this kid") and never repeats the token. On failure *ret_claims is untouched.
 */
enum err jwt_verify(const struct keyring *, const struct jwt_expect *, struct slice token, uint64_t now_s,
                    struct claims *ret_claims, struct why why) ATTR_MUST_USE;

/** What a minted token says; empty slices and zero counts leave a claim out. */
struct jwt_mint {
    struct slice user, device, name, issuer, audience;
    uint64_t issued_s, expires_s;
    const struct slice *call; /* with has_call */
    size_t call_count;
    bool has_call;
};
/** Signs with the ring's first key that can sign (a secret or a private key). ERR_UNSUPPORTED if none can. Appends to `out`; nothing on failure. */
enum err jwt_sign(const struct keyring *, const struct jwt_mint *, struct buf *out) ATTR_MUST_USE;

#endif
