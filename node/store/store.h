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
struct presence;
struct presence_block;

/** For questions that are answered by done, or not. */
typedef void store_done_fn(void *context, enum err);

/** Bounds that the store enforces; fixed at its creation. */
struct store_limits {
    uint64_t mailbox_events_max;
    uint64_t mailbox_bytes_max;
    unsigned devices_max;          /* of one user */
    uint64_t calls_per_minute;     /* that one user may start */
    uint64_t seats_max;            /* that all sessions of one user may hold when one more is asked for */
    uint64_t wrong_ids_per_minute; /* of one user */
    unsigned replies_kept;         /* of one session, for requests that are sent again */
    unsigned candidates_max;       /* early ones that wait with an offer */
    size_t candidate_bytes_max;
};

/** One call that a session sits in, and who sits where (node/call/seating.h); "?7": it rings since version 7; "-7": it is out since version 7. Empty: it is out. */
struct store_seating {
    struct id call;
    struct slice text;
};
enum { STORE_SEATINGS_MAX = 32 };

/** What the bus brings to this node. */
struct store_events {
    /**
     * Events for a session of this node: count bodies, the first with number `seq`; and where the session sits in one call (call none: nothing said). True:
     * they were written to its socket at once.
     */
    bool (*on_events)(void *context, const struct id *session, uint64_t seq, const struct slice *bodies, size_t count,
                      const struct store_seating *);
    /**
     * This attach of the session is over: `why` is ERR_CONFLICT superseded by the same device, ERR_STALE continued elsewhere, ERR_OVERRUN mailbox full,
     * ERR_GONE ended.
     */
    void (*on_detached)(void *context, const struct id *session, uint64_t epoch, enum err why);
    /** What others may see of a user who is followed (node/store/presence.h) is this from `rev` on. */
    void (*on_presence)(void *context, struct slice user, uint64_t rev, const struct presence *);
    /** That user has blocked these, or does so no more: no rev, as nobody else sees a change. */
    void (*on_blocks)(void *context, struct slice user, const struct presence_block *, const struct slice *watchers,
                      size_t count);
    /** The user is followed, at first or since the bus was cut: what changed before must be asked for. */
    void (*on_followed)(void *context, struct slice user);
    /** The bus was cut and works again: events may have been missed. */
    void (*on_healed)(void *context);
    /** An operator ends that attach of the session, wherever it is. */
    void (*on_kicked)(void *context, const struct id *session, struct slice user, uint64_t epoch);
    /** An operator wants this node to leave. */
    void (*on_drain)(void *context);
    void *context;
};

#endif
