#include "node/routes.h"

#include "node/node_private.h"
#include "node/store/cluster.h"

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

void routes_fill(struct node *node, struct edge_route routes[ROUTES_MAX])
{
    size_t n = 0;
    routes[n++] = (struct edge_route){"/healthz", on_healthz, node};
    routes[n++] = (struct edge_route){"/readyz", on_readyz, node};
    routes[n++] = (struct edge_route){"/metrics", on_metrics, node};
    if (node->config->dev) {
        routes[n++] = (struct edge_route){"/dev/token", dev_on_token, node};
        routes[n++] = (struct edge_route){"/dev/people", dev_on_people, node};
    }
    routes[n] = (struct edge_route){0};
}
