/**
 * Many clients, connected a few at a time until each has its welcome.
 */
#ifndef BENCHMARKS_FLEET_H
#define BENCHMARKS_FLEET_H

#include "benchmarks/client.h"

struct fleet {
    struct clients *shared;
    struct client *clients; /* those of the index i go to node i modulo their number */
    size_t count, started, welcome;
    const struct client_handlers *on; /* on_welcome is the fleet's own */
};

/** Room for `count` clients named `prefix`-0, -1, …; none is connected yet. */
void fleet_init(struct fleet *, struct clients *, size_t count);
void fleet_finish(struct fleet *);
/** Connects until `count` are welcome, `in_flight` at a time. */
void fleet_connect(struct fleet *, size_t count, size_t in_flight);

#endif
