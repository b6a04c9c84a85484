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
    bool without_body; /* the answer to HEAD: the length of `body`, not its bytes */
    bool then_close;
};

/** Writes it, or leaves to libwebsockets what the socket does not take now. False: the socket is dead or memory is out. */
bool http_send(struct lws *, const struct http_answer *) ATTR_MUST_USE;

/** A request that is no upgrade. What libwebsockets expects from its callback: 0, or -1 to close. */
int http_on_request(struct edge *, struct lws *, struct slice path);

#endif
