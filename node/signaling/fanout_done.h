/**
 * Which versions of which calls all mailboxes have. The store is told a little later, once for the changes of a moment: until then the call's timer stands, and
 * if this node dies its owner brings them out once more, which does no harm.
 */
#ifndef NODE_SIGNALING_FANOUT_DONE_H
#define NODE_SIGNALING_FANOUT_DONE_H

#include <stdint.h>

struct id;
struct signaling;

/** All mailboxes have these versions of the call. */
void fanout_done_note(struct signaling *, const struct id *call, uint64_t first, uint64_t last);
/** Tells the store of all of them. */
void fanout_done_flush(struct signaling *);

#endif
