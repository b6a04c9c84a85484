/**
 * What goes out on a conn: written at once when nothing waits and the socket takes it, queued otherwise.
 *
 * A write that the socket takes only in part is kept by libwebsockets; until that part is out nothing else is written, so never more than
 * one frame is on its way, and the order is the order of the calls.
 */
#ifndef NODE_EDGE_SEND_H
#define NODE_EDGE_SEND_H

#include <stdbool.h>

#include "common/base/slice.h"

struct conn;

enum send_kind { SEND_TEXT = 0, SEND_BINARY = 1, SEND_CLOSE = 4, SEND_PING = 5 }; /* as libwebsockets numbers them */

/** Writes or queues. False: the queue is full, and nothing was taken. Close frames always fit. */
bool send_frame(struct conn *, enum send_kind, struct slice payload);
/** Nothing waits, neither here nor in libwebsockets. */
bool send_is_idle(const struct conn *);
/** The socket takes bytes again: writes what waits, while it takes it. */
void send_more(struct conn *);
/** Forgets what waits. */
void send_forget(struct conn *);

#endif
