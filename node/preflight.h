/**
 * What is looked at before anything listens: the files that settings name, the addresses, and the Redis. Blocking; for the start.
 */
#ifndef NODE_PREFLIGHT_H
#define NODE_PREFLIGHT_H

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "node/redis/preflight.h"

struct config;

/**
 * That every file can be read, and every token key and ICE entry means something; what was read is dropped again. `problems` gets a line for each that does
 * not, naming setting and file. Returns what the first of them was.
 */
enum err preflight_files(const struct config *, struct buf *problems) ATTR_MUST_USE;

/**
 * That nobody listens on any of our TCP addresses. Our own listeners would not notice: they share a port, for workers, and so would two clusters, each
 * with half of the clients. What else is wrong with an address is told by who binds it. `problems` gets a line.
 */
enum err preflight_addresses(const struct config *, struct buf *problems) ATTR_MUST_USE;

/** What the Redis told, for struct node_place. */
struct preflight {
    char dev_key[REDIS_DEV_KEY_CHARS + 1]; /* "" unless the settings ask for one: --dev without --jwt-key */
};

/** That the Redis at `redis_url` will do (redis_preflight()). On failure `problems` gets a line that says what to do. */
enum err preflight_redis(const struct config *, const char *redis_url, struct preflight *ret_preflight,
                         struct buf *problems) ATTR_MUST_USE;

#endif
