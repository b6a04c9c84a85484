/**
 * Whether a Redis is one that a node can work with: looked at once, blocking, before the loop runs.
 */
#ifndef NODE_REDIS_PREFLIGHT_H
#define NODE_REDIS_PREFLIGHT_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "node/redis/client.h"

enum { REDIS_MAJOR_MIN = 7, REDIS_DEV_KEY_CHARS = 64 };

/**
 * That it answers (else ERR_UNAVAILABLE), is version 7 or later (ERR_UNSUPPORTED) and was first used with as many partitions as this node has (ERR_CONFLICT;
 * the first node to ask fixes the number). `why` says what to do. One that may evict keys when its memory is full is worth a warning in the log.
 */
enum err redis_preflight(const struct redis_url *, unsigned partitions, struct why why) ATTR_MUST_USE;

/** The key of a development cluster: made up by the first node that asks and kept in Redis, so that a token from one node is good at all. Ends with NUL. */
enum err redis_dev_key(const struct redis_url *, char ret_key[REDIS_DEV_KEY_CHARS + 1], struct why why) ATTR_MUST_USE;

#endif
