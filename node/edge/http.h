/**
 * Plain HTTP beside the WebSocket: the routes, and answers to handshakes that are refused.
 */
#ifndef NODE_EDGE_HTTP_H
#define NODE_EDGE_HTTP_H

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/slice.h"

struct edge;
struct lws;

/** The body limit of edge.h. */
enum { HTTP_BODY_MAX = 1 << 20 };

struct http_answer {
    unsigned status;
    const char *content_type;
    const char *headers; /* further ones, each ending in CRLF; "" for none */
    struct slice body;
    /* The body outlives the edge: what the socket does not take at once is not copied but written by http_on_writable(). */
    bool body_lasts;
    bool without_body; /* the answer to HEAD: the length of `body`, not its bytes */
    bool then_close;   /* not with a body that lasts */
};

/** Writes it, or leaves to libwebsockets what the socket does not take now. False: the socket is dead or memory is out. */
bool http_send(struct lws *, const struct http_answer *) ATTR_MUST_USE;

/** A request that is no upgrade. What libwebsockets expects from its callback, here and below: 0, or -1 to close. */
int http_on_request(struct edge *, struct lws *, struct slice path);
/** The socket takes more of the answer. */
int http_on_writable(struct edge *, struct lws *);
/** The socket is gone, and with it what was still to be written. */
void http_on_gone(struct lws *);

#endif
