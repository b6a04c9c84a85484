/**
 * An edge on a loop of its own, with stories that are faked: an echo server that obeys commands.
 *
 * The frames it obeys: `close NNNN` closes within client_frame(); `later NNNN` from a timer; `flood COUNT BYTES` sends that many frames of that many
 * bytes; `pause` and `resume`; anything else comes back as it is.
 */
#ifndef TESTS_UNIT_NODE_EDGE_WORLD_H
#define TESTS_UNIT_NODE_EDGE_WORLD_H

#include <uv.h>

#include "common/loop/timer.h"
#include "node/edge/edge.h"

/** The fake. */
struct signaling {
    struct timers *timers;
    bool refuse;             /* client_open() returns NULL */
    enum close_code on_open; /* client_open() closes with it; 0: not */
    const char *greeting;    /* client_open() sends it */
    bool keep_silent;        /* frames are counted and nothing else */
    enum wire_format format; /* of the newest client */
    struct client *clients;
    unsigned opened, closed, frames;
    size_t bytes;
};

struct world {
    uv_loop_t loop;
    uv_timer_t tick; /* so that a turn never sleeps long */
    struct timers *timers;
    struct metrics metrics;
    struct signaling stories;
    struct edge *edge;
    char dir[64];
    char listen[128]; /* where it listens */
    bool closed;
};

/** What a test wants otherwise than usual; zero is "as usual". */
struct world_wish {
    const char *const *listen;
    bool tcp; /* a free port instead of a unix socket */
    const char *tls_cert, *tls_key;
    const char *const *origins, *const *trusted_proxies;
    const struct edge_route *routes;
    size_t message_bytes_max, queue_bytes_max;
    uint64_t ping_every_ms;
    unsigned sockets_max, sockets_per_address_max;
};

void world_init(struct world *, const struct world_wish *);
/** As far as edge_create(); true if it worked. */
bool world_try(struct world *, const struct world_wish *, struct why why);
/** Stops the edge, lets the loop run out and checks that nothing is left on it. */
void world_finish(struct world *);
/** One turn of the loop, a few milliseconds at most. */
void world_turn(struct world *);
/** Turns until `condition` or until half a minute is over: then the test fails. */
#define WORLD_UNTIL(w, condition)                                                           \
    do {                                                                                    \
        uint64_t until_deadline = clock_steady_ms() + 30000;                                \
        while (!(condition)) {                                                              \
            cr_assert_lt(clock_steady_ms(), until_deadline, "not in time: %s", #condition); \
            world_turn(w);                                                                  \
        }                                                                                   \
    } while (0)

/** The conn of the newest client. */
struct conn *world_conn(struct world *);

#endif
