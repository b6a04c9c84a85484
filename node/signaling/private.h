/** What the stories share among themselves: clients, requests, and the steps that many of them take. */
#ifndef NODE_SIGNALING_PRIVATE_H
#define NODE_SIGNALING_PRIVATE_H

#include <uthash.h>

#include "common/base/why.h"
#include "common/wire/fields.h"
#include "common/wire/writer.h"
#include "node/call/seating.h"
#include "node/session/order.h"
#include "node/signaling/signaling.h"
#include "node/store/calls.h"
#include "node/store/cluster.h"
#include "node/store/heal.h"
#include "node/store/people.h"
#include "node/store/presence.h"
#include "node/store/rings.h"

enum {
    CALLS_OF_CLIENT_MAX = 16,
    RINGS_OF_CLIENT_MAX = 16,
    SESSION_KEY_CHARS = 22,
    HEARD_COUNTERS = 1024,
};

struct request;
struct outbox;
struct undone;
struct fanout_done;
struct owner;
struct watch;
struct watched;
struct watch_story;

struct signaling {
    struct signaling_settings settings;
    struct store *store;
    struct client *sessions; /* hash of clients that have a session, by its id */
    struct client *clients;  /* list of all of them */
    size_t client_count;
    struct client *acks; /* list of clients whose acks the store has not heard */
    struct owner *owner;
    struct admission *admission;
    struct buf body;  /* scratch: a reply or event being written */
    struct buf frame; /* scratch: a frame on its way out */
    struct buf items; /* scratch: a signal's candidates */
    bool draining;
    uint64_t attempts;                /* to attach a session, so far */
    uint32_t heard[HEARD_COUNTERS];   /* what the bus brought, see mail_heard() */
    struct fanout_done *fanouts_done; /* hash by call */
    struct watched *watched;          /* hash of users whom somebody here watches, by name */
    uint64_t watch_clock;             /* counts reads of their states, and blocks */
    struct undone *undone;            /* list of what the store has still to be told */
    size_t undone_count;
    bool stopped;
    int64_t refused[ERR_COUNT]; /* requests answered with each error */
    struct {
        struct client *queue;                  /* whom the store may have forgotten */
        unsigned asked;                        /* of them, under way */
        bool waits;                            /* for what the lease says */
        uint64_t ticked_ms, slept_ms, lost_ms; /* steady clock; 0: never */
    } heal;
};

/* Where this client sits, as far as this node has heard. */
struct seat {
    struct id call;
    struct seating seating;
    /* By peer: the last request that was stored for it; 0 when another sat down there. */
    uint64_t sent[CALL_SEATS_MAX + 1];
};

/* A call that rings for this client's user, as far as this node has heard. */
struct client_ring {
    struct id call;
    uint64_t version;
};

enum client_state {
    CLIENT_NEW,      /* no hello yet */
    CLIENT_GREETING, /* a hello is being answered; what comes after it waits */
    CLIENT_LIVE,     /* has its session */
    CLIENT_CLOSING,  /* a close is on its way; nothing is heard or said any more */
};

/* A socket and, once it said hello, its session. Owner: from client_open() to client_closed(). */
struct client {
    UT_hash_handle hh;
    struct client *next, *prev;           /* signaling.clients */
    struct client *ack_next, *ack_prev;   /* signaling.acks */
    struct client *heal_next, *heal_prev; /* signaling.heal.queue */
    struct signaling *signaling;
    struct conn *conn;
    struct claims *claims;
    char *device;
    struct id session;
    char key[SESSION_KEY_CHARS + 1];
    uint8_t state;
    uint8_t format;
    bool paused;
    bool reading; /* the mailbox is being read */
    bool behind;  /* it has to be: that failed, or the welcome goes first */
    bool ack_pending;
    uint64_t epoch;
    struct order order;      /* of events and requests */
    struct request *current; /* the verb under way */
    struct request *waiting; /* list of those behind it */
    int load;                /* requests that wait for their answers, here or in an outbox */
    struct outbox *outboxes;
    struct seat *seats;
    size_t seat_count;
    struct client_ring *rings;
    size_t ring_count;
    bool heal_queued;
    uint64_t checked_ms; /* steady clock: the store was asked whether it knows all of this */
    uint64_t healing_ms; /* likewise: it did not, and one of its calls is on its way back */
    struct bucket frames, bytes, wrong_ids;
    unsigned frames_refused;
    struct timer timer; /* hello, then the token's end */
    struct watch *watches;
    size_t watch_count;
    struct watch_story *watching; /* the presence.watch under way */
};

struct verb {
    const char *type;
    const struct field *fields;
    void (*run)(struct request *);
    bool is_kept; /* what it changes stays, and its answer is kept for the same request sent again */
};

/* A request that was taken. Owner: whoever will answer it; request_ok() and request_fail() free it. */
struct request {
    struct request *next, *prev; /* client.waiting, or an outbox */
    struct signaling *signaling;
    struct client *client; /* NULL once the socket is gone: the story goes on, nobody hears the answer */
    struct id session;
    const struct verb *verb;
    struct wire_doc *doc;
    const struct wire_value *message;
    uint64_t id;
    uint64_t run; /* see order_request() */
    uint64_t since_us;
    struct id call;
    struct buf reply;              /* body of the ok, once it is known; before that, what a signal relays (outbox.c) */
    void *story;                   /* what the verb needs in between; the verb frees it */
    void (*sit)(struct request *); /* see request_sit() */
    bool looked;                   /* a signal whose peer was asked for in the store (signal.c) */
};

/* ---- verbs.c ---- */
const struct verb *verb_find(struct slice type);
extern const struct verb verb_hello;

/* ---- client.c ---- */
/* The client whose socket holds the session here, or NULL. */
struct client *client_of(struct signaling *, const struct id *session);
/* From now on there is so much time for a hello. */
void client_await_hello(struct client *);
/* A frame in the client's format, with `seq` behind the body where it is above 0. */
void client_send(struct client *, struct slice body, uint64_t seq);
/* Counts requests that wait for their answers; too many stop the reading, fewer start it again. */
void client_load(struct client *, int change);
/* Says no more and hears no more; client_closed() follows from the edge. */
void client_close(struct client *, enum close_code);
/* The client has a session from now on. */
void client_adopt(struct client *, const struct id *session, uint64_t epoch);
/* Tells the store what clients have handled since the last time. */
void acks_flush(struct signaling *);
struct session_device client_device(const struct client *);
unsigned user_partition(const struct signaling *, struct slice user);

/* ---- client.c: where it sits and what rings ---- */
struct seat *seat_find(struct client *, const struct id *call);
/* Takes a seating in if it is newer than what is known; an empty text means that the client is out. */
void seat_update(struct client *, const struct id *call, struct slice text);

struct client_ring *ring_find(struct client *, const struct id *call);

/* ---- request.c ---- */
/* Takes a decoded frame of a client that may speak; owns `doc` from here on. */
void request_take(struct client *, struct wire_doc *doc);
/* Goes on with what waits behind a verb that was answered. */
void request_next(struct client *);
/* What it asks has been read: gives its memory back while the answer is awaited. */
void request_forget_message(struct request *);
void request_destroy(struct request *);
/* Ends a request that was answered otherwise, or that nobody waits for any more. */
void request_drop(struct request *);
/* What was written for the request is whole. False: it grew beyond its cap, and the request was answered. */
bool request_fits(struct request *, const struct buf *);
/* Starts the ok: {"type":"ok","id":n} and `pairs` more to come, in rq->reply. */
struct buf *request_ok_begin(struct request *, size_t pairs);
/* Sends rq->reply (an empty ok if none was begun) and frees the request. */
void request_ok(struct request *);
/* Answers with an error and frees the request. `why` NULL: the code's own words. */
void request_fail(struct request *, enum err, const char *why);
void request_fail_later(struct request *, enum err, const char *why, uint64_t retry_after_ms);
/* An error for a frame that became no request. */
void client_refuse(struct client *, uint64_t id, enum err, const char *why, uint64_t retry_after_ms);
/* The field `call` as an id. False: answered already. */
bool request_call(struct request *);
struct call_actor request_actor(const struct request *);

/* ---- limits.c ---- */
/* The session sits in as many calls as it may. */
bool client_is_full(const struct client *);
/* Goes on with `sit` if the user may take one more seat, on whichever device the others are; otherwise answers. */
void request_sit(struct request *, void (*sit)(struct request *));
/* The store did not create a call. */
void request_fail_start(struct request *, const struct call_answer *);
/* An id was named that is none of a call that this user may know of: that is counted. */
void request_fail_wrong_id(struct request *);
/* The store did not do it: because of a wrong id, perhaps. */
void request_fail_call(struct request *, const struct call_answer *);

/* ---- admission.c ---- */
struct admission;
struct admission *admission_create(struct signaling *);
/* The sockets of those who wait are closed. NULL is fine. */
void admission_destroy(struct admission *);
/* Goes on with hello_admitted(), now or soon, or sends the client away. NULL: lets everybody in. */
void admission_enter(struct admission *, struct request *);
/* No hello could be let in or queued, whatever it says. */
bool admission_is_full(const struct admission *);
/* Tells a client that has no session when to come back, and closes. */
void admission_refuse(struct admission *, struct client *);

/* ---- hello.c ---- */
void hello_admitted(struct request *);
/* Closes with 4004 when the token ends. */
void client_arm_expiry(struct client *);

/* ---- people.c ---- */
/* Whom the token, or the server's default where it says nothing, lets this client call and watch. */
bool may_call(const struct client *, struct slice user);

/* ---- fanout.c ---- */
/* Brings everybody's mailbox up to the change, keeps rq->reply, then answers the request. */
void fanout_for_request(struct request *, const struct call_answer *);
/* The same in two steps, for a story that has more to do in between: `a` need not live that long. */
struct fanout *fanout_hold(struct request *, const struct call_answer *a);
void fanout_go(struct fanout *);
void fanout_drop(struct fanout *); /* NULL is fine */
/* The same for a change nobody here asked for (rq NULL), or that another story waits for. */
typedef void fanout_done_fn(void *context, enum err); /* NULL where nobody waits */
void fanout_start(struct signaling *, const struct id *call, const struct call_answer *, fanout_done_fn *,
                  void *context);
/* Brings out what the call's log still has: where another node stopped, or has not come to yet. */
void fanout_resume(struct signaling *, const struct id *call, fanout_done_fn *, void *context);
/* Frees the seat of a session that is no more. */
void fanout_leave(struct signaling *, const struct id *call, const struct id *session, const char *reason,
                  fanout_done_fn *, void *context);

/* ---- fanout_done.c ---- */
/* All mailboxes have these versions of the call. */
void fanout_done_note(struct signaling *, const struct id *call, uint64_t first, uint64_t last);
/* Tells the store. */
void fanout_done_flush(struct signaling *);

/* ---- mail.c ---- */
/* Reads what the mailbox holds after the last event that went to the socket; of a client that is being greeted once it is welcome. */
void mail_read(struct client *);
/*
 * Rises with whatever the bus brings for this session, and with some of what it brings for others. Between the store's saying that a session is here and this
 * node's knowing, nobody takes what comes: where this has risen meanwhile, the mailbox is to be read.
 */
uint32_t mail_heard(const struct signaling *, const struct id *session);
/* Once more for those where that failed. */
void mail_retry(struct signaling *);
bool on_mail_events(void *context, const struct id *session, uint64_t seq, const struct slice *bodies, size_t count,
                    const struct store_seating *);
void on_mail_detached(void *context, const struct id *session, uint64_t epoch, enum err why);
void on_mail_healed(void *context);

/* ---- watch.c ---- */
/* Begins, or renews, a watch of each; answers with their states once the changes come in. */
void watch_begin(struct request *, const struct wire_value *users);
void watch_end(struct client *, struct slice user);
void watch_end_all(struct client *);
/* Asks again where that failed. */
void watch_retry(struct signaling *);
void on_watch_presence(void *context, struct slice user, uint64_t rev, const struct presence *);
void on_watch_blocks(void *context, struct slice user, bool blocked, const struct slice *watchers, size_t count);
void on_watch_followed(void *context, struct slice user);

/* ---- heal.c ---- */
/* The store may have forgotten all: asks about every session here. */
void heal_all(struct signaling *);
/* It may have forgotten this one. */
void heal_client(struct client *);
void heal_on_lease(struct signaling *, enum lease was);
void heal_tick(struct signaling *);
void heal_forget(struct client *);
/* The store knows no such session, though it is this client's: it is asked about. False: it has been, and the answer stands. */
bool heal_may_help(struct client *);
/* The store knows the request's call, or who was named there, only up to this version (0: not at all), though the client sits in it or is rung for it by a
 * later one: likewise. */
bool heal_may_find(struct request *, uint64_t version);
/* A member's session is not where it should be. */
void heal_missing(struct signaling *, const struct id *call, const struct id *session);
/* The call has waited long enough for those who know of it. */
void heal_finish(struct signaling *, const struct id *call);

/* ---- suspension.c ---- */
/* The socket of that epoch is gone: the session is suspended, and the calls it sits in are told. */
void suspension_detach(struct signaling *, const struct session_detach *, const struct seat *seats, size_t count);
/* What the store did not hear is said again. */
void suspension_retry(struct signaling *);
void suspension_forget(struct signaling *);
/* Tells a call that the member is suspended or back. An epoch of SUPERSEDED_EPOCH is the last word about a session. */
void suspension_tell(struct signaling *, const struct id *call, const struct id *session, uint64_t epoch,
                     bool suspended);

/* ---- farewell.c ---- */
/* Ends a session, frees its seats, forgets it. */
void farewell_start(struct signaling *, const struct id *session, struct slice user, uint64_t epoch, const char *reason,
                    fanout_done_fn *, void *context);

/* ---- owner.c ---- */
struct owner *owner_create(struct signaling *);
/* Renews the lease now. */
void owner_renew(struct owner *);
void owner_destroy(struct owner *);

/* ---- sweep.c ---- */
/* Suspends the sessions that dead nodes held, in the partitions that this node owns. */
struct sweeper;
struct sweeper *sweeper_create(struct signaling *);
void sweeper_destroy(struct sweeper *);
/* Begins a round, with no notes. False: the last one is not done. */
bool sweep_begin(struct sweeper *);
/* What is known of a node now. */
void sweep_note(struct sweeper *, const struct node_id *, bool lives, uint64_t grace_left_ms);
/* Looks through the own partitions for what dead nodes hold. */
void sweep_run(struct sweeper *, const bool owns[ID_PARTITIONS_MAX]);

/* ---- description.c ---- */
/*
 * Checks what a client wants to send by the media policy and, for relay privacy, takes the addresses out; appends the result as msgpack. An offer or answer
 * is a string of SDP or {type, sdp}. False: the request was answered.
 */
bool description_put(struct request *, const struct wire_value *description, bool relay, struct buf *out);
/* All elements end to end; *ret_count says how many were left. */
bool candidates_put(struct request *, const struct wire_value *candidates, bool relay, struct buf *out,
                    size_t *ret_count);
/* `offer` and `candidates` of what was stored before its call got relay privacy, without addresses. */
void offer_put_blanked(struct buf *, const struct call_answer *);
/* `allow` as the store has it: "", "*" or "\nuser\n". False: the request was answered. */
bool allow_put(struct request *, struct buf *out);

/* ---- call_parts.c ---- */
struct call_parts {
    struct buf offer, candidates, allow, meta;
    size_t candidate_count;
    bool relay;
};
/* What offer.post and call.start carry. False: the request was answered, and there is nothing to finish. */
bool call_parts_read(struct request *, struct call_parts *);
void call_parts_finish(struct call_parts *);
/* All but `allow`. */
void call_parts_put(const struct request *, const struct call_parts *, struct call_create *);
struct id call_id_derive(const struct request *);
/* A description that says its type says the right one. False: the request was answered. */
bool description_check_type(struct request *, const char *field, const char *type);

/* ---- call_changed.c: how verbs end that change a call ---- */
/* call_answer_fn of a request (its context) that has no more to say than the new version. */
void on_call_changed(void *context, const struct call_answer *);
/* The same of one by which its session sits down: its peer, the members, the offer that waited for it. */
void on_call_seated(void *context, const struct call_answer *);
/* `offer` and `candidates`, two pairs, if there is an offer. */
void offer_put(struct buf *, const struct call_answer *);

/* ---- call_start.c ---- */
/* Whether the client may ring that user. False: the request was answered. */
bool callee_check(struct request *, struct slice user);

/* ---- snapshot.c ---- */
enum { SNAPSHOT_PAIRS = 10 };
/* The pairs of a snapshot; the caller has put the map's head. */
void snapshot_put(struct buf *, const struct id *call, const struct call_answer *);

/* ---- outbox.c ---- */
/* Sends a relayed signal behind those of the same pair that are under way. Owns the request; `body` is msgpack without version. */
void outbox_put(struct request *, const struct id *recipient, unsigned from, struct slice body);
void outbox_drop_all(struct client *);

/* ---- one a verb; verbs.c has their table ---- */
void hello_run(struct request *);
void bye_run(struct request *);
void ping_run(struct request *);
void auth_renew_run(struct request *);
void ice_get_run(struct request *);
void offer_post_run(struct request *);
void offer_take_run(struct request *);
void call_start_run(struct request *);
void call_invite_run(struct request *);
void call_alert_run(struct request *);
void call_accept_run(struct request *);
void call_reject_run(struct request *);
void call_cancel_run(struct request *);
void call_join_run(struct request *);
void call_leave_run(struct request *);
void call_remove_run(struct request *);
void call_lock_run(struct request *);
void call_get_run(struct request *);
void presence_set_run(struct request *);
void presence_watch_run(struct request *);
void presence_unwatch_run(struct request *);
void signal_run(struct request *);
void block_set_run(struct request *);
void block_get_run(struct request *);

#endif
