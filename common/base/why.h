/**
 * The sentence that goes with a failure: written once, where the cause is known, for whoever can mend it; without a full stop.
 *
 *     char why[WHY_SIZE] = "";
 *     if (keyring_add(ring, spec, WHY_IN(why)) != ERR_OK)
 *         fprintf(stderr, "%s\n", why);
 *
 * Whoever may fail takes a `struct why why`, its last argument of all, and passes it on to what may fail in it. Nothing is written there on success.
 */
#ifndef COMMON_BASE_WHY_H
#define COMMON_BASE_WHY_H

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/** Enough for a sentence that names a path. */
enum { WHY_SIZE = 512 };

/** Where the sentence goes: `n` bytes with the NUL. */
struct why {
    char *p;
    size_t n;
};

/** It goes into that array of char; nobody wants to know. */
#define WHY_IN(array) ((struct why){(array), sizeof(array)})
#define WHY_NONE ((struct why){NULL, 0})

/**
 * Writes the sentence, cut at the end of the room there is, and returns `e`: `return why_fail(why, ERR_SYNTAX, "…")`. Whatever it quotes comes out as printable
 * UTF-8.
 */
enum err why_fail(struct why, enum err e, const char *fmt, ...) ATTR_PRINTF(3, 4);

#endif
