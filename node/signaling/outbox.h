/**
 * Relayed signals of one client to one session in one call: at most one store call is under way, and what comes meanwhile, or in one turn of the loop, goes
 * together (docs/decisions/0008-one-store-call-for-a-pair-at-a-time.md).
 */
#ifndef NODE_SIGNALING_OUTBOX_H
#define NODE_SIGNALING_OUTBOX_H

#include "common/base/slice.h"

struct client;
struct id;
struct request;

/**
 * Sends a relayed signal behind those of the same pair that are under way, and answers it. Owns the request, which is its client's current one no more; `body` is
 * msgpack without `version`, and copied. `from` is the sender's peer.
 */
void outbox_put(struct request *, const struct id *recipient, unsigned from, struct slice body);
/** The client goes: what is under way goes on without it, the rest is for its resume to send again. */
void outbox_drop_all(struct client *);

#endif
