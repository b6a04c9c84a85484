/**
 * The keyring from the inside. Private to the room.
 */
#ifndef COMMON_AUTH_KEYRING_PRIVATE_H
#define COMMON_AUTH_KEYRING_PRIVATE_H

#include "common/auth/key.h"

/** A token without `kid` may be tried with every key: so they are few. */
enum { KEYRING_MAX = 64 };

struct keyring {
    struct jwt_key *keys[KEYRING_MAX];
    size_t count;
};

/** Takes the key, also on failure: ERR_CONFLICT when its kid is there already, ERR_SYNTAX when the ring is full. */
enum err keyring_take(struct keyring *, struct jwt_key *, struct why why) ATTR_MUST_USE;

#endif
