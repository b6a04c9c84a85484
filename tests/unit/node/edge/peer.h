/**
 * The other end of a socket: HTTP and WebSocket frames written by hand (RFC 6455 section 5), turning the world's loop while it waits.
 */
#ifndef TESTS_UNIT_NODE_EDGE_PEER_H
#define TESTS_UNIT_NODE_EDGE_PEER_H

#include "common/base/buf.h"
#include "tests/unit/node/edge/world.h"

enum { OP_MORE = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct peer {
    struct world *world;
    int fd;
    struct buf in; /* what was read and not looked at yet */
    bool ended;    /* the other side closed */
};

struct peer_frame {
    unsigned opcode;
    bool fin;
    struct buf payload;
};

/** Connects to the world's address, or to `to` (as listen addresses are written). */
void peer_init(struct peer *, struct world *, const char *to);
void peer_finish(struct peer *);
/** Connects and upgrades; `headers` are further ones ("" for none). Fails unless it gets a 101. */
void peer_upgrade(struct peer *, struct world *, const char *headers);

/** Raw bytes, all of them. */
void peer_write(struct peer *, struct slice);
void peer_text(struct peer *, const char *);
/** `first` is the frame's first byte: FIN (0x80) and opcode. Masked. */
void peer_frame_put(struct buf *, unsigned first, struct slice payload);
void peer_frame(struct peer *, unsigned first, struct slice payload);

/** An HTTP response: its status; head and body (by Content-Length, none after HEAD) appended to `out` when not NULL. 0: closed without one. */
unsigned peer_response(struct peer *, struct buf *out, bool has_body);
/** Sends and reads: the status. */
unsigned peer_request(struct peer *, const char *request, struct buf *out);
/** The next frame; false when the socket ended. */
bool peer_read(struct peer *, struct peer_frame *ret_frame);
/** The next frame is this text. */
void peer_expect_text(struct peer *, const char *);
/** The next frame that is no ping is a close with that code; if `answer`, it is answered, and the socket must end without a word more. */
void peer_expect_close(struct peer *, unsigned code, bool answer);
/** Reads until the end; false if that does not come in time. */
void peer_expect_end(struct peer *);
/** Reads what is there; false: nothing now. */
bool peer_poll(struct peer *);

#endif
