/** One node's parts, shared by the files that wire them: node.c, routes.c, drain.c. */
#ifndef NODE_NODE_PRIVATE_H
#define NODE_NODE_PRIVATE_H

#include <uv.h>

#include "common/loop/timer.h"
#include "common/wire/card.h"
#include "node/config.h"
#include "node/dev.h"
#include "node/edge/edge.h"
#include "node/node.h"
#include "node/redis/store.h"
#include "node/secrets.h"
#include "node/signaling/signaling.h"

enum { READY_WITHIN_MS = 5000 };

struct node {
    const struct config *config;
    struct slice dev_key;
    struct node_id id;
    char host[CARD_HOST_SIZE];
    struct metrics metrics;
    uv_loop_t loop;
    struct timers *timers;
    struct redis_url redis_url;
    struct secrets secrets;
    struct signaling *signaling;
    struct store *store;
    struct edge *edge;
    struct dev_people people;
    uv_signal_t on_term, on_int, on_hup;
    struct timer lag_timer; /* measures how late the loop's ticks come */
    struct timer drain_timer;
    uint64_t drain_until_ms;
    uint64_t drain_listen_ms; /* it listens until then; 0: no longer */
    pid_t redis_child;        /* the private redis-server, if it is a child of this process; 0: not */
    int exit_code;
    bool draining;
    bool impatient; /* told twice to end */
};

/* ---- drain.c: the way out ---- */

/* Begins, or, the second time, cuts it short. The loop stops when everything is down. */
void drain_start(struct node *);

#endif
