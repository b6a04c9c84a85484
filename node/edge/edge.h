/**
 * The sockets: WebSocket (RFC 6455) for signaling at /v1/signal, and plain HTTP beside it. The only room that knows libwebsockets.
 *
 * It listens (TCP with SO_REUSEPORT, or Unix sockets) with listeners of its own and gives each accepted socket to libwebsockets; runs on the given
 * libuv loop and takes no signal handlers. What it holds for one conn is bounded: the largest message, the send queue.
 *
 * Text frames are passed on as they come: whether they are UTF-8 is the decoder's to say (its caller closes with 4002). A close frame of ours is given
 * five seconds to get out behind what is queued and to be answered; then the socket is dropped.
 */
#ifndef NODE_EDGE_EDGE_H
#define NODE_EDGE_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/metrics.h"
#include "common/base/why.h"
#include "node/signaling/conn.h"

struct uv_loop_s;
struct timers;
struct edge;

/** A plain HTTP request, as it was sent; valid during the call. A header that was not sent is empty. */
struct edge_request {
    struct slice query; /* behind `?`, undecoded; edge_query() reads it */
    struct slice accept_encoding, if_none_match;
};

/** Its answer. */
struct edge_response {
    unsigned status;          /* 200 unless changed */
    const char *content_type; /* "text/plain; charset=utf-8" unless changed */
    struct buf *headers;      /* further ones, each ending in CRLF */
    struct buf *body;         /* bounded by 1 MiB */
    /** Instead of `body`: bytes that outlive the edge. However slowly they are read, no copy of them is kept. */
    struct slice lasting;
};

/** Answers at once. */
typedef void edge_route_fn(void *context, const struct edge_request *, struct edge_response *);

/** GET (and HEAD) `path`, exactly. The list ends with a row whose path is NULL. */
struct edge_route {
    const char *path;
    edge_route_fn *on_get;
    void *context;
};

/** The value of `name` in a query string, percent-decoded, appended to `out`. False if it is not there or malformed. */
bool edge_query(struct slice query, const char *name, struct buf *out);

/** All of it is copied or read during edge_create(), but for `metrics`, `ops` users and the objects named as pointers to live things. */
struct edge_settings {
    const char *const *listen; /* "127.0.0.1:8080", "[::]:8080", ":8080", "unix:/path.sock"; ends with NULL */
    const char *tls_cert; /* PEM chain; NULL: no TLS (then tls_key is NULL too). One setting for all TCP listeners */
    const char *tls_key;
    /** Allowed `Origin` values, exact; ends with NULL; NULL or empty: any. A client without one is no browser and passes. */
    const char *const *origins;
    const char *const *trusted_proxies; /* CIDRs whose X-Forwarded-For is believed; ends with NULL */
    const struct edge_route *routes;
    size_t message_bytes_max; /* a reassembled message; more closes with 1009 */
    size_t queue_bytes_max;   /* a conn's send queue; more closes with 4008 */
    uint64_t ping_every_ms;   /* a socket silent for two of them is dropped; one that is paused is not silent */
    /** More are refused with 503 before the upgrade. Lowered, with a warning, if the process may not open so many files. */
    unsigned sockets_max;
    /** 0: no limit. Counts the client's address behind trusted proxies, of IPv6 its /64; answered with 429. */
    unsigned sockets_per_address_max;
    struct signaling *signaling;
    struct metrics *metrics;
    struct timers *timers;
    struct uv_loop_s *loop;
};

/** The functions behind struct conn_ops, for signaling_create(). */
extern const struct conn_ops edge_conn_ops;

/** Binds everything; nothing is accepted before edge_start(). On failure `why` says which address, file or setting, and what to do. */
enum err edge_create(const struct edge_settings *, struct edge **ret_edge, struct why why) ATTR_MUST_USE;
/** Accepts from here on. */
void edge_start(struct edge *);
/**
 * Reads the certificate and key again; new handshakes use them. On failure the old ones stay: ERR_CONFLICT if the key is of another kind than
 * before (RSA, EC), which takes a restart.
 */
enum err edge_reload_tls(struct edge *, struct why why) ATTR_MUST_USE;
/** No newcomers from here on: who knocked already gets 503. Sockets that are open live on. May be called again. */
void edge_stop_listening(struct edge *);
/** Open WebSocket conns. */
size_t edge_conn_count(const struct edge *);
/**
 * Closes what is still open (1012; 1.5 s for the answers), takes everything down over a few turns of the loop and calls on_closed once when nothing is left.
 */
void edge_stop(struct edge *, void (*on_closed)(void *context), void *context);
/** After on_closed only. */
void edge_destroy(struct edge *);

#endif
