/**
 * From the bus to the socket. The bus is the fast path, the mailbox the truth: what does not follow the last event makes the node read the mailbox, and what the
 * bus brings meanwhile only says how far there is to read.
 */
#ifndef NODE_SIGNALING_MAIL_H
#define NODE_SIGNALING_MAIL_H

#include "node/store/store.h"

struct client;
struct signaling;

/** Reads what the mailbox holds after the last event that went to the socket; of a client that is being greeted once it is welcome. */
void mail_read(struct client *);
/** Once more for those where that failed. */
void mail_retry(struct signaling *);
/**
 * Rises with whatever the bus brings for this session, and with some of what it brings for others. Between the store's saying that a session is here and this
 * node's knowing, nobody takes what comes: where this has risen meanwhile, the mailbox is to be read.
 */
uint32_t mail_heard(const struct signaling *, const struct id *session);

/* What the bus brings, see struct store_events; the context is the struct signaling. */
bool on_mail_events(void *context, const struct id *session, uint64_t seq, const struct slice *bodies, size_t count,
                    const struct store_seating *);
void on_mail_detached(void *context, const struct id *session, uint64_t epoch, enum err why);
void on_mail_healed(void *context);

#endif
