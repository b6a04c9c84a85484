/**
 * A client's socket as the stories see it. The edge implements it; nothing here knows WebSocket.
 *
 * Who owns what: the edge owns the conn and says so with client_closed() when it goes; the stories own the client. Between client_open() and
 * client_closed() both pointers are good. After conn_close() the edge still calls client_closed(), later, from the loop, once.
 */
#ifndef NODE_SIGNALING_CONN_H
#define NODE_SIGNALING_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/wire/value.h"

struct conn;      /* the edge's */
struct client;    /* the stories' */
struct signaling; /* all stories of one node */

/** Close codes of docs/protocol.md. */
#define CLOSE_TABLE(X)                                           \
    X(NORMAL, 1000, "bye")                                       \
    X(GOING_AWAY, 1001, "this node goes away: resume elsewhere") \
    X(TOO_BIG, 1009, "the message is larger than the limit")     \
    X(RESTART, 1012, "this node restarts: resume elsewhere")     \
    X(OVERLOADED, 1013, "overloaded: come back later")           \
    X(NO_HELLO, 4001, "no hello in time")                        \
    X(NOT_PROTOCOL, 4002, "not this protocol")                   \
    X(TOKEN_REFUSED, 4003, "the token was refused")              \
    X(TOKEN_EXPIRED, 4004, "the token expired")                  \
    X(SUPERSEDED, 4005, "superseded by the same device")         \
    X(ENDED_BY_ADMIN, 4006, "ended by an administrator")         \
    X(RATE_LIMIT, 4007, "rate limit far exceeded")               \
    X(SLOW_READER, 4008, "reading too slowly: resume")           \
    X(BAD_STATE, 4009, "no such protocol state")

enum close_code {
#define X(name, number, text) CLOSE_##name = (number),
    CLOSE_TABLE(X)
#undef X
};
/** The reason that stands in the close frame. */
const char *close_text(enum close_code);

/** What the stories do to a socket; implemented by the edge, given to signaling_create(). */
struct conn_ops {
    /**
     * Sends one frame, text or binary as the conn's format says; the bytes are copied or written before it returns. When the bounded send queue
     * overflows the edge itself closes with 4008; the caller need not care.
     */
    void (*send)(struct conn *, struct slice frame);
    /** Sends what is queued, then a close frame with the code's reason, and closes. Frames that still arrive are dropped. */
    void (*close)(struct conn *, enum close_code);
    /** Stops or goes on reading from the socket: back-pressure. Nothing that was read is lost. */
    void (*pause)(struct conn *, bool paused);
};

/* ---- what the edge tells the stories (implemented in node/signaling) ---- */

/**
 * A socket finished its handshake. One that is refused is told so and closed before this returns. NULL when the node is at its end: the edge then closes with
 * 1013.
 */
struct client *client_open(struct signaling *, struct conn *, enum wire_format) ATTR_MUST_USE;
/** One complete message of at most the size limit, in the conn's format. The bytes are only good during the call. */
void client_frame(struct client *, struct slice frame);
/** The socket is gone, for whatever reason. Frees the client. */
void client_closed(struct client *);

#endif
