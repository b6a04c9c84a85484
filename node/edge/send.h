/**
 * What goes out on a conn: what is sent in one turn of the loop leaves at the turn's end in one write, for a write costs more than anything else that
 * is done for a message. What the socket does not take then waits here.
 *
 * A write that the socket takes only in part is kept by libwebsockets; until that part is out nothing else is written, so never more than one write is
 * on its way, and the order is the order of the calls.
 */
#ifndef NODE_EDGE_SEND_H
#define NODE_EDGE_SEND_H

#include <stdbool.h>

#include "common/base/slice.h"

struct conn;

enum send_kind { SEND_TEXT = 1, SEND_BINARY = 2, SEND_CLOSE = 8, SEND_PING = 9 }; /* opcodes: RFC 6455 section 5.2 */

/** Queues. False: the socket takes nothing and the queue is full, so nothing was taken. Close frames always fit. */
bool send_frame(struct conn *, enum send_kind, struct slice payload);
/** The socket has not taken all of the last write. */
bool send_is_stuck(const struct conn *);
/** Writes what waits, while the socket takes it. */
void send_more(struct conn *);
/** Forgets what waits. */
void send_forget(struct conn *);

#endif
