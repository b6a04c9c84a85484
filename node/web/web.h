/**
 * The files that a node serves: the browser client (node/web/client, under /client/) and the page that shows what it can do
 * (node/web/page, at /). The build embeds them (embed_files.cmake), so that the client a browser gets always fits the server.
 *
 * Only rows of the table are served: no path is ever joined to a directory.
 */
#ifndef NODE_WEB_WEB_H
#define NODE_WEB_WEB_H

#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/slice.h"

enum web_use {
    WEB_CLIENT, /* apps import it from pages of their own */
    WEB_PAGE,   /* for development only */
};

struct web_bytes {
    struct slice bytes;
    const char *etag; /* RFC 9110 section 8.8.3, strong: a hash of these very bytes, in quotes; NULL: there are none */
};

struct web_file {
    const char *path; /* as in a request: "/client/switchboard.js", "/" */
    const char *content_type;
    enum web_use use;
    struct web_bytes plain;
    struct web_bytes gzip; /* none where it would be no smaller */
};

/** Ends with a row whose path is NULL, which is not counted. */
extern const struct web_file web_files[];
extern const size_t web_file_count;

/** What a request says of it, as it was sent; empty: nothing. */
struct web_wish {
    struct slice accept_encoding, if_none_match;
};

/**
 * The status: 200, or 304 when the client has it already, with no body. `headers` gets those that belong to it beside Content-Type, each ending in
 * CRLF. *ret_body lasts as long as the file does.
 */
unsigned web_file_answer(const struct web_file *, const struct web_wish *, struct buf *headers, struct slice *ret_body);
/** For people who look at /client/: what is there, a line each. */
void web_client_list(struct buf *out);

#endif
