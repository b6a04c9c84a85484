/**
 * Back-pressure: messages of a conn that is paused are held until it goes on, and its socket is not read meanwhile.
 *
 * libwebsockets 4.1 must not be told to stop reading from within its own callback: with TLS it then turns for ever over what it has read already,
 * and changes its order. So the stop and the go come from our own callback in the same turn of the loop, and what libwebsockets still delivers until
 * then (one read: 1 kB, or one TLS record of 16 kB) is held here.
 */
#ifndef NODE_EDGE_HOLD_H
#define NODE_EDGE_HOLD_H

#include <stdbool.h>

#include "common/base/slice.h"

struct conn;
struct edge;

/** One message to the stories: now, or after those that are held. False: out of memory. */
bool hold_or_deliver(struct conn *, struct slice message);
/** Soon, from the loop: delivers what is held if the conn goes on, and sets the socket to be read or not as the conn's state wants it. */
void hold_settle(struct conn *);
/** Forgets what is held, and the conn. */
void hold_finish(struct conn *);

/** The handle that the loop calls. */
void hold_init(struct edge *);
/** edge->handles_open counts it until it is closed. */
void hold_stop(struct edge *);

#endif
