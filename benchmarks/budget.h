/**
 * How many script calls a step of a call may cost, and how many answers of Redis it may wait for, one after another.
 *
 * One table: benchmarks/README.md shows it, tests/system/budget.test.mjs holds a quiet cluster against it exactly, and the parts hold what they measure against it.
 */
#ifndef BENCHMARKS_BUDGET_H
#define BENCHMARKS_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include "benchmarks/tally.h"

/*  id, step, script calls allowed, waits allowed, the scripts it calls, its other commands, what happens */
#define BUDGET_TABLE(X)                                                                                                \
    X(ATTACH, "attach", 1, 1, "session_create", "", "hello of a device that has no session")                           \
    X(START, "start", 5, 4, "user_reach call_create pair_claim deliver ring", "",                                      \
      "call.start to one user with an offer: until the `ok`, and their devices ring")                                  \
    X(ALERT, "alert", 3, 2, "call_alert deliver deliver", "", "call.alert: until the caller knows")                    \
    X(ACCEPT, "accept", 3, 2, "call_accept deliver ring", "",                                                          \
      "call.accept with an answer: until the caller has it and all devices have stopped ringing")                      \
    X(SIGNAL, "signal", 1, 1, "signal", "", "signal with one candidate or ten: until the other has it")                \
    X(HANG_UP, "hang up", 3, 2, "call_leave deliver deliver", "",                                                      \
      "call.leave: until the other knows that the call has ended")                                                     \
    X(REJECT, "reject", 3, 2, "call_reject deliver ring", "", "call.reject: until the caller knows")                   \
    X(POST, "post", 2, 2, "call_create deliver", "", "offer.post")                                                     \
    X(TAKE, "take", 4, 3, "user_seats offer_take deliver deliver", "", "offer.take: until the poster knows")           \
    X(JOIN, "join", 5, 3, "user_seats call_join deliver deliver deliver", "",                                          \
      "call.join of a third: until the other two know")                                                                \
    X(INVITE, "invite", 6, 3, "limit_charge user_reach call_invite deliver deliver ring", "",                          \
      "call.invite by one of two: until the other knows, and the third one's devices ring")                            \
    X(SUSPEND, "suspend", 4, 3, "session_detach call_mark deliver deliver", "",                                        \
      "a socket is lost whose session sits in a call of two: until the other knows")                                   \
    X(RESUME, "resume", 1, 1, "session_attach", "", "hello with `resume` at another node, in no call, nothing missed") \
    X(RESUME_SEATED, "resume in a call", 5, 3, "session_attach call_get call_mark deliver deliver", "",                \
      "the same, seated in a call of two: until the other knows")                                                      \
    X(STATUS, "status", 1, 1, "presence_set", "", "presence.set: until a watcher at another node knows")

enum budget_step {
#define X(id, step, scripts, waits, which, others, what) BUDGET_##id,
    BUDGET_TABLE(X)
#undef X
        BUDGET_STEPS
};

/** What one step cost that was alone; of several times the least, as all other work of the nodes only adds to it. */
struct budget_least {
    uint64_t scripts, waits;
};
/** Takes one more time into account: between two tallies the step was made `count` times. Start with zero `n`. */
void budget_take(struct budget_least *, size_t n, const struct tally *from, const struct tally *to);
/** A row that holds it against what the step may cost, made `count` times. Zero `waits`: they can't be told, several were under way at once. */
void budget_hold(enum budget_step, const struct budget_least *, uint64_t count);
/** Dies with the steps that cost more than they may, if any did. */
void budget_end(void);

#endif
