#include "benchmarks/comeback.h"

#include "benchmarks/report.h"
#include "benchmarks/tally.h"
#include "common/base/clock.h"

enum { PATIENCE_US = 30 * 1000000, LOOK_EACH_US = 50000 };

struct comeback {
    struct client **clients;
    size_t count, started, back;
};

static void start_next(struct comeback *b)
{
    struct client *c = b->clients[b->started++];
    c->owner = b;
    client_resume(c, c->node + 1);
}

static void on_welcome(struct client *c)
{
    struct comeback *b = c->owner;
    if (!c->resumed)
        die("%s could not resume its session", c->user);
    if (b->started < b->count)
        start_next(b);
    if (++b->back == b->count)
        loop_stop(c->shared->loop);
}

/* Only what comeback_drop() cuts is closed without a word. */
static void on_closed(struct client *c)
{
    if (c->owner)
        die("the server closed the socket of %s", c->user);
}

static const struct client_handlers handlers = {.on_welcome = on_welcome, .on_closed = on_closed};

void comeback_drop(struct client **clients, size_t count, uint64_t left)
{
    struct clients *shared = clients[0]->shared;
    uint64_t deadline = clock_steady_us() + PATIENCE_US;
    struct tally now;
    for (size_t i = 0; i < count; i++) {
        clients[i]->on = &handlers;
        clients[i]->owner = NULL;
        client_drop(clients[i]);
    }
    do {
        loop_run(shared->loop, clock_steady_us() + LOOK_EACH_US);
        tally_read(shared, &now);
    } while (now.sessions > left && clock_steady_us() < deadline);
    if (now.sessions != left)
        die("%llu sessions are attached, not %llu", (unsigned long long)now.sessions, (unsigned long long)left);
    /* The gauge falls when the socket is gone; the store is told in the same turn, and the other members a little later. */
    loop_run(shared->loop, clock_steady_us() + 10 * LOOK_EACH_US);
}

void comeback_resume(struct client **clients, size_t count, size_t in_flight)
{
    struct comeback b = {.clients = clients, .count = count};
    struct loop *loop = clients[0]->shared->loop;
    for (size_t i = 0; i < in_flight && b.started < count; i++)
        start_next(&b);
    loop_run(loop, clock_steady_us() + PATIENCE_US);
    if (b.back < count)
        die("only %zu of %zu clients are back", b.back, count);
    for (size_t i = 0; i < count; i++)
        clients[i]->owner = NULL;
}
