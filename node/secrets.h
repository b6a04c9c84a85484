/**
 * What a node reads from files and may read again on SIGHUP: the keys that tokens are checked with, and the ICE servers.
 */
#ifndef NODE_SECRETS_H
#define NODE_SECRETS_H

#include "common/auth/ice.h"
#include "common/auth/jwt.h"
#include "common/base/why.h"

struct config;

/** Owns both. */
struct secrets {
    struct keyring *keys;
    struct ice_config *ice;
};

/** `dev_key` empty: none. On failure `why` says what is wrong with which setting, and *ret_secrets is untouched. */
enum err secrets_load(const struct config *, struct slice dev_key, struct secrets *ret_secrets,
                      struct why why) ATTR_MUST_USE;
void secrets_finish(struct secrets *);

#endif
