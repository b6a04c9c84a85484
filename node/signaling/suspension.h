/**
 * A socket is gone, the session is not: the store suspends it, and the calls that it sits in are told. Nobody waits for that; it is said again until the store
 * has heard it.
 */
#ifndef NODE_SIGNALING_SUSPENSION_H
#define NODE_SIGNALING_SUSPENSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id;
struct seat;
struct session_detach;
struct signaling;

/** The socket of that epoch is gone: suspends the session and tells the calls of these seats. All is copied; the grace is the settings'. */
void suspension_detach(struct signaling *, const struct session_detach *, const struct seat *seats, size_t count);
/** Tells a call that the member is suspended or back. An epoch of SUPERSEDED_EPOCH is the last word about a session. */
void suspension_tell(struct signaling *, const struct id *call, const struct id *session, uint64_t epoch,
                     bool suspended);
/** What the store did not hear is said again. */
void suspension_retry(struct signaling *);
/** The store is gone. */
void suspension_forget(struct signaling *);

#endif
