/**
 * Who may upgrade to a WebSocket: the checks of RFC 6455 section 4.2 and ours, answered with an HTTP status.
 */
#ifndef NODE_EDGE_HANDSHAKE_H
#define NODE_EDGE_HANDSHAKE_H

#include "common/base/net.h"

struct edge;
struct lws;

/** 0: go on; -1: refused, answered and counted. `upgrade` is only looked at when it is safe. */
int handshake_check(struct edge *, struct lws *, const char *upgrade);
/** Who the client is, behind trusted proxies. Good while the request's headers are there: until the conn is open. */
struct net_ip handshake_client(struct edge *, struct lws *);

#endif
