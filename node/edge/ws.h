/**
 * A WebSocket conn's life at /v1/signal: opening, messages coming in, pings, pause, closing. What goes out stands in send.h.
 *
 * The functions that return int are libwebsockets' callbacks: 0, or -1 to have the socket dropped.
 */
#ifndef NODE_EDGE_WS_H
#define NODE_EDGE_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/loop/timer.h"
#include "node/signaling/conn.h"

#define WS_PROTOCOL_JSON "switchboard.v1.json"
#define WS_PROTOCOL_MSGPACK "switchboard.v1.msgpack"

struct address;
struct edge;
struct frame;
struct held;
struct lws;

enum conn_state {
    CONN_OPEN,
    CONN_CLOSING,     /* our close frame is queued or sent; the peer's is awaited */
    CONN_PEER_CLOSED, /* the peer closed first; libwebsockets answers */
    CONN_DOOMED,      /* the socket is shut down; libwebsockets will notice on the next turn of the loop */
    CONN_GONE,        /* client_closed() is being called */
};

/** Owned by the edge's list `conns`; small, for there are many that do nothing. */
struct conn {
    uint32_t magic;
    uint8_t state;      /* enum conn_state */
    uint8_t format;     /* enum wire_format */
    uint8_t end;        /* enum closes: how it will be counted */
    uint8_t silent : 2; /* intervals without a sign of life */
    bool heard : 1;     /* in this interval */
    bool paused : 1;    /* by the stories */
    bool unread : 1;    /* libwebsockets was told not to read */
    bool close_sent : 1;
    struct lws *wsi;
    struct edge *edge;
    struct client *client; /* NULL: refused, or client_open() has not returned yet */
    struct conn *next;
    struct conn **pprev;
    struct timer timer; /* open: the next ping; closing: the end of patience */
    struct address *address;
    struct buf message; /* a message of which parts are still to come */
    struct held *held;  /* messages that wait for the end of a pause */
    struct conn *settle_next;
    struct conn **settle_pprev;
    struct frame *queue;
    struct frame **queue_end;
    size_t queue_bytes;
    struct timer turn_end; /* what was queued in this turn goes out then */
};

/** What libwebsockets keeps with a socket; NULL before the upgrade and after the end. */
struct conn *conn_of(struct lws *);

int conn_on_established(struct edge *, struct lws *, enum wire_format);
int conn_on_receive(struct conn *, struct slice part);
int conn_on_pong(struct conn *);
int conn_on_writable(struct conn *);
/** `payload`: two bytes of a code and its reason, or nothing. */
int conn_on_peer_close(struct conn *, struct slice payload);
void conn_on_closed(struct conn *);

/** Drops the socket without a word, soon, from the loop: good from any context. */
void conn_doom(struct conn *);

/** Names of enum closes. */
extern const char *const conn_closes[];

/** Sends a close frame behind what is queued, and waits for the peer's: as in struct conn_ops. */
void conn_close(struct conn *, enum close_code);

#endif
