/**
 * node/store's questions, answered by Redis: one script each, or one plain command that reads. store_<name>.c answers node/store/<name>.h.
 */
#ifndef NODE_REDIS_STORE_H
#define NODE_REDIS_STORE_H

#include "node/redis/client.h"
#include "node/store/store.h"

struct store_settings {
    struct redis_settings redis; /* its `events` are filled in here */
    struct node_id node;
    unsigned partitions;
    struct slice dev_key; /* which the nodes agreed on at their start; empty: none. Outlives the store. */
    struct store_limits limits;
    struct store_events events;
};

/** Starts connecting and listening on the node's channels. Aborts when memory is out. */
struct store *store_create(const struct store_settings *);
/** Every open question is answered with ERR_UNAVAILABLE inside this call; then run the loop until it is empty. */
void store_destroy(struct store *);

#endif
