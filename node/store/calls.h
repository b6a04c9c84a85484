/**
 * Calls: who sits where, and the log of what changed. A change is atomic in the call's partition; then whoever made it brings the members' mailboxes
 * up to its version (store_deliver) and says so (store_fanout_done). If that one dies in between, the partition's owner does it.
 */
#ifndef NODE_STORE_CALLS_H
#define NODE_STORE_CALLS_H

#include "node/store/sessions.h"

/** One version of a call as its log has it. */
struct call_entry {
    uint64_t version;
    struct slice targets; /* whom it concerns and how (node/call/seating.h) */
    struct slice seating; /* after it, without the version */
    struct slice body;    /* the event */
    struct slice ring;    /* what devices hear that ring or stop ringing by it (store_ring()) */
    struct slice
        whole; /* the one session that the body is for, and `others` for everybody else; empty: it is for all */
    struct slice others;
};
enum { CALL_ENTRIES_MAX = 64 };

struct call_answer {
    enum err err;
    uint64_t version;   /* ERR_NOT_FOUND: of the call, if there is one */
    uint64_t fanned;    /* every mailbox was up to this version before */
    size_t entry_count; /* what this change added; 0: it had been made before, or changed nothing */
    const struct call_entry *entries;
    unsigned peer;        /* the own seat; offer_add with ERR_CONFLICT: the taker's */
    struct id taker;      /* offer_add with ERR_CONFLICT */
    bool relay;           /* likewise: no address may pass to it, whatever the own seating says yet */
    struct slice members; /* msgpack array, as clients see it */
    /* create with ERR_RATE_LIMITED */
    uint64_t retry_after_ms;
    bool seated; /* it is the seats that the user holds, not the calls of the last minute */
    /* create, when the call was there already */
    struct slice rung; /* "\nuser\nuser\n": who was ever invited */
    struct id crossed; /* with ERR_CONFLICT: it was taken back for this one; none: the id is another's */
    /* take, accept, join */
    struct slice offer;      /* msgpack value */
    struct slice candidates; /* msgpack values, end to end */
    uint64_t candidate_count;
    bool plain; /* they were stored before the call got relay privacy: addresses are still in them */
    struct slice from;
    struct slice from_name;
    /* get */
    struct slice state, starter, privacy, seating;
    struct slice ringing; /* msgpack array of users */
    unsigned seats;
    bool locked;
    bool own; /* the seat is this session's; false: its device's earlier session's */
    uint64_t created_ms;
};
typedef void call_answer_fn(void *context, const struct call_answer *);

/** Who acts on which call. Slices are copied. */
struct call_actor {
    struct id call;
    struct id session;
    struct session_device device;
    /* The client's, which may be sent again (join, leave, invite, alert, accept, reject, cancel); 0: none. */
    uint64_t request;
    /* Of the attach that says it: what an older one says is ERR_STALE; 0: on behalf of a session that is over. */
    uint64_t epoch;
};
/** The last word that store_call_mark() takes about a session: it is superseded, and its seat waits for its device. */
#define SUPERSEDED_EPOCH (UINT64_C(1) << 40)

struct call_create {
    struct call_actor actor;
    unsigned seats;
    struct slice allow; /* "", "*" or "\nuser\nuser\n" */
    bool open;          /* stays while anyone is seated */
    bool relay;
    struct slice offer;      /* msgpack value; empty: none */
    struct slice candidates; /* msgpack values, end to end */
    size_t candidate_count;
    uint64_t ttl_ms;      /* of the offer; 0: none */
    struct slice callees; /* "user\nuser\n": they are invited; one, if there is an offer */
    uint64_t ring_ms;
    bool unreachable;  /* nobody whom it is for can be reached */
    bool full;         /* the session sits in as many calls as it may */
    struct slice meta; /* msgpack value; empty: none */
};
/**
 * Sent again: the same call, whoever can be reached by then and wherever the session sits. ERR_CONFLICT: the id is another's, or the call was taken back
 * (store_call_discard()). ERR_UNREACHABLE. ERR_RATE_LIMITED: the user has started too many of late, or sits in too many.
 */
void store_call_create(struct store *, const struct call_create *, call_answer_fn *, void *context);
/** ERR_NOT_FOUND, ERR_GONE, ERR_FORBIDDEN, ERR_CONFLICT (the poster itself). */
void store_offer_take(struct store *, const struct call_actor *, call_answer_fn *, void *context);
/** Keeps early candidates with a waiting offer. ERR_CONFLICT: it is taken, send them to `peer`. ERR_NOT_FOUND, ERR_GONE, ERR_TOO_LARGE. */
void store_offer_add(struct store *, const struct call_actor *, uint64_t request, struct slice candidates, size_t count,
                     call_answer_fn *, void *context);
/** Who is being rung accepts by it, and gets the offer. ERR_NOT_FOUND, ERR_GONE, ERR_FORBIDDEN, ERR_CALL_FULL. */
void store_call_join(struct store *, const struct call_actor *, call_answer_fn *, void *context);
/** `peer` 0 leaves; another removes, which only the starter may. ERR_NOT_FOUND, ERR_GONE, ERR_FORBIDDEN. */
void store_call_leave(struct store *, const struct call_actor *, unsigned peer, const char *reason, call_answer_fn *,
                      void *context);
/** Only the starter may. ERR_NOT_FOUND, ERR_GONE, ERR_FORBIDDEN. */
void store_call_lock(struct store *, const struct call_actor *, bool locked, call_answer_fn *, void *context);
/** The member's socket of that epoch is gone, or back. What a later epoch has said stands. ERR_NOT_FOUND, ERR_GONE. */
void store_call_mark(struct store *, const struct call_actor *, uint64_t epoch, bool suspended, call_answer_fn *,
                     void *context);
/** For members. ERR_NOT_FOUND. */
void store_call_get(struct store *, const struct call_actor *, call_answer_fn *, void *context);
/** The timer of a waiting offer fired. ERR_GONE: there was nothing to expire. */
void store_offer_expire(struct store *, const struct id *call, call_answer_fn *, void *context);

/** The log after `after`; `fanned` is set. ERR_NOT_FOUND if the call is forgotten. */
void store_log_read(struct store *, const struct id *call, uint64_t after, call_answer_fn *, void *context);

/** One version for one session. */
struct delivery_entry {
    uint64_t version;
    char mark; /* see node/call/seating.h */
    struct slice seating;
    struct slice body;
};
struct delivery {
    struct id session;
    struct id call;
    uint64_t request; /* with reply: the session's own request that made the change; 0: none */
    struct slice reply;
    const struct delivery_entry *entries; /* rising versions */
    size_t count;
};
/**
 * ERR_OK: it is up to date. ERR_HOLE: it stands at `version`, send what comes after that. ERR_NOT_FOUND: there is no such session. ERR_GONE: it has ended.
 * ERR_OVERRUN: its mailbox was full, it is over.
 */
typedef void delivered_fn(void *context, enum err, uint64_t version);
void store_deliver(struct store *, const struct delivery *, delivered_fn *, void *context);
/** All mailboxes have `first` to `last`. */
void store_fanout_done(struct store *, const struct id *call, uint64_t first, uint64_t last);

/** Signals of one sender to one recipient. */
struct signal_item {
    uint64_t request;
    /* One stored before for the pair, of which the node knows that nothing between is still to come; 0: none. */
    uint64_t previous;
    struct slice body; /* msgpack map of fewer than 15 pairs that lacks the last: the store puts `version` behind it */
};
struct signal_batch {
    struct id recipient;
    struct id call;
    unsigned from; /* the sender's peer */
    struct id sender;
    uint64_t taken_us;               /* steady clock: when the first came off its socket */
    const struct signal_item *items; /* rising requests */
    size_t count;
};
enum { SIGNAL_BATCH_MAX = 32 };
/** ERR_OK: all are stored (each once). ERR_NOT_FOUND: they don't sit in that call together, by what the recipient knows of it, up to `version` (0: nothing).
 * ERR_OVERRUN: the recipient is over. */
void store_signal(struct store *, const struct signal_batch *, delivered_fn *, void *context);

#endif
