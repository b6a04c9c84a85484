/**
 * The verbs: all that a client can ask for. verbs.c is their table; each one's story begins in its x_run(), which owns the request and answers it, then or later.
 */
#ifndef NODE_SIGNALING_VERBS_H
#define NODE_SIGNALING_VERBS_H

#include <stdbool.h>

#include "common/base/slice.h"

struct field;
struct request;

struct verb {
    const char *type;
    const struct field *fields; /* held against the message before `run` */
    void (*run)(struct request *);
    bool is_kept; /* what it changes stays, and its answer is kept for the same request sent again */
};

/** NULL: there is no such verb. */
const struct verb *verb_find(struct slice type);
extern const struct verb verb_hello;

/* hello.c */
void hello_run(struct request *);
/* session_verbs.c */
void ping_run(struct request *);
void auth_renew_run(struct request *);
void ice_get_run(struct request *);
void bye_run(struct request *);
/* signal.c */
void signal_run(struct request *);
/* offer_post.c, offer_take.c */
void offer_post_run(struct request *);
void offer_take_run(struct request *);
/* call_start.c, call_invite.c */
void call_start_run(struct request *);
void call_invite_run(struct request *);
/* call_ring.c */
void call_alert_run(struct request *);
void call_reject_run(struct request *);
void call_cancel_run(struct request *);
/* call_accept.c, call_join.c, call_get.c */
void call_accept_run(struct request *);
void call_join_run(struct request *);
void call_get_run(struct request *);
/* call_leave.c */
void call_leave_run(struct request *);
void call_remove_run(struct request *);
void call_lock_run(struct request *);
/* presence.c */
void presence_set_run(struct request *);
void presence_watch_run(struct request *);
void presence_unwatch_run(struct request *);
/* people.c */
void block_set_run(struct request *);
void block_get_run(struct request *);

#endif
