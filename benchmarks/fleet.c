#include "benchmarks/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "benchmarks/report.h"
#include "common/base/clock.h"

enum { PATIENCE_US = 30 * 1000000 };

/* What is going on in fleet_connect(). */
struct ramp {
    struct fleet *fleet;
    size_t until;
};

static const struct client_handlers ramp_handlers;

static void start_next(struct ramp *ramp)
{
    struct fleet *f = ramp->fleet;
    char user[32];
    snprintf(user, sizeof user, "u%d-%u-%zu", (int)getpid(), f->number, f->started);
    client_start(&f->clients[f->started], f->shared, f->started, user, &ramp_handlers, ramp);
    f->started++;
}

static void on_welcome(struct client *c)
{
    struct ramp *ramp = c->owner;
    ramp->fleet->welcome++;
    if (ramp->fleet->started < ramp->until)
        start_next(ramp);
    else if (ramp->fleet->welcome == ramp->until)
        loop_stop(c->shared->loop);
}

static const struct client_handlers ramp_handlers = {.on_welcome = on_welcome};

void fleet_init(struct fleet *f, struct clients *shared, size_t count)
{
    static unsigned fleets;
    *f = (struct fleet){
        .shared = shared, .number = ++fleets, .count = count, .clients = calloc(count, sizeof *f->clients)};
    if (!f->clients)
        die("no memory for %zu clients", count);
}

void fleet_finish(struct fleet *f)
{
    free(f->clients);
}

void fleet_connect(struct fleet *f, size_t count, size_t in_flight)
{
    size_t before = f->welcome;
    struct ramp ramp = {f, count};
    for (size_t i = 0; i < in_flight && f->started < count; i++)
        start_next(&ramp);
    loop_run(f->shared->loop, clock_steady_us() + PATIENCE_US * (1 + (count - before) / 1000));
    if (f->welcome < count)
        die("only %zu of %zu clients got their welcome", f->welcome, count);
}
