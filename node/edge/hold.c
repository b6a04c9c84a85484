#include "node/edge/hold.h"

#include <stdlib.h>
#include <string.h>

#include "node/edge/state.h"
#include "node/edge/ws.h"

struct held {
    struct held *next;
    size_t n;
    char bytes[];
};

static void deliver(struct conn *c, struct slice message)
{
    metric_inc(c->edge->set.metrics, METRIC_FRAMES_IN);
    metric_add(c->edge->set.metrics, METRIC_BYTES_IN, (int64_t)message.n);
    client_frame(c->client, message);
}

bool hold_or_deliver(struct conn *c, struct slice message)
{
    if (!c->paused && !c->held) {
        deliver(c, message);
        return true;
    }
    struct held *h = malloc(sizeof *h + message.n);
    if (!h)
        return false;
    h->next = NULL;
    h->n = message.n;
    if (message.n > 0)
        memcpy(h->bytes, message.p, message.n);
    struct held **end = &c->held;
    while (*end)
        end = &(*end)->next;
    *end = h;
    return true;
}

static void held_forget(struct conn *c)
{
    for (struct held *h; (h = c->held);) {
        c->held = h->next;
        free(h);
    }
}

static void settle_unlink(struct conn *c)
{
    if (!c->settle_pprev)
        return;
    *c->settle_pprev = c->settle_next;
    if (c->settle_next)
        c->settle_next->settle_pprev = c->settle_pprev;
    c->settle_pprev = NULL;
}

void hold_finish(struct conn *c)
{
    held_forget(c);
    settle_unlink(c);
}

static void settle(struct conn *c)
{
    while (c->held && !c->paused && (c->state == CONN_OPEN || c->state == CONN_PEER_CLOSED)) {
        struct held *h = c->held;
        deliver(c, (struct slice){h->bytes, h->n});
        c->held = h->next;
        free(h);
    }
    if (c->state != CONN_OPEN)
        held_forget(c);
    bool unread = c->paused && c->state == CONN_OPEN;
    if (unread == c->unread)
        return;
    c->unread = unread;
    lws_rx_flow_control(c->wsi, !unread);
    /* What libwebsockets has read before is only looked at when it wakes up for some reason: be that. */
    if (!unread)
        lws_callback_on_writable(c->wsi);
}

static void on_check(uv_check_t *check)
{
    struct edge *edge = CONTAINER_OF(check, struct edge, settle_check);
    for (struct conn *c; (c = edge->settling);) {
        settle_unlink(c);
        settle(c);
    }
    uv_check_stop(check);
    uv_idle_stop(&edge->settle_wake);
}

static void on_wake(uv_idle_t *idle)
{
    (void)idle;
}

void hold_settle(struct conn *c)
{
    struct edge *edge = c->edge;
    if (c->settle_pprev || edge->life >= EDGE_UNWINDING)
        return;
    c->settle_next = edge->settling;
    c->settle_pprev = &edge->settling;
    if (c->settle_next)
        c->settle_next->settle_pprev = &c->settle_next;
    edge->settling = c;
    uv_check_start(&edge->settle_check, on_check);
    uv_idle_start(&edge->settle_wake, on_wake); /* the turn must not sleep before it comes to the check */
}

void hold_init(struct edge *edge)
{
    uv_check_init(edge->set.loop, &edge->settle_check);
    uv_idle_init(edge->set.loop, &edge->settle_wake);
    edge->handles_open += 2;
}

static void on_check_closed(uv_handle_t *handle)
{
    CONTAINER_OF((uv_check_t *)handle, struct edge, settle_check)->handles_open--;
}

static void on_wake_closed(uv_handle_t *handle)
{
    CONTAINER_OF((uv_idle_t *)handle, struct edge, settle_wake)->handles_open--;
}

void hold_stop(struct edge *edge)
{
    uv_close((uv_handle_t *)&edge->settle_check, on_check_closed);
    uv_close((uv_handle_t *)&edge->settle_wake, on_wake_closed);
}
