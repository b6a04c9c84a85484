/**
 * The subscription connection: sharded channels, one SSUBSCRIBE each, renewed on every new connection.
 */
#ifndef NODE_REDIS_SUBSCRIPTION_H
#define NODE_REDIS_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/slice.h"
#include "node/redis/client.h"
#include "node/redis/link.h"

struct subscription {
    struct link link;
    bool begun; /* the link lives: there is a channel */
    struct redis_events events;
    char **channels; /* owned */
    size_t count;
    size_t room;
    size_t answered; /* the first so many were confirmed or refused on this connection */
    size_t refused;
    bool subscribed; /* and the owner knows */
    struct buf out;  /* not yet written */
};

/** Connects when the first channel is added. */
void subscription_init(struct subscription *, const struct redis_events *);
/** Without events. */
void subscription_finish(struct subscription *);
/** `settings` (all but the events) are for the link, when this is the first channel. Known ones don't matter. */
void subscription_add(struct subscription *, struct slice channel, const struct link_settings *settings);

#endif
