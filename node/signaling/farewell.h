/**
 * The end of a session: ended in the store, its seats freed, then forgotten. If this node dies in between, the partition's owner begins anew.
 */
#ifndef NODE_SIGNALING_FAREWELL_H
#define NODE_SIGNALING_FAREWELL_H

#include "node/signaling/fanout.h"

/** `epoch` 0: its grace is over. `reason`, a literal, is what its calls are told. `on_done` NULL: nobody waits. */
void farewell_start(struct signaling *, const struct id *session, struct slice user, uint64_t epoch, const char *reason,
                    fanout_done_fn *on_done, void *context);

#endif
