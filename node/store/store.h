/**
 * The shared state, asked in domain words. Headers only: node/redis answers them, tests may fake them.
 *
 * Every question is answered exactly once through its callback, never before the asking function has returned, unless the store is being taken down.
 * When the store is away the answer is ERR_UNAVAILABLE, and the question may have had its effect all the same: every one of them may be asked again
 * with the same arguments and then has no second effect. Slices in an answer are good during the callback only.
 *
 * Time is the store's own clock; durations are in milliseconds.
 */
#ifndef NODE_STORE_STORE_H
#define NODE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/id.h"
#include "common/base/slice.h"

struct store;

/** For questions that are answered by done, or not. */
typedef void store_done_fn(void *context, enum err);

/** Bounds that the store enforces; fixed at its creation. */
struct store_limits {
    uint64_t mailbox_events_max;
    uint64_t mailbox_bytes_max;
    unsigned devices_max;    /* of one user */
    unsigned replies_kept;   /* of one session, for requests that are sent again */
    unsigned candidates_max; /* early ones that wait with an offer */
    size_t candidate_bytes_max;
};

/** One call that a session sits in, and who sits where (node/call/seating.h); "?7": it rings since version 7. Empty: it is out. */
struct store_seating {
    struct id call;
    struct slice text;
};
enum { STORE_SEATINGS_MAX = 32 };

/** What the bus brings to this node. */
struct store_events {
    /** Events for a session of this node: count bodies, the first with number `seq`; and where the session sits in one call (call none: nothing said). */
    void (*on_events)(void *context, const struct id *session, uint64_t seq, const struct slice *bodies, size_t count,
                      const struct store_seating *);
    /** This attach of the session is over: `why` is ERR_CONFLICT superseded by the same device, ERR_STALE continued elsewhere, ERR_OVERRUN mailbox full, ERR_GONE ended. */
    void (*on_detached)(void *context, const struct id *session, uint64_t epoch, enum err why);
    /** The bus was cut and works again: events may have been missed. */
    void (*on_healed)(void *context);
    void *context;
};

#endif
