/**
 * Patterns of user names, as the claim `call` and the setting call-default have them: exact, or with `*` for any run of characters, also none.
 */
#ifndef COMMON_AUTH_PATTERN_H
#define COMMON_AUTH_PATTERN_H

#include <stdbool.h>

#include "common/base/slice.h"

/** Whether the whole name matches. At most pattern times name steps, however many stars a token's maker puts in. */
bool pattern_matches(struct slice pattern, struct slice user);

#endif
