/**
 * A store that only writes down what it is asked; the test answers, in any order, with whatever it likes.
 *
 * Every question of node/store's headers is kept as a struct asked until it is answered.
 */
#ifndef TESTS_UNIT_NODE_SIGNALING_FAKE_STORE_H
#define TESTS_UNIT_NODE_SIGNALING_FAKE_STORE_H

#include "node/store/calls.h"
#include "node/store/cluster.h"
#include "node/store/heal.h"
#include "node/store/people.h"
#include "node/store/presence.h"
#include "node/store/rings.h"

enum asked_kind {
    ASKED_CREATE,
    ASKED_ATTACH,
    ASKED_DETACH,
    ASKED_END,
    ASKED_FORGET,
    ASKED_ACK,
    ASKED_READ,
    ASKED_REPLY,
    ASKED_CALL_CREATE,
    ASKED_TAKE,
    ASKED_ADD,
    ASKED_JOIN,
    ASKED_LEAVE,
    ASKED_LOCK,
    ASKED_MARK,
    ASKED_GET,
    ASKED_EXPIRE,
    ASKED_LOG,
    ASKED_DELIVER,
    ASKED_DONE,
    ASKED_SIGNAL,
    ASKED_LEASE,
    ASKED_DUE,
    ASKED_HOLDERS,
    ASKED_HELD,
    ASKED_SWEEP,
    ASKED_HELD_DONE,
    ASKED_REACH,
    ASKED_INVITE,
    ASKED_ALERT,
    ASKED_ACCEPT,
    ASKED_REJECT,
    ASKED_RING_EXPIRE,
    ASKED_CANCEL,
    ASKED_CLAIM,
    ASKED_DISCARD,
    ASKED_INCOMING,
    ASKED_RING,
    ASKED_BLOCK_SET,
    ASKED_BLOCK_GET,
    ASKED_WRONG_ID,
    ASKED_SEATS,
    ASKED_RESTORE,
    ASKED_RESTORE_CALL,
    ASKED_RESTORE_RING,
    ASKED_PEEK,
    ASKED_HEALED,
    ASKED_MISSING,
    ASKED_PRESENCE_SET,
    ASKED_PRESENCE_GET,
};

enum { ASKED_TEXT_MAX = 2048 };

struct asked {
    struct asked *next;
    enum asked_kind kind;
    struct id session; /* whom it is about: create, attach …; deliver and signal: the recipient */
    struct id call;    /* or none */
    struct id other;   /* create: the old session */
    uint64_t number;   /* seq, epoch, after, request or partition */
    uint64_t epoch;    /* of who changes a call */
    uint64_t attempt;  /* attach, detach */
    /*
     * deliver: "2+ 3~"; signal: "5<0 6<5" (request<previous); done: "1-3"; leave: "0 hangup"; mark: "suspended" or "here"; read: "epoch 1"; reach: "bob for
     * alice"; ring: "bob for alice: 1? 2x", "bob for : 2x(*)" where the acting session goes along; claim: "alice bob"; …
     */
    char text[ASKED_TEXT_MAX];
    char reply[ASKED_TEXT_MAX]; /* deliver, ring: the reply as JSON, "" for none */
    union {
        session_answer_fn *session;
        mailbox_page_fn *page;
        reply_found_fn *reply;
        call_answer_fn *call;
        delivered_fn *delivered;
        store_done_fn *done;
        nodes_fn *nodes;
        holders_fn *holders;
        held_fn *held;
        due_fn *due;
        reach_fn *reach;
        claim_fn *claim;
        incoming_fn *incoming;
        ring_fn *ring;
        blocked_fn *blocked;
        charged_fn *charged;
        seats_fn *seats;
        restored_fn *restored;
        restored_call_fn *restored_call;
        peeked_fn *peeked;
        presence_fn *presence;
    } fn;
    void *context;
};

struct store {
    struct asked *open;  /* in the order in which they were asked */
    char following[256]; /* "+alice -alice ": as it was said */
};

/** The oldest open question of that kind, or NULL. */
struct asked *fake_find(struct store *, enum asked_kind);
/** Open questions, leases and timers apart. */
size_t fake_open(const struct store *);
/** Answers it as the kind wants and forgets it. `entries` and the like are only read. */
void fake_session(struct store *, struct asked *, const struct session_answer *);
void fake_call(struct store *, struct asked *, const struct call_answer *);
void fake_page(struct store *, struct asked *, const struct session_answer *, uint64_t first,
               const struct slice *bodies, size_t count);
void fake_reply(struct store *, struct asked *, enum err, struct slice body);
void fake_delivered(struct store *, struct asked *, enum err, uint64_t version);
void fake_done(struct store *, struct asked *, enum err);
void fake_nodes(struct store *, struct asked *, const struct node_id *, size_t count);
/** The same with the dead among them, and with the own lease having lapsed. */
void fake_leases(struct store *, struct asked *, bool lapsed, const struct node_lease *, size_t count);
void fake_holders(struct store *, struct asked *, const struct node_id *, size_t count);
void fake_held(struct store *, struct asked *, const struct id *, size_t count);
void fake_due(struct store *, struct asked *, const struct due_timer *, size_t count);
void fake_reach(struct store *, struct asked *, enum err, enum reach);
/** `other`: with ERR_CONFLICT. */
void fake_claim(struct store *, struct asked *, enum err, const struct id *other);
void fake_incoming(struct store *, struct asked *, const struct incoming *);
void fake_blocked(struct store *, struct asked *, const struct slice *users, size_t count);
void fake_charged(struct store *, struct asked *, enum err, uint64_t retry_after_ms);
void fake_seats(struct store *, struct asked *, uint64_t seats);
void fake_presence(struct store *, struct asked *, const struct presence_answer *);
void fake_restored(struct store *, struct asked *, const struct restored *);
/** `missed`: with ERR_HOLE. */
void fake_restored_call(struct store *, struct asked *, const struct call_answer *change,
                        const struct delivery_entry *missed);
void fake_peeked(struct store *, struct asked *, const struct peeked *);
/** With that outcome and nothing else, whatever kind it is. */
void fake_err(struct store *, struct asked *, enum err);
/** The store that always fails: everything that is open, and what is asked meanwhile, is answered with ERR_UNAVAILABLE. */
void fake_fail_all(struct store *);

#endif
