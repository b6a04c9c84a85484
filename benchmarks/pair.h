/**
 * Two clients of which one posts offers and the other takes them: a call's set-up, and signals both ways.
 *
 * The caller is peer 1, the callee peer 2. Between two peers signals stay in order, so the n-th that comes is the n-th that was sent: that is how their times
 * are matched.
 */
#ifndef BENCHMARKS_PAIR_H
#define BENCHMARKS_PAIR_H

#include "benchmarks/client.h"
#include "common/base/id.h"

enum { CALLER, CALLEE, SIDES };
enum { SIGNALS_IN_FLIGHT_MAX = 64 };
enum pair_state { PAIR_IDLE, PAIR_POSTING, PAIR_TAKING, PAIR_TALKING, PAIR_LEAVING };

struct pair;

struct pair_handlers {
    /** The callee has the offer, the caller knows its taker, the answer is on its way; both may send. */
    void (*on_talking)(struct pair *);
    /** A signal came to `side`, `us` after it was due to be sent; the first to the caller is the answer. */
    void (*on_signal)(struct pair *, int side, uint64_t us);
    /** After pair_leave(): both know that the call has ended. */
    void (*on_idle)(struct pair *);
};

/** Filled once; the texts that all pairs send. */
struct script {
    struct buf offer, answer, candidate;
    size_t candidates_per_signal;
};

struct pair {
    struct client *clients[SIDES];
    const struct script *script;
    const struct pair_handlers *on;
    void *owner;
    enum pair_state state;
    char call[CLIENT_ID_SIZE];
    uint64_t awaited_id; /* of the request whose `ok` moves the state on; those of signals are not waited for */
    bool taken, joined;  /* the callee's `ok`, the caller's event */
    bool left, ended;    /* the caller's `ok`, the callee's event */
    uint64_t posted_us;  /* when the set-up was due */
    uint64_t sent[SIDES], received[SIDES]; /* by side: signals from it, signals to it */
    uint64_t due_us[SIDES][SIGNALS_IN_FLIGHT_MAX];
};

void script_init(struct script *, size_t candidates_per_signal);
void script_finish(struct script *);

/** Takes over both clients, which have their welcome. */
void pair_init(struct pair *, struct client *caller, struct client *callee, const struct script *,
               const struct pair_handlers *, void *owner);
/** Posts an offer, takes it, answers. `due_us` is when that should have begun. */
void pair_post(struct pair *, uint64_t due_us);
/** Sends a signal with candidates from `side`. */
void pair_signal(struct pair *, int side, uint64_t due_us);
/** The caller leaves. */
void pair_leave(struct pair *);

#endif
