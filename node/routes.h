/**
 * The plain HTTP beside the sockets (docs/protocol.md): /healthz, /readyz, /metrics and, with --dev, what dev.h has.
 */
#ifndef NODE_ROUTES_H
#define NODE_ROUTES_H

#include "node/edge/edge.h"

struct config;
struct node;

enum { ROUTES_MAX = 8 };

/** Fills the table for edge_create(), with a last row of NULLs. */
void routes_fill(struct node *, struct edge_route routes[ROUTES_MAX]);

#endif
