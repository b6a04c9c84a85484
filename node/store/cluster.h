/**
 * The nodes among themselves: leases, and the timers of the partitions that a node owns.
 */
#ifndef NODE_STORE_CLUSTER_H
#define NODE_STORE_CLUSTER_H

#include "node/store/sessions.h"

enum { CLUSTER_NODES_MAX = 256 };

/** A node as its lease shows it. */
struct node_lease {
    struct node_id node;
    bool lives;
    uint64_t ended_ms; /* since its lease ended; 0 while it lives */
};

/** What the own lease was. */
enum lease {
    LEASE_RUNNING, /* or it is the first */
    LEASE_LAPSED,  /* it had ended: others may have taken this node for dead */
    LEASE_LOST,    /* the store does not know it, though it had been renewed lately: it has lost its data */
};
/**
 * Renews this node's lease (lease_ms 0: gives it up), leaves its card (common/wire/card.h) beside it, and tells of all nodes, this one included, and of the
 * dead of the last minutes.
 */
typedef void nodes_fn(void *context, enum err, enum lease was, const struct node_lease *nodes, size_t count);
void store_lease_renew(struct store *, uint64_t lease_ms, struct slice card, nodes_fn *, void *context);

/** The nodes that hold sessions of a partition, the dead among them. */
typedef void holders_fn(void *context, enum err, const struct node_id *nodes, size_t count);
void store_holders(struct store *, unsigned partition, holders_fn *, void *context);

/** Some of the sessions that a node holds in a partition. None: there are no more. */
enum { HELD_PAGE = 64 };
typedef void held_fn(void *context, enum err, const struct id *sessions, size_t count);
void store_held(struct store *, unsigned partition, const struct node_id *, held_fn *, void *context);

/**
 * Suspends a session whose node is dead, with so much of its grace left: `epoch` and the calls it sits in (without text) in the answer. ERR_STALE: that
 * node does not hold it any more.
 */
void store_session_sweep(struct store *, const struct id *session, const struct node_id *dead, uint64_t left_ms,
                         session_answer_fn *, void *context);
/** All that the dead node held in the partition is swept. */
void store_held_done(struct store *, unsigned partition, const struct node_id *dead);

/** A timer that is due. */
struct due_timer {
    enum { DUE_FANOUT, DUE_EXPIRE, DUE_RING, DUE_HEAL, DUE_GRACE } kind;
    struct id id;      /* the call's, or the session's for DUE_GRACE */
    struct slice user; /* DUE_RING, DUE_GRACE */
};
/** What is due in a partition. Each comes again after `again_ms` unless what it stands for has been done. */
typedef void due_fn(void *context, enum err, const struct due_timer *timers, size_t count);
void store_timers_due(struct store *, unsigned partition, uint64_t again_ms, due_fn *, void *context);

/** Whether a message that this node sent to itself came back through the bus within the last `within_ms`, and the bus was not cut since. */
bool store_bus_is_alive(const struct store *, uint64_t within_ms);
/** Whether the store answers. */
bool store_is_up(const struct store *);

#endif
