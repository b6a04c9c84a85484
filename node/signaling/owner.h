/**
 * What a node does for the cluster: it renews its lease, works out which partitions are its own, and fires their timers; and the beat of all that stories put
 * off or say again.
 */
#ifndef NODE_SIGNALING_OWNER_H
#define NODE_SIGNALING_OWNER_H

struct owner;
struct signaling;

/** Asks for the lease before anything else is asked. */
struct owner *owner_create(struct signaling *);
/** Renews the lease now, or as soon as the loop turns. NULL is fine. */
void owner_renew(struct owner *);
/** Gives the lease up. It is freed when the store has answered all that it was asked. NULL is fine. */
void owner_destroy(struct owner *);

#endif
