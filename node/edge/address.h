/**
 * How many sockets each client address holds. An IPv6 client counts by its /64: that is what one household or server gets.
 */
#ifndef NODE_EDGE_ADDRESS_H
#define NODE_EDGE_ADDRESS_H

#include <stddef.h>

#include "common/base/net.h"

struct addresses;
struct address;

/** Aborts when memory is out. */
struct addresses *addresses_create(void);
/** All holds must have been released. NULL is fine. */
void addresses_destroy(struct addresses *);

/** Sockets of that address. */
unsigned addresses_held(const struct addresses *, const struct net_ip *);
/** One socket more; NULL when memory is out, or for `::`, which stands for "unknown" and is not counted. */
struct address *address_hold(struct addresses *, const struct net_ip *);
/** One socket fewer. NULL is fine. */
void address_release(struct addresses *, struct address *);
/** Different addresses held. */
size_t addresses_count(const struct addresses *);

#endif
