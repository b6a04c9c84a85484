#include "node/edge/edge.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/ssl.h>

#include "common/base/log.h"
#include "node/edge/address.h"
#include "node/edge/handshake.h"
#include "node/edge/hold.h"
#include "node/edge/http.h"
#include "node/edge/listener.h"
#include "node/edge/settings.h"
#include "node/edge/state.h"
#include "node/edge/tls_files.h"
#include "node/edge/ws.h"

enum {
    HANDSHAKE_TIMEOUT_S = 10,
    KEEPALIVE_S = 30,
    HEADERS_MAX = 8192,
    STOP_WAIT_MS = 1500, /* for close frames to be answered */
    TURNS_TO_CLOSE = 8,  /* of the loop; libwebsockets needs three to close its handles */
};

/* ---- what libwebsockets tells ---- */

struct edge *edge_of(struct lws *wsi)
{
    struct edge *edge = lws_context_user(lws_get_context(wsi));
    assert(edge->magic == EDGE_MAGIC);
    return edge;
}

bool edge_write_raw(struct lws *wsi, unsigned char *bytes, size_t n)
{
    return lws_write(wsi, bytes, n, LWS_WRITE_HTTP_HEADERS) >= 0;
}

static int on_wsi_destroyed(struct lws *wsi)
{
    struct edge *edge = edge_of(wsi);
    http_on_gone(wsi);
    if (edge->socket_count > 0)
        edge->socket_count--;
    edge_on_fewer_sockets(edge);
    return 0;
}

static enum wire_format format_of(struct lws *wsi)
{
    return (enum wire_format)lws_get_protocol(wsi)->id;
}

/* Forwards, and nothing else. */
static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
    (void)user;
    struct conn *c = NULL;
    switch ((int)reason) {
    case LWS_CALLBACK_WSI_CREATE:
        edge_of(wsi)->socket_count++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        return on_wsi_destroyed(wsi);
    case LWS_CALLBACK_HTTP:
        return http_on_request(edge_of(wsi), wsi, slice_make(in, n));
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return http_on_writable(edge_of(wsi), wsi);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return handshake_check(edge_of(wsi), wsi, in);
    case LWS_CALLBACK_ESTABLISHED:
        return conn_on_established(edge_of(wsi), wsi, format_of(wsi));
    case LWS_CALLBACK_RECEIVE:
        c = conn_of(wsi);
        return c ? conn_on_receive(c, slice_make(in, n)) : -1;
    case LWS_CALLBACK_RECEIVE_PONG:
        c = conn_of(wsi);
        return c ? conn_on_pong(c) : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        c = conn_of(wsi);
        return c ? conn_on_writable(c) : -1;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        c = conn_of(wsi);
        return c ? conn_on_peer_close(c, slice_make(in, n)) : -1;
    case LWS_CALLBACK_CLOSED:
        c = conn_of(wsi);
        if (c)
            conn_on_closed(c);
        return 0;
    default:
        return 0;
    }
}

/*
 * rx_buffer_size is what each idle conn holds and what one read takes: 1,024 costs 2.5 kB a conn, 4,096 5.5 kB and 12 % less CPU.
 * tx_packet_size: without it a long frame goes out in pieces of rx_buffer_size, one a turn of the loop.
 */
static const struct lws_protocols protocols[] = {
    {.name = WS_PROTOCOL_JSON,
     .callback = on_lws,
     .rx_buffer_size = EDGE_RX_BYTES,
     .id = WIRE_JSON,
     .tx_packet_size = 262144},
    {.name = WS_PROTOCOL_MSGPACK,
     .callback = on_lws,
     .rx_buffer_size = EDGE_RX_BYTES,
     .id = WIRE_MSGPACK,
     .tx_packet_size = 262144},
    {0},
};

/* It speaks of peers' mistakes and of addresses: for debugging only. */
static void on_lws_log(int level, const char *line)
{
    (void)level;
    log_debug("libwebsockets.said", LOG_STR("line", slice_trim(slice_of(line))));
}

/* ---- life ---- */

static struct lws_vhost *vhost_create(struct edge *edge, bool tls)
{
    /* A zeroed policy: the default one gives each conn a timer in a list that is sorted by walking it. */
    static const lws_retry_bo_t no_policy;
    struct lws_context_creation_info info = {
        .port = tls ? CONTEXT_PORT_NO_LISTEN_SERVER : CONTEXT_PORT_NO_LISTEN,
        .vhost_name = tls ? "tls" : "plain",
        .protocols = protocols,
        .retry_and_idle_policy = &no_policy,
        .alpn = "http/1.1",
        .keepalive_timeout = KEEPALIVE_S,
        .timeout_secs_ah_idle = HANDSHAKE_TIMEOUT_S,
    };
    if (tls) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = edge->set.tls_cert;
        info.ssl_private_key_filepath = edge->set.tls_key;
        info.ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
    }
    return lws_create_vhost(edge->context, &info);
}

static enum err context_create(struct edge *edge, struct why why)
{
    static const lws_retry_bo_t no_policy;
    void *loops[] = {edge->set.loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .pcontext = &edge->context,
        .user = edge,
        .retry_and_idle_policy = &no_policy,
        .timeout_secs = HANDSHAKE_TIMEOUT_S,
        .max_http_header_data = HEADERS_MAX,
    };
    if (edge->set.tls_cert)
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    lws_set_log_level(log_wants(LOG_DEBUG) ? LLL_ERR | LLL_WARN : 0, on_lws_log);
    edge->context = lws_create_context(&info);
    if (!edge->context)
        return why_fail(why, ERR_NO_MEMORY, "libwebsockets could not be started: is its libuv plugin installed?");
    edge->plain = vhost_create(edge, false);
    edge->tls = edge->set.tls_cert ? vhost_create(edge, true) : NULL;
    if (!edge->plain || (edge->set.tls_cert && !edge->tls)) {
        /* Its handles close on later turns of a loop that will not turn: what it holds stays until the process ends, soon. */
        return why_fail(why, ERR_NO_MEMORY, "libwebsockets refused the TLS certificate or is out of memory");
    }
    return ERR_OK;
}

static void edge_free(struct edge *edge)
{
    edge->set.metrics->series[METRIC_SOCKETS_CLOSED] = (struct metric_series){0};
    listeners_destroy(edge);
    settings_finish(edge);
    addresses_destroy(edge->addresses);
    free(edge->scratch);
    free(edge);
}

enum err edge_create(const struct edge_settings *set, struct edge **ret_edge, struct why why)
{
    struct edge *edge = calloc(1, sizeof *edge);
    enum err e = ERR_OK;
    if (!edge || !(edge->scratch = malloc(LWS_PRE + EDGE_SCRATCH_BYTES)))
        abort();
    edge->magic = EDGE_MAGIC;
    edge->addresses = addresses_create();
    settings_copy(edge, set);
    if (!set->tls_cert != !set->tls_key)
        e = why_fail(why, ERR_SYNTAX, "a TLS certificate and its key come together: one of them is missing");
    else if (set->tls_cert)
        e = tls_files_check(set->tls_cert, set->tls_key, &edge->tls_key_kind, why);
    if (!e)
        e = settings_read_trust(edge, set->trusted_proxies, why);
    if (!e)
        e = listeners_create(edge, why);
    if (!e) {
        settings_fit_files(edge);
        e = context_create(edge, why);
    }
    if (e) {
        edge_free(edge);
        return e;
    }
    hold_init(edge);
    metric_set(set->metrics, METRIC_SOCKETS_LIMIT, edge->set.sockets_max);
    set->metrics->series[METRIC_SOCKETS_CLOSED] = (struct metric_series){"code", conn_closes, edge->closes, CLOSES};
    *ret_edge = edge;
    return ERR_OK;
}

void edge_start(struct edge *edge)
{
    assert(edge->magic == EDGE_MAGIC && edge->life == EDGE_CREATED);
    edge->life = EDGE_RUNNING;
    edge->socket_count = 0; /* libwebsockets' own do not count */
    listeners_start(edge);
}

enum err edge_reload_tls(struct edge *edge, struct why why)
{
    int kind;
    if (!edge->tls)
        return why_fail(why, ERR_UNSUPPORTED, "there is no TLS to reload");
    enum err e = tls_files_check(edge->set.tls_cert, edge->set.tls_key, &kind, why);
    if (e)
        return e;
    if (kind != edge->tls_key_kind) {
        /* OpenSSL keeps one certificate for each kind: the old one would be served on to those who prefer it. */
        return why_fail(why, ERR_CONFLICT,
                        "TLS key \"%s\": is of another kind than before (RSA, EC): restart to change that",
                        edge->set.tls_key);
    }
    lws_tls_cert_updated(edge->context, edge->set.tls_cert, edge->set.tls_key, NULL, 0, NULL, 0);
    return ERR_OK;
}

void edge_stop_listening(struct edge *edge)
{
    edge->newcomers_refused = true;
    listeners_stop(edge);
}

size_t edge_conn_count(const struct edge *edge)
{
    return edge->conn_count;
}

/* ---- the end: close frames, then libwebsockets' sockets, then its handles, then itself; each some turns of the loop later ---- */

static void on_turns_closed(uv_handle_t *handle)
{
    struct edge *edge = CONTAINER_OF((uv_idle_t *)handle, struct edge, turns);
    edge->life = EDGE_CLOSED;
    edge->on_closed(edge->on_closed_context);
}

static void on_turn(uv_idle_t *turns)
{
    struct edge *edge = CONTAINER_OF(turns, struct edge, turns);
    if (++edge->turn_count < TURNS_TO_CLOSE || edge->handles_open > 0)
        return;
    if (edge->context)
        lws_context_destroy(edge->context); /* the second time: frees it */
    uv_close((uv_handle_t *)turns, on_turns_closed);
}

static void on_stop_timer(struct timer *timer)
{
    struct edge *edge = CONTAINER_OF(timer, struct edge, stop_timer);
    edge->life = EDGE_UNWINDING;
    lws_context_destroy(edge->context); /* the first time: closes every socket */
    hold_stop(edge);
    uv_idle_init(edge->set.loop, &edge->turns);
    uv_idle_start(&edge->turns, on_turn);
}

void edge_on_fewer_sockets(struct edge *edge)
{
    if (edge->life == EDGE_RUNNING)
        listeners_resume(edge);
    else if (edge->life == EDGE_STOPPING && edge->conn_count == 0)
        timer_set(edge->set.timers, &edge->stop_timer, 0, on_stop_timer);
}

void edge_stop(struct edge *edge, void (*on_closed)(void *context), void *context)
{
    assert(edge->magic == EDGE_MAGIC && edge->life < EDGE_STOPPING);
    edge->on_closed = on_closed;
    edge->on_closed_context = context;
    listeners_stop(edge);
    edge->life = EDGE_STOPPING;
    for (struct conn *c = edge->conns; c; c = c->next)
        conn_close(c, CLOSE_RESTART);
    timer_set(edge->set.timers, &edge->stop_timer, edge->conn_count > 0 ? STOP_WAIT_MS : 0, on_stop_timer);
}

void edge_destroy(struct edge *edge)
{
    if (!edge)
        return;
    assert(edge->magic == EDGE_MAGIC && edge->life == EDGE_CLOSED);
    edge_free(edge);
}
