/**
 * Where a client sits and what rings at it, as far as this node has heard: its copy of what the store keeps with the session. So a signal needs no look-up, and
 * a call that the store has lost can be put back.
 */
#ifndef NODE_SIGNALING_SEATS_H
#define NODE_SIGNALING_SEATS_H

#include "node/call/seating.h"

struct client;

enum { CALLS_OF_CLIENT_MAX = 16, RINGS_OF_CLIENT_MAX = 16 };

struct seat {
    struct id call;
    struct seating seating;
    /* By peer: the last request that was stored for it; 0 when another sat down there. */
    uint64_t sent[CALL_SEATS_MAX + 1];
};

/** A call that rings for the client's user, since `version`. */
struct client_ring {
    struct id call;
    uint64_t version;
};

/** NULL: it does not sit there. Good until the next seat_update(). */
struct seat *seat_find(struct client *, const struct id *call);
/** NULL: that does not ring. Likewise. */
struct client_ring *ring_find(struct client *, const struct id *call);
/**
 * Takes in what the store says (struct store_seating): a seating if it is newer than what is known, a ring, or that the client is out; where the text is empty, whatever is
 * known.
 */
void seat_update(struct client *, const struct id *call, struct slice text);
/** It sits in as many calls as it may, though some of these may be over, and this node not have heard of it yet. */
bool seats_are_full(const struct client *);
/** The client goes. */
void seats_free(struct client *);

#endif
