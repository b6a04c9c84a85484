/**
 * The subscription connection: sharded channels, one SSUBSCRIBE each, renewed on every new connection. Some are the owner's own: it is subscribed when all of
 * those are confirmed. Others are followed for a while, each is confirmed by itself; there may be thousands of them.
 */
#ifndef NODE_REDIS_SUBSCRIPTION_H
#define NODE_REDIS_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/slice.h"
#include "node/redis/client.h"
#include "node/redis/link.h"

struct channel; /* subscription.c's */
struct asked;

struct subscription {
    struct link link;
    bool begun; /* the link lives: there is a channel */
    struct redis_events events;
    struct channel *channels; /* hash by name, in the order in which they came */
    struct asked *asked;      /* list: what was asked on this connection and not answered yet */
    size_t own;               /* channels that the owner needs to be subscribed */
    size_t confirmed;         /* so many of them are, on this connection */
    bool subscribed;          /* all, and the owner knows */
    struct buf out;           /* not yet written */
};

/** Connects when the first channel is added. */
void subscription_init(struct subscription *, const struct redis_events *);
/** Without events. */
void subscription_finish(struct subscription *);
/** `settings` (all but the events) are for the link, when this is the first channel. Known ones don't matter. */
void subscription_add(struct subscription *, struct slice channel, const struct link_settings *settings);
/** Not an own one: on_followed each time it is confirmed. */
void subscription_follow(struct subscription *, struct slice channel, const struct link_settings *settings);
/** Undoes subscription_follow(). */
void subscription_unfollow(struct subscription *, struct slice channel);

#endif
