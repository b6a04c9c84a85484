/**
 * The private Redis of a node that was told of none: a `redis-server` child on a Unix socket in a directory of its own, which ends with us.
 */
#ifndef NODE_REDIS_EMBEDDED_H
#define NODE_REDIS_EMBEDDED_H

#include <stddef.h>
#include <sys/types.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/why.h"

struct embedded_redis;

/**
 * Starts it and waits until it answers (10 s at most). `dir` NULL: a fresh directory under /tmp (mode 0700), removed at the end; otherwise that
 * directory, kept, with its append-only file. No TCP port is opened; `noeviction`; pub/sub buffers as the promises need; the child dies with its parent
 * (PR_SET_PDEATHSIG). `why` tells what is missing ("redis-server is not installed: apt-get install redis-server").
 * Blocking: for start-up, before the loop runs and before workers are forked.
 */
enum err embedded_redis_start(const char *dir, struct embedded_redis **ret_redis, struct why why) ATTR_MUST_USE;
/** `unix:///…/redis.sock`; good until embedded_redis_stop(). */
const char *embedded_redis_url(const struct embedded_redis *);
pid_t embedded_redis_pid(const struct embedded_redis *);
/** SIGTERM, waits (5 s, then SIGKILL), removes the directory if it was made. NULL is fine. */
void embedded_redis_stop(struct embedded_redis *);

#endif
