/**
 * What an operator has done to a running cluster, by way of its Redis: sessions are ended, a call, a node's stay. What a node has to do is said on its channel, and
 * whether it was done is seen in the state. For commands: blocking. ERR_UNAVAILABLE with `why`: Redis can't be asked.
 */
#ifndef NODE_REDIS_CLUSTER_CONTROL_H
#define NODE_REDIS_CLUSTER_CONTROL_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/id.h"
#include "common/base/name.h"
#include "node/redis/client.h"
#include "node/redis/keys.h"

/* Above what --devices-max may be: nobody has one that is not seen here. */
enum { CLUSTER_SESSIONS_MAX = 128 };

/** A session of a user. */
struct cluster_session {
    struct id id;
    char device[NAME_MAX_CHARS + 1];
    bool over; /* nothing of it remains */
    uint64_t epoch;
    uint64_t seats;
    struct key channel; /* of the node that holds its socket; empty: none does */
};

/** Those of all devices of the user. None: count 0. */
enum err cluster_sessions_read(const struct redis_url *, unsigned partitions, struct slice user,
                               struct cluster_session sessions[CLUSTER_SESSIONS_MAX], size_t *ret_count,
                               struct why why) ATTR_MUST_USE;
/** How it stands now. */
enum err cluster_session_read(const struct redis_url *, struct cluster_session *, struct why why) ATTR_MUST_USE;
/** Tells the node that listens there to end it. Versions of nodes that cannot do not. */
enum err cluster_kick(const struct redis_url *, const struct key *channel, const struct cluster_session *,
                      struct slice user, struct why why) ATTR_MUST_USE;

/** Ends the call. ERR_NOT_FOUND, ERR_GONE: it is over. */
struct cluster_ended_call {
    uint64_t members;
    uint64_t rings;
};
enum err cluster_call_end(const struct redis_url *, const struct id *call, struct cluster_ended_call *ret_call,
                          struct why why) ATTR_MUST_USE;
/** Whether everybody has been told of its end. */
enum err cluster_call_is_told(const struct redis_url *, const struct id *call, bool *ret_told,
                              struct why why) ATTR_MUST_USE;

/** Tells the node to leave, as SIGTERM does. */
enum err cluster_drain(const struct redis_url *, const struct node_id *, struct why why) ATTR_MUST_USE;

#endif
