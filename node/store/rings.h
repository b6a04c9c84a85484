/**
 * Ringing: who can be reached, inviting and its ends, and the devices that ring. An invitation is the call's; that it rings is kept with the user, so that a
 * device which comes later rings too.
 */
#ifndef NODE_STORE_RINGS_H
#define NODE_STORE_RINGS_H

#include "node/store/calls.h"

/** Whether somebody can be rung now. */
enum reach {
    REACH_NONE,    /* no device; or the user has blocked the caller, who must not learn it */
    REACH_WAITING, /* there is one, but it has lost its socket, or nobody may know of it */
    REACH_RINGING, /* one is attached */
};
typedef void reach_fn(void *context, enum err, enum reach);
void store_user_reach(struct store *, struct slice user, struct slice caller, reach_fn *, void *context);

struct call_invitation {
    struct slice user;
    uint64_t ring_ms;
    bool unreachable; /* nobody can be rung there; that the user sits or rings there already is told all the same */
};
/**
 * The actor rings one more. ERR_NOT_FOUND, ERR_GONE, ERR_FORBIDDEN, ERR_CONFLICT (sits or rings there), ERR_CALL_FULL, ERR_UNREACHABLE. Sent again when it was
 * done: ERR_OK, though the user has gone since.
 */
void store_call_invite(struct store *, const struct call_actor *, const struct call_invitation *, call_answer_fn *,
                       void *context);
/** The actor's device rings audibly. ERR_NOT_FOUND, ERR_GONE. */
void store_call_alert(struct store *, const struct call_actor *, call_answer_fn *, void *context);

struct call_acceptance {
    struct slice answer;         /* msgpack value; empty: none */
    struct slice answer_blanked; /* the same without addresses, for a call with relay privacy */
    bool glare;                  /* it is a call.start that crosses with this call */
    bool relay;                  /* glare: which wants relay privacy */
};
/**
 * Answers as store_offer_take(), `offer` empty where none came with the invitation. ERR_NOT_FOUND, ERR_GONE (over, or another was first), ERR_CALL_FULL,
 * ERR_CONFLICT (the device sits there, or the answer has no offer). Glare: ERR_NOT_FOUND when there is nothing to cross with, ERR_GONE when another device of
 * the user has just answered.
 */
void store_call_accept(struct store *, const struct call_actor *, const struct call_acceptance *, call_answer_fn *,
                       void *context);
/** ERR_NOT_FOUND, ERR_GONE. */
void store_call_reject(struct store *, const struct call_actor *, const char *reason, call_answer_fn *, void *context);
/** The timer of a ring fired. ERR_GONE, ERR_STALE: there was nothing to end. */
void store_ring_expire(struct store *, const struct id *call, struct slice user, call_answer_fn *, void *context);
/** `user` empty: all that the actor may take back, and the call if nobody joined. ERR_NOT_FOUND, ERR_GONE, ERR_FORBIDDEN. */
void store_call_cancel(struct store *, const struct call_actor *, struct slice user, call_answer_fn *, void *context);

/**
 * Glare: claims the pair of caller and callee for `call`; for no time: only looks. ERR_CONFLICT: the other's call in `other` came first. `over`: a call that was in the
 * way and is over.
 */
struct pair_claim {
    struct id call;
    struct slice caller, callee;
    struct id over;
    uint64_t ms;
};
typedef void claim_fn(void *context, enum err, const struct id *other);
void store_pair_claim(struct store *, const struct pair_claim *, claim_fn *, void *context);
/** Takes back a call that lost, before anybody was told; which one stands in its place is kept. ERR_CONFLICT: it must be left as any other. */
struct call_discard {
    struct id call;
    struct id session; /* that started it */
    struct id other;   /* the call in its place */
    bool untold;       /* whoever made it has told nobody; the partition's owner may have, the store knows that */
};
void store_call_discard(struct store *, const struct call_discard *, store_done_fn *, void *context);

/** What a device that comes while its user is being rung is told: a msgpack fixmap without its last pair, `in_call`. ERR_NOT_FOUND. */
struct incoming {
    struct slice body;
    struct slice candidates; /* msgpack values, end to end */
    uint64_t candidate_count;
};
typedef void incoming_fn(void *context, enum err, const struct incoming *);
void store_call_incoming(struct store *, const struct id *call, struct slice user, incoming_fn *, void *context);

/** One version of a call for all devices of one user. */
struct ring_entry {
    uint64_t version;
    char mark;       /* `?` rings (the body lacks its last pair: `in_call`), `x` stops ringing */
    struct id named; /* a session that is spoken of by name; none */
    char named_mark; /* its mark: `*` sits down, `o` stops silently; 0: it has a delivery of its own */
    struct slice seating;
    struct slice body;
};
struct ring {
    struct id call;
    struct slice user;
    struct slice caller; /* if the user has blocked that one, nothing rings */
    struct id actor;     /* the session whose request it is, if it is one of the user's; none */
    uint64_t request;    /* its request and reply */
    struct slice reply;
    const struct ring_entry *entries; /* rising versions */
    size_t count;
};
/**
 * ERR_OK; ERR_HOLE: one of the devices has not been told of what came before, and has to be tried again; ERR_GONE, ERR_OVERRUN: the acting session is over;
 * ERR_NOT_FOUND: there is none.
 */
typedef void ring_fn(void *context, enum err);
void store_ring(struct store *, const struct ring *, ring_fn *, void *context);

#endif
