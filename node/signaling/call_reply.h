/**
 * What a client hears of a call that the store has answered for.
 */
#ifndef NODE_SIGNALING_CALL_REPLY_H
#define NODE_SIGNALING_CALL_REPLY_H

struct buf;
struct call_answer;
struct id;
struct request;

/** call_answer_fn of a request (its context) that has no more to say than the call's new version: brings the change out and answers. */
void on_call_changed(void *context, const struct call_answer *);
/** The same of one by which its session sits down: its peer, the members, the offer that waited for it. */
void on_call_seated(void *context, const struct call_answer *);
/** Answers: the session may not sit down. */
void request_fail_seat(struct request *, const struct call_answer *);

/** `offer` and `candidates`, two pairs, if there is an offer. */
void offer_put(struct buf *, const struct call_answer *);

enum { SNAPSHOT_PAIRS = 10 };
/** The pairs of a snapshot; the caller has put the map's head. */
void snapshot_put(struct buf *, const struct id *call, const struct call_answer *);

#endif
