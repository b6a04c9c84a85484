#include "common/base/clock.h"
#include "common/base/log.h"
#include "node/node_private.h"

/*
 * Leaving in order (docs/architecture.md): everybody is told to come back elsewhere and closed with 1012, spread over the window; newcomers are sent away with
 * 1013, and for half of the window the node still listens, so that a load balancer sees /readyz say 404 and sends no more of them; what the store has
 * not answered is waited for; then sockets, store and loop go down. A second signal skips the waiting.
 */

enum { LOOK_EVERY_MS = 50, CLOSES_MS = 6000, STORE_MS = 2000 };

static void on_edge_closed(void *context)
{
    struct node *node = context;
    uv_stop(&node->loop);
}

static void take_down(struct node *node)
{
    signaling_stop(node->signaling);
    edge_stop(node->edge, on_edge_closed, node);
}

/* The last words are on their way to the store: suspended sessions, answers that others wait for. */
static void on_store_look(struct timer *timer)
{
    struct node *node = CONTAINER_OF(timer, struct node, drain_timer);
    bool idle = node->metrics.value[METRIC_STORE_PENDING] == 0;
    if (idle || node->impatient || clock_steady_ms() >= node->drain_until_ms)
        take_down(node);
    else
        timer_set(node->timers, timer, LOOK_EVERY_MS, on_store_look);
}

static void on_client_look(struct timer *timer)
{
    struct node *node = CONTAINER_OF(timer, struct node, drain_timer);
    if (node->drain_listen_ms && clock_steady_ms() >= node->drain_listen_ms) {
        edge_stop_listening(node->edge);
        node->drain_listen_ms = 0;
    }
    if (signaling_client_count(node->signaling) == 0 || node->impatient || clock_steady_ms() >= node->drain_until_ms) {
        node->drain_until_ms = clock_steady_ms() + STORE_MS;
        on_store_look(timer);
        return;
    }
    timer_set(node->timers, timer, LOOK_EVERY_MS, on_client_look);
}

void drain_start(struct node *node)
{
    if (node->draining) {
        node->impatient = true;
        return;
    }
    node->draining = true;
    node->drain_listen_ms = clock_steady_ms() + node->config->drain_ms / 2;
    signaling_drain(node->signaling, node->config->drain_ms);
    node->drain_until_ms = clock_steady_ms() + node->config->drain_ms + CLOSES_MS;
    timer_set(node->timers, &node->drain_timer, 0, on_client_look);
}
