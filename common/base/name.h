/**
 * Names that apps give: of users and of their devices (docs/protocol.md).
 */
#ifndef COMMON_BASE_NAME_H
#define COMMON_BASE_NAME_H

#include <stdbool.h>

#include "common/base/slice.h"

enum { NAME_MAX_CHARS = 64 };

/** 1-64 of `A-Z a-z 0-9 . _ @ : + -`. */
bool name_is_valid(struct slice);

/** The partition that a user's keys live in: FNV-1a over the name, folded. The same on every node for ever. `partitions` is at least 1. */
unsigned partition_of_user(struct slice user, unsigned partitions);

#endif
