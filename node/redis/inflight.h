/**
 * The commands that wait for their answer, in order, with their bytes: so that they can be written again on a new connection. Bounded in number and bytes.
 *
 * A command that was given up (its time was over) stays while its answer may still come, to keep the order; it is not written again.
 */
#ifndef NODE_REDIS_INFLIGHT_H
#define NODE_REDIS_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/slice.h"
#include "node/redis/client.h"

struct inflight_command {
    size_t bytes;
    uint64_t queued_us;
    redis_reply_fn *fn;
    void *context;
};

struct inflight {
    struct inflight_command *ring;
    size_t room; /* a power of two */
    size_t head;
    size_t n;
    size_t given_up;  /* the first so many of them */
    struct buf bytes; /* of commands that are gone, then of those in the ring */
    size_t gone;      /* how many of the bytes are of the first kind */
    size_t written;   /* of the second kind, on this connection */
    size_t max;
    size_t bytes_max;
};

/** At most `max` commands of `bytes_max` bytes together. */
void inflight_init(struct inflight *, size_t max, size_t bytes_max);
/** Without answers: whoever waits is told by the owner before. */
void inflight_finish(struct inflight *);

/** False when it is full. */
bool inflight_push(struct inflight *, const struct slice *args, size_t count, const struct inflight_command *);

/** Not yet written on this connection. */
struct slice inflight_unwritten(const struct inflight *);
/** So many of those bytes went out. */
void inflight_wrote(struct inflight *, size_t n);
/** Whether an answer must come. */
static inline bool inflight_expects_answer(const struct inflight *q)
{
    return q->written > 0;
}

/** The answer to the oldest came. False when that one was not yet written, so that it can't be. *ret_given_up: nobody wants it any more. */
bool inflight_answer(struct inflight *, struct inflight_command *ret_command, bool *ret_given_up);
/** The oldest that was not given up; NULL when there is none. Until the next change. */
const struct inflight_command *inflight_oldest(const struct inflight *);
/** Gives that one up. There must be one. */
struct inflight_command inflight_give_up(struct inflight *);
/** The connection broke: all is to be written again. Returns how many had been written, wholly or in part. */
size_t inflight_rewind(struct inflight *);

#endif
