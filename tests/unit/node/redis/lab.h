/**
 * The scripts on a real Redis, one call at a time, and people to try them with: for test_script_*.c.
 *
 * People are named "alice" or "alice/laptop" or "alice/laptop#2": user, device (phone unless said), and a number when the device has another session. All
 * sessions live in partition 17, all calls in partition 23. Answers come back as text: items parted by spaces, lists in brackets, bodies as JSON,
 * ids as the names they were made from: "ok 2 [[2 *bob +alice ;51a;1=alice;2=bob; {…}]] 0". Such a text is good for the next 15 answers.
 */
#ifndef TESTS_UNIT_NODE_REDIS_LAB_H
#define TESTS_UNIT_NODE_REDIS_LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "node/redis/script.h"
#include "tests/unit/node/redis/redis_server.h"

struct redisReply;
struct lab;

struct lab_limits {
    unsigned events_max, bytes_max, replies_kept, devices_max, candidates_max, candidate_bytes_max;
    unsigned starts_per_minute, seats_max; /* of one user */
    bool unreachable;                      /* whoever is called or invited */
};

struct lab *lab_open(void);
void lab_close(struct lab *);
struct redis_server *lab_server(struct lab *);
/** May be changed at any time. */
struct lab_limits *lab_limits(struct lab *);
/* When the clients asked for the sessions that are created or attached from now on; 0 at first: not known. */
void lab_asked_at(struct lab *, uint64_t ms);

/** A script, or a command in hiredis's way; the answer as text. */
const char *lab_run(struct lab *, enum script, const struct script_args *);
const char *lab_ask(struct lab *, const char *format, ...);
/** The last answer as it came; good until the next. */
const struct redisReply *lab_reply(struct lab *);
/** An integer or a number's text in that answer; aborts if it is neither. */
uint64_t lab_number(struct lab *, size_t i);
/** As above for any reply. */
const char *lab_show(struct lab *, const struct redisReply *);

struct id lab_session(const char *who);
struct id lab_call(const char *name);
/** What a session keeps of a call: "7;1=<id>;"; "nil". */
const char *lab_seating(struct lab *, const char *who, const char *call);
const char *lab_timer(struct lab *, unsigned partition, const char *format, ...) ATTR_PRINTF(3, 4);

/** What lab_signal() says about when its signals came. */
enum { LAB_TAKEN_US = 77 };
/** From now on what is published for this person's channel is heard; and what is for the channel of a session without a socket, "": a Redis Cluster refuses it. */
void lab_listen(struct lab *, const char *who);
/** The next envelope: "events alice 1 [{…}] call=7;1=alice;", "close alice 1 moved", "presence alice away 1 in_call seen note", "blocks alice 1 [bob] ";
 *  "" when there is none. */
const char *lab_heard(struct lab *);

/* ---- sessions ---- */
/** `old` NULL: none. Key "key-of-<who>", grace 20 s. */
const char *lab_session_create(struct lab *, const char *who, const char *old);
/** The attempt is called "<who>:1". */
const char *lab_session_attach(struct lab *, const char *who, unsigned seq);
const char *lab_session_detach(struct lab *, const char *who, unsigned epoch);
/** Where the epoch is not known. */
const char *lab_session_take_back(struct lab *, const char *who, const char *attempt);
const char *lab_session_sweep(struct lab *, const char *who, const char *dead, unsigned left_ms);
const char *lab_held_done(struct lab *, const char *dead);
const char *lab_session_end(struct lab *, const char *who, unsigned epoch);
const char *lab_session_forget(struct lab *, const char *who);
const char *lab_session_ack(struct lab *, const char *who, uint64_t seq);
/** By the attach of epoch 1, without the calls that it is out of. */
const char *lab_mailbox_read(struct lab *, const char *who, unsigned after, unsigned count);
/** By that attach, with all that is told. */
const char *lab_mailbox_read_in(struct lab *, const char *who, unsigned epoch, unsigned after, unsigned count);

/* ---- calls ---- */
/** The epoch that whoever acts says it in; 0, as at first: on behalf of a session that is over. */
void lab_set_epoch(struct lab *, unsigned epoch);
struct lab_offer {
    unsigned seats;
    const char *allow; /* NULL: "*" */
    bool room;         /* open */
    bool relay;
    const char *offer; /* NULL: none */
    bool bare;         /* without a candidate */
    unsigned ttl_ms;
    const char *callees; /* "bob\ncarol\n"; NULL: nobody */
    unsigned ring_ms;    /* 0: 45 s */
    const char *meta;    /* msgpack; NULL: none */
};
const char *lab_call_create(struct lab *, const char *call, const char *who, struct lab_offer);
const char *lab_call_join(struct lab *, const char *call, const char *who);
const char *lab_call_join_by(struct lab *, const char *call, const char *who, unsigned request);
const char *lab_offer_take(struct lab *, const char *call, const char *who);
const char *lab_call_leave(struct lab *, const char *call, const char *who, unsigned peer, unsigned request);
const char *lab_call_lock(struct lab *, const char *call, const char *who, bool locked);
const char *lab_call_mark(struct lab *, const char *call, const char *who, uint64_t epoch, bool suspended);
/** Its device has a new session: the last word about this one. */
void lab_call_supersede(struct lab *, const char *call, const char *who);
const char *lab_call_get(struct lab *, const char *call, const char *who);
/** By an operator. */
const char *lab_call_end(struct lab *, const char *call);
const char *lab_offer_expire(struct lab *, const char *call);
const char *lab_log_read(struct lab *, const char *call, unsigned after);
const char *lab_fanout_done(struct lab *, const char *call, unsigned first, unsigned last);
/** `count` candidates, each "\xa1c". */
const char *lab_offer_add(struct lab *, const char *call, const char *who, const char *request, unsigned count);

/** "1=alice;2=bob;" with ids in place of names, and facts before it: ";51;1=…". */
const char *lab_seats(struct lab *, const char *names);

/* ---- ringing ---- */
const char *lab_call_invite(struct lab *, const char *call, const char *who, const char *user, unsigned ring_ms,
                            unsigned request);
const char *lab_call_alert(struct lab *, const char *call, const char *who, unsigned request);
struct lab_acceptance {
    const char *answer, *blanked; /* msgpack; NULL: none */
    bool glare, relay;
    unsigned request;
};
const char *lab_call_accept(struct lab *, const char *call, const char *who, struct lab_acceptance);
const char *lab_call_reject(struct lab *, const char *call, const char *who, const char *reason, unsigned request);
/** The ring's timer has fired. */
const char *lab_ring_expire(struct lab *, const char *call, const char *user);
/** `user` "": all. */
const char *lab_call_cancel(struct lab *, const char *call, const char *who, const char *user, unsigned request);
const char *lab_call_incoming(struct lab *, const char *call, const char *user);
/** A node says that one of the user's devices rings since that version. */
const char *lab_ring_restore(struct lab *, const char *call, const char *user, unsigned version);
/** `over` NULL: none. */
const char *lab_pair_claim(struct lab *, const char *call, const char *caller, const char *callee, const char *over,
                           unsigned ms);
const char *lab_call_discard(struct lab *, const char *call, const char *who, const char *other, bool untold);
const char *lab_user_reach(struct lab *, const char *user, const char *caller);
const char *lab_user_seats(struct lab *, const char *who, unsigned epoch);
void lab_block(struct lab *, const char *user, const char *blocked);
struct lab_ring_entry {
    unsigned version;
    char mark;
    const char *named; /* a session that is spoken of by name; NULL: none */
    char named_mark;   /* 0: it has a share of its own */
    const char *seats; /* as for lab_seats(); NULL: none */
    const char *event; /* {"type": event}; NULL: "ring" */
};
struct lab_ring {
    const struct lab_ring_entry *entries;
    size_t count;
    const char *caller;  /* NULL: alice */
    const char *actor;   /* the session whose request it is; NULL: none of the user's */
    const char *request; /* NULL: none */
    const char *reply;   /* {"type": reply} */
};
const char *lab_ring(struct lab *, const char *user, const char *call, struct lab_ring);
/** Entries as the log gives them, for one user only; `list` is a list of the last answer. */
const char *lab_ring_log(struct lab *, const char *user, const char *call, const struct redisReply *list);
/** The version since which a session rings; "nil". */
const char *lab_rings(struct lab *, const char *who, const char *call);
/** The text with T in place of each time of expiry. */
const char *lab_timeless(struct lab *, const char *text);

/* ---- deliveries ---- */
struct lab_entry {
    unsigned version;
    char mark;
    const char *seats; /* as for lab_seats(); NULL: none */
    const char *event; /* {"type": event} */
};
struct lab_delivery {
    const struct lab_entry *entries;
    size_t count;
    const char *request; /* NULL: none */
    const char *reply;   /* {"type": reply} */
};
const char *lab_deliver(struct lab *, const char *who, const char *call, struct lab_delivery);
/** Entries as the log gives them, for one session only; `list` is a list of the last answer. */
const char *lab_deliver_log(struct lab *, const char *who, const char *call, const struct redisReply *list);
/** `requests`: "5 6:5 7", id and the previous one that is vouched for. Each body is {"n": id}. */
const char *lab_signal(struct lab *, const char *to, const char *call, unsigned from, const char *sender,
                       const char *requests);
/** Every mailbox has everything of the call, and the log is empty. */
void lab_bring_out(struct lab *, const char *call);

#define lab_expect(expected, actual) cr_expect_str_eq(actual, expected)
/** Only the first word. */
bool lab_is(const char *answer, const char *word);
#define lab_expect_word(word, actual)                                      \
    do {                                                                   \
        const char *answer_ = (actual);                                    \
        cr_expect(lab_is(answer_, (word)), "%s, not %s", answer_, (word)); \
    } while (0)

#endif
