/**
 * Putting back what the store has forgotten (node/store/heal.h): this node brings what it knows of the sessions whose sockets it holds, a few at a time.
 */
#ifndef NODE_SIGNALING_HEAL_H
#define NODE_SIGNALING_HEAL_H

#include "node/store/cluster.h"

struct client;
struct request;
struct signaling;

/** The store may have forgotten all: asks about every session here. */
void heal_all(struct signaling *);
/** It may have forgotten this one. */
void heal_client(struct client *);
/** The client goes. */
void heal_forget(struct client *);
/** The lease was renewed, and this is what it had been: only now is anybody asked about. */
void heal_on_lease(struct signaling *, enum lease was);
/** From time to time: notices that this node was asleep, and goes on with those who wait. */
void heal_tick(struct signaling *);

/** The store knows no such session, though it is this client's: it is asked about. False: it has been, and the answer stands. NULL: false. */
bool heal_may_help(struct client *);
/**
 * The store knows the request's call, or who was named there, only up to this version (0: not at all), though the client sits in it or is rung for it by a later
 * one: likewise.
 */
bool heal_may_find(struct request *, uint64_t version);

/** A member's session is not where it should be. */
void heal_missing(struct signaling *, const struct id *call, const struct id *session);
/** The call has waited long enough for those who know of it. */
void heal_finish(struct signaling *, const struct id *call);

#endif
