/**
 * Sessions: identity that survives sockets. States: attached (a node holds its socket), suspended (until its grace is over), superseded (by the same
 * device; its seats wait for it), ended. Only the store moves them.
 */
#ifndef NODE_STORE_SESSIONS_H
#define NODE_STORE_SESSIONS_H

#include "node/store/store.h"

struct session_answer {
    enum err err;
    struct id other;   /* create with ERR_CONFLICT: the device's session, or none */
    uint64_t epoch;    /* attach */
    uint64_t seq;      /* attach, read: the last event there is */
    uint64_t answered; /* attach: the highest request that was answered with an effect */
    uint64_t seats;    /* create, attach: that all sessions of the user hold */
    /* create: of the old session, and what rings; attach, read: its own; read: what it is out of, too; end: where it may sit (without text) */
    size_t seating_count;
    struct store_seating seatings[STORE_SEATINGS_MAX];
};
typedef void session_answer_fn(void *context, const struct session_answer *);

/** Who a device is. Slices are copied. */
struct session_device {
    struct slice user;
    struct slice device;
    struct slice name;
};

/**
 * A new session for the device on this node, epoch 1. It supersedes `old` (or none): that one's socket is closed, and it keeps its seats for grace_ms.
 * ERR_CONFLICT: the device's session is another, `other`: whoever does not know asks with none first. ERR_STALE: what was asked later was done before.
 * ERR_RATE_LIMITED: the user has too many devices.
 */
struct session_create {
    struct id id;
    struct slice key; /* the client's proof at resume */
    struct session_device device;
    struct id old;
    uint64_t grace_ms;
    uint64_t asked_ms; /* by whom it is for; the steady clock */
};
void store_session_create(struct store *, const struct session_create *, session_answer_fn *, void *context);

/** Continues a session on this node, in its next epoch, if every event after `seq` is still there. ERR_GONE otherwise, and for a wrong key. ERR_STALE: what was asked
 * later, here or elsewhere, was done before. */
struct session_attach {
    struct id id;
    struct slice key;
    struct session_device device;
    uint64_t seq;
    /* A number that this node gives once, so that the attach can be taken back if its answer is lost. */
    uint64_t attempt;
    uint64_t asked_ms; /* by the client; the steady clock */
};
void store_session_attach(struct store *, const struct session_attach *, session_answer_fn *, void *context);

/** The socket of that epoch is gone: suspends. ERR_STALE: a later attach has it. */
struct session_detach {
    struct id id;
    struct slice user;
    uint64_t epoch;   /* 0: not known, */
    uint64_t attempt; /* then that attempt's, if it was made */
    uint64_t grace_ms;
};
void store_session_detach(struct store *, const struct session_detach *, store_done_fn *, void *context);

/**
 * Ends it: with its epoch (bye), or with 0 (grace over; ERR_STALE if it is held). Then the caller frees its seats and forgets it; if the caller dies, the
 * owner of the partition does so after `retry_ms`. ERR_GONE: there is none.
 */
struct session_end {
    struct id id;
    struct slice user;
    uint64_t epoch;
    uint64_t retry_ms;
};
void store_session_end(struct store *, const struct session_end *, session_answer_fn *, void *context);
/** The last step: nothing of it remains. */
void store_session_forget(struct store *, const struct id *, struct slice user, store_done_fn *, void *context);

/** The client has handled everything up to `seq`. */
void store_session_ack(struct store *, const struct id *, uint64_t seq);

/** Some events after `after`, rising, and the session's seatings in `answer`. ERR_NOT_FOUND; ERR_GONE: no socket holds it; ERR_STALE: a later attach has it. */
typedef void mailbox_page_fn(void *context, const struct session_answer *answer, uint64_t first_seq,
                             const struct slice *bodies, size_t count);
enum { MAILBOX_PAGE = 64 };
void store_mailbox_read(struct store *, const struct id *, uint64_t epoch, uint64_t after, mailbox_page_fn *,
                        void *context);

/**
 * The answer that was kept for a request: ERR_OK with the reply's body; ERR_NOT_FOUND: it had no effect that needs remembering; ERR_GONE: it is older than all
 * that are kept, and nobody knows any more.
 */
typedef void reply_found_fn(void *context, enum err, struct slice body);
void store_reply_find(struct store *, const struct id *, uint64_t request, reply_found_fn *, void *context);

#endif
