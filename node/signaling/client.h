/**
 * A client: a socket and, once it said hello, its session. The edge makes and ends it, and brings its frames (conn.h); here is what the stories do with it.
 */
#ifndef NODE_SIGNALING_CLIENT_H
#define NODE_SIGNALING_CLIENT_H

#include <uthash.h>

#include "common/base/bucket.h"
#include "common/base/id.h"
#include "common/loop/timer.h"
#include "node/session/order.h"
#include "node/signaling/private.h"

struct claims;
struct client_ring;
struct outbox;
struct request;
struct seat;
struct session_device;
struct watch;
struct watch_story;

enum { SESSION_KEY_CHARS = 22 };

enum client_state {
    CLIENT_NEW,      /* no hello yet */
    CLIENT_GREETING, /* a hello is being answered; what comes after it waits */
    CLIENT_LIVE,     /* has its session */
    CLIENT_CLOSING,  /* a close is on its way; nothing is heard or said any more */
};

/** Owner: the stories, from client_open() to client_closed(). Whoever asks the store for it remembers the session's id, not this. */
struct client {
    struct client *next, *prev; /* signaling.clients */
    struct signaling *signaling;
    struct conn *conn;
    uint8_t state;
    uint8_t format;
    struct timer
        timer; /* until there is a hello; then until the token ends, or until a node that drains sends it away */
    struct bucket frames, bytes, wrong_ids;
    unsigned frames_refused; /* in a row */

    /* Since its hello: */
    UT_hash_handle hh; /* signaling.sessions */
    struct claims *claims;
    char *device;
    struct id session;
    char key[SESSION_KEY_CHARS + 1];
    uint64_t epoch;
    struct order order; /* of events and requests */

    /* request.c, outbox.c */
    struct request *current; /* the verb under way */
    struct request *waiting; /* list of those behind it */
    struct outbox *outboxes; /* list: signals under way */
    int load;                /* requests that wait for their answers, here or in an outbox */
    bool paused;             /* too many: nothing is read from the socket */

    /* seats.c */
    struct seat *seats;
    size_t seat_count;
    struct client_ring *rings;
    size_t ring_count;
    uint32_t outs; /* rises when the bus says that it is out of a call: answers that are on their way may not know */

    /* mail.c */
    bool reading; /* the mailbox is being read */
    bool behind;  /* it has to be: that failed, the welcome goes first, or the page on its way may be too old */

    /* acks.c */
    struct client *ack_next, *ack_prev; /* signaling.acks */
    bool ack_pending;

    /* heal.c */
    struct client *heal_next, *heal_prev; /* signaling.heal.queue */
    bool heal_queued;
    uint64_t checked_ms; /* steady clock: the store was asked whether it knows all of this */
    uint64_t healing_ms; /* likewise: it did not, and one of its calls is on its way back */

    /* watch.c */
    struct watch *watches;
    size_t watch_count;
    struct watch_story *watching; /* the presence.watch under way */
};

/** The client whose socket holds the session here, or NULL. */
struct client *client_of(struct signaling *, const struct id *session);
/** Who it is to the store; the slices are good as long as its token and device stay. After its hello only. */
struct session_device client_device(const struct client *);

/** From now on there is so much time for a hello as the settings say; then it is closed with 4001. */
void client_await_hello(struct client *);
/** Closes with 4004 when the token ends: in how many ms. A node that drains closes before that. */
uint64_t client_arm_expiry(struct client *);
/** The client has that session from now on; an older socket that had it here is closed. */
void client_adopt(struct client *, const struct id *session, uint64_t epoch);

/**
 * Sends the body in the client's format, with `seq` behind it where that is above 0. What can't be written is our own mistake, and ends the client; of an event
 * its session, too.
 */
void client_send(struct client *, struct slice body, uint64_t seq);
/** Counts requests that wait for their answers; too many stop the reading, fewer start it again. */
void client_load(struct client *, int change);
/** Says no more and hears no more; client_closed() follows from the edge, later. Once is enough: again does nothing. */
void client_close(struct client *, enum close_code);

#endif
