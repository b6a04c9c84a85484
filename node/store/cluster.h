/**
 * The nodes among themselves: leases, and the timers of the partitions that a node owns.
 */
#ifndef NODE_STORE_CLUSTER_H
#define NODE_STORE_CLUSTER_H

#include "node/store/store.h"

enum { CLUSTER_NODES_MAX = 256 };

/** Renews this node's lease (lease_ms 0: gives it up) and tells which nodes live, this one included. */
typedef void nodes_fn(void *context, enum err, const struct node_id *nodes, size_t count);
void store_lease_renew(struct store *, uint64_t lease_ms, nodes_fn *, void *context);

/** A timer that is due. */
struct due_timer {
    enum { DUE_FANOUT, DUE_EXPIRE, DUE_GRACE } kind;
    struct id id;      /* the call's, or the session's for DUE_GRACE */
    struct slice user; /* DUE_GRACE */
};
/** What is due in a partition. Each comes again after `again_ms` unless what it stands for has been done. */
typedef void due_fn(void *context, enum err, const struct due_timer *timers, size_t count);
void store_timers_due(struct store *, unsigned partition, uint64_t again_ms, due_fn *, void *context);

/** Whether a message that this node sent to itself came back through the bus within the last `within_ms`, and the bus was not cut since. */
bool store_bus_is_alive(const struct store *, uint64_t within_ms);
/** Whether the store answers. */
bool store_is_up(const struct store *);

#endif
