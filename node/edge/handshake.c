#include "node/edge/handshake.h"

#include <strings.h>
#include <sys/socket.h>

#include "node/edge/address.h"
#include "node/edge/http.h"
#include "node/edge/state.h"
#include "node/edge/ws.h"

/* libwebsockets reads the list of subprotocols and the Connection header into 128 bytes and hangs up without a word on longer ones. */
enum { LIST_MAX = 127 };

/* A header's value, in the edge's scratch; n is 0 if it is not there or longer than `max`. */
static struct slice header(struct edge *edge, struct lws *wsi, enum lws_token_indexes token)
{
    int n = lws_hdr_copy(wsi, (char *)edge->scratch, EDGE_SCRATCH_BYTES, token);
    return (struct slice){(char *)edge->scratch, n > 0 ? (size_t)n : 0};
}

struct net_ip handshake_client(struct edge *edge, struct lws *wsi)
{
    struct sockaddr_storage peer;
    socklen_t n = sizeof peer;
    struct net_ip ip;
    bool has_ip = getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&peer, &n) == 0 &&
                  net_ip_of((struct sockaddr *)&peer, &ip);
    return net_client(&edge->trust, has_ip ? &ip : NULL, header(edge, wsi, WSI_TOKEN_X_FORWARDED_FOR));
}

static bool list_has(struct slice list, struct slice word, bool nocase)
{
    struct slice part;
    while (slice_split(&list, ',', &part)) {
        part = slice_trim(part);
        if (nocase ? slice_eq_nocase(part, word) : slice_eq(part, word))
            return true;
    }
    return false;
}

static bool path_is_good(struct edge *edge, struct lws *wsi)
{
    struct slice path = header(edge, wsi, WSI_TOKEN_GET_URI);
    return slice_is(path, "/v1/signal") || (path.n == 0 && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) == 0);
}

static bool method_is_good(struct edge *edge, struct lws *wsi)
{
    (void)edge;
    return lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
}

static bool version_is_good(struct edge *edge, struct lws *wsi)
{
    return slice_is(slice_trim(header(edge, wsi, WSI_TOKEN_VERSION)), "13");
}

static bool form_is_good(struct edge *edge, struct lws *wsi)
{
    struct slice connection = header(edge, wsi, WSI_TOKEN_CONNECTION);
    return connection.n <= LIST_MAX && list_has(connection, SLICE("upgrade"), true) &&
           lws_hdr_total_length(wsi, WSI_TOKEN_KEY) > 0 && lws_hdr_total_length(wsi, WSI_TOKEN_HOST) > 0;
}

/* A client without an Origin is no browser, and no page of a stranger can make it connect. */
static bool origin_is_good(struct edge *edge, struct lws *wsi)
{
    const char *const *allowed = edge->set.origins;
    if (!allowed || !allowed[0] || lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0)
        return true;
    struct slice origin = header(edge, wsi, WSI_TOKEN_ORIGIN);
    for (; *allowed; allowed++)
        if (slice_is(origin, *allowed))
            return true;
    return false;
}

static bool subprotocol_is_good(struct edge *edge, struct lws *wsi)
{
    struct slice offered = header(edge, wsi, WSI_TOKEN_PROTOCOL);
    if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) == 0)
        return true;
    return offered.n <= LIST_MAX &&
           (list_has(offered, SLICE(WS_PROTOCOL_JSON), false) || list_has(offered, SLICE(WS_PROTOCOL_MSGPACK), false));
}

static bool there_is_room(struct edge *edge, struct lws *wsi)
{
    (void)wsi;
    return edge->life == EDGE_RUNNING && !edge->newcomers_refused && edge->conn_count < edge->set.sockets_max;
}

static bool address_has_room(struct edge *edge, struct lws *wsi)
{
    unsigned max = edge->set.sockets_per_address_max;
    if (max == 0)
        return true;
    struct net_ip client = handshake_client(edge, wsi);
    return addresses_held(edge->addresses, &client) < max;
}

static const struct check {
    bool (*is_good)(struct edge *, struct lws *);
    unsigned status;
    const char *headers;
    const char *body;
} checks[] = {
    {path_is_good, 404, "", "not found\n"},
    {method_is_good, 405, "Allow: GET\r\n", "GET only\n"},
    {version_is_good, 426, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", "WebSocket version 13 only\n"},
    {form_is_good, 400, "", "not a WebSocket handshake as in RFC 6455 section 4.1\n"},
    {origin_is_good, 403, "", "this origin is not allowed\n"},
    {subprotocol_is_good, 400, "",
     "offer " WS_PROTOCOL_JSON " or " WS_PROTOCOL_MSGPACK ", in a list of at most 127 bytes, or none\n"},
    {there_is_room, 503, "Retry-After: 5\r\n", "full: come back later\n"},
    {address_has_room, 429, "Retry-After: 30\r\n", "too many sockets from this address\n"},
};

int handshake_check(struct edge *edge, struct lws *wsi, const char *upgrade)
{
    /*
     * CVE-2025-11677: for an unknown Upgrade libwebsockets 4.1 has answered 403 and freed the headers before it asks us, and `upgrade`
     * points into them. So the length comes first. This also refuses h2c.
     */
    if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) == 0 || strcasecmp(upgrade, "websocket") != 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        const struct check *c = &checks[i];
        if (c->is_good(edge, wsi))
            continue;
        metric_inc(edge->set.metrics, METRIC_HANDSHAKES_REFUSED);
        struct http_answer a = {.status = c->status,
                                .content_type = "text/plain; charset=utf-8",
                                .headers = c->headers,
                                .body = slice_of(c->body),
                                .then_close = true};
        bool sent = http_send(wsi, &a);
        (void)sent; /* it is closed in any case */
        return -1;
    }
    return 0;
}
