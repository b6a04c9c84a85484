/**
 * Many calls of two that are rung, in step: each step is made by all of them, a hundred at once, and is over when the last has made it. So what a step costs
 * can be told.
 *
 * Callers are at the first node and callees at the next.
 */
#ifndef BENCHMARKS_CALLS_H
#define BENCHMARKS_CALLS_H

#include "benchmarks/client.h"
#include "benchmarks/pair.h"

struct calls;

struct rung_call {
    struct calls *all;
    struct client *members[SIDES];
    char call[CLIENT_ID_SIZE];
};

struct calls {
    struct clients *shared;
    const struct script *script;
    size_t count;
    struct rung_call *call;
    struct client *clients; /* caller and callee of each, in turn */
    const char *event;      /* which ends the step, with the replies */
    uint64_t missing;       /* replies and events of the step that have not come */
};

/** Connects both sides of `count` calls. */
void calls_init(struct calls *, struct clients *, size_t count, const struct script *);
/** Takes the clients back from who had taken over their handlers. */
void calls_adopt(struct calls *);
/** The steps. Each returns when all replies and events have come, and dies when they don't. */
void calls_start(struct calls *);
void calls_alert(struct calls *);
void calls_accept(struct calls *);
/** CANDIDATES_PER_SIDE each way, as many in a signal as the script says. */
void calls_candidates(struct calls *);
/** The callers hang up. */
void calls_leave(struct calls *);
/** All events are acknowledged: nothing waits in a mailbox any more, once that is done. */
void calls_acknowledge(struct calls *);
/** One signal from each callee to its caller, not waited for. */
void calls_signal_callers(struct calls *);

#endif
