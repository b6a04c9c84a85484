/**
 * One command to Redis on a connection of its own, blocking until the answer: for the start of a node, and for commands of an operator. No loop may run in this
 * thread meanwhile.
 */
#ifndef NODE_REDIS_BLOCKING_H
#define NODE_REDIS_BLOCKING_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "node/redis/client.h"

/** ERR_UNAVAILABLE with `why` when Redis can't be reached or refuses the login. The caller frees *ret_reply with redis_reply_free(). */
enum err redis_blocking_ask(const struct redis_url *, const struct slice *args, size_t count,
                            struct redisReply **ret_reply, struct why why) ATTR_MUST_USE;
/** The same, and how long Redis took: from the end of the login to the whole answer. */
struct redis_timed_reply {
    struct redisReply *reply;
    uint64_t took_us;
};
enum err redis_blocking_ask_timed(const struct redis_url *, const struct slice *args, size_t count,
                                  struct redis_timed_reply *ret, struct why why) ATTR_MUST_USE;
/** The same for a command whose reply must be of that type (REDIS_REPLY_…): else ERR_UNSUPPORTED, and `why` says what came. */
enum err redis_blocking_ask_typed(const struct redis_url *, const struct slice *args, size_t count, int type,
                                  struct redisReply **ret_reply, struct why why) ATTR_MUST_USE;

#endif
