#include "node/edge/http.h"

#include <string.h>

#include "node/edge/state.h"

static const char text_plain[] = "text/plain; charset=utf-8";

static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {204, "No Content"},
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

bool http_send(struct lws *wsi, const struct http_answer *a)
{
    struct buf out;
    buf_init(&out, LWS_PRE + HTTP_BODY_MAX + 4096);
    if (buf_reserve(&out, LWS_PRE))
        buf_commit(&out, LWS_PRE);
    buf_putf(&out, "HTTP/1.1 %u %s\r\n", a->status, reason_of(a->status));
    buf_putf(&out, "Content-Type: %s\r\nContent-Length: %zu\r\n", a->content_type, a->body.n);
    buf_put_cstr(&out, "Cache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n");
    buf_put_cstr(&out, a->headers);
    buf_put_cstr(&out, a->then_close ? "Connection: close\r\n\r\n" : "\r\n");
    if (!a->without_body)
        buf_put(&out, a->body);
    /* As "headers" libwebsockets passes the bytes through; the other kinds would count them against a length it wants to know. */
    bool sent = !buf_failed(&out) &&
                lws_write(wsi, (unsigned char *)out.p + LWS_PRE, out.n - LWS_PRE, LWS_WRITE_HTTP_HEADERS) >= 0;
    buf_finish(&out);
    return sent;
}

static int answer(struct lws *wsi, const struct http_answer *a)
{
    if (!http_send(wsi, a) || a->then_close)
        return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static const struct edge_route *route_find(const struct edge *edge, struct slice path)
{
    for (const struct edge_route *r = edge->set.routes; r && r->path; r++)
        if (slice_is(path, r->path))
            return r;
    return NULL;
}

/** As RFC 3986 section 2.3 leaves them. */
static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

/** libwebsockets hands out the query decoded and split at `&`: put it together again as it was, so that no value can pass for two. */
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

static int route_answer(struct edge *edge, struct lws *wsi, const struct edge_route *route, bool head)
{
    struct buf query, body;
    buf_init(&query, EDGE_SCRATCH_BYTES);
    buf_init(&body, HTTP_BODY_MAX);
    query_rebuild(edge, wsi, &query);
    struct edge_response response = {.status = 200, .content_type = text_plain, .body = &body};
    route->on_get(route->context, buf_slice(&query), &response);
    struct http_answer a = {.status = response.status,
                            .content_type = response.content_type,
                            .headers = "",
                            .body = buf_slice(&body),
                            .without_body = head};
    if (buf_failed(&body))
        a = (struct http_answer){
            .status = 500, .content_type = text_plain, .headers = "", .body = SLICE("too large\n")};
    int result = answer(wsi, &a);
    buf_finish(&query);
    buf_finish(&body);
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
