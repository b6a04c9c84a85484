/**
 * What clients have handled. The store is told a little later, once for all that a client acks in that time: until then a mailbox keeps more than it has to, and
 * who resumes says where it stands.
 */
#ifndef NODE_SIGNALING_ACKS_H
#define NODE_SIGNALING_ACKS_H

#include <stdint.h>

struct client;
struct signaling;

/** The client has handled every event up to `seq`. */
void ack_note(struct client *, uint64_t seq);
/** The client goes: tells the store now what it has handled. */
void ack_flush(struct client *);
/** Tells it of all clients. */
void acks_flush(struct signaling *);

#endif
