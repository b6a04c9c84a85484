/**
 * Many clients, connected a few at a time until each has its welcome.
 */
#ifndef BENCHMARKS_FLEET_H
#define BENCHMARKS_FLEET_H

#include "benchmarks/client.h"

struct fleet {
    struct clients *shared;
    unsigned number;        /* of the fleet, in its users' names */
    struct client *clients; /* those of the index i go to node i modulo their number */
    size_t count, started, welcome;
};

/** Room for `count` clients, of users that no other fleet has; none is connected yet. */
void fleet_init(struct fleet *, struct clients *, size_t count);
void fleet_finish(struct fleet *);
/** Connects until `count` are welcome, `in_flight` at a time. */
void fleet_connect(struct fleet *, size_t count, size_t in_flight);

#endif
