/**
 * What the files of this room share: the edge itself. Private to node/edge.
 */
#ifndef NODE_EDGE_STATE_H
#define NODE_EDGE_STATE_H

#include <libwebsockets.h>
#include <uv.h>

#include "common/base/net.h"
#include "common/loop/timer.h"
#include "node/edge/edge.h"

struct addresses;
struct conn;
struct listener;

enum {
    EDGE_MAGIC = 0x45444745,
    /** What one read takes from a socket and what a conn holds for it while idle; see docs of what larger ones cost in edge.c. */
    EDGE_RX_BYTES = 1024,
    EDGE_SCRATCH_BYTES = 65536,
    /** Sockets that are not upgraded: handshakes and plain HTTP. More wait in the kernel's queue. */
    EDGE_PLAIN_MAX = 2048,
};

/** How far edge_stop() has come. */
enum edge_life { EDGE_CREATED, EDGE_RUNNING, EDGE_STOPPING, EDGE_UNWINDING, EDGE_CLOSED };

/** What /metrics tells apart of how sockets end: close codes of ours, and the ways in which a client goes. */
enum closes {
#define X(name, number, text) CLOSES_##name,
    CLOSE_TABLE(X)
#undef X
        CLOSES_WORDLESS, /* by the client, without a code: 1005 */
    CLOSES_LOST,         /* without a word: 1006 */
    CLOSES_OTHER,        /* by the client, with a code of its own */
    CLOSES
};

struct edge {
    unsigned magic;
    enum edge_life life;

    struct edge_settings set; /* its lists are our copies, owned here */
    struct net_trust trust;   /* owned here */

    struct lws_context *context; /* NULL again when libwebsockets freed it */
    struct lws_vhost *plain;
    struct lws_vhost *tls; /* NULL: none */
    int tls_key_kind;

    struct listener *listeners;
    size_t listener_count;
    bool newcomers_refused; /* since edge_stop_listening() */
    bool accept_paused;
    bool accept_starved; /* and it was said */
    struct timer accept_timer;

    struct conn *conns; /* all that are open */
    size_t conn_count;
    size_t socket_count; /* all that libwebsockets holds, upgraded or not */
    struct addresses *addresses;
    struct conn *settling; /* see hold.h */
    uv_check_t settle_check;
    uv_idle_t settle_wake;
    int64_t closes[CLOSES]; /* sockets that ended, by code */
    unsigned char *scratch; /* LWS_PRE + EDGE_SCRATCH_BYTES: for one write or header on its way */

    struct timer stop_timer;
    uv_idle_t turns; /* counts turns of the loop while libwebsockets closes its handles */
    unsigned turn_count;
    unsigned handles_open; /* ours, but for `turns` */
    void (*on_closed)(void *context);
    void *on_closed_context;
};

/** The edge that a libwebsockets callback belongs to. */
struct edge *edge_of(struct lws *);
/**
 * Bytes to the socket as they are; `bytes` have LWS_PRE before them. As "headers" libwebsockets passes them through; the other kinds it frames, or counts against a
 * length it wants to know. False: the socket is lost.
 */
bool edge_write_raw(struct lws *, unsigned char *bytes, size_t n);
/** After the number of sockets went down: accept again, or go on with stopping. */
void edge_on_fewer_sockets(struct edge *);

#endif
