/**
 * Putting back what the store has lost: after it was emptied, or came back without its newest writes. Each node brings what it knows of the sessions whose
 * sockets it holds. All of it may be said at any time, by several nodes at once: what the store knows as well or better stays.
 */
#ifndef NODE_STORE_HEAL_H
#define NODE_STORE_HEAL_H

#include "node/store/calls.h"

/** A session whose socket this node holds. Slices are copied. */
struct session_restore {
    struct id id;
    struct slice key;
    struct session_device device;
    uint64_t epoch;
    uint64_t seq; /* the last event that went to the socket: no number comes twice */
    bool make;    /* it is made again if the store does not know it; else that is ERR_GONE */
    const struct store_seating *seatings;
    size_t seating_count;
};
struct restored {
    /* ERR_STALE: a later attach or session has its place; ERR_GONE: it is over, or this node was taken for dead. */
    enum err err;
    uint64_t seq;         /* the last event there is */
    bool was_lost;        /* something of it, or all */
    bool forgot;          /* its newest events, too: what was put there since is lost as well */
    size_t seating_count; /* where it sits and rings by all that is known, the texts in full */
    struct store_seating seatings[STORE_SEATINGS_MAX];
};
typedef void restored_fn(void *context, const struct restored *);
/** Puts back what is missing of it, never takes anything back. */
void store_session_restore(struct store *, const struct session_restore *, restored_fn *, void *context);

/**
 * The answer for a call. ERR_OK with `change`: all is well, or it has just been put back, and the change is to be brought out; `change->version` 0:
 * noted, it is put back when the others have spoken or their time is over. ERR_HOLE: the session (or the user's devices) missed what nobody keeps any
 * more; `missed` brings it where the call stands: one entry, for a delivery or a ring.
 */
typedef void restored_call_fn(void *context, enum err, const struct call_answer *change,
                              const struct delivery_entry *missed);
/** Of a session, perhaps another node's: who it is, for its calls. */
struct peeked {
    enum err err; /* ERR_NOT_FOUND: there is none, or it does not sit in that call */
    struct session_device device;
    uint64_t mark;        /* as store_call_restore() takes it */
    struct slice seating; /* in that call, with the version */
};
typedef void peeked_fn(void *context, const struct peeked *);
void store_session_peek(struct store *, const struct id *session, const struct id *call, peeked_fn *, void *context);
/** The actor's session sits in the call. */
struct call_restore {
    struct slice seating; /* "7;52r;1=<session>;" */
    uint64_t mark;        /* twice the epoch of the session, and one more if it is suspended */
    bool forgot;          /* it may have lost what the call's log has: it is told where it stands */
    uint64_t grace_ms;    /* for which the seat of one waits whose node does not speak */
};
void store_call_restore(struct store *, const struct call_actor *, const struct call_restore *, restored_call_fn *,
                        void *context);
/** The user's devices ring since `version`. */
void store_ring_restore(struct store *, const struct id *call, struct slice user, uint64_t version, restored_call_fn *,
                        void *context);
/** A member's session is not there: its seat waits for grace_ms for its node to put it back. ERR_NOT_FOUND, ERR_GONE. */
void store_call_missing(struct store *, const struct id *call, const struct id *session, uint64_t grace_ms,
                        call_answer_fn *, void *context);
/** The timer of a call's healing fired. ERR_GONE: there was nothing to do. */
void store_call_healed(struct store *, const struct id *call, uint64_t grace_ms, call_answer_fn *, void *context);

#endif
