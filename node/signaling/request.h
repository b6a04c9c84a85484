/**
 * A request: from the frame that asks to the one answer it gets.
 *
 * A client's verbs run one after the other; only relayed signals run beside each other (outbox.h). So at most one request can have had its effect without an
 * answer when a node dies, and a request that is sent again finds either its kept answer or a store that has done nothing yet.
 */
#ifndef NODE_SIGNALING_REQUEST_H
#define NODE_SIGNALING_REQUEST_H

#include "common/wire/value.h"
#include "node/signaling/client.h"

struct call_actor;
struct verb;

/** Owner: whoever will answer it. What ends it (request_ok(), request_fail() and its like, request_drop()) frees it, and lets the client's next one begin. */
struct request {
    struct request *next, *prev; /* client.waiting, an outbox, or the queue of admission.c */
    struct signaling *signaling;
    struct client *client; /* NULL once the socket is gone: the story goes on, nobody hears the answer */
    struct id session;
    const struct verb *verb;
    struct wire_doc *doc;
    const struct wire_value *message; /* the doc's; NULL once it was forgotten */
    uint64_t id;
    uint64_t run; /* see order_request() */
    uint64_t since_us;
    uint32_t outs; /* client.outs as it began */
    struct id call;
    struct buf reply;              /* body of the ok, once it is known; before that, what a signal relays (outbox.c) */
    void *story;                   /* what the verb needs in between; the verb frees it */
    void (*sit)(struct request *); /* see request_sit() */
    bool looked;                   /* a signal whose peer was asked for in the store (signal.c) */
};

/** Takes a decoded frame of a client that may speak, and owns `doc` from here on: its verb runs now or when those before it are answered. */
void request_take(struct client *, struct wire_doc *doc);
/** Goes on with what waits behind a verb that was answered. */
void request_next(struct client *);
/** The client goes: what has begun goes on without it, the rest is for its resume to send again. */
void requests_forget(struct client *);

/* ---- while it runs ---- */

/** Its socket is gone, or on its way out. */
bool request_is_left(const struct request *);
/** The field `call` as an id, in rq->call. False: the request was answered. */
bool request_call(struct request *);
/** Who acts on rq->call. The client is still there. */
struct call_actor request_actor(const struct request *);
/** What it asks has been read: gives its memory back while the answer is awaited. */
void request_forget_message(struct request *);
/** What was written for the request is whole. False: it grew beyond its cap, and the request was answered. */
bool request_fits(struct request *, const struct buf *);

/* ---- its end ---- */

/** Starts the ok: {"type":"ok","id":n} and `pairs` more to come, in rq->reply. */
struct buf *request_ok_begin(struct request *, size_t pairs);
/** Sends rq->reply (an empty ok if none was begun). */
void request_ok(struct request *);
/** store_done_fn of a request (its context) that has no more to say than that it is done. */
void on_request_done(void *context, enum err);
/** Answers with an error; `why` NULL: the code's own words. An outcome that clients have no code for becomes `unavailable`. */
void request_fail(struct request *, enum err, const char *why);
/** Likewise, and it may be tried again after so long; 0: nothing is said of it. */
void request_fail_later(struct request *, enum err, const char *why, uint64_t retry_after_ms);
/** Ends one that was answered otherwise, or that nobody waits for any more. */
void request_drop(struct request *);
/** Frees one that was never begun, and nothing else. */
void request_destroy(struct request *);
/** An error for a frame that became no request. */
void client_refuse(struct client *, uint64_t id, enum err, const char *why, uint64_t retry_after_ms);

#endif
