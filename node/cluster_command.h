/**
 * What the commands of an operator (status.h, control.h) have in common: they find the cluster by its Redis, take names beside options, and end with 0 (done), 1
 * (not done: a sentence on stderr says why) or 2 (called wrongly).
 */
#ifndef NODE_CLUSTER_COMMAND_H
#define NODE_CLUSTER_COMMAND_H

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "node/redis/client.h"

enum { CLUSTER_COMMAND_NAMES_MAX = 2 };

struct cluster_command {
    struct redis_url url;
    const char *names[CLUSTER_COMMAND_NAMES_MAX]; /* what stood beside the options */
    int name_count;
    bool watch; /* status only */
    bool json;
    struct option_memory *memory;
    struct option_memory *file_memory; /* NULL: no file was read */
};

/** What the command line is to have. */
struct cluster_command_form {
    const char *command; /* as it is typed: "call end" */
    const char *usage;   /* the same with the names that it takes: "call end CALL" */
    int names;           /* CLUSTER_COMMAND_NAMES_MAX at most */
    const char *missing; /* what to say when there are fewer: "which user?" */
    bool is_status;      /* has --watch and --json */
};

/** --redis and --redis-ca may also stand in the environment or in a settings file, as for a node. True: to be finished. Else *ret_code, and what was wrong has been said. */
bool cluster_command_begin(const struct cluster_command_form *, int argc, const char *const *argv,
                           struct cluster_command *ret, int *ret_code) ATTR_MUST_USE;
void cluster_command_finish(struct cluster_command *);
/** Says it on stderr; EXIT_FAILURE. */
int cluster_command_fail(const char *fmt, ...) ATTR_PRINTF(1, 2);

/** What would help when Redis says this, to stand behind it; "" where that is plain. */
const char *cluster_command_hint(const char *why);

/** The options that all of them have, and those of status. */
void cluster_command_help(struct buf *out);
void cluster_command_status_help(struct buf *out);

#endif
