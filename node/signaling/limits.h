/**
 * Limits that count calls: what a user may do is counted by the store, where all devices and nodes meet; what one socket may do stands before it here, so that
 * whoever asks for too much costs the store nothing.
 */
#ifndef NODE_SIGNALING_LIMITS_H
#define NODE_SIGNALING_LIMITS_H

struct call_answer;
struct request;

/** Goes on with `sit` if the user may take one more seat, on whichever device the others are, or sits in rq->call already; otherwise answers. */
void request_sit(struct request *, void (*sit)(struct request *));
/** Answers: the store did not create a call. */
void request_fail_start(struct request *, const struct call_answer *);
/** Answers: an id was named that is none of a call that this user may know of. That is counted. */
void request_fail_wrong_id(struct request *);
/** Answers: the store did not do it, because of a wrong id perhaps, or because it has lost the call. */
void request_fail_call(struct request *, const struct call_answer *);

#endif
