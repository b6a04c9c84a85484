/**
 * Suspends the sessions that dead nodes held, in the partitions that this node owns.
 */
#ifndef NODE_SIGNALING_SWEEP_H
#define NODE_SIGNALING_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/id.h"

struct signaling;
struct sweeper;

struct sweeper *sweeper_create(struct signaling *);
/** It is freed when the store has answered all that it was asked. NULL is fine. */
void sweeper_destroy(struct sweeper *);

/* A round: sweep_begin(), sweep_note() for each node that the lease told of, sweep_run(). */

/** False: the last round is not done. */
bool sweep_begin(struct sweeper *);
void sweep_note(struct sweeper *, const struct node_id *, bool lives, uint64_t grace_left_ms);
/** Looks through the own partitions for what dead nodes hold. */
void sweep_run(struct sweeper *, const bool owns[ID_PARTITIONS_MAX]);

#endif
