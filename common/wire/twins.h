/** Two equal strings among many; private to this room. */
#ifndef COMMON_WIRE_TWINS_H
#define COMMON_WIRE_TWINS_H

#include "common/base/slice.h"

enum { WIRE_TWINS_MAX = 1024 };

/**
 * A string that stands twice, or NULL. The strings lie `stride` bytes apart, the first at `first`; at most WIRE_TWINS_MAX.
 * Many are sorted, so that nobody can make this slow.
 */
const struct slice *wire_twins_find(const struct slice *first, size_t stride, size_t n);

#endif
