#include "node/signaling/private.h"

/* Whom a user may reach, and what others may do to them: the token's word, blocks, limits that all devices of a user share. */

/* ---- whom one may call ---- */

static bool matches_default(const struct signaling *sig, struct slice user)
{
    for (const char *const *pattern = sig->settings.call_default; pattern && *pattern; pattern++) {
        if (pattern_matches(slice_of(*pattern), user))
            return true;
    }
    return false;
}

bool may_call(const struct client *c, struct slice user)
{
    const struct claims *claims = c->claims;
    if (!claims->has_call)
        return matches_default(c->signaling, user);
    for (size_t i = 0; i < claims->call_count; i++) {
        if (pattern_matches(slice_of(claims->call[i]), user))
            return true;
    }
    return false;
}
