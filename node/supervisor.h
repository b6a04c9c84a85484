/**
 * Several workers under one parent: each a process that runs one node, all of them sharing the port.
 *
 * A worker that dies is started again, after a while that doubles with each death in a row. One that fails before it was ever up ends the whole thing: what is
 * wrong then is a setting. The parent has no loop: it sleeps in sigtimedwait().
 */
#ifndef NODE_SUPERVISOR_H
#define NODE_SUPERVISOR_H

#include <stdint.h>
#include <sys/types.h>

#include "common/base/attr.h"

/** A worker as it sees itself. */
struct worker;
/** The worker is up: from now on its death is an accident. NULL is fine. */
void worker_started(struct worker *);

/** What a worker does, in a process of its own, whose signals are as they were before supervisor_run() but for SIGINT (see there); returns its exit code. */
typedef int worker_fn(void *context, struct worker *self);

struct supervisor_settings {
    unsigned workers;
    worker_fn *run;
    void *context;
    /* A child of this process whose death ends everything (the private redis-server); left for its owner to reap; 0: none. */
    pid_t companion;
    uint64_t backoff_min_ms; /* 0: 100 */
    uint64_t backoff_max_ms; /* 0: 5000 */
};

/**
 * Forks the workers and looks after them until they are gone. SIGTERM and SIGINT reach them as SIGTERM, SIGHUP as itself; at a second SIGTERM or SIGINT they
 * are killed. Workers have SIGINT blocked: Ctrl-C goes to every process of a terminal's job, and one told twice would not drain. They end with their parent.
 * Call it before any thread or loop exists. Returns 0 after an ordered stop, else the exit code of the worker that failed at its start, or 1.
 */
int supervisor_run(const struct supervisor_settings *) ATTR_MUST_USE;

#endif
