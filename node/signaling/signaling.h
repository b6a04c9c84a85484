/**
 * The stories: what a client asked, what the store decided, what arrived from another node. A file a verb, or for a few small ones that belong together;
 * verbs.c is their table.
 *
 * One `struct signaling` is one node's. It holds a client for each socket, knows sessions only while their socket is here, and answers each request exactly
 * once. It asks the store through node/store and talks to sockets through struct conn_ops.
 */
#ifndef NODE_SIGNALING_SIGNALING_H
#define NODE_SIGNALING_SIGNALING_H

#include <stdbool.h>

#include "common/auth/ice.h"
#include "common/auth/jwt.h"
#include "common/base/bucket.h"
#include "common/base/metrics.h"
#include "common/loop/timer.h"
#include "node/call/sdp.h"
#include "node/signaling/conn.h"
#include "node/store/store.h"

struct signaling_settings {
    struct node_id node;
    unsigned partitions;
    const char *version;
    const char *host;           /* the machine's name, for whoever looks at the cluster */
    const struct keyring *keys; /* replaced by signaling_set_keys() */
    struct jwt_expect expect;
    const char *const *call_default; /* patterns of users, up to NULL: whom a token without a `call` claim lets call */
    const struct ice_config *ice;    /* likewise */
    enum media_policy media;
    uint64_t hello_timeout_ms;
    uint64_t heartbeat_ms;
    uint64_t grace_ms;
    size_t message_bytes_max;
    struct bucket_limit hellos; /* of the node */
    struct bucket_limit frames; /* a socket's */
    struct bucket_limit bytes;
    size_t calls_open_max;         /* of a user, and of each session */
    struct bucket_limit wrong_ids; /* in sixtieths: a socket's guesses at offer and call ids */
    size_t watches_max;            /* of a session */
    unsigned frames_refused_max;   /* refused in a row before the socket is closed with 4007 */
    const struct conn_ops *ops;
    void (*on_drain)(void *context); /* an operator wants the node to leave */
    void *context;
    struct metrics *metrics;
    struct timers *timers;
};

/** Everything named as a pointer outlives it. Aborts when memory is out. */
struct signaling *signaling_create(const struct signaling_settings *);
/** What the store tells it; for store_create(). */
struct store_events signaling_store_events(struct signaling *);
/** From here on it asks this store, renews the node's lease and fires the timers of the partitions it owns. */
void signaling_start(struct signaling *, struct store *);

/** After SIGHUP: tokens and credentials from now on. The old ones may be freed afterwards. */
void signaling_set_keys(struct signaling *, const struct keyring *, const struct ice_config *);

/** No newcomers; every client is told to reconnect and closed with 1012, spread at random over the window. */
void signaling_drain(struct signaling *, uint64_t window_ms);
/** Sockets that are still here. */
size_t signaling_client_count(const struct signaling *);
/** Gives up the lease and stops asking. Before the store is destroyed. */
void signaling_stop(struct signaling *);
/** After the store and the edge are gone. */
void signaling_destroy(struct signaling *);

#endif
