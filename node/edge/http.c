#include "node/edge/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "node/edge/state.h"

enum {
    SENDING_MAGIC = 0x48545450,
    HEAD_MAX = 4096,
    /** What of a lasting body is written at a time: the most that libwebsockets keeps a copy of. */
    PIECE_BYTES = 16384,
    /**
     * For a whole answer: libwebsockets sets no time of its own. Until it is out a peer that sends more already (no browser does) makes 4.1 turn
     * in circles over what it does not read yet, and is hung up on by 4.3.
     */
    ANSWER_S = 30,
};

static const char text_plain[] = "text/plain; charset=utf-8";

/* The rest of a lasting body. Owned by its socket, where a WebSocket has its conn. */
struct sending {
    unsigned magic;
    struct slice left;
};

static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

static const char *reason_of(unsigned status)
{
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

static void put_head(struct buf *out, const struct http_answer *a)
{
    buf_putf(out, "HTTP/1.1 %u %s\r\n", a->status, reason_of(a->status));
    if (a->status != 304) /* RFC 9110 section 8.6: its length would be that of the 200 */
        buf_putf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", a->content_type, a->body.n);
    buf_put_cstr(out, "Cache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n");
    buf_put_cstr(out, a->headers);
    buf_put_cstr(out, a->then_close ? "Connection: close\r\n\r\n" : "\r\n");
}

/* ---- a body that lasts, in pieces ---- */

static struct sending *sending_of(struct lws *wsi)
{
    struct sending *s = lws_get_opaque_user_data(wsi);
    return s && s->magic == SENDING_MAGIC ? s : NULL;
}

void http_on_gone(struct lws *wsi)
{
    struct sending *s = sending_of(wsi);
    if (s)
        lws_set_opaque_user_data(wsi, NULL);
    free(s);
}

static bool send_later(struct lws *wsi, struct slice left)
{
    struct sending *s = malloc(sizeof *s);
    if (!s)
        return false;
    *s = (struct sending){.magic = SENDING_MAGIC, .left = left};
    lws_set_opaque_user_data(wsi, s);
    lws_callback_on_writable(wsi);
    return true;
}

int http_on_writable(struct edge *edge, struct lws *wsi)
{
    struct sending *s = sending_of(wsi);
    if (!s)
        return 0;
    size_t n = s->left.n < PIECE_BYTES ? s->left.n : PIECE_BYTES;
    memcpy(edge->scratch + LWS_PRE, s->left.p, n);
    s->left = (struct slice){s->left.p + n, s->left.n - n};
    if (!edge_write_raw(wsi, edge->scratch + LWS_PRE, n))
        return -1;
    if (s->left.n > 0) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    http_on_gone(wsi);
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* ---- answering ---- */

bool http_send(struct lws *wsi, const struct http_answer *a)
{
    struct buf out;
    assert(!a->body_lasts || !a->then_close);
    struct slice now = a->without_body ? (struct slice){0} : a->body;
    if (a->body_lasts && now.n > PIECE_BYTES)
        now.n = PIECE_BYTES;
    buf_init(&out, LWS_PRE + HTTP_BODY_MAX + HEAD_MAX);
    if (buf_reserve(&out, LWS_PRE))
        buf_commit(&out, LWS_PRE);
    put_head(&out, a);
    buf_put(&out, now);
    bool sent = !buf_failed(&out) && edge_write_raw(wsi, (unsigned char *)out.p + LWS_PRE, out.n - LWS_PRE);
    buf_finish(&out);
    if (sent && !a->without_body && now.n < a->body.n)
        sent = send_later(wsi, (struct slice){a->body.p + now.n, a->body.n - now.n});
    return sent;
}

static int answer(struct lws *wsi, const struct http_answer *a)
{
    if (!http_send(wsi, a) || a->then_close)
        return -1;
    bool later = sending_of(wsi) != NULL;
    if (later || lws_partial_buffered(wsi))
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S);
    return !later && lws_http_transaction_completed(wsi) ? -1 : 0;
}

static const struct edge_route *route_find(const struct edge *edge, struct slice path)
{
    for (const struct edge_route *r = edge->set.routes; r && r->path; r++)
        if (slice_is(path, r->path))
            return r;
    return NULL;
}

/* As RFC 3986 section 2.3 leaves them. */
static bool is_unreserved(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* libwebsockets hands out the query decoded and split at `&`: put it together again as it was, so that no value can pass for two. */
static void query_rebuild(struct edge *edge, struct lws *wsi, struct buf *out)
{
    char *part = (char *)edge->scratch;
    int n;
    for (int i = 0; (n = lws_hdr_copy_fragment(wsi, part, EDGE_SCRATCH_BYTES, WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0; i++) {
        bool in_name = true;
        if (i > 0)
            buf_put_char(out, '&');
        for (int k = 0; k < n; k++) {
            if (is_unreserved(part[k]) || (part[k] == '=' && in_name))
                buf_put_char(out, part[k]);
            else
                buf_putf(out, "%%%02X", (unsigned)(unsigned char)part[k]);
            in_name = in_name && part[k] != '=';
        }
    }
}

static void header_read(struct lws *wsi, enum lws_token_indexes token, struct buf *out)
{
    int n = lws_hdr_total_length(wsi, token);
    char *to = n > 0 ? buf_reserve(out, (size_t)n + 1) : NULL;
    if (to && lws_hdr_copy(wsi, to, n + 1, token) > 0)
        buf_commit(out, (size_t)n);
}

static int response_send(struct lws *wsi, const struct edge_response *r, bool head)
{
    bool lasts = r->lasting.n > 0;
    struct http_answer a = {.status = r->status,
                            .content_type = r->content_type,
                            .headers = buf_cstr(r->headers),
                            .body = lasts ? r->lasting : buf_slice(r->body),
                            .body_lasts = lasts,
                            .without_body = head};
    if (buf_failed(r->body) || buf_failed(r->headers))
        a = (struct http_answer){
            .status = 500, .content_type = text_plain, .headers = "", .body = SLICE("too large\n")};
    return answer(wsi, &a);
}

static int route_answer(struct edge *edge, struct lws *wsi, const struct edge_route *route, bool head)
{
    enum { QUERY, ENCODING, MATCH, HEADERS, BODY, COUNT };
    struct buf bufs[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        buf_init(&bufs[i], i == BODY ? HTTP_BODY_MAX : i == HEADERS ? HEAD_MAX / 2 : EDGE_SCRATCH_BYTES);
    query_rebuild(edge, wsi, &bufs[QUERY]);
    header_read(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, &bufs[ENCODING]);
    header_read(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, &bufs[MATCH]);
    const struct edge_request request = {.query = buf_slice(&bufs[QUERY]),
                                         .accept_encoding = buf_slice(&bufs[ENCODING]),
                                         .if_none_match = buf_slice(&bufs[MATCH])};
    struct edge_response response = {
        .status = 200, .content_type = text_plain, .headers = &bufs[HEADERS], .body = &bufs[BODY]};
    route->on_get(route->context, &request, &response);
    int result = response_send(wsi, &response, head);
    for (size_t i = 0; i < COUNT; i++)
        buf_finish(&bufs[i]);
    return result;
}

int http_on_request(struct edge *edge, struct lws *wsi, struct slice path)
{
    bool head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    const struct edge_route *route = route_find(edge, path);
    bool upgrades = slice_is(path, "/v1/signal");
    struct http_answer a = {.content_type = text_plain, .headers = "", .without_body = head};
    if (!route && !upgrades) {
        a.status = 404;
        a.body = SLICE("not found\n");
    } else if (!head && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) == 0) {
        a.status = 405;
        a.headers = "Allow: GET, HEAD\r\n";
        a.body = SLICE("GET or HEAD only\n");
    } else if (!route) {
        a.status = 426;
        a.headers = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
        a.body = SLICE("this is a WebSocket endpoint\n");
    } else {
        return route_answer(edge, wsi, route, head);
    }
    /* A body that may follow is not waited for. */
    a.then_close = !head && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) == 0;
    return answer(wsi, &a);
}
