/**
 * Commands as Redis reads them: `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`. Into memory the caller sized, so that a command costs no allocation.
 */
#ifndef NODE_REDIS_RESP_H
#define NODE_REDIS_RESP_H

#include <stddef.h>

#include "common/base/slice.h"

struct buf;
struct redisReply;

/** How many bytes resp_write() will write. */
size_t resp_size(const struct slice *args, size_t count);
/** Writes the command to `out`, which has resp_size() bytes; returns where it ended. */
char *resp_write(char *out, const struct slice *args, size_t count);
/** Appends the command. */
void resp_put(struct buf *, const struct slice *args, size_t count);

/** The first word of an error (`NOSCRIPT`), or "" when the reply is none. Lives as long as the reply. */
struct slice resp_error_code(const struct redisReply *);

#endif
