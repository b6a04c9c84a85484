/**
 * Whose a partition is: the living node's whose weight with it is highest (rendezvous hashing, Thaler & Ravishankar 1998). A node that comes or goes moves only
 * its own share. Nodes that see the same leases come to the same result, and so does whoever looks from outside.
 */
#ifndef COMMON_BASE_RENDEZVOUS_H
#define COMMON_BASE_RENDEZVOUS_H

#include <stdint.h>

#include "common/base/id.h"

/** The same on every node for ever. */
uint64_t rendezvous_weight(const struct node_id *, unsigned partition);

#endif
