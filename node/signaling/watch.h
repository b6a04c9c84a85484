/**
 * Who here watches whom: each change of a watched user's presence goes to each watch once, and it ends with its socket. The store knows nothing of it but which
 * users this node follows.
 */
#ifndef NODE_SIGNALING_WATCH_H
#define NODE_SIGNALING_WATCH_H

#include "node/store/presence.h"

struct client;
struct request;
struct signaling;
struct wire_value;

/** Begins, or renews, a watch of each, and answers with their states once changes come in. */
void watch_begin(struct request *, const struct wire_value *users);
/** Not watched is fine. */
void watch_end(struct client *, struct slice user);
/** The client goes; its presence.watch under way is dropped. */
void watch_end_all(struct client *);
/** Asks again where that failed. */
void watch_retry(struct signaling *);

/* What the bus brings, see struct store_events; the context is the struct signaling. */
void on_watch_presence(void *context, struct slice user, uint64_t rev, const struct presence *);
void on_watch_blocks(void *context, struct slice user, const struct presence_block *, const struct slice *watchers,
                     size_t count);
void on_watch_followed(void *context, struct slice user);

#endif
