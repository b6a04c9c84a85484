/**
 * One node: its loop, its sockets, its Redis, its stories, wired together and run until it is told to stop.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include <sys/types.h>

#include "common/base/attr.h"
#include "common/base/slice.h"

struct config;
struct worker;

/** Where this node stands; all of it outlives the node. */
struct node_place {
    const char *redis_url; /* the setting's, or the private redis-server's */
    pid_t redis_pid;       /* the private redis-server, a child of this process or of its parent; 0: there is none */
    /* With --dev and no --jwt-key: the secret that tokens are signed with, the same on every node of the store; else empty. */
    struct slice dev_key;
    struct worker *worker; /* for worker_started(); NULL when no supervisor forked this process */
};

/**
 * Runs one node in this process, which has no loop, thread or signal handler yet, until SIGTERM or SIGINT has drained it (a second one ends at
 * once); SIGHUP reads certificates and files again. Says worker_started() when it listens. Returns the exit code: 0, or 1 if it could not start, with the
 * reason in the log.
 */
int node_run(const struct config *, const struct node_place *) ATTR_MUST_USE;

#endif
