/**
 * The sentence that goes with a failure: written once, where the cause is known. Private to the room.
 */
#ifndef COMMON_AUTH_WHY_H
#define COMMON_AUTH_WHY_H

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/** Where the sentence goes; p may be NULL with n 0. */
struct why {
    char *p;
    size_t n;
};

/** Writes the sentence, cut at the end of the room there is, and returns `e`: `return why_fail(why, ERR_SYNTAX, "…")`. */
enum err why_fail(struct why, enum err e, const char *fmt, ...) ATTR_PRINTF(3, 4);

#endif
