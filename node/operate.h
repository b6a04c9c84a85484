/**
 * The commands of an operator have this in common: they find the cluster by its Redis, take names beside options, and end with 0 (done), 1 (not done: a
 * sentence on stderr says why) or 2 (called wrongly).
 */
#ifndef NODE_OPERATE_H
#define NODE_OPERATE_H

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "node/redis/client.h"

enum { OPERATE_NAMES_MAX = 2 };

struct operate {
    struct redis_url url;
    const char *names[OPERATE_NAMES_MAX]; /* what stood beside the options */
    int name_count;
    bool watch; /* status only */
    bool json;
    struct option_memory *memory;
    struct option_memory *file_memory; /* NULL: no file was read */
};

/** What the command line is to have. */
struct operate_form {
    const char *command; /* as it is typed: "call end" */
    const char *usage;   /* the same with the names that it takes: "call end CALL" */
    int names;           /* OPERATE_NAMES_MAX at most */
    const char *missing; /* what to say when there are fewer: "which user?" */
    bool is_status;      /* has --watch and --json */
};

/** --redis and --redis-ca may also stand in the environment or in a settings file, as for a node. True: to be finished. Else *ret_code, and what was wrong has been said. */
bool operate_begin(const struct operate_form *, int argc, const char *const *argv, struct operate *ret,
                   int *ret_code) ATTR_MUST_USE;
void operate_finish(struct operate *);
/** Says it on stderr, with a full stop; EXIT_FAILURE. */
int operate_fail(const char *fmt, ...) ATTR_PRINTF(1, 2);

/** What would help when Redis says this, to stand behind it; "" where that is plain. */
const char *operate_hint(const char *why);

/** The options that all of them have, and those of status. */
void operate_help(struct buf *out);
void operate_status_help(struct buf *out);

#endif
