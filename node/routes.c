#include "node/routes.h"

#include "common/base/clock.h"
#include "node/node_private.h"
#include "node/store/cluster.h"

enum { DEV_TOKEN_S = 3600 };

static void on_healthz(void *context, struct slice query, struct edge_response *r)
{
    (void)context;
    (void)query;
    buf_put_cstr(r->body, "ok\n");
}

/* 404 while draining: HAProxy's disable-on-404 then sends no newcomers and leaves those alone who are here. 503: something is wrong. */
static void on_readyz(void *context, struct slice query, struct edge_response *r)
{
    struct node *node = context;
    (void)query;
    if (node->draining) {
        r->status = 404;
        buf_put_cstr(r->body, "draining\n");
    } else if (!store_is_up(node->store)) {
        r->status = 503;
        buf_put_cstr(r->body, "the store does not answer\n");
    } else if (!store_bus_is_alive(node->store, READY_WITHIN_MS)) {
        r->status = 503;
        buf_put_cstr(r->body, "the canary did not come back through the bus\n");
    } else {
        buf_put_cstr(r->body, "ready\n");
    }
}

static void on_metrics(void *context, struct slice query, struct edge_response *r)
{
    struct node *node = context;
    char labels[64];
    (void)query;
    snprintf(labels, sizeof labels, "node=\"%s\"", node->id.text);
    r->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(&node->metrics, labels, r->body);
}

/* A name as it stands in the query, or false. */
static bool query_name(struct slice query, const char *key, struct buf *out)
{
    return edge_query(query, key, out) && name_is_valid(buf_slice(out));
}

static void put_token(struct node *node, struct slice user, struct slice device, struct edge_response *r)
{
    uint64_t now = clock_wall_ms() / 1000;
    const struct config *c = node->config;
    struct jwt_mint mint = {.user = user,
                            .device = device,
                            .issuer = slice_of(c->jwt_issuer),
                            .audience = slice_of(c->jwt_audience),
                            .issued_s = now,
                            .expires_s = now + DEV_TOKEN_S};
    buf_put_cstr(r->body, "{\"token\":\"");
    if (jwt_sign(node->secrets.keys, &mint, r->body) == ERR_OK) {
        r->content_type = "application/json";
        buf_put_cstr(r->body, "\"}\n");
    } else {
        r->status = 501;
        buf_clear(r->body);
        buf_put_cstr(
            r->body,
            "none of the keys that were given can sign: leave --jwt-key out, or give a secret or a private key\n");
    }
}

static void on_dev_token(void *context, struct slice query, struct edge_response *r)
{
    struct buf user;
    struct buf device;
    buf_init(&user, 256);
    buf_init(&device, 256);
    bool has_device = query_name(query, "device", &device);
    if (!query_name(query, "user", &user) || (!has_device && device.n > 0)) {
        r->status = 400;
        buf_put_cstr(r->body, "say /dev/token?user=NAME[&device=NAME]; a name is 1-64 of A-Z a-z 0-9 . _ @ : + -\n");
    } else {
        put_token(context, buf_slice(&user), buf_slice(&device), r);
    }
    buf_finish(&user);
    buf_finish(&device);
}

void routes_fill(struct node *node, struct edge_route routes[ROUTES_MAX])
{
    size_t n = 0;
    routes[n++] = (struct edge_route){"/healthz", on_healthz, node};
    routes[n++] = (struct edge_route){"/readyz", on_readyz, node};
    routes[n++] = (struct edge_route){"/metrics", on_metrics, node};
    if (node->config->dev)
        routes[n++] = (struct edge_route){"/dev/token", on_dev_token, node};
    routes[n] = (struct edge_route){0};
}
