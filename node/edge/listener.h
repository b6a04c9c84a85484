/**
 * The listening sockets: our own, because libwebsockets 4.1 can't share a port between processes.
 *
 * When the process is out of file descriptors, or EDGE_PLAIN_MAX sockets are in their handshake, accepting pauses: newcomers wait in
 * the kernel's queue, and nothing spins.
 */
#ifndef NODE_EDGE_LISTENER_H
#define NODE_EDGE_LISTENER_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/why.h"

struct edge;

/** Binds every address of edge->set.listen. On failure nothing stays bound, and `why` says which address and what is wrong. */
enum err listeners_create(struct edge *, struct why why) ATTR_MUST_USE;
/** Listens and accepts from here on. */
void listeners_start(struct edge *);
/** Accepts again if that had paused and there is room. */
void listeners_resume(struct edge *);
/** Takes what waits in the kernel's queues, then closes; edge->handles_open counts what is still closing. */
void listeners_stop(struct edge *);
/** Also before listeners_start(). After the loop closed the handles. */
void listeners_destroy(struct edge *);

#endif
