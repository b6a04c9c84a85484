/**
 * Fan-out: a change of a call goes to the mailbox of each session that it concerns, in the order of versions, before anybody says ok (docs/architecture.md). If
 * this node dies in between, the partition's owner goes on from the call's log.
 */
#ifndef NODE_SIGNALING_FANOUT_H
#define NODE_SIGNALING_FANOUT_H

#include "common/base/err.h"
#include "common/base/id.h"

struct call_answer;
struct fanout;
struct request;
struct signaling;

/* ---- for a request ---- */

/**
 * Brings out the change of rq->call that the store has answered, keeps rq->reply with the own session's share, then answers the request. `a` need not live that
 * long.
 */
void fanout_for_request(struct request *, const struct call_answer *a);
/** The same in two steps, for a story that has more to do in between: nothing is told, and the request is the story's, until fanout_go(). */
struct fanout *fanout_hold(struct request *, const struct call_answer *a);
/** Tells it, and answers the request. */
void fanout_go(struct fanout *);
/** It is not told; the request is still the story's. NULL is fine. */
void fanout_drop(struct fanout *);

/* ---- for whoever else ---- */

/** All legs are done, or one has failed: then it is for the timer to bring the change out. NULL where nobody waits. */
typedef void fanout_done_fn(void *context, enum err);
/** Brings out a change that no client asked for here. */
void fanout_start(struct signaling *, const struct id *call, const struct call_answer *, fanout_done_fn *,
                  void *context);
/** Brings out what the call's log still has: where another node stopped, or has not come to yet. */
void fanout_resume(struct signaling *, const struct id *call, fanout_done_fn *, void *context);
/** Frees the seat of a session that is no more, and tells the call. One that is free already is as good. */
void fanout_leave(struct signaling *, const struct id *call, const struct id *session, const char *reason,
                  fanout_done_fn *, void *context);

#endif
