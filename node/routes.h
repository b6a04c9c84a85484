/**
 * The plain HTTP beside the sockets (docs/protocol.md): /healthz, /readyz, /metrics, the browser client; with --dev the page and /dev/token.
 */
#ifndef NODE_ROUTES_H
#define NODE_ROUTES_H

#include "node/edge/edge.h"

struct node;

/** The table for edge_create(), with a last row of NULLs. The caller frees it. */
struct edge_route *routes_create(struct node *);

#endif
